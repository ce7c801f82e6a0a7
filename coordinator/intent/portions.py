"""Which words of a sentence speak of which service, and how sure the rules are of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from coordinator.intent import hostile
from coordinator.intent.background import own_size, without_background
from coordinator.intent.clauses import gather
from coordinator.intent.guard import Text, admit
from coordinator.intent.heads import found as found_heads
from coordinator.intent.numbers import quantities
from coordinator.intent.pieces import pieces
from coordinator.intent.places import places
from coordinator.intent.readable import readable


@dataclass(frozen=True, slots=True)
class Portion:
    """The tenant's own words for one service.

    Attributes:
        named: a word names the service; typed: its words give the slice type ("URLLC",
            "ultra-low latency").
    """

    words: str
    named: bool
    typed: bool


def benign(text: str) -> Text:
    """The text without what no tenant may ask for.

    Raises:
        InvalidRequest: empty or too long.
    """
    admitted = admit(text)
    kept, _ = hostile.cut(admitted.folded)
    return Text(admitted.original, kept, admitted.offsets)


def is_benign(text: str) -> bool:
    """Whether nothing had to be left out."""
    _, cut = hostile.cut(admit(text).folded)
    return cut == 0


def portions(text: str, areas: Sequence[str]) -> list[Portion]:
    """One portion for each service that the rules find, in the same order."""
    heads = found_heads()
    kept, _ = readable(text, heads)
    spots = places(kept, areas)
    pairs = [
        (left.start, right.end)
        for left, right in pairwise(spots)
        if right.start - left.end <= _REACH
    ]
    found = quantities(kept, heads.counted if heads else None)
    told = own_size(kept.folded, found)
    stated = [item for item in found if item not in told]
    parts = without_background(pieces(kept.folded, stated, pairs, heads), told)
    groups, _ = gather(kept.folded, parts, heads)
    return [
        Portion(
            " ".join(kept.folded[piece.start : piece.end].strip() for piece in group.pieces),
            named=group.rest or any(piece.speech.concrete for piece in group.pieces),
            typed=any(piece.speech.explicit or piece.speech.firm for piece in group.pieces),
        )
        for group in groups
    ]


_REACH = 8
"""Characters between two places that are one thing ("Berlin and Munich"), as in `rules`."""
