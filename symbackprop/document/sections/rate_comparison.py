"""The comparison of learning rates: the same descent with several of them, in tables, a curve, and a verdict for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from symbackprop import figures
from symbackprop.algebra.formula import ONE, Name, Negative, Node, Number, Product, Quotient, Sum
from symbackprop.descent.epochs import table_rows
from symbackprop.descent.solution import Solution
from symbackprop.descent.trajectories import RateComparison, Trajectory, compare_rates
from symbackprop.document.blocks import Block, Figure, Inline, Paragraph, Section, Table
from symbackprop.document.calculation.numerals import show, shown_about
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import About, Equality, Letter, Shown
from symbackprop.evaluation.arithmetics import Value
from symbackprop.graph.notation import Symbol
from symbackprop.messages import message

FEWEST_STEPS = 10
"""A comparison follows as many updates as the solution has, but at least so many: a tendency needs some to be seen."""
_PER_TABLE = 4


def rate_comparison_section(scene: Scene, solution: Solution) -> Section:
    """Return the section that compares the learning rates of a solution."""
    steps = max(len(solution.losses) - 1, FEWEST_STEPS)
    found = compare_rates(solution.problem, solution.learning_rates, steps)
    blocks: list[Block] = [Paragraph(message("rates.what", rate=_rate(scene), count=steps))]
    blocks += _limit(scene, found)
    for name in found.names:
        values = [
            [point[found.names.index(name)] for point in trajectory.parameters] for trajectory in found.trajectories
        ]
        blocks += _tables(scene, found, Name(name), values)
    output = Name(scene.derivation.graph.output)
    blocks += _tables(scene, found, output, [list(trajectory.losses) for trajectory in found.trajectories])
    blocks.append(_verdicts(scene, found))
    if _is_of_one(found) and any(trajectory.factors[0] < 0 for trajectory in found.trajectories):
        blocks.append(Paragraph(message("rates.negative")))
    for group in found.alike():
        rates = tuple(shown_about(trajectory.rate.value, scene.style, trajectory.rate.text) for trajectory in group)
        alike: dict[str, object] = {"rate": _rate(scene), "rates": rates, "loss": output}
        if _is_of_one(found):
            alike["factors"] = tuple(show(trajectory.factors[0], scene.style) for trajectory in group)
        blocks.append(Paragraph(message("rates.alike_factors" if _is_of_one(found) else "rates.alike", **alike)))
    blocks.append(_curves(scene, found))
    return Section(message("rates.title"), tuple(blocks))


def _rate(scene: Scene) -> Letter:
    return Letter(scene.notation.learning_rate())


def _is_of_one(found: RateComparison) -> bool:
    """Say whether every update multiplies one distance by one factor."""
    return found.limit is not None and len(found.limit.eigenvalues) == 1


def _limit(scene: Scene, found: RateComparison) -> Iterator[Block]:
    """Yield what the second derivatives say about all learning rates."""
    if found.limit is None or found.limit.limit is None:
        return
    largest, style = found.limit.largest, scene.style
    one = len(found.limit.eigenvalues) == 1
    letter = Letter(Symbol("lambda")) if one else Letter(Symbol("lambda", ("max",)))
    yield Paragraph(
        message(
            "rates.quadratic_one" if one else "rates.quadratic",
            parameter=Name(found.names[0]) if one else "",
            eigenvalue=_equal(letter, shown_about(largest, style)),
            factor=step_factor(_rate(scene), letter),
            rate=_rate(scene),
            limit=_equal(Quotient(Number(Fraction(2)), letter), shown_about(found.limit.limit, style)),
        )
    )


def step_factor(rate: Node, eigenvalue: Node) -> Sum:
    """Return 1 − η λ, by which an update multiplies the distance along an eigenvector."""
    return Sum((ONE, Negative(Product((rate, eigenvalue)))))


def _tables(scene: Scene, found: RateComparison, name: Name, columns: Sequence[Sequence[Value]]) -> Iterator[Block]:
    """Yield tables of one quantity: a row for a number of updates, a column for each learning rate."""
    yield Paragraph(message("rates.table", quantity=name))
    pairs = list(zip(found.trajectories, columns, strict=True))
    for start in range(0, len(pairs), _PER_TABLE):
        part = pairs[start : start + _PER_TABLE]
        header: list[Inline] = [message("column.updates")]
        header += [_at_rate(scene, trajectory) for trajectory, _ in part]
        rows = []
        for count in table_rows(found.steps):
            cells: list[Inline] = [
                show(values[count], scene.style) if count < len(values) else "" for _, values in part
            ]
            rows.append((str(count), *cells))
        yield Table(tuple(header), tuple(rows), (True,) * len(header))


def _at_rate(scene: Scene, trajectory: Trajectory) -> Node:
    return _equal(_rate(scene), shown_about(trajectory.rate.value, scene.style, trajectory.rate.text))


def _equal(left: Node, right: Shown | About) -> Node:
    """Return an equality, of which a rounded number stands alone."""
    return right if isinstance(right, About) else Equality(left, right)


def _verdicts(scene: Scene, found: RateComparison) -> Table:
    """Return the table of learning rates: factor of each step, loss at the end, verdict."""
    style = scene.style
    letters = step_factor(_rate(scene), Letter(Symbol("lambda")))
    one = _is_of_one(found)
    last = message("rates.last", loss=Name(scene.derivation.graph.output))
    header: list[Inline] = [_rate(scene), *([letters] if one else []), last, message("rates.verdict")]
    rows = []
    for trajectory in found.trajectories:
        factor: list[Inline] = [show(trajectory.factors[0], style)] if one else []
        rate = shown_about(trajectory.rate.value, style, trajectory.rate.text)
        verdict = message(f"rates.{trajectory.verdict}", made=len(trajectory.losses) - 1)
        rows.append((rate, *factor, show(trajectory.losses[-1], style), verdict))
    return Table(tuple(header), tuple(rows), (*(True,) * (len(header) - 1), False))


def _curves(scene: Scene, found: RateComparison) -> Figure:
    output = scene.notation.symbol(scene.derivation.graph.output)
    named = [(trajectory.rate.text, [float(loss) for loss in trajectory.losses]) for trajectory in found.trajectories]
    plot = figures.learning_rates(output, named)
    told = tuple(
        message("rates.told", rate=name, first=f"{losses[0]:.4g}", last=f"{losses[-1]:.4g}") for name, losses in named
    )
    return Figure(plot, message("rates.caption", rate=_rate(scene)), message("rates.alternative", trajectories=told))
