"""Gathers the pieces of a sentence that speak of the same service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from coordinator.intent.catalogue import Entry
from coordinator.intent.pieces import ANOTHER, WITH_WEIGHT, Joint, Piece, leaning
from coordinator.intent.words import Hit
from coordinator.model import SliceType

_REST = re.compile(
    r"\b(?:everything else|(?:every ?thing|all(?: \w+)?|anything) (?:except|but|other than)"
    r"|all (?:other|else|remaining|the"
    r" rest)|the rest|(?:other|remaining) (?:traffic|devices|users|services|machines|data)"
    r"|others|anything else)\b"
)
_BEST_EFFORT = re.compile(r"\b(?:best[- ]effort|cheap\w*|low(?:est)? priority|no guarantees?)\b")
_WHO = re.compile(r"^\W*(?:we|i) (?:run|operate|own|manage|are|am|have been|look after)\b")
_WANTS = re.compile(r"\b(?:needs?|wants?|requires?|would like|am looking|are looking)\b")
"""Who asks, and that something is asked for: "we run a ferry terminal and need ..."."""
_NEW_WEIGHT = 1.0
_ANOTHER_WEIGHT = 0.9


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
        bare = piece.own_words < 2 or ANOTHER.fullmatch(piece.text.strip(" .,;"))
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
    return piece.weight >= (WITH_WEIGHT if part else _NEW_WEIGHT)


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
