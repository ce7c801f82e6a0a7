"""One domain of a federated training: its network and its requests, which stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from envs.arrays import Floats
from envs.embedding.core import domains_of
from envs.embedding.evolve import play
from envs.embedding.generate import SLICE_KINDS, SliceKind, cross_domain_substrate, slices_on
from envs.embedding.model import Request, Substrate
from envs.embedding.traces import Trace
from envs.evolution import Evolution
from envs.federated.message import Update

POPULATION: Final = 12
STEP: Final = 0.15
REQUESTS: Final = 150
TRACES: Final = 2
# Held-out requests are drawn apart from all that anybody trains on.
_TRAINED, _HELD_OUT = 1, 2


@dataclass(frozen=True, slots=True)
class Own:
    """What a domain has: a network, requests to train on and others to be judged by."""

    network: Substrate
    trained: tuple[Trace, ...]
    held_out: tuple[Trace, ...]

    @property
    def samples(self) -> int:
        return sum(trace.requests for trace in self.trained)


def own_of(seed: int, number: int, requests: int = REQUESTS) -> Own:
    """Domain `number`: its own network, and its own mix of slices: each kind is most of some."""
    generator = np.random.default_rng((seed, number))
    network = cross_domain_substrate(generator)
    favoured = SLICE_KINDS[number % len(SLICE_KINDS)]
    kinds = [replace(kind, share=0.6 if kind is favoured else 0.2) for kind in SLICE_KINDS]
    rate = 0.5 * _mean_demand(SLICE_KINDS) / _mean_demand(kinds)
    trained, held_out = (
        tuple(
            trace_of(
                network,
                slices_on(
                    network,
                    np.random.default_rng((seed, number, use, i)),
                    requests,
                    rate,
                    kinds=kinds,
                ),
            )
            for i in range(TRACES)
        )
        for use in (_TRAINED, _HELD_OUT)
    )
    return Own(network, trained, held_out)


def trace_of(network: Substrate, requests: Sequence[Request]) -> Trace:
    return Trace.of(requests, domains_of(network))


def _mean_demand(kinds: Sequence[SliceKind]) -> float:
    """CPU per request: so that every domain is about as busy."""
    total = sum(kind.share for kind in kinds)
    demand = 0.0
    for kind in kinds:
        functions = sum(map(len, kind.chains)) / len(kind.chains)
        demand += kind.share / total * functions * sum(kind.cpu) / 2
    return demand


class Client:
    """Trains on its own requests. A Ray actor in production, a plain object in tests."""

    def __init__(self, own: Own, seed: int) -> None:
        self._own, self._generator = own, np.random.default_rng((seed, 0xFED))

    def train(self, message: bytes, generations: int) -> bytes:
        """From the weights of one update to those of another; nothing else comes out."""
        weights = trained(
            self._own.network,
            self._own.trained,
            Update.decode(message).weights,
            generations,
            self._generator,
        )
        return Update(weights, self._own.samples).encode()


def trained(
    network: Substrate,
    traces: Sequence[Trace],
    weights: Floats,
    generations: int,
    generator: np.random.Generator,
) -> Floats:
    """Weights after so many generations on these requests."""
    search = Evolution(weights, STEP, POPULATION, generator)
    for _ in range(generations):
        search.tell(score(network, traces, search.ask()))
    return search.mean


def score(network: Substrate, traces: Sequence[Trace], weights: Floats) -> Floats:
    """Share of requests accepted plus share of their revenue, of each of [M, WEIGHTS]."""
    played = play(network, traces, weights)
    found: Floats = (played.acceptance + played.revenue_share).mean(axis=1)
    return found
