"""Clauses and whole texts with their labels, composed from the grammar by a seeded generator."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coordinator.intent.catalogue import Quality
from coordinator.intent.heads import Role, Speech
from coordinator.model import SliceType
from envs.intent_heads import continued, grammar, negatives
from envs.intent_heads.cells import Cell
from envs.intent_heads.grammar import QUALIFIERS, SERVICES
from envs.intent_heads.sentences import CELLS, KNOWN, Meeting, Sentences, meetings

_TYPO_SHARE = 0.06
_CONTINUED_SHARE, _ANY_SHARE = 0.3, 0.1
_CLAUSE_SHARE = 0.5
_TOLD_SHARE = 0.06
_YIELDING = {
    SliceType.URLLC: (Quality.LATENCY, Quality.RELIABILITY),
    SliceType.MIOT: (Quality.RELIABILITY, Quality.ECONOMICS),
    SliceType.EMBB: (Quality.THROUGHPUT, Quality.ECONOMICS),
}
"""Where a qualifier of this quality makes it the dominant one, whatever the service's own is."""


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
        self._sentences = Sentences(self._chance)

    def clauses(self, count: int) -> list[Clause]:
        """Services, cells with more templates more often; and half as many that are no service."""
        found = [self._service(CELLS[index % len(CELLS)]) for index in range(count)]
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
        found += [Whole(self._told(), Speech.IRRELEVANT) for _ in range(int(count * _TOLD_SHARE))]
        for (speech, lines), share in zip(others.items(), shares, strict=True):
            found += [
                Whole(self._said(self._filled(lines)), speech) for _ in range(int(count * share))
            ]
        return found

    def meetings(self, count: int) -> Iterator[Meeting]:
        """Pieces of whole requests, each with those before it that speak of one service."""
        while count > 0:
            for meeting in meetings(self._sentences.draw()):
                yield meeting
                count -= 1
                if count == 0:
                    return

    def _service(self, cell: Cell) -> Clause:
        """One service, bare, asked for, or with one or two qualifiers."""
        quality = cell.quality
        words = self._filled(KNOWN[cell] if self._chance.random() < 0.2 else SERVICES[cell])
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
            return Clause(self._said(self._filled(self._qualifying())), role)
        if role is Role.BACKGROUND:
            return Clause(self._said(self._filled(grammar.BACKGROUND)), role)
        lines = self._chance.choice((negatives.VAGUE, negatives.IRRELEVANT, negatives.HOSTILE))
        return Clause(self._said(self._filled(lines)), role)

    def _qualifying(self) -> Sequence[str]:
        """Lines that say something of a service they do not name."""
        way = self._chance.random()
        if way < _CONTINUED_SHARE:
            return continued.CONTINUED[self._chance.choice(CELLS).slice_type]
        if way < _CONTINUED_SHARE + _ANY_SHARE:
            return continued.ANY
        return QUALIFIERS[self._chance.choice((*Quality, None, None))]

    def _request(self) -> str:
        """One service in a clause, or one to three with what people write around them."""
        if self._chance.random() < _CLAUSE_SHARE:
            return self._service(self._chance.choice(CELLS)).text
        return self._said("".join(stretch.text for stretch in self._sentences.draw()))

    def _told(self) -> str:
        """A service that nobody asks for."""
        words = self._filled(SERVICES[self._chance.choice(CELLS)])
        return self._said(self._filled(negatives.TOLD).replace("{s}", words))

    def _filled(self, lines: Sequence[str]) -> str:
        """A line with its slots filled; "{s}" stays for the caller."""
        return self._sentences.filled(self._chance.choice(lines), {})

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
