"""What scarce capacity is worth: a charge on top of cost, by how much of it is left.

What an operator gives away for little it cannot give to whoever comes later and would pay more: the
bid price of revenue management (Talluri and van Ryzin, "The Theory and Practice of Revenue
Management", 2004, section 3.2). So an option costs its operator what it takes, and what that could
earn elsewhere: nothing while there is plenty, `medium` and `low` thousandths of its cost where the
scarcest resource that it takes is in that bucket. Margins, floors and concessions come on top.

A price that moves with the load tells of the load. It moves in the very steps that the abstract
topology publishes as `residual`, and not by what an offer itself would take, so that nobody learns
more by asking for a little more each time: a price says of the resources on an offer's own route
what the topology says of the best one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from domains.model import Bucket, DomainKind, SliceProfile
from domains.technologies import PERMILLE, Free, Option, Reach, Technology, ceil_div, cheapest_first
from domains.topology import bucket_of


class Scarce(Technology):
    """A technology whose options cost what their capacity is worth now.

    Args:
        medium_permille, low_permille: of the cost, charged on top where that is what is left.
    """

    def __init__(self, inner: Technology, medium_permille: int, low_permille: int) -> None:
        self._inner = inner
        self._capacities = inner.capacities()
        self._charges = {
            Bucket.HIGH: 0,
            Bucket.MEDIUM: medium_permille,
            Bucket.LOW: low_permille,
            Bucket.NONE: low_permille,
        }

    @property
    def kind(self) -> DomainKind:  # type: ignore[override]  # that of what it wraps
        return self._inner.kind

    @property
    def border_points(self) -> tuple[str, ...]:
        return self._inner.border_points

    def capacities(self) -> Mapping[str, int]:
        return self._capacities

    def reaches(self) -> Sequence[Reach]:
        return self._inner.reaches()

    def plenty(self, option: Option, free: Free) -> bool:
        """Whether nothing that an option takes is scarce."""
        return all(self._left(name, free) is Bucket.HIGH for name in option.demand)

    def candidates(self, profile: SliceProfile, free: Free) -> Sequence[Option]:
        """As of the technology; what is dearer now comes later, and may no longer be the best."""
        found = self._inner.candidates(profile, free)
        left = {name: self._left(name, free) for option in found for name in option.demand}
        charges = {name: charge for name, rest in left.items() if (charge := self._charges[rest])}
        if not charges:
            return found
        return cheapest_first(_charged(option, charges) for option in found)

    def _left(self, name: str, free: Free) -> Bucket:
        size = self._capacities[name]
        return bucket_of(free(name) * PERMILLE // size if size else 0)


def _charged(option: Option, charges: Mapping[str, int]) -> Option:
    charge = max((charges.get(name, 0) for name in option.demand), default=0)
    if not charge:
        return option
    metrics = option.metrics
    price = metrics.price_micros + ceil_div(metrics.price_micros * charge, PERMILLE)
    return replace(option, metrics=replace(metrics, price_micros=price))
