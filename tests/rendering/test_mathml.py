"""TeX as it is printed here, as MathML."""

from __future__ import annotations

import html

import pytest

from symbackprop.rendering import mathml


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        ("-x", '<mo form="prefix">−</mo><mi>x</mi>'),
        ("a - b", "<mi>a</mi><mo>−</mo><mi>b</mi>"),
        ("(a) - b", '<mo stretchy="false">(</mo><mi>a</mi><mo stretchy="false">)</mo><mo>−</mo><mi>b</mi>'),
        (r"\approx -1", '<mo>≈</mo><mo form="prefix">−</mo><mn>1</mn>'),
        (r"\frac{1}{x}", "<mfrac><mn>1</mn><mi>x</mi></mfrac>"),
        ("w^+_5", "<msubsup><mi>w</mi><mn>5</mn><mo>+</mo></msubsup>"),
        (r"\mathrm{net\_x}", '<mi mathvariant="normal">net_x</mi>'),
        (r"\underset{2 \times 1}{x}", "<munder><mi>x</mi><mrow><mn>2</mn><mo>×</mo><mn>1</mn></mrow></munder>"),
        (r"\fwd{0.5}", '<mrow class="fwd"><mn>0.5</mn></mrow>'),
        (r"\text{a < b}", "<mtext>a &lt; b</mtext>"),
        (r"\sum_{n}^{4} x", "<munderover><mo>∑</mo><mi>n</mi><mn>4</mn></munderover><mi>x</mi>"),
        (r"\hat{m}", '<mover accent="true"><mi>m</mi><mo stretchy="false">^</mo></mover>'),
        (
            r"\begin{bmatrix} 1 \\[4pt] [x] \end{bmatrix}",
            '<mrow><mo>[</mo><mtable><mtr><mtd><mn>1</mn></mtd></mtr><mtr><mtd><mo stretchy="false">[</mo><mi>x</mi>'
            '<mo stretchy="false">]</mo></mtd></mtr></mtable><mo>]</mo></mrow>',
        ),
        (r"\mathcal{L}", "<mi>ℒ</mi>"),
        (r"\unheard", r"<mtext>\unheard</mtext>"),
        ("</math>", '<mo>&lt;</mo><mo>/</mo><mi>m</mi><mi>a</mi><mi>t</mi><mi>h</mi><mo>&gt;</mo>'),
    ],
)  # fmt: skip
def test_mathml_of_tex(tex: str, expected: str) -> None:
    """Each construct has its element; the TeX is kept word for word beside it."""
    written = mathml.inline(tex)
    annotation = html.escape(tex, quote=False)
    assert (
        f'<math><semantics><mrow>{expected}</mrow><annotation encoding="application/x-tex">{annotation}'
        "</annotation></semantics></math>"
    ) == written
