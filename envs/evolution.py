"""CMA-ES, the evolution strategy with covariance matrix adaptation (Hansen, arXiv:1604.00772).

For policies of some tens of weights it needs no gradient, no critic and no reward at every step:
a whole episode's score is enough.
"""

from dataclasses import dataclass, field

import numpy as np

from envs.arrays import Floats


@dataclass(slots=True)
class Evolution:
    """A normal distribution over weights that moves towards those that score best.

    mean: [W]. step: how far samples lie from it. population: an even number, mirrored in pairs.
    """

    mean: Floats
    step: float
    population: int
    generator: np.random.Generator
    generation: int = 0
    _covariance: Floats = field(init=False, repr=False)
    _path: Floats = field(init=False, repr=False)
    _step_path: Floats = field(init=False, repr=False)
    _drawn: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.population < 4 or self.population % 2:
            raise ValueError(f"the population must be even and 4 or more, not {self.population}")
        size = len(self.mean)
        self._covariance = np.eye(size)
        self._path, self._step_path = np.zeros(size), np.zeros(size)
        self._drawn = np.zeros((self.population, size))

    def ask(self) -> Floats:
        """Weights to score, [population, W]."""
        spread, axes = self._axes()
        half = self.generator.standard_normal((self.population // 2, len(self.mean)))
        self._drawn = (np.concatenate([half, -half]) * spread) @ axes.T
        samples: Floats = self.mean + self.step * self._drawn
        return samples

    def tell(self, scores: Floats) -> None:
        """Moves towards the better half; the constants are the paper's defaults."""
        size, parents = len(self.mean), self.population // 2
        weights = np.log(parents + 0.5) - np.log(np.arange(1, parents + 1))
        weights /= weights.sum()
        mass = 1.0 / float((weights**2).sum())
        fading = (4 + mass / size) / (size + 4 + 2 * mass / size)
        step_fading = (mass + 2) / (size + mass + 5)
        rank_one = 2 / ((size + 1.3) ** 2 + mass)
        rank_many = min(1 - rank_one, 2 * (mass - 2 + 1 / mass) / ((size + 2) ** 2 + mass))
        damping = 1 + 2 * max(0.0, np.sqrt((mass - 1) / (size + 1)) - 1) + step_fading
        expected = np.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size**2))

        best = self._drawn[np.argsort(-scores, kind="stable")[:parents]]
        towards = weights @ best
        spread, axes = self._axes()
        self.generation += 1
        self.mean = self.mean + self.step * towards
        white = axes @ ((axes.T @ towards) / spread)
        self._step_path = (1 - step_fading) * self._step_path
        self._step_path += np.sqrt(step_fading * (2 - step_fading) * mass) * white
        length = float(np.linalg.norm(self._step_path))
        settled = np.sqrt(1 - (1 - step_fading) ** (2 * self.generation))
        steady = length / settled / expected < 1.4 + 2 / (size + 1)
        self._path = (1 - fading) * self._path
        self._path += steady * np.sqrt(fading * (2 - fading) * mass) * towards
        self._covariance = (
            (1 - rank_one - rank_many) * self._covariance
            + rank_one * np.outer(self._path, self._path)
            + rank_many * (best.T * weights) @ best
        )
        self.step *= float(np.exp((step_fading / damping) * (length / expected - 1)))

    def _axes(self) -> tuple[Floats, Floats]:
        """Standard deviations, and the directions they belong to."""
        variances, axes = np.linalg.eigh((self._covariance + self._covariance.T) / 2)
        return np.sqrt(np.maximum(variances, 1e-12)), axes
