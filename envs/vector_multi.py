"""Many multi-agent environments stepped at once: what a trainer may rely on, and nothing else."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from envs.arrays import Bools, Ints

Observations = dict[str, NDArray[np.float32]]
"""By agent: [B, observation_size[agent]], each number in [-1, 1]."""
Masks = dict[str, Bools]
"""By agent: [B, action_count[agent]], True where an action is legal. At least one always is."""
Rewards = dict[str, NDArray[np.float32]]
"""By agent: [B], never NaN."""


class Transition(NamedTuple):
    """What one step of B environments gives back. Every agent acts in every step.

    Autoreset is Gymnasium's NEXT_STEP: where an episode has just ended, `observations` are its last
    ones; the step after that ignores the actions of those rows, gives them a reward of 0 and
    neither flag, and returns the first observations of a new episode. A learner leaves that step
    out: it is the one after `terminated | truncated`.

    Attributes:
        terminated: [B], the episode is over and nothing comes after it: no bootstrap.
        truncated: [B], it was cut off: bootstrap from `final_observations`.
        final_observations: after the step and before any reset, whatever the autoreset mode; in
            NEXT_STEP the same arrays as `observations`.
        infos: arrays with B as their first dimension; the environment says what they mean. In
            rows where an episode has ended they are about all of it.
    """

    observations: Observations
    masks: Masks
    rewards: Rewards
    terminated: Bools
    truncated: Bools
    final_observations: Observations
    infos: dict[str, Any]


class MultiAgentVectorEnv(Protocol):
    """B environments with the same agents. Arrays that are returned are never written to again.

    Every row is independent: the same seed and actions give a row the same episode whatever B is
    and whatever the other rows do.
    """

    @property
    def agents(self) -> tuple[str, ...]:
        """Names, in an order that never changes. Nobody joins or leaves during an episode."""
        ...

    @property
    def num_envs(self) -> int:
        """B."""
        ...

    @property
    def observation_size(self) -> Mapping[str, int]: ...

    @property
    def action_count(self) -> Mapping[str, int]:
        """Actions are 0 .. action_count[agent] - 1."""
        ...

    def reset(self, seed: int | None = None) -> tuple[Observations, Masks]:
        """A new episode in every row. Row i is seeded with `seed + i`; None goes on drawing."""
        ...

    def step(self, actions: Mapping[str, Ints]) -> Transition:
        """One action of every agent in every row: by agent [B]. An illegal one counts as the last
        action of that agent, which is always legal, and is counted in `infos["illegal"]`."""
        ...
