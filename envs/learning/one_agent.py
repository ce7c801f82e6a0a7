"""A single-agent environment as the trainer asks for it."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from envs.arrays import Ints
from envs.learning.batched import Agent, Step, View

ONLY: Final = "agent"  # the name of the one agent


class OneAgent:
    """A Gymnasium vector environment in SAME_STEP mode as a batched environment of one agent.

    `keep`: which figures of ended episodes are told.
    """

    def __init__(self, env: "VectorEnv[Any, Any, Any]", keep: tuple[str, ...] = ()) -> None:
        assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
        self.env, self.keep, self.rows = env, keep, env.num_envs

    def reset(self, seed: int) -> View:
        observations, info = self.env.reset(seed=seed)
        return _view(observations, info)

    def step(self, actions: Mapping[Agent, Ints]) -> Step:
        observations, rewards, terminated, truncated, info = self.env.step(actions[ONLY])
        final, ended = None, {}
        if truncated.any():
            cut = np.flatnonzero(truncated)
            last = np.stack(info["final_obs"][cut])
            final = View({ONLY: last}, {ONLY: info["final_info"]["action_mask"][cut].astype(bool)})
        if (over := terminated | truncated).any():
            told = info["final_info"]
            ended = {key: np.asarray(told[key][over], dtype=float) for key in self.keep}
        return Step(_view(observations, info), {ONLY: rewards}, terminated, truncated, final, ended)


def _view(observations: Any, info: Mapping[str, Any]) -> View:
    return View({ONLY: observations}, {ONLY: info["action_mask"].view(np.bool_)})
