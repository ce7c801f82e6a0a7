"""The two Gymnasium faces of a batched core: one environment, and many stepped at once."""

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.arrays import Array32, Bools, Floats, Ints

Info = dict[str, Any]
Spaces = tuple[gymnasium.spaces.Box, "gymnasium.spaces.Discrete[np.int64]"]


class Core(Protocol):
    """B independent episodes. A finished row stays as it is, whatever action it is given."""

    @property
    def done(self) -> Bools: ...
    @property
    def legal(self) -> Bools: ...
    def step(self, actions: Ints) -> Floats: ...


C = TypeVar("C", bound=Core)


class Task(Protocol[C]):
    """What `gymnasium.make` was asked for, checked.

    start: a new episode in each of `rows`, drawn by its own generator. observe: [B, D].
    outcome: what became of the episodes in `rows`, each value [len(rows), ...].
    """

    def core(self, rows: int) -> C: ...
    def spaces(self) -> Spaces: ...
    def start(self, core: C, rows: Ints, generators: Sequence[np.random.Generator]) -> None: ...
    def observe(self, core: C) -> Array32: ...
    def outcome(self, core: C, rows: Ints) -> Info: ...


class OneEnv(gymnasium.Env[Array32, np.int64], Generic[C]):
    """`info["action_mask"]` is int8 [A]; the last step's info also holds the task's `outcome`."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012, as the base declares it

    def __init__(self, task: Task[C]) -> None:
        self.task, self.core = task, task.core(1)
        self.observation_space, self.action_space = task.spaces()
        self._row = np.zeros(1, dtype=np.int64)

    def reset(
        self, *, seed: int | None = None, options: Info | None = None
    ) -> tuple[Array32, Info]:
        super().reset(seed=seed)
        self.task.start(self.core, self._row, [self.np_random])
        return self._observation(), self._info()

    def step(self, action: np.int64) -> tuple[Array32, float, bool, bool, Info]:
        """Takes one action. RuntimeError if the episode is over: reset first."""
        if self.core.done[0]:
            raise RuntimeError("the episode is over: call reset first")
        reward = self.core.step(np.array([action], dtype=np.int64))
        return self._observation(), float(reward[0]), bool(self.core.done[0]), False, self._info()

    def _observation(self) -> Array32:
        seen: Array32 = self.task.observe(self.core)[0]
        return seen

    def _info(self) -> Info:
        info: Info = {"action_mask": self.core.legal[0].astype(np.int8)}
        if self.core.done[0]:
            ended = self.task.outcome(self.core, self._row)
            info |= {key: values[0] for key, values in ended.items()}
        return info


class ManyEnvs(VectorEnv[Array32, NDArray[np.int64], NDArray[Any]], Generic[C]):
    """The same environment `num_envs` times in one batch; row i is the one seeded `seed + i`.

    `autoreset_mode`: NEXT_STEP (the step after an episode's last one resets it and ignores the
    action) or SAME_STEP (the last step returns the next episode's first observation; the old one
    and its info are in `final_obs` and `final_info`).
    """

    def __init__(self, num_envs: int, task: Task[C], autoreset_mode: AutoresetMode | str) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs must be 1 or more, not {num_envs}")
        mode = AutoresetMode(autoreset_mode)
        if mode is AutoresetMode.DISABLED:
            raise ValueError("autoreset cannot be disabled")
        self.task, self.core, self.num_envs = task, task.core(num_envs), num_envs
        self.metadata = {"render_modes": [], "autoreset_mode": mode}
        self.same_step = mode is AutoresetMode.SAME_STEP
        self.single_observation_space, self.single_action_space = task.spaces()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._generators: list[np.random.Generator] = []
        self._all = np.ones(num_envs, dtype=np.bool_)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: Info | None = None
    ) -> tuple[Array32, Info]:
        seeds: Sequence[int | None]
        if seed is None or isinstance(seed, int):
            seeds = [None if seed is None else seed + row for row in range(self.num_envs)]
        else:
            seeds = list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds for {self.num_envs} environments")
        if not self._generators:
            self._generators = [seeding.np_random(one)[0] for one in seeds]
        for row, one in enumerate(seeds):
            if one is not None:
                self._generators[row] = seeding.np_random(one)[0]
        self._start(self._all)
        return self.task.observe(self.core), self._info(np.zeros_like(self._all))

    def step(self, actions: NDArray[np.int64]) -> tuple[Array32, Floats, Bools, Bools, Info]:
        """Steps every row; RuntimeError before the first reset."""
        if not self._generators:
            raise RuntimeError("call reset before step")
        over = self.core.done
        rewards = self.core.step(np.asarray(actions, dtype=np.int64))
        if not self.same_step and over.any():
            self._start(over)
        done = self.core.done
        truncated, final = np.zeros_like(done), {}
        if self.same_step and done.any():
            final = self._final(done)
            self._start(done)
        info = self._info(np.zeros_like(done) if final else done) | final
        return self.task.observe(self.core), rewards, done, truncated, info

    def _start(self, starting: Bools) -> None:
        rows = np.flatnonzero(starting)
        self.task.start(self.core, rows, [self._generators[row] for row in rows])

    def _info(self, done: Bools) -> Info:
        """Values of all rows under their key, and under `_key` which rows have one."""
        info: Info = {"action_mask": self.core.legal.astype(np.int8), "_action_mask": self._all}
        if done.any():
            rows = np.flatnonzero(done)
            for key, values in self.task.outcome(self.core, rows).items():
                everyone = np.zeros((self.num_envs, *values.shape[1:]), dtype=values.dtype)
                everyone[rows] = values
                info |= {key: everyone, f"_{key}": done.copy()}
        return info

    def _final(self, done: Bools) -> Info:
        observations = np.full(self.num_envs, None, dtype=object)
        seen = self.task.observe(self.core)
        for row in np.flatnonzero(done):
            observations[row] = seen[row]
        last = self.core.legal.astype(np.int8) * done[:, None]
        return {
            "final_obs": observations,
            "_final_obs": done.copy(),
            "final_info": self._info(done) | {"action_mask": last, "_action_mask": done.copy()},
            "_final_info": done.copy(),
        }
