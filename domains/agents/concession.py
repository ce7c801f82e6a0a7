"""How an agent concedes: the time-dependent tactic of Faratin, Sierra and Jennings.

"Negotiation decision functions for autonomous agents", Robotics and Autonomous Systems 24 (1998),
section 4.1, polynomial form. In round r of R, with margins in thousandths of the cost:

    alpha(r)  = (min(r, R) / R) ** (1 / beta)
    margin(r) = floor + (1 - alpha(r)) * (opening - floor)          rounded up

beta < 1 is Boulware (firm until late), beta > 1 Conceder. Only the price is conceded, and only what
is asked for: a round without a price target, or with one that is met earlier, goes no further. No
round is played for show: a target below the floor gets the floor at once, as the last word, and
where there is plenty (`scarcity`) what is asked for is conceded at once, as idle capacity earns
nothing by waiting. Firmness is for what is scarce. Two rules make it a monotonic concession
protocol (Rosenschein and Zlotkin, "Rules of Encounter", 1994): the margin never rises from one
round to the next, and never is below the floor.
"""

from __future__ import annotations

from math import ceil

from domains.technologies import PERMILLE, ceil_div


def margin_of_round(
    opening: int, floor: int, round_: int, rounds_max: int, patience_permille: int
) -> int:
    """The margin of a round, in thousandths of the cost; `opening` in round 0."""
    if round_ <= 0 or rounds_max <= 0 or opening <= floor:
        return opening
    elapsed: float = min(round_, rounds_max) / rounds_max
    alpha: float = elapsed ** (PERMILLE / patience_permille)
    return min(opening, max(floor, ceil(floor + (1 - alpha) * (opening - floor))))


def conceded(last: int, of_round: int, floor: int, wanted: int | None, plenty: bool = False) -> int:
    """The next margin: no higher than the last, no lower than asked for, never below the floor.

    Args:
        last: margin of the offer that was countered; wanted: the one that meets the counter's
            target, None where the price is not what stands in the way.
        plenty: nothing that the offer takes is scarce.
    """
    if wanted is None:
        return max(last, floor)
    if plenty or wanted < floor:
        return max(min(last, wanted), floor)
    return max(min(last, max(of_round, wanted)), floor)


def price_of(cost_micros: int, margin_permille: int, price_micros_min: int = 0) -> int:
    """Cost and margin, rounded up."""
    return max(cost_micros + ceil_div(cost_micros * margin_permille, PERMILLE), price_micros_min)


def margin_for(cost_micros: int, price_micros: int) -> int:
    """The largest margin whose price is no more than `price_micros`; negative below cost."""
    if cost_micros <= 0:
        return 0
    return (price_micros - cost_micros) * PERMILLE // cost_micros


def cost_for(price_micros: int, margin_permille: int) -> int:
    """The largest cost that a margin makes no more than this price of."""
    return max(price_micros, 0) * PERMILLE // (PERMILLE + margin_permille)
