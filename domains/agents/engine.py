"""The seam of an agent's engines: a situation in the domain's own numbers in, a stance out.

There is no text in a situation, so nothing that a tenant or a peer wrote can reach a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from domains.agents.policy import RATIONALE_CHARACTERS_MAX


class Point(NamedTuple):
    """One point of the feasible frontier, before any margin; `keeps` the budgets asked for."""

    latency_us: int
    availability_ppb: int
    cost_micros: int
    keeps: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """What an engine decides on.

    Attributes:
        round, rounds_max: counters so far, and how many are answered.
        margin_permille_last: of the offer that was countered; _floor: the policy's;
            _wanted: the one that meets the counter's target, None without one.
        plenty: of all that the countered offer takes there is plenty (`scarcity`).
        points: what is feasible and within the policy; points_max: how many may be shown now.
    """

    round: int
    rounds_max: int
    margin_permille_open: int
    margin_permille_floor: int
    margin_permille_last: int
    margin_permille_wanted: int | None
    patience_permille: int
    plenty: bool
    latency_us_max: int
    availability_ppb_min: int
    points: tuple[Point, ...]
    points_max: int


@dataclass(frozen=True, slots=True)
class Stance:
    """What an engine decides: one margin for the whole menu, the points to show, and why."""

    margin_permille: int
    points: tuple[int, ...]
    rationale: str


class Engine(Protocol):
    """Decides how to answer a counter."""

    async def stances(self, situations: Sequence[Situation]) -> Sequence[Stance]:
        """One stance per situation, each within it (`fault`)."""
        ...


def fault(situation: Situation, stance: Stance) -> str | None:
    """What the policy or the solver forbids in a stance; None where nothing is wrong."""
    last = max(situation.margin_permille_last, situation.margin_permille_floor)
    if stance.margin_permille < situation.margin_permille_floor:
        return "a margin below the floor"
    if stance.margin_permille > last:
        return "a margin above the last one"
    if not stance.points and situation.points:
        return "no point of the frontier"
    if len(stance.points) > situation.points_max:
        return "more points than may be shown"
    if len(set(stance.points)) < len(stance.points):
        return "one point twice"
    if any(not 0 <= point < len(situation.points) for point in stance.points):
        return "a point that is not feasible"
    rationale = stance.rationale
    if not 0 < len(rationale) <= RATIONALE_CHARACTERS_MAX or not rationale.isprintable():
        return "a rationale that is empty, too long or not printable"
    return None
