"""The decision: state, one round of samples, time -> new state and actions. Pure.

Loads and what is held are in permille of what is agreed with the tenant, of whichever direction
needs more. Every action costs one of a slice's few per hour, and scaling down waits until it has
been right for a while, so the loop cannot chase its own tail.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from coordinator.assurance.forecast import Forecaster, forecast, observe
from domains.measurement import Condition

HOUR_S = 3_600.0
ACTIONS_PER_HOUR_MAX = 6
"""Of one slice; what more is needed is told, not done."""
FAILED_ROUNDS = 1
"""Rounds in which nothing passes before a slice moves."""
BROKEN_ROUNDS = 3
"""Rounds in a row in which a domain, not overloaded, is worse than it promised."""
LATENCY_TOLERANCE_PERMILLE = 50
RETURN_S, RETURNS_MAX = HOUR_S, 5
"""A slice that went around a failure looks for a cheaper way after so long. Each time that it is in
vain, or that the same stretch fails again, it waits twice as long; in the end it gives up."""
CONTRADICTS, CONTRADICTS_PERMILLE = 2, 100
"""So many times what any other segment saw, and so much more, and nothing lost: not believed."""
STEP_PERMILLE = 50
"""What is held is a multiple of this: small changes are not worth a round of offers."""


class Mode(StrEnum):
    """OFF only listens. REACTIVE acts on what is; PROACTIVE on what will be as well."""

    OFF = "off"
    REACTIVE = "reactive"
    PROACTIVE = "proactive"


@dataclass(frozen=True, slots=True)
class Policy:
    """How the loop behaves.

    Attributes:
        interval_s: between rounds.
        floor_permille, ceiling_permille: bounds of what is held, of what is agreed. Below 1000
            only where the tenant is content to have capacity that is not used taken away.
        headroom_permille: held beyond what is needed.
        busy_permille: of what is held; above it a slice grows.
        down_rounds: so many rounds in a row too much must have been held before it shrinks.
        horizon: rounds that the proactive loop looks ahead.
        spreads: typical errors that the forecast is raised by.
    """

    mode: Mode = Mode.OFF
    interval_s: float = 300.0
    floor_permille: int = 1_000
    ceiling_permille: int = 1_500
    headroom_permille: int = 350
    busy_permille: int = 800
    down_rounds: int = 9
    horizon: int = 3
    spreads: float = 2.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One segment in one round. `condition` is what is believed of it.

    `load_permille` is what its users offered, of what is agreed; `worse_permille` how much worse
    than promised the latency was, 0 where it was not.
    """

    domain: str
    ingress: str
    egress: str
    condition: Condition
    load_permille: float | None = None
    worse_permille: int = 0
    lossy: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """The stretch that a slice has left because nothing passed there.

    `at_s`: when it did, or last tried to do better; `tries`: how often it has tried.
    """

    domain: str
    ingress: str
    egress: str
    at_s: float
    tries: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """What the loop remembers of one slice."""

    forecaster: Forecaster
    down_rounds: int = 0
    acted_s: tuple[float, ...] = ()
    failed_rounds: Mapping[str, int] = field(default_factory=dict)
    broken_rounds: Mapping[str, int] = field(default_factory=dict)
    unmeasured: frozenset[str] = frozenset()
    contradicted: frozenset[str] = frozenset()
    exhausted: bool = False
    moved_at_s: float | None = None
    left: Left | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Hold so much from now on, of what is agreed."""

    permille: int
    load_permille: float
    why: str


@dataclass(frozen=True, slots=True)
class Reroute:
    """Carry the slice around a stretch of a domain on which nothing passes."""

    domain: str
    ingress: str
    egress: str
    why: str


@dataclass(frozen=True, slots=True)
class Return:
    """Carry the slice any way that is cheaper: the one it had to leave may be whole by now."""

    why: str


@dataclass(frozen=True, slots=True)
class Renegotiate:
    """A domain does not keep its promise: find another way, or ask the tenant what may give."""

    domain: str
    ingress: str
    egress: str
    worse_permille: int
    why: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Nothing is changed, but the tenant should know."""

    event: str
    domain: str
    text: str


Change = Scale | Reroute | Return | Renegotiate
Action = Change | Tell


def decide(
    state: State, samples: Sequence[Sample], held_permille: int, now_s: float, policy: Policy
) -> tuple[State, tuple[Action, ...]]:
    """One round of one slice; at most one action that changes it."""
    state, told = _visible(state, samples)
    loads, contradicted = _believed(samples)
    state, told = _contradiction(state, contradicted, told)
    failed = [s for s in samples if s.condition is Condition.FAILED]
    if loads and not failed:  # what passes while a link is down says nothing of what is wanted
        # More than can ever be held is as good as twice that, and spoils no season for longer.
        learned = min(max(loads), 2.0 * policy.ceiling_permille)
        state = replace(state, forecaster=observe(state.forecaster, now_s, learned))
    state = _streaks(state, samples)
    if policy.mode is Mode.OFF:
        return state, told
    change: Change | None = _repair(state, samples, now_s)
    if change is None and loads and not failed:
        lossy = any(s.lossy for s in samples)
        state, change = _scale(state, max(loads), lossy, held_permille, now_s, policy)
        change = change or _return(state, samples, now_s)
    if change is None:
        return state, told
    return _within_budget(state, change, told, now_s)


def _within_budget(
    state: State, change: Change, told: tuple[Action, ...], now_s: float
) -> tuple[State, tuple[Action, ...]]:
    """Every change costs one of a slice's few per hour; what is not done is told, once.

    Changes that a clock which has since gone back calls future ones are not counted.
    """
    recent = tuple(at_s for at_s in state.acted_s if now_s - HOUR_S < at_s <= now_s)
    if len(recent) >= ACTIONS_PER_HOUR_MAX:
        text = f"{len(recent)} changes in the last hour, the limit is {ACTIONS_PER_HOUR_MAX}: "
        spent = Tell("budget spent", "", f"{text}not done: {change.why}")
        after = replace(state, acted_s=recent, exhausted=True)
        return after, told if state.exhausted else (*told, spent)
    after = replace(_moved(state, change, now_s), acted_s=(*recent, now_s), exhausted=False)
    return replace(after, down_rounds=0), (*told, change)


def _moved(state: State, change: Change, now_s: float) -> State:
    """What is remembered of a move: a place that was left, and how often it was in vain."""
    left = state.left
    match change:
        case Scale():
            return state
        case Reroute(domain, ingress, egress):
            again = left and (left.domain, left.ingress, left.egress) == (domain, ingress, egress)
            left = Left(domain, ingress, egress, now_s, left.tries if left and again else 0)
        case Return():
            assert left is not None, "only who has left returns"
            # Where it should fail again the slice moves at once: no pause as after other moves.
            return replace(state, left=replace(left, at_s=now_s, tries=left.tries + 1))
        case Renegotiate():
            left = None  # whoever breaks its word is not returned to for its price
    return replace(state, moved_at_s=now_s, left=left)


def _visible(state: State, samples: Sequence[Sample]) -> tuple[State, tuple[Action, ...]]:
    """Segments that nobody knows about are told, once; and once that they are known again."""
    unmeasured = frozenset(s.domain for s in samples if s.condition is Condition.UNMEASURED)
    told = [
        Tell("unmeasured", s.domain, f"{s.domain} is not measured: {s.reason or 'no reason given'}")
        for s in samples
        if s.domain in unmeasured - state.unmeasured
    ]
    told += [
        Tell("measured again", domain, f"{domain} is measured again")
        for domain in sorted(state.unmeasured - unmeasured)
    ]
    return replace(state, unmeasured=unmeasured), tuple(told)


def _believed(samples: Sequence[Sample]) -> tuple[list[float], frozenset[str]]:
    """The loads, and whose is not among them.

    The same traffic passes through every segment. One that saw far more than all others, of three
    at least, and lost nothing of it, has made it up: the others together know better.
    """
    known = [(s.load_permille, s) for s in samples if s.load_permille is not None]
    loads = sorted(load for load, _ in known)
    if len(loads) < 3:
        return loads, frozenset()
    most = CONTRADICTS * loads[-2] + CONTRADICTS_PERMILLE
    made_up = frozenset(s.domain for load, s in known if load > most and not s.lossy)
    return (loads[:-1] if made_up else loads), made_up


def _contradiction(
    state: State, contradicted: frozenset[str], told: tuple[Action, ...]
) -> tuple[State, tuple[Action, ...]]:
    """Told once, as long as it goes on."""
    text = "says that it carries far more than the others on the way: not believed"
    news = tuple(
        Tell("contradiction", domain, f"{domain} {text}")
        for domain in sorted(contradicted - state.contradicted)
    )
    return replace(state, contradicted=contradicted), (*told, *news)


def _streaks(state: State, samples: Sequence[Sample]) -> State:
    """How many rounds in a row each domain has failed, or broken its promise."""
    failed, broken = {}, {}
    for s in samples:
        if s.condition is Condition.FAILED:
            failed[s.domain] = state.failed_rounds.get(s.domain, 0) + 1
        slow = s.worse_permille > LATENCY_TOLERANCE_PERMILLE and not s.lossy
        if slow and s.condition in (Condition.HEALTHY, Condition.DEGRADED):
            broken[s.domain] = state.broken_rounds.get(s.domain, 0) + 1
    return replace(state, failed_rounds=failed, broken_rounds=broken)


def _repair(state: State, samples: Sequence[Sample], now_s: float) -> Reroute | Renegotiate | None:
    """The first segment that has failed, or has broken its promise for too long.

    After a move, or an attempt at one, a whole hour's share of the budget passes before the next.
    """
    moved_s = state.moved_at_s
    if moved_s is not None and moved_s <= now_s < moved_s + HOUR_S / ACTIONS_PER_HOUR_MAX:
        return None
    for s in samples:
        if state.failed_rounds.get(s.domain, 0) >= FAILED_ROUNDS:
            why = f"{s.domain} does not carry the slice: {s.reason or 'nothing passes'}"
            return Reroute(s.domain, s.ingress, s.egress, why)
    for s in samples:
        if state.broken_rounds.get(s.domain, 0) >= BROKEN_ROUNDS:
            says = ", and calls that healthy" if s.condition is Condition.HEALTHY else ""
            why = (
                f"{s.domain} is {s.worse_permille / 10:.0f} % slower than it promised "
                f"for {state.broken_rounds[s.domain]} rounds{says}"
            )
            return Renegotiate(s.domain, s.ingress, s.egress, s.worse_permille, why)
    return None


def _return(state: State, samples: Sequence[Sample], now_s: float) -> Return | None:
    """Whether it is time to look whether the way that was left is there again."""
    left = state.left
    if left is None or left.tries >= RETURNS_MAX:
        return None
    if left.at_s <= now_s < left.at_s + RETURN_S * 2**left.tries:
        return None
    stretch = (left.domain, left.ingress, left.egress)
    if any((s.domain, s.ingress, s.egress) == stretch for s in samples):
        return None  # it is back already
    return Return(f"{left.domain}, which did not carry the slice, may do so again")


def _scale(
    state: State, load: float, lossy: bool, held: int, now_s: float, policy: Policy
) -> tuple[State, Scale | None]:
    """Grow before it is too late, shrink when it has been too much for long enough."""
    needed, why = _needed(state, load, now_s, policy)
    wanted = _rounded(needed * (1_000 + policy.headroom_permille) / 1_000, policy)
    if needed > held * policy.busy_permille / 1_000 or lossy:
        if wanted > held:
            return replace(state, down_rounds=0), Scale(wanted, needed, why)
        return replace(state, down_rounds=0), None
    if wanted > held - 2 * STEP_PERMILLE:
        return replace(state, down_rounds=0), None
    rounds = state.down_rounds + 1
    if rounds < policy.down_rounds:
        return replace(state, down_rounds=rounds), None
    spare = f"no more than {needed / 10:.0f} % of what is agreed is needed"
    return replace(state, down_rounds=0), Scale(wanted, needed, spare)


def _needed(state: State, load: float, now_s: float, policy: Policy) -> tuple[float, str]:
    """The load to be ready for."""
    if policy.mode is Mode.REACTIVE:
        return load, f"the load is {load / 10:.0f} % of what is agreed"
    ahead = [forecast(state.forecaster, now_s, n) for n in range(1, policy.horizon + 1)]
    expected = max(ahead) + policy.spreads * state.forecaster.spread
    if load >= expected:
        return load, f"the load is {load / 10:.0f} % of what is agreed"
    minutes = policy.horizon * policy.interval_s / 60
    return expected, f"{expected / 10:.0f} % of what is agreed is expected within {minutes:g} min"


def _rounded(permille: float, policy: Policy) -> int:
    steps = math.ceil(permille / STEP_PERMILLE) * STEP_PERMILLE
    return min(max(steps, policy.floor_permille), policy.ceiling_permille)
