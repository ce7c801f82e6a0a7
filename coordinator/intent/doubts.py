"""Numbers that cannot be meant are asked about, by their words; they are never clipped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coordinator.intent.guard import Text
from coordinator.intent.quantity import Quantity, unit_of
from coordinator.intent.units import PATTERN

_ABSURD = re.compile(
    r"(?<!\w)(?P<what>[+-]?(?:nan|infinity|infinite(?:ly)?|inf|unlimited|zero))[\s-]+(?P<unit>\w+)"
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A number that cannot be meant, by its words; offsets in the folded text."""

    question: str
    start: int
    end: int


_POSSIBLE = {
    "latency_ms": (0.01, 60_000.0),
    "rtt_ms": (0.02, 120_000.0),
    "jitter_ms": (0.0, 60_000.0),
    "availability_pct": (50.0, 99.9999999),
    "reliability_pct": (50.0, 99.9999999),
    "packet_loss_pct": (0.0, 50.0),
    "num_ues": (1.0, 100_000_000.0),
    "density_per_km2": (0.0001, 10_000_000.0),
    "speed_kmh": (0.0, 2_000.0),
    "duration_h": (1 / 60, 876_000.0),
    "battery_years": (0.0, 100.0),
    "price_eur_per_h": (0.0, 1_000_000.0),
}
"""What can be meant, in the unit of the key; 1 Tbit/s bounds every throughput."""
_RATE_POSSIBLE = (1e-6, 1_000_000.0)


def possible(key: str, value: float) -> bool:
    """Whether a value can be meant."""
    low, high = _POSSIBLE.get(key, _RATE_POSSIBLE)
    return low <= value <= high


def doubts(text: Text, found: Sequence[Quantity]) -> Iterator[Doubt]:
    """Numbers that are not numbers, or impossible: asked about, never clipped."""
    for match in _ABSURD.finditer(text.folded):
        what, unit = match["what"], match["unit"]
        measured = PATTERN.match(" " + unit) or unit.startswith(
            (
                "laten",
                "delay",
                "bandwidth",
                "throughput",
                "user",
                "device",
                "capacit",
                "speed",
                "jitter",
            )
        )
        if measured and not (what == "zero" and unit.startswith(("touch", "trust", "downtime"))):
            words = text.original[slice(*text.span(*match.span()))]
            yield Doubt(f'"{words}" is no quantity that can be kept. Which number?', *match.span())
    for item in found:
        low, high = _POSSIBLE.get(item.key, _RATE_POSSIBLE)
        if not low <= item.value <= high:
            words = text.original[slice(*text.span(item.start, item.end))]
            yield Doubt(
                f'"{words}" cannot be meant: it has to be between {low:,.10g} and {high:,.10g}'
                f" {unit_of(item.key)}. Which number?",
                item.start,
                item.end,
            )
