"""Forecasts of one slice's load: a daily season, a level that follows, and a guard.

Multiplicative exponential smoothing with a season of one day (Holt and Winters, without trend: a
trend within hours is what the season is for). The season's indices start flat, so the first day is
forecast by the level alone. The guard keeps the recent error of this forecast and of the naive one
("as now"); whichever was better lately is the one that is used, and a forecast that is not finite,
or beyond `LOAD_MAX`, starts over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

DAY_S = 86_400.0
LEVEL_GAIN = 0.25
SEASON_GAIN = 0.4
RESIDUAL_DECAY = 0.6
"""How much of the present deviation is expected one step later."""
ERROR_GAIN = 0.05
"""Weight of the newest error: the guard remembers some twenty steps."""
SMOOTHING_STEPS = 3
"""Neighbouring indices of the season lend each other strength: a slot is seen once a day."""
INDEX_MIN, INDEX_MAX = 0.05, 20.0
LOAD_MAX = 1e6
"""In permille of what is agreed: a thousandfold is no load, it is a fault."""


@dataclass(frozen=True, slots=True)
class Forecaster:
    """State of one series of loads, in permille of what is agreed.

    Attributes:
        season: index of each slot of the day, 1 for an average one.
        seen: whether a slot was ever measured.
        deviation: of the last load from the fitted one.
        error, naive_error: mean absolute error lately, one step ahead.
        pending: the two forecasts that the next load will be compared with.
    """

    season: tuple[float, ...]
    seen: tuple[bool, ...]
    level: float | None = None
    deviation: float = 0.0
    last: float = 0.0
    error: float = 0.0
    naive_error: float = 0.0
    spread: float = 0.0
    steps: int = 0
    restarts: int = 0
    pending: float | None = None

    @property
    def naive(self) -> bool:
        """Whether "as now" was better lately."""
        return self.error > self.naive_error

    @staticmethod
    def fresh(step_s: float) -> Forecaster:
        """Knows nothing; one slot of the season is one step."""
        slots = max(1, round(DAY_S / step_s))
        return Forecaster((1.0,) * slots, (False,) * slots)


def slot_of(forecaster: Forecaster, at_s: float) -> int:
    slots = len(forecaster.season)
    return int(at_s % DAY_S * slots / DAY_S) % slots


def observe(forecaster: Forecaster, at_s: float, load: float) -> Forecaster:
    """Learn one load. One that is no number, or below zero, is not learned from."""
    if not math.isfinite(load) or load < 0:
        return forecaster
    slot = slot_of(forecaster, at_s)
    learned = _with_errors(forecaster, load)
    if learned.level is None:
        return replace(learned, level=load, last=load, steps=1)
    index = learned.season[slot]
    level = learned.level + LEVEL_GAIN * (load / index - learned.level)
    gain = SEASON_GAIN if learned.seen[slot] else 1.0
    fitted = learned.level * index
    wanted = load / level if level > 0 else 1.0
    changed = min(max(index + gain * (wanted - index), INDEX_MIN), INDEX_MAX)
    after = replace(
        learned,
        season=(*learned.season[:slot], changed, *learned.season[slot + 1 :]),
        seen=(*learned.seen[:slot], True, *learned.seen[slot + 1 :]),
        level=level,
        deviation=load - (fitted if learned.seen[slot] else load),
        last=load,
        steps=learned.steps + 1,
    )
    return _sane(replace(after, pending=_seasonal(after, at_s + step_s(after), 1)))


def forecast(forecaster: Forecaster, at_s: float, ahead: int) -> float:
    """The load `ahead` steps after `at_s`, the time of the last observation."""
    if forecaster.level is None:
        return 0.0
    if forecaster.naive or ahead <= 0:
        return forecaster.last
    return _seasonal(forecaster, at_s + ahead * step_s(forecaster), ahead)


def step_s(forecaster: Forecaster) -> float:
    return DAY_S / len(forecaster.season)


def _seasonal(forecaster: Forecaster, at_s: float, ahead: int) -> float:
    """Level times season, and what is left of the present deviation."""
    assert forecaster.level is not None
    fitted = forecaster.level * _smoothed(forecaster, slot_of(forecaster, at_s))
    return max(0.0, fitted + forecaster.deviation * RESIDUAL_DECAY**ahead)


def _smoothed(forecaster: Forecaster, slot: int) -> float:
    """The index of a slot among its neighbours, as far as those were seen."""
    slots = len(forecaster.season)
    around = range(slot - SMOOTHING_STEPS, slot + SMOOTHING_STEPS + 1)
    known = [forecaster.season[s % slots] for s in around if forecaster.seen[s % slots]]
    return sum(known) / len(known) if known else 1.0


def _with_errors(forecaster: Forecaster, load: float) -> Forecaster:
    """How far off either forecast was."""
    if forecaster.pending is None or forecaster.level is None:
        return forecaster
    error = abs(load - forecaster.pending)
    naive_error = abs(load - forecaster.last)
    better = min(error, naive_error) if forecaster.naive else error
    return replace(
        forecaster,
        error=_mean(forecaster.error, error, forecaster.steps),
        naive_error=_mean(forecaster.naive_error, naive_error, forecaster.steps),
        spread=_mean(forecaster.spread, better, forecaster.steps),
    )


def _mean(before: float, now: float, steps: int) -> float:
    gain = max(ERROR_GAIN, 1 / max(1, steps))
    return before + gain * (now - before)


def _sane(forecaster: Forecaster) -> Forecaster:
    """A forecaster that has diverged forgets all but the last load."""
    assert forecaster.level is not None
    values = (forecaster.level, forecaster.deviation, forecaster.pending or 0.0)
    if all(math.isfinite(value) and abs(value) <= LOAD_MAX for value in values):
        return forecaster
    fresh = Forecaster((1.0,) * len(forecaster.season), (False,) * len(forecaster.season))
    last = min(forecaster.last, LOAD_MAX)
    return replace(fresh, level=last, last=last, restarts=forecaster.restarts + 1, steps=1)
