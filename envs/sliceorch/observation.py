"""What an agent sees of the case study: one flat vector of numbers in [-1, 1].

First the slice and the local server (`GLOBALS` numbers, in the order of `GLOBAL_NAMES`), then six
numbers of the K nodes, in the order of `NODE_NAMES`: `vector[GLOBALS:].reshape(6, K)`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.sliceorch.core import SliceOrchestration
from envs.sliceorch.instances import CHAIN, COST, CPU, LATENCY_MS, MEMORY, SHARING, WEIGHTS
from envs.sliceorch.profiles import (
    BOOT_MS,
    CLOUD_COST,
    COST_TIERS,
    DEMANDS,
    LATENCY_TIERS_MS,
    LOCAL_CPU_UNITS,
    LOCAL_MEMORY_UNITS,
    NODE_COST,
    NODE_DELAY_MS,
    SHARING_MAX,
)

Observations = NDArray[np.float32]

GLOBAL_NAMES: Final = (
    "cpu_free",
    "memory_free",
    "slices_remaining",
    "requests",
    "served",
    "cpu",
    "memory",
    "chain",
    "picked",
    "latency_bound",
    "sharing_bound",
    "cost_bound",
    "weight_latency",
    "weight_reliability",
    "weight_economics",
    "latency_left",
    "cost_left",
)
NODE_NAMES: Final = ("delay", "cost", "load", "strictest", "slots_free", "selected")
GLOBALS: Final = len(GLOBAL_NAMES)
PER_NODE: Final = len(NODE_NAMES)
# Beyond these scales the agent sees "many".
REQUESTS_SCALE: Final = 40.0
LOAD_SCALE: Final = 2.0 * SHARING_MAX
CHAIN_SCALE: Final = 5.0
# What only an agent that knows the tenant's quality of experience sees.
QOE_GLOBALS: Final = slice(GLOBAL_NAMES.index("latency_bound"), GLOBALS)
QOE_NODE: Final = slice(NODE_NAMES.index("strictest"), NODE_NAMES.index("selected"))

_CPU_MAX: Final = max(cpu for _, cpu, _, _ in DEMANDS)
_MEMORY_MAX: Final = max(memory for _, _, _, memory in DEMANDS)


def size(nodes: int) -> int:
    """Length of the vector for a pool of that many nodes."""
    return GLOBALS + PER_NODE * nodes


def observe(core: SliceOrchestration, qoe: bool = True) -> Observations:
    """What every row sees, [B, size]; a finished row sees its server and pool, and no slice.

    Without `qoe`, bounds, preference and what follows from them are zero: the agent of the
    paper's plain PPO, which is not told what the tenant needs.
    """
    rows, current = core.rows, core.current
    out = np.empty((rows, size(core.nodes)), dtype=np.float32)
    active = ~core.done
    columns = (
        core.cpu / LOCAL_CPU_UNITS,
        core.memory / LOCAL_MEMORY_UNITS,
        np.minimum(core.remaining / REQUESTS_SCALE, 1.0),
        np.minimum(core.requests / REQUESTS_SCALE, 1.0),
        np.minimum(core.served / REQUESTS_SCALE, 1.0),
        current[:, CPU] / _CPU_MAX,
        current[:, MEMORY] / _MEMORY_MAX,
        current[:, CHAIN] / CHAIN_SCALE,
        core.picked / CHAIN_SCALE,
        current[:, LATENCY_MS] / LATENCY_TIERS_MS[-1],
        current[:, SHARING] / SHARING_MAX,
        current[:, COST] / COST_TIERS[-1],
        *current[:, WEIGHTS].T,
        active * (current[:, LATENCY_MS] - BOOT_MS - core.spent_ms) / LATENCY_TIERS_MS[-1],
        active * (current[:, COST] - CLOUD_COST - core.spent) / COST_TIERS[-1],
    )
    for column, values in enumerate(columns):
        out[:, column] = values
    node = out[:, GLOBALS:].reshape(rows, PER_NODE, core.nodes)
    cap = current[:, SHARING, None].astype(np.int16)
    node[:, 0] = (core.delay_ms - NODE_DELAY_MS[0]) / (NODE_DELAY_MS[1] - NODE_DELAY_MS[0])
    node[:, 1] = (core.cost - NODE_COST[0]) / (NODE_COST[1] - NODE_COST[0])
    node[:, 2] = np.minimum(core.load / LOAD_SCALE, 1.0)
    node[:, 3] = core.strictest / SHARING_MAX
    node[:, 4] = np.maximum(np.minimum(core.strictest, cap) - core.load, 0) / SHARING_MAX
    node[:, 5] = core.selected
    if not qoe:
        out[:, QOE_GLOBALS] = 0.0
        node[:, QOE_NODE] = 0.0
    return out
