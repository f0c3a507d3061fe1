"""How long printing takes: formulas against SymPy's printer, documents: `python benchmarks/print.py`.

The formulas that are printed by both are compared at random numbers before their times count.
"""

from __future__ import annotations

import argparse
import functools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import measuring
import sympy
from measuring import Line

import symbackprop as sbp
from symbackprop import document, rendering
from symbackprop.algebra.formula import Adjoint, Name, Node, added
from symbackprop.arithmetic import exact
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import ChainStep, Display, Document, Section
from symbackprop.rendering import layout
from symbackprop.rendering.dialects import tex
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.exporters import EXPORTERS

FORMATS = ("latex", "markdown")
STEP_TARGET = 10.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="runs, of which the best counts")
    options = parser.parse_args()
    measuring.show(measuring.machine())
    measuring.table(lines(options.rounds))


def lines(rounds: int) -> Iterator[Line]:
    """Yield what was measured; times are those of the processor."""
    solution = sbp.solve(sbp.example("mazur"))
    yield from formulas(solution.derivation, rounds)
    yield from steps(solution, rounds)
    yield from documents(solution, rounds)


def best(run: Callable[[], object], rounds: int) -> float:
    """Return the least processor time of some runs in seconds, after one to warm up."""
    run()
    found = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        run()
        found = min(found, time.process_time() - start)
    return found


def formulas(derivation: Derivation, rounds: int) -> Iterator[Line]:
    """Yield the time of printing equations and gradients in symbols, and that of SymPy."""
    output = derivation.graph.output
    gradients = [name for name in derivation.links if name != output]
    trees = [equation.formula() for equation in derivation.elements.equations]
    trees += [added(tuple(link.contribution(output) for link in derivation.links[name])) for name in gradients]
    expressions = [derivation.expression(equation.name) for equation in derivation.elements.equations]
    expressions += [derivation.gradient_expression(name) for name in gradients]
    agree = all(_agree(derivation, *pair) for pair in zip(trees, expressions, strict=True))
    own = best(lambda: _printed(derivation, trees), rounds) / len(trees) * 1e6
    theirs = best(lambda: [sympy.latex(each) for each in expressions], rounds) / len(trees) * 1e6
    name = f"{len(trees)} formulas of mazur as LaTeX, one (agree: {agree})"
    yield Line(name, f"{own:.1f} µs", f"≤ {STEP_TARGET:g} µs", agree and own <= STEP_TARGET)
    yield Line("  sympy.latex", f"{theirs:.1f} µs, {theirs / own:.0f} ×")


def _agree(derivation: Derivation, tree: Node, expression: sympy.Expr) -> bool:
    """Say whether a formula and an expression have the same value at random numbers."""
    chance = random.Random(1)
    names = sorted({symbol.name for symbol in expression.free_symbols})
    numbers = {name: Fraction(chance.randint(1, 999), 1000) for name in names}

    def number(node: Node) -> Fraction | None:
        match node:
            case Name(name):
                return numbers.get(name)
            case Adjoint(name):
                return numbers.get(derivation.adjoint_name(name))
        return None

    at = {sympy.Symbol(name, real=True): sympy.Rational(str(value)) for name, value in numbers.items()}
    expected, found = complex(expression.subs(at)), float(exact.evaluate(tree, number))
    return abs(expected - found) <= 1e-12 * max(1.0, abs(found))


def _printed(derivation: Derivation, trees: Sequence[Node]) -> list[str]:
    laid_out = layout.of(Solution(derivation.problem, derivation, (), None, (), {}).notation)
    return [tex.write(laid_out.box(tree)) for tree in trees]


def steps(solution: Solution, rounds: int) -> Iterator[Line]:
    """Yield the time of printing a step of a worked solution: symbols with braces, numbers, results."""
    found = list(_steps(document.compose(solution, without=("title.check",)).sections))
    printed = best(lambda: _printed(solution.derivation, [step.formula for step in found]), rounds) / len(found) * 1e6
    name = f"{len(found)} steps of its solution as LaTeX, one"
    yield Line(name, f"{printed:.1f} µs", f"≤ {STEP_TARGET:g} µs", printed <= STEP_TARGET)


def _steps(sections: Sequence[Section]) -> Iterator[ChainStep]:
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Display):
                yield from (step for chain in block.chains for step in chain.steps)
        yield from _steps(section.sections)


def documents(solution: Solution, rounds: int) -> Iterator[Line]:
    """Yield the time of one document from its problem to its text, and its parts."""
    solving = best(lambda: sbp.solve(solution.problem), rounds)
    composing = best(lambda: document.compose(solution, without=("title.check",)), rounds)
    yield Line("solve mazur", f"{1e3 * solving:.1f} ms")
    yield Line(
        "compose its solution (numbers that check, without the check by differences)", f"{1e3 * composing:.1f} ms"
    )
    content: Document = document.compose(solution, without=("title.check",))
    table = rendering.formats()
    for name in FORMATS:
        written = best(functools.partial(_written, solution, content, table[name]), rounds)
        count = len(_written(solution, content, table[name]).splitlines())
        yield Line(f"  write it as {name}, {count} lines", f"{1e3 * written:.1f} ms")


def _written(solution: Solution, content: Document, format: rendering.Format) -> str:
    return str(EXPORTERS[format.finish](Draft(format, solution, "en", ("full",), content=content)))


if __name__ == "__main__":
    main()
