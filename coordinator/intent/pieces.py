"""Splits a sentence into pieces, each with what it names, states and announces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from coordinator.intent.announcements import ANOTHER
from coordinator.intent.catalogue import Entry
from coordinator.intent.heads import Heads, Opinion, Role
from coordinator.intent.lexicon import Speech, negated_spans, speech
from coordinator.intent.quantity import Quantity
from coordinator.intent.words import Hit, Word, words
from coordinator.model import SliceType
from domains.errors import InvalidRequest


class Joint(StrEnum):
    """What stands before a piece, and so how likely it is that it starts something new."""

    SENTENCE = "sentence"
    COLON = "colon"
    LIST = "list"
    WITH = "with"


_JOINTS = re.compile(
    r"(?P<sentence>(?:^|\n)\s*\(?[1-9][.)]\s|[.!?;](?=\s|$|\")+|\n+|\s\(?[1-9]\)\s)|(?P<colon>:(?=\s)|\s--?\s)"
    r"|(?P<list>,(?=\s)|[()]|\s[&+]\s|\s(?:and|plus|while|whereas|but|along with|as well as"
    r"|together"
    r" with|alongside|also|in addition to|besides|combined with|then|another|supporting"
    r" both)\b)|(?P<with>\s(?:with|including|which|that|where|so that|except|other than"
    r"|featuring|using|via|from"
    r" which|via which)\b)"
)
_LEADING = re.compile(r"^(?:\W+|(?:and|plus|also|but|then|with|as well as)\b\s*)+")
JOINTS_MAX = 256
_ALL = re.compile(
    r"\b(?:both|all of (?:them|it|this|these)|all (?:services|slices|three|four|must|need|of)"
    r"|each (?:service|slice|of)|everything|overall|in total|the whole|throughout|whole service"
    r"|every (?:service|slice)|they all|entire|for all)\b"
)
_EXPLICIT_WEIGHT = 2.6
_LIKELY_WEIGHT = 1.0
_SURE, _SURER = 0.6, 0.7
"""How sure the heads must be where no word names a service, and where one only hints at it."""
_STARTS = 0.7
"""How sure the heads must be to add a service to those that others named."""
_PLAIN = 0.85
"""How sure the heads must be to be heard like two words of the phrase book."""
_DOUBTED = 0.3
"""What a single word says counts unless the heads give it less than this."""
ASIDE = 0.8
"""How sure the heads must be that a sentence asks for nothing."""
WITH_WEIGHT = 2.0
"""A service behind "with" is often just a part of the one before: it has to be named fully."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the folded text without a joint inside.

    Attributes:
        keys: of the quantities stated in it; own_words: how many words say more than these.
        another: it announces one more service; shared: it speaks of all services.
        opinion: of the heads, where there are any.
    """

    start: int
    end: int
    joint: Joint
    text: str
    speech: Speech
    keys: frozenset[str] = frozenset()
    another: bool = False
    shared: bool = False
    own_words: int = 0
    opinion: Opinion | None = None

    @property
    def kind(self) -> SliceType | None:
        """The slice type the piece names outright, the one that its services have, or likely has.

        One word says little ("teleoperator fallback"): the heads, if sure, know better.
        """
        if self.speech.explicit:
            return self.speech.explicit[0]
        found = leaning(self.speech.concrete)
        if self.opinion is None or self._named_weight > 1:
            return found
        if self.opinion.roles[Role.OTHER] >= ASIDE:
            return None
        if found is not None:
            doubted = self.opinion.types[found] < _DOUBTED
            return (doubted and self._likely_kind(_SURE)) or found
        if any(hit.negated for hit in self.speech.entries):
            return None
        return self._likely_kind(_SURER if self.speech.entries else _SURE)

    @property
    def weight(self) -> float:
        """How plainly the piece names a service."""
        if self.speech.explicit:
            return _EXPLICIT_WEIGHT
        if self._named_weight:
            return self._named_weight
        if self.kind is None:
            return 0.0
        return WITH_WEIGHT if self._likely_kind(_PLAIN) else _LIKELY_WEIGHT

    @property
    def _named_weight(self) -> float:
        return max((hit.weight for hit in self.speech.concrete), default=0.0)

    @property
    def hinted(self) -> bool:
        """Whether the heads take the piece for a service, of whichever type."""
        return self.opinion is not None and self.opinion.roles[Role.SERVICE] >= _SURER

    @property
    def brief(self) -> bool:
        """Whether a piece only seems to name a service: it qualifies one ("for 800 sensors")."""
        if self.speech.explicit or self._named_weight > 1 or self.opinion is None:
            return False
        if self._named_weight:
            counted = "num_ues" in self.keys and self.joint is not Joint.WITH
            listed = counted and self._named_weight == 1  # "40 robots and 12 cameras"
            return self.opinion.roles[Role.QUALIFIER] >= _SURE and not listed
        least = 3 if self.joint is Joint.SENTENCE else 2
        return self.own_words < least or self._likely_kind(_STARTS) is None

    def _likely_kind(self, sure: float) -> SliceType | None:
        """The heads' slice type, where they are sure that the piece is a service of that type."""
        opinion = self.opinion
        if opinion is None or opinion.roles[Role.SERVICE] < sure:
            return None
        kind = opinion.slice_type
        return kind if opinion.types[kind] >= sure else None

    def holds(self, position: int) -> bool:
        return self.start <= position < self.end


def leaning(hits: Iterable[Hit[Entry]]) -> SliceType | None:
    """The slice type that most of the named services have."""
    weights: dict[SliceType, float] = {}
    for hit in hits:
        kind = hit.meaning.slice_type
        weights[kind] = weights.get(kind, 0.0) + hit.weight
    return max(weights, key=lambda kind: weights[kind]) if weights else None


def pieces(
    folded: str,
    found: Sequence[Quantity],
    pairs: Sequence[tuple[int, int]],
    heads: Heads | None = None,
) -> list[Piece]:
    """The pieces of a text; a joint inside a quantity or between two places is none.

    Raises:
        InvalidRequest: there are more than `JOINTS_MAX` joints.
    """
    whole = [*pairs, *((item.start, item.end) for item in found)]
    cuts = [
        match
        for match in _JOINTS.finditer(folded)
        if not any(start < match.start() < end for start, end in whole)
    ]
    if len(cuts) > JOINTS_MAX:
        raise InvalidRequest(
            "the request has more clauses than can be told apart",
            field="intent",
            requested=len(cuts),
            achievable=JOINTS_MAX,
            unit="clauses",
        )
    denied = negated_spans(folded)
    parts: list[Piece] = []
    start, joint = 0, Joint.SENTENCE
    for cut in [*cuts, None]:
        end = cut.start() if cut else len(folded)
        if folded[start:end].strip():
            parts.append(_piece(folded, start, end, joint, denied, found))
            joint = Joint.LIST
        if cut:
            kind = Joint(cut.lastgroup or "list")
            joint = kind if not parts or end > start or _stronger(kind, joint) else joint
            start = cut.end() if kind in (Joint.SENTENCE, Joint.COLON) else cut.start() + 1
    if heads is None:
        return parts
    opinions = heads.clauses([said(part) for part in parts])
    return [replace(part, opinion=item) for part, item in zip(parts, opinions, strict=True)]


def said(piece: Piece) -> str:
    """The words of a piece without the joint it starts with, as the heads were trained."""
    return _LEADING.sub("", piece.text.strip()) or piece.text


def _stronger(new: Joint, old: Joint) -> bool:
    order = list(Joint)
    return order.index(new) < order.index(old)


def _piece(
    folded: str,
    start: int,
    end: int,
    joint: Joint,
    denied: Sequence[tuple[int, int]],
    found: Sequence[Quantity],
) -> Piece:
    text = folded[start:end]
    said = words(folded, start, end)
    inside = [item for item in found if start <= item.start < end]
    own = [word for word in said if not (word.small or any(_within(word, q) for q in inside))]
    return Piece(
        start,
        end,
        joint,
        text,
        speech(folded, said, denied),
        frozenset(item.key for item in inside),
        own_words=sum(
            1
            for word in own
            if not _SCOPED.search(folded, max(start, word.start - _SCOPED_LENGTH), word.start)
        ),
        another=ANOTHER.search(text) is not None,
        shared=_ALL.search(text) is not None,
    )


_SCOPED_LENGTH = 6
_SCOPED = re.compile(r"\b(?:per|each|every)[\s-]$")
"""A word behind these only says what a number is of: "60 Mbps per crane"."""


def _within(word: Word, item: Quantity) -> bool:
    return item.start <= word.start < item.end
