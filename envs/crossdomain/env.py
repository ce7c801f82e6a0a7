"""`CrossDomainVector`: B environments at once, as `envs.vector_multi` wants them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domains.errors import InvalidRequest
from envs.arrays import Bools, Floats, Ints
from envs.crossdomain.core import Episodes
from envs.crossdomain.observation import Observer
from envs.crossdomain.scenarios import CONFIGS, Scenario, Task, scenario_of
from envs.vector_multi import Masks, Observations, Transition


class Reward(StrEnum):
    """What an agent is paid for a step.

    TEAM: 1 for a request that is served, less `lam` times J, the same for all.
    DIFFERENCE: the same less what the team would have got had this agent offered nothing: an
        agent that another one could have stood in for is paid what it was better by.
    """

    TEAM = "team"
    DIFFERENCE = "difference"


class CrossDomainVector:
    """`entente/CrossDomain-v0`, B times. Agents are the domains of the network, by name.

    Action a of an agent offers option a, in the order of its technology's candidates (cheapest
    first), on every hop that it is asked for; the last action offers nothing. With `bids` above 1
    the next legal options after it are offered as well, that many in all.

    `infos`: "served" [B], whether the request was agreed on, "weighted_cost" J [B]; "illegal" by
    agent [B]; "kind" [B], the class of request that was decided; and of the whole episode, where
    one has ended (NaN elsewhere), "availability" [B], "price_eur_per_h" and "mean_cost" [B].
    """

    def __init__(
        self,
        num_envs: int,
        scenario: str | Scenario | Task = "headline",
        requests: int | None = None,
        reward: str | Reward = Reward.TEAM,
        lam: float = 0.0,
        bids: int = 1,
        configs: str | Path = CONFIGS,
        episodes: Episodes | None = None,
    ) -> None:
        """`episodes`: play these, row by row, instead of drawing some.

        Raises:
            InvalidRequest: no such scenario, an impossible network, or a value that makes no sense.
        """
        if num_envs < 1:
            raise InvalidRequest(f"num_envs must be 1 or more, not {num_envs}")
        if not (np.isfinite(lam) and lam >= 0):
            raise InvalidRequest(f"lam must be a number of 0 or more, not {lam}")
        if bids < 1:
            raise InvalidRequest(f"bids must be 1 or more, not {bids}")
        if reward not in list(Reward):
            raise InvalidRequest(f"no reward {reward!r}: one of {', '.join(Reward)}")
        self.task = _task(scenario, requests, Path(configs))
        self.num_envs, self.lam, self.bids, self.reward = num_envs, lam, bids, Reward(reward)
        self.observer = Observer(self.task)
        self.core = self.task.core(num_envs)
        self.agents = tuple(agent.name for agent in self.observer.agents)
        self.observation_size: Mapping[str, int] = {
            one.name: self.observer.size(one) for one in self.observer.agents
        }
        self.action_count: Mapping[str, int] = {
            one.name: one.actions for one in self.observer.agents
        }
        self._fixed = episodes
        self._generators = [np.random.default_rng() for _ in range(num_envs)]
        self._legal: Bools = np.zeros(0, dtype=np.bool_)

    def reset(self, seed: int | None = None) -> tuple[Observations, Masks]:
        if seed is not None:
            self._generators = [np.random.default_rng(seed + i) for i in range(self.num_envs)]
        self._start(np.arange(self.num_envs))
        return self._look()

    def step(self, actions: Mapping[str, Ints]) -> Transition:
        """One request in every row; rows whose episode was over begin a new one instead.

        Raises:
            InvalidRequest: actions of an agent are missing, or not one per row.
        """
        core, fresh = self.core, self.core.done
        kind = core.kind()
        chosen, illegal = self._checked(actions, fresh)
        shown = self.observer.offers(core, self._legal, chosen, self.bids)
        without = self._without(shown) if self.reward is Reward.DIFFERENCE else {}
        agreed, cost = core.step(shown)
        team = np.where(agreed, 1.0 - self.lam * cost, 0.0)
        rewards = {agent: self._paid(agent, team, without) for agent in self.agents}
        terminated = core.done & ~fresh
        infos = self._told(agreed, cost, kind, illegal, terminated)
        self._start(np.flatnonzero(fresh))
        observations, masks = self._look()
        truncated = np.zeros(self.num_envs, dtype=np.bool_)
        return Transition(observations, masks, rewards, terminated, truncated, observations, infos)

    def _start(self, rows: Ints) -> None:
        if not len(rows):
            return
        if self._fixed is not None:
            episodes = self._fixed[rows]
        else:
            episodes = self.task.draw([self._generators[row] for row in rows.tolist()])
        self.core.start(rows, episodes)

    def _look(self) -> tuple[Observations, Masks]:
        core, observer = self.core, self.observer
        self._legal = observer.legal(core)
        common = observer.common(core, self._legal)
        observations = {a.name: observer.observe(core, a, common) for a in observer.agents}
        self._masks = {a.name: observer.mask(core, a, self._legal) for a in observer.agents}
        return observations, dict(self._masks)

    def _checked(
        self, actions: Mapping[str, Ints], fresh: Bools
    ) -> tuple[dict[str, Ints], dict[str, Bools]]:
        """Actions with illegal ones replaced by the last, and which those were."""
        chosen, illegal = {}, {}
        for agent, count in self.action_count.items():
            if agent not in actions:
                raise InvalidRequest(f"there is no action of {agent}")
            action = np.asarray(actions[agent])
            if action.shape != (self.num_envs,) or action.dtype.kind not in "iu":
                raise InvalidRequest(f"actions of {agent} must be {self.num_envs} integers")
            known = (action >= 0) & (action < count)
            place = np.where(known, action, count - 1)
            legal = known & self._masks[agent][np.arange(self.num_envs), place]
            chosen[agent] = np.where(legal, place, count - 1)
            illegal[agent] = ~legal & ~fresh
        return chosen, illegal

    def _without(self, shown: Bools) -> dict[str, Floats]:
        """[B] by agent: what the team would get if that agent offered nothing."""
        core, tables = self.core, self.task.tables
        kind, open_ = core.kind(), core.open_chains()
        owner = tables.domain_of[tables.row[kind, : tables.hops]]
        found = {}
        for index, agent in enumerate(self.agents):
            rest = shown & core.room() & (owner != index)[:, :, None]
            chain, picks = core.agreements.choose(kind, rest, open_)
            found[agent] = np.where(
                chain >= 0, 1.0 - self.lam * core.cost_of(kind, chain, picks), 0
            )
        return found

    def _paid(self, agent: str, team: Floats, without: dict[str, Floats]) -> NDArray[np.float32]:
        paid = team if self.reward is Reward.TEAM else team - without[agent]
        assert np.isfinite(paid).all(), "a reward is NaN or infinite"
        return paid.astype(np.float32)

    def _told(
        self, agreed: Bools, cost: Floats, kind: Ints, illegal: dict[str, Bools], ended: Bools
    ) -> dict[str, Any]:
        core = self.core
        served = core.served
        mean_cost = core.cost.sum(axis=1) / np.maximum(served, 1)
        over = {
            "availability": served / core.requests,
            "price_eur_per_h": core.price_micros.sum(axis=1) / 1e6,
            "mean_cost": np.where(served > 0, mean_cost, np.nan),
        }
        now = {"served": agreed, "weighted_cost": cost, "kind": kind, "illegal": illegal}
        return now | {name: np.where(ended, value, np.nan) for name, value in over.items()}


def _task(scenario: str | Scenario | Task, requests: int | None, configs: Path) -> Task:
    if isinstance(scenario, Task):
        if requests not in (None, scenario.requests):
            raise InvalidRequest("requests are part of a task already")
        return scenario
    found = scenario if isinstance(scenario, Scenario) else scenario_of(scenario)
    return found.task(configs, requests)
