"""Words of a text, reduced to stems, and phrases looked up in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_WORD = re.compile(r"[a-z0-9]+")
_SMALL = frozenset(
    (
        "a",
        "an",
        "the",
        "of",
        "for",
        "our",
        "my",
        "your",
        "in",
        "on",
        "to",
        "and",
        "with",
        "s",
        "via",
        "from",
        "by",
    )
)
_GAP = 1
"""Full words that may stand inside a phrase: "remote robotic surgery" is a remote surgery."""
_WEIGHTS = (0.0, 1.0, 2.0, 2.6, 3.0)


@dataclass(frozen=True, slots=True)
class Word:
    """A stem and where its word stands in the folded text."""

    stem: str
    start: int
    end: int

    @property
    def small(self) -> bool:
        return self.stem in _SMALL


def words(folded: str, start: int = 0, end: int | None = None) -> list[Word]:
    """The words of `folded[start:end]`."""
    stop = len(folded) if end is None else end
    return [Word(stem(m[0]), m.start(), m.end()) for m in _WORD.finditer(folded, start, stop)]


def stem(word: str) -> str:
    """Plurals, -ing, -ed and a final e removed; rough, but the same on both sides."""
    if len(word) <= 3:
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 3:
            word = word[: -len(ending)]
            if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sle":
                word = word[:-1]
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


@dataclass(frozen=True, slots=True)
class Hit(Generic[T]):
    """A phrase found: what it stands for, how specific it is, and the words' positions."""

    meaning: T
    weight: float
    start: int
    end: int
    negated: bool = False


class PhraseBook(Generic[T]):
    """Phrases and what they stand for; looked up by their first stem."""

    def __init__(self, phrases: Iterable[tuple[str, T]]) -> None:
        self._book: dict[str, list[tuple[tuple[str, ...], T]]] = {}
        for phrase, meaning in phrases:
            first, *rest = [word.stem for word in words(phrase.lower()) if not word.small]
            self._book.setdefault(first, []).append((tuple(rest), meaning))
        for entries in self._book.values():
            entries.sort(key=lambda item: -len(item[0]))

    def find(self, text: Sequence[Word], negated: Collection[int] = frozenset()) -> list[Hit[T]]:
        """Phrases in a text, the most specific first, none overlapping another."""
        found: list[tuple[float, int, set[int], T]] = []
        full = [(index, word) for index, word in enumerate(text) if not word.small]
        for place, (index, word) in enumerate(full):
            for rest, meaning in self._book.get(word.stem, ()):
                used = _match(full, place, rest)
                if used is not None:
                    weight = _WEIGHTS[min(len(rest) + 1, len(_WEIGHTS) - 1)]
                    found.append((weight, index, {index, *used}, meaning))
        found.sort(key=lambda item: (-item[0], item[1]))
        taken: set[int] = set()
        hits = []
        for weight, _, used, meaning in found:
            if taken.isdisjoint(used):
                taken |= used
                start, end = text[min(used)].start, text[max(used)].end
                hits.append(Hit(meaning, weight, start, end, min(used) in negated))
        return hits

    def stems(self) -> Mapping[str, object]:
        """First stems of all phrases: words that are vocabulary."""
        return self._book


def _match(full: Sequence[tuple[int, Word]], place: int, rest: Sequence[str]) -> set[int] | None:
    """Indices of the words that complete a phrase after `place`, at most `_GAP` words apart."""
    used: set[int] = set()
    for wanted in rest:
        for ahead in range(place + 1, min(place + 2 + _GAP, len(full))):
            if full[ahead][1].stem == wanted:
                place = ahead
                used.add(full[ahead][0])
                break
        else:
            return None
    return used
