"""Means with their uncertainty, from episodes that every policy sees alike."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Half width of a two-sided 95 % interval of a normal variable, in standard errors.
NORMAL_95: Final = 1.959964


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `count` episodes; its standard error is None below two of them."""

    mean: float
    standard_error: float | None
    count: int

    @property
    def interval_95(self) -> tuple[float, float] | None:
        """By the normal approximation: meant for tens of episodes and more."""
        if self.standard_error is None:
            return None
        half = NORMAL_95 * self.standard_error
        return self.mean - half, self.mean + half

    def as_json(self) -> dict[str, object]:
        return {
            "mean": self.mean,
            "standard_error": self.standard_error,
            "interval_95": self.interval_95,
            "count": self.count,
        }


def mean_of(samples: NDArray[np.float64]) -> Estimate:
    """The mean of [E] independent samples."""
    assert samples.ndim == 1
    assert samples.size > 0
    error = samples.std(ddof=1) / np.sqrt(samples.size) if samples.size > 1 else None
    return Estimate(float(samples.mean()), None if error is None else float(error), samples.size)


def paired_difference(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Estimate:
    """Mean of ours - theirs over the same [E] episodes: what both find hard cancels out."""
    assert ours.shape == theirs.shape
    return mean_of(ours - theirs)


def ratio_of(sums: NDArray[np.float64], counts: NDArray[np.int64]) -> Estimate | None:
    """Mean per item where episode e has `counts[e]` items that sum to `sums[e]`; None if none."""
    items = int(counts.sum())
    if items == 0:
        return None
    mean = float(sums.sum() / items)
    episodes = len(counts)
    if episodes < 2:
        return Estimate(mean, None, episodes)
    residual = sums - mean * counts
    variance = float((residual**2).sum()) * episodes / (episodes - 1)
    return Estimate(mean, float(np.sqrt(variance)) / items, episodes)
