"""Which actions keep what they must: the masks of the case study, for a batch at once."""

from typing import TYPE_CHECKING

import numpy as np

from envs.arrays import Bools, Floats, Ints
from envs.sliceorch.instances import CHAIN, COST, LATENCY_MS, SHARING
from envs.sliceorch.profiles import BOOT_MS, CLOUD_COST, LOCAL_COST, Mask

if TYPE_CHECKING:
    from envs.sliceorch.core import SliceOrchestration


def legal_actions(core: "SliceOrchestration") -> Bools:
    """What the core's mask allows, [B, K + 2]."""
    if core.mask is Mask.SLA:
        return _safe_actions(core)
    if core.mask is Mask.BASIC:
        return possible_actions(core)
    return np.ones((core.rows, core.nodes + 2), dtype=np.bool_)


def possible_actions(core: "SliceOrchestration") -> Bools:
    """What the infrastructure can do: a node not yet in the chain, or the local server if it has
    room and no chain was begun. The cloud never ends, so nobody need be refused."""
    legal = np.empty((core.rows, core.nodes + 2), dtype=np.bool_)
    active = ~core.done
    legal[:, : core.nodes] = ~core.selected & active[:, None]
    legal[:, core.local] = (core.picked == 0) & core.fits & active
    legal[:, core.refuse] = ~active
    return legal


def _safe_actions(core: "SliceOrchestration") -> Bools:
    """What breaks no bound, of this slice or of those on its nodes, now or when it is complete.

    Refusing is legal before a chain is begun, and where it has come to a dead end: latency and
    cost can each be kept from here, and yet not both.
    """
    current, first = core.current, core.picked == 0
    legal = np.empty((core.rows, core.nodes + 2), dtype=np.bool_)
    nodes = legal[:, : core.nodes]
    left = current[:, CHAIN].astype(np.int64) - core.picked
    cap = np.minimum(core.strictest, current[:, SHARING, None].astype(np.int16))
    safe = (core.load < cap) & ~core.selected
    if core.profile.interchangeable:
        enough = (np.count_nonzero(safe, axis=1) >= left) & (left > 0)
        np.logical_and(safe, (enough & (current[:, LATENCY_MS] > BOOT_MS))[:, None], out=nodes)
    else:
        latency_ms = current[:, LATENCY_MS] - BOOT_MS - core.spent_ms
        budget = current[:, COST] - CLOUD_COST - core.spent
        longest = core.profile.chain_max
        np.logical_and(
            completable(core.delay_ms, safe, left, latency_ms, longest),
            completable(core.cost, safe, left, budget, longest),
            out=nodes,
        )
    legal[:, core.local] = first & core.fits & (current[:, COST] >= LOCAL_COST)
    legal[:, core.refuse] = first | ~nodes.any(axis=1)
    return legal


def completable(values: Floats, safe: Bools, left: Ints, budget: Floats, longest: int) -> Bools:
    """Nodes [B, K] after which the `left` choices can still sum to at most `budget`.

    With S_r the sum of the r smallest safe values, the least sum that contains v is
    max(S_left, S_(left - 1) + v): v replaces the largest of them unless it is one of them.
    """
    smallest = np.sort(np.where(safe, values, np.inf), axis=1)[:, :longest]
    sums = np.zeros((len(values), longest + 1))
    np.cumsum(smallest, axis=1, out=sums[:, 1:])
    rows = np.arange(len(values))
    least = sums[rows, np.maximum(left, 0)]
    others = sums[rows, np.maximum(left - 1, 0)]
    best = np.maximum(least[:, None], others[:, None] + values)
    return safe & (best <= budget[:, None]) & (left > 0)[:, None]
