"""Rates whose unit is shortened or said once: "dl 300M ul 60M", "500 up / 100 down Mbit/s"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coordinator.intent import units
from coordinator.intent.guard import Text
from coordinator.intent.quantity import NEAR, PER_DEVICE, Quantity, spoken, tidy

_WAY = r"\b(?:dl|ul|(?:down|up)(?:-?(?:link|load|stream))?)\b"
_RATE = (
    r"\d+(?:[.,]\d+)?(?:\s?(?:[kmgt]?(?:bits?|bytes?|b)(?:ps\b|/s(?:ec)?\b)|[kmgt]bits?\b"
    r"|[kmgt]\b(?!/)))?"
)
_BESIDE = re.compile(
    rf"(?P<before>{_WAY})[\s:=]*(?P<ahead>(?<![\w.,]){_RATE})(?![\w.%])"
    rf"|(?P<behind>(?<![\w.,]){_RATE})\s(?P<after>{_WAY})(?P<late>\s?[kmgt](?:b(?:ps|/s)|bits?(?:ps|/s)?)\b)?"
)
"""A rate with its direction right before or behind it."""
_RATE_PARTS = re.compile(r"(?P<number>\d+(?:[.,]\d+)?)\s?(?P<unit>.*)")
_BETWEEN = re.compile(r"[\s,;/&|+-]*(?:and\s)?")
_GENERATION = re.compile(r"[2-6]g")
"""2G to 6G are networks."""
_FACTORS = {"k": 1e-3, "m": 1.0, "g": 1e3, "t": 1e6}


@dataclass(frozen=True, slots=True)
class _Rate:
    """A number and a direction; `factor` makes it Mbit/s and is None where no unit is written.

    `whole` is set where the unit is written out: what reads every other number reads it as well.
    """

    way: str
    number: str
    factor: float | None
    whole: bool
    start: int
    end: int


def directed(text: Text) -> Iterator[Quantity]:
    """Rates beside a direction that lack a unit of their own, or have just its first letter."""
    for run in _runs(text):
        factors = [rate.factor for rate in run if rate.factor is not None]
        for rate in run:
            if rate.whole or not factors:
                continue
            factor = factors[-1] if rate.factor is None else rate.factor
            each = PER_DEVICE.search(text.folded[rate.end : rate.end + NEAR])
            key = f"{'per_ue_' if each else ''}{rate.way}_mbps"
            yield Quantity(key, tidy(spoken(rate.number) * factor), rate.start, rate.end)


def _runs(text: Text) -> Iterator[Sequence[_Rate]]:
    """Rates that stand next to each other: they share a unit."""
    run: list[_Rate] = []
    for rate in _rates(text):
        if run and not _BETWEEN.fullmatch(text.folded, run[-1].end, rate.start):
            yield run
            run = []
        run.append(rate)
    if run:
        yield run


def _rates(text: Text) -> Iterator[_Rate]:
    for match in _BESIDE.finditer(text.folded):
        written = match["ahead"] or match["behind"]
        if _GENERATION.fullmatch(written):
            continue
        parts = _RATE_PARTS.fullmatch(written)
        assert parts is not None, written
        unit = (parts["unit"] or match["late"] or "").strip()
        way = "dl" if (match["before"] or match["after"]).startswith("d") else "ul"
        factor = _factor(unit, text, match)
        whole = len(parts["unit"]) > 1
        yield _Rate(way, parts["number"], factor, whole, *match.span())


def _factor(unit: str, text: Text, match: re.Match[str]) -> float | None:
    if len(unit) < 2:
        return _FACTORS.get(unit)
    found = units.PATTERN.match(unit)
    return (
        None
        if found is None
        else units.mbps(found, text.original[slice(*text.span(*match.span()))])
    )
