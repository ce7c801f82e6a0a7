"""Federated averaging (McMahan et al., arXiv:1602.05629), optionally with clipping and noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from envs.arrays import Floats
from envs.embedding.evolve import start
from envs.federated.client import Own, score, trained
from envs.federated.message import Update

ROUNDS: Final = 8
GENERATIONS: Final = 3

Train = Callable[[bytes, int], Sequence[bytes]]
"""Every domain's answer to the same update, after so many generations of its own."""


class Progress(Protocol):
    def __call__(self, message: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Privacy:
    """clip: the longest step of one domain in a round, None for any; noise: standard deviation of
    what is added to the average, in clips per domain, as in DP-FedAvg (arXiv:1710.06963). Without
    an accountant: it says nothing of epsilon."""

    clip: float | None = None
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.clip is not None and self.clip <= 0:
            raise ValueError(f"clip must be above 0, not {self.clip}")
        if self.noise < 0 or (self.noise and self.clip is None):
            raise ValueError("noise is 0 or more, and needs a clip to be measured by")


def averaged(
    weights: Floats,
    updates: Sequence[Update],
    privacy: Privacy,
    generator: np.random.Generator,
) -> Floats:
    """The weights after a round: moved by the mean of the domains' steps, by their samples."""
    steps = np.stack([update.weights - weights for update in updates])
    if privacy.clip is not None:
        lengths = np.linalg.norm(steps, axis=1, keepdims=True)
        steps = steps * np.minimum(1.0, privacy.clip / np.maximum(lengths, 1e-12))
    samples = np.array([update.samples for update in updates], dtype=np.float64)
    moved = weights + samples @ steps / samples.sum()
    if privacy.noise and privacy.clip is not None:
        deviation = privacy.noise * privacy.clip / len(updates)
        moved = moved + generator.normal(0.0, deviation, len(moved))
    found: Floats = moved
    return found


def federated(
    train: Train,
    privacy: Privacy,
    seed: int,
    rounds: int = ROUNDS,
    generations: int = GENERATIONS,
) -> Floats:
    """Weights after so many rounds; the coordinator of it sees messages and nothing else."""
    generator, weights = np.random.default_rng((seed, 0xA46)), start()
    for _ in range(rounds):
        message = Update(weights, 1).encode()
        updates = [Update.decode(answer) for answer in train(message, generations)]
        weights = averaged(weights, updates, privacy, generator)
    return weights


def isolated(own: Own, seed: int, rounds: int = ROUNDS, generations: int = GENERATIONS) -> Floats:
    """The same effort of one domain alone."""
    generator = np.random.default_rng((seed, 0x150))
    return trained(own.network, own.trained, start(), rounds * generations, generator)


def pooled(
    owns: Sequence[Own], seed: int, rounds: int = ROUNDS, generations: int = GENERATIONS
) -> Floats:
    """The same effort of all domains on everybody's requests: what sharing them would give."""
    generator, weights = np.random.default_rng((seed, 0x9001)), start()
    for _ in range(rounds):
        for own in owns:
            weights = trained(own.network, own.trained, weights, generations, generator)
    return weights


def reward(owns: Sequence[Own], weights: Floats) -> float:
    """Mean score on the domains' held-out requests."""
    return float(np.mean([score(own.network, own.held_out, weights[None])[0] for own in owns]))
