"""Activations as rows: everything that is said of one of them anywhere.

An activation is one row: its expression, the classroom form of its derivative (in z and in its own value a) where one is
usual, its settings, its names on paper and in other libraries, its source. The derivative itself is never written here:
`algebra.forms` takes it from SymPy, and a test proves the classroom form equal to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.rows import Counterpart, Defaults, Setting, Settings, Words, defaults


@dataclass(frozen=True, slots=True)
class Rearrangement:
    """A line of the way from what the rules of differentiation give to the classroom form, and the end of its reason's id.

    `formula` is text in `z` and `a` (the function's own value), "" for the classroom form itself.
    """

    reason: str
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation function.

    `expression` is its text in `z` and its settings; `derivative` the usual classroom form in `z`, `a` (its own value)
    and its settings, if there is one; `stable` an equal form for floating point, where the expression can overflow
    (`functions.stable_form` gives a formula with all of them put in); `symbol` how it is printed; `lowest` and `highest`
    bound its values. A vector activation (softmax) has `vector = True` and no text: `functions.definition` writes it for its
    number of units. `smooth` are the settings with which it has a derivative everywhere although its expression is made of
    kinked functions: none, an empty table, where it always has one.

    A worked derivation begins with the `definition`, where the expression is a function of its own (tanh), is differentiated
    rule by rule and goes on with the `rearrangements`; a test proves that every line is equal to the next.

    `boundary` is the value of one output unit (of two, for a vector activation) between two classes, `spellings` are what
    people type for it in answers besides its name. `reason` is the end of the id of the phrase that explains it ("" for
    none), `below` that of the phrase for a negative argument where it hands on what is positive as it is, and has its kink
    at 0 ("" for every other). `torch` and `sklearn` are its counterparts in PyTorch and scikit-learn, `words` the phrases
    that it brings itself.
    """

    name: str
    expression: str
    symbol: str
    derivative: str = ""
    stable: str = ""
    definition: str = ""
    rearrangements: tuple[Rearrangement, ...] = ()
    settings: Settings = field(default_factory=dict)
    vector: bool = False
    smooth: Mapping[str, Fraction] | None = None
    lowest: Fraction | None = None
    highest: Fraction | None = None
    source: str = ""
    boundary: Fraction | None = None
    spellings: tuple[str, ...] = ()
    reason: str = "activation"
    below: str = ""
    torch: Counterpart | None = None
    sklearn: str = ""
    words: Words = field(default_factory=dict)

    @property
    def parameters(self) -> Defaults:
        """The settings with their defaults."""
        return defaults(self.settings)


_ZERO, _UNIT = Fraction(0), Fraction(1)
_F = "torch.nn.functional"


def _slope(default: Fraction, meaning: str) -> Mapping[str, Setting]:
    return {"alpha": Setting(default, "alpha", meaning)}


ROWS = (
    Activation(
        "linear",
        "z",
        "id",
        source="the identity; Bishop, PRML (2006), section 5.2",
        reason="activation_linear",
        torch=Counterpart("Identity"),
        sklearn="identity",
    ),
    Activation(
        "sigmoid",
        "1/(1 + exp(-z))",
        "σ",
        "a*(1 - a)",
        stable="exp(min(0, z))/(1 + exp(-abs(z)))",
        rearrangements=(
            Rearrangement("numerator", "(1 + exp(-z))/(1 + exp(-z))**2 - 1/(1 + exp(-z))**2"),
            Rearrangement("own_value", "a - a**2"),
            Rearrangement("common_factor"),
        ),
        lowest=_ZERO,
        highest=_UNIT,
        source="the logistic function; Nielsen, Neural Networks and Deep Learning (2015), chapter 1",
        boundary=Fraction(1, 2),
        spellings=("sigma", "sig", "logistic"),
        reason="activation_sigmoid",
        torch=Counterpart("Sigmoid", call="torch.sigmoid({0})"),
        sklearn="logistic",
    ),
    Activation(
        "tanh",
        "tanh(z)",
        "tanh",
        "1 - a**2",
        definition="(exp(z) - exp(-z))/(exp(z) + exp(-z))",
        rearrangements=(
            Rearrangement("split", "1 - ((exp(z) - exp(-z))/(exp(z) + exp(-z)))**2"),
            Rearrangement("own_value"),
        ),
        lowest=-_UNIT,
        highest=_UNIT,
        source="LeCun et al., Efficient BackProp (1998), section 4.4",
        boundary=_ZERO,
        spellings=("th",),
        torch=Counterpart("Tanh"),
    ),
    Activation(
        "relu",
        "max(0, z)",
        "ReLU",
        lowest=_ZERO,
        source="Nair and Hinton, ICML 2010",
        below="below_relu",
        torch=Counterpart("ReLU", call="torch.relu({0})"),
    ),
    Activation(
        "leaky_relu",
        "max(0, z) + alpha*min(0, z)",
        "LeakyReLU",
        settings=_slope(Fraction(1, 100), "slope below 0"),
        source="Maas, Hannun and Ng, ICML 2013",
        below="below",
        torch=Counterpart("LeakyReLU", {"negative_slope": "alpha"}, call=f"{_F}.leaky_relu({{0}}, {{alpha}})"),
    ),
    Activation(
        "elu",
        "max(0, z) + alpha*(exp(min(0, z)) - 1)",
        "ELU",
        settings=_slope(_UNIT, "size of the lowest value"),
        smooth={"alpha": _UNIT},
        source="Clevert, Unterthiner and Hochreiter, ICLR 2016, equation 15",
        below="below",
        torch=Counterpart("ELU", {"alpha": "alpha"}, call=f"{_F}.elu({{0}}, {{alpha}})"),
    ),
    Activation(
        "softplus",
        "ln(1 + exp(z))",
        "softplus",
        "sigmoid(z)",
        stable="max(0, z) + ln(1 + exp(-abs(z)))",
        rearrangements=(Rearrangement("divided", "1/(1 + exp(-z))"), Rearrangement("sigmoid")),
        lowest=_ZERO,
        source="Dugas et al., NIPS 2000",
        # Above its threshold PyTorch's softplus is the identity; at 20 the two differ by 2e-9. A script writes it out.
        torch=Counterpart("Softplus", fixed={"beta": (1,)}),
    ),
    Activation(
        "softsign",
        "z/(1 + abs(z))",
        "softsign",
        "1/(1 + abs(z))**2",
        rearrangements=(Rearrangement("absolute_value"),),
        smooth={},
        lowest=-_UNIT,
        highest=_UNIT,
        source="Glorot and Bengio, AISTATS 2010, section 2",
        torch=Counterpart("Softsign", call=f"{_F}.softsign({{0}})"),
    ),
    Activation(
        "silu",
        "z/(1 + exp(-z))",
        "SiLU",
        "sigmoid(z) + a*(1 - sigmoid(z))",
        stable="z*sigmoid(z)",
        rearrangements=(
            Rearrangement("split", "1/(1 + exp(-z)) + z/(1 + exp(-z))*(exp(-z)/(1 + exp(-z)))"),
            Rearrangement("sigmoid"),
        ),
        source="Elfwing, Uchibe and Doya (2018), equation 2; also called swish",
        spellings=("swish",),
        torch=Counterpart("SiLU", call=f"{_F}.silu({{0}})"),
    ),
    Activation(
        "gelu",
        "z/2*(1 + erf(z/sqrt(2)))",
        "GELU",
        "1/2*(1 + erf(z/sqrt(2))) + z*exp(-z**2/2)/sqrt(2*pi)",
        rearrangements=(Rearrangement("roots"),),
        source="Hendrycks and Gimpel (2016), section 2, the exact form",
        torch=Counterpart("GELU", fixed={"approximate": ("none",)}, call=f"{_F}.gelu({{0}})"),
    ),
    Activation(
        "softmax",
        "",
        "softmax",
        vector=True,
        lowest=_ZERO,
        highest=_UNIT,
        source="Bridle (1990); Bishop, PRML (2006), equation 4.62",
        boundary=Fraction(1, 2),
        reason="activation_softmax",
        torch=Counterpart("Softmax", fixed={"dim": (-1, 1)}),
    ),
    Activation(
        "generic", "", "f", source="any differentiable function, a symbol with a symbol for its derivative", reason=""
    ),
)
