"""The RLlib face: `CrossDomainMultiAgent`, a `MultiAgentEnv`; `register_all` names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.rllib.env.multi_agent_env import MultiAgentEnv
from ray.tune.registry import register_env

from envs.crossdomain.single import Seen, Single

NAME = "entente/CrossDomain-v0"
EVERYBODY = "__all__"


class CrossDomainMultiAgent(MultiAgentEnv):  # type: ignore[misc]
    """Every agent acts in every step; see `CrossDomainVector` for actions and settings.

    An agent's observation is a Dict of "observations" and "action_mask".
    """

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self._single = Single(dict(config or {}))
        self.possible_agents = list(self._single.agents)
        self.agents = list(self._single.agents)
        self.observation_spaces = dict(self._single.observation_spaces)
        self.action_spaces = dict(self._single.action_spaces)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Seen, dict[str, dict[str, Any]]]:
        return self._single.reset(seed)

    def step(
        self, action_dict: Mapping[str, Any]
    ) -> tuple[Seen, dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        seen, rewards, over, infos = self._single.step(action_dict)
        names = [*self.possible_agents, EVERYBODY]
        return seen, rewards, dict.fromkeys(names, over), dict.fromkeys(names, False), infos


def register_all() -> None:
    """Makes RLlib know the environment by its name; its `env_config` are the settings."""
    register_env(NAME, CrossDomainMultiAgent)
