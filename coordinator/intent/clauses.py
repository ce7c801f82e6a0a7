"""Splits a sentence into pieces, and gathers the pieces that speak of the same service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

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
    r"(?P<sentence>[.!?;](?=\s|$|\")+|\n+)|(?P<colon>:(?=\s)|\s--?\s)"
    r"|(?P<list>,(?=\s)|[()]|\s[&+]\s|\s(?:and|plus|while|whereas|but|along with|as well as"
    r"|together"
    r" with|alongside|also|in addition to|besides|combined with|then|another|supporting"
    r" both)\b)|(?P<with>\s(?:with|including|which|that|where|so that|except|other than"
    r"|featuring|using|via|from"
    r" which|via which)\b)"
)
_LEADING = re.compile(r"^(?:\W+|(?:and|plus|also|but|then|with|as well as)\b\s*)+")
JOINTS_MAX = 256
_ANOTHER = re.compile(
    r"\b(?:another|second|third|separate|different|additional|one (?:slice )?(?:for|with|of|at"
    r"|carries|carrying|that|to)|and one$|other one|a further|first|secondly|finally|the other"
    r"|lastly|(?:slice|service) (?:one|two|three|[b-e2-9]|ii|iii))\b"
)
_REST = re.compile(
    r"\b(?:everything else|(?:every ?thing|all(?: \w+)?|anything) (?:except|but|other than)"
    r"|all (?:other|else|remaining|the"
    r" rest)|the rest|(?:other|remaining) (?:traffic|devices|users|services|machines|data)"
    r"|others|anything else)\b"
)
_BEST_EFFORT = re.compile(r"\b(?:best[- ]effort|cheap\w*|low(?:est)? priority|no guarantees?)\b")
_ALL = re.compile(
    r"\b(?:both|all of (?:them|it|this|these)|all (?:services|slices|three|four|must|need|of)"
    r"|each (?:service|slice|of)|everything|overall|in total|the whole|throughout|whole service"
    r"|every (?:service|slice)|they all|entire|for all)\b"
)
_EXPLICIT_WEIGHT = 2.6
_WHO = re.compile(r"^\W*(?:we|i) (?:run|operate|own|manage|are|am|have been|look after)\b")
_WANTS = re.compile(r"\b(?:needs?|wants?|requires?|would like|am looking|are looking)\b")
"""Who asks, and that something is asked for: "we run a ferry terminal and need ..."."""
_NEW_WEIGHT = 1.0
_ANOTHER_WEIGHT = 0.9
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
_WITH_WEIGHT = 2.0
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
        return _WITH_WEIGHT if self._likely_kind(_PLAIN) else _LIKELY_WEIGHT

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
            return self.opinion.roles[Role.QUALIFIER] >= _SURE
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


@dataclass(slots=True)
class Group:
    """Pieces about one service."""

    pieces: list[Piece] = field(default_factory=list)
    rest: bool = False

    @property
    def kind(self) -> SliceType | None:
        """The slice type that the pieces agree on so far."""
        named = [kind for piece in self.pieces for kind in piece.speech.explicit]
        if named:
            return named[0]
        weights: dict[SliceType, float] = {}
        for piece in self.pieces:
            if piece.kind is not None:
                weights[piece.kind] = weights.get(piece.kind, 0.0) + piece.weight
        return max(weights, key=lambda kind: weights[kind]) if weights else None

    def states(self, keys: frozenset[str]) -> bool:
        """Whether any of these is stated of the service already."""
        return any(keys & piece.keys for piece in self.pieces)

    def holds(self, position: int) -> bool:
        return any(piece.holds(position) for piece in self.pieces)


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
    opinions = heads.clauses([_said(part.text) for part in parts])
    return [replace(part, opinion=item) for part, item in zip(parts, opinions, strict=True)]


def _said(text: str) -> str:
    """A piece without the joint it starts with, as the heads were trained."""
    return _LEADING.sub("", text.strip()) or text


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
        another=_ANOTHER.search(text) is not None,
        shared=_ALL.search(text) is not None,
    )


_SCOPED_LENGTH = 6
_SCOPED = re.compile(r"\b(?:per|each|every)[\s-]$")
"""A word behind these only says what a number is of: "60 Mbps per crane"."""


def _within(word: Word, item: Quantity) -> bool:
    return item.start <= word.start < item.end


def gather(found: Sequence[Piece]) -> tuple[list[Group], list[Piece]]:
    """Services of a sentence, and the pieces that speak of all of them.

    A piece starts a service of its own when it names one of another slice type than the piece
    before it, or says "another". What stands before a colon is a heading: with services
    behind the colon it only says what they are for.
    """
    groups: list[Group] = []
    shared: list[Piece] = []
    headings = _headings(found)
    for index, piece in enumerate(_announced(found)):
        if index in headings:
            shared.append(piece)
        elif _is_rest(found, index):
            groups.append(Group([piece], rest=True))
        elif not groups or _starts(piece, groups, _keys_from(found, index)):
            groups.append(Group([piece]))
        elif (
            (piece.kind is None or piece.brief)
            and (piece.shared or _own_sentence(found, index))
            and len(groups) > 1
        ):
            shared.append(piece)
        else:
            _home(piece, groups).pieces.append(piece)
    return groups, shared


def _announced(found: Sequence[Piece]) -> list[Piece]:
    """ "... and one with 20 ms": what announces another service belongs to the piece behind it."""
    announced = list(found)
    for index, (piece, later) in enumerate(pairwise(found)):
        bare = piece.own_words < 2 or _ANOTHER.fullmatch(piece.text.strip(" .,;"))
        if piece.another and bare and later.joint in (Joint.WITH, Joint.COLON):
            announced[index + 1] = replace(later, another=True)
    return announced


def _is_rest(found: Sequence[Piece], index: int) -> bool:
    """Whether a piece speaks of "everything else", and that it needs little."""
    around = found[index : index + 2]
    words = _REST.search(" ".join(piece.text for piece in around))
    return words is not None and words.start() < len(around[0].text) and _best_effort(found, index)


def _best_effort(found: Sequence[Piece], index: int) -> bool:
    """Whether "everything else" is said to need little, in its own piece or the next."""
    return any(_BEST_EFFORT.search(piece.text) for piece in found[index : index + 3])


def _home(piece: Piece, groups: Sequence[Group]) -> Group:
    """The group a piece belongs to: an earlier one of the same type, or the one before."""
    if piece.kind is not None and groups[-1].kind not in (None, piece.kind):
        for group in reversed(groups):
            if group.kind is piece.kind and not group.rest:
                return group
    return next((group for group in reversed(groups) if not group.rest), groups[-1])


def _keys_from(found: Sequence[Piece], index: int) -> frozenset[str]:
    """What is stated in a piece and in those behind it that only qualify it."""
    keys = found[index].keys
    for later in found[index + 1 :]:
        if later.kind is not None or later.joint is Joint.SENTENCE:
            break
        keys |= later.keys
    return keys


def _starts(piece: Piece, groups: Sequence[Group], keys: frozenset[str]) -> bool:
    """Whether a piece opens a new service; `keys` are what is stated of it."""
    last = groups[-1]
    if piece.kind is None or (piece.brief and not piece.another):
        return False
    if last.rest:
        return True
    if piece.another and piece.weight >= _ANOTHER_WEIGHT and (last.kind or last.states(keys)):
        return True
    if last.kind is None:
        return False
    alike = [group for group in groups if group.kind is piece.kind]
    if alike:
        return any(_competes(piece, keys, group) for group in alike)
    own = "num_ues" in keys and last.states(frozenset(("num_ues",)))
    part = piece.joint is Joint.WITH and not own
    return piece.weight >= (_WITH_WEIGHT if part else _NEW_WEIGHT)


def _competes(piece: Piece, keys: frozenset[str], group: Group) -> bool:
    """Two services of one type: each has its own words and its own number of the same kind."""
    words = {_words(part, hit) for part in group.pieces for hit in part.speech.concrete}
    own = {_words(piece, hit) for hit in piece.speech.concrete}
    return group.states(keys) and bool(own) and own.isdisjoint(words)


def _words(piece: Piece, hit: Hit[Entry]) -> str:
    """The words a service is named by, in this piece."""
    return piece.text[hit.start - piece.start : hit.end - piece.start]


def _headings(found: Sequence[Piece]) -> set[int]:
    """Indices of the pieces before a colon that only introduce the services behind it."""
    headings = {
        index
        for index, (piece, later) in enumerate(pairwise(found))
        if _WHO.search(piece.text) and later.kind is not None and _WANTS.search(later.text)
    }
    for index, piece in enumerate(found):
        if piece.joint is not Joint.COLON:
            continue
        first = index - 1
        while first > 0 and found[first].joint is not Joint.SENTENCE:
            first -= 1
        before = [hit for p in found[first:index] for hit in p.speech.entries if not hit.negated]
        behind = {later.kind for later in found[index:] if later.kind is not None}
        concrete = [hit for hit in before if not hit.meaning.sector]
        if len(behind) > 1 or (behind and (not concrete or leaning(concrete) in behind)):
            headings.update(range(first, index))
    return headings


def _own_sentence(found: Sequence[Piece], index: int) -> bool:
    """Whether a piece's whole sentence names no service."""
    first = index
    while first > 0 and found[first].joint is not Joint.SENTENCE:
        first -= 1
    last = index + 1
    while last < len(found) and found[last].joint is not Joint.SENTENCE:
        last += 1
    return all(piece.kind is None or piece.brief for piece in found[first:last])
