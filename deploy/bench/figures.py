"""What is made of measurements: percentiles, medians of windows, ratios. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of closed loops.

    Attributes:
        wall_s: how long it lasted, the last answer included.
        latencies_s: of every operation that was answered in it.
        cpu_s: user and system time of each process meanwhile, by name.
    """

    wall_s: float
    latencies_s: Sequence[float]
    cpu_s: Mapping[str, float]

    @property
    def operations(self) -> int:
        return len(self.latencies_s)

    @property
    def per_s(self) -> float:
        return self.operations / self.wall_s

    @property
    def p50_ms(self) -> float:
        return percentile(self.latencies_s, 50) * 1e3

    @property
    def p99_ms(self) -> float:
        return percentile(self.latencies_s, 99) * 1e3

    @property
    def cpu_ms(self) -> float:
        """Of all processes together, per operation."""
        return sum(self.cpu_s.values()) / self.operations * 1e3


@dataclass(frozen=True, slots=True)
class Summary:
    """Medians over some windows; CPU in ms per operation, in all and by process."""

    operations: int
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    cpu_ms_of: Mapping[str, float]

    @staticmethod
    def of(windows: Sequence[Window]) -> Summary:
        def share_ms(process: str) -> float:
            return median(w.cpu_s[process] / w.operations * 1e3 for w in windows)

        return Summary(
            operations=sum(window.operations for window in windows),
            per_s=median(window.per_s for window in windows),
            p50_ms=median(window.p50_ms for window in windows),
            p99_ms=median(window.p99_ms for window in windows),
            cpu_ms=median(window.cpu_ms for window in windows),
            cpu_ms_of={process: share_ms(process) for process in windows[0].cpu_s},
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """A measured value and the most that it may be."""

    name: str
    value: float
    at_most: float
    unit: str

    @property
    def kept(self) -> bool:
        return self.value <= self.at_most

    def plain(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": self.value,
            "at_most": self.at_most,
            "unit": self.unit,
            "kept": self.kept,
        }


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` % of the values do not exceed (nearest rank)."""
    assert values, "no values have no percentile"
    assert 0 < percent <= 100, "a percentile is above 0 and at most 100"
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


def paired(
    ours: Sequence[Window], base: Sequence[Window], what: Callable[[Window], float]
) -> float:
    """The median ratio of windows that ran next to each other: drift of the machine cancels."""
    return median(what(one) / what(other) for one, other in zip(ours, base, strict=True))
