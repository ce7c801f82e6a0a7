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

    def percentile_ms(self, percent: float) -> float:
        return percentile(self.latencies_s, percent) * 1e3

    @property
    def cpu_ms(self) -> float:
        """Of all processes together, per operation."""
        return sum(self.cpu_s.values()) / self.operations * 1e3

    def cpu_ms_of(self, process: str) -> float:
        return self.cpu_s[process] / self.operations * 1e3


@dataclass(frozen=True, slots=True)
class Summary:
    """The medians of some windows; `cpu_ms` and `cpu_ms_of` per operation."""

    windows: int
    operations: int
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    cpu_ms_of: Mapping[str, float]

    @staticmethod
    def of(windows: Sequence[Window]) -> Summary:
        def typical(what: Callable[[Window], float]) -> float:
            return median(map(what, windows))

        names = windows[0].cpu_s
        return Summary(
            windows=len(windows),
            operations=sum(window.operations for window in windows),
            per_s=typical(lambda window: window.per_s),
            p50_ms=typical(lambda window: window.percentile_ms(50)),
            p99_ms=typical(lambda window: window.percentile_ms(99)),
            cpu_ms=typical(lambda window: window.cpu_ms),
            cpu_ms_of={
                name: typical(lambda window, name=name: window.cpu_ms_of(name))  # type: ignore[misc]
                for name in names
            },
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """A measured value and the most that it may be; None where nothing is asked."""

    name: str
    value: float
    at_most: float | None = None
    unit: str = ""

    @property
    def kept(self) -> bool:
        return self.at_most is None or self.value <= self.at_most

    def plain(self) -> dict[str, Any]:
        return {"value": self.value, "at_most": self.at_most, "kept": self.kept, "unit": self.unit}


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` % of the values do not exceed (nearest rank)."""
    assert values, "no values have no percentile"
    assert 0 < percent <= 100, "a percentile is above 0 and at most 100"
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


def paired(
    ours: Sequence[Window], base: Sequence[Window], what: Callable[[Window], float]
) -> float:
    """The median ratio of windows that ran next to each other: drift of the machine cancels."""
    assert len(ours) == len(base), "windows come in pairs"
    return median(what(one) / what(other) for one, other in zip(ours, base, strict=True))
