"""What predictions are marked by: bounds around the numbers of the solution, and mistakes as diagnosis knows them."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import language
from symbackprop.by_hand.answer_ids import id_of
from symbackprop.by_hand.hand_computation import LINE, PATH
from symbackprop.document.answer_symbols import symbol
from symbackprop.mistakes.diagnosing import examination_of
from symbackprop.mistakes.examination import Examination
from symbackprop.problems.load import examples
from symbackprop.rendering import predictions
from symbackprop.rendering.anchors import place_of
from tests.documents import solved
from tests.helpers import each, sample

CODES = ["en", "zh"]
DATA = '<template id="explore-practice">'
DIGITS = 5
"""Of a number with fewer digits alone diagnosis says nothing: many things make it."""


def data_of(name: str, code: str = "en") -> dict[str, Any]:
    """Return what the page of an example is marked by."""
    text = str(sbp.render(solved(name), "html", language=code))
    (_, _, rest) = text.partition(DATA)
    return dict(json.loads(html.unescape(rest.partition("</template>")[0])))


def keys_of(examination: Examination) -> dict[str, str]:
    """Return the key of every number of a computation by the place where it is derived."""
    keys = [key for key in examination.computation.by_key if not {PATH, LINE} & set(key)]
    return {place_of(symbol(examination.derivation, key)): key for key in keys}


@pytest.mark.parametrize("name", sample(examples(), "mazur", "circuit"))
def test_right_numbers_are_right_and_mistakes_are_not(name: str) -> None:
    """The number of the solution lies within its bounds, that of a mistake outside; factors and reasons differ."""
    data = data_of(name)
    examination = examination_of(solved(name).derivation)
    keys = keys_of(examination)
    values = {place: examination.values[key] for place, key in keys.items()}
    for place, answer in each(data["answers"].items()):
        least, most = map(float, answer["bounds"])
        assert least <= values[place] <= most, place
        assert all(not least <= float(wrong) <= most for wrong, _ in answer["mistakes"]), place
        assert all(row < len(data["mistakes"]) for _, row in answer["mistakes"])
        factor = answer.get("factor", {"factors": [], "reasons": []})
        assert all(
            len({tex for tex, _ in factor[kind]}) == len(factor[kind]) <= predictions.CHOICES
            for kind in ("factors", "reasons")
        )


@pytest.mark.parametrize("name", sample(["mazur", "xor", "deep", "attention"], "mazur"))
def test_diagnosis_knows_the_mistakes_by_their_numbers(name: str) -> None:
    """What a page names is among what diagnosis finds for the same number."""
    data = data_of(name)
    derivation = solved(name).derivation
    examination = examination_of(derivation)
    ids = {place: id_of(key, derivation.graph) for place, key in keys_of(examination).items()}
    seen = 0
    for place, answer in each(list(data["answers"].items())[::4]):
        for wrong, row in answer["mistakes"]:
            if len(wrong.partition("e")[0].strip("-0.").replace(".", "")) < DIGITS:
                continue
            (found,) = sbp.diagnose(derivation, {ids[place]: wrong}).answers
            told = {mistake.id for mistake in (*found.mistakes, *found.possible)}
            words = language.phrases("en")
            assert data["mistakes"][row] in {words[f"slip.{id}"] for id in told}, (place, wrong)
            seen += 1
    assert seen > 0


@pytest.mark.parametrize("code", CODES)
def test_mistakes_are_told_in_the_language_of_the_page(code: str) -> None:
    """Words of mistakes are phrases of the language."""
    assert set(data_of("mazur", code)["mistakes"]) <= set(language.phrases(code).values())


def test_nothing_is_asked_where_nothing_can_be_marked() -> None:
    """Without numbers, with numbers rounded on the way and with sequential updates a page asks for nothing."""
    network = {"inputs": 1, "layers": [{"units": 1, "activation": "sigmoid"}], "loss": "squared_error"}
    numbers = {"parameters": {"W1": [[0.5]], "b1": [0.1]}, "data": {"x": [1], "y": [1]}}
    whole = {"network": network, **numbers, "training": {"learning_rate": 0.1}}
    for content, is_asked in each(
        [
            (whole, True),
            ({"network": network | {"loss": "generic"}}, False),
            (whole | {"notation": {"round_intermediates": {"decimals": 4}}}, False),
            (whole | {"training": {"learning_rate": 0.1, "update": "sequential"}}, False),
        ]
    ):
        assert is_asked == (DATA in str(sbp.render(sbp.problem(content), "html")))


def test_formulas_are_those_of_the_page() -> None:
    """What is asked for is written in the notation of the document."""
    factor = data_of("mazur")["answers"]["gradient-W2_1_1"]["factor"]
    assert ("\\delta_{o_1}", "h_1") == (factor["before"], factor["factors"][0][0])
    assert "\\partial z_{o_1}/\\partial w_5" == factor["reasons"][0][0]
