"""Clauses and whole texts with their labels, composed from the grammar by a seeded generator."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.intent.catalogue import Quality
from coordinator.intent.heads import Role, Speech
from coordinator.intent.services import ENTRIES
from coordinator.model import SliceType
from envs.intent_heads import grammar, negatives
from envs.intent_heads.cells import Cell
from envs.intent_heads.grammar import QUALIFIERS, SERVICES
from envs.intent_heads.vocabulary import SLOTS

_SLOT = re.compile(r"\{(\w+)\}")
_NUMBERS = {
    "ms": ("1", "2", "5", "8", "10", "15", "20", "30", "50", "100", "150"),
    "nines": ("99.9", "99.95", "99.99", "99.999", "99.9999"),
    "rate": ("0.5", "2", "4", "10", "25", "50", "100", "200", "500"),
    "count": ("6", "12", "40", "90", "250", "600", "1200", "5,000", "20k", "two hundred"),
    "days": ("2", "3", "5", "7", "12", "90"),
}
_TYPO_SHARE = 0.06
_TERSE_SHARE = 0.3
_FILLERS = re.compile(r"\b(?:the|a|an|of|for|our|their|is|are|to)\b ?| +")
"""What people leave out when they only write down key words."""
_YIELDING = {
    SliceType.URLLC: (Quality.LATENCY, Quality.RELIABILITY),
    SliceType.MIOT: (Quality.RELIABILITY, Quality.ECONOMICS),
    SliceType.EMBB: (Quality.THROUGHPUT, Quality.ECONOMICS),
}
"""Where a qualifier of this quality makes it the dominant one, whatever the service's own is."""

_KNOWN = {
    cell: lines
    + tuple(
        phrase
        for item in ENTRIES
        if (item.slice_type, item.first) == (cell.slice_type, cell.quality)
        for phrase in item.phrases
    )
    for cell, lines in SERVICES.items()
}
"""The templates of each cell, and the phrases of the catalogue's services in it."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of text as the rules cut it; type and quality where it is about a service."""

    text: str
    role: Role
    slice_type: SliceType | None = None
    quality: Quality | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A text as a tenant sends it, and what it is."""

    text: str
    speech: Speech


class Composer:
    """Draws from the grammar; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311  # a grammar

    def clauses(self, count: int) -> list[Clause]:
        """Services, cells with more templates more often; and half as many that are no service."""
        cells = [cell for cell, lines in SERVICES.items() for _ in range(1 + len(lines) // 15)]
        found = [self._service(cells[index % len(cells)]) for index in range(count)]
        found += [self._aside() for _ in range(count // 2)]
        return found

    def wholes(self, count: int) -> list[Whole]:
        """Half of them requests, the rest in equal parts what is none."""
        others = {
            Speech.VAGUE: negatives.VAGUE,
            Speech.IRRELEVANT: negatives.IRRELEVANT,
            Speech.HOSTILE: negatives.HOSTILE,
            Speech.LIFECYCLE: negatives.LIFECYCLE,
        }
        shares = (0.08, 0.22, 0.12, 0.08)
        found = [Whole(self._request(), Speech.REQUEST) for _ in range(count // 2)]
        for (speech, lines), share in zip(others.items(), shares, strict=True):
            found += [
                Whole(self._said(self._filled(lines)), speech) for _ in range(int(count * share))
            ]
        return found

    def _service(self, cell: Cell) -> Clause:
        """One service, bare, asked for, or with one or two qualifiers."""
        quality = cell.quality
        words = self._filled(_KNOWN[cell] if self._chance.random() < 0.2 else SERVICES[cell])
        if self._chance.random() < 0.6:
            words = self._filled(grammar.OPENERS).replace("{s}", words)
        for _ in range(self._chance.choice((0, 0, 1, 1, 2))):
            wanted = self._chance.choice((None, None, quality, *_YIELDING.get(cell.slice_type, ())))
            if wanted is not None and wanted is not cell.quality:
                quality = wanted
            more = self._filled(QUALIFIERS[wanted])
            words = f"{more}: {words}" if self._chance.random() < 0.15 else f"{words} {more}"
        return Clause(self._said(words), Role.SERVICE, cell.slice_type, quality)

    def _aside(self) -> Clause:
        """A clause that names no service of its own."""
        role = self._chance.choice((Role.QUALIFIER, Role.QUALIFIER, Role.BACKGROUND, Role.OTHER))
        if role is Role.QUALIFIER:
            return Clause(self._said(self._filled(QUALIFIERS[self._quality()])), role)
        if role is Role.BACKGROUND:
            return Clause(self._said(self._filled(grammar.BACKGROUND)), role)
        lines = self._chance.choice((negatives.VAGUE, negatives.IRRELEVANT, negatives.HOSTILE))
        return Clause(self._said(self._filled(lines)), role)

    def _quality(self) -> Quality | None:
        chosen: Quality | None = self._chance.choice((*Quality, None, None))
        return chosen

    def _request(self) -> str:
        """One to three services, with what people write before, between and behind them."""
        services = self._chance.choice((1, 1, 1, 1, 2, 2, 3))
        words = self._filled(grammar.OPENERS)
        asked = [
            self._filled(SERVICES[self._chance.choice(list(SERVICES))]) for _ in range(services)
        ]
        listed = asked[0]
        for item in asked[1:]:
            listed += self._chance.choice(grammar.JOINERS) + item
        words = words.replace("{s}", listed)
        for _ in range(self._chance.choice((0, 0, 1, 1, 2))):
            words += self._chance.choice((", ", " ", ". ")) + self._filled(
                QUALIFIERS[self._quality()]
            )
        if self._chance.random() < 0.2:
            before = [
                self._filled(grammar.BACKGROUND) for _ in range(self._chance.choice((1, 1, 2)))
            ]
            words = ". ".join((*before, words))
        elif self._chance.random() < _TERSE_SHARE:
            words = _FILLERS.sub(" ", words)
        return self._said(words)

    def _filled(self, lines: Sequence[str]) -> str:
        """A line with its slots filled; "{s}" stays for the caller."""

        def fill(slot: re.Match[str]) -> str:
            name = slot[1]
            return (
                slot[0] if name == "s" else self._chance.choice(_NUMBERS.get(name) or SLOTS[name])
            )

        return _SLOT.sub(fill, self._chance.choice(lines))

    def _said(self, words: str) -> str:
        """As people type: a letter swapped, dropped or doubled now and then."""
        letters = list(words.lower())
        if self._chance.random() < _TYPO_SHARE * len(letters) / 20:
            place = self._chance.randrange(1, max(2, len(letters) - 1))
            way = self._chance.randrange(3)
            if way == 0 and place + 1 < len(letters):
                letters[place], letters[place + 1] = letters[place + 1], letters[place]
            elif way == 1:
                del letters[place : place + 1]
            else:
                letters.insert(place, letters[place - 1])
        return "".join(letters)
