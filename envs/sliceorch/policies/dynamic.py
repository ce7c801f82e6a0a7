"""Online optimum over blocks: exact backward induction, for pools where nodes are interchangeable.

The pool is cut into blocks of one chain each; a cloud slice takes a whole block, empty or with
room for it. A block is then in one of a few conditions, and the expected number of slices served
from here on depends only on the free units of the local server, on how many blocks are in each
condition, and on how many slices are still to come. The induction is exact for policies that keep
to blocks, so its value is a lower bound of the best online policy's (nodes beyond the last whole
block stay unused).
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.arrays import Ints
from envs.sliceorch.core import SliceOrchestration
from envs.sliceorch.instances import CPU, LATENCY_MS, MEMORY, SHARING
from envs.sliceorch.policies.policy import best_node, legal_nodes
from envs.sliceorch.profiles import (
    BOOT_MS,
    COST_TIERS,
    DEMANDS,
    LATENCY_TIERS_MS,
    LOCAL_COST,
    LOCAL_CPU_UNITS,
    LOCAL_MEMORY_UNITS,
    SHARING_TIERS,
    Mask,
    Profile,
)

Table = NDArray[np.float32]  # expected served, [.., state of the pool, cpu free, memory free]

# Conditions of a block with room left: (slices on it, strictest bound among them). Full blocks
# need no name: they are what is missing.
CONDITIONS: Final = ((0, 4), (1, 2), (1, 4), (2, 4), (3, 4))
BLOCKS_MAX: Final = 6  # 462 states of the pool
REQUESTS_MAX: Final = 100  # 250 MB of tables at 6 blocks


@dataclass(frozen=True, slots=True)
class Blocks:
    """States of a pool of `count` blocks, and the moves between them.

    counts: [S, 5] blocks per condition. moves[cap]: list of (condition taken, [S] next state, -1
    where no block is in that condition).
    """

    count: int
    counts: Ints
    number: dict[tuple[int, ...], int]
    moves: dict[int, list[tuple[int, Ints]]]

    @classmethod
    def of(cls, count: int) -> "Blocks":
        states = [
            state
            for state in product(range(count + 1), repeat=len(CONDITIONS))
            if sum(state) <= count
        ]
        number = {state: index for index, state in enumerate(states)}
        moves = {
            int(cap): [
                (taken, np.array([number.get(_after(state, taken, after), -1) for state in states]))
                for taken, after in _joins(int(cap))
            ]
            for cap in SHARING_TIERS
        }
        return cls(count, np.array(states), number, moves)


def _joins(cap: int) -> list[tuple[int, tuple[int, int]]]:
    """Conditions in which a block takes a slice of that bound, and what each becomes."""
    joins = []
    for index, (load, strictest) in enumerate(CONDITIONS):
        after = (load + 1, min(cap, strictest))
        if after[0] <= after[1]:
            joins.append((index, after))
    return joins


def _after(state: tuple[int, ...], taken: int, after: tuple[int, int]) -> tuple[int, ...]:
    counts = list(state)
    counts[taken] -= 1
    if after in CONDITIONS:
        counts[CONDITIONS.index(after)] += 1
    return tuple(counts)  # with no block to take, a count is -1: no state


def _demand_odds() -> dict[tuple[int, int], float]:
    odds: dict[tuple[int, int], float] = {}
    for low_cpu, high_cpu, low_memory, high_memory in DEMANDS:
        kinds = list(product(range(low_cpu, high_cpu + 1), range(low_memory, high_memory + 1)))
        for kind in kinds:
            odds[kind] = odds.get(kind, 0.0) + 1 / (len(kinds) * len(DEMANDS))
    return odds


@lru_cache(maxsize=4)
def _tables(count: int, horizon: int) -> tuple[Blocks, Table]:
    """Expected served with 0, 1, .., horizon slices still to come, in one array."""
    blocks = Blocks.of(count)
    shape = (len(blocks.counts), LOCAL_CPU_UNITS + 1, LOCAL_MEMORY_UNITS + 1)
    tables = np.zeros((horizon + 1, *shape), dtype=np.float32)
    for coming in range(horizon):
        tables[coming + 1] = _earlier(blocks, tables[coming])
    tables.flags.writeable = False  # every caller gets this one
    return blocks, tables


def _earlier(blocks: Blocks, after: Table) -> Table:
    """One step of the induction: the best that can be expected before one more slice."""
    slow = sum(ms > BOOT_MS for ms in LATENCY_TIERS_MS) / len(LATENCY_TIERS_MS)
    affords = sum(cost >= LOCAL_COST for cost in COST_TIERS) / len(COST_TIERS)
    cloud = [np.maximum(after, _cloud(blocks, after, int(cap))) for cap in SHARING_TIERS]
    total = (1 - slow) * (1 - affords) * after
    for best in cloud:
        total += slow * (1 - affords) / len(cloud) * best
    for (cpu, memory), odds in _demand_odds().items():
        local = _local(after, cpu, memory)
        total += odds * (1 - slow) * affords * np.maximum(after, local)
        for best in cloud:
            total += odds * slow * affords / len(cloud) * np.maximum(best, local)
    return total.astype(np.float32)


def _cloud(blocks: Blocks, after: Table, cap: int) -> Table:
    best = np.full_like(after, -np.inf)
    for _, target in blocks.moves[cap]:
        can = np.flatnonzero(target >= 0)
        best[can] = np.maximum(best[can], 1 + after[target[can]])
    return best


def _local(after: Table, cpu: int, memory: int) -> Table:
    best = np.full_like(after, -np.inf)
    best[:, cpu:, memory:] = 1 + after[:, : after.shape[1] - cpu, : after.shape[2] - memory]
    return best


class OnlineOptimum:
    """Acts by the tables. ValueError from `begin` for a profile or an episode they do not cover."""

    name = "dp"
    mask = Mask.SLA

    def __init__(self) -> None:
        # Per row: block of each node; first node of each block; block being filled, or -1.
        self._block = self._first = self._now = np.zeros(0, dtype=np.int64)

    def begin(self, core: SliceOrchestration) -> None:
        check(core.profile, core.slots)
        if core.departs.any():
            raise ValueError("dp does not cover departures")
        chain = core.profile.chain_min
        # Blocks of nodes of similar cost: slices that choose between blocks choose the cheap one.
        order = np.argsort(core.cost, axis=1, kind="stable")
        block = np.empty_like(order)
        np.put_along_axis(block, order, np.arange(core.nodes)[None, :] // chain, axis=1)
        self._block = block
        self._first = order[:, : core.nodes // chain * chain : chain]
        self._now = np.full(core.rows, -1)

    def expected(self, profile: Profile, requests: int) -> float:
        """The expected availability of this policy before anything is known."""
        check(profile, requests)
        blocks, tables = _tables(profile.nodes // profile.chain_min, requests)
        empty = blocks.number[(blocks.count, 0, 0, 0, 0)]
        return float(tables[requests][empty, LOCAL_CPU_UNITS, LOCAL_MEMORY_UNITS]) / requests

    def act(self, core: SliceOrchestration) -> Ints:
        starting = np.flatnonzero((core.picked == 0) & ~core.done)
        actions = np.full(core.rows, core.refuse)
        if starting.size:
            actions[starting] = self._start(core, starting)
        cloud = (self._now >= 0) & (actions == core.refuse) & ~core.done
        mine = legal_nodes(core) & (self._block == self._now[:, None])
        nodes = best_node(core, mine & cloud[:, None], core.cost)
        return np.where(cloud, nodes, actions)

    def _start(self, core: SliceOrchestration, rows: Ints) -> Ints:
        """Local, or a block noted in `now` and the refusal as a placeholder, or refuse."""
        blocks, tables = _tables(core.nodes // core.profile.chain_min, core.slots)
        condition = self._conditions(core, rows)
        state = _state(blocks, condition)
        current = core.current[rows]
        cpu, memory = core.cpu[rows].astype(np.int64), core.memory[rows].astype(np.int64)
        left = core.remaining[rows] - 1
        refuse = tables[left, state, cpu, memory]
        demand_cpu = np.where(ok := core.legal[rows, core.local], current[:, CPU], 0).astype(int)
        demand_memory = np.where(ok, current[:, MEMORY], 0).astype(int)
        local = np.where(
            ok, 1 + tables[left, state, cpu - demand_cpu, memory - demand_memory], -np.inf
        )
        best, taken = np.full(len(rows), -np.inf), np.full(len(rows), -1)
        for cap, moves in blocks.moves.items():
            asks = (current[:, SHARING] == cap) & (current[:, LATENCY_MS] > BOOT_MS)
            for kind, target in moves:
                can = asks & (target[state] >= 0)
                value = np.where(can, 1 + tables[left, target[state], cpu, memory], -np.inf)
                taken = np.where(value > best, kind, taken)
                best = np.maximum(best, value)
        goes = (best > local) & (best >= refuse)
        cheapest = (condition == taken[:, None]).argmax(axis=1)
        self._now[rows] = np.where(goes, cheapest, -1)
        actions: Ints = np.where(~goes & (local >= refuse), core.local, core.refuse)
        return actions

    def _conditions(self, core: SliceOrchestration, rows: Ints) -> Ints:
        """Condition of every block, [rows, blocks]; -1 when full."""
        first = self._first[rows]
        load = np.take_along_axis(core.load[rows], first, axis=1)
        strictest = np.take_along_axis(core.strictest[rows], first, axis=1)
        condition = np.full(first.shape, -1)
        for index, (on, cap) in enumerate(CONDITIONS):
            condition[(load == on) & (strictest == cap)] = index
        return condition


def _state(blocks: Blocks, condition: Ints) -> Ints:
    counts = np.stack([(condition == kind).sum(axis=1) for kind in range(len(CONDITIONS))], axis=1)
    base = blocks.count + 1
    powers = base ** np.arange(len(CONDITIONS))[::-1]
    # `product` counts in this very order, so the codes are sorted.
    state: Ints = np.searchsorted(blocks.counts @ powers, counts @ powers)
    return state


def check(profile: Profile, requests: int) -> None:
    """ValueError unless chains have one length, nodes are interchangeable and all is small."""
    blocks = profile.nodes // profile.chain_min
    if profile.chain_min != profile.chain_max or not profile.interchangeable:
        raise ValueError(f"dp needs one chain length and interchangeable nodes, not {profile.name}")
    if blocks > BLOCKS_MAX:
        raise ValueError(f"dp covers up to {BLOCKS_MAX} blocks, not {blocks}")
    if requests > REQUESTS_MAX:
        raise ValueError(f"dp covers up to {REQUESTS_MAX} requests, not {requests}")
