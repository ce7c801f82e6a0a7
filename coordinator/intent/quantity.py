"""A quantity found in a text, and the words around a number that give it a meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coordinator.intent.numerals import NUMBER, Reading, value_of

NEAR = 42
"""Characters on either side of a number that may say what it is of."""

_NEGATIVE = re.compile(r"(?:^|[\s(:=])(-|(?:minus|negative) )$")
STOP = re.compile(r"[,;:.!?()\n](?=\s|$)|\b(?:and|with|but|while|plus|for)\b")
STOP_BEFORE = re.compile(r"[,;.!?()\n](?=\s|$)|\b(?:and|but|while|plus)\b")
PER_DEVICE = re.compile(
    r"^\s*(?:\w+\s+){0,3}?(?:each\b(?! way| direction)|apiece\b|(?:per[ -]|/|for each |for every "
    r"|an? )(?!s\b|sec|slice|hour|day|direction|month|year|min|week|km|sq|lot|total"
    r"|guarantee)[a-z])"
)
"""Behind a rate: it is one device's."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number with its meaning; `start`, `end` are offsets in the folded text."""

    key: str
    value: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number and the text between its neighbours."""

    match: re.Match[str]
    before: str
    after: str

    @property
    def start(self) -> int:
        sign = _NEGATIVE.search(self.before)
        return self.match.start() - (len(sign[1]) if sign else 0)

    def value(self, reading: Reading) -> float:
        found = value_of(self.match, reading)
        return -found if _NEGATIVE.search(self.before) else found

    @property
    def closely_before(self) -> str:
        """What stands before, up to the nearest comma or conjunction."""
        cut = 0
        for match in STOP_BEFORE.finditer(self.before):
            cut = match.end()
        return self.before[cut:]

    @property
    def closely_after(self) -> str:
        """What follows, up to the nearest comma or conjunction."""
        match = STOP.search(self.after)
        return self.after[: match.start()] if match else self.after


def spoken(words: str) -> float:
    """The number that words or digits say, for example "eight"."""
    match = NUMBER.match(words)
    assert match is not None, words
    return value_of(match, Reading.MEASURE)


def tidy(value: float) -> float:
    """Without the dust of binary fractions: 0.1 + 0.2 is 0.3."""
    return float(f"{value:.12g}")


def unit_of(key: str) -> str:
    """The unit a key's values are in, as people write it."""
    if key == "price_eur_per_h":
        return "EUR/h"
    return _UNITS[key.rsplit("_", 1)[-1]]


_UNITS = {
    "ms": "ms",
    "pct": "%",
    "mbps": "Mbit/s",
    "ues": "devices",
    "km2": "devices per km2",
    "kmh": "km/h",
    "h": "h",
    "years": "years",
}
