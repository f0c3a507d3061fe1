"""The detail `second_order`: Hessian, eigenvalues, Newton's step, the limit of the learning rate, critical points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from symbackprop import curvature
from symbackprop.algebra.formula import ZERO, Name, Negative, Node, Number, Product, Quotient
from symbackprop.curvature import CurvatureError, Kind
from symbackprop.curvature.linear_systems import Row
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Inline, Paragraph, Relation, Section, Table
from symbackprop.document.calculation.numerals import Style, show, shown_about
from symbackprop.document.calculation.verified_lines import lines
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Equality, Grid, Leaf, Letter, Tone
from symbackprop.document.sections.optimizer_states import untaken
from symbackprop.document.sections.rate_comparison import step_factor
from symbackprop.evaluation.arithmetics import Value
from symbackprop.graph.notation import Symbol
from symbackprop.messages import message

WIDEST_HESSIAN = 6
"""A Hessian of more parameters is not written out."""
_KINDS = {Kind.SADDLE: "saddle_point"}
"""The phrases of kinds that are not called like their kind."""


def second_order_section(scene: Scene) -> Section:
    """Return what the second derivatives say at the problem's own parameters.

    Raises `CurvatureError` above 30 parameters and `MissingValueError` where numbers are left out.
    """
    problem = scene.derivation.problem
    hessian = curvature.hessian(problem)
    parts: list[tuple[str, list[Block]]] = [
        ("second_order.hessian", list(_hessian(scene, hessian))),
        ("second_order.newton", list(_newton(scene, hessian))),
        ("second_order.rate", list(_rate(scene))),
        ("second_order.critical", list(_critical(scene))),
    ]
    sections = tuple(Section(message(title), tuple(blocks)) for title, blocks in parts if blocks)
    return Section(message("second_order.title"), sections=sections)


def _hessian(scene: Scene, hessian: curvature.Hessian) -> Iterator[Block]:
    names = tuple(map(Name, hessian.names))
    letters = {"slope": _letter(scene, "g"), "hessian": _letter(scene, "H")}
    yield Paragraph(message("second_order.what", loss=Name(scene.derivation.graph.output), names=names, **letters))
    if len(names) <= WIDEST_HESSIAN:
        gradient = _grid(scene.style, [(derivative,) for derivative in hessian.gradient], letters["slope"])
        yield Display((gradient, _grid(scene.style, hessian.entries, letters["hessian"])))
    if hessian.kinks:
        yield Paragraph(message("second_order.kinks", names=tuple(Name(k.name, k.sample) for k in hessian.kinks)))
    values = hessian.eigenvalues
    if len(values) > 1:
        shown = [show(value, scene.style) for value in values]
        chains = tuple(
            Chain(_eigenvalue(position), (ChainStep(Relation.of(number.exact), number),))
            for position, number in enumerate(shown, 1)
        )
        yield Paragraph(message("second_order.eigenvalues", hessian=letters["hessian"]))
        yield Display(chains, len(chains))
    lowest, highest = values[0], values[-1]
    shape = "bowl" if lowest > 0 else "hill" if highest < 0 else "saddle" if lowest < 0 < highest else "flat"
    yield Paragraph(message(f"second_order.{shape}"))


def _letter(scene: Scene, text: str) -> Letter:
    """Return a letter, with a bar where the problem has it already."""
    return Letter(untaken(scene, Symbol(text)))


def _eigenvalue(position: int) -> Letter:
    return Letter(Symbol("lambda", (str(position),)))


def _grid(style: Style, rows: Sequence[Row], letter: Letter) -> Chain:
    shown = tuple(show(value, style, tone=Tone.BACKWARD) for row in rows for value in row)
    body: Node = shown[0] if len(shown) == 1 else Grid(shown, len(rows[0]))
    return Chain(letter, (ChainStep(Relation.of(all(number.exact for number in shown)), body),))


def _newton(scene: Scene, hessian: curvature.Hessian) -> Iterator[Block]:
    output, style = scene.derivation.graph.output, scene.style
    letters = {letter: _letter(scene, letter) for letter in "gHp"}
    equation = Equality(Product((letters["H"], letters["p"])), Negative(letters["g"]))
    try:
        step = curvature.newton_step(scene.derivation.problem)
    except CurvatureError as error:
        yield Paragraph(message("second_order.no_step", equation=equation, step=letters["p"], reason=error.what))
        return
    yield Paragraph(message("second_order.step", equation=equation, step=letters["p"]))
    if len(step.names) == len(hessian.names) == 1:
        formula = Negative(Quotient(letters["g"], letters["H"]))
        numbers = Negative(Quotient(_leaf(hessian.gradient[0]), _leaf(hessian.entries[0][0])))
        steps = (ChainStep(Relation.EQUAL, formula), *lines(numbers, style, Tone.BACKWARD))
        yield Display((Chain(letters["p"], steps),))
    header = [message(f"second_order.{name}") for name in ("parameter", "before", "change", "after")]
    rows = zip(step.names, step.before, step.step, step.after, strict=True)
    cells = tuple((Name(name), *(shown_about(value, style) for value in row)) for name, *row in rows)
    yield Table(tuple(header), cells, (False, True, True, True))
    if step.loss_after is not None:
        before, after = shown_about(step.loss, style), shown_about(step.loss_after, style)
        yield Paragraph(message("second_order.loss", loss=Name(output), before=before, after=after))
    if step.slope > 0:
        yield Paragraph(message("second_order.climbs"))


def _leaf(value: Value) -> Leaf:
    return Leaf(value, Tone.BACKWARD)


def _rate(scene: Scene) -> Iterator[Block]:
    try:
        found = curvature.rate_limit(scene.derivation.problem)
    except CurvatureError as error:
        name = Name(str(error.what.arguments["name"]))
        yield Paragraph(message("second_order.no_rate", name=name))
        return
    rate, style = Letter(scene.notation.learning_rate()), scene.style
    if found.limit is None:
        yield Paragraph(message("second_order.no_limit"))
        return
    largest = Letter(Symbol("lambda", ("max",)))
    yield Paragraph(message("second_order.limit", rate=rate, factor=step_factor(rate, Letter(Symbol("lambda")))))
    two = Number(Fraction(2))
    numbers = lines(Quotient(two, _leaf(found.largest)), style, Tone.PLAIN)
    limit = (ChainStep(Relation.EQUAL, Quotient(two, largest)), *numbers)
    chains = [Chain(Letter(Symbol("eta", ("max",))), limit)]
    if found.learning_rate is not None:
        own = Leaf(found.learning_rate)
        for position, value in enumerate(found.eigenvalues, 1):
            steps = lines(step_factor(own, _leaf(value)), style, Tone.PLAIN)
            chains.append(Chain(step_factor(rate, _eigenvalue(position)), steps))
    yield Display(tuple(chains))
    if found.learning_rate is not None:
        sizes = [abs(factor) for factor in found.factors]
        verdict = "diverges" if max(sizes) > 1 else "stays" if max(sizes) == 1 else "converges"
        yield Paragraph(message(f"second_order.{verdict}", rate=shown_about(found.learning_rate, style)))


def _critical(scene: Scene) -> Iterator[Block]:
    try:
        found = curvature.critical_points(scene.derivation.problem)
    except CurvatureError:
        return  # more than two parameters
    style, output = scene.style, Name(scene.derivation.graph.output)
    if found.points:
        names = tuple(found.points[0].parameters)
        header: list[Inline] = [*map(Name, names), output, message("second_order.kind")]
        rows: list[tuple[Inline, ...]] = []
        for point in found.points:
            numbers = (shown_about(value, style) for value in (*point.parameters.values(), point.loss))
            rows.append((*numbers, message(f"second_order.{_KINDS.get(point.kind, point.kind)}")))
        yield Table(tuple(header), tuple(rows), (*(True,) * (len(names) + 1), False))
        lowest = found.of_kind(Kind.MINIMUM)
        if len(lowest) > 1:
            yield Paragraph(message("second_order.several_minima"))
    for curve in found.curves:
        from symbackprop.algebra import symbolic

        yield Paragraph(message("second_order.curve", curve=Equality(symbolic.from_sympy(curve), ZERO)))
    yield Paragraph(message("second_order.complete" if found.is_complete else "second_order.searched"))
