"""Step 3, route: the candidate chains of domains that are asked for offers.

What does not depend on a budget is found once per (generation, origin, destination, isolation),
what does once per budget: a request like an earlier one costs two dictionary hits.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from difflib import get_close_matches
from functools import partial
from itertools import islice
from typing import NoReturn

from coordinator.model import Chain, ServiceProfile
from coordinator.resources import ResourceDatabase
from coordinator.routes import (
    BEST,
    END,
    STAGES,
    START,
    Candidate,
    Routes,
    distinct,
    stitched,
    widening,
)
from domains.errors import InvalidRequest, Refused
from domains.model import DomainKind, Isolation

CHAINS_MAX = 12
"""Chains that are asked for offers: enough to play providers against each other."""
_ANY_LATENCY_US = 1 << 62
SUGGESTIONS_MAX = 4
"""Known areas named to someone who asked for an unknown one."""


def chains(
    resources: ResourceDatabase, service: ServiceProfile, limit: int = CHAINS_MAX
) -> Sequence[Chain]:
    """At most `limit` chains for a service, the most promising first.

    Cheapest among those whose advertised bounds fit, the fastest, and one for every provider as
    far as there is room. Links advertised as sold out are used only where nothing else fits.
    Where nothing fits at all, the nearest chains come back: they decide what can be proposed.

    Raises:
        InvalidRequest: an area that no domain has ever shown.
        Refused: no chain of reachable domains leads from origin to destination.
    """
    assert limit > 0, "asking for no chain"
    _known(resources, service.origin, "origin")
    if service.destination:
        _known(resources, service.destination, "destination")
    budget = service.latency_us_max, service.availability_ppb_min
    tried: list[tuple[Hashable, Routes]] = []
    for sold_out in (False, True):
        ends = service.origin, service.destination, service.isolation, sold_out
        routes = resources.remember(ends, partial(Routes.of, resources, *ends))
        found = resources.remember((ends, budget, limit), partial(_within, routes, budget, limit))
        if found:
            return found
        tried.append((ends, routes))
    for between, routes in tried:
        if routes.apart:
            key = ("nearest", between, limit)
            return resources.remember(key, partial(_nearest, routes, limit))
    _refuse(resources, service)


def _within(routes: Routes, budget: tuple[int, int], limit: int) -> Sequence[Chain]:
    """The best chains that may keep latency and availability; empty where none can."""
    found = [*islice(routes.within(*budget), limit), *(c for c in routes.apart if c.fits(*budget))]
    return _chosen(sorted(found, key=_by_price), limit)


def _nearest(routes: Routes, limit: int) -> Sequence[Chain]:
    """The chains that come nearest to a budget which none can keep."""
    found = [*islice(routes.within(_ANY_LATENCY_US, 0), limit), *routes.apart]
    return _chosen(sorted(found, key=_by_latency), limit)


def _chosen(found: Sequence[Candidate], limit: int) -> Sequence[Chain]:
    """The first half of `limit` in order, then the fastest, new providers, and the rest."""
    found = distinct(found)
    if len(found) <= limit:
        return tuple([c.hops for c in found])
    chosen = dict.fromkeys(found[: (limit + 1) // 2])
    fastest = sorted(found, key=lambda c: c.latency_us)[:BEST]
    chosen.update(dict.fromkeys(fastest[: limit - len(chosen)]))
    seen = {domain for c in chosen for domain in c.domains}
    for candidate in found:
        if len(chosen) >= limit:
            break
        if not seen.issuperset(candidate.domains):
            chosen[candidate] = None
            seen.update(candidate.domains)
    chosen.update(dict.fromkeys([c for c in found if c not in chosen][: limit - len(chosen)]))
    return tuple([c.hops for c in chosen])


def _by_price(candidate: Candidate) -> tuple[int, int, tuple[str, ...]]:
    return candidate.price_micros, candidate.latency_us, candidate.domains


def _by_latency(candidate: Candidate) -> tuple[int, int, int, tuple[str, ...]]:
    return (
        candidate.latency_us,
        -candidate.availability_ppb,
        candidate.price_micros,
        candidate.domains,
    )


# -- refusals ------------------------------------------------------------------------------


def _known(resources: ResourceDatabase, area: str, role: str) -> None:
    known = resources.areas()
    if any(wider in known for wider in widening(area)):
        return
    if role == "destination" and any(name.startswith(f"{area}/") for name in known):
        return
    near = get_close_matches(area.lower(), known, SUGGESTIONS_MAX, cutoff=0.5)
    named = ", ".join(near or known[:SUGGESTIONS_MAX]) or "none yet"
    raise InvalidRequest(
        f"no domain knows the area {area!r}; known: {named}",
        attribute="area",
        field=role,
        requested=area,
        known=named,
    )


_NEEDED = {
    DomainKind.ACCESS: "no access domain covers {origin}",
    DomainKind.TRANSPORT: "no transport domain is reachable from {origin}",
    DomainKind.CORE: "no core domain is reachable from {origin}",
    DomainKind.CLOUD: "no cloud domain in {destination} is reachable from {origin}",
}


def _refuse(resources: ResourceDatabase, service: ServiceProfile) -> NoReturn:
    """Say which step has nobody: the first kind that the search cannot get past."""
    links = stitched(resources, service.origin, service.destination, service.isolation, True)
    passed: set[DomainKind] = set()
    frontier = [(START, service.origin)]
    visited = set(frontier)
    while frontier:
        stage, point = frontier.pop()
        for kind, after in STAGES[stage]:
            for step in links[kind].get(point, ()):
                passed.add(kind)
                if after != END and (after, step.egress) not in visited:
                    visited.add((after, step.egress))
                    frontier.append((after, step.egress))
    missing = next((kind for kind in DomainKind if kind not in passed), DomainKind.TRANSPORT)
    text = _NEEDED[missing].format(
        origin=service.origin, destination=service.destination or "any area"
    )
    silent = [v.topology.domain for v in resources.views() if not v.reachable]
    raise Refused(
        f"{text}{' in isolation' if service.isolation is Isolation.ISOLATED else ''}",
        attribute="area",
        step=missing.value,
        requested=f"{service.origin} - {service.destination or 'any'}",
        achievable="none",
        silent=", ".join(silent) or None,
    )
