"""Embedding for one episode, in plain Python: slow, and obviously right."""

from itertools import islice, pairwise

import networkx

from envs.embedding.model import Request, Workload


class ByHand:
    def __init__(self, workload: Workload) -> None:
        self.workload, self.network = workload, workload.substrate
        self.graph: networkx.Graph[int] = networkx.Graph()
        self.graph.add_nodes_from(range(self.network.nodes))
        self.graph.add_edges_from(self.network.links)
        self.cpu = list(self.network.cpu)
        pairs = zip(self.network.links, self.network.bandwidth, strict=True)
        self.bandwidth = {frozenset(link): bandwidth for link, bandwidth in pairs}
        self.known: dict[tuple[int, int], list[list[frozenset[int]]]] = {}
        self.turn, self.accepted, self.revenue, self.cost = 0, 0, 0.0, 0.0
        self.nodes: list[int] = []
        self.taken: list[tuple[float, list[frozenset[int]]]] = []
        self.held: list[tuple[Request, list[int], list[tuple[float, list[frozenset[int]]]]]] = []

    @property
    def request(self) -> Request:
        return self.workload.requests[self.turn]

    @property
    def done(self) -> bool:
        return self.turn == len(self.workload.requests)

    def paths(self, source: int, target: int) -> list[list[frozenset[int]]]:
        if (source, target) not in self.known:
            self.known[source, target] = self.ranked(source, target)
        return self.known[source, target]

    def ranked(self, source: int, target: int) -> list[list[frozenset[int]]]:
        if not networkx.has_path(self.graph, source, target):
            return []
        found = islice(networkx.shortest_simple_paths(self.graph, source, target), 10)
        return [[frozenset(step) for step in pairwise(path)] for path in found]

    def earlier(self) -> list[tuple[int, float]]:
        """Nodes of the functions that the next one has links to, in adjacency order."""
        function = len(self.nodes)
        ends = [(a, b, asked) if a == function else (b, a, asked) for a, b, asked in self.links()]
        return [(self.nodes[b], asked) for _, b, asked in ends if b < function]

    def links(self) -> list[tuple[int, int, float]]:
        return [link for link in self.request.links if len(self.nodes) in link[:2]]

    def fits(self, node: int) -> bool:
        function = len(self.nodes)
        pin = self.request.domains[function]
        return (
            self.cpu[node] >= self.request.cpu[function]
            and node not in self.nodes
            and (pin is None or self.network.domains[node] == pin)
        )

    def reachable(self, node: int) -> bool:
        return all(self.path(node, other, asked) is not None for other, asked in self.earlier())

    def path(self, source: int, target: int, asked: float) -> list[frozenset[int]] | None:
        for path in self.paths(source, target):
            if all(self.bandwidth[link] >= asked for link in path):
                return path
        return None

    def step(self, node: int) -> bool:
        """Whether the request was accepted by this step; a node that there is not refuses it."""
        if node >= self.network.nodes or not self.fits(node):
            self.give_back(self.request, self.nodes, self.taken)
            self.next()
            return False
        routes = self.earlier()
        self.cpu[node] -= self.request.cpu[len(self.nodes)]
        self.nodes.append(node)
        for other, asked in routes:
            path = self.path(node, other, asked)
            if path is None:
                self.give_back(self.request, self.nodes, self.taken)
                self.next()
                return False
            for link in path:
                self.bandwidth[link] -= asked
            self.taken.append((asked, path))
        if len(self.nodes) < len(self.request.cpu):
            return False
        self.accepted += 1
        self.revenue += self.request.revenue
        self.cost += sum(self.request.cpu) + sum(asked * len(path) for asked, path in self.taken)
        self.held.append((self.request, self.nodes, self.taken))
        self.next()
        return True

    def give_back(
        self, request: Request, nodes: list[int], taken: list[tuple[float, list[frozenset[int]]]]
    ) -> None:
        for function, node in enumerate(nodes):
            self.cpu[node] += request.cpu[function]
        for asked, path in taken:
            for link in path:
                self.bandwidth[link] += asked

    def next(self) -> None:
        self.turn, self.nodes, self.taken = self.turn + 1, [], []
        if self.done:
            return
        for gone in [one for one in self.held if one[0].ends < self.request.time]:
            self.give_back(*gone)
            self.held.remove(gone)
