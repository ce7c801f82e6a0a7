"""The two Gymnasium faces of the batched case study: one environment, and many stepped at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.arrays import Bools, Floats, Ints
from envs.sliceorch.core import REFUSED, SliceOrchestration
from envs.sliceorch.instances import Instances, draw
from envs.sliceorch.observation import Observations, observe, size
from envs.sliceorch.profiles import REQUESTS_MAX, Mask, Profile, mask_of, profile_of

Info = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What `gymnasium.make` was asked for, checked. ValueError names what is wrong with it."""

    profile: Profile
    requests: tuple[int, ...]
    mask: Mask
    cost_weight: float
    qoe: bool
    load_erlang: float | None

    @classmethod
    def of(
        cls,
        profile: str | Profile,
        requests: int | Sequence[int] | None,
        mask: str | Mask | None,
        lam: float,
        qoe: bool,
        departures: bool,
        load_erlang: float | None,
    ) -> "Task":
        found = profile_of(profile)
        if requests is None:
            lengths: tuple[int, ...] = (found.requests,)
        else:
            lengths = tuple(np.atleast_1d(np.asarray(requests)).tolist())
        if not lengths or not all(type(n) is int and 1 <= n <= REQUESTS_MAX for n in lengths):
            raise ValueError(f"requests must be integers in 1..{REQUESTS_MAX}, not {requests!r}")
        if load_erlang is not None and not departures:
            raise ValueError("load_erlang needs departures: entente/SliceOrch-v2")
        load = None
        if departures:
            load = found.load_erlang if load_erlang is None else float(load_erlang)
        if load is not None and not (np.isfinite(load) and load > 0):
            raise ValueError(f"load_erlang must be a number above 0, not {load}")
        return cls(found, lengths, mask_of(mask), float(lam), qoe, load)

    def core(self, rows: int) -> SliceOrchestration:
        slots = max(self.requests)
        return SliceOrchestration(
            self.profile, slots, rows, self.mask, self.cost_weight, told_weights=self.qoe
        )

    def draw(self, generators: Sequence[np.random.Generator]) -> Instances:
        return draw(self.profile, self.requests, generators, self.load_erlang)

    def spaces(self) -> tuple[gymnasium.spaces.Box, "gymnasium.spaces.Discrete[np.int64]"]:
        shape = (size(self.profile.nodes),)
        return (
            gymnasium.spaces.Box(-1.0, 1.0, shape, np.float32),
            gymnasium.spaces.Discrete(self.profile.nodes + 2),
        )


def outcome(core: SliceOrchestration, rows: Ints) -> Info:
    """What became of the episodes in `rows`, each value [len(rows), ...].

    Per slice: `placement` (1 refused, 2 local, 3 cloud, 0 past the end), `kept` (served), and
    `latency` (ms), `cost`, `sharing` (nodes shared) and `weighted_cost` (J), NaN unless placed.
    """
    placement = core.placement[rows]
    placed = placement > REFUSED
    return {
        "served": core.served[rows],
        "availability": core.served[rows] / core.requests[rows],
        "requests": core.requests[rows],
        "illegal": core.illegal[rows],
        "placement": placement,
        "kept": core.kept[rows],
        "latency": np.where(placed, core.latency_ms[rows], np.nan),
        "cost": np.where(placed, core.price[rows], np.nan),
        "sharing": np.where(placed, core.sharing(rows), np.nan),
        "weighted_cost": np.where(placed, core.weighted_costs(rows), np.nan),
    }


class SliceOrchEnv(gymnasium.Env[Observations, np.int64]):
    """`entente/SliceOrch-v1` (nothing departs) and `-v2` (Poisson arrivals, exponential stays).

    profile "C1".."C4"; requests: slices per episode, or several lengths to draw from; mask "sla",
    "basic" or None; lam: weight of J in the reward; qoe=False hides bounds and preference, and J in
    the reward weighs its three terms alike; load_erlang (v2): mean number of slices alive if all
    were placed.

    `info["action_mask"]` is int8 [K + 2]; the last step's info also holds `outcome`'s values.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012, as the base declares it

    def __init__(
        self,
        profile: str | Profile = "C2",
        requests: int | Sequence[int] | None = None,
        mask: str | Mask | None = "sla",
        lam: float = 0.0,
        qoe: bool = True,
        departures: bool = False,
        load_erlang: float | None = None,
    ) -> None:
        self.task = Task.of(profile, requests, mask, lam, qoe, departures, load_erlang)
        self.core = self.task.core(rows=1)
        self.observation_space, self.action_space = self.task.spaces()

    def reset(
        self, *, seed: int | None = None, options: Info | None = None
    ) -> tuple[Observations, Info]:
        super().reset(seed=seed)
        self.core.load_instances(np.zeros(1, dtype=np.int64), self.task.draw([self.np_random]))
        return self._observation(), self._info()

    def step(self, action: np.int64) -> tuple[Observations, float, bool, bool, Info]:
        """Takes one action. RuntimeError if the episode is over: reset first."""
        if self.core.done[0]:
            raise RuntimeError("the episode is over: call reset first")
        reward = self.core.step(np.array([action], dtype=np.int64))
        return self._observation(), float(reward[0]), bool(self.core.done[0]), False, self._info()

    def _observation(self) -> Observations:
        seen: Observations = observe(self.core, self.task.qoe)[0]
        return seen

    def _info(self) -> Info:
        info: Info = {"action_mask": self.core.legal[0].astype(np.int8)}
        if self.core.done[0]:
            ended = outcome(self.core, np.zeros(1, dtype=np.int64))
            info |= {key: values[0] for key, values in ended.items()}
        return info


class SliceOrchVectorEnv(VectorEnv[Observations, NDArray[np.int64], NDArray[Any]]):
    """The same environment `num_envs` times in one batch; row i is the one seeded `seed + i`.

    `autoreset_mode`: NEXT_STEP (the step after an episode's last one resets it and ignores the
    action) or SAME_STEP (the last step returns the next episode's first observation; the old one
    and its info are in `final_obs` and `final_info`).
    """

    def __init__(
        self,
        num_envs: int = 1,
        profile: str | Profile = "C2",
        requests: int | Sequence[int] | None = None,
        mask: str | Mask | None = "sla",
        lam: float = 0.0,
        qoe: bool = True,
        departures: bool = False,
        load_erlang: float | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs must be 1 or more, not {num_envs}")
        mode = AutoresetMode(autoreset_mode)
        if mode is AutoresetMode.DISABLED:
            raise ValueError("autoreset cannot be disabled")
        self.task = Task.of(profile, requests, mask, lam, qoe, departures, load_erlang)
        self.core = self.task.core(num_envs)
        self.num_envs = num_envs
        self.metadata = {"render_modes": [], "autoreset_mode": mode}
        self.same_step = mode is AutoresetMode.SAME_STEP
        self.single_observation_space, self.single_action_space = self.task.spaces()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._generators: list[np.random.Generator] = []
        self._all = np.ones(num_envs, dtype=np.bool_)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: Info | None = None
    ) -> tuple[Observations, Info]:
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
        return observe(self.core, self.task.qoe), self._info(np.zeros_like(self._all))

    def step(self, actions: NDArray[np.int64]) -> tuple[Observations, Floats, Bools, Bools, Info]:
        """Steps every row; RuntimeError before the first reset."""
        if not self._generators:
            raise RuntimeError("call reset before step")
        over = self.core.done
        rewards = self.core.step(np.asarray(actions, dtype=np.int64))
        if not self.same_step and over.any():
            self._start(over)
        done = self.core.done
        truncated = np.zeros_like(done)
        if not (self.same_step and done.any()):
            return observe(self.core, self.task.qoe), rewards, done, truncated, self._info(done)
        final = self._final(done)
        self._start(done)
        info = self._info(np.zeros_like(done)) | final
        return observe(self.core, self.task.qoe), rewards, done, truncated, info

    def _start(self, starting: Bools) -> None:
        rows = np.flatnonzero(starting)
        self.core.load_instances(rows, self.task.draw([self._generators[row] for row in rows]))

    def _info(self, done: Bools) -> Info:
        """Values of all rows under their key, and under `_key` which rows have one."""
        info: Info = {"action_mask": self.core.legal.astype(np.int8), "_action_mask": self._all}
        if done.any():
            rows = np.flatnonzero(done)
            for key, values in outcome(self.core, rows).items():
                everyone = np.zeros((self.num_envs, *values.shape[1:]), dtype=values.dtype)
                everyone[rows] = values
                info |= {key: everyone, f"_{key}": done.copy()}
        return info

    def _final(self, done: Bools) -> Info:
        observations = np.full(self.num_envs, None, dtype=object)
        seen = observe(self.core, self.task.qoe)
        for row in np.flatnonzero(done):
            observations[row] = seen[row]
        last = self.core.legal.astype(np.int8) * done[:, None]
        return {
            "final_obs": observations,
            "_final_obs": done.copy(),
            "final_info": self._info(done) | {"action_mask": last, "_action_mask": done.copy()},
            "_final_info": done.copy(),
        }
