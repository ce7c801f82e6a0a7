"""Transport: pipes between border points over a published topology (`topohub`, by name).

A pipe is bidirectional and symmetric, as an MTN path is (ITU-T G.8312), so that a link has one
capacity and a slice takes its larger direction from it. SHARED is a packet tunnel with a
guaranteed rate in kbit/s; ISOLATED is a hard pipe in fine-grain MTN slots (G.8312 Annex A).

Each route comes alone or 1+1 protected over a second one that shares neither link nor inner node
with it. Both then carry the traffic all the time, so latency is that of the longer one. A border
point is tied to its node by a tail; a protected pipe uses both of its ducts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import ClassVar, Self

import networkx
import topohub
from pydantic import Field, model_validator

from domains.model import PPB, DomainKind, SliceProfile
from domains.technologies import (
    LOADS_MAX,
    NS_PER_US,
    PERMILLE,
    US_PER_MS,
    Count,
    Fibre,
    Free,
    Kilometres,
    Load,
    Micros,
    Microseconds,
    Name,
    Option,
    Ppb,
    Reach,
    Section,
    Technology,
    Traffic,
    both_fail_ppb,
    ceil_div,
    cheapest_first,
    load_of,
)

METRES_PER_KM = 1_000
PATHS_MAX = 4_096
"""Lists of paths that are remembered, for all domains of a process."""
KBPS_PER_MBPS = 1_000


class BorderPoint(Section):
    """Where a neighbour meets us.

    Attributes:
        node: its node in the topology; inner.
        faces: the side of the chain: pipes lead from `access` to `core`.
        tail_km: cable length between node and border point, of each of the two ducts.
    """

    name: Name
    node: str
    faces: str = Field(pattern="^(access|core)$")
    tail_km: Kilometres


class LinkCapacity(Section):
    """A link whose capacity differs from the others'."""

    between: tuple[str, str]
    capacity_mbps: Count


class TransportSection(Section):
    """`[transport]` of a configuration file.

    Attributes:
        nodes: the part of the topology that is ours; empty for all of it.
        slot_kbps: what an isolated slice reserves in whole numbers, a pipe of its own;
            shaper_step_kbps: what a shared one does. A rate below that would keep a single
            message waiting for seconds.
        headroom_permille: reserved over guaranteed rate; more empties a burst sooner.
        routes_max: shortest routes per pair; each is also tried as the first of a 1+1 pair.
    """

    topology: str = Field(pattern=r"^[A-Za-z0-9_-]+/[A-Za-z0-9_.-]+$")
    nodes: tuple[str, ...] = Field(default=(), max_length=1_024)
    routes_max: int = Field(ge=1, le=16)
    link_capacity_mbps: Count
    tail_capacity_mbps: Count
    slot_kbps: Count
    shaper_step_kbps: Count
    headroom_permille: tuple[int, ...] = Field(min_length=1, max_length=8)
    node_delay_us: Microseconds
    node_unavailable_ppb: Ppb
    price_micros_per_gbps_km: Micros
    price_micros_per_pipe: Micros
    fibre: Fibre
    traffic: Traffic
    border_points: tuple[BorderPoint, ...] = Field(min_length=2, max_length=256)
    links: tuple[LinkCapacity, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        whole = _graph(self.topology)
        for index, node in enumerate(self.nodes):
            if node not in whole:
                raise ValueError(f"nodes.{index}: no {node!r} in the topology")
        graph = _graph(self.topology, self.nodes)
        for index, point in enumerate(self.border_points):
            if point.node not in graph:
                raise ValueError(f"border_points.{index}.node: no {point.node!r} in the topology")
            if not networkx.has_path(graph, self.border_points[0].node, point.node):
                raise ValueError(f"border_points.{index}.node: cut off from the first one")
        for index, link in enumerate(self.links):
            if not graph.has_edge(*link.between):
                raise ValueError(f"links.{index}.between: no such link in the topology")
        names = [point.name for point in self.border_points]
        if len(set(names)) < len(names):
            raise ValueError("border_points: two have the same name")
        if {point.faces for point in self.border_points} != {"access", "core"}:
            raise ValueError("border_points: none faces access, or none faces core")
        if min(self.headroom_permille) < PERMILLE or max(self.headroom_permille) > 16 * PERMILLE:
            raise ValueError("headroom_permille: each must be 1000..16000")
        return self


@dataclass(frozen=True, slots=True)
class _Path:
    """Between two nodes, ends included; `inner_ppb` leaves the ends out."""

    nodes: tuple[str, ...]
    links: tuple[str, ...]
    metres: int
    inner_ppb: int


@dataclass(frozen=True, slots=True)
class _Route:
    """One way to build a pipe between two border points, tails included; 1 or 2 paths."""

    key: str
    links: tuple[str, ...]
    tails: tuple[str, ...]
    delay_us: int
    unavailable_ppb: int
    metres: int


class Transport(Technology):
    """A transport domain. Routes of a pair are found once, when first asked for."""

    kind: ClassVar[DomainKind] = DomainKind.TRANSPORT

    def __init__(self, section: TransportSection) -> None:
        self._section = section
        self._graph = _graph(section.topology, section.nodes)
        self._points = {point.name: point for point in section.border_points}
        self._routes = lru_cache(maxsize=None)(self._find_routes)
        self._candidates = lru_cache(maxsize=LOADS_MAX)(self._build)

    @property
    def border_points(self) -> tuple[str, ...]:
        return tuple(self._points)

    def capacities(self) -> Mapping[str, int]:
        """Kbit/s per link, each direction, and per tail, over both ducts."""
        section = self._section
        sizes = {
            name: section.link_capacity_mbps * KBPS_PER_MBPS
            for name in networkx.get_edge_attributes(self._graph, "name").values()
        }
        for link in section.links:
            sizes[self._graph.edges[link.between]["name"]] = link.capacity_mbps * KBPS_PER_MBPS
        for point in self._points:
            sizes[_tail(point)] = 2 * section.tail_capacity_mbps * KBPS_PER_MBPS
        return sizes

    def reaches(self) -> Sequence[Reach]:
        return tuple(
            self._reach(a, b) for a in self._facing("access") for b in self._facing("core")
        )

    def candidates(self, profile: SliceProfile, free: Free) -> Sequence[Option]:
        return self._candidates(load_of(profile))

    def _facing(self, side: str) -> list[str]:
        return [point.name for point in self._section.border_points if point.faces == side]

    def _reach(self, ingress: str, egress: str) -> Reach:
        routes = self._routes(ingress, egress)
        return Reach(
            ingress,
            egress,
            min(route.delay_us for route in routes),
            PPB - min(route.unavailable_ppb for route in routes),
            tuple(route.links + route.tails for route in routes if len(route.tails) == 2),
        )

    def _build(self, load: Load) -> tuple[Option, ...]:
        ends = self._points.get(load.ingress), self._points.get(load.egress)
        if not all(ends) or [end.faces for end in ends if end] != ["access", "core"]:
            return ()
        section = self._section
        burst_bits = section.traffic.burst_bits(load.peak_kbps)
        step_kbps = section.slot_kbps if load.isolated else section.shaper_step_kbps
        options = []
        for headroom in section.headroom_permille:
            rate_kbps = ceil_div(load.peak_kbps * headroom, PERMILLE)
            rate_kbps = ceil_div(rate_kbps, step_kbps) * step_kbps
            drain_us = ceil_div(burst_bits * US_PER_MS, rate_kbps)
            for route in self._routes(load.ingress, load.egress):
                options.append(self._option(load, route, headroom, rate_kbps, drain_us))
        return cheapest_first(options)

    def _option(
        self, load: Load, route: _Route, headroom: int, rate_kbps: int, drain_us: int
    ) -> Option:
        section = self._section
        demand = dict.fromkeys(route.links, rate_kbps)
        for tail in route.tails:
            demand[tail] = demand.get(tail, 0) + rate_kbps
        price = section.price_micros_per_pipe + ceil_div(
            rate_kbps * route.metres * section.price_micros_per_gbps_km, 10**6 * METRES_PER_KM
        )
        metrics = load.metrics(route.delay_us + drain_us, route.unavailable_ppb, price)
        return Option(f"{route.key}x{headroom}", metrics, demand)

    def _find_routes(self, ingress: str, egress: str) -> tuple[_Route, ...]:
        """Single paths and 1+1 pairs, each pair of paths once."""
        source, target = self._points[ingress].node, self._points[egress].node
        section = self._section
        shortest = _shortest(section.topology, section.nodes, source, target, section.routes_max)
        singles = [self._path(nodes) for nodes in shortest]
        routes = [self._route(ingress, egress, str(i), path) for i, path in enumerate(singles)]
        seen: set[frozenset[tuple[str, ...]]] = set()
        for i, path in enumerate(singles):
            second = self._disjoint(path)
            if second is not None and (both := frozenset((path.links, second.links))) not in seen:
                seen.add(both)
                routes.append(self._route(ingress, egress, f"p{i}", path, second))
        return tuple(routes)

    def _path(self, nodes: tuple[str, ...]) -> _Path:
        section = self._section
        edges = [self._graph.edges[pair] for pair in pairwise(nodes)]
        metres = sum(edge["metres"] for edge in edges)
        cut_ppb = section.fibre.unavailable_ppb(metres)
        inner_ppb = cut_ppb + max(len(nodes) - 2, 0) * section.node_unavailable_ppb
        return _Path(nodes, tuple(edge["name"] for edge in edges), metres, inner_ppb)

    def _disjoint(self, path: _Path) -> _Path | None:
        """The shortest path beside `path`; within one node, the other plane of that node."""
        if len(path.nodes) == 1:
            return path
        nodes = _beside(self._section.topology, self._section.nodes, path.nodes)
        return self._path(nodes) if nodes else None

    def _route(self, ingress: str, egress: str, key: str, *paths: _Path) -> _Route:
        section = self._section
        fibre = section.fibre
        points = (self._points[ingress], self._points[egress])
        tails_km = sum(point.tail_km for point in points)
        tails_us = ceil_div(tails_km * fibre.delay_ns_per_km, NS_PER_US)
        tail_ppb = [point.tail_km * fibre.unavailable_ppb_per_km for point in points]
        inner_ppb = paths[0].inner_ppb
        if len(paths) == 2:
            tail_ppb = [both_fail_ppb(ppb, ppb) for ppb in tail_ppb]
            inner_ppb = both_fail_ppb(inner_ppb, paths[1].inner_ppb)
        ends = len({paths[0].nodes[0], paths[0].nodes[-1]})
        delays = [
            fibre.delay_us(path.metres) + len(path.nodes) * section.node_delay_us for path in paths
        ]
        return _Route(
            key,
            tuple(dict.fromkeys(link for path in paths for link in path.links)),
            tuple(_tail(point.name) for point in points) * len(paths),
            max(delays) + tails_us,
            sum(tail_ppb) + inner_ppb + ends * section.node_unavailable_ppb,
            sum(path.metres + tails_km * METRES_PER_KM for path in paths),
        )


def _tail(point: str) -> str:
    return f"tail:{point}"


# Graphs and paths are kept for all domains of a process: hundreds share a published topology.


@lru_cache(maxsize=PATHS_MAX)
def _shortest(
    topology: str, ours: tuple[str, ...], source: str, target: str, count: int
) -> tuple[tuple[str, ...], ...]:
    """The `count` shortest paths, as nodes; one of a single node where both ends are the same."""
    if source == target:
        return ((source,),)
    paths = networkx.shortest_simple_paths(_graph(topology, ours), source, target, "metres")
    return tuple(tuple(nodes) for nodes in islice(paths, count))


@lru_cache(maxsize=PATHS_MAX)
def _beside(topology: str, ours: tuple[str, ...], nodes: tuple[str, ...]) -> tuple[str, ...] | None:
    """The shortest path between the same ends that shares no inner node and no link."""
    graph, inner = _graph(topology, ours), set(nodes[1:-1])
    links = {graph.edges[pair]["name"] for pair in pairwise(nodes)}
    rest = networkx.subgraph_view(
        graph,
        filter_node=lambda node: node not in inner,
        filter_edge=lambda a, b: graph.edges[a, b]["name"] not in links,
    )
    try:
        return tuple(networkx.shortest_path(rest, nodes[0], nodes[-1], "metres"))
    except networkx.NetworkXNoPath:
        return None


@lru_cache(maxsize=64)
def _graph(name: str, ours: tuple[str, ...] = ()) -> networkx.Graph[str]:
    """Nodes by name; links with `name` (inner) and `metres` between the ends, by air.

    Args:
        ours: these nodes and what is between them; empty for all.

    Raises:
        ValueError: no topology of that name.
    """
    try:
        published = topohub.get(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"topology: {name!r} is not published by topohub") from error
    names = {node["id"]: str(node.get("name", node["id"])) for node in published["nodes"]}
    if len(set(names.values())) < len(names):
        raise ValueError(f"topology: two nodes of {name!r} have the same name")
    graph: networkx.Graph[str] = networkx.Graph()
    graph.add_nodes_from(ours)
    for index, edge in enumerate(published["edges"]):
        source, target = names[edge["source"]], names[edge["target"]]
        if ours and not {source, target} <= set(ours):
            continue
        metres = round(edge["dist"] * METRES_PER_KM)
        graph.add_edge(source, target, metres=metres, name=f"link:{index}:{source}~{target}")
    return graph
