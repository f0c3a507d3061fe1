"""What a document is made of: sections of blocks, free of any format and any language.

Prose is a `Message` (the id of a phrase and its arguments), mathematics a formula tree; `symbackprop.rendering` writes both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from symbackprop.algebra.formula import Node
from symbackprop.derivation.derivations import Derivation
from symbackprop.figures.drawing import Picture
from symbackprop.language import Wording
from symbackprop.messages import Message


class Judgement(StrEnum):
    """How a word is meant that says what somebody's answer turned out to be; `QUIET` is what nobody need look at."""

    RIGHT = "right"
    FOLLOWS = "follows"
    WRONG = "wrong"
    OPEN = "open"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Judged:
    """A word or a number with a tone; without the tone it still says everything."""

    tone: Judgement
    content: Message | str


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text as somebody typed it, or is to type it; `stop` is where reading it stopped, after so many characters."""

    text: str
    stop: int | None = None


Inline = Message | Node | Wording | Judged | Verbatim | str
"""A phrase, a formula, or text of the user's own (escaped by every format), in several languages perhaps."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or a few; one that `heads` is a heading without a number, above the lines of one quantity."""

    text: Message
    heads: bool = False


@dataclass(frozen=True, slots=True)
class Prose:
    """Text of the user's own, in Markdown, in several languages perhaps: paragraphs, lists and formulas."""

    text: Wording


@dataclass(frozen=True, slots=True)
class Chain:
    """`left = … = … ≈ …`: one or more lines aligned at their relations, and a short remark at their end."""

    left: Node
    steps: tuple[ChainStep, ...]
    remark: Message | None = None

    @property
    def name(self) -> str:
        """The code name of what it finds, or has found the gradient by; "" for a letter of its own."""
        return str(getattr(self.left, "name", ""))


@dataclass(frozen=True, slots=True)
class Display:
    """Displayed formulas, aligned with each other; up to `per_row` short ones may stand side by side."""

    chains: tuple[Chain, ...]
    per_row: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `numeric` says which columns hold numbers (aligned at the right).

    A long one may go on beside itself, `beside` times at most, where a format has pages.
    """

    header: tuple[Inline, ...]
    rows: tuple[tuple[Inline, ...], ...]
    numeric: tuple[bool, ...]
    beside: int = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of sentences, numbered or not."""

    items: tuple[Message, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with its caption; `alternative` says in words what is to be seen."""

    picture: Picture
    caption: Message
    alternative: Message


class NoteKind(StrEnum):
    """What an explanation is: why a step is as it is, a common mistake, the idea of a section, what the numbers show."""

    REASON = "reason"
    MISTAKE = "mistake"
    IDEA = "idea"
    OBSERVATION = "observation"


@dataclass(frozen=True, slots=True)
class Note:
    """An explanation beside the lines; without any of them a document is complete."""

    kind: NoteKind
    text: Message


@dataclass(frozen=True, slots=True)
class Terms:
    """A glossary: terms with their symbols ("" for none) and meanings."""

    header: tuple[Message, Message, Message]
    entries: tuple[tuple[Message, Inline, Message], ...]


Block = Paragraph | Prose | Display | Table | Listing | Figure | Note | Terms


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered section: title, blocks, subsections.

    One that is about another problem than the rest of the document has the `derivation` whose quantities it names.
    """

    title: Message
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    derivation: Derivation | None = field(default=None, repr=False, compare=False)

    def with_chains(self, change: Callable[[Chain], Chain]) -> Section:
        """Return the section with every chain changed, those of its subsections last."""
        blocks = tuple(
            replace(block, chains=tuple(map(change, block.chains))) if isinstance(block, Display) else block
            for block in self.blocks
        )
        return replace(self, blocks=blocks, sections=tuple(part.with_chains(change) for part in self.sections))


@dataclass(frozen=True, slots=True)
class PageFooter:
    """What stands at the foot of every page of a document that is handed out, and its paper: A4, or US `letter`.

    `owner` says whose it is, beside the number of the page and how many there are. `scan_code` is what a scanner reads in a
    QR code, before a colon and the number of the page; "" has none. `pages` is for how many pages there are such codes.
    """

    owner: tuple[Message, ...]
    scan_code: str = ""
    paper: str = ""
    pages: int = 8


@dataclass(frozen=True, slots=True)
class Document:
    """A document: title (the user's text, where there is one), the conventions in one line, sections.

    One without a `footer` has the number of the page at the foot of each. The formulas of one of `many`, a page for each
    student, are set by the browser itself: a library in each would make it ten times as large.
    """

    title: Inline
    subtitle: tuple[Message, ...]
    sections: tuple[Section, ...]
    footer: PageFooter | None = None
    many: bool = False


class Relation(StrEnum):
    """How a formula relates to the one before it."""

    EQUAL = "equal"
    ABOUT = "about"

    @classmethod
    def of(cls, is_exact: bool) -> Relation:
        """Return how an exact or a rounded number relates to what it is the value of."""
        return cls.EQUAL if is_exact else cls.ABOUT


@dataclass(frozen=True, slots=True)
class ChainStep:
    """A formula as printed, and its relation to what stands before it.

    `opens` says that a long chain should be broken here: a new thought begins. `reason` names the rule behind the step.
    """

    relation: Relation
    formula: Node
    opens: bool = False
    reason: Message | None = None
