// The page that answers back: a changed number, everything computed anew by the translated modules, the page brought up to it.
(() => {
  "use strict";
  const api = (window.symbackprop ??= {});
  const { state, words, language, tones, width, names } = api.given;
  const phrases = $.dict(Object.entries(words));
  $.phrases = () => phrases;
  $.languages = () => [language];
  let left = 0;
  $.not_computed = () => { left += 1; throw errors$EvaluationError(messages$message("evaluation.magnitude")); };
  const known = (name) => CLASSES[name];
  const [derivation, details, explain] = $.revive(state, known);
  const stated = derivation.problem;
  const writer = rendering_explorable$writer_of(stated, derivation, language, $.dict(Object.entries(tones)), width);

  const plain = (value) => {
    if (value !== null && typeof value === "object" && value.isDeferred) return deferred(value);
    if (value instanceof $.Dict) return Object.fromEntries(value.$items().filter(([key]) => !UNSEEN.has(key)).map(([key, each]) => [key, plain(each)]));
    if (Array.isArray(value)) return value.map(plain);
    return value;
  };
  // What only libraries of Python can draw is left out, and counted.
  const deferred = (value) => {
    try {
      return value.text;
    } catch (error) {
      if (!(error instanceof $.Absent)) throw error;
      left += 1;
      return null;
    }
  };
  for (const makers of document_sections_figure_placement$_CLOSING.$values())
    makers.forEach((make, place) => {
      makers[place] = (solution) => {
        try {
          return make(solution);
        } catch (error) {
          if (!(error instanceof $.Absent)) throw error;
          left += 1;
          return null;
        }
      };
    });
  const UNSEEN = new Set(["tikz", "image", "words", "alternative", "places", "figures", "formulas", "toned", "latin"]);

  // The numbers of a problem, of which everything else is written.
  api.solved = (of) => rendering_explorable$solved(of, derivation);
  // The parameters after an update as texts by name.
  api.changes = rendering_explorable$changes;
  // Value and gradient of each of some elements as pictures have them.
  api.pictured = rendering_explorable$pictured;
  // The view of solved numbers as plain data, and how much of it is not computed here.
  api.view = (solution) => {
    left = 0;
    const view = plain(rendering_explorable$recomposed(solution, details, explain, writer));
    return { view, left };
  };
  api.edited = (of, name, text) => rendering_explorable$edited(of, derivation, name, text);
  api.stated = stated;
  api.reason = (error) => (error instanceof errors$SymbackpropError ? language$say(language, error.what) : String(error.message));
})();
