"""Numbers as people write them: 12,000 · 0,5 · 99,99 · 2 million · 50k · 10^6 · a dozen."""

from __future__ import annotations

import re
from enum import Enum, auto

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {
    **{word: value for value, word in enumerate(_ONES.split())},
    **{word: 10 * value for value, word in enumerate(_TENS.split(), start=2)},
}
_LARGE = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "mio": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "trillion": 1e12,
    "dozen": 12.0,
    "k": 1e3,
    "m": 1e6,
}
_PARTS = {"half": 0.5, "quarter": 0.25}
_WORD = "|".join(sorted((*_SMALL, *(word for word in _LARGE if len(word) > 2)), key=len)[::-1])
_ABOUT = {"few": 3.0, "several": 3.0, "couple": 2.0}
"""Round numbers that are not told exactly: "a few hundred" is read as three hundred."""
_BIG = "hundred|thousand|million|dozen"
_DIGIT = "|".join(_ONES.split()[:10])
WORDS = (
    rf"(?:a )?\b(?:{'|'.join(_ABOUT)}) (?:of )?(?:{_BIG})\b"
    rf"|(?:{'|'.join(_SMALL)}) and a half(?: (?:{_BIG}))?\b|"
    rf"(?:(?:half|a quarter) (?:of )?(?:an? )?|an? )?\b(?:{_WORD})"
    rf"(?:(?:[\s-]+(?:and )?)(?:{_WORD}))*(?: point(?:[\s-](?:{_DIGIT}))+)?\b|half an?\b"
)
DIGITS = (
    r"(?:\d{1,3}(?:[ ,.'_]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?:e[+-]?\d{1,3}|\s?\^\s?\d{1,3}|\s?(?:x|\*)\s?10\s?\^\s?-?\d{1,3})?"
)
SCALE = (
    r"(?:\s?(?:hundred|thousand|million|mio|billion|bn|trillion|dozen)s?\b|\s?[km](?![a-z0-9/]))?"
)
NUMBER = re.compile(
    rf"(?<![a-z0-9_.,])(?P<digits>{DIGITS})(?P<scale>{SCALE})|(?P<words>\b(?:{WORDS}))"
)
"""A number in a folded text; `scale` is the word that multiplies the digits."""


class Reading(Enum):
    """How separators are meant, which depends on what is counted."""

    COUNT = auto()  # three digits after any separator are thousands: 10.000 players
    SHARE = auto()  # separators are decimal: 99,999 %
    MEASURE = auto()  # a comma before three digits is thousands, a point is decimal


def value_of(match: re.Match[str], reading: Reading) -> float:
    """The number that `NUMBER` matched."""
    if match["words"]:
        return _spoken(match["words"])
    scale = match["scale"].strip().rstrip("s")
    return _written(match["digits"], reading) * (_LARGE[scale] if scale else 1.0)


def _written(digits: str, reading: Reading) -> float:
    """Digits with separators and exponents; overflow reads as infinity."""
    base, _, exponent = digits.replace(" ", "").replace("*", "x").partition("^")
    if exponent:
        return _power(base, int(exponent), reading)
    digits = digits.replace(" ", "").replace("'", "").replace("_", "")
    marks = [mark for mark in digits if mark in ".,"]
    if len(set(marks)) == 2:  # both: the last one is decimal
        thousands = "," if marks[-1] == "." else "."
        return float(digits.replace(thousands, "").replace(",", "."))
    if not marks:
        return float(digits)
    mark, tail = marks[0], re.split("[.,]", digits)[-1]
    grouped = len(tail) == 3 and not digits.startswith("0")
    thousands_meant = len(marks) > 1 or (
        grouped and reading is not Reading.SHARE and (mark == "," or reading is Reading.COUNT)
    )
    return float(digits.replace(mark, "" if thousands_meant else "."))


def _power(base: str, exponent: int, reading: Reading) -> float:
    """ "10^6", "5x10^-3"."""
    factor = _written(base.removesuffix("x10"), reading) if base.endswith("x10") else 1.0
    try:
        return factor * (10.0 if base.endswith("x10") else _written(base, reading)) ** exponent
    except OverflowError:
        return float("inf")


def _spoken(words: str) -> float:
    """Number words: "two hundred and fifty" is 250, "ninety-nine point nine" 99.9."""
    words, _, decimals = words.partition(" point")
    if decimals:
        digits = "".join(str(_SMALL[word]) for word in re.split(r"[\s-]+", decimals.strip(" -")))
        return float(f"{_spoken(words):.0f}.{digits}")
    whole, half, scale = words.partition(" and a half")
    if half:
        return (_spoken(whole) + 0.5) * _LARGE.get(scale.strip(), 1.0)
    total, group, factor = 0.0, 0.0, 1.0
    for word in re.split(r"[\s-]+", words):
        if word in _PARTS:
            factor = _PARTS[word]
        elif word in _SMALL or word in _ABOUT:
            group += _SMALL.get(word) or _ABOUT.get(word, 0.0)
        elif word in ("hundred", "dozen"):
            group = (group or 1.0) * _LARGE[word]
        elif word in _LARGE:
            total, group = total + (group or 1.0) * _LARGE[word], 0.0
    return (total + group or 1.0) * factor if factor < 1 else total + group
