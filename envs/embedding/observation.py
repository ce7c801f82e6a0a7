"""What an agent sees of an embedding: one flat vector of numbers in [-1, 1].

First the request, its next function and the network (`GLOBALS` numbers, in the order of
`GLOBAL_NAMES`), then numbers of the n nodes, in the order of `NODE_NAMES`:
`vector[GLOBALS:].reshape(len(NODE_NAMES), n)`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

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
TINY: Final = 1e-9


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
        around = np.zeros(substrate.nodes)
        for (u, v), amount in zip(substrate.links, substrate.bandwidth, strict=True):
            around[[u, v]] += amount
        self.around = max(float(around.max()), 1.0)
        # Of what the trace shows, all but the functions left; and of all that is free.
        self.shown = 1.0 / np.array([self.cpu, self.around, self.around, 1.0, 1.0])
        self.parts = np.array([0, substrate.nodes])
        self.free = 1.0 / np.array([self.all_cpu, self.all_bandwidth])


def observe(core: Embedding, scales: Scales) -> Observations:
    """What every row sees, [B, size]; a finished row sees a function that fits nowhere."""
    rows, nodes, seen = core.rows, core.nodes, core.survey
    out = np.empty((rows, size(nodes)), dtype=np.float32)
    shown = core.traces.shown.take(core.cursor, axis=0)[:, :5]
    shown *= scales.shown
    shown[:, 3] /= core.functions_max
    # The rest are shares of what there is already.
    np.minimum(shown, 1.0, out=out[:, :5], casting="same_kind")
    free = np.add.reduceat(core.free[:, : core.table.ample], scales.parts, axis=1)
    np.multiply(free, scales.free, out=out[:, 5:7], casting="same_kind")
    np.divide(core.accepted, np.maximum(core.turn, 1), out=out[:, 7], casting="same_kind")
    node = out[:, GLOBALS:].reshape(rows, PER_NODE, nodes)
    np.divide(core.free[:, :nodes], scales.cpu, out=node[:, 0], casting="same_kind")
    np.subtract(node[:, 0], out[:, :1], out=node[:, 1])
    np.divide(core.around[:, :nodes], scales.around, out=node[:, 2], casting="same_kind")
    node[:, 3] = core.unused
    node[:, 4] = seen.candidates[:, :nodes]
    node[:, 5] = seen.linked[:, :nodes]
    if seen.pairs is None:
        node[:, 6] = 0.0
    else:
        dearest = np.maximum(HOPS_SCALE * scales.around * shown[:, 1:2], TINY)
        np.minimum(route_costs(core) / dearest, 1.0, out=node[:, 6], casting="same_kind")
    node[:, 7] = scales.capacity
    return out
