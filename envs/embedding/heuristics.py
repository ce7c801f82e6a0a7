"""Ranking rules replayed on a workload: map all functions first, then route all links.

They decide as the node-ranking solvers of virne 1.0.0 do (github.com/GeminiLight/virne, a669473),
so that acceptance, revenue and cost can be compared as equal numbers; "pl-paths" is ours.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import sqrt
from typing import Final

import numpy as np

from envs.arrays import Floats
from envs.embedding.model import Request, Substrate, Workload, adjacency, link_order
from envs.embedding.paths import PathTable, table_of

# Global resource capacity (Gong et al., INFOCOM 2014): damping, and when to stop.
GRC_DAMPING: Final = 0.85
GRC_PRECISION: Final = 1e-5
GRC_ITERATIONS_MAX: Final = 10_000
# Keeps a ratio of the proximity rule (Fan et al., TPDS 2021) finite.
EPSILON: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a request; refused requests have no nodes, and cost nothing.

    nodes: of function i. paths: links of the substrate, per virtual link as `link_order` has them.
    """

    request: Request
    nodes: tuple[int, ...] = ()
    paths: tuple[tuple[int, ...], ...] = ()

    @property
    def accepted(self) -> bool:
        return bool(self.nodes)

    @property
    def cost(self) -> float:
        """CPU, and bandwidth on every hop."""
        if not self.accepted:
            return 0.0
        routed = zip(link_order(self.request), self.paths, strict=True)
        carried = (bandwidth * len(path) for (_, _, bandwidth), path in routed)
        return sum(self.request.cpu) + sum(carried)


@dataclass(frozen=True, slots=True)
class Graph:
    """A network or a request, as the rules see either: free CPU [.., V] and bandwidth [.., V, V].

    With more dimensions, many of one size at once.
    """

    cpu: Floats
    bandwidth: Floats


class Free:
    """What is free on a substrate, and what leaves when."""

    def __init__(self, substrate: Substrate, table: PathTable) -> None:
        self.substrate, self.table = substrate, table
        self.cpu = np.array(substrate.cpu)
        self.bandwidth = list(substrate.bandwidth)
        self._ends = np.array(substrate.links, dtype=np.int64).reshape(-1, 2).T
        self._leaving: list[tuple[float, int, Verdict]] = []
        self._paths: dict[tuple[int, int], tuple[tuple[int, ...], ...]] = {}

    @property
    def graph(self) -> Graph:
        matrix = np.zeros((len(self.cpu), len(self.cpu)))
        u, v = self._ends
        matrix[u, v] = matrix[v, u] = self.bandwidth
        return Graph(self.cpu, matrix)

    def paths(self, source: int, target: int) -> tuple[tuple[int, ...], ...]:
        """The table's, each pair looked up once."""
        found = self._paths.get((source, target))
        if found is None:
            found = self._paths[source, target] = self.table.between(source, target)
        return found

    def leave(self, now: float) -> None:
        """Takes back what was held until before `now`."""
        while self._leaving and self._leaving[0][0] < now:
            _, _, gone = heappop(self._leaving)
            self.give_back(gone)

    def take(self, verdict: Verdict) -> None:
        """Takes all that a verdict gives, whether there is so much or not."""
        for node, cpu in zip(verdict.nodes, verdict.request.cpu, strict=True):
            self.cpu[node] -= cpu
        for (_, _, asked), path in zip(link_order(verdict.request), verdict.paths, strict=True):
            for link in path:
                self.bandwidth[link] -= asked

    def hold(self, verdict: Verdict, number: int) -> None:
        """Keeps what the verdict on the request of that number took until the request ends."""
        heappush(self._leaving, (verdict.request.ends, number, verdict))

    def give_back(self, verdict: Verdict) -> None:
        """Undoes all that a verdict took, be it complete or not."""
        for node, cpu in zip(verdict.nodes, verdict.request.cpu, strict=True):
            self.cpu[node] += cpu
        for (_, _, asked), path in zip(link_order(verdict.request), verdict.paths, strict=False):
            for link in path:
                self.bandwidth[link] += asked


Rank = Callable[[Graph], Floats]


def in_order(graph: Graph) -> Floats:
    """As they are numbered."""
    return np.zeros_like(graph.cpu)


def most_cpu(graph: Graph) -> Floats:
    """First fit decreasing."""
    return graph.cpu


def resources(graph: Graph) -> Floats:
    """Network resource metric: CPU times the bandwidth around."""
    product: Floats = graph.cpu * graph.bandwidth.sum(axis=-2)
    return product


def capacity(graph: Graph) -> Floats:
    """Global resource capacity: CPU that is near bandwidth that leads to CPU, and so on."""
    total = graph.cpu.sum(axis=-1, keepdims=True)
    even = np.full_like(graph.cpu, 1.0 / graph.cpu.shape[-1])
    own = np.divide(graph.cpu, total, out=even, where=total > 0)[..., None, :]
    around = graph.bandwidth.sum(axis=-1, keepdims=True)
    share = np.divide(graph.bandwidth, around, out=np.zeros_like(graph.bandwidth), where=around > 0)
    fixed, rank = (1 - GRC_DAMPING) * own, own
    moving = np.ones(total.shape, dtype=np.bool_)[..., None]
    for _ in range(GRC_ITERATIONS_MAX):
        better = fixed + GRC_DAMPING * rank @ share
        change = better - rank
        if change.ndim == 2:  # one graph: this loop is all that the rule costs
            flat, rank = change.reshape(-1), better
            if sqrt(flat.dot(flat)) < GRC_PRECISION:
                break
            continue
        rank = np.where(moving, better, rank)
        moving &= np.sqrt((change**2).sum(axis=-1, keepdims=True)) >= GRC_PRECISION
        if not moving.any():
            break
    found: Floats = rank[..., 0, :]
    return found


def at_random(seed: int) -> Rank:
    """Another order at every call; the same ones for the same seed."""
    generator = np.random.default_rng(seed)
    return lambda graph: generator.random(graph.cpu.shape)


class Ranking:
    """Functions and nodes each by one rank, best first; a function on the first node it fits."""

    def __init__(self, rank: Rank) -> None:
        self.rank = rank
        self._orders: dict[int | str, list[int]] = {}

    def prepare(self, requests: Sequence[Request]) -> None:
        """Orders the functions of all requests at once: it depends on nothing else."""
        for functions in sorted({len(request.cpu) for request in requests}):
            alike = [request for request in requests if len(request.cpu) == functions]
            graphs = [_demand(request) for request in alike]
            stacked = Graph(
                np.stack([graph.cpu for graph in graphs]),
                np.stack([graph.bandwidth for graph in graphs]),
            )
            for request, rank in zip(alike, self.rank(stacked), strict=True):
                self._orders[request.id] = self.ordered(request, rank)

    def order(self, request: Request) -> list[int]:
        """In which the functions are placed."""
        if request.id not in self._orders:
            self.prepare([request])
        return self._orders[request.id]

    def ordered(self, request: Request, rank: Floats) -> list[int]:
        """The functions by their rank."""
        return _best_first(rank)

    def nodes(self, request: Request, free: Free) -> tuple[int, ...] | None:
        """A node for every function; None if one fits nowhere."""
        functions = self.order(request)
        left = _best_first(self.rank(free.graph))
        cpu, domains = free.cpu.tolist(), free.substrate.domains
        chosen = [-1] * len(functions)
        for function in functions:
            asked, pin = request.cpu[function], request.domains[function]
            for node in left:
                if cpu[node] >= asked and (pin is None or domains[node] == pin):
                    break
            else:
                return None
            left.remove(node)
            chosen[function] = node
        return tuple(chosen)

    def paths(self, source: int, target: int, free: Free) -> Sequence[tuple[int, ...]]:
        """In the order in which to try them."""
        return free.paths(source, target)


class Proximity(Ranking):
    """Functions by rank, each on the node that has most for its hops from those already placed."""

    def __init__(self) -> None:
        super().__init__(resources)

    def nodes(self, request: Request, free: Free) -> tuple[int, ...] | None:
        value = self.rank(free.graph)
        distance, domains = free.table.hops[:, 0].reshape(len(value), -1), free.substrate.domains
        left, chosen = np.ones(len(value), dtype=np.bool_), [-1] * len(request.cpu)
        placed: list[int] = []
        for function in self.order(request):
            fits = left & (free.cpu >= request.cpu[function])
            if (pin := request.domains[function]) is not None:
                fits &= np.array([domain == pin for domain in domains])
            if not fits.any():
                return None
            near = value / (distance[placed].sum(axis=0) + EPSILON)
            node = int(np.where(fits, near, -np.inf).argmax())
            left[node], chosen[function] = False, node
            placed.append(node)
        return tuple(chosen)


class ProximityAndPaths(Proximity):
    """All that Fan et al. (TPDS 2021) describe: functions breadth first from the one with most
    links, and paths by their narrowest link over the most CPU and the hops that they cross."""

    def ordered(self, request: Request, rank: Floats) -> list[int]:
        return _outwards(request, rank)

    def paths(self, source: int, target: int, free: Free) -> Sequence[tuple[int, ...]]:
        def worth(path: tuple[int, ...]) -> float:
            crossed = (float(free.cpu[node]) for node in _crossed(source, path, free.substrate))
            narrowest = min(free.bandwidth[link] for link in path)
            return narrowest / (max(crossed, default=0.0) * len(path) + EPSILON)

        return sorted(free.paths(source, target), key=worth, reverse=True)


def replay(workload: Workload, rule: Ranking) -> Iterator[Verdict]:
    """The verdicts on all requests, as they arrive."""
    free = Free(workload.substrate, table_of(workload.substrate))
    rule.prepare(workload.requests)
    for number, request in enumerate(workload.requests):
        free.leave(request.time)
        verdict = decide(request, rule, free)
        if verdict.accepted:
            free.hold(verdict, number)
        yield verdict


def decide(request: Request, rule: Ranking, free: Free) -> Verdict:
    """Nodes by the rule, then every link on the first path with room for it, taken at once.

    A refusal leaves everything as it was.
    """
    nodes = rule.nodes(request, free)
    if nodes is None:
        return Verdict(request)
    for node, cpu in zip(nodes, request.cpu, strict=True):
        free.cpu[node] -= cpu
    bandwidth = free.bandwidth
    paths: list[tuple[int, ...]] = []
    for a, b, asked in link_order(request):
        for path in rule.paths(nodes[a], nodes[b], free):
            if all(bandwidth[link] >= asked for link in path):
                break
        else:
            free.give_back(Verdict(request, nodes, tuple(paths)))
            return Verdict(request)
        for link in path:
            bandwidth[link] -= asked
        paths.append(path)
    return Verdict(request, nodes, tuple(paths))


def rule_of(name: str, seed: int = 0) -> Ranking:
    """The rule of that name; ValueError names the ones there are. Only "random" reads the seed."""
    maker = _MAKERS.get(name)
    if maker is None:
        raise ValueError(f"unknown rule {name!r}: one of {', '.join(NAMES)}")
    return maker(seed)


_MAKERS: Final[dict[str, Callable[[int], Ranking]]] = {
    "order": lambda seed: Ranking(in_order),
    "ffd": lambda seed: Ranking(most_cpu),
    "nrm": lambda seed: Ranking(resources),
    "grc": lambda seed: Ranking(capacity),
    "pl": lambda seed: Proximity(),
    "pl-paths": lambda seed: ProximityAndPaths(),
    "random": lambda seed: Ranking(at_random(seed)),
}
NAMES: Final = tuple(_MAKERS)


def _demand(request: Request) -> Graph:
    matrix = np.zeros((len(request.cpu), len(request.cpu)))
    for a, b, asked in request.links:
        matrix[a, b] = matrix[b, a] = asked
    return Graph(np.array(request.cpu), matrix)


def _best_first(rank: Floats) -> list[int]:
    """Equals stay in the order of their numbers."""
    order: list[int] = np.argsort(-rank, kind="stable").tolist()
    return order


def _outwards(request: Request, rank: Floats) -> list[int]:
    """Functions by their hops from the one with most links, then by rank; part by part."""
    near = adjacency(len(request.cpu), tuple((a, b) for a, b, _ in request.links))
    left, order = set(range(len(near))), []
    while left:
        root = max(sorted(left), key=lambda function: len(near[function]))
        hops = {root: 0}
        for function in (found := [root]):
            for other in near[function]:
                if other not in hops:
                    hops[other] = hops[function] + 1
                    found.append(other)
        order += sorted(found, key=lambda function: (hops[function], -rank[function]))
        left -= hops.keys()
    return order


def _crossed(source: int, path: tuple[int, ...], substrate: Substrate) -> Iterator[int]:
    """The nodes between the two ends of a path."""
    node = source
    for link in path[:-1]:
        u, v = substrate.links[link]
        node = v if node == u else u
        yield node
