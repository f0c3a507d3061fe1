"""Every sign that means something in a format, as that format writes it so that it means nothing.

LaTeX: the ten special characters and what T1 fonts make of others. Markdown: CommonMark 0.31, section 2.4. HTML: section
13.3 of its standard. Typst: strings of code. CSS: a backslash and six hexadecimal digits (CSS Syntax 3, section 4.3.7).
"""

from __future__ import annotations

import pytest

from symbackprop.rendering import escapes
from symbackprop.rendering.escapes import MARKUPS
from tests.helpers import each

SIGNS = '\\{}$&#%_^~<>|"`•'
ESCAPED: dict[str, list[tuple[str, str]]] = {
    "latex": [
        (
            SIGNS,
            r"\textbackslash{}\{\}\$\&\#\%\_\textasciicircum{}\textasciitilde{}\textless{}\textgreater{}\textbar{}"
            r"\textquotedbl{}\textasciigrave{}\textbullet{}",
        ),
        ("a--b,,c''d---", "a-{}-b,{},c'{}'d-{}-{}-"),
        (" é€ 学 ж﷽ e\u0301 ", r"é€ 学 \symbackpropchar{ж}\symbackpropchar{﷽} é"),
        ("é--ž", "é-{}-ž"),
        ("x\u0007y\nz\u202e", "x y z"),
    ],
    "markdown": [
        (SIGNS, r'\\{}\$\&\#%\_^\~\<\>\|"\`•'),
        ("a*b[c](d)", r"a\*b\[c\](d)"),
        ("1. a", r"1\. a"),
        ("12) b", r"12\) b"),
        ("- a", r"\- a"),
        ("+1", r"\+1"),
        ("= x", r"\= x"),
        ("a - 1. = b", "a - 1. = b"),
        (" x\ny ", "x y"),
    ],
    "github": [
        ("#x $5 www.a.b", r"\#x <span>$</span>5 www\.a.b"),
        ("http://c ftp:d WWW:e httpx", r"http\://c ftp\:d WWW\:e httpx"),
    ],
    "html": [(SIGNS, r"\{}$&amp;#%_^~&lt;&gt;|&quot;`•"), ("it's\n</p>", "it&#x27;s &lt;/p&gt;")],
    "typst": [(SIGNS, r'#"\\{}$&#%_^~<>|\"`•"'), (" a\nb ", '#"a b"'), (" ", "")],
    "xml": [('x\u0007y<&"', "xy&lt;&amp;&quot;"), (" é ", " é ")],
    "css_string": [("a 1", '"a 1"'), ('"</e\u0301', '"\\000022\\00003c\\00002fe\\000301"'), ("x\ny", '"x y"')],
    "quoted": [('a"b\\', '"a\\"b\\\\"'), ("a\nb", '"a\nb"')],
}


@pytest.mark.parametrize("name", ESCAPED)
def test_signs_of_a_format_mean_nothing(name: str) -> None:
    """Each text as the format writes it, without what is kept of earlier calls."""
    escape = getattr(escapes, name)
    getattr(escape, "cache_clear", lambda: None)()
    for text, expected in each(ESCAPED[name]):
        assert expected == escape(text)


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("Müller’s", True),
        ("\x20~¡ž", True),
        ("ſ", False),
        ("–—‘’“”‚„†‡•…‰‹›€™", True),
        ("\xad", False),
        ("ƒ", False),
        ("学", False),
    ],
)
def test_latin_fonts_have_these(text: str, latin: bool) -> None:
    """Letters of European languages and their signs, no soft hyphen, and nothing beyond."""
    assert latin == escapes.is_latin(text)
    assert latin == escapes.is_latin(f"a{text}a")


@pytest.mark.parametrize(("character", "wide"), [("学", True), ("。", True), ("ａ", True), ("あ", True), ("é", False)])
def test_east_asian_characters(character: str, wide: bool) -> None:
    """Ideographs, kana, their punctuation and full-width forms."""
    assert wide == escapes.is_east_asian(character)


TONES = {
    "latex": (r"\symbackproptoned{right}{x}", r"\symbackpropcaret{}", r"\hspace{0pt}"),
    "html": ('<span class="is-right">x</span>', '<span class="caret">^</span>', ""),
    "typst": ('#toned("right")[x]', "#caret", "#sym.zws"),
    **dict.fromkeys(("markdown", "github", "text", "none"), ("x", "‸", "")),
}


@pytest.mark.parametrize("name", MARKUPS)
def test_tones_carets_and_breaks(name: str) -> None:
    """What stands around a text of a tone, where reading stopped, and where a word may be broken."""
    markup = MARKUPS[name]
    assert TONES[name] == (markup.toned("right", "x"), markup.caret, markup.soft)
    assert markup.is_wrapped is (name == "typst")


def test_strings_of_typst_beside_each_other_are_one() -> None:
    """Only their ends are left out: a quotation mark inside a string stays."""
    merged = MARKUPS["typst"].merged
    assert '#"a bc\\" #"' == merged('#"a" #"b"#"c\\" #"')
    assert 'x"#"' == MARKUPS["latex"].merged('x"#"')


def test_texts_and_nothing() -> None:
    """Plain text is one line without control characters; where nothing is escaped all stays."""
    assert "a b" == MARKUPS["text"].escape(" a\nb ")
    assert " a\nb " == MARKUPS["none"].escape(" a\nb ")
