"""Forecasts of one slice's load: a daily season, what deviates from it lately, and a guard.

Additive exponential smoothing with a season of one day (Holt and Winters, without trend: a trend
within hours is what the season is for). A slot of the season is a load, smoothed over the days and,
since it is seen once a day only, over its neighbours. The guard keeps the recent error of this
forecast and of the naive one ("as now"); whichever was better lately is used. On the first day that
is the naive one. A forecast that is not finite, or beyond `LOAD_MAX`, starts over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

DAY_S = 86_400.0
SEASON_GAIN = 0.4
"""Weight of today among the days."""
DEVIATION_GAIN = 0.3
DEVIATION_DECAY = 0.8
"""How much of the present deviation is expected one step later."""
ERROR_GAIN = 0.02
"""Weight of the newest error: the guard remembers some fifty steps."""
NEIGHBOURS = 10
"""Slots on either side that lend a slot their strength: 50 minutes at five-minute steps."""
LOAD_MAX = 1e6
"""In permille of what is agreed: a thousandfold is no load, it is a fault."""


@dataclass(frozen=True, slots=True)
class Forecaster:
    """State of one series of loads, in permille of what is agreed.

    Attributes:
        season: load of each slot of the day; None where it was never seen.
        last: the last load. deviation: of late loads from the season, smoothed.
        error, naive_error: mean absolute error lately, one step ahead; spread: of the one used.
        pending: the forecast that the next load will be compared with.
        restarts: how often it had diverged.
    """

    season: tuple[float | None, ...]
    last: float | None = None
    deviation: float = 0.0
    error: float = 0.0
    naive_error: float = 0.0
    spread: float = 0.0
    compared: int = 0
    pending: float | None = None
    restarts: int = 0

    @property
    def naive(self) -> bool:
        """Whether "as now" was better lately."""
        return not self.compared or self.error > self.naive_error

    @property
    def step_s(self) -> float:
        return DAY_S / len(self.season)

    @staticmethod
    def fresh(step_s: float) -> Forecaster:
        """Knows nothing; one slot of the season is one step."""
        return Forecaster((None,) * max(1, round(DAY_S / step_s)))


def observe(forecaster: Forecaster, at_s: float, load: float) -> Forecaster:
    """Learn one load. One that is no number, or below zero, is not learned from."""
    if not math.isfinite(load) or load < 0:
        return forecaster
    learned = _compared(forecaster, load)
    slot = slot_of(learned, at_s)
    usual, known = _usual(learned, slot), learned.season[slot]
    deviation = learned.deviation * DEVIATION_DECAY
    if known is not None and usual is not None:
        deviation += DEVIATION_GAIN * (load - usual - deviation)
    kept = load if known is None else known + SEASON_GAIN * (load - known)
    season = (*learned.season[:slot], kept, *learned.season[slot + 1 :])
    after = replace(learned, season=season, last=load, deviation=deviation)
    return _sane(replace(after, pending=_seasonal(after, at_s, 1)))


def forecast(forecaster: Forecaster, at_s: float, ahead: int) -> float:
    """The load `ahead` steps after `at_s`, the time of the last observation."""
    if forecaster.last is None:
        return 0.0
    seasonal = _seasonal(forecaster, at_s, ahead)
    if forecaster.naive or ahead <= 0 or seasonal is None:
        return forecaster.last
    return seasonal


def resumed(forecaster: Forecaster, steps: float) -> Forecaster:
    """After so many steps in which nothing was seen: the day is as it was, the moment is not."""
    left = DEVIATION_DECAY ** max(0.0, steps)
    return replace(forecaster, last=None, pending=None, deviation=forecaster.deviation * left)


def slot_of(forecaster: Forecaster, at_s: float) -> int:
    """Which slot of the day an instant is in."""
    slots = len(forecaster.season)
    return int(at_s % DAY_S * slots / DAY_S) % slots


def _seasonal(forecaster: Forecaster, at_s: float, ahead: int) -> float | None:
    """What is usual then, and what is left by then of the present deviation."""
    slot = slot_of(forecaster, at_s + ahead * forecaster.step_s)
    usual = _usual(forecaster, slot)
    if usual is None or forecaster.season[slot] is None:
        return None
    return max(0.0, usual + forecaster.deviation * DEVIATION_DECAY**ahead)


def _usual(forecaster: Forecaster, slot: int) -> float | None:
    """The mean of a slot and its neighbours, as far as those were seen."""
    season, slots = forecaster.season, len(forecaster.season)
    reach = min(NEIGHBOURS, slots // 8)
    around = [season[s % slots] for s in range(slot - reach, slot + reach + 1)]
    known = [load for load in around if load is not None]
    return sum(known) / len(known) if known else None


def _compared(forecaster: Forecaster, load: float) -> Forecaster:
    """How far off either forecast was."""
    if forecaster.pending is None or forecaster.last is None:
        return forecaster
    error, naive_error = abs(load - forecaster.pending), abs(load - forecaster.last)
    gain = max(ERROR_GAIN, 1 / (forecaster.compared + 1))
    used = naive_error if forecaster.naive else error
    return replace(
        forecaster,
        error=forecaster.error + gain * (error - forecaster.error),
        naive_error=forecaster.naive_error + gain * (naive_error - forecaster.naive_error),
        spread=forecaster.spread + gain * (used - forecaster.spread),
        compared=forecaster.compared + 1,
    )


def _sane(forecaster: Forecaster) -> Forecaster:
    """A forecaster that has diverged forgets everything, and counts that."""
    values = (forecaster.deviation, forecaster.last or 0.0, forecaster.pending or 0.0)
    if all(math.isfinite(value) and abs(value) <= LOAD_MAX for value in values):
        return forecaster
    fresh = Forecaster((None,) * len(forecaster.season))
    return replace(fresh, restarts=forecaster.restarts + 1)
