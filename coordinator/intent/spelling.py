"""Misspelt words put right where only one word of the trade can be meant: "survelliance".

A word is touched only if no English vocabulary has it and a known term is a letter or two away.
The tenant's own letters stay in the evidence; only what patterns are matched against changes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from coordinator.intent.counts import NOUNS
from coordinator.intent.guard import Text
from coordinator.intent.lexicon import phrase_words
from coordinator.intent.words import stem

_LETTERS_MIN = 5
_TWO_ERRORS_FROM = 8
"""A word of so many letters may be two edits away, a shorter one only one."""
_WORD = re.compile(rf"(?<![\w./-])[a-z]{{{_LETTERS_MIN},}}(?![\w/-]|\.\w)")
_VOWELS = frozenset("aeiouy")
_RIGHT = frozenset(
    """
    modal kilobits autonomously metering footfall kbps mbps gbps tbps mbit gbit kbit sst nssai dnn
    ues uavs agvs amrs plcs hmis rtt ppl cams cctv
    """.split()  # noqa: SIM905
)
"""Words and abbreviations that are right, though no list of ours has them."""
_SENTENCE = re.compile(r"(?:[^.!?;\n]|[.!?;](?=\S))*(?:[.!?;\n]\s*|$)")
_ANY_WORD = re.compile(r"(?<![\w./@-])[a-z]{3,}(?![\w/@])")
_ODD_MIN, _ODD_SHARE = 3, 0.5
"""A sentence with so many unknown words, and more of them than known ones, is no English."""
_TERMS = """
    availability available reliability reliable bandwidth throughput latency delay uplink downlink
    upload download megabit gigabit millisecond milliseconds second minutes slice slices network
    connection connectivity connect guarantee guaranteed maximum minimum percent users devices
    cheap cheapest possible please need priority isolated dedicated streaming internet service
    deploy create provision establish configure terminate delete modify increase decrease status
    wireless mobile each every round under below temperature pressure humidity between
"""


def mended(text: Text, english: Collection[str]) -> Text:
    """The text with misspelt terms put right in its folded form; offsets still lead back.

    Args:
        english: words that are right as they are.
    """
    letters: list[str] = []
    offsets: list[int] = []
    done = 0
    for match in _WORD.finditer(text.folded):
        term = None if match[0] in english else _meant(match[0])
        if term is None:
            continue
        letters.append(text.folded[done : match.start()])
        offsets.extend(text.offsets[done : match.start()])
        letters.append(term)
        offsets.extend(_spread(match.start(), match.end(), len(term), text))
        done = match.end()
    if not done:
        return text
    letters.append(text.folded[done:])
    offsets.extend(text.offsets[done:])
    return Text(text.original, "".join(letters), tuple(offsets))


def without_gibberish(text: Text, english: Collection[str]) -> Text:
    """The text with sentences left out that mostly are no words; positions stay."""
    kept = "".join(
        " " * len(sentence) if _is_gibberish(sentence, english) else sentence
        for sentence in _SENTENCE.findall(text.folded)
    )
    return text if kept == text.folded else Text(text.original, kept, text.offsets)


def _is_gibberish(sentence: str, english: Collection[str]) -> bool:
    found = _ANY_WORD.findall(sentence)
    odd = sum(1 for word in found if not _is_known(word, english))
    return odd >= _ODD_MIN and odd > _ODD_SHARE * len(found)


def _is_known(word: str, english: Collection[str]) -> bool:
    """Whether a word is English or of the trade, in some form."""
    _, stems = _terms()
    if word in english or word in _RIGHT or stem(word) in stems:
        return True
    return any(
        word.endswith(ending)
        and (word[: -len(ending)] in english or word[: -len(ending)] + "e" in english)
        for ending in ("s", "es", "ing", "ed", "er", "ers", "ly")
    )


def _spread(start: int, end: int, length: int, text: Text) -> Iterable[int]:
    """Offsets of a word put right: its first and last letter are those of the tenant's word."""
    last = end - start - 1
    return (text.offsets[start + round(index * last / (length - 1))] for index in range(length))


@lru_cache(maxsize=4_096)
def _meant(word: str) -> str | None:
    """The only term that is near enough, or None."""
    terms, stems = _terms()
    if word in terms or word in _RIGHT or stem(word) in stems:
        return None
    near = [
        term
        for term in terms
        if abs(len(term) - len(word)) <= 2
        and term[0] == word[0]
        and _distance(term, word) <= (2 if len(word) >= _TWO_ERRORS_FROM else 1)
    ]
    closest = min((_distance(term, word) for term in near), default=0)
    best = [term for term in near if _distance(term, word) == closest]
    alike = {stem(term) for term in best}
    return best[0] if len(alike) == 1 else None


@lru_cache(maxsize=1)
def _terms() -> tuple[tuple[str, ...], frozenset[str]]:
    """Words of the trade, with the plurals that people count, and their stems."""
    plain = {*_TERMS.split(), *phrase_words()}
    counted = {noun + "s" for noun in NOUNS}
    terms = sorted(term for term in plain | counted if len(term) >= _LETTERS_MIN and term.isalpha())
    return tuple(terms), frozenset(stem(term) for term in terms)


def _swapped(one: str, other: str) -> int:
    """A vowel for a vowel is a slip; another consonant mostly makes another word."""
    if one == other:
        return 0
    return 1 if one in _VOWELS and other in _VOWELS else 3


def _distance(one: str, other: str) -> int:
    """Letters inserted, dropped, replaced or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + _swapped(a, b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
