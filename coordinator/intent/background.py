"""What only says who is asking: sentences around the request, and the tenant's own size."""

from __future__ import annotations

import re
from collections.abc import Sequence

from coordinator.intent.heads import Role
from coordinator.intent.pieces import ASIDE, Joint, Piece
from coordinator.intent.quantity import Quantity

_BACKGROUND = re.compile(
    r"\b(?:since \d{4}|founded|established in|headquartered|(?:we|it) (?:are|is) an? (?!\w+ly )"
    r"(?:[\w-]+ ){0,4}(?:company|firm|manufacturer|operator|provider|business|start-?up|organi[sz]"
    r"ation|family)|our company|our firm|we (?:manufacture|produce|build|sell|employ)|last year"
    r"|years ago|in the past|so far|until now|we have been \w+ing|background:"
    r"|for context|fyi)\b"
)
"""How people introduce themselves before they ask for anything."""
_SIZES = frozenset(("num_ues",))
"""What people also tell of themselves: how many they are."""
_PEOPLE = re.compile(
    r"\b(?:employees|people|staff|members|workers|colleagues|beds|inhabitants|residents)$"
)
"""Of whom a tenant says how many it has."""
_HAS = re.compile(
    r"\b(?:employ(?:s|ing)?|we are|we have|we're|i have|staff of|team of|population of|home to"
    r"|(?:with|of)) (?:about |some |over |around |nearly |roughly |almost |just )?$"
)
_FLOW = re.compile(r" (?:a|per|each|every) (?:day|week|month|season|year)\b")
""" "9,000 guests a day" are not all there at once."""
_ASKS = re.compile(r"\b(?:needs?|wants?|requires?|would like|please|looking for)\b")
_BEFORE = 32


def own_size(folded: str, found: Sequence[Quantity]) -> list[Quantity]:
    """How many people the tenant has or sees, where devices are counted as well."""
    counts = [item for item in found if item.key == "num_ues"]
    own = [item for item in counts if _is_own_size(folded, item)]
    return own if len(own) < len(counts) else []


def _is_own_size(folded: str, item: Quantity) -> bool:
    if _FLOW.match(folded, item.end):
        return True
    before = folded[max(0, item.start - _BEFORE) : item.start]
    return bool(_PEOPLE.search(folded[item.start : item.end]) and _HAS.search(before))


def without_background(found: Sequence[Piece], told: Sequence[Quantity] = ()) -> list[Piece]:
    """Leave out sentences that only introduce the tenant, if another one asks for something.

    Args:
        told: see `own_size`.
    """
    sentences: list[list[Piece]] = []
    for piece in found:
        if piece.joint is Joint.SENTENCE or not sentences:
            sentences.append([])
        sentences[-1].append(piece)
    asking = [sentence for sentence in sentences if not _is_background(sentence, told)]
    if not any(piece.kind is not None or piece.speech.firm for s in asking for piece in s):
        named = [s for s in sentences if any(piece.kind for piece in s)]
        asking = [s for s in sentences if s in asking or s in named] if named else sentences
    return [piece for sentence in asking for piece in sentence]


def _is_background(sentence: Sequence[Piece], told: Sequence[Quantity]) -> bool:
    """Whether a sentence only tells who is asking."""
    words = " ".join(piece.text for piece in sentence)
    sized = any(piece.holds(item.start) for piece in sentence for item in told)
    if sized and not _ASKS.search(words) and not any(piece.keys for piece in sentence):
        return True
    if _BACKGROUND.search(words):
        return True
    opinions = [piece.opinion for piece in sentence if piece.opinion]
    if not opinions or any(piece.kind or piece.keys - _SIZES for piece in sentence):
        return False
    return opinions[0].roles[Role.BACKGROUND] >= ASIDE or all(
        item.roles[Role.OTHER] >= ASIDE for item in opinions
    )
