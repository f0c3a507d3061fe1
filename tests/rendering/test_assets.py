"""The files that a page is made of: fonts, style sheets and scripts, ours or the user's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from symbackprop import rendering
from symbackprop.errors import OutputError, UnknownNameError
from symbackprop.rendering import assets
from symbackprop.resources import folder
from tests.documents import solved
from tests.helpers import ROOT

BUNDLED = (folder("templates") / "html",)


def test_style_holds_the_fonts_that_are_there() -> None:
    """Fonts become data, rules of fonts that we do not ship are gone, and no address is left."""
    style = assets.style(BUNDLED, ("katex/katex.min.css",))
    fonts = sorted(path.name for path in (BUNDLED[0] / "katex" / "fonts").iterdir())
    assert len(fonts) == style.count("@font-face") == style.count("url(data:font/woff2;base64,")
    assert style.count("url(") == len(fonts)


def test_katex_is_of_one_version() -> None:
    """Style sheet and script come from the same release, whose licence is beside them."""
    katex = BUNDLED[0] / "katex"
    script, style = (katex / name for name in ("katex.min.js", "katex.min.css"))
    (version,) = re.findall(r'version:"(0\.16\.\d+)"', script.read_text("utf-8"))
    assert f'"{version}"' in style.read_text("utf-8")
    assert version in (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    assert "MIT License" in (katex / "LICENSE").read_text("utf-8")


def test_users_file_replaces_a_bundled_one(tmp_path: Path) -> None:
    """A style sheet or a script in the user's folder of templates takes the place of ours; the rest stays."""
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "page.css").write_text("/* mine </style> */", encoding="utf-8")
    (tmp_path / "html" / "page.js").write_text("'</script><!--';\r\n", encoding="utf-8", newline="")
    written = rendering.render(solved("line"), "html", templates=tmp_path, explorable="practice")
    assert isinstance(written, str)
    assert r"/* mine <\/style> */" in written
    assert "'\\x3C/script>\\x3C!--';\n" in written
    assert "KaTeX_Main" in written


@pytest.mark.parametrize("name", ["missing.css", "../../secret.css", "/etc/passwd", "katex/../../latex/format.toml"])
def test_asset_that_is_not_there_is_one_message(name: str, tmp_path: Path) -> None:
    """A file that is missing, or outside of the format's folders, is reported by its name."""
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "format.toml").write_text(f'suffix = "html"\nstyles = ["{name}"]\n', encoding="utf-8")
    (tmp_path / "secret.css").write_text("secret", encoding="utf-8")
    with pytest.raises(OutputError, match=re.escape(name)):
        rendering.render(solved("line"), "html", templates=tmp_path)


def test_asset_that_is_no_text_is_one_message(tmp_path: Path) -> None:
    """A script that cannot be read is reported with its file."""
    (tmp_path / "page.js").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OutputError, match="cannot be read as text") as caught:
        assets.scripts((tmp_path,), ("page.js",))
    assert str(tmp_path / "page.js") == caught.value.where


def test_unknown_way_to_write_formulas_names_the_nearest(tmp_path: Path) -> None:
    """The setting `formulas` has the rows of a table."""
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "format.toml").write_text('suffix = "html"\nformulas = "mathlm"\n', encoding="utf-8")
    with pytest.raises(UnknownNameError, match="mathml"):
        rendering.formats(tmp_path)
