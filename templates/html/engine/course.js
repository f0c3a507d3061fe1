// Many updates, in doubles: by the program that `code --target javascript` writes, which runs beside the engine.
// It has the settings of the file in it; where these are changed, or there is no program, the engine makes the updates itself.
const inDoubles = (problem) => {
  const { program } = window.symbackprop, given = new Map(rendering_explorable$floats(problem));
  if (!program || Object.entries(program.settings).some(([name, value]) => given.get(name)[0] !== value)) return null;
  const parameters = {}, data = {};
  for (const [name, numbers] of given) {
    const called = program.names[name] ?? name;
    (program.parameters.includes(called) ? parameters : data)[called] = Float64Array.from(numbers);
  }
  const states = Object.fromEntries(Object.entries(parameters).map(([name, numbers]) => [name, Array.from(numbers, () => program.states.map(() => 0))]));
  return { program, parameters, states, data, rate: data.learning_rate[0] };
};
// The losses of a problem after many updates, of which the last is asked for.
$.train = (of, { words: { steps } }) => {
  const course = inDoubles(of.problem);
  if (!course) return { loss: rendering_explorable$loss_after(of, steps) };
  const losses = course.program.run(course.parameters, course.states, course.data, 1, Number(steps), course.rate);
  if (!losses.every(Number.isFinite)) throw errors$EvaluationError(messages$message("evaluation.magnitude"));
  return { loss: losses.at(-1) };
};
// A descent that goes on where exact steps have led, as `CompiledCourse` in Python.
$.compiled = (derivation, training, worked) => {
  const exact = worked.continued(evaluation_arithmetics$FLOAT), course = inDoubles(derivation.problem);
  if (!course) return exact;
  const { program, parameters, states, data, rate } = course;
  const elements = derivation.parameters.map((quantity) => [program.names[quantity.name], [...quantity.elements()]]);
  let { number } = exact;
  for (const [name, own] of elements) own.forEach((element, place) => {
    parameters[name][place] = exact.parameters.$get(element);
    states[name][place] = program.states.map((state) => exact.states.$get(element).$get(state));
  });
  const reached = () => {
    exact._move($.dict(elements.flatMap(([name, own]) => own.map((element, place) => [element, parameters[name][place]]))));
    return exact;
  };
  return {
    get loss() { return reached().loss; },
    get outputs() { return reached().outputs; },
    get parameters() { return reached().parameters; },
    $update(batch, times) {
      const losses = program.run(parameters, states, data, number + 1, Number(times), rate);
      number += Number(times);
      return losses.slice(1);
    },
  };
};
