"""The case study as a batch: many episodes stepped at once, no Python per node or episode.

One step places one network function of the current slice on a node of the pool, or puts the whole
slice on the local server, or refuses it. Rows are independent: what happens in one never depends
on which others are beside it, so a batch of one is the same environment.
"""

from copy import copy
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from envs.arrays import Bools, Floats, Ints
from envs.sliceorch.instances import (
    ATTRIBUTES,
    CHAIN,
    COST,
    CPU,
    LATENCY_MS,
    MEMORY,
    SHARING,
    WEIGHTS,
    Instances,
)
from envs.sliceorch.legality import legal_actions, possible_actions
from envs.sliceorch.profiles import (
    BOOT_MS,
    CLOUD_COST,
    COST_SCALE,
    LATENCY_SCALE_MS,
    LOCAL_COST,
    LOCAL_CPU_UNITS,
    LOCAL_MEMORY_UNITS,
    REQUESTS_MAX,
    SHARING_MAX,
    SHARING_SCALE,
    Mask,
    Profile,
)

# What became of a slice.
UNDECIDED: Final = 0
REFUSED: Final = 1
LOCAL: Final = 2
CLOUD: Final = 3


class SliceOrchestration:
    """B episodes of at most n slices on K nodes each.

    Actions, [B]: 0..K-1 the next network function on that node, K the local server, K+1 refuse.
    An action that is not legal refuses the slice. A finished row stays as it is.

    A slice is served while it is placed within its latency and cost bounds and none of its nodes
    has ever, during its life, carried more slices than it allows.
    """

    def __init__(
        self,
        profile: Profile,
        slots: int,
        rows: int,
        mask: Mask,
        cost_weight: float = 0.0,
        told_weights: bool = True,
    ) -> None:
        if not 1 <= slots <= REQUESTS_MAX:
            raise ValueError(f"requests must be 1..{REQUESTS_MAX}, not {slots}")
        if not np.isfinite(cost_weight) or cost_weight < 0:
            raise ValueError(f"lam must be a number >= 0, not {cost_weight}")
        nodes = profile.nodes
        self.profile, self.mask, self.cost_weight = profile, mask, float(cost_weight)
        self.told_weights = told_weights
        self.rows, self.slots, self.nodes = rows, slots, nodes
        self.local, self.refuse = nodes, nodes + 1
        # The instance; a slice of zeros behind the last, so that a finished row asks for nothing.
        self.delay_ms, self.cost = np.ones((rows, nodes)), np.ones((rows, nodes))
        self.slices = np.zeros((rows, slots + 1, ATTRIBUTES))
        self.arrival = np.zeros((rows, slots + 1))
        self.holding = np.full((rows, slots + 1), np.inf)
        self.requests = np.zeros(rows, dtype=np.int64)
        self.departs = np.zeros(rows, dtype=np.bool_)
        # The infrastructure.
        self.cpu, self.memory = np.zeros(rows), np.zeros(rows)
        self.load = np.zeros((rows, nodes), dtype=np.int16)
        self.strictest = np.zeros((rows, nodes), dtype=np.int16)  # cap among those on the node
        # The slice being decided.
        self.turn = np.zeros(rows, dtype=np.int64)
        self.current = np.zeros((rows, ATTRIBUTES))
        self.selected = np.zeros((rows, nodes), dtype=np.bool_)
        self.picked = np.zeros(rows, dtype=np.int64)
        self.spent_ms, self.spent = np.zeros(rows), np.zeros(rows)
        # Every slice decided so far.
        self.placement = np.zeros((rows, slots), dtype=np.int8)
        self.latency_ms, self.price = np.zeros((rows, slots)), np.zeros((rows, slots))
        self.chain = np.zeros((rows, slots, nodes), dtype=np.bool_)
        self.shared = np.zeros((rows, slots, nodes), dtype=np.bool_)
        self.alive = np.zeros((rows, slots), dtype=np.bool_)
        self.kept = np.zeros((rows, slots), dtype=np.bool_)
        self.served = np.zeros(rows, dtype=np.int64)
        self.illegal = np.zeros(rows, dtype=np.int64)
        self._index = np.arange(rows)
        self._legal: Bools | None = None

    def load_instances(self, rows: Ints, instances: Instances) -> None:
        """Starts a new episode in each of `rows`."""
        slots = self.slots
        self.delay_ms[rows], self.cost[rows] = instances.delay_ms, instances.cost
        self.slices[rows, :slots] = instances.slices
        self.arrival[rows, :slots] = instances.arrival
        self.holding[rows, :slots] = instances.holding
        self.requests[rows] = instances.requests
        self.departs[rows] = np.isfinite(instances.holding).any(axis=1)
        self.cpu[rows], self.memory[rows] = LOCAL_CPU_UNITS, LOCAL_MEMORY_UNITS
        self.load[rows], self.strictest[rows] = 0, SHARING_MAX
        for state in (self.turn, self.picked, self.spent_ms, self.spent, self.served, self.illegal):
            state[rows] = 0
        for history in (self.placement, self.latency_ms, self.price, self.chain, self.shared):
            history[rows] = 0
        self.selected[rows], self.alive[rows], self.kept[rows] = False, False, False
        self.current[rows] = self.slices[rows, 0]
        self._legal = None

    def fork(self, sources: Ints) -> Self:
        """An independent copy with one row per source row, as often as it is named."""
        twin = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(twin, name, value[sources])
        twin.rows, twin._index = len(sources), np.arange(len(sources))
        return twin

    @property
    def legal(self) -> Bools:
        """What the mask allows, [B, K + 2]; never empty: a finished row may refuse."""
        if self._legal is None:
            self._legal = legal_actions(self)
        return self._legal

    @property
    def done(self) -> Bools:
        return self.turn >= self.requests

    @property
    def remaining(self) -> Ints:
        """Slices still to be decided, the current one included."""
        return self.requests - self.turn

    @property
    def fits(self) -> Bools:
        """Whether the local server has room for the current slice."""
        return (self.current[:, CPU] <= self.cpu) & (self.current[:, MEMORY] <= self.memory)

    def step(self, actions: NDArray[np.integer]) -> Floats:
        """Takes one action per row; returns the rewards [B].

        Reward: change in the number of served slices - lam * J of a slice placed in this step,
        J = w_latency * latency/100 ms + w_reliability * shared nodes/3 + w_economics * cost/40;
        the weights are a third each where the preference is not told.
        """
        index, active = self._index, ~self.done
        known = (actions >= 0) & (actions <= self.refuse)
        actions = np.where(known, actions, self.refuse)
        legal = self.executable(actions) & known & active
        self.illegal += active & ~legal
        on_node, on_local = legal & (actions < self.nodes), legal & (actions == self.local)
        before = self.served.copy()
        rows = index[on_node]
        nodes = actions[rows]
        self.selected[rows, nodes] = True
        self.picked[rows] += 1
        self.spent_ms[rows] += self.delay_ms[rows, nodes]
        self.spent[rows] += self.cost[rows, nodes]
        complete = on_node & (self.picked == self.current[:, CHAIN])
        weighted = np.zeros(self.rows)
        if (local := index[on_local]).size:
            weighted[local] = self._place_locally(local)
        if (cloud := index[complete]).size:
            weighted[cloud] = self._place_in_cloud(cloud)
        decided = active & (complete | ~on_node)
        refused = index[decided & ~complete & ~on_local]
        self.placement[refused, self.turn[refused]] = REFUSED
        if (rows := index[decided]).size:
            self._next_slice(rows)
        self._legal = None
        return (self.served - before) - self.cost_weight * weighted

    def executable(self, actions: NDArray[np.integer]) -> Bools:
        """Whether each row's action is carried out as it stands."""
        legal: Bools = self.legal[self._index, actions]
        if self.mask is Mask.NONE:  # advertises everything, can do what the infrastructure can
            legal = possible_actions(self)[self._index, actions] | (actions == self.refuse)
        return legal

    def sharing(self, rows: Ints) -> Ints:
        """Nodes that each slice has shared with another during its life, [rows, n]."""
        nodes: Ints = np.count_nonzero(self.shared[rows], axis=2)
        return nodes

    def weighted_costs(self, rows: Ints) -> Floats:
        """J of every slice, [rows, n]; meaningless where none was placed."""
        asked = self.slices[rows, : self.slots]
        return _weighted(asked, self.latency_ms[rows], self.sharing(rows), self.price[rows])

    def _place_locally(self, rows: Ints) -> Floats:
        current, turn = self.current[rows], self.turn[rows]
        self.cpu[rows] -= current[:, CPU]
        self.memory[rows] -= current[:, MEMORY]
        self.placement[rows, turn] = LOCAL
        latency_ms, price = np.full(len(rows), BOOT_MS), np.full(len(rows), LOCAL_COST)
        self._record(rows, latency_ms, price)
        return self._paid_for(current, latency_ms, np.zeros(len(rows), dtype=np.int64), price)

    def _place_in_cloud(self, rows: Ints) -> Floats:
        current, turn, chain = self.current[rows], self.turn[rows], self.selected[rows]
        self.chain[rows, turn] = chain
        self.placement[rows, turn] = CLOUD
        self.load[rows] += chain
        cap = current[:, SHARING, None].astype(np.int16)
        self.strictest[rows] = np.where(
            chain, np.minimum(self.strictest[rows], cap), self.strictest[rows]
        )
        latency_ms, price = BOOT_MS + self.spent_ms[rows], CLOUD_COST + self.spent[rows]
        self._record(rows, latency_ms, price)
        crowded = chain & (self.load[rows] > 1)
        if (busy := crowded.any(axis=1)).any():
            self._crowd(rows[busy], crowded[busy])
        return self._paid_for(current, latency_ms, np.count_nonzero(crowded, axis=1), price)

    def _paid_for(self, asked: Floats, latency_ms: Floats, sharing: Ints, price: Floats) -> Floats:
        """J as the reward has it."""
        if not self.told_weights:
            asked = asked.copy()
            asked[:, WEIGHTS] = 1 / 3
        return _weighted(asked, latency_ms, sharing, price)

    def _record(self, rows: Ints, latency_ms: Floats, price: Floats) -> None:
        current, turn = self.current[rows], self.turn[rows]
        self.latency_ms[rows, turn], self.price[rows, turn] = latency_ms, price
        kept = (latency_ms <= current[:, LATENCY_MS]) & (price <= current[:, COST])
        self.alive[rows, turn], self.kept[rows, turn] = True, kept
        self.served[rows] += kept

    def _crowd(self, rows: Ints, crowded: Bools) -> None:
        """Slices met on `crowded` nodes share them from now on, and may lose their bound."""
        met = self.chain[rows] & self.alive[rows, :, None] & crowded[:, None, :]
        self.shared[rows] |= met
        if not (over := crowded & (self.load[rows] > self.strictest[rows])).any():
            return
        caps = self.slices[rows, : self.slots, SHARING, None]
        broken = (met & over[:, None, :] & (self.load[rows][:, None, :] > caps)).any(axis=2)
        self.kept[rows] &= ~broken
        self.served[rows] = np.count_nonzero(self.kept[rows], axis=1)

    def _next_slice(self, rows: Ints) -> None:
        self.turn[rows] += 1
        self.selected[rows], self.picked[rows] = False, 0
        self.spent_ms[rows], self.spent[rows] = 0.0, 0.0
        turn = self.turn[rows]
        self.current[rows] = np.where(
            (turn < self.requests[rows])[:, None], self.slices[rows, turn], 0.0
        )
        departing = rows[self.departs[rows] & (turn < self.requests[rows])]
        if departing.size:
            self._depart(departing)

    def _depart(self, rows: Ints) -> None:
        """Ends the slices whose time is over when the next one arrives, if not before."""
        slots = self.slots
        now = self.arrival[rows, self.turn[rows]]
        ends = self.arrival[rows, :slots] + self.holding[rows, :slots]
        leaving = self.alive[rows] & (ends <= now[:, None])
        rows, leaving = rows[(some := leaving.any(axis=1))], leaving[some]
        if not rows.size:
            return
        local = leaving & (self.placement[rows] == LOCAL)
        self.cpu[rows] += (self.slices[rows, :slots, CPU] * local).sum(axis=1)
        self.memory[rows] += (self.slices[rows, :slots, MEMORY] * local).sum(axis=1)
        self.alive[rows] &= ~leaving
        on = self.chain[rows] & self.alive[rows, :, None]
        self.load[rows] = np.count_nonzero(on, axis=1)
        caps = self.slices[rows, :slots, SHARING, None]
        self.strictest[rows] = np.where(on, caps, SHARING_MAX).min(axis=1)


def _weighted(
    slices: Floats, latency_ms: Floats, sharing: NDArray[np.integer], price: Floats
) -> Floats:
    """J of slices [.., 9]."""
    weights = slices[..., WEIGHTS]
    weighted: Floats = (
        weights[..., 0] * (latency_ms / LATENCY_SCALE_MS)
        + weights[..., 1] * (sharing / SHARING_SCALE)
        + weights[..., 2] * (price / COST_SCALE)
    )
    return weighted
