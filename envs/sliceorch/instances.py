"""Instances of the case study, drawn for many episodes at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from envs.arrays import Floats, Ints
from envs.sliceorch.profiles import (
    COST_SCORES,
    COST_TIERS,
    DEMANDS,
    GRID,
    LATENCY_SCORES,
    LATENCY_TIERS_MS,
    NODE_COST,
    NODE_DELAY_MS,
    SHARING_SCORES,
    SHARING_TIERS,
    Profile,
)

# Columns of a slice.
CPU: Final = 0
MEMORY: Final = 1
CHAIN: Final = 2
LATENCY_MS: Final = 3
SHARING: Final = 4
COST: Final = 5
WEIGHTS: Final = slice(6, 9)  # latency, reliability, economics; their sum is 1
ATTRIBUTES: Final = 9

_DRAWS_PER_SLICE: Final = 7


@dataclass(frozen=True, slots=True)
class Instances:
    """What B episodes ask, K nodes and at most n slices each.

    delay_ms, cost: [B, K], of the nodes. slices: [B, n, 9], see the columns above; rows past an
    episode's own `requests` ([B]) are never read. arrival, holding: [B, n], in mean times between
    arrivals; all zero and infinite where nothing departs.
    """

    delay_ms: Floats
    cost: Floats
    slices: Floats
    requests: Ints
    arrival: Floats
    holding: Floats

    def __len__(self) -> int:
        return len(self.requests)


def draw(
    profile: Profile,
    requests: Sequence[int],
    generators: Sequence[np.random.Generator],
    load_erlang: float | None = None,
) -> Instances:
    """One instance per generator, each a function of its own generator only.

    `requests` are the lengths an episode may have, drawn uniformly. With `load_erlang`, slices
    arrive as a Poisson process of rate 1 and stay for an exponential time of that mean.
    """
    slots, nodes = max(requests), profile.nodes
    count = 1 + 2 * nodes + slots * _DRAWS_PER_SLICE
    timed = 0 if load_erlang is None else 2 * slots
    draws = np.empty((len(generators), count + timed))
    for row, generator in zip(draws, generators, strict=True):
        generator.random(out=row)
    rows = len(draws)
    lengths = np.asarray(requests, dtype=np.int64)[_index(draws[:, 0], len(requests))]
    arrival, holding = np.zeros((rows, slots)), np.full((rows, slots), np.inf)
    if load_erlang is not None:
        # random() is below 1, so the logarithm is finite.
        gaps = -np.log1p(-draws[:, count:]).reshape(rows, 2, slots)
        arrival, holding = np.cumsum(gaps[:, 0], axis=1), load_erlang * gaps[:, 1]
    return Instances(
        delay_ms=_on_grid(draws[:, 1 : 1 + nodes], NODE_DELAY_MS),
        cost=_on_grid(draws[:, 1 + nodes : 1 + 2 * nodes], NODE_COST),
        slices=slices(profile, draws[:, 1 + 2 * nodes : count].reshape(rows, slots, -1)),
        requests=lengths,
        arrival=arrival,
        holding=holding,
    )


def slices(profile: Profile, draws: Floats) -> Floats:
    """Slices [..., 9] from uniform draws [..., 7]."""
    out = np.empty((*draws.shape[:-1], ATTRIBUTES))
    low_cpu, high_cpu, low_memory, high_memory = np.array(DEMANDS)[_index(draws[..., 0], 2)].T
    out[..., CPU] = low_cpu.T + np.floor(draws[..., 1] * (high_cpu - low_cpu + 1).T)
    out[..., MEMORY] = low_memory.T + np.floor(draws[..., 2] * (high_memory - low_memory + 1).T)
    lengths = profile.chain_max - profile.chain_min + 1
    out[..., CHAIN] = profile.chain_min + _index(draws[..., 3], lengths)
    latency, sharing, cost = (
        _index(draws[..., 4], len(LATENCY_TIERS_MS)),
        _index(draws[..., 5], len(SHARING_TIERS)),
        _index(draws[..., 6], len(COST_TIERS)),
    )
    out[..., LATENCY_MS] = np.array(LATENCY_TIERS_MS)[latency]
    out[..., SHARING] = np.array(SHARING_TIERS)[sharing]
    out[..., COST] = np.array(COST_TIERS)[cost]
    scores = out[..., WEIGHTS]
    scores[..., 0] = np.array(LATENCY_SCORES)[latency]
    scores[..., 1] = np.array(SHARING_SCORES)[sharing]
    scores[..., 2] = np.array(COST_SCORES)[cost]
    scores /= scores.sum(axis=-1, keepdims=True)
    return out


def _index(draws: Floats, count: int) -> Ints:
    return (draws * count).astype(np.int64)


def _on_grid(draws: Floats, bounds: tuple[float, float]) -> Floats:
    low, high = bounds
    return low + np.floor(draws * (high - low) * GRID) / GRID
