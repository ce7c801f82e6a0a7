"""The abstraction: a domain's inner graph becomes links between ends that others can see.

Each link carries bounds that no offer beats (so a coordinator may prune by them) and a coarse
bucket for what is left. No inner name, count or exact residual gets out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from domains.model import (
    AbstractLink,
    AbstractTopology,
    Bucket,
    Isolation,
    SliceProfile,
)
from domains.technologies import PERMILLE, Free, Technology

REFERENCE_KBPS = 1_000
"""Each way; what the advertised price is for. One value for all domains, to compare them by."""

LOW_PERMILLE, MEDIUM_PERMILLE = 250, 600
"""Below a quarter free is LOW, below three fifths MEDIUM."""

TECHNOLOGIES_MAX = 1_024
"""Domains in one process whose static links are remembered."""


class _Static(NamedTuple):
    """What of a link does not change: the link itself, and its routes as (resource, size)."""

    link: AbstractLink
    routes: tuple[tuple[str, ...], ...]


def _at_cost(cost_micros: int) -> int:
    return cost_micros


def abstract(
    technology: Technology,
    name: str,
    operator: str,
    free: Free,
    epoch: int,
    price: Callable[[int], int] = _at_cost,
) -> AbstractTopology:
    """What the domain shows of itself now; `price` makes advertised prices of costs."""
    links, sizes = _static(technology)
    left = {resource: free(resource) * PERMILLE // size for resource, size in sizes.items()}
    return AbstractTopology(
        domain=name,
        kind=technology.kind,
        operator=operator,
        epoch=epoch,
        border_points=technology.border_points,
        links=tuple(
            _shown(link, max(min(map(left.__getitem__, route)) for route in routes), price)
            for link, routes in links
        ),
        areas=technology.areas,
        zones=technology.zones,
    )


def reference_profile(ingress: str, egress: str) -> SliceProfile:
    """The load that advertised prices are for: one device, `REFERENCE_KBPS` each way."""
    return SliceProfile(
        ingress=ingress,
        egress=egress,
        latency_us_max=0,
        availability_ppb_min=0,
        downlink_kbps=REFERENCE_KBPS,
        uplink_kbps=REFERENCE_KBPS,
        devices=1,
        isolation=Isolation.SHARED,
    )


def _shown(link: AbstractLink, permille: int, price: Callable[[int], int]) -> AbstractLink:
    return AbstractLink(
        link.ingress,
        link.egress,
        link.latency_us_min,
        link.availability_ppb_max,
        bucket_of(permille),
        price(link.price_micros_from),
    )


def bucket_of(permille: int) -> Bucket:
    """What is left, in thousandths of what there is, as anybody may know it."""
    if permille <= 0:
        return Bucket.NONE
    if permille < LOW_PERMILLE:
        return Bucket.LOW
    return Bucket.MEDIUM if permille < MEDIUM_PERMILLE else Bucket.HIGH


@lru_cache(maxsize=TECHNOLOGIES_MAX)
def _static(technology: Technology) -> tuple[tuple[_Static, ...], dict[str, int]]:
    """Links as if empty, and the size of each resource that any route needs."""
    capacities = technology.capacities()
    links = []
    for reach in technology.reaches():
        profile = reference_profile(reach.ingress, reach.egress)
        options = technology.options(profile, capacities.__getitem__)
        link = AbstractLink(
            reach.ingress,
            reach.egress,
            reach.latency_us_min,
            reach.availability_ppb_max,
            Bucket.HIGH,
            min((option.metrics.price_micros for option in options), default=0),
        )
        links.append(_Static(link, reach.routes))
    needed = {resource for link in links for route in link.routes for resource in route}
    return tuple(links), {resource: capacities[resource] for resource in sorted(needed)}
