"""The update on paper: the optimizer's own formula line by line, its settings, the learning rate, the batch of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra.formula import Name, Negative, Node, Number, Stack, names, rewrite, walk
from symbackprop.catalog import optimizers, schedules
from symbackprop.catalog.optimizers import RATE
from symbackprop.catalog.schedules import CONSTANT
from symbackprop.descent.solution import Solution
from symbackprop.descent.update import Change
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Inline, Paragraph, Relation
from symbackprop.document.calculation.numerals import Style, show
from symbackprop.document.chain_rule.chains import parameters_of
from symbackprop.document.chain_rule.formulas import gradient_expression
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.chain_rule.signs import signs_in_front
from symbackprop.document.display_nodes import (
    Assigned,
    Equality,
    Gradient,
    Leaf,
    Letter,
    Shown,
    Tone,
    Updated,
)
from symbackprop.document.matrix_form.array_numbers import TALLEST_GRID, ArrayNumbers, grid_rows
from symbackprop.document.sections import optimizer_states
from symbackprop.document.sections.optimizer_states import carried_states, letter_of_state
from symbackprop.graph.notation import setting_symbol, state_symbol
from symbackprop.graph.quantities import Graph, Quantity
from symbackprop.messages import Message, message
from symbackprop.problems import Given, Training
from symbackprop.problems.training_table import batches_in
from symbackprop.rows import Settings


def rate_lines(scene: Scene, change: Change) -> Iterator[Block]:
    """Yield the learning rate of an update, where a schedule changes it."""
    if _training(scene).schedule.kind != CONSTANT:
        yield Display((_rate_chain(scene, change),))


def update_blocks(scene: Scene, change: Change, parameters: Sequence[Quantity]) -> Iterator[Block]:
    """Yield the lines of an update for each of the parameters that it changed.

    One line for each parameter stands in one display; where an optimizer has several lines, each parameter has a display.
    """
    changing = [element for element in parameters_of(list(parameters)) if element in change.lines]
    displays = [updated(scene, change, element) for element in changing if scene.updates(element)]
    if not displays and not changing:
        return
    if all(len(chains) == 1 for chains in displays):
        chains = tuple(chain for (chain,) in displays)
        yield Display(_first_in_full(scene.derivation.graph, chains) if len(chains) > MOST_FORMULAS else chains)
    else:
        yield from (Display(chains) for chains in displays)
    if len(displays) < len(changing):
        yield Paragraph(message("detail.updates"))
    if scene.is_short:
        yield from optimizer_states.states(scene, change, changing)


MOST_FORMULAS = 12
"""Of more updates only the first of each array has its formula; the others are numbers alone."""


def _first_in_full(graph: Graph, chains: tuple[Chain, ...]) -> tuple[Chain, ...]:
    """Return updates without their formulas but for the first of each array."""
    arrays: set[str] = set()
    found = []
    for chain in chains:
        array = graph.quantity_of(chain.name).name
        found.append(numbers_alone(chain) if array in arrays else chain)
        arrays.add(array)
    return tuple(found)


def numbers_alone(chain: Chain) -> Chain:
    """Return a chain without the steps that have no number, unless none has."""
    numbers = tuple(step for step in chain.steps if any(isinstance(part, Shown) for part in walk(step.formula)))
    return replace(chain, steps=numbers or chain.steps)


def updated(scene: Scene, change: Change, name: str) -> tuple[Chain, ...]:
    """Return the lines of a parameter's update: those of the optimizer that its settings leave, the new value last."""
    training = _training(scene)
    symbols: dict[str, Node] = _setting_letters(scene, change.number) | {"w": Name(name), "g": Gradient(name)}
    numbers: dict[str, Node] = {key: _leaf(given) for key, given in training.settings.items()}
    if change.learning_rate != training.settings[RATE].value:
        numbers[RATE] = Leaf(change.learning_rate)  # the schedule has changed it
    numbers |= {"w": scene.numbered(Name(name)), "g": Leaf(scene.gradient(name), Tone.BACKWARD)}
    if scene.notation.negative_delta:
        # δ is the negative of the gradient, so that an update adds it.
        numbers["g"] = Negative(Leaf(-scene.gradient(name), Tone.BACKWARD))
    symbols["t"] = numbers["t"] = Number(Fraction(change.number))
    rules = optimizers.reduced(training.optimizer, training.zero, first=change.number == 1)
    found: list[Chain] = []
    # What a sequential update reads is no gradient.
    has_letter = len(rules) > 1 and training.update != "sequential"
    if has_letter:
        found.append(_gradient_line(scene, name, numbers["g"]))
        symbols["g"] = found[0].left
        numbers["g"] = Leaf(scene.gradient(name), Tone.BACKWARD)
    for state, value in change.states[name].items():
        symbols[state] = letter_of_state(scene, state, str(change.number - 1), name)
        numbers[state] = Leaf(value)
    for target, formula in rules:
        value = change.lines[name][target]
        left = Updated(name) if target == "w" else letter_of_state(scene, target, str(change.number), name)
        steps = [ChainStep(Relation.EQUAL, _filled(formula, symbols))]
        steps += () if has_letter else _through_delta(scene, name, formula, symbols)
        lines = scene.lines(signs_in_front(_filled(formula, numbers)), Tone.PLAIN, value)
        found.append(Chain(left, (*steps, *lines)))
        symbols[target], numbers[target] = left, Leaf(value)
    return tuple(found)


def array_updates(scene: Scene, change: Change) -> Iterator[Chain]:
    """Yield the update of each array that changed: by the optimizer's line, if it has one alone, and the new values."""
    rule, filled = _rule_of_all(scene, change)
    for quantity in scene.derivation.parameters:
        if not any(name in change.lines for name in quantity.elements()):
            continue
        letters = _setting_letters(scene, change.number) | {"w": Name(quantity.name), "g": Gradient(quantity.name)}
        # Behind weights that are new already it is not the gradient that a layer is updated with.
        own = None if quantity.layer in change.passes else rule
        steps = () if own is None else (ChainStep(Relation.EQUAL, _filled(own, letters)),)
        rows = grid_rows(scene, quantity)
        found = ArrayNumbers(scene).by_rule(rows, own and filled, _numbers_of(scene), _new(change), quantity)
        if steps or found:
            yield Chain(Updated(quantity.name), (*steps, *found))
        yield from ArrayNumbers(scene).slices(quantity, Updated(quantity.name), _new(change))


def joint_update(scene: Scene, change: Change) -> Iterator[Chain]:
    """Yield the update of all parameters of a graph as that of one vector, if they are few numbers and it is one line."""
    rule, filled = _rule_of_all(scene, change)
    names = [name for name in parameters_of(scene.derivation.parameters) if name in change.lines]
    if rule is None or not 1 < len(names) <= TALLEST_GRID or any(each.shape for each in scene.derivation.parameters):
        return

    def column(entry: Callable[[str], Node]) -> Node:
        return Stack(tuple(Stack((entry(name),)) for name in names))

    letters = _setting_letters(scene, change.number) | {"w": column(Name), "g": column(Gradient)}
    numbers = ArrayNumbers(scene).by_rule([[name] for name in names], filled, _numbers_of(scene), _new(change))
    yield Chain(column(Updated), (ChainStep(Relation.EQUAL, _filled(rule, letters)), *numbers))


def _rule_of_all(scene: Scene, change: Change) -> tuple[Node | None, Node | None]:
    """Return the line by which an optimizer finds new values, and the same with numbers for settings; None for several."""
    training = _training(scene)
    rules = optimizers.reduced(training.optimizer, training.zero, first=change.number == 1)
    if len(rules) > 1:
        return None, None
    numbers: dict[str, Node] = {key: _leaf(given) for key, given in training.settings.items()}
    if change.learning_rate != training.settings[RATE].value:
        numbers[RATE] = Leaf(change.learning_rate)
    numbers["t"] = Number(Fraction(change.number))
    ((_, rule),) = rules
    return rule, rewrite(rule, lambda part: numbers.get(part.name) if isinstance(part, Name) else None)


def _numbers_of(scene: Scene) -> dict[str, Callable[[str], Leaf]]:
    return {
        "w": lambda name: Leaf(scene.value(name), written=scene.written(name)),
        "g": lambda name: Leaf(scene.gradient(name), Tone.BACKWARD),
    }


def _new(change: Change) -> Callable[[str], Leaf]:
    return lambda name: Leaf(change.new[name])


def _gradient_line(scene: Scene, name: str, number: Node) -> Chain:
    """Return the line that gives the gradient by a parameter a letter, g."""
    letters = {"g": Gradient(name)}
    steps = (ChainStep(Relation.EQUAL, Gradient(name)), *_through_delta(scene, name, Name("g"), letters))
    lines = scene.lines(signs_in_front(number), Tone.BACKWARD, scene.gradient(name))
    return Chain(letter_of_state(scene, "g", "", name), (*steps, *lines))


def _through_delta(scene: Scene, name: str, formula: Node, symbols: Mapping[str, Node]) -> Iterator[ChainStep]:
    """Yield a line with the gradient in terms of δ, where δ is its negative, so that an update adds it."""
    is_rounded = scene.derivation.problem.notation.round_intermediates is not None
    if scene.notation.negative_delta and "g" in names(formula) and not is_rounded:
        gradient = {"g": gradient_expression(scene, name)}
        yield ChainStep(Relation.EQUAL, signs_in_front(_filled(formula, {**symbols, **gradient})))


def _training(scene: Scene) -> Training:
    training = scene.derivation.problem.training
    assert training is not None
    return training


def _filled(formula: Node, parts: Mapping[str, Node]) -> Node:
    return rewrite(formula, lambda part: parts[part.name] if isinstance(part, Name) else None)


def _leaf(given: Given) -> Leaf:
    return Leaf(given.value, written=given.text)


def _setting_letters(scene: Scene, number: int | str) -> dict[str, Node]:
    """Return the letters of the settings; that of a learning rate which changes has the number of the update."""
    training = _training(scene)
    letters = _letters(scene, optimizers.OPTIMIZERS[training.optimizer].settings)
    rate = scene.notation.learning_rate()
    if training.schedule.kind != CONSTANT:
        rate = replace(rate, lower=(*rate.lower, str(number)))
    return {**letters, RATE: Letter(rate)}


def _letters(scene: Scene, settings: Settings) -> dict[str, Node]:
    """Return the letters of some settings, and that of the learning rate as the problem states it."""
    letters: dict[str, Node] = {key: Letter(setting_symbol(setting.symbol)) for key, setting in settings.items()}
    return letters | {RATE: Letter(scene.notation.learning_rate())}


def _rate_chain(scene: Scene, change: Change) -> Chain:
    """Return the learning rate of an update by its schedule."""
    training = _training(scene)
    choice = training.schedule
    count = Number(Fraction(change.rate_changes))
    row = schedules.SCHEDULES[choice.kind]
    symbols = _letters(scene, row.settings) | {"k": count}
    numbers: dict[str, Node] = {key: _leaf(given) for key, given in choice.settings.items()}
    numbers |= {RATE: _leaf(training.settings[RATE]), "k": count}
    formula = schedules.rate(choice.kind)
    lines = scene.lines(_filled(formula, numbers), Tone.PLAIN, change.learning_rate)
    return Chain(
        _setting_letters(scene, change.number)[RATE], (ChainStep(Relation.EQUAL, _filled(formula, symbols)), *lines)
    )


# What the statement of the problem says


def rules(scene: Scene) -> Iterator[Message]:
    """Yield the update of a parameter as lines of an algorithm."""
    training = _training(scene)
    arrays = [quantity for quantity in scene.derivation.parameters if quantity.name not in training.frozen]
    if not arrays:
        return
    # A sequential update begins with the last layer, and there alone it is by the gradient.
    is_sequential = training.update == "sequential" and arrays[0].layer != arrays[-1].layer
    shown = next(each for each in arrays if not is_sequential or each.layer == arrays[-1].layer)
    changing = shown.elements()[0]
    counter = Letter(state_symbol(_counter(scene)))
    parts = _setting_letters(scene, _counter(scene)) | {"w": Name(changing), "g": Gradient(changing), "t": counter}
    remaining = optimizers.reduced(training.optimizer, training.zero)
    assigned = []
    if len(remaining) > 1 and training.update != "sequential":
        letter = letter_of_state(scene, "g")
        assigned.append(Assigned(letter, parts["g"]))
        parts["g"] = letter
    for target, formula in remaining:
        left = parts["w"] if target == "w" else letter_of_state(scene, target)
        parts |= {name: letter_of_state(scene, name) for name in names(formula) if name not in parts}
        assigned.append(Assigned(left, _filled(formula, parts)))
        parts[target] = left
    if len(assigned) == 1:
        yield message("sequential.loop" if is_sequential else "loop.update", rule=assigned[0])
    else:
        yield message("training.update", rules=message("text.items", items=tuple(assigned)))


def _counter(scene: Scene) -> str:
    """Return the letter that counts updates: t, or k where t is a letter of the problem."""
    return "k" if any(symbol.base == "t" for symbol in scene.notation.letters.values()) else "t"


def conventions(scene: Scene) -> Iterator[Message]:
    """Yield what is said of the optimizer (where it is more than a learning rate), the schedule, the batches, stopping."""
    training = scene.derivation.problem.training
    if training is None:
        return
    counter = Letter(state_symbol(_counter(scene)))
    settings = tuple(Equality(letter, value) for letter, _, value in _settings_in_force(scene))
    states = tuple(letter_of_state(scene, name) for name in carried_states(training))
    if len(settings) > 1 or states:
        name = message(f"optimizer.{training.optimizer}")
        yield message("training.optimizer", name=name, settings=message("text.items", items=settings))
    if states:
        kind = "training.state" if len(states) == 1 else "training.states"
        if training.state:
            kind = "training.given_states"
        yield message(kind, states=message("text.items", items=states), counter=counter)
    for key, setting in optimizers.OPTIMIZERS[training.optimizer].settings.items():
        if setting.note and key not in training.zero:
            yield message(setting.note)
    yield from _schedule(scene, training)
    yield from _batches(scene, training)
    if training.stop is not None:
        tolerance = show(training.stop.tolerance, scene.style)
        yield message("training.stop", tolerance=tolerance, patience=training.stop.patience)


def _settings_in_force(scene: Scene) -> Iterator[tuple[Node, Message, Node]]:
    """Yield letter, meaning and value of each setting in force."""
    training = _training(scene)
    letters = _letters(scene, optimizers.OPTIMIZERS[training.optimizer].settings)
    for key, given in training.settings.items():
        if key not in training.zero:
            yield letters[key], message(f"setting.{key}"), show(given.value, scene.style, written=given.text)


def _schedule(scene: Scene, training: Training) -> Iterator[Message]:
    choice = training.schedule
    if choice.kind == CONSTANT:
        return
    row = schedules.SCHEDULES[choice.kind]
    times = Letter(state_symbol("k" if _counter(scene) == "t" else "n"))
    parts = _letters(scene, row.settings) | {"k": times}
    left = _setting_letters(scene, _counter(scene))[RATE]
    period = int(choice.settings[row.period].value) if row.period else 1
    unit = "step" if choice.per_step else "epoch"
    values = tuple(
        Equality(parts[key], show(given.value, scene.style, written=given.text))
        for key, given in choice.settings.items()
        if key != row.period
    )
    yield message(
        "training.schedule",
        rule=Equality(left, _filled(schedules.rate(choice.kind), parts)),
        values=message("text.items", items=values),
        times=times,
        period=message(f"period.{unit}") if period == 1 else message(f"period.{unit}s", count=period),
    )


def _batches(scene: Scene, training: Training) -> Iterator[Message]:
    samples = scene.derivation.problem.samples
    if samples is None or batches_in(samples, training.batch_size) == 1:
        return
    order = message("training.shuffled", seed=training.seed) if training.shuffle else message("training.in_order")
    if training.batch_size == 1:
        yield message("training.online", order=order)
    else:
        yield message("training.batches", size=training.batch_size, order=order)


def settings(scene: Scene) -> Iterator[Message]:
    """Yield what the settings in force are, those that the sentence about the optimizer does not tell."""
    found = tuple(_settings_in_force(scene))
    if len(found) == 1 and not carried_states(_training(scene)):
        ((letter, meaning, value),) = found
        yield message("detail.setting", meaning=meaning, value=Equality(letter, value))


def symbol_rows(scene: Scene) -> Iterator[tuple[Inline, Message, Inline]]:
    """Yield symbol, meaning and value of each setting in force, the learning rate first, then of each state."""
    training = _training(scene)
    yield from _settings_in_force(scene)
    for name in carried_states(training):
        yield letter_of_state(scene, name), message(f"state.{training.optimizer}_{name}"), ""


# What a step saw and did


def verdict(solution: Solution) -> Message:
    """Return what the loss did in the last step that is worked out."""
    count, training, output = len(solution.steps), solution.problem.training, solution.derivation.graph.output
    assert training is not None
    assert solution.after is not None
    style, step = Style(solution.problem.notation.digits), solution.steps[-1]
    before, after = solution.losses[count - 1], solution.losses[count]
    is_ascent = training.settings[RATE].value <= 0 or training.update == "sequential"
    if after <= before:
        kind = "text.fell" if after < before else "text.stayed"
    elif is_ascent:
        kind = "text.rose_on_purpose"
    elif step.batch is not None:
        kind = "training.rose_batch"
    else:
        kind = "training.rose_states" if carried_states(training) else "text.rose"
    # The exact loss of a batch is not the one over the whole data.
    old = show(before if step.batch is not None else step.values.value(output), style)
    return message(kind, loss=Name(output), before=old, after=show(solution.after.value(output), style))


def stopped_sentence(solution: Solution) -> Iterator[Block]:
    """Yield what is said where the updates ended early."""
    training = solution.problem.training
    if solution.stopped and training is not None and training.stop is not None:
        yield Paragraph(message("training.stopped", made=len(solution.losses) - 1))
