"""How much is measured, and how a measurement says what it is at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[str], None]
"""Called with a few words as each part begins; never within a window."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how large.

    Attributes:
        windows: pairs of windows per figure, each of `window_s`.
        domains: sizes of the federation; standing: slices that exist meanwhile.
        hosted: domains in host actors, in so many `actors`.
        rounds: repetitions of a micro-benchmark, of which the median counts.
    """

    windows: int
    window_s: float
    domains: tuple[int, ...]
    standing: tuple[int, ...]
    hosted: int
    actors: int
    rounds: int


FULL = Effort(
    windows=5,
    window_s=1.5,
    domains=(4, 16, 64),
    standing=(0, 1_000, 10_000),
    hosted=200,
    actors=4,
    rounds=9,
)
QUICK = Effort(
    windows=2,
    window_s=0.4,
    domains=(4, 16),
    standing=(0, 100),
    hosted=24,
    actors=2,
    rounds=3,
)
