"""What a notebook shows: pages of problems, derivations and solutions, and what smaller objects say of themselves."""

from __future__ import annotations

import functools
import html
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symbackprop import document, language
from symbackprop.algebra.broadcasting import spell
from symbackprop.algebra.differentiation import Differentiation
from symbackprop.compilation import Gradient
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.descent.solution import Solution, solve
from symbackprop.document.blocks import Block, Display, Document, Figure, Listing, Section, Table
from symbackprop.document.derivatives import derivative_chains
from symbackprop.errors import KindError
from symbackprop.evaluation.checks import Entry, Oracle, Report, Verdict
from symbackprop.figures.histories import curve
from symbackprop.frontends.tracing import trace
from symbackprop.graph.notation import Notation
from symbackprop.messages import Message, message
from symbackprop.problems import Problem
from symbackprop.problems.accepted import problem_of
from symbackprop.rendering import exporters, layout, render
from symbackprop.rendering.dialects import tex
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.exporters import DOCUMENT
from symbackprop.rendering.formats import formats
from symbackprop.templating import filled
from symbackprop.training.history import History

VIEW = "view.jinja"
"""The template of blocks without titles."""

MOST_PARAMETERS = 200
"""Larger objects are named, not written out: a page of a thousand formulas helps nobody who asked what `x` is."""

MOST_ROWS = 40
"""Of a longer report only what does not agree is shown."""


def to_markdown(shown: object) -> str:
    """Return an object as Markdown, as a notebook shows it.

    Args:
        shown: A problem, which is its statement; a derivation, its formulas; a solution, the worked solution; a
            derivative, its steps; a report, its table; a history, its curve; a compiled gradient, the shapes of its
            arrays. Of a problem with more than 200 parameters the name alone is written.

    Returns:
        Markdown with formulas between dollars.

    Raises:
        KindError: It is none of these.

    Examples:
        >>> import symbackprop
        >>> text = symbackprop.to_markdown(symbackprop.example("line"))
        >>> [line for line in text.splitlines() if line.startswith("## ")]
        ['## 1 The problem']
    """
    row = formats()["markdown"]
    if type(shown) in _BLOCKS:
        return Draft(row, None, language.DEFAULT, (), content=_document(shown)).fill(VIEW)
    solution = _solution(shown)
    count = sum(len(quantity.elements()) for quantity in solution.derivation.parameters)
    if count > MOST_PARAMETERS:
        problem = solution.problem
        title = problem.heading if problem.title else message("text.worked_solution")
        return language.say(language.DEFAULT, message("overview.large", title=title, count=f"{count:,}"))
    view = Draft(row, solution, language.DEFAULT, ("full",)).view
    sections = view["sections"][:1] if isinstance(shown, Problem) else view["sections"]
    return filled(row.folders, DOCUMENT, document={**view, "sections": sections})


def to_text(shown: object) -> str:
    """Return a derivative, a report, a history or a compiled gradient as plain text.

    Args:
        shown: One of these objects.

    Returns:
        Lines of at most a hundred columns, without a line break at the end.

    Raises:
        KindError: It is none of these.

    Examples:
        >>> import symbackprop
        >>> symbackprop.to_text(symbackprop.differentiate("x**2", "x")).strip()
        'd/dx x² = 2 x  (power rule)'
    """
    if type(shown) not in _BLOCKS:
        raise KindError(message("error.no_text", kind=type(shown).__name__))
    draft = Draft(formats()["text"], None, language.DEFAULT, (), content=_document(shown))
    return exporters.text(draft, VIEW).rstrip("\n")


@dataclass(frozen=True)
class Explanation:
    """A worked solution that a notebook shows as its page, in a frame: `solution` is what it explains."""

    solution: Solution
    language: str
    detail: str | None

    def __repr__(self) -> str:
        return f"<Explanation of {self.solution.problem.name}: {self.solution.problem.outline}>"

    @property
    def page(self) -> str:
        """The page as HTML, a file of its own, on which numbers can be changed."""
        return str(render(self.solution, "html", self.language, self.detail))

    def _repr_html_(self) -> str:
        """Return the page in a frame, whose style, scripts and links do not touch those of the notebook.

        Links to places of the page are of the frame: without a base of its own they would open the notebook in it.
        """
        page = self.page.replace("<head>", '<head>\n<base href="about:srcdoc">', 1)
        return f'<iframe style="width: 100%; height: 42rem; border: 0" srcdoc="{html.escape(page)}"></iframe>'

    def _repr_markdown_(self) -> str:
        return to_markdown(self.solution)


def explain(
    function: Callable[..., Any] | None = None,
    *,
    language: str = "en",
    detail: str | None = None,
    **given: Any,
) -> Any:
    """Return the worked solution of a plain function of NumPy arrays, which a notebook shows as a page.

    Args:
        function: The function, as `trace` takes it. Without one this is a decorator: the notebook shows the solution
            when the function is defined, which stays what it is and has it as `explanation`.
        language: The language of the page, `"en"` or `"zh"`.
        detail: What is written out, as for `render`.
        given: `parameters`, `inputs`, `targets` and tables, as `trace` takes them.

    Returns:
        The explanation, or the decorator.

    Raises:
        SymbackpropError: What `trace` and `solve` raise.

    Examples:
        >>> import symbackprop
        >>> found = symbackprop.explain(lambda w, x: (w * x - 1) ** 2, parameters={"w": 0.5}, inputs={"x": 3.0})
        >>> found.solution.losses
        (0.25,)
    """
    if function is None:
        return functools.partial(_explained, language=language, detail=detail, **given)
    return Explanation(solve(trace(function, **given)), language, detail)


def _explained(function: Callable[..., Any], **given: Any) -> Callable[..., Any]:
    found = explain(function, **given)
    function.explanation = found  # type: ignore[attr-defined]
    interactive = sys.modules.get("IPython")
    if interactive is not None and interactive.get_ipython() is not None:
        interactive.display.display(found)
    return function


def to_latex(derivation: Derivation, name: str) -> str:
    r"""Return the gradient by an element, or a line for each element of an array, as LaTeX in the document's notation.

    Args:
        derivation: The derivation.
        name: The code name of an element (`W2_1_1`) or of an array (`W2`).

    Returns:
        LaTeX for a displayed formula.

    Raises:
        UnknownNameError: There is no such quantity.

    Examples:
        >>> import symbackprop
        >>> print(symbackprop.to_latex(symbackprop.derive("mazur"), "W2_1_1"))
        \frac{\partial E}{\partial w_5} = \delta_{o_1} \, h_1
    """
    problem, array = derivation.problem, derivation.graph.quantities.get(name)
    laid_out = layout.of(Notation.of(derivation.graph, problem.notation), rows=problem.layout == "row")
    lines = [
        [tex.write(laid_out.box(part)) for part in (chain.left, chain.steps[0].formula)]
        for chain in document.gradients(derivation, [name] if array is None else array.elements())
    ]
    if len(lines) == 1:
        return " = ".join(lines[0])
    aligned = " \\\\\n".join(f"{left} &= {right}" for left, right in lines)
    return f"\\begin{{aligned}}\n{aligned}\n\\end{{aligned}}"


def _document(shown: object) -> Document:
    blocks = tuple(_BLOCKS[type(shown)](shown))
    return Document("", (), (Section(message("title.steps"), blocks),))


def _solution(shown: object) -> Solution:
    if isinstance(shown, Solution):
        return shown
    if isinstance(shown, Derivation):
        return Solution(shown.problem, shown, (), None, (), {})
    return _solution(derive(problem_of(shown)))  # type: ignore[arg-type]  # what is no problem is an error there


def _of_derivative(tree: Differentiation) -> Iterator[Block]:
    yield Display(derivative_chains(tree))


def _of_report(report: Report) -> Iterator[Block]:
    """Yield a table of what was compared, as `symbackprop check` prints it, and its summary."""
    rows = [e for e in report.entries if len(report.entries) <= MOST_ROWS or e.verdict is not Verdict.AGREES]
    if rows:
        header = tuple(message(f"cli.{heading}") for heading in ("gradient", "verdict", *Oracle))
        yield Table(header, tuple(map(_row, rows)), (False, False, True, True))
    counts = {str(verdict): len(report.with_verdict(verdict)) for verdict in Verdict}
    lines = [_worst(report, oracle) for oracle in Oracle]
    lines += [message("cli.sampled")] if report.sampled else []
    yield Listing((*lines, message("cli.summary", **counts)))


def _row(entry: Entry) -> tuple[Message | str, ...]:
    verdict = message("cli.at_kink", names=list(entry.kinks)) if entry.kinks else message(f"cli.{entry.verdict}")
    return entry.name, verdict, *(_digits(each) for each in (entry.difference, entry.composed))


def _worst(report: Report, oracle: Oracle) -> Message:
    worst, label = report.worst_from(oracle), message(f"cli.{oracle}")
    if worst is None:
        return message(f"cli.without_{oracle}", oracle=label)
    return message("cli.worst", oracle=label, worst=_digits(worst))


def _digits(difference: float | None) -> str:
    return "" if difference is None else f"{difference:.1e}"


def _of_history(history: History) -> Iterator[Block]:
    """Yield the loss after the last update, the least one that was watched, and the curve."""
    digits = history.problem.notation.digits
    numbers = {"loss": f"{history.loss:#.{digits}g}", "seconds": f"{history.seconds:.2f}"}
    lines = [message("train.after", count=history.last, **numbers)]
    if history.best is not None:
        best = history.best
        lines.append(message("train.least", loss=f"{best.loss:#.{digits}g}", step=best.step, epoch=best.epoch))
    if history.stopped:
        lines.append(message("train.stopped"))
    yield Listing(tuple(lines))
    if len(history.losses) > 1:
        yield Figure(curve(history), message("train.curve"), message("train.curve"))


def _of_gradient(gradient: Gradient) -> Iterator[Block]:
    """Yield what it computes with, and the shape of every parameter."""
    problem = gradient.problem
    outline = f"{problem.name}: {problem.outline}"
    yield Listing((message("overview.compiled", name=outline, backend=gradient.backend, dtype=gradient.dtype),))
    shapes = ((each.name, spell(each.shape)) for each in gradient.arguments.parameters)
    yield Table((message("kind.parameter"), message("overview.shape")), tuple(shapes), (False, True))


_BLOCKS: Mapping[type, Callable[[Any], Iterator[Block]]] = {
    Differentiation: _of_derivative,
    Report: _of_report,
    History: _of_history,
    Gradient: _of_gradient,
}
"""What objects say of themselves that are no page."""
