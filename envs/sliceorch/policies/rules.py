"""Rules that look at the present slice only, or at what the coming ones need on average."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from envs.arrays import Floats, Ints
from envs.sliceorch.core import SliceOrchestration
from envs.sliceorch.instances import CHAIN, CPU, LATENCY_MS, MEMORY, SHARING
from envs.sliceorch.policies.policy import best_node, legal_nodes
from envs.sliceorch.profiles import (
    BOOT_MS,
    COST_TIERS,
    DEMANDS,
    LATENCY_TIERS_MS,
    LOCAL_COST,
    Mask,
)

_NEVER_FIRST: Final = 1e3  # above any delay or cost: orders what must come last


def _politely(core: SliceOrchestration, score: Floats) -> Ints:
    """Best unused node within this slice's own sharing bound, whoever else is on it; where there
    is none, the one with the fewest slices."""
    unused = ~core.selected
    polite = unused & (core.load < core.current[:, SHARING, None])
    fallback = core.load * _NEVER_FIRST + score
    return best_node(core, unused, np.where(polite, score - _NEVER_FIRST, fallback))


def packing(core: SliceOrchestration) -> Floats:
    """Ranks the nodes by cost, those last whose other slices would get a stricter neighbour: a
    strict slice on a loose node wastes the room that the loose ones would have shared."""
    tightens = (core.load > 0) & (core.strictest > core.current[:, SHARING, None])
    return core.cost + _NEVER_FIRST * tightens


class _Stateless:
    def begin(self, core: SliceOrchestration) -> None:
        pass


@dataclass(frozen=True, slots=True)
class LocalFirst(_Stateless):
    """Local while it fits, then the cloud over the fastest nodes. Blind to the bounds."""

    name: str = "local-first"
    mask: Mask = Mask.BASIC

    def act(self, core: SliceOrchestration) -> Ints:
        nodes = _politely(core, core.delay_ms)
        return np.where(core.legal[:, core.local], core.local, nodes)


@dataclass(frozen=True, slots=True)
class CloudOnly(_Stateless):
    """Always the cloud, over the cheapest nodes."""

    name: str = "cloud-only"
    mask: Mask = Mask.BASIC

    def act(self, core: SliceOrchestration) -> Ints:
        return _politely(core, core.cost)


class Random(_Stateless):
    """Local or cloud with equal odds, then any node. Blind to the bounds."""

    name = "random"
    mask = Mask.BASIC

    def __init__(self, seed: int = 0) -> None:
        self._generator = np.random.default_rng(seed)

    def act(self, core: SliceOrchestration) -> Ints:
        draws = self._generator.random((core.rows, core.nodes + 1))
        local = core.legal[:, core.local] & (draws[:, -1] < 0.5)
        nodes = best_node(core, legal_nodes(core), draws[:, :-1])
        return np.where(local, core.local, nodes)


class MaskedRandom(_Stateless):
    """Any legal action that places, with equal odds; refuses only where nothing else is legal."""

    name = "masked-random"
    mask = Mask.SLA

    def __init__(self, seed: int = 0) -> None:
        self._generator = np.random.default_rng(seed)

    def act(self, core: SliceOrchestration) -> Ints:
        placing = core.legal[:, : core.refuse]
        return best_node(core, placing, self._generator.random(placing.shape))


@dataclass(frozen=True, slots=True)
class Blind(_Stateless):
    """The strongest rule that is not told the bounds: cloud while whole chains of unused nodes
    are left, then local, then the cloud over the emptiest nodes."""

    name: str = "blind"
    mask: Mask = Mask.BASIC

    def act(self, core: SliceOrchestration) -> Ints:
        free = np.count_nonzero(legal_nodes(core) & (core.load == 0), axis=1)
        crowded = free < core.current[:, CHAIN] - core.picked
        nodes = best_node(core, legal_nodes(core), core.load.astype(np.float64))
        return np.where(core.legal[:, core.local] & crowded, core.local, nodes)


@dataclass(frozen=True, slots=True)
class Greedy(_Stateless):
    """Cloud over the best legal nodes, else local, else refuse."""

    name: str = "greedy"
    mask: Mask = Mask.SLA

    def act(self, core: SliceOrchestration) -> Ints:
        nodes = best_node(core, legal_nodes(core), packing(core))
        return np.where((nodes == core.refuse) & core.legal[:, core.local], core.local, nodes)


# What an average coming slice that can only be local takes of the server: the strictest latency
# leaves no time for a node, and the looser cost bound is the one that pays for the server.
_MUST_BE_LOCAL: Final = (sum(ms <= BOOT_MS for ms in LATENCY_TIERS_MS) / len(LATENCY_TIERS_MS)) * (
    sum(cost >= LOCAL_COST for cost in COST_TIERS) / len(COST_TIERS)
)
_MEAN_CPU: Final = sum((low + high) / 2 for low, high, _, _ in DEMANDS) / len(DEMANDS)
_MEAN_MEMORY: Final = sum((low + high) / 2 for _, _, low, high in DEMANDS) / len(DEMANDS)


@dataclass(frozen=True, slots=True)
class GreedyFill(_Stateless):
    """Local while that leaves room for what can only be local later, else the cloud.

    `fill` times the expected demand of the coming must-be-local slices is kept free; where slices
    depart, of those that come while a slice stays (`load_erlang` on average).
    """

    fill: float = 1.0
    load_erlang: float | None = None
    name: str = "greedyfill"
    mask: Mask = Mask.SLA

    def act(self, core: SliceOrchestration) -> Ints:
        current = core.current
        coming = np.maximum(core.remaining - 1, 0).astype(np.float64)
        if self.load_erlang is not None:
            coming = np.minimum(coming, self.load_erlang)
        coming *= self.fill * _MUST_BE_LOCAL
        room = (core.cpu - current[:, CPU] >= coming * _MEAN_CPU) & (
            core.memory - current[:, MEMORY] >= coming * _MEAN_MEMORY
        )
        nodes = best_node(core, legal_nodes(core), packing(core))
        only_local = (current[:, LATENCY_MS] <= BOOT_MS) | (nodes == core.refuse)
        return np.where(core.legal[:, core.local] & (room | only_local), core.local, nodes)
