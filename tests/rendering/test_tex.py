"""Formulas as TeX, MathML and plain text: one table of what is printed for what."""

from __future__ import annotations

import importlib
import inspect
from fractions import Fraction

import pytest

import symbackprop as sbp
from symbackprop import language
from symbackprop.algebra import formula as formulas
from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    Hadamard,
    Indexed,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Placed,
    Power,
    Product,
    Quotient,
    Repeated,
    SampleCount,
    Span,
    Stack,
    Sum,
    Transposed,
)
from symbackprop.document import display_nodes
from symbackprop.document.display_nodes import (
    About,
    AllSamples,
    Apart,
    Assigned,
    Blank,
    Boxed,
    Braced,
    Case,
    Cases,
    Delta,
    DerivativeOf,
    Dots,
    Equality,
    Gradient,
    Grid,
    Inequality,
    Letter,
    Lettered,
    Listed,
    Local,
    Numeral,
    OverSamples,
    Range,
    Same,
    Shaped,
    Shown,
    Size,
    Sized,
    Substitute,
    Summation,
    Tone,
    Total,
    Updated,
    Width,
)
from symbackprop.graph.notation import BATCH, Conventions, Notation, Symbol
from symbackprop.rendering import layout
from symbackprop.rendering.dialects import DIALECTS, mathml, table, tex, text
from symbackprop.rendering.layout import boxes, widths
from symbackprop.rendering.layout.boxes import KINDS, Box, Kept, walk
from tests.helpers import each

TONES = {"forward": "fwd", "backward": "bwd"}


def network(*units: int, samples: int = 0, **notation: object) -> Notation:
    """Return the notation of a network with inputs, hidden units, outputs."""
    inputs, *widths = units
    content: dict[str, object] = {
        "network": {
            "inputs": inputs,
            "layers": [{"units": width, "activation": "sigmoid"} for width in widths],
            "loss": "half_squared_error",
        },
        "notation": notation,
    }
    if samples:
        content["data"] = {"x": [[1] * inputs] * samples, "y": [[1] * widths[-1]] * samples}
    problem = sbp.problem(content)
    return Notation.of(sbp.derive(problem).graph, problem.notation)


NOTATIONS = {
    "layered": network(2, 2, 1),
    "rows": network(2, 2, 1, layout="row"),
    "elementwise": network(2, 2, 1, naming="elementwise"),
    "flat": network(2, 2, 2, naming="flat"),
    "wide": network(12, 2, 1),
    "words": network(2, 2, 1, symbols={"pre_activation": "net", "learning_rate": r"\alpha", "loss": "E_total"}),
    "negative": network(2, 2, 1, delta_sign="negative"),
    "activation": network(2, 2, 1, backward="activation"),
    "leave": network(2, 2, 1, layers="leave"),
    "from_to": network(2, 2, 1, index_order="from_to"),
    "batch": network(2, 2, 1, samples=4),
    "named": Notation.of(network(2, 2, 1).graph, Conventions(names={"W1": "U", "x_1": r"\xi"})),
}

a, b, c, x, z = (Name(name) for name in ("W1_1_1", "W1_1_2", "b1_1", "x_1", "z1_1"))
one, two, half = Number(Fraction(1)), Number(Fraction(2)), Number(Fraction(1, 2))
less = Number(Fraction(-3))


def shown(text: str, *, exponent: int = 0, below: str = "", tone: Tone = Tone.PLAIN, exact: bool = True) -> Shown:
    """Return a number on paper."""
    value = Fraction(text) / Fraction(below or 1) * Fraction(10) ** exponent
    return Shown(Numeral(text, exponent, below), value, exact, tone)


two_thirds, third, minus = shown("2", below="3"), shown("0.5"), shown("-0.25")

FORMULAS: list[tuple[str, Node, str, str, str]] = [
    # notation, formula, TeX, plain text, MathML where it is short
    # names, in every convention
    ("layered", Name("W1_1_2"), "W^{(1)}_{12}", "W₁₂⁽¹⁾", ""),
    ("layered", formulas.UnknownFunction("f", Name("W1_1_2"), 1), r"f^{\prime}(W^{(1)}_{12})", "f′(W₁₂⁽¹⁾)", ""),
    ("layered", formulas.UnknownFunction("y", Name("W1_1_2"), 0, True), "y", "y", "<mi>y</mi>"),
    ("layered", display_nodes.Lettered(Symbol("lambda"), Fraction(1, 10)), r"\lambda", "λ", "<mi>λ</mi>"),
    ("layered", display_nodes.Shown(display_nodes.Numeral("-∞"), Fraction(0), True), r"-\infty ", "−∞", ""),
    (
        "layered",
        Name("W1"),
        "W^{(1)}",
        "W⁽¹⁾",
        '<msup><mi>W</mi><mrow><mo stretchy="false">(</mo><mn>1</mn><mo stretchy="false">)</mo></mrow></msup>',
    ),
    ("layered", Name("b1_2"), "b^{(1)}_2", "b₂⁽¹⁾", ""),
    ("layered", Name("z2_1"), "z^{(2)}_1", "z₁⁽²⁾", ""),
    ("layered", Name("a1_2"), "a^{(1)}_2", "a₂⁽¹⁾", ""),
    ("layered", Name("x_2"), "x_2", "x₂", "<msub><mi>x</mi><mn>2</mn></msub>"),
    ("layered", Name("y_1"), "y_1", "y₁", "<msub><mi>y</mi><mn>1</mn></msub>"),
    ("layered", Name("L"), "L", "L", "<mi>L</mi>"),
    ("elementwise", Name("W1_1_2"), "w^{(1)}_{12}", "w₁₂⁽¹⁾", ""),
    (
        "elementwise",
        Name("W1"),
        "W^{(1)}",
        "W⁽¹⁾",
        '<msup><mi>W</mi><mrow><mo stretchy="false">(</mo><mn>1</mn><mo stretchy="false">)</mo></mrow></msup>',
    ),
    ("flat", Name("W1_1_2"), "w_2", "w₂", "<msub><mi>w</mi><mn>2</mn></msub>"),
    ("flat", Name("a1_1"), "h_1", "h₁", "<msub><mi>h</mi><mn>1</mn></msub>"),
    ("flat", Name("z1_2"), "z_{h_2}", "z_h₂", "<msub><mi>z</mi><mrow><msub><mi>h</mi><mn>2</mn></msub></mrow></msub>"),
    ("flat", Name("a2_2"), "o_2", "o₂", "<msub><mi>o</mi><mn>2</mn></msub>"),
    (
        "flat",
        Name("W2"),
        "W^{(2)}",
        "W⁽²⁾",
        '<msup><mi>W</mi><mrow><mo stretchy="false">(</mo><mn>2</mn><mo stretchy="false">)</mo></mrow></msup>',
    ),
    ("wide", Name("W1_1_12"), "W^{(1)}_{1,12}", "W_(1,12)⁽¹⁾", ""),
    ("words", Name("z1_1"), r"\mathrm{net}^{(1)}_1", "net₁⁽¹⁾", ""),
    ("words", Name("L"), r"E_{\mathrm{total}}", "Eₜₒₜₐₗ", '<msub><mi>E</mi><mi mathvariant="normal">total</mi></msub>'),
    ("leave", Name("a1_1"), "a^{(2)}_1", "a₁⁽²⁾", ""),
    ("from_to", Name("W1_1_2"), "W^{(1)}_{21}", "W₂₁⁽¹⁾", ""),
    ("batch", Name("a1_1", 3), "a^{(1)[3]}_1", "a₁⁽¹⁾[3]", ""),
    ("batch", Name("L@", 2), "L_2", "L₂", "<msub><mi>L</mi><mn>2</mn></msub>"),
    ("named", Name("W1_2_1"), "U_{21}", "U₂₁", "<msub><mi>U</mi><mn>21</mn></msub>"),
    ("named", Name("x_1"), r"\xi", "ξ", "<mi>ξ</mi>"),
    ("layered", Updated("W1_1_2"), "W^{(1)+}_{12}", "W₁₂⁽¹⁾⁺", ""),
    ("layered", Letter(Symbol("eta")), r"\eta", "η", "<mi>η</mi>"),
    (
        "layered",
        Letter(Symbol("m", ("3",), accent="hat")),
        r"\hat{m}_3",
        "m̂₃",
        '<msub><mrow><mover accent="true"><mi>m</mi><mo stretchy="false">^</mo></mover></mrow><mn>3</mn></msub>',
    ),
    ("layered", Letter(BATCH), r"\mathcal{B}", "ℬ", "<mi>ℬ</mi>"),
    ("layered", Letter(Symbol("f", (), ("(2)′",))), r"f^{(2)\prime}", "f⁽²⁾′", ""),
    ("layered", Width(1), "d_1", "d₁", "<msub><mi>d</mi><mn>1</mn></msub>"),
    ("layered", SampleCount(), "m", "m", "<mi>m</mi>"),
    # derivatives
    ("layered", Gradient("W1_1_2"), r"\frac{\partial L}{\partial W^{(1)}_{12}}", "∂L/∂W₁₂⁽¹⁾", ""),
    ("layered", Adjoint("z1_1"), r"\delta^{(1)}_1", "δ₁⁽¹⁾", ""),
    ("layered", Adjoint("W1_1_2"), r"\frac{\partial L}{\partial W^{(1)}_{12}}", "∂L/∂W₁₂⁽¹⁾", ""),
    ("negative", Adjoint("z1_1"), r"\frac{\partial L}{\partial z^{(1)}_1}", "∂L/∂z₁⁽¹⁾", ""),
    ("negative", Delta("z1_1"), r"\delta^{(1)}_1", "δ₁⁽¹⁾", ""),
    ("activation", Adjoint("z1_1"), r"\frac{\partial L}{\partial z^{(1)}_1}", "∂L/∂z₁⁽¹⁾", ""),
    ("layered", Local(Name("a1_1"), z), r"\frac{\partial a^{(1)}_1}{\partial z^{(1)}_1}", "∂a₁⁽¹⁾/∂z₁⁽¹⁾", ""),
    (
        "layered",
        DerivativeOf(Apply("sigmoid", (z,)), z),
        r"\frac{\partial }{\partial z^{(1)}_1} \sigma(z^{(1)}_1)",
        "∂/∂z₁⁽¹⁾ σ(z₁⁽¹⁾)",
        "",
    ),
    (
        "layered",
        DerivativeOf(Sum((one, Letter(Symbol("u")))), Letter(Symbol("u"))),
        r"\frac{\mathrm{d}}{\mathrm{d} u} (1 + u)",
        "d/du (1 + u)",
        "",
    ),
    ("layered", Substitute("z1_1"), r"\tilde{\delta}^{(1)}_1", "δ̃₁⁽¹⁾", ""),
    ("layered", Substitute("a1_1"), r"\tilde{g}^{(1)}_{a_1}", "g̃_a₁⁽¹⁾", ""),
    (
        "layered",
        Product((Gradient("a1_1"), Local(Name("a1_1"), z))),
        r"\frac{\partial L}{\partial a^{(1)}_1} \cdot \frac{\partial a^{(1)}_1}{\partial z^{(1)}_1}",
        "∂L/∂a₁⁽¹⁾ · ∂a₁⁽¹⁾/∂z₁⁽¹⁾",
        "",
    ),
    (
        "layered",
        Product((Gradient("a1_1"), x)),
        r"\frac{\partial L}{\partial a^{(1)}_1} \cdot x_1",
        "∂L/∂a₁⁽¹⁾ · x₁",
        "",
    ),
    ("batch", Adjoint("z1_1", 2), r"\delta^{(1)[2]}_1", "δ₁⁽¹⁾[2]", ""),
    (
        "flat",
        Adjoint("z2_1"),
        r"\delta_{o_1}",
        "δ_o₁",
        "<msub><mi>δ</mi><mrow><msub><mi>o</mi><mn>1</mn></msub></mrow></msub>",
    ),
    # sums and signs
    ("layered", Sum((a, b)), "W^{(1)}_{11} + W^{(1)}_{12}", "W₁₁⁽¹⁾ + W₁₂⁽¹⁾", ""),
    ("layered", Sum((a, Negative(b))), "W^{(1)}_{11} - W^{(1)}_{12}", "W₁₁⁽¹⁾ − W₁₂⁽¹⁾", ""),
    ("layered", Sum((Negative(a), b)), "-W^{(1)}_{11} + W^{(1)}_{12}", "−W₁₁⁽¹⁾ + W₁₂⁽¹⁾", ""),
    ("layered", Sum((a, less)), "W^{(1)}_{11} - 3", "W₁₁⁽¹⁾ − 3", ""),
    ("layered", Sum((a, Negative(less))), "W^{(1)}_{11} - (-3)", "W₁₁⁽¹⁾ − (−3)", ""),
    (
        "layered",
        Sum((a, Negative(Sum((b, c))))),
        "W^{(1)}_{11} - (W^{(1)}_{12} + b^{(1)}_1)",
        "W₁₁⁽¹⁾ − (W₁₂⁽¹⁾ + b₁⁽¹⁾)",
        "",
    ),
    ("layered", Sum((a, Sum((b, c)))), "W^{(1)}_{11} + (W^{(1)}_{12} + b^{(1)}_1)", "W₁₁⁽¹⁾ + (W₁₂⁽¹⁾ + b₁⁽¹⁾)", ""),
    ("layered", Sum((a, minus)), "W^{(1)}_{11} - 0.25", "W₁₁⁽¹⁾ − 0.25", ""),
    ("layered", Sum((minus, a)), "-0.25 + W^{(1)}_{11}", "−0.25 + W₁₁⁽¹⁾", ""),
    ("layered", Sum((a, Negative(minus))), "W^{(1)}_{11} - (-0.25)", "W₁₁⁽¹⁾ − (−0.25)", ""),
    ("layered", Negative(Sum((a, b))), "-(W^{(1)}_{11} + W^{(1)}_{12})", "−(W₁₁⁽¹⁾ + W₁₂⁽¹⁾)", ""),
    ("layered", Negative(less), "-(-3)", "−(−3)", ""),
    ("layered", Negative(Negative(a)), "-(-W^{(1)}_{11})", "−(−W₁₁⁽¹⁾)", ""),
    ("layered", Negative(Product((a, b))), r"-W^{(1)}_{11} \, W^{(1)}_{12}", "−W₁₁⁽¹⁾ W₁₂⁽¹⁾", ""),
    ("layered", Sum((a, Dots(), b)), r"W^{(1)}_{11} + \cdots + W^{(1)}_{12}", "W₁₁⁽¹⁾ + ⋯ + W₁₂⁽¹⁾", ""),
    (
        "layered",
        Sum((half, Negative(Quotient(a, b)))),
        r"\frac{1}{2} - \frac{W^{(1)}_{11}}{W^{(1)}_{12}}",
        "1/2 − W₁₁⁽¹⁾/W₁₂⁽¹⁾",
        "",
    ),
    # products
    ("layered", Product((a, b)), r"W^{(1)}_{11} \, W^{(1)}_{12}", "W₁₁⁽¹⁾ W₁₂⁽¹⁾", ""),
    ("layered", Product((two, a)), r"2 \, W^{(1)}_{11}", "2 W₁₁⁽¹⁾", ""),
    ("layered", Product((a, two)), r"W^{(1)}_{11} \cdot 2", "W₁₁⁽¹⁾ · 2", ""),
    ("layered", Product((a, Sum((b, c)))), "W^{(1)}_{11} (W^{(1)}_{12} + b^{(1)}_1)", "W₁₁⁽¹⁾ (W₁₂⁽¹⁾ + b₁⁽¹⁾)", ""),
    (
        "layered",
        Product((Sum((a, b)), c)),
        r"(W^{(1)}_{11} + W^{(1)}_{12}) \, b^{(1)}_1",
        "(W₁₁⁽¹⁾ + W₁₂⁽¹⁾) b₁⁽¹⁾",
        "",
    ),
    ("layered", Product((third, minus)), r"0.5 \times (-0.25)", "0.5 × (−0.25)", ""),
    ("layered", Product((third, a)), r"0.5 \times W^{(1)}_{11}", "0.5 × W₁₁⁽¹⁾", ""),
    ("layered", Product((a, Negative(b))), "W^{(1)}_{11} (-W^{(1)}_{12})", "W₁₁⁽¹⁾ (−W₁₂⁽¹⁾)", ""),
    ("layered", Product((Sum((third, minus)), third)), r"(0.5 - 0.25) \times 0.5", "(0.5 − 0.25) × 0.5", ""),
    ("layered", Product((a, Product((b, c)))), r"W^{(1)}_{11} \, W^{(1)}_{12} \, b^{(1)}_1", "W₁₁⁽¹⁾ W₁₂⁽¹⁾ b₁⁽¹⁾", ""),
    ("layered", Product((a, Apply("sigmoid", (z,)))), r"W^{(1)}_{11} \, \sigma(z^{(1)}_1)", "W₁₁⁽¹⁾ σ(z₁⁽¹⁾)", ""),
    (
        "layered",
        Product((half, Power(Sum((a, b)), two))),
        r"\frac{1}{2} (W^{(1)}_{11} + W^{(1)}_{12})^{2}",
        "1/2 (W₁₁⁽¹⁾ + W₁₂⁽¹⁾)²",
        "",
    ),
    ("layered", Product((Apart(a), b)), r"W^{(1)}_{11} \cdot W^{(1)}_{12}", "W₁₁⁽¹⁾ · W₁₂⁽¹⁾", ""),
    (
        "layered",
        Product((Quotient(a, b), c)),
        r"\frac{W^{(1)}_{11}}{W^{(1)}_{12}} \, b^{(1)}_1",
        "W₁₁⁽¹⁾/W₁₂⁽¹⁾ · b₁⁽¹⁾",
        "",
    ),
    (
        "layered",
        Product((a, Quotient(b, c))),
        r"W^{(1)}_{11} \frac{W^{(1)}_{12}}{b^{(1)}_1}",
        "W₁₁⁽¹⁾ W₁₂⁽¹⁾/b₁⁽¹⁾",
        "",
    ),
    # quotients and powers
    ("layered", Quotient(a, b), r"\frac{W^{(1)}_{11}}{W^{(1)}_{12}}", "W₁₁⁽¹⁾/W₁₂⁽¹⁾", ""),
    (
        "layered",
        Quotient(Sum((a, b)), c),
        r"\frac{W^{(1)}_{11} + W^{(1)}_{12}}{b^{(1)}_1}",
        "(W₁₁⁽¹⁾ + W₁₂⁽¹⁾)/b₁⁽¹⁾",
        "",
    ),
    (
        "layered",
        Quotient(a, Sum((b, c))),
        r"\frac{W^{(1)}_{11}}{W^{(1)}_{12} + b^{(1)}_1}",
        "W₁₁⁽¹⁾/(W₁₂⁽¹⁾ + b₁⁽¹⁾)",
        "",
    ),
    (
        "layered",
        Quotient(a, Product((b, c))),
        r"\frac{W^{(1)}_{11}}{W^{(1)}_{12} \, b^{(1)}_1}",
        "W₁₁⁽¹⁾/(W₁₂⁽¹⁾ b₁⁽¹⁾)",
        "",
    ),
    (
        "layered",
        Quotient(Quotient(a, b), c),
        r"\frac{\frac{W^{(1)}_{11}}{W^{(1)}_{12}}}{b^{(1)}_1}",
        "(W₁₁⁽¹⁾/W₁₂⁽¹⁾)/b₁⁽¹⁾",
        "",
    ),
    ("layered", Quotient(Negative(a), b), r"\frac{-W^{(1)}_{11}}{W^{(1)}_{12}}", "(−W₁₁⁽¹⁾)/W₁₂⁽¹⁾", ""),
    ("layered", Power(a, two), "(W^{(1)}_{11})^{2}", "(W₁₁⁽¹⁾)²", ""),
    ("layered", Power(x, two), "x_1^{2}", "x₁²", "<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup>"),
    ("layered", Power(Sum((a, b)), two), "(W^{(1)}_{11} + W^{(1)}_{12})^{2}", "(W₁₁⁽¹⁾ + W₁₂⁽¹⁾)²", ""),
    (
        "layered",
        Power(Quotient(a, b), two),
        r"\left(\frac{W^{(1)}_{11}}{W^{(1)}_{12}}\right)^{2}",
        "(W₁₁⁽¹⁾/W₁₂⁽¹⁾)²",
        "",
    ),
    (
        "layered",
        Power(x, Quotient(one, two)),
        "x_1^{1/2}",
        "x₁^(1/2)",
        "<msubsup><mi>x</mi><mn>1</mn><mrow><mn>1</mn><mo>/</mo><mn>2</mn></mrow></msubsup>",
    ),
    ("layered", Power(minus, two), "(-0.25)^{2}", "(−0.25)²", ""),
    (
        "layered",
        Power(x, Negative(one)),
        "x_1^{-1}",
        "x₁⁻¹",
        '<msubsup><mi>x</mi><mn>1</mn><mrow><mo form="prefix">−</mo><mn>1</mn></mrow></msubsup>',
    ),
    ("layered", Power(Apply("exp", (x,)), two), "(e^{x_1})^{2}", "(e^x₁)²", ""),
    (
        "layered",
        Power(Gradient("a1_1"), two),
        r"\left(\frac{\partial L}{\partial a^{(1)}_1}\right)^{2}",
        "(∂L/∂a₁⁽¹⁾)²",
        "",
    ),
    # numbers and tones
    ("layered", less, "-3", "−3", '<mo form="prefix">−</mo><mn>3</mn>'),
    ("layered", half, r"\frac{1}{2}", "1/2", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
    (
        "layered",
        Number(Fraction(-2, 3)),
        r"-\frac{2}{3}",
        "−2/3",
        '<mo form="prefix">−</mo><mfrac><mn>2</mn><mn>3</mn></mfrac>',
    ),
    ("layered", third, "0.5", "0.5", "<mn>0.5</mn>"),
    ("layered", minus, "-0.25", "−0.25", '<mo form="prefix">−</mo><mn>0.25</mn>'),
    ("layered", two_thirds, r"\frac{2}{3}", "2/3", "<mfrac><mn>2</mn><mn>3</mn></mfrac>"),
    (
        "layered",
        shown("-2", below="3"),
        r"-\frac{2}{3}",
        "−2/3",
        '<mo form="prefix">−</mo><mfrac><mn>2</mn><mn>3</mn></mfrac>',
    ),
    (
        "layered",
        shown("2.5", exponent=-7),
        r"2.5 \times 10^{-7}",
        "2.5 × 10⁻⁷",
        '<mn>2.5</mn><mo>×</mo><msup><mn>10</mn><mrow><mo form="prefix">−</mo><mn>7</mn></mrow></msup>',
    ),
    ("layered", shown("1", exponent=6), "10^{6}", "10⁶", "<msup><mn>10</mn><mn>6</mn></msup>"),
    (
        "layered",
        shown("-1.5", exponent=3),
        r"-1.5 \times 10^{3}",
        "−1.5 × 10³",
        '<mo form="prefix">−</mo><mn>1.5</mn><mo>×</mo><msup><mn>10</mn><mn>3</mn></msup>',
    ),
    ("layered", shown("0.5", tone=Tone.FORWARD), r"\fwd{0.5}", "0.5", '<mrow class="fwd"><mn>0.5</mn></mrow>'),
    (
        "layered",
        shown("-0.5", tone=Tone.BACKWARD),
        r"\bwd{-0.5}",
        "−0.5",
        '<mrow class="bwd"><mo form="prefix">−</mo><mn>0.5</mn></mrow>',
    ),
    (
        "layered",
        Boxed(shown("0.5", tone=Tone.BACKWARD)),
        r"\boxed{\bwd{0.5}}",
        "0.5",
        '<mrow class="boxed"><mrow class="bwd"><mn>0.5</mn></mrow></mrow>',
    ),
    ("layered", About(shown("0.33", exact=False)), r"\approx 0.33", "≈ 0.33", "<mo>≈</mo><mn>0.33</mn>"),
    (
        "layered",
        Sum((shown("0.5", tone=Tone.FORWARD), shown("-0.5", tone=Tone.BACKWARD))),
        r"\fwd{0.5} - \bwd{0.5}",
        "0.5 − 0.5",
        '<mrow class="fwd"><mn>0.5</mn></mrow><mo>−</mo><mrow class="bwd"><mn>0.5</mn></mrow>',
    ),
    ("layered", Braced(a, two_thirds), r"{\underbrace{W^{(1)}_{11}}_{2/3}}", "W₁₁⁽¹⁾ [= 2/3]", ""),
    # functions
    ("layered", Apply("sigmoid", (z,)), r"\sigma(z^{(1)}_1)", "σ(z₁⁽¹⁾)", ""),
    ("layered", Apply("tanh", (z,)), r"\tanh(z^{(1)}_1)", "tanh(z₁⁽¹⁾)", ""),
    ("layered", Apply("relu", (z,)), r"\mathrm{ReLU}(z^{(1)}_1)", "ReLU(z₁⁽¹⁾)", ""),
    ("layered", Apply("exp", (Negative(z),)), "e^{-z^{(1)}_1}", "e^(−z₁⁽¹⁾)", ""),
    (
        "layered",
        Apply("ln", (Quotient(a, b),)),
        r"\ln\left(\frac{W^{(1)}_{11}}{W^{(1)}_{12}}\right)",
        "ln(W₁₁⁽¹⁾/W₁₂⁽¹⁾)",
        "",
    ),
    ("layered", Apply("sqrt", (Sum((a, b)),)), r"\sqrt{W^{(1)}_{11} + W^{(1)}_{12}}", "√(W₁₁⁽¹⁾ + W₁₂⁽¹⁾)", ""),
    (
        "layered",
        Apply("abs", (Sum((a, b)),)),
        r"\left\vert W^{(1)}_{11} + W^{(1)}_{12} \right\vert",
        "|W₁₁⁽¹⁾ + W₁₂⁽¹⁾|",
        "",
    ),
    ("layered", Apply("max", (Number(Fraction(0)), z)), r"\max(0, z^{(1)}_1)", "max(0, z₁⁽¹⁾)", ""),
    ("layered", Apply("sign", (z,)), r"\mathrm{sgn}(z^{(1)}_1)", "sgn(z₁⁽¹⁾)", ""),
    ("layered", Apply("step", (z,)), r"\mathbf{1}_{z^{(1)}_1 > 0}", "1_(z₁⁽¹⁾ > 0)", ""),
    ("layered", Apply("step", (Negative(z),), Fraction(1)), r"\mathbf{1}_{z^{(1)}_1 \le 0}", "1_(z₁⁽¹⁾ ≤ 0)", ""),
    (
        "layered",
        Apply("step", (Negative(z),), Fraction(1, 2)),
        r"\mathbf{1}_{z^{(1)}_1 < 0} + \frac{1}{2} \, \mathbf{1}_{z^{(1)}_1 = 0}",
        "1_(z₁⁽¹⁾ < 0) + 1/2 1_(z₁⁽¹⁾ = 0)",
        "",
    ),
    (
        "layered",
        Apply("leaky_relu", (z,), settings=(("alpha", Fraction(1, 5)),)),
        r"\mathrm{LeakyReLU}_{1/5}(z^{(1)}_1)",
        "LeakyReLU_(1/5)(z₁⁽¹⁾)",
        "",
    ),
    ("layered", Apply("softmax", (Name("z1"),)), r"\mathrm{softmax}(z^{(1)})", "softmax(z⁽¹⁾)", ""),
    (
        "layered",
        Product((Apply("ln", (a,)), Apply("ln", (b,)))),
        r"\ln(W^{(1)}_{11}) \, \ln(W^{(1)}_{12})",
        "ln(W₁₁⁽¹⁾) ln(W₁₂⁽¹⁾)",
        "",
    ),
    (
        "layered",
        Quotient(one, Sum((one, Apply("exp", (Negative(z),))))),
        r"\frac{1}{1 + e^{-z^{(1)}_1}}",
        "1/(1 + e^(−z₁⁽¹⁾))",
        "",
    ),
    ("layered", Apply("pi", ()), r"\pi", "π", "<mi>π</mi>"),
    # sums over samples and units
    ("batch", OverSamples(Name("L@"), 4), r"\sum_{n=1}^{4} L_n", "Σₙ₌₁⁴ Lₙ", ""),
    (
        "batch",
        OverSamples(Product((Adjoint("z1_1"), x)), 4),
        r"\sum_{n=1}^{4} \delta^{(1)[n]}_1 \, x^{[n]}_1",
        "Σₙ₌₁⁴ δ₁⁽¹⁾[n] x₁[n]",
        "",
    ),
    (
        "batch",
        OverSamples(Sum((Name("a1_1"), Negative(Name("y_1")))), 4),
        r"\sum_{n=1}^{4} (a^{(1)[n]}_1 - y^{[n]}_1)",
        "Σₙ₌₁⁴ (a₁⁽¹⁾[n] − y₁[n])",
        "",
    ),
    ("batch", OverSamples(x, 1), "x^{[1]}_1", "x₁[1]", ""),
    (
        "batch",
        OverSamples(Name("L@"), 4, of_batch=True),
        r"\sum_{n \in \mathcal{B}} L_n",
        "Σ_(n ∈ ℬ) Lₙ",
        "<munder><mo>∑</mo><mrow><mi>n</mi><mo>∈</mo><mi>ℬ</mi></mrow></munder><msub><mi>L</mi><mi>n</mi></msub>",
    ),
    (
        "batch",
        Quotient(one, Size(Letter(BATCH))),
        r"\frac{1}{\left\vert \mathcal{B} \right\vert}",
        "1/|ℬ|",
        "<mfrac><mn>1</mn><mrow><mrow><mo>|</mo><mi>ℬ</mi><mo>|</mo></mrow></mrow></mfrac>",
    ),
    ("batch", Negative(OverSamples(x, 4)), r"-\sum_{n=1}^{4} x^{[n]}_1", "−Σₙ₌₁⁴ x₁[n]", ""),
    ("batch", Product((half, OverSamples(x, 4))), r"\frac{1}{2} \sum_{n=1}^{4} x^{[n]}_1", "1/2 Σₙ₌₁⁴ x₁[n]", ""),
    (
        "layered",
        Total(Product((a, b)), "i", 3),
        r"\sum_{i=1}^{3} W^{(1)}_{11} \, W^{(1)}_{12}",
        "Σᵢ₌₁³ W₁₁⁽¹⁾ W₁₂⁽¹⁾",
        "",
    ),
    (
        "layered",
        Same(Letter(Symbol("i")), Letter(Symbol("j"))),
        r"\mathbf{1}_{i = j}",
        "1ᵢ₌ⱼ",
        '<msub><mi class="bold">1</mi><mrow><mi>i</mi><mo>=</mo><mi>j</mi></mrow></msub>',
    ),
    ("layered", Inequality(z, "<=", one), r"z^{(1)}_1 \le 1", "z₁⁽¹⁾ ≤ 1", ""),
    ("layered", Case(a, Inequality(z, ">", one)), r"W^{(1)}_{11}\quad z^{(1)}_1 > 1", "W₁₁⁽¹⁾  z₁⁽¹⁾ > 1", ""),
    (
        "layered",
        Cases((Case(one, Inequality(z, ">", one)), Case(half, Inequality(z, "<=", one)))),
        r"\begin{cases} 1 & z^{(1)}_1 > 1 \\[4pt] \frac{1}{2} & z^{(1)}_1 \le 1 \end{cases}",
        "{1 (z₁⁽¹⁾ > 1); 1/2 (z₁⁽¹⁾ ≤ 1)}",
        "",
    ),
    ("layered", Summation(x, "k", 1), r"\sum_{k=1}^{d_1} x_1", "Σₖ₌₁^d₁ x₁", ""),
    (
        "layered",
        Summation(x, "k", 1, "j"),
        r"\sum_{k \ne j} x_1",
        "Σ_(k ≠ j) x₁",
        "<munder><mo>∑</mo><mrow><mi>k</mi><mo>≠</mo><mi>j</mi></mrow></munder><msub><mi>x</mi><mn>1</mn></msub>",
    ),
    ("layered", Summation(x, "n", None), r"\sum_{n=1}^{m} x_1", "Σₙ₌₁ᵐ x₁", ""),
    ("layered", Apply("sum", (Name("W1"),)), r"\sum_{j,k} W^{(1)}_{j k}", "Σ_(j,k) Wⱼₖ⁽¹⁾", ""),
    (
        "layered",
        Apply("mean", (Power(Name("a1"), two),)),
        r"\frac{1}{2} \sum_{j} (a^{(1)}_j)^{2}",
        "1/2 Σⱼ (aⱼ⁽¹⁾)²",
        "",
    ),
    ("layered", Apply("max", (Name("a1"),)), r"\max_{j} a^{(1)}_j", "maxⱼ aⱼ⁽¹⁾", ""),
    ("layered", Apply("sum", (Name("W1"),), axis=0), r"\sum_{j} {(W^{(1)})}_{[j,:]}", "Σⱼ (W⁽¹⁾)[j,:]", ""),
    # braces, boxes, relations
    (
        "layered",
        Braced(Sum((a, b)), Gradient("a1_1")),
        r"{\underbrace{(W^{(1)}_{11} + W^{(1)}_{12})}_{\partial L/\partial a^{(1)}_1}}",
        "(W₁₁⁽¹⁾ + W₁₂⁽¹⁾) [= ∂L/∂a₁⁽¹⁾]",
        "",
    ),
    (
        "layered",
        Product((Braced(a, Gradient("a1_1")), Braced(b, Local(Name("a1_1"), z)))),
        r"{\underbrace{W^{(1)}_{11}}_{\partial L/\partial a^{(1)}_1}}"
        r" \cdot {\underbrace{W^{(1)}_{12}}_{\partial a^{(1)}_1/\partial z^{(1)}_1}}",
        "W₁₁⁽¹⁾ [= ∂L/∂a₁⁽¹⁾] · W₁₂⁽¹⁾ [= ∂a₁⁽¹⁾/∂z₁⁽¹⁾]",
        "",
    ),
    (
        "layered",
        Assigned(a, Sum((a, Negative(b)))),
        r"W^{(1)}_{11} \leftarrow W^{(1)}_{11} - W^{(1)}_{12}",
        "W₁₁⁽¹⁾ ← W₁₁⁽¹⁾ − W₁₂⁽¹⁾",
        "",
    ),
    ("layered", Equality(a, third), "W^{(1)}_{11} = 0.5", "W₁₁⁽¹⁾ = 0.5", ""),
    ("layered", Equality(a, shown("0.33", exact=False)), r"W^{(1)}_{11} \approx 0.33", "W₁₁⁽¹⁾ ≈ 0.33", ""),
    ("layered", Range(a, b), r"W^{(1)}_{11}, \ldots, W^{(1)}_{12}", "W₁₁⁽¹⁾, …, W₁₂⁽¹⁾", ""),
    (
        "layered",
        Blank(),
        r"\underline{\hspace{9em}}",
        "____________",
        '<mfrac><mspace width="9em"></mspace><mspace></mspace></mfrac>',
    ),
    ("layered", Boxed(Sum((a, b))), r"\boxed{W^{(1)}_{11} + W^{(1)}_{12}}", "W₁₁⁽¹⁾ + W₁₂⁽¹⁾", ""),
    # arrays
    ("layered", MatrixProduct(Name("W1"), Name("x")), r"W^{(1)} \, x", "W⁽¹⁾ x", ""),
    ("layered", Transposed(Name("W1")), r"{(W^{(1)})}^{\top}", "(W⁽¹⁾)ᵀ", ""),
    (
        "layered",
        MatrixProduct(Transposed(Name("W2")), Adjoint("z2")),
        r"{(W^{(2)})}^{\top} \, \delta^{(2)}",
        "(W⁽²⁾)ᵀ δ⁽²⁾",
        "",
    ),
    (
        "layered",
        Hadamard((Adjoint("a1"), Name("a1"), Sum((one, Negative(Name("a1")))))),
        r"\frac{\partial L}{\partial a^{(1)}} \odot a^{(1)} \odot (1 - a^{(1)})",
        "∂L/∂a⁽¹⁾ ⊙ a⁽¹⁾ ⊙ (1 − a⁽¹⁾)",
        "",
    ),
    ("layered", Apply("outer", (Adjoint("z1"), Name("x"))), r"\delta^{(1)} \, {x}^{\top}", "δ⁽¹⁾ xᵀ", ""),
    ("rows", Apply("outer", (Name("x"), Adjoint("z1"))), r"{x}^{\top} \, \delta^{(1)}", "xᵀ δ⁽¹⁾", ""),
    (
        "layered",
        Apply("dot", (Name("x"), Name("x"))),
        r"{x}^{\top} \, x",
        "xᵀ x",
        '<msup><mrow><mrow><mi>x</mi></mrow></mrow><mo>⊤</mo></msup><mspace width="0.17em"></mspace><mi>x</mi>',
    ),
    ("layered", Apply("concat", (Name("x"), Name("a1"))), r"\left[x; a^{(1)}\right]", "[x; a⁽¹⁾]", ""),
    (
        "layered",
        MatrixProduct(AllSamples(Name("x")), AllSamples(Adjoint("z1"))),
        r"X \, \Delta^{(1)}",
        "X Δ⁽¹⁾",
        "",
    ),
    ("layered", AllSamples(Gradient("a1")), r"\frac{\partial L}{\partial A^{(1)}}", "∂L/∂A⁽¹⁾", ""),
    (
        "layered",
        Stack((a, b)),
        r"\begin{bmatrix} W^{(1)}_{11} \\[2pt] W^{(1)}_{12} \end{bmatrix}",
        "[W₁₁⁽¹⁾; W₁₂⁽¹⁾]",
        "",
    ),
    ("rows", Stack((a, b)), r"\begin{bmatrix} W^{(1)}_{11} & W^{(1)}_{12} \end{bmatrix}", "[W₁₁⁽¹⁾, W₁₂⁽¹⁾]", ""),
    (
        "layered",
        Stack((Stack((a, b)), Stack((c, x)))),
        r"\begin{bmatrix} W^{(1)}_{11} & W^{(1)}_{12} \\[2pt] b^{(1)}_1 & x_1 \end{bmatrix}",
        "[W₁₁⁽¹⁾, W₁₂⁽¹⁾; b₁⁽¹⁾, x₁]",
        "",
    ),
    ("layered", Stack((half, x)), r"\begin{bmatrix} \frac{1}{2} \\[4pt] x_1 \end{bmatrix}", "[1/2; x₁]", ""),
    (
        "layered",
        Stack((Gradient("a1_1"), x)),
        r"\begin{bmatrix} \partial L/\partial a^{(1)}_1 \\[2pt] x_1 \end{bmatrix}",
        "[∂L/∂a₁⁽¹⁾; x₁]",
        "",
    ),
    (
        "layered",
        Stack((Apply("step", (z,)), x)),
        r"\begin{bmatrix} \mathbf{1}_{z^{(1)}_1 > 0} \\[2pt] x_1 \end{bmatrix}",
        "[1_(z₁⁽¹⁾ > 0); x₁]",
        "",
    ),
    ("layered", Grid((third, minus), 1), r"\begin{bmatrix} 0.5 \\ -0.25 \end{bmatrix}", "[0.5; −0.25]", ""),
    (
        "layered",
        Grid((third, minus, third, minus), 2),
        r"\begin{bmatrix} 0.5 & -0.25 \\ 0.5 & -0.25 \end{bmatrix}",
        "[0.5, −0.25; 0.5, −0.25]",
        "",
    ),
    ("layered", Listed((third, minus)), r"(0.5, -0.25)^{\top}", "(0.5, −0.25)ᵀ", ""),
    ("rows", Listed((third, minus)), "(0.5, -0.25)", "(0.5, −0.25)", ""),
    ("layered", Shaped(Name("W1"), (2, 2)), r"\underset{2 \times 2}{W^{(1)}}", "W⁽¹⁾ [2×2]", ""),
    (
        "layered",
        Shaped(Name("x"), (2,)),
        r"\underset{2 \times 1}{x}",
        "x [2×1]",
        "<munder><mi>x</mi><mrow><mn>2</mn><mo>×</mo><mn>1</mn></mrow></munder>",
    ),
    (
        "layered",
        Transposed(Shaped(Name("W1"), (2, 2))),
        r"{(\underset{2 \times 2}{W^{(1)}})}^{\top}",
        "(W⁽¹⁾ [2×2])ᵀ",
        "",
    ),
    ("layered", Sized(Name("W1"), (1, 0)), r"\underset{d_1 \times d_0}{W^{(1)}}", "W⁽¹⁾ [d₁×d₀]", ""),
    (
        "layered",
        Repeated(Name("x"), 1, 3),
        r"x \, \mathbf{1}_{3}",
        "x 1₃",
        '<mi>x</mi><mspace width="0.17em"></mspace><msub><mi class="bold">1</mi><mn>3</mn></msub>',
    ),
    ("layered", Repeated(Name("x"), 0, 3), r"\mathbf{1}_{3}^{\top} \, {x}^{\top}", "1₃ᵀ xᵀ", ""),
    ("layered", Lettered(Symbol("lambda"), Fraction(1, 10)), r"\lambda", "λ", ""),
    (
        "layered",
        Placed(a, (0, Span(1, None)), (2, 2)),
        r"\left\langle W^{(1)}_{11} \right\rangle_{[1,2:]}",
        "⟨W₁₁⁽¹⁾⟩[1,2:]",
        "",
    ),
    ("layered", Indexed(Name("W1"), (0, 1)), "W^{(1)}_{12}", "W₁₂⁽¹⁾", ""),
    ("layered", Indexed(Name("x"), (Span(0, 1),)), "{x}_{[1:1]}", "x[1:1]", ""),
    ("layered", Indexed(Name("W1"), (-1,)), r"{{(W^{(1)})}_{[\mathrm{end}]}}^{\top}", "(W⁽¹⁾)[end]ᵀ", ""),
    ("layered", Indexed(Name("W1"), (Span(None, -1), 1)), r"{(W^{(1)})}_{[:\mathrm{end}-1,2]}", "(W⁽¹⁾)[:end−1,2]", ""),
]


def laid_out(notation: str, formula: Node) -> Box:
    """Return a formula as boxes, in one of the notations above."""
    return layout.of(NOTATIONS[notation], TONES, rows=notation == "rows").box(formula)


@pytest.mark.parametrize(("notation", "formula", "expected", "plain", "elements"), FORMULAS)
def test_formula_is_printed_in_every_dialect(
    notation: str, formula: Node, expected: str, plain: str, elements: str
) -> None:
    """A formula has one text in TeX, one in plain Unicode and one in MathML."""
    box = laid_out(notation, formula)
    assert expected == tex.write(box)
    assert plain == text.inline(box)
    assert elements in ("", mathml.write(box))


WORDS = [("en", "raising it lowers the loss"), ("en", "50 % of a "), ("zh", "为零："), ("zh", "不影响 ")]


@pytest.mark.parametrize(("code", "words"), WORDS)
def test_words_of_a_formula_stand_as_they_are(code: str, words: str) -> None:
    """Words in a formula are text, in every language; TeX keeps the space behind a Chinese sign."""
    assert code in language.available()
    box = boxes.Text(words)
    kept = words if words.isascii() or not words.endswith(" ") else f"{words.rstrip()}\\ "
    assert (rf"\text{{{kept}}}", f"<mtext>{words}</mtext>", words) == (
        tex.write(box),
        mathml.write(box),
        text.inline(box),
    )


def test_every_kind_of_node_is_laid_out() -> None:
    """No formula of a document lacks a rule; an open slot and a number before it is decided never reach the page."""
    nodes = {
        kind
        for module in (formulas, display_nodes)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Node) and kind is not Node
    }
    unprinted = {formulas.Slot, display_nodes.Leaf}
    assert nodes - unprinted == set(layout.of(NOTATIONS["layered"]).rules)


def test_table_of_formulas_has_every_kind_of_node_and_of_box() -> None:
    """What the table above leaves out is laid out by other tests: words, lines and room."""
    nodes = {type(part) for _, formula, *_ in FORMULAS for part in formulas.walk(formula)}
    rules = set(layout.of(NOTATIONS["layered"]).rules)
    assert rules - nodes == {display_nodes.General}
    found = {type(box) for notation, formula, *_ in FORMULAS for box in walk(laid_out(notation, formula))}
    assert set(KINDS) - found == {boxes.Text, boxes.Lines}


@pytest.mark.parametrize("name", ["tex", "mathml", "text"])
def test_dialect_that_lacks_a_kind_of_box_fails_at_import(name: str) -> None:
    """A table is checked when it is made: neither a missing row nor one too many goes unnoticed."""
    rows = {kind: str for kind in KINDS if kind is not Kept}
    assert set(KINDS) == set(table.complete(name, rows))
    for kind in each(rows):
        with pytest.raises(TypeError, match=kind.__name__):
            table.complete(name, {other: str for other in rows if other is not kind})
    with pytest.raises(TypeError, match="bool"):
        table.complete(name, {**rows, bool: str})


@pytest.mark.parametrize("name", DIALECTS)
def test_dialect_writes_what_is_kept_once(name: str) -> None:
    """A name is written by each dialect the first time only, and by each in its own words."""
    box = layout.of(NOTATIONS["layered"]).box(a)
    assert isinstance(box, Kept) and not box.texts
    first = DIALECTS[name]("en").inline(box)
    assert box.texts
    assert first == DIALECTS[name]("en").inline(box)
    assert {other: written("en").inline(box) for other, written in DIALECTS.items()}[name] == first


def test_width_is_one_for_all_typeset_dialects() -> None:
    """Lines are broken by the boxes, so that a page and a document break alike; only plain text counts columns."""
    assert {name: row("en").measure for name, row in DIALECTS.items()} == {
        "tex": widths.width,
        "mathml": widths.width,
        "typst": widths.width,
        "text": text.measure,
    }


SIZES = [
    (a, 2.1 + 0.75 * 2.6),
    (Sum((a, b)), 2 * (2.1 + 0.75 * 2.6) + 2.5),
    (third, 2.6),
    (minus, 5.9),
    (Quotient(third, minus), 5.9 + 0.6),
    (Apply("sqrt", (third,)), 1.1 + 2.6),
    (Apply("tanh", (third,)), 4.3 + 1.6 + 2.6),
    (Power(x, two), 1.1 + 0.75),
    (Braced(third, a), 0.75 * (2.1 + 0.75 * 2.6)),
    (Boxed(third), 1.4 + 2.6),
    (Grid((third, minus, third, minus), 2), round(2.6 + 5.9 + 2 + 2)),
    (Shaped(Name("x"), (2,)), 0.75 * 4.5),
    (Blank(), 5.4),
]


@pytest.mark.parametrize(("formula", "expected"), SIZES)
def test_width_of_a_formula_follows_from_those_of_its_parts(formula: Node, expected: float) -> None:
    """Side by side adds, above each other takes the wider one, indices are smaller; tones and groups take no room."""
    assert expected == pytest.approx(widths.width(laid_out("layered", formula)))
    assert widths.width(laid_out("layered", formula)) == widths.width(boxes.Group(laid_out("layered", formula)))


def test_modules_of_the_layout_know_no_dialect() -> None:
    """What lays formulas out has no command of TeX and no element of MathML in it."""
    modules = (
        "boxes",
        "widths",
        "formula_layout",
        "scalar_formulas",
        "array_formulas",
        "digits",
        "generic",
        "breaking",
        "operator_words",
    )
    for name in each(modules):
        source = inspect.getsource(importlib.import_module(f"symbackprop.rendering.layout.{name}"))
        assert not any(mark in source for mark in ("\\\\", "<m", "$")), name
