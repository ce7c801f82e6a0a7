"""The embedded engine: which points first, and the margin by `concession`'s formula."""

from __future__ import annotations

from collections.abc import Sequence

from domains.agents.concession import conceded, margin_of_round
from domains.agents.engine import Point, Situation, Stance
from domains.technologies import PERMILLE


def decide(situation: Situation) -> Stance:
    """The stance of a round after the first: pure, and the same for the same situation."""
    of_round = margin_of_round(
        situation.margin_permille_open,
        situation.margin_permille_floor,
        situation.round,
        situation.rounds_max,
        situation.patience_permille,
    )
    margin = conceded(
        situation.margin_permille_last,
        of_round,
        situation.margin_permille_floor,
        situation.margin_permille_wanted,
        situation.plenty,
    )
    points = shown(situation.points, situation.points_max)
    return Stance(margin, points, _because(situation, margin))


def shown(points: Sequence[Point], count: int) -> tuple[int, ...]:
    """Which points to disclose when `count` may be, the most useful first.

    First what settles (the cheapest that keeps the budgets), then what shows how far the domain
    reaches (cheapest, fastest, most available), then the others, cheapest first: whoever may show
    more shows these and more.
    """
    if len(points) <= count:
        return tuple(range(len(points)))
    indices = range(len(points))
    first = [i for i in indices if points[i].keeps][:1]
    ends = [
        min(indices, key=lambda i: (points[i].cost_micros, i)),
        min(indices, key=lambda i: (points[i].latency_us, i)),
        min(indices, key=lambda i: (-points[i].availability_ppb, i)),
    ]
    others = sorted(indices, key=lambda i: (points[i].cost_micros, i))
    return tuple(dict.fromkeys([*first, *ends, *others]))[:count]


def points_of_round(first: int, most: int, round_: int, rounds_max: int) -> int:
    """How many points may be shown: evenly more from round to round."""
    return first + (most - first) * min(round_, rounds_max) // max(rounds_max, 1)


def _because(situation: Situation, margin: int) -> str:
    last = situation.margin_permille_last
    if situation.margin_permille_wanted is None:
        return "the price is not what stands in the way, so it stays"
    if margin >= last:
        return "no lower price in this round: the terms stay"
    percent = (last - margin) * 100 / (PERMILLE + last)
    if margin <= situation.margin_permille_wanted:
        return f"{percent:.1f} % less, which meets the price asked for"
    if margin <= situation.margin_permille_floor:
        return f"{percent:.1f} % less, and that is the last word on the price"
    return f"{percent:.1f} % less, as far as round {situation.round} goes"
