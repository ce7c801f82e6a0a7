"""Whether a piece of a sentence speaks of another service than the pieces before it.

A head decides: it sees what the piece says, how near that is to what was said before, how it is
joined, and what is stated in each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coordinator.intent.encoder import Vectors
from coordinator.intent.heads import Heads
from coordinator.intent.pieces import Joint, Piece

_WORDS_FEW = 6
_NEAR = 3.0
"""Likeness, spread over as wide a range as the other inputs."""
_FAMILIES = (
    ("num_ues",),
    ("latency_ms", "rtt_ms"),
    ("availability_pct", "reliability_pct"),
    ("mbps", "dl_mbps", "ul_mbps", "per_ue_mbps", "per_ue_dl_mbps", "per_ue_ul_mbps"),
)
"""Keys of which a service states one, seldom two."""


def likely_apart(before: Sequence[Piece], piece: Piece, heads: Heads) -> float:
    """How likely it is that a piece speaks of another service than all those before it."""
    known = [part.opinion.vector for part in before if part.opinion]
    if not known or piece.opinion is None:
        return 0.0
    return heads.apart(met(np.stack(known), piece.opinion.vector, signs(before, piece))[None])


def met(before: Vectors, piece: Vectors, signs: Sequence[float]) -> Vectors:
    """What the head sees of one meeting, one row.

    Args:
        before: vectors of the pieces before, shape (pieces, dimension); piece: of the new one,
            shape (dimension); signs: see `signs`.
    """
    all_before = before.mean(0)
    near = (
        _NEAR * float(all_before @ piece) / max(float(np.linalg.norm(all_before)), 1e-9),
        _NEAR * float(before[-1] @ piece),
    )
    return np.concatenate((piece, np.array((*near, *signs), dtype=np.float32)))


def signs(before: Sequence[Piece], piece: Piece) -> list[float]:
    """How a piece is joined to those before it, and what is stated in each: 0 to 1."""
    ahead = frozenset[str]().union(*(part.keys for part in before))
    stated = [not piece.keys.isdisjoint(keys) for keys in _FAMILIES]
    known = [not ahead.isdisjoint(keys) for keys in _FAMILIES]
    again = any(new and old for new, old in zip(stated, known, strict=True))
    joints = [piece.joint is joint for joint in Joint]
    few = min(piece.own_words, _WORDS_FEW) / _WORDS_FEW
    return [few, *map(float, (*joints, piece.another, piece.shared, again, *stated, *known))]
