"""entente/CrossDomain-v0 as a task: an agent per domain that points at one of its options."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from domains.policy import Policy, Schema
from envs.arrays import Array32, Bools, Floats, Ints
from envs.crossdomain.demonstrations import demonstrate
from envs.crossdomain.env import CrossDomainVector
from envs.crossdomain.evaluation import evaluate_crossdomain
from envs.crossdomain.observation import ENVIRONMENT, Agent, Observer
from envs.crossdomain.policies import policy_of
from envs.crossdomain.policies.trained import acting
from envs.crossdomain.scenarios import Task, scenario_of
from envs.learning.batched import BatchedEnv, Step, View
from envs.learning.demonstrations import Demonstrations
from envs.learning.spaces import Scores, SpacesOfSchema
from envs.vector_multi import Masks, Observations, Transition

FIGURES = ("availability", "price_eur_per_h", "mean_cost")


class Seats:
    """A `CrossDomainVector` as a batched environment. The state is what all agents see together."""

    def __init__(self, env: CrossDomainVector) -> None:
        self.env, self.rows = env, env.num_envs
        self._over = np.zeros(self.rows, dtype=np.bool_)

    def reset(self, seed: int) -> View:
        self._over = np.zeros(self.rows, dtype=np.bool_)
        return self._view(*self.env.reset(seed))

    def step(self, actions: Mapping[str, Ints]) -> Step:
        idle, found = self._over, self.env.step(actions)
        self._over = found.terminated | found.truncated
        return Step(
            self._view(found.observations, found.masks),
            {agent: paid.astype(np.float64) for agent, paid in found.rewards.items()},
            found.terminated,
            found.truncated,
            ended=self._ended(found),
            idle=idle,
        )

    def _ended(self, found: Transition) -> dict[str, Floats]:
        over = self._over
        return {key: found.infos[key][over] for key in FIGURES} if over.any() else {}

    def _view(self, observations: Observations, masks: Masks) -> View:
        seen: dict[str, Array32] = {agent: observations[agent] for agent in self.env.agents}
        legal: dict[str, Bools] = dict(masks)
        return View(seen, legal, together(seen))


def together(seen: Mapping[str, Array32]) -> Array32:
    """[B, all]: what a central critic sees."""
    state: Array32 = np.concatenate(list(seen.values()), axis=1)
    return state


@cache
def _task(scenario: str, requests: int | None) -> tuple[Task, Observer]:
    task = scenario_of(scenario).task(requests=requests)
    return task, Observer(task)


@dataclass(frozen=True, slots=True)
class CrossDomainTask(SpacesOfSchema):
    """Settings as for `CrossDomainVector`."""

    scenario: str = "headline"
    requests: int | None = None
    reward: str = "team"
    lam: float = 0.0
    bids: int = 1

    @property
    def environment(self) -> str:
        return ENVIRONMENT

    @property
    def agents(self) -> tuple[str, ...]:
        return tuple(self._agents())

    @property
    def state_size(self) -> int:
        _, observer = self._made()
        return sum(observer.size(agent) for agent in observer.agents)

    def schema(self, agent: str) -> Schema:
        return self._made()[1].schema(self._agents()[agent])

    def candidates(self, agent: str) -> int:
        return self._agents()[agent].options

    def make(self, rows: int) -> BatchedEnv:
        task, _ = self._made()
        env = CrossDomainVector(rows, task, reward=self.reward, lam=self.lam, bids=self.bids)
        return Seats(env)

    def evaluate(self, policies: Mapping[str, Policy], episodes: int, seed: int) -> Scores:
        """Availability on fixed episodes."""
        task, observer = self._made()
        playing = acting("learned", policies, observer, self.bids)
        found = evaluate_crossdomain(task, playing, episodes, seed)
        return {"availability": found.availability.mean}

    def demonstrate(self, teacher: str, episodes: int, seed: int) -> Mapping[str, Demonstrations]:
        shown = demonstrate(policy_of(teacher, seed), self._made()[0], episodes, seed)
        state = together({agent: shown[agent].observations for agent in self.agents})
        return {
            agent: Demonstrations(one.observations, one.masks, one.actions, one.returns, state)
            for agent, one in shown.items()
        }

    def _made(self) -> tuple[Task, Observer]:
        return _task(self.scenario, self.requests)

    def _agents(self) -> dict[str, Agent]:
        return {agent.name: agent for agent in self._made()[1].agents}
