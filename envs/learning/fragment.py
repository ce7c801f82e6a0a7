"""What a runner samples in one go: arrays of T steps and B rows per policy, not episode objects."""

from dataclasses import dataclass

import numpy as np

from envs.arrays import Array32, Bools, Floats, Ints


@dataclass(slots=True)
class Experience:
    """Of one policy, [T, N, ..]: N = B rows times its agents.

    idle: steps that were none, not to be learned from. last: observations after the last step,
    [N, D]. cut: where an episode was truncated, [n, 2] of step and column, with what was seen then
    in `cut_observations` [n, D]. The three `..state..` arrays are the same for a centralised
    critic; of size 0 without one.
    """

    observations: Array32
    masks: Bools
    actions: Ints
    logits: Array32
    rewards: Array32
    terminated: Bools
    truncated: Bools
    idle: Bools
    last: Array32
    cut: Ints
    cut_observations: Array32
    states: Array32
    last_state: Array32
    cut_states: Array32

    @classmethod
    def room(cls, steps: int, columns: int, size: int, actions: int, state: int) -> "Experience":
        def floats(*shape: int) -> Array32:
            return np.zeros(shape, dtype=np.float32)

        return cls(
            observations=floats(steps, columns, size),
            masks=np.zeros((steps, columns, actions), dtype=np.bool_),
            actions=np.zeros((steps, columns), dtype=np.int64),
            logits=floats(steps, columns, actions),
            rewards=floats(steps, columns),
            terminated=np.zeros((steps, columns), dtype=np.bool_),
            truncated=np.zeros((steps, columns), dtype=np.bool_),
            idle=np.zeros((steps, columns), dtype=np.bool_),
            last=floats(columns, size),
            cut=np.zeros((0, 2), dtype=np.int64),
            cut_observations=floats(0, size),
            states=floats(steps, columns, state),
            last_state=floats(columns, state),
            cut_states=floats(0, state),
        )


@dataclass(slots=True)
class Fragment:
    """Stands where RLlib expects an episode; `of` is by policy (module id)."""

    of: dict[str, Experience]
    steps: int

    def __len__(self) -> int:
        return self.steps

    def env_steps(self) -> int:
        return self.steps

    def agent_steps(self) -> int:
        return sum(one.actions.size for one in self.of.values())


def advantages(
    rewards: Array32,
    values: Array32,
    next_values: Array32,
    ended: Bools,
    gamma: float,
    lambda_: float,
) -> Floats:
    """Generalised advantage estimates, [T, N] in and out.

    next_values: of what followed each step: 0 where it terminated, that of the last observation
    where it was truncated. `ended`: either; nothing is carried over it.
    """
    delta = rewards + gamma * next_values - values
    carry = gamma * lambda_ * ~ended
    out = np.empty(delta.shape)
    running = np.zeros(delta.shape[1])
    for step in range(len(delta) - 1, -1, -1):
        running = delta[step] + carry[step] * running
        out[step] = running
    return out
