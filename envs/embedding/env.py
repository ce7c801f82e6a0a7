"""The two Gymnasium faces of the batched core: one environment, and many stepped at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.arrays import Bools, Floats, Ints
from envs.embedding.core import Embedding, Mask, Reward, domains_of
from envs.embedding.files import REQUESTS_MAX, read
from envs.embedding.generate import SLICE_KINDS, slices_on
from envs.embedding.model import Workload
from envs.embedding.observation import Observations, Scales, observe, size
from envs.embedding.traces import Trace, Traces

Info = dict[str, Any]


class Task:
    """What `gymnasium.make` was asked for, checked. ValueError names what is wrong with it."""

    def __init__(
        self,
        workload: Workload | str | Path,
        mask: str | Mask,
        reward: str | Reward,
        fresh: bool,
        requests: int | None,
    ) -> None:
        self.workload = workload if isinstance(workload, Workload) else read(workload)
        self.mask, self.reward, self.fresh = _mask(mask), _reward(reward), fresh
        self.substrate = self.workload.substrate
        self.domains = domains_of(self.substrate)
        self.scales = Scales(self.substrate)
        known = len(self.workload.requests)
        longest = REQUESTS_MAX if fresh else known
        self.requests = known if requests is None else requests
        if type(self.requests) is not int or not 1 <= self.requests <= longest:
            raise ValueError(f"requests must be an integer in 1..{longest}, not {requests!r}")
        self.trace = self.draw(np.random.default_rng(0)) if fresh else self._of_file()
        self.functions_max, self.links_max = self.trace.functions_max, self.trace.links_max
        self.steps, self.links = len(self.trace.cpu), len(self.trace.to)
        if fresh:
            self.functions_max = max(len(chain) for kind in SLICE_KINDS for chain in kind.chains)
            self.links_max = self.functions_max - 1
            self.steps = self.requests * self.functions_max
            self.links = self.requests * self.links_max

    def core(self, rows: int) -> Embedding:
        rooms = rows if self.fresh else 1
        traces = Traces(rooms, self.requests, self.steps, self.links)
        if not self.fresh:
            traces.fill(0, self.trace)
        return Embedding(
            self.substrate,
            traces,
            rows,
            self.mask,
            self.reward,
            self.functions_max,
            self.links_max,
        )

    def start(self, core: Embedding, rows: Ints, generators: Sequence[np.random.Generator]) -> None:
        """A new episode in each of `rows`: the file's requests, or fresh ones of its generator."""
        rooms = rows if self.fresh else np.zeros_like(rows)
        if self.fresh:
            for row, generator in zip(rows.tolist(), generators, strict=True):
                core.traces.fill(row, self.draw(generator))
        core.start(rows, rooms, np.full(len(rows), self.requests))

    def draw(self, generator: np.random.Generator) -> Trace:
        drawn = slices_on(self.substrate, generator, self.requests)
        return Trace.of(drawn, self.domains)

    def spaces(self) -> tuple[gymnasium.spaces.Box, "gymnasium.spaces.Discrete[np.int64]"]:
        shape = (size(self.substrate.nodes),)
        return (
            gymnasium.spaces.Box(-1.0, 1.0, shape, np.float32),
            gymnasium.spaces.Discrete(self.substrate.nodes + 1),
        )

    def _of_file(self) -> Trace:
        return Trace.of(self.workload.requests[: self.requests], self.domains)


def outcome(core: Embedding, rows: Ints) -> Info:
    """What became of the episodes in `rows`, each value [len(rows), ...].

    accepted: requests; acceptance: of all. revenue: CPU and bandwidth of the accepted; cost: the
    same with bandwidth on every hop; r2c: one over the other. long_term_revenue: revenue times
    stay per unit of time until the last would leave. verdicts: [R] of each request. unrouted:
    requests lost because links had a path each, and not together.
    """
    revenue, cost = core.revenue[rows], core.cost[rows]
    return {
        "accepted": core.accepted[rows],
        "acceptance": core.accepted[rows] / core.requests[rows],
        "revenue": revenue,
        "cost": cost,
        "r2c": np.divide(revenue, cost, out=np.zeros(len(rows)), where=cost > 0),
        "long_term_revenue": core.held_revenue[rows] / core.traces.horizon[core.room[rows]],
        "illegal": core.illegal[rows],
        "unrouted": core.unrouted[rows],
        "verdicts": core.verdicts[rows],
    }


class EmbeddingEnv(gymnasium.Env[Observations, np.int64]):
    """`entente/Embedding-v0`: one network function placed and routed per step.

    workload: a file of schema vne-workload/1, or a `Workload`. mask "links" or "nodes" (see
    `core.Mask`); reward "acceptance", "revenue" or "r2c" (see `core.Reward`). fresh: every reset
    draws other slices for the same network instead of the workload's. requests: only the first so
    many, or how many to draw.

    Actions: a node for the next function, or n to refuse the request. `info["action_mask"]` is int8
    [n + 1]; the last step's info also holds `outcome`'s values.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012, as the base declares it

    def __init__(
        self,
        workload: Workload | str | Path,
        mask: str | Mask = Mask.LINKS,
        reward: str | Reward = Reward.ACCEPTANCE,
        fresh: bool = False,
        requests: int | None = None,
    ) -> None:
        self.task = Task(workload, mask, reward, fresh, requests)
        self.core = self.task.core(rows=1)
        self.observation_space, self.action_space = self.task.spaces()

    def reset(
        self, *, seed: int | None = None, options: Info | None = None
    ) -> tuple[Observations, Info]:
        super().reset(seed=seed)
        self.task.start(self.core, np.zeros(1, dtype=np.int64), [self.np_random])
        return self._observation(), self._info()

    def step(self, action: np.int64) -> tuple[Observations, float, bool, bool, Info]:
        """Takes one action. RuntimeError if the episode is over: reset first."""
        if not self.core.active[0]:
            raise RuntimeError("the episode is over: call reset first")
        reward = self.core.step(np.array([action], dtype=np.int64))
        done = not self.core.active[0]
        return self._observation(), float(reward[0]), done, False, self._info()

    def _observation(self) -> Observations:
        seen: Observations = observe(self.core, self.task.scales)[0]
        return seen

    def _info(self) -> Info:
        info: Info = {"action_mask": self.core.legal[0].view(np.int8)}
        if not self.core.active[0]:
            ended = outcome(self.core, np.zeros(1, dtype=np.int64))
            info |= {key: values[0] for key, values in ended.items()}
        return info


class EmbeddingVectorEnv(VectorEnv[Observations, NDArray[np.int64], NDArray[Any]]):
    """The same environment `num_envs` times in one batch; row i is the one seeded `seed + i`.

    `autoreset_mode`: NEXT_STEP (the step after an episode's last one resets it and ignores the
    action) or SAME_STEP (the last step returns the next episode's first observation; the old one
    and its info are in `final_obs` and `final_info`).
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        workload: Workload | str | Path,
        mask: str | Mask = Mask.LINKS,
        reward: str | Reward = Reward.ACCEPTANCE,
        fresh: bool = False,
        requests: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs must be 1 or more, not {num_envs}")
        mode = AutoresetMode(autoreset_mode)
        if mode is AutoresetMode.DISABLED:
            raise ValueError("autoreset cannot be disabled")
        self.task = Task(workload, mask, reward, fresh, requests)
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
        return observe(self.core, self.task.scales), self._info(np.zeros_like(self._all))

    def step(self, actions: NDArray[np.int64]) -> tuple[Observations, Floats, Bools, Bools, Info]:
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
        return observe(self.core, self.task.scales), rewards, done, truncated, info

    def _start(self, starting: Bools) -> None:
        rows = np.flatnonzero(starting)
        self.task.start(self.core, rows, [self._generators[row] for row in rows])

    def _info(self, done: Bools) -> Info:
        """Values of all rows under their key, and under `_key` which rows have one."""
        info: Info = {"action_mask": self.core.legal.view(np.int8), "_action_mask": self._all}
        if done.any():
            rows = np.flatnonzero(done)
            for key, values in outcome(self.core, rows).items():
                everyone = np.zeros((self.num_envs, *values.shape[1:]), dtype=values.dtype)
                everyone[rows] = values
                info |= {key: everyone, f"_{key}": done.copy()}
        return info

    def _final(self, done: Bools) -> Info:
        observations = np.full(self.num_envs, None, dtype=object)
        seen = observe(self.core, self.task.scales)
        for row in np.flatnonzero(done):
            observations[row] = seen[row]
        last = self.core.legal.view(np.int8) * done[:, None]
        return {
            "final_obs": observations,
            "_final_obs": done.copy(),
            "final_info": self._info(done) | {"action_mask": last, "_action_mask": done.copy()},
            "_final_info": done.copy(),
        }


def _mask(mask: str | Mask) -> Mask:
    try:
        return Mask(mask)
    except ValueError:
        raise ValueError(f"unknown mask {mask!r}: one of {', '.join(Mask)}") from None


def _reward(reward: str | Reward) -> Reward:
    try:
        return Reward(reward)
    except ValueError:
        raise ValueError(f"unknown reward {reward!r}: one of {', '.join(Reward)}") from None
