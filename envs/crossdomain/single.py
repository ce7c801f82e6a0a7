"""One environment of a `CrossDomainVector`, as the multi-agent faces give it to their users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

from domains.errors import InvalidRequest
from envs.arrays import Ints
from envs.crossdomain.env import CrossDomainVector
from envs.vector_multi import Masks, Observations, Transition

OBSERVATIONS, ACTION_MASK = "observations", "action_mask"
"""Keys of an agent's observation, as RLlib's masking modules read them."""

Seen = dict[str, dict[str, Any]]


class Single:
    """Row 0 of a vector of one, without autoreset: an episode that is over must be reset."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.vector = CrossDomainVector(1, **settings)
        self.agents = self.vector.agents
        self.observation_spaces = {
            agent: gymnasium.spaces.Dict(
                {
                    OBSERVATIONS: gymnasium.spaces.Box(0.0, 1.0, (size,), np.float32),
                    ACTION_MASK: gymnasium.spaces.Box(
                        0, 1, (self.vector.action_count[agent],), np.int8
                    ),
                }
            )
            for agent, size in self.vector.observation_size.items()
        }
        self.action_spaces: dict[str, gymnasium.spaces.Space[Any]] = {
            agent: gymnasium.spaces.Discrete(count)
            for agent, count in self.vector.action_count.items()
        }
        self._over = True

    def reset(self, seed: int | None) -> tuple[Seen, dict[str, dict[str, Any]]]:
        self._over = False
        seen = self._seen(*self.vector.reset(seed))
        return seen, {agent: {} for agent in self.agents}

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[Seen, dict[str, float], bool, dict[str, dict[str, Any]]]:
        """Raises InvalidRequest where the episode is over."""
        if self._over:
            raise InvalidRequest("the episode is over: call reset first")
        batch: dict[str, Ints] = {
            agent: np.array([action], dtype=np.int64) for agent, action in actions.items()
        }
        found = self.vector.step(batch)
        self._over = bool(found.terminated[0])
        rewards = {agent: float(reward[0]) for agent, reward in found.rewards.items()}
        seen = self._seen(found.observations, found.masks)
        return seen, rewards, self._over, self._infos(found)

    def _seen(self, observations: Observations, masks: Masks) -> Seen:
        return {
            agent: {
                OBSERVATIONS: observations[agent][0],
                ACTION_MASK: masks[agent][0].astype(np.int8),
            }
            for agent in self.agents
        }

    def _infos(self, found: Transition) -> dict[str, dict[str, Any]]:
        plain = {name: value[0].item() for name, value in found.infos.items() if name != "illegal"}
        if not self._over:
            plain = {name: value for name, value in plain.items() if value == value}
        return {
            agent: plain | {"illegal": bool(found.infos["illegal"][agent][0])}
            for agent in self.agents
        }
