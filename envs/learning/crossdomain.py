"""entente/CrossDomain-v0 as a task: an agent per domain, options as candidates to point at.

The environment's observation has a domain's options in the middle; a policy that points at them
wants them last. `Seat.order` is that rearrangement: what a policy file of a domain sees is
`observation[order]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from domains.policy import Policy, Schema
from envs.arrays import Array32, Bools, Floats, Ints
from envs.crossdomain.env import CrossDomainVector
from envs.crossdomain.observation import OPTION_NAMES, OTHER_NAMES, REQUEST_NAMES, Agent, Observer
from envs.crossdomain.scenarios import Task, scenario_of
from envs.learning.batched import BatchedEnv, Step, View
from envs.learning.errors import PlanInvalid
from envs.learning.imitation import Demonstrations
from envs.learning.spaces import Scores, SpacesOfSchema, mean_of_ended
from envs.vector_multi import Masks, Observations, Transition

ENVIRONMENT = "entente/CrossDomain-v0"
ROWS_MAX = 256
FIGURES = ("availability", "price_eur_per_h", "mean_cost")


@dataclass(frozen=True, slots=True)
class Seat:
    """One domain's: what its policy sees, and in which order."""

    schema: Schema
    candidates: int
    order: Ints

    @classmethod
    def of(cls, observer: Observer, agent: Agent) -> "Seat":
        slots, owned = agent.slots.shape[1], agent.resources.tolist()
        resources = tuple("left:" + observer.tables.resources[at][1] for at in owned)
        others = tuple(
            f"{other.name}:{name}"
            for other in observer.agents
            if other is not agent
            for name in OTHER_NAMES
        )
        each = tuple(f"{name}:{slot}" for name in OPTION_NAMES for slot in range(slots))
        schema = Schema(ENVIRONMENT, (*REQUEST_NAMES, *resources, *others), each, ("none",))
        first, options = len(REQUEST_NAMES) + len(resources), len(each) * agent.options
        place = np.arange(first + options + len(others))
        parts = place[:first], place[first + options :], place[first : first + options]
        return cls(schema, agent.options, np.concatenate(parts))


class Seats:
    """A `MultiAgentVectorEnv` as a batched environment. The state is all that everyone sees."""

    def __init__(self, env: CrossDomainVector, seats: Mapping[str, Seat], central: bool) -> None:
        self.env, self.seats, self.central, self.rows = env, seats, central, env.num_envs
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
        seen: dict[str, Array32] = {
            agent: observations[agent][:, seat.order] for agent, seat in self.seats.items()
        }
        state = np.concatenate(list(seen.values()), axis=1) if self.central else None
        legal: dict[str, Bools] = dict(masks)
        return View(seen, legal, state)


@cache
def _task(scenario: str, requests: int | None) -> tuple[Task, Observer]:
    task = scenario_of(scenario).task(requests=requests)
    return task, Observer(task)


@dataclass(frozen=True, slots=True)
class CrossDomainTask(SpacesOfSchema):
    """Settings as for `CrossDomainVector`; `central`: keep a state for a central critic."""

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
        _, observer = _task(self.scenario, self.requests)
        return tuple(agent.name for agent in observer.agents)

    @property
    def state_size(self) -> int:
        return sum(len(seat.order) for seat in self._seats().values())

    def schema(self, agent: str) -> Schema:
        return self._seats()[agent].schema

    def candidates(self, agent: str) -> int:
        return self._seats()[agent].candidates

    def make(self, rows: int) -> BatchedEnv:
        task, _ = _task(self.scenario, self.requests)
        env = CrossDomainVector(rows, task, reward=self.reward, lam=self.lam, bids=self.bids)
        return Seats(env, self._seats(), central=True)

    def evaluate(self, policies: Mapping[str, Policy], episodes: int, seed: int) -> Scores:
        """Means over episodes of that seed, stepped together."""
        return mean_of_ended(self.make(min(episodes, ROWS_MAX)), policies, episodes, seed)

    def demonstrate(self, teacher: str, episodes: int, seed: int) -> Mapping[str, Demonstrations]:
        raise PlanInvalid(f"{ENVIRONMENT} has no teacher {teacher!r}")

    def _seats(self) -> dict[str, Seat]:
        _, observer = _task(self.scenario, self.requests)
        return {agent.name: Seat.of(observer, agent) for agent in observer.agents}
