"""The PettingZoo face: `CrossDomainParallel`, a `ParallelEnv`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
from pettingzoo import ParallelEnv

from envs.crossdomain.single import Seen, Single

Told = dict[str, dict[str, Any]]


class CrossDomainParallel(ParallelEnv):  # type: ignore[misc]
    """Every agent acts in every step; see `CrossDomainVector` for actions and settings.

    An agent's observation is a Dict of "observations" and "action_mask".
    """

    metadata: dict[str, Any] = {  # noqa: RUF012, as the base declares it
        "name": "entente/CrossDomain-v0",
        "render_modes": [],
    }
    render_mode = None

    def __init__(self, **settings: Any) -> None:
        self._single = Single(settings)
        self.possible_agents = list(self._single.agents)
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> gymnasium.spaces.Dict:
        return self._single.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.spaces.Space[Any]:
        return self._single.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Seen, Told]:
        self.agents = list(self.possible_agents)
        return self._single.reset(seed)

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[Seen, dict[str, float], dict[str, bool], dict[str, bool], Told]:
        seen, rewards, over, infos = self._single.step(actions)
        terminated = dict.fromkeys(self.agents, over)
        truncated = dict.fromkeys(self.agents, False)
        if over:
            self.agents = []
        return seen, rewards, terminated, truncated, infos
