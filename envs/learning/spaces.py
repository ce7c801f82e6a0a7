"""What all tasks have in common: spaces from a schema, no adviser, and an evaluation by playing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from domains.policy import Policy
from envs.learning.batched import Agent, BatchedEnv
from envs.learning.errors import PlanInvalid

if TYPE_CHECKING:
    from envs.learning.demonstrations import Adviser

Scores = dict[str, float]


class SpacesOfSchema:
    """Spaces follow from what is seen and done."""

    def spaces(self: Any, agent: str) -> tuple[Box, "Discrete[np.int64]"]:
        schema, candidates = self.schema(agent), self.candidates(agent)
        box = Box(-np.inf, np.inf, (schema.size(candidates),), np.float32)
        return box, Discrete(schema.actions(candidates))

    def adviser(self: Any, name: str, seed: int) -> "Adviser":
        """None, unless a task has one."""
        raise PlanInvalid(f"{self.environment} has no adviser {name!r}")


def mean_of_ended(
    env: BatchedEnv, policies: Mapping[Agent, Policy], episodes: int, seed: int
) -> Scores:
    """What an environment tells of its ended episodes, on average, with the best actions."""
    view, told = env.reset(seed), []
    count = 0
    while count < episodes:
        actions: dict[Agent, Any] = {
            agent: policy.choose_each(view.observations[agent], view.masks[agent])
            for agent, policy in policies.items()
        }
        step = env.step(actions)
        if over := int((step.terminated | step.truncated).sum()):
            told.append(step.ended)
            count += over
        view = step.view
    return {key: float(np.concatenate([one[key] for one in told]).mean()) for key in told[0]}
