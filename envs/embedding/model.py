"""A workload: one substrate network, and requests that arrive, stay for a while and leave."""

from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Substrate:
    """Nodes with CPU and links with bandwidth; everywhere else a node is its place in `ids`.

    domains: per node, None where it has none. links: undirected pairs (u, v); their order, with the
    nodes', is the adjacency order, which decides between paths of equal length.
    """

    ids: tuple[int | str, ...]
    domains: tuple[str | None, ...]
    cpu: tuple[float, ...]
    links: tuple[tuple[int, int], ...]
    bandwidth: tuple[float, ...]
    latency_ms: tuple[float, ...]

    @property
    def nodes(self) -> int:
        return len(self.ids)

    @property
    def topology(self) -> str:
        """A hash of what paths depend on: the number of nodes, and the links in order."""
        return sha256(repr((self.nodes, self.links)).encode()).hexdigest()

    @property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """Of every node, in adjacency order."""
        return adjacency(self.nodes, self.links)


@dataclass(frozen=True, slots=True)
class Request:
    """Network functions 0..V-1 on distinct nodes, and virtual links between them.

    Holds what it was given from `time` to `time + life`, both included. domains: where function i
    must be, None for anywhere. links: (a, b, bandwidth), each on one path. latency_ms_max is
    carried, not enforced.
    """

    id: int | str
    time: float
    life: float
    kind: str | None
    latency_ms_max: float | None
    cpu: tuple[float, ...]
    domains: tuple[str | None, ...]
    links: tuple[tuple[int, int, float], ...]

    @property
    def ends(self) -> float:
        return self.time + self.life

    @property
    def revenue(self) -> float:
        """What is asked for: all CPU and all bandwidth."""
        return sum(self.cpu) + sum(bandwidth for _, _, bandwidth in self.links)


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests in order of arrival."""

    name: str
    note: str
    substrate: Substrate
    requests: tuple[Request, ...]

    @property
    def horizon(self) -> float:
        """When the last request would leave."""
        return max(request.ends for request in self.requests)


def adjacency(nodes: int, links: tuple[tuple[int, int], ...]) -> tuple[tuple[int, ...], ...]:
    """Neighbours of every node, in the order in which the links name them."""
    near: list[list[int]] = [[] for _ in range(nodes)]
    for u, v in links:
        near[u].append(v)
        near[v].append(u)
    return tuple(tuple(them) for them in near)


def link_order(request: Request) -> tuple[tuple[int, int, float], ...]:
    """The virtual links in the order in which ranking rules route them: by their first function,
    then in adjacency order; each from the function with the smaller number."""
    near = adjacency(len(request.cpu), tuple((a, b) for a, b, _ in request.links))
    bandwidth = {frozenset((a, b)): asked for a, b, asked in request.links}
    return tuple(
        (a, b, bandwidth[frozenset((a, b))]) for a, them in enumerate(near) for b in them if a < b
    )
