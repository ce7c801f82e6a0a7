"""entente/Embedding-v0 as a task: one agent that points at a node for every function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from gymnasium.vector import AutoresetMode

from domains.policy import Policy, Schema
from envs.arrays import Ints
from envs.embedding.demonstrations import demonstrate
from envs.embedding.env import EmbeddingVectorEnv
from envs.embedding.env import Task as Asked
from envs.embedding.files import read
from envs.embedding.generate import training_network
from envs.embedding.model import Workload
from envs.embedding.trained import ENVIRONMENT, SCHEMA
from envs.learning.batched import Agent, BatchedEnv, Step, View
from envs.learning.demonstrations import Demonstrations
from envs.learning.errors import PlanInvalid
from envs.learning.one_agent import ONLY, OneAgent
from envs.learning.spaces import Scores, SpacesOfSchema, mean_of_ended

FIGURES: Final = ("acceptance", "revenue", "r2c")


class Beside:
    """Batched environments of one size as one, their rows one after the other."""

    def __init__(self, envs: Sequence[BatchedEnv]) -> None:
        self.envs, self.rows = envs, sum(env.rows for env in envs)
        self._ends = np.cumsum([env.rows for env in envs])[:-1]

    def reset(self, seed: int) -> View:
        seeds = np.random.default_rng(seed).integers(2**31, size=len(self.envs)).tolist()
        return _views([env.reset(one) for env, one in zip(self.envs, seeds, strict=True)])

    def step(self, actions: Mapping[Agent, Ints]) -> Step:
        """None of them cuts an episode short, so there are no views of rows that were."""
        parts = np.split(actions[ONLY], self._ends)
        steps = [env.step({ONLY: part}) for env, part in zip(self.envs, parts, strict=True)]
        told = [step.ended for step in steps if step.ended]
        return Step(
            _views([step.view for step in steps]),
            {ONLY: np.concatenate([step.rewards[ONLY] for step in steps])},
            np.concatenate([step.terminated for step in steps]),
            np.concatenate([step.truncated for step in steps]),
            ended={key: np.concatenate([one[key] for one in told]) for key in FIGURES if told},
        )


def _views(views: Sequence[View]) -> View:
    return View(
        {ONLY: np.concatenate([view.observations[ONLY] for view in views])},
        {ONLY: np.concatenate([view.masks[ONLY] for view in views])},
    )


@cache
def _networks(networks: int, seed: int) -> tuple[Workload, ...]:
    return tuple(training_network(seed, number) for number in range(networks))


@dataclass(frozen=True, slots=True)
class EmbeddingTask(SpacesOfSchema):
    """Settings as for `gymnasium.make`; fresh requests unless told otherwise.

    Without a workload: on so many networks, as drawn for training with `seed`; their rows are
    those of `make`, shared out.
    """

    workload: str | None = None
    networks: int = 4
    seed: int = 0
    mask: str = "links"
    reward: str = "revenue"
    fresh: bool = True
    requests: int | None = None

    @property
    def environment(self) -> str:
        return ENVIRONMENT

    @property
    def agents(self) -> tuple[Agent, ...]:
        return (ONLY,)

    @property
    def state_size(self) -> int:
        return 0

    def schema(self, agent: Agent) -> Schema:
        return SCHEMA

    def candidates(self, agent: Agent) -> int:
        return self._workloads()[0].substrate.nodes

    def make(self, rows: int) -> BatchedEnv:
        workloads = self._workloads()[:rows]
        shares = [len(part) for part in np.array_split(np.arange(rows), len(workloads))]
        envs = [
            EmbeddingVectorEnv(
                share,
                workload=workload,
                mask=self.mask,
                reward=self.reward,
                fresh=self.fresh,
                requests=self.requests,
                autoreset_mode=AutoresetMode.SAME_STEP,
            )
            for share, workload in zip(shares, workloads, strict=True)
        ]
        return Beside([OneAgent(env, FIGURES) for env in envs])

    def evaluate(self, policies: Mapping[Agent, Policy], episodes: int, seed: int) -> Scores:
        """Means over fresh episodes of that seed, stepped together."""
        return mean_of_ended(self.make(min(episodes, 64)), policies, episodes, seed)

    def demonstrate(self, teacher: str, episodes: int, seed: int) -> Mapping[Agent, Demonstrations]:
        """The episodes, shared out between the networks; see `evaluation` for the teachers."""
        workloads = self._workloads()[:episodes]
        shares = np.array_split(np.arange(episodes), len(workloads))
        parts = []
        for number, (share, workload) in enumerate(zip(shares, workloads, strict=True)):
            asked = Asked(workload, self.mask, self.reward, self.fresh, self.requests)
            try:
                shown = demonstrate(teacher, asked, len(share), (seed, number))
            except ValueError as wrong:
                raise PlanInvalid(f"imitation.teacher: {wrong}") from None
            parts.append(Demonstrations(*shown))
        return {ONLY: Demonstrations.joined(parts)}

    def _workloads(self) -> tuple[Workload, ...]:
        if self.workload is None:
            return _networks(self.networks, self.seed)
        return (read(self.workload),)
