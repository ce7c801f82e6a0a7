"""What nobody could exceed, whichever of all combinations they chose: a proven bound.

The relaxation of `optimum` in which everything but access is free of limits: spectrum is what runs
out in the shipped federation. Per wish, chain and configuration of its access there is then one
best way over whole frontiers of all other domains, whatever else takes their capacity. With these,
and only access to share, CP-SAT proves what no schedule exceeds; the `optimum`, which keeps every
limit of every domain but knows fewer combinations, lies below. In both a slice has the throughput
and devices asked for, or where the empty network has no room for these, the most that it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import prod

from coordinator.model import Hop
from coordinator.planner import Plan
from deploy.bench.negotiation.market import technologies
from deploy.bench.negotiation.optimum import Valued, Way, share_kept, solve
from domains.model import PPB, DomainKind, Metrics, Offer, SliceProfile
from domains.technologies import Option, Staircase

Ways = tuple[Way, ...]


def at_most(found: Sequence[Valued], headroom_permille: int) -> int:
    """Micro-euros per hour that no schedule of any combinations exceeds.

    Raises:
        ImportError: ortools is not installed (extra `learn`).
    """
    relaxed = [replace(one, ways=tuple(_ways(one))) for one in found]
    return solve(relaxed, headroom_permille).bound


def _ways(one: Valued) -> Iterator[Way]:
    plan, worth = one.plan, one.worth
    for chain in plan.chains:
        if not all(plan.menus[_key(hop)].offers for hop in chain):
            continue
        (access,) = (hop for hop in chain if hop.kind is DomainKind.ACCESS)
        others = _together([_frontier(h, _served(plan, h)) for h in chain if h != access])
        for option in _candidates(access, _served(plan, access)):
            surplus = max(_surplus(one, worth, option.metrics, rest) for rest in others)
            if surplus > 0:
                demand = {(access.domain, name): units for name, units in option.demand.items()}
                yield Way(surplus, demand)


def _key(hop: Hop) -> tuple[str, str, str]:
    return hop.domain, hop.ingress, hop.egress


def _served(plan: Plan, hop: Hop) -> SliceProfile:
    """The largest part of what is asked for that a domain could carry when it is empty."""
    metrics = plan.menus[_key(hop)].offers[0].metrics
    return replace(
        plan.budgets[_key(hop)],
        downlink_kbps=metrics.downlink_kbps,
        uplink_kbps=metrics.uplink_kbps,
        devices=metrics.devices,
    )


def _surplus(one: Valued, worth: int, access: Metrics, rest: Sequence[Metrics]) -> int:
    offers = [Offer("", metrics) for metrics in (access, *rest)]
    price = sum(offer.metrics.price_micros for offer in offers)
    return int(worth * share_kept(one.plan.service, offers)) - price if price < worth else 0


def _candidates(hop: Hop, profile: SliceProfile) -> Sequence[Option]:
    """Every configuration, also those that another one beats in all that is promised."""
    inner = technologies()[hop.domain]
    return inner.candidates(profile, inner.capacities().__getitem__)


def _frontier(hop: Hop, profile: SliceProfile) -> list[Metrics]:
    inner = technologies()[hop.domain]
    return [o.metrics for o in inner.options(profile, inner.capacities().__getitem__)]


def _together(frontiers: Sequence[Sequence[Metrics]]) -> list[tuple[Metrics, ...]]:
    """Combinations that no other one beats in price, latency and availability at once."""
    found = []
    for taken in product(*frontiers):
        unavailable = PPB ** len(taken) - prod(m.availability_ppb for m in taken)
        price = sum(m.price_micros for m in taken)
        found.append((price, sum(m.latency_us for m in taken), unavailable, taken))
    found.sort(key=lambda one: one[:3])
    kept, steps = [], Staircase()
    for _, latency_us, unavailable, taken in found:
        if not steps.covers(latency_us, unavailable):
            steps.add(latency_us, unavailable)
            kept.append(taken)
    return kept
