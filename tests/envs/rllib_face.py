"""The RLlib face of CrossDomain played through once; run by test_crossdomain_env.py."""

import pytest
from ray.rllib.env.multi_agent_env import MultiAgentEnv

from domains.errors import InvalidRequest
from envs.crossdomain.multi_agent import CrossDomainMultiAgent
from tests.envs.crossdomain_by_hand import task


def main() -> None:
    env = CrossDomainMultiAgent({"scenario": task(), "lam": 0.2})
    assert isinstance(env, MultiAgentEnv)
    seen, infos = env.reset(seed=4)
    assert set(seen) == set(infos) == set(env.possible_agents)
    total, over = 0.0, False
    for number in range(task().requests):
        assert not over
        for agent, one in seen.items():
            assert env.observation_spaces[agent].contains(one)
            env.action_spaces[agent].seed(number)
        actions = {
            agent: env.action_spaces[agent].sample(mask=one["action_mask"])
            for agent, one in seen.items()
        }
        seen, rewards, terminated, truncated, infos = env.step(actions)
        total, over = total + rewards[env.agents[0]], terminated["__all__"]
        assert not truncated["__all__"]
    assert over
    assert 0 <= infos[env.agents[0]]["availability"] <= 1
    with pytest.raises(InvalidRequest, match="reset first"):
        env.step(actions)


if __name__ == "__main__":
    main()
