"""What an agent sees of an embedding: one flat vector of numbers in [-1, 1].

First the request, its next function and the network (`GLOBALS` numbers, in the order of
`GLOBAL_NAMES`), then numbers of the n nodes, in the order of `NODE_NAMES`:
`vector[GLOBALS:].reshape(len(NODE_NAMES), n)`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.arrays import Floats, Ints
from envs.embedding.core import Embedding
from envs.embedding.model import Substrate
from envs.embedding.survey import route_costs

Observations = NDArray[np.float32]

GLOBAL_NAMES: Final = (
    "cpu_asked",
    "bandwidth_to_earlier",
    "bandwidth_to_later",
    "functions_left",
    "life",
    "cpu_free",
    "bandwidth_free",
    "accepted",
)
NODE_NAMES: Final = (
    "cpu_free",
    "cpu_left_after",
    "bandwidth_around",
    "unused",
    "candidate",
    "linked",
    "route_cost",
    "capacity",
)
GLOBALS: Final = len(GLOBAL_NAMES)
PER_NODE: Final = len(NODE_NAMES)
# A route of so many hops on every link is seen as the dearest.
HOPS_SCALE: Final = 4.0


def size(nodes: int) -> int:
    """Length of the vector for that many nodes."""
    return GLOBALS + PER_NODE * nodes


class Scales:
    """What one is, on a substrate: fixed for an environment."""

    def __init__(self, substrate: Substrate) -> None:
        cpu, bandwidth = np.array(substrate.cpu), np.array(substrate.bandwidth)
        self.cpu = max(float(cpu.max()), 1.0)
        self.all_cpu = max(float(cpu.sum()), 1.0)
        self.bandwidth = max(float(bandwidth.max(initial=0.0)), 1.0)
        self.all_bandwidth = max(float(bandwidth.sum()), 1.0)
        self.capacity = (cpu / self.cpu).astype(np.float32)
        ends = np.array(substrate.links, dtype=np.int64).reshape(-1, 2)
        at = np.concatenate([ends[:, 0], ends[:, 1]])
        order = np.argsort(at, kind="stable")
        # Every node's links, node after node; a node without one has none.
        self.links: Ints = substrate.nodes + np.tile(np.arange(len(ends)), 2)[order]
        degree = np.bincount(at, minlength=substrate.nodes)
        self.linked: Ints = degree.nonzero()[0]
        self.starts: Ints = (degree.cumsum() - degree)[self.linked]
        around = np.zeros(substrate.nodes)
        if len(ends):
            around[self.linked] = np.add.reduceat(np.tile(bandwidth, 2)[order], self.starts)
        self.around = max(float(around.max()), 1.0)

    def free_around(self, free: Floats) -> Floats:
        """Bandwidth free on the links of every node, [B, n], from what is free in all, [B, ..]."""
        nodes = len(self.capacity)
        if not len(self.links):
            return np.zeros((len(free), nodes))
        sums: Floats = np.add.reduceat(free.take(self.links, axis=1), self.starts, axis=1)
        if len(self.linked) == nodes:
            return sums
        out = np.zeros((len(free), nodes))
        out[:, self.linked] = sums
        return out


def observe(core: Embedding, scales: Scales) -> Observations:
    """What every row sees, [B, size]; a finished row sees the network, and nothing asked."""
    rows, nodes, seen, traces = core.rows, core.nodes, core.survey, core.traces
    out = np.empty((rows, size(nodes)), dtype=np.float32)
    asked = np.where(core.active, seen.cpu, 0.0)
    life = traces.ends.take(core.request) - traces.arrival.take(core.request)
    earlier = np.zeros(rows)
    if seen.pairs is not None:
        earlier[seen.pairs.owners] = np.add.reduceat(seen.pairs.bandwidth, seen.pairs.starts)
    node = out[:, GLOBALS:].reshape(rows, PER_NODE, nodes)
    cpu = core.free[:, :nodes]
    around = scales.free_around(core.free)
    columns = (
        asked / scales.cpu,
        earlier / scales.around,
        traces.later.take(core.cursor) / scales.around,
        np.maximum(core.size - core.position, 0) / core.functions_max,
        np.where(core.active, life / (life + traces.mean_life.take(core.room)), 0.0),
        cpu.sum(axis=1) / scales.all_cpu,
        core.free[:, nodes : nodes + len(core.substrate.links)].sum(axis=1) / scales.all_bandwidth,
        core.accepted / np.maximum(core.turn, 1),
    )
    for column, values in enumerate(columns):
        out[:, column] = values
    np.multiply(cpu, 1.0 / scales.cpu, out=node[:, 0], casting="same_kind")
    np.subtract(node[:, 0], out[:, :1], out=node[:, 1])
    np.multiply(around, 1.0 / scales.around, out=node[:, 2], casting="same_kind")
    node[:, 3], node[:, 4], node[:, 5] = core.unused, seen.candidates, seen.linked
    dearest = HOPS_SCALE * np.maximum(earlier, 1e-9)
    np.minimum(route_costs(core) / dearest[:, None], 1.0, out=node[:, 6], casting="same_kind")
    node[:, 7] = scales.capacity
    # All else is a share of what there is, or of what is asked.
    np.minimum(out[:, :GLOBALS], 1.0, out=out[:, :GLOBALS])
    np.maximum(node[:, 1], -1.0, out=node[:, 1])
    return out
