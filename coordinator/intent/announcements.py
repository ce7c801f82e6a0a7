"""What a text says of its services before it names them: how many, and that the next begins."""

from __future__ import annotations

import re

from coordinator.intent.quantity import spoken

ANOTHER = re.compile(
    r"\b(?:another|second|third|separate(?:ly)?|different|additional|one (?:slice )?(?:for|with"
    r"|of|at|is|carries|carrying|that|to)|and one$|other one|a further|first|secondly"
    r"|finally|the other|lastly|(?:slice|service) (?:one|two|three|[b-e2-9]|ii|iii))\b"
)
"""The next service begins."""

_COUNT = r"(?P<count>two|three|four|five|six|[2-6])"
_OWN_WORDS = r"(?!of\b|or\b|and\b|for\b|more\b|other\b|new\b|existing\b)[a-z][\w-]*"
_PROMISED = re.compile(
    rf"(?<![\w.,-]){_COUNT} (?:{_OWN_WORDS} ){{0,3}}?(?:slices|services|things|needs)\b(?! of\b)"
)
""" "Two separate video slices", "three things"."""
_NUMBERED = re.compile(
    r"\b(?:slice|service) (?P<count>one|two|three|four|five|six|[1-6])\b(?![-\w.,]*\d)"
)
""" "Slice one ..., slice two ..."."""


def promised(folded: str) -> int | None:
    """How many services a text says that it asks for, where it says so."""
    if match := _PROMISED.search(folded):
        return int(spoken(match["count"]))
    counts = [int(spoken(match["count"])) for match in _NUMBERED.finditer(folded)]
    if len(counts) > 1 and counts == list(range(1, len(counts) + 1)):
        return len(counts)
    return None


def is_promise(words: str) -> bool:
    """Whether words only say how many services follow."""
    return _PROMISED.search(words) is not None
