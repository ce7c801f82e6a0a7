"""The environments that can be learned in, by the name that `--env` has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from gymnasium.vector import AutoresetMode

from domains.policy import Policy, Schema
from envs.learning.batched import Agent, BatchedEnv
from envs.learning.errors import PlanInvalid
from envs.learning.one_agent import ONLY, OneAgent
from envs.learning.spaces import Scores, SpacesOfSchema

if TYPE_CHECKING:
    from envs.learning.demonstrations import Adviser, Demonstrations


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
    def adviser(self, name: str, seed: int) -> "Adviser": ...


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


def _crossdomain(**settings: Any) -> Task:
    from envs.learning.crossdomain import CrossDomainTask

    return CrossDomainTask(**settings)


def _embedding(**settings: Any) -> Task:
    from envs.learning.embedding import EmbeddingTask

    return EmbeddingTask(**settings)


TASKS: Final[dict[str, Any]] = {
    "sliceorch": SliceOrchTask,
    "crossdomain": _crossdomain,
    "embedding": _embedding,
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
