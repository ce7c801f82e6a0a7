"""Whether a piece of a text opens a new service: rules cut, a head tells services apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from coordinator.intent.apart import likely_apart
from coordinator.intent.catalogue import Entry
from coordinator.intent.heads import Heads, Role
from coordinator.intent.pieces import WITH_WEIGHT, Joint, Piece
from coordinator.intent.words import Hit
from coordinator.model import SliceType

_RULED_FIRMLY, _RULED, _UNRULED = 4.0, 3.3, -1.2
"""Log odds that the rules add: where they cut and name a service fully, where they cut, and where
they do not but the piece says enough to be a service."""
_EVEN = 0.5
"""How sure the heads must be that a piece is a service before its words count fully."""
_WORDS_LEAST = 2
"""Of its own; a fragment that is a sentence for itself and states nothing needs one more."""
_ODDS_LEAST = 1e-6
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


@dataclass(frozen=True, slots=True)
class Judge:
    """The head that tells services apart, made more or less eager to do so (log odds)."""

    heads: Heads | None
    eagerness: float = 0.0
    promised: bool = False

    def apart(self, group: Group, piece: Piece) -> float | None:
        """Log odds that a piece speaks of another service; None where there is no head."""
        if self.heads is None:
            return None
        likely = likely_apart(group.pieces, piece, self.heads)
        return math.log(max(likely, _ODDS_LEAST) / max(1 - likely, _ODDS_LEAST)) + self.eagerness


def opens(piece: Piece, groups: Sequence[Group], keys: frozenset[str], judge: Judge) -> bool:
    """Whether a piece opens a new service; `keys` are what is stated of it."""
    last = groups[-1]
    ruled = _ruled(piece, groups, keys)
    apart = judge.apart(last, piece)
    if apart is None or last.rest:
        return ruled
    return apart + _evidence(piece, last, keys, ruled=ruled, promised=judge.promised) >= 0


def _evidence(
    piece: Piece, last: Group, keys: frozenset[str], *, ruled: bool, promised: bool
) -> float:
    """What the rules add to the head's log odds that a piece opens a new service."""
    assert piece.opinion is not None
    service = piece.opinion.roles[Role.SERVICE]
    if ruled:
        firm = piece.weight >= WITH_WEIGHT and service >= _EVEN
        firm = firm or piece.another or "num_ues" in keys or bool(piece.speech.explicit)
        return _RULED_FIRMLY if firm else _RULED
    if promised and (keys or piece.another):
        return _UNRULED
    least = _WORDS_LEAST + (piece.joint is Joint.SENTENCE and not keys)
    heard = service >= _EVEN and piece.own_words >= least and last.kind is not None
    return _UNRULED if heard else -math.inf


def _ruled(piece: Piece, groups: Sequence[Group], keys: frozenset[str]) -> bool:
    """Whether a piece opens a new service as far as rules can tell."""
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
