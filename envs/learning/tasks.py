"""The environments that can be learned in, by the name that `--env` has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from domains.policy import Policy, Schema
from envs.arrays import Ints
from envs.learning.batched import Agent, BatchedEnv, Step, View
from envs.learning.errors import PlanInvalid
from envs.learning.spaces import Scores, SpacesOfSchema, mean_of_ended

if TYPE_CHECKING:
    from envs.learning.demonstrations import Demonstrations

ONLY: Final = "agent"  # the name of the one agent of a single-agent environment


class Task(Protocol):
    """An environment with its settings; can be sent to other processes."""

    @property
    def environment(self) -> str: ...
    @property
    def agents(self) -> tuple[Agent, ...]: ...
    @property
    def state_size(self) -> int: ...
    def schema(self, agent: Agent) -> Schema: ...
    def candidates(self, agent: Agent) -> int: ...
    def make(self, rows: int) -> BatchedEnv: ...
    def evaluate(self, policies: Mapping[Agent, Policy], episodes: int, seed: int) -> Scores: ...
    def demonstrate(
        self, teacher: str, episodes: int, seed: int
    ) -> "Mapping[Agent, Demonstrations]": ...


class OneAgent:
    """A Gymnasium vector environment in SAME_STEP mode as a batched environment of one agent.

    `keep`: which figures of ended episodes are told.
    """

    def __init__(self, env: "VectorEnv[Any, Any, Any]", keep: tuple[str, ...] = ()) -> None:
        assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
        self.env, self.keep, self.rows = env, keep, env.num_envs

    def reset(self, seed: int) -> View:
        observations, info = self.env.reset(seed=seed)
        return _view(observations, info)

    def step(self, actions: Mapping[Agent, Ints]) -> Step:
        observations, rewards, terminated, truncated, info = self.env.step(actions[ONLY])
        final, ended = None, {}
        if truncated.any():
            cut = np.flatnonzero(truncated)
            last = np.stack(info["final_obs"][cut])
            final = View({ONLY: last}, {ONLY: info["final_info"]["action_mask"][cut].astype(bool)})
        if (over := terminated | truncated).any():
            told = info["final_info"]
            ended = {key: np.asarray(told[key][over], dtype=float) for key in self.keep}
        return Step(_view(observations, info), {ONLY: rewards}, terminated, truncated, final, ended)


def _view(observations: Any, info: Mapping[str, Any]) -> View:
    return View({ONLY: observations}, {ONLY: info["action_mask"].view(np.bool_)})


@dataclass(frozen=True, slots=True)
class SliceOrchTask(SpacesOfSchema):
    """entente/SliceOrch-v1, or -v2 with departures. Settings as for `gymnasium.make`."""

    profile: str = "C2"
    requests: tuple[int, ...] | None = None
    mask: str | None = "sla"
    lam: float = 0.0
    qoe: bool = True
    departures: bool = False
    load_erlang: float | None = None

    @property
    def environment(self) -> str:
        return f"entente/SliceOrch-v{2 if self.departures else 1}"

    @property
    def agents(self) -> tuple[Agent, ...]:
        return (ONLY,)

    @property
    def state_size(self) -> int:
        return 0

    def schema(self, agent: Agent) -> Schema:
        from envs.sliceorch.policies.learned import schema

        return schema(self.departures)

    def candidates(self, agent: Agent) -> int:
        from envs.sliceorch.profiles import profile_of

        return profile_of(self.profile).nodes

    def make(self, rows: int) -> BatchedEnv:
        from envs.sliceorch.env import SliceOrchVectorEnv

        env = SliceOrchVectorEnv(
            rows,
            self.profile,
            self.requests,
            self.mask,
            self.lam,
            self.qoe,
            self.departures,
            self.load_erlang,
            AutoresetMode.SAME_STEP,
        )
        return OneAgent(env, keep=("availability", "illegal"))

    def evaluate(self, policies: Mapping[Agent, Policy], episodes: int, seed: int) -> Scores:
        """Availability for each length of an episode, on the fixed episodes of that seed."""
        from envs.sliceorch.evaluation import evaluate_iiot
        from envs.sliceorch.policies import Learned
        from envs.sliceorch.profiles import mask_of, profile_of

        acting = Learned("learned", policies[ONLY].choose_each, mask_of(self.mask), self.qoe)
        scores = {}
        for requests in self.requests or (profile_of(self.profile).requests,):
            found = evaluate_iiot(self.profile, requests, acting, episodes, seed, self.departures)
            scores[f"availability n={requests}"] = found.availability.mean
        return scores

    def demonstrate(
        self, teacher: str, episodes: int, seed: int
    ) -> "Mapping[Agent, Demonstrations]":
        from envs.learning.demonstrations import Demonstrations
        from envs.sliceorch.demonstrations import demonstrate
        from envs.sliceorch.policies import policy_of
        from envs.sliceorch.profiles import mask_of, profile_of

        profile = profile_of(self.profile)
        load = (self.load_erlang or profile.load_erlang) if self.departures else None
        acting, requests = policy_of(teacher, seed, load), self.requests or (profile.requests,)
        shown = demonstrate(acting, profile, requests, mask_of(self.mask), episodes, seed, load)
        return {ONLY: Demonstrations(*shown, np.zeros((len(shown[0]), 0), dtype=np.float32))}


@dataclass(frozen=True, slots=True)
class EmbeddingTask(SpacesOfSchema):
    """entente/Embedding-v0 on a workload file; fresh requests unless told otherwise."""

    workload: str
    mask: str = "links"
    reward: str = "revenue"
    fresh: bool = True
    requests: int | None = None

    @property
    def environment(self) -> str:
        return "entente/Embedding-v0"

    @property
    def agents(self) -> tuple[Agent, ...]:
        return (ONLY,)

    @property
    def state_size(self) -> int:
        return 0

    def schema(self, agent: Agent) -> Schema:
        from envs.embedding.observation import GLOBAL_NAMES, NODE_NAMES

        return Schema(self.environment, GLOBAL_NAMES, NODE_NAMES, ("refuse",))

    def candidates(self, agent: Agent) -> int:
        from envs.embedding.files import read

        return read(self.workload).substrate.nodes

    def make(self, rows: int) -> BatchedEnv:
        from envs.embedding.env import EmbeddingVectorEnv

        env = EmbeddingVectorEnv(
            rows,
            workload=self.workload,
            mask=self.mask,
            reward=self.reward,
            fresh=self.fresh,
            requests=self.requests,
            autoreset_mode=AutoresetMode.SAME_STEP,
        )
        return OneAgent(env, keep=("acceptance", "revenue", "r2c"))

    def evaluate(self, policies: Mapping[Agent, Policy], episodes: int, seed: int) -> Scores:
        """Means over fresh episodes of that seed, stepped together."""
        return mean_of_ended(self.make(min(episodes, 64)), policies, episodes, seed)

    def demonstrate(
        self, teacher: str, episodes: int, seed: int
    ) -> "Mapping[Agent, Demonstrations]":
        raise _no_teacher(self.environment, teacher)


def _no_teacher(environment: str, teacher: str) -> PlanInvalid:
    return PlanInvalid(f"{environment} has no teacher {teacher!r}")


def _crossdomain(**settings: Any) -> Task:
    from envs.learning.crossdomain import CrossDomainTask

    return CrossDomainTask(**settings)


TASKS: Final[dict[str, Any]] = {
    "sliceorch": SliceOrchTask,
    "crossdomain": _crossdomain,
    "embedding": EmbeddingTask,
}


def task_of(env: str, settings: Mapping[str, Any]) -> Task:
    """PlanInvalid names what there is, or what is wrong with the settings."""
    maker = TASKS.get(env)
    if maker is None:
        raise PlanInvalid(f"there is no environment {env!r} to learn in: {', '.join(TASKS)}")
    told = {
        key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
    }
    try:
        task: Task = maker(**told)
        task.make(1)
    except (TypeError, ValueError) as wrong:
        raise PlanInvalid(f"{env}: {wrong}") from None
    return task
