"""entente/CrossDomain-v0 as a task: an agent per domain that points at one of its options."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from domains.policy import Policy, Schema
from envs.arrays import Array32, Bools, Floats, Ints
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.demonstrations import demonstrate
from envs.crossdomain.env import CrossDomainVector
from envs.crossdomain.evaluation import evaluate_crossdomain
from envs.crossdomain.observation import ENVIRONMENT, Agent, Observer
from envs.crossdomain.outcomes import outcomes
from envs.crossdomain.policies import Policy as Reference
from envs.crossdomain.policies import policy_of
from envs.crossdomain.policies.trained import acting
from envs.crossdomain.scenarios import Task, scenario_of
from envs.learning.batched import BatchedEnv, Step, View
from envs.learning.demonstrations import Advised, Adviser, Choose, Demonstrations
from envs.learning.errors import PlanInvalid
from envs.learning.spaces import Scores, SpacesOfSchema
from envs.vector_multi import Masks, Observations, Transition

if TYPE_CHECKING:
    from envs.learning.foresight import Foresight

FORESIGHT: Final = "foresight"
_ADVICE: Final = 0xAD15E
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


@dataclass(frozen=True, slots=True)
class Advising:
    """An adviser by foresight."""

    task: Task
    observer: Observer
    bids: int
    foresight: "Foresight"

    def advise(
        self, policies: Mapping[str, Choose], episodes: int, seed: tuple[int, ...]
    ) -> tuple[Mapping[str, Advised], float]:
        core, agents = self.task.core(episodes), self.observer.agents
        drawn = [np.random.default_rng((*seed, one, _ADVICE)) for one in range(episodes)]
        core.start(np.arange(episodes), self.task.draw(drawn))
        steps: dict[str, list[Advised]] = {agent.name: [] for agent in agents}
        while not core.done.all():
            legal = self.observer.legal(core)
            common = self.observer.common(core, legal)
            seen = {one.name: self.observer.observe(core, one, common) for one in agents}
            masks = {one.name: self.observer.mask(core, one, legal) for one in agents}
            actions = {name: choose(seen[name], masks[name]) for name, choose in policies.items()}
            gains = self._gains(core, legal, masks, actions)
            worth = self._worth(core, gains, actions)
            state = together(seen)
            for name, kept in steps.items():
                kept.append(Advised(seen[name], masks[name], gains[name], worth, state))
            core.step(self.observer.offers(core, legal, actions, self.bids))
        score = float(core.served.mean() / core.requests)
        return {name: Advised.joined(kept) for name, kept in steps.items()}, score

    def _gains(
        self, core: CrossDomain, legal: Bools, masks: Masks, actions: Mapping[str, Ints]
    ) -> dict[str, Array32]:
        """[B, A] by agent."""
        kind, plenty = core.kind(), core.tables.plenty
        to_go = core.requests - 1 - int(core.turn[0])
        found = {}
        for name, one in outcomes(self.observer, core, legal, masks, actions, self.bids).items():
            before = core.free[one.row, :plenty]
            gains = np.zeros(masks[name].shape, dtype=np.float32)
            gains[one.row, one.action] = self.foresight.gains(
                to_go, kind[one.row], before, one.free, one.agreed
            )
            found[name] = gains
        return found

    def _worth(
        self, core: CrossDomain, gains: Mapping[str, Array32], actions: Mapping[str, Ints]
    ) -> Array32:
        """[B], of what is done: the same whichever agent is asked."""
        name = self.observer.agents[0].name
        done = gains[name][np.arange(core.rows), actions[name]]
        to_go = core.requests - 1 - int(core.turn[0])
        kept = self.foresight.worth(to_go, core.free[:, : core.tables.plenty])
        return (done + kept).astype(np.float32)


@cache
def _task(scenario: str, requests: int | None) -> tuple[Task, Observer]:
    task = scenario_of(scenario).task(requests=requests)
    return task, Observer(task)


@cache
def _foresight(scenario: str, requests: int | None, seed: int) -> "Foresight":
    from envs.learning.foresight import Foresight

    return Foresight(_task(scenario, requests)[0], seed)


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
        task, _ = self._made()
        if teacher == FORESIGHT:
            acting: Reference = _foresight(self.scenario, self.requests, seed)
        else:
            acting = policy_of(teacher, seed)
        shown = demonstrate(acting, task, episodes, seed)
        state = together({agent: shown[agent].observations for agent in self.agents})
        return {
            agent: Demonstrations(one.observations, one.masks, one.actions, one.returns, state)
            for agent, one in shown.items()
        }

    def adviser(self, name: str, seed: int) -> Adviser:
        if name != FORESIGHT:
            raise PlanInvalid(f"{ENVIRONMENT} has no adviser {name!r}: it has {FORESIGHT}")
        return Advising(*self._made(), self.bids, _foresight(self.scenario, self.requests, seed))

    def _made(self) -> tuple[Task, Observer]:
        return _task(self.scenario, self.requests)

    def _agents(self) -> dict[str, Agent]:
        return {agent.name: agent for agent in self._made()[1].agents}
