"""Whole requests of one to three services, where every stretch is known to speak of one of them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from coordinator.intent.guard import admit
from coordinator.intent.numbers import quantities
from coordinator.intent.pieces import Piece, pieces
from coordinator.intent.services import ENTRIES
from envs.intent_heads import continued, grammar
from envs.intent_heads.cells import Cell
from envs.intent_heads.vocabulary import NUMBERS, SLOTS

SLOT = re.compile(r"\{(\w+)\}")
KNOWN = {
    cell: lines
    + tuple(
        phrase
        for item in ENTRIES
        if (item.slice_type, item.first) == (cell.slice_type, cell.quality)
        for phrase in item.phrases
    )
    for cell, lines in grammar.SERVICES.items()
}
"""The templates of each cell, and the phrases of the catalogue's services in it."""
CELLS = tuple(cell for cell, lines in grammar.SERVICES.items() for _ in range(1 + len(lines) // 15))
"""Cells with more templates more often."""
_HOW_MANY = (1, 1, 1, 2, 2, 3)
_FURTHER_ALONE = (0, 1, 1, 2, 2, 3)
_FURTHER_AMONG = (0, 0, 1, 1, 2)
_SAME_TYPE = 0.12
_MEASURED_SHARE = 0.25
_TERSE_SHARE = 0.2
_FILLERS = re.compile(r"\b(?:the|a|an|of|for|our|their|is|are|to|we|need|at)\b ?| +", re.IGNORECASE)
"""What people leave out when they only write down key words."""
_SAME_THING = 0.75
"""How often a thing that is mentioned again is the same thing."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words of a request; `service` is None for a heading, background and what is of all."""

    text: str
    service: int | None


@dataclass(frozen=True, slots=True)
class Meeting:
    """A piece that the rules cut, and those before it that speak of one service."""

    before: tuple[Piece, ...]
    piece: Piece
    apart: bool


class Sentences:
    """Draws whole requests; the same source of chance draws the same."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def draw(self) -> list[Stretch]:
        """A request, in the order in which it is written."""
        cells = self._cells()
        drawn = [Stretch(words, None) for words in self._introduction(len(cells))]
        then = self._chance.choice(continued.THEN)
        for index, cell in enumerate(cells):
            if index:
                other = self._chance.random() < 0.3
                drawn.append(Stretch(self._chance.choice(continued.THEN) if other else then, index))
            drawn.append(Stretch(self._service(cell, index, len(cells)), index))
        if len(cells) > 1 and self._chance.random() < 0.15:
            told = self._chance.choice(continued.OF_ALL)
            told = told.replace("{q}", self._qualifier(None, {}))
            drawn.append(Stretch(self._chance.choice((". ", ", ")) + told, None))
        if self._chance.random() < _TERSE_SHARE:
            return [Stretch(_FILLERS.sub(" ", item.text), item.service) for item in drawn]
        return drawn

    def _cells(self) -> list[Cell]:
        """The services' cells, seldom two of one slice type."""
        count = self._chance.choice(_HOW_MANY)
        cells: list[Cell] = []
        while len(cells) < count:
            cell = self._chance.choice(CELLS)
            known = {other.slice_type for other in cells}
            if cell.slice_type not in known or self._chance.random() < _SAME_TYPE:
                cells.append(cell)
        return cells

    def _introduction(self, services: int) -> Iterator[str]:
        if self._chance.random() < 0.2:
            for _ in range(self._chance.choice((1, 1, 2))):
                yield self.filled(self._chance.choice(grammar.BACKGROUND), {}) + ". "
        if services > 1 and self._chance.random() < 0.25:
            heading = self.filled(self._chance.choice(continued.HEADINGS), {})
            yield heading + self._chance.choice((": ", ": ", ". "))

    def _service(self, cell: Cell, index: int, services: int) -> str:
        """What is asked for, and what is said further of it."""
        things: dict[str, str] = {}
        words = self._named(cell, things)
        further = _FURTHER_ALONE if services == 1 else _FURTHER_AMONG
        more = [self._more(cell, things) for _ in range(self._chance.choice(further))]
        if self._chance.random() < _MEASURED_SHARE:
            words += " " + self.filled(self._chance.choice(continued.MEASURES), things)
        if index:
            words = self.filled(self._chance.choice(continued.ALSO), things).replace("{s}", words)
        elif self._chance.random() < 0.6:
            words = self.filled(self._chance.choice(grammar.OPENERS), things).replace("{s}", words)
        if services == 1 and more and self._chance.random() < 0.15:
            words = f"{more.pop()}: {words}"
        for item in more:
            bracketed = self._chance.random() < 0.1
            words += f" ({item})" if bracketed else self._chance.choice(continued.MORE) + item
        return words

    def _named(self, cell: Cell, things: dict[str, str]) -> str:
        lists = continued.LISTS[cell.slice_type]
        if lists and self._chance.random() < 0.2:
            words = self.filled(self._chance.choice(lists), things)
        else:
            known = self._chance.random() < 0.15
            lines = KNOWN[cell] if known else grammar.SERVICES[cell]
            words = self.filled(self._chance.choice(lines), things)
        counted = self._chance.random() < 0.15 and not words[0].isdigit()
        return f"{self._chance.choice(NUMBERS['count'])} {words}" if counted else words

    def _more(self, cell: Cell, things: dict[str, str]) -> str:
        way = self._chance.random()
        if way < 0.55:
            lines = continued.CONTINUED[cell.slice_type]
        elif way < 0.7:
            lines = continued.ANY
        else:
            return self._qualifier(cell, things)
        return self.filled(self._chance.choice(lines), things)

    def _qualifier(self, cell: Cell | None, things: dict[str, str]) -> str:
        own = [] if cell is None else [cell.quality, cell.quality]
        chosen = self._chance.choice([*own, *grammar.QUALIFIERS])
        return self.filled(self._chance.choice(grammar.QUALIFIERS[chosen]), things)

    def filled(self, line: str, things: dict[str, str]) -> str:
        """A line with its slots filled; "{s}" stays for the caller.

        Args:
            things: what was said before, slot by slot; mostly said again, but not in one line.
        """
        here: set[str] = set()

        def fill(slot: re.Match[str]) -> str:
            name = slot[1]
            if name == "s":
                return slot[0]
            if name in NUMBERS:
                return self._chance.choice(NUMBERS[name])
            again = name in things and name not in here and self._chance.random() < _SAME_THING
            here.add(name)
            if not again:
                things[name] = self._chance.choice(SLOTS[name])
            return things[name]

        return SLOT.sub(fill, line)


def meetings(request: list[Stretch]) -> Iterator[Meeting]:
    """Each piece of a request with what stands before it, as the rules meet them."""
    text = "".join(stretch.text for stretch in request).lower()
    admitted = admit(text)
    if admitted.folded != text:
        return  # folding moved the letters: whose they are is no longer known
    owners = [stretch.service for stretch in request for _ in stretch.text]
    before: list[Piece] = []
    current: int | None = None
    for piece in pieces(text, quantities(admitted), []):
        owner = _owner(piece, text, owners)
        apart = None not in (current, owner) and owner != current
        if apart and piece.own_words == 0:
            continue  # "we", "also": it belongs to what follows
        if before:
            yield Meeting(tuple(before), piece, apart)
        if apart:
            before.clear()
        before.append(piece)
        current = owner if apart or current is None else current


def _owner(piece: Piece, text: str, owners: list[int | None]) -> int | None:
    """Whose most letters of a piece are."""
    votes: dict[int | None, int] = {}
    for letter, owner in zip(
        text[piece.start : piece.end], owners[piece.start : piece.end], strict=True
    ):
        if letter.isalnum():
            votes[owner] = votes.get(owner, 0) + 1
    return max(votes, key=lambda owner: votes[owner]) if votes else None
