"""The search behind `placement`: a layered graph of abstract links, and the best ways through it.

    access - transport (1..3 in a row) - core - transport (0..1) - cloud

A chain is judged by what its hops advertise at best: a lower bound on its price and latency, an
upper bound on its availability. The search is best-first under exact remaining bounds of all
three, so it visits little beyond what it returns, and the first chains it finds are the cheapest
of all that may fit.

`VISITS_MAX` bounds a search. A pool is a choice of whom to ask, not of whom to take, so a search
that is cut short misses chains but breaks nothing; the chains of least latency, of highest
availability and the cheapest one through every domain are looked for separately.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from math import isqrt, prod
from typing import NamedTuple

from coordinator.model import Chain, Hop
from coordinator.resources import DomainView, ResourceDatabase, Step, Steps
from domains.model import PPB, DomainKind, Isolation

TRANSPORTS_MAX = 3
"""Transport domains in a row between access and core."""
CLOUD_TRANSPORTS_MAX = 1
"""Transport domains in a row between core and cloud."""
BEST = 3
"""Chains of least latency, and of highest availability, that are always at hand."""
VISITS_MAX = 1_024
"""Partial chains looked at in one search."""

Graph = Mapping[DomainKind, Mapping[str, Sequence[Step]]]
_Cost = tuple[int, int, int]
"""Price, latency, unavailability."""
_PRICE, _LATENCY, _UNAVAILABLE = range(3)
_NOTHING: _Cost = (0, 0, 0)
_UNREACHABLE = 1 << 62

START, _AFTER_CORE = 0, TRANSPORTS_MAX + 2
END = _AFTER_CORE + CLOUD_TRANSPORTS_MAX + 1


def _stages() -> Iterator[tuple[tuple[DomainKind, int], ...]]:
    """Per stage, which kind may come next and the stage that leads to."""
    yield ((DomainKind.ACCESS, 1),)
    yield ((DomainKind.TRANSPORT, 2),)
    for used in range(1, TRANSPORTS_MAX + 1):
        core = (DomainKind.CORE, _AFTER_CORE)
        yield ((DomainKind.TRANSPORT, used + 2), core) if used < TRANSPORTS_MAX else (core,)
    for used in range(CLOUD_TRANSPORTS_MAX + 1):
        cloud, stage = (DomainKind.CLOUD, END), _AFTER_CORE + used
        more = used < CLOUD_TRANSPORTS_MAX
        yield (cloud, (DomainKind.TRANSPORT, stage + 1)) if more else (cloud,)


STAGES = tuple(_stages())


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A chain with its bounds."""

    price_micros: int
    latency_us: int
    availability_ppb: int
    domains: tuple[str, ...]
    hops: Chain

    @staticmethod
    def of(hops: Chain) -> Candidate:
        availability = prod([hop.link.availability_ppb_max for hop in hops])
        return Candidate(
            sum([hop.link.price_micros_from for hop in hops]),
            sum([hop.link.latency_us_min for hop in hops]),
            availability // PPB ** (len(hops) - 1),
            tuple([hop.domain for hop in hops]),
            hops,
        )

    def fits(self, latency_us_max: int, availability_ppb_min: int) -> bool:
        return self.latency_us <= latency_us_max and self.availability_ppb >= availability_ppb_min


@dataclass(frozen=True, slots=True, eq=False)
class Routes:
    """All that can be known of the ways from an origin to a destination without a budget.

    `apart` are the chains that a search by price could miss: the best in latency and in
    availability, and the cheapest one through every domain.
    """

    graph: Graph
    origin: str
    bounds: Sequence[Mapping[str, _Cost]]
    apart: tuple[Candidate, ...]

    @staticmethod
    def of(
        resources: ResourceDatabase,
        origin: str,
        destination: str,
        isolation: Isolation,
        sold_out: bool,
    ) -> Routes:
        graph = stitched(resources, origin, destination, isolation, sold_out)
        bounds, through = _bounds(graph, _trails(graph, origin))
        found: list[Chain] = []
        for by in (_LATENCY, _UNAVAILABLE):
            found += islice(_search(graph, bounds, origin, by), BEST)
        found += [_complete(graph, bounds, way) for way in through.values()]
        apart = distinct(map(Candidate.of, found))
        simple = [c for c in apart if len(set(c.domains)) == len(c.domains)]
        return Routes(graph, origin, bounds, tuple(simple))

    def within(self, latency_us_max: int, availability_ppb_min: int) -> Iterator[Candidate]:
        """Chains that may keep both bounds, cheapest first."""
        limits = latency_us_max, unavailable_ppb_max(availability_ppb_min)
        for hops in _search(self.graph, self.bounds, self.origin, _PRICE, *limits):
            candidate = Candidate.of(hops)
            if candidate.fits(latency_us_max, availability_ppb_min):
                yield candidate


def distinct(found: Iterable[Candidate]) -> list[Candidate]:
    """Each chain once. The hops of one generation are objects of their own: identity will do."""
    once: dict[tuple[int, ...], Candidate] = {}
    for candidate in found:
        once.setdefault(tuple(map(id, candidate.hops)), candidate)
    return list(once.values())


def unavailable_ppb_max(availability_ppb_min: int) -> int:
    """The largest sum of unavailabilities with which a product can still reach the bound.

    prod(1 - u) <= exp(-sum u) <= 1 - sum u + (sum u)^2 / 2, solved for the sum, rounded up.
    """
    if 2 * availability_ppb_min < PPB:
        return _UNREACHABLE
    return PPB - isqrt(PPB * (2 * availability_ppb_min - PPB))


class _Way(NamedTuple):
    """One step onward from a point, with the least complete cost that it adds."""

    floor: _Cost
    after: int
    step: Step


def _onward(
    graph: Graph, bounds: Sequence[Mapping[str, _Cost]], stage: int, point: str, by: int
) -> Sequence[_Way]:
    """Every way on, best first: sorted once per point, whatever was spent before."""
    ways = [
        _Way((step[0] + rest[0], step[1] + rest[1], step[2] + rest[2]), after, step)
        for kind, after in STAGES[stage]
        for step in graph[kind].get(point, ())
        if (rest := bounds[after].get(step[3]))
    ]
    ways.sort(key=lambda way: way[0][by])
    return ways


def _search(
    graph: Graph,
    bounds: Sequence[Mapping[str, _Cost]],
    origin: str,
    by: int,
    latency_max: int = _UNREACHABLE,
    unavailable_max: int = _UNREACHABLE,
) -> Iterator[Chain]:
    """Chains in order of one cost, by its index, that stay within the limits.

    A partial chain on the heap stands for itself and all its later siblings, so that a visit
    costs two entries however many neighbours a border point has.
    """
    known: dict[tuple[int, str], Sequence[_Way]] = {}
    heap: list[tuple[int, int, _Cost, Sequence[_Way], int, Chain]] = []
    tie = 0

    def push(spent: _Cost, ways: Sequence[_Way], index: int, hops: Chain) -> None:
        nonlocal tie
        latency_left, unavailable_left = latency_max - spent[1], unavailable_max - spent[2]
        for at in range(index, len(ways)):
            floor = ways[at][0]
            if floor[1] <= latency_left and floor[2] <= unavailable_left:
                tie += 1
                heappush(heap, (spent[by] + floor[by], tie, spent, ways, at, hops))
                return

    push((0, 0, 0), _onward(graph, bounds, START, origin, by), 0, ())
    for _ in range(VISITS_MAX):
        if not heap:
            return
        _, _, spent, ways, index, hops = heappop(heap)
        push(spent, ways, index + 1, hops)
        _, after, (price, latency, unavailable, point, domain, hop) = ways[index]
        if domain in [earlier.domain for earlier in hops]:
            continue
        hops = (*hops, hop)
        if after == END:
            yield hops
            continue
        if (after, point) not in known:
            known[after, point] = _onward(graph, bounds, after, point, by)
        spent = (spent[0] + price, spent[1] + latency, spent[2] + unavailable)
        push(spent, known[after, point], 0, hops)


class _Trail(NamedTuple):
    """The cheapest way from the origin to a point, linked backwards."""

    price: int
    hop: Hop | None
    before: _Trail | None


class _Through(NamedTuple):
    """The cheapest way through one domain: a trail that ends there, then the best rest."""

    price: int
    trail: _Trail
    stage: int
    point: str


def _trails(graph: Graph, origin: str) -> Sequence[Mapping[str, _Trail]]:
    """Per stage, the cheapest trail to every point that can be reached."""
    trails: list[dict[str, _Trail]] = [{} for _ in range(END + 1)]
    trails[START][origin] = _Trail(0, None, None)
    for stage, following in enumerate(STAGES):
        for kind, after in following:
            ahead, steps = trails[after], graph[kind]
            for point, trail in trails[stage].items():
                spent = trail.price
                for price, _, _, egress, _, hop in steps.get(point, ()):
                    known = ahead.get(egress)
                    if known is None or spent + price < known.price:
                        ahead[egress] = _Trail(spent + price, hop, trail)
    return trails


def _bounds(
    graph: Graph, trails: Sequence[Mapping[str, _Trail]]
) -> tuple[Sequence[Mapping[str, _Cost]], Mapping[str, _Through]]:
    """Per stage and point, the least of each cost to the end; the cheapest way by domain."""
    bounds: list[dict[str, _Cost]] = [{} for _ in range(END)]
    bounds.append(dict.fromkeys(trails[END], _NOTHING))
    through: dict[str, _Through] = {}
    cheapest: dict[str, int] = {}
    for stage in range(END - 1, -1, -1):
        for point, trail in trails[stage].items():
            best_p = best_t = best_u = _UNREACHABLE
            for kind, after in STAGES[stage]:
                remaining = bounds[after]
                for price, latency, unavailable, egress, domain, hop in graph[kind].get(point, ()):
                    rest = remaining.get(egress)
                    if rest is None:
                        continue
                    p, t, u = price + rest[0], latency + rest[1], unavailable + rest[2]
                    if trail.price + p < cheapest.get(domain, _UNREACHABLE):
                        total = cheapest[domain] = trail.price + p
                        behind = _Trail(trail.price + price, hop, trail)
                        through[domain] = _Through(total, behind, after, egress)
                    if p < best_p:
                        best_p = p
                    if t < best_t:
                        best_t = t
                    if u < best_u:
                        best_u = u
            if best_p < _UNREACHABLE:
                bounds[stage][point] = (best_p, best_t, best_u)
    return bounds, through


def _complete(graph: Graph, bounds: Sequence[Mapping[str, _Cost]], through: _Through) -> Chain:
    """The trail in order, then step by step what attains the price bound."""
    hops: list[Hop] = []
    trail: _Trail | None = through.trail
    while trail and trail.hop:
        hops.append(trail.hop)
        trail = trail.before
    hops.reverse()
    stage, point = through.stage, through.point
    while stage != END:
        least = bounds[stage][point][0]
        step, stage = next(
            (step, after)
            for kind, after in STAGES[stage]
            for step in graph[kind].get(point, ())
            if (rest := bounds[after].get(step.egress)) and step.price_micros + rest[0] == least
        )
        hops.append(step.hop)
        point = step.egress
    return tuple(hops)


# -- who may take part ---------------------------------------------------------------------


def stitched(
    resources: ResourceDatabase,
    origin: str,
    destination: str,
    isolation: Isolation,
    sold_out: bool,
) -> Graph:
    graph: dict[DomainKind, dict[str, list[Step]]] = {kind: {} for kind in DomainKind}
    for view in resources.views():
        if not view.reachable or isolation not in view.topology.isolation:
            continue
        by_point = graph[view.topology.kind]
        steps = _serving(view, origin, destination, view.steps if sold_out else view.open_steps)
        for point, onward in steps.items():
            by_point.setdefault(point, []).extend(onward)
    return graph


def _serving(view: DomainView, origin: str, destination: str, steps: Steps) -> Steps:
    """What of a domain matters for a request: its ends are tied to areas."""
    if view.topology.kind is DomainKind.ACCESS:
        area = next((area for area in widening(origin) if area in view.steps), "")
        return {origin: steps.get(area, ())}
    if view.topology.kind is DomainKind.CLOUD and destination:
        zones = _zones(view.topology.zones, destination)
        return {
            point: tuple([step for step in onward if step.egress in zones])
            for point, onward in steps.items()
        }
    return steps


def _zones(zones: Mapping[str, str], destination: str) -> set[str]:
    """Zones in the area or a district of it; failing that, in the nearest wider area."""
    inside = {z for z, a in zones.items() if a == destination or a.startswith(f"{destination}/")}
    for area in widening(destination):
        inside = inside or {zone for zone, its_area in zones.items() if its_area == area}
    return inside


def widening(area: str) -> Iterator[str]:
    """`berlin/mitte`, then `berlin`: whoever covers a city covers its districts."""
    while area:
        yield area
        area = area.rpartition("/")[0]
