"""Sentences that say who is asking, before or after what is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from coordinator.intent.heads import Role
from coordinator.intent.pieces import ASIDE, Joint, Piece

_BACKGROUND = re.compile(
    r"\b(?:since \d{4}|founded|established in|headquartered|(?:we|it) (?:are|is) an? (?!\w+ly )"
    r"(?:[\w-]+ ){0,4}(?:company|firm|manufacturer|operator|provider|business|start-?up|organi[sz]"
    r"ation|family)|our company|our firm|we (?:manufacture|produce|build|sell|employ)|last year"
    r"|years ago|in the past|so far|until now|employs? \d|we have been \w+ing|background:"
    r"|for context|fyi)\b"
)
"""How people introduce themselves before they ask for anything."""
_SIZES = frozenset(("num_ues",))
"""What people also tell of themselves: how many they are."""


def without_background(found: Sequence[Piece]) -> list[Piece]:
    """Leave out sentences that only introduce the tenant, if another one asks for something."""
    sentences: list[list[Piece]] = []
    for piece in found:
        if piece.joint is Joint.SENTENCE or not sentences:
            sentences.append([])
        sentences[-1].append(piece)
    asking = [sentence for sentence in sentences if not _is_background(sentence)]
    if not any(piece.kind is not None or piece.speech.firm for s in asking for piece in s):
        named = [s for s in sentences if any(piece.kind for piece in s)]
        asking = [s for s in sentences if s in asking or s in named] if named else sentences
    return [piece for sentence in asking for piece in sentence]


def _is_background(sentence: Sequence[Piece]) -> bool:
    """Whether a sentence only tells who is asking."""
    if _BACKGROUND.search(" ".join(piece.text for piece in sentence)):
        return True
    opinions = [piece.opinion for piece in sentence if piece.opinion]
    if not opinions or any(piece.kind or piece.keys - _SIZES for piece in sentence):
        return False
    return opinions[0].roles[Role.BACKGROUND] >= ASIDE or all(
        item.roles[Role.OTHER] >= ASIDE for item in opinions
    )
