"""Placement as Gymnasium environments: `entente/Embedding-v0`, and many of it in one batch."""

from collections.abc import Sequence
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from envs.arrays import Ints
from envs.embedding.core import Embedding, Mask, Reward, domains_of
from envs.embedding.files import REQUESTS_MAX, read
from envs.embedding.generate import SLICE_KINDS, slices_on
from envs.embedding.model import Workload
from envs.embedding.observation import Observations, Scales, observe, size
from envs.embedding.traces import Trace, Traces
from envs.faces import Info, ManyEnvs, OneEnv, Spaces


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

    def spaces(self) -> Spaces:
        shape = (size(self.substrate.nodes),)
        return (
            gymnasium.spaces.Box(-1.0, 1.0, shape, np.float32),
            gymnasium.spaces.Discrete(self.substrate.nodes + 1),
        )

    def observe(self, core: Embedding) -> Observations:
        return observe(core, self.scales)

    def outcome(self, core: Embedding, rows: Ints) -> Info:
        """What became of the episodes in `rows`, each value [len(rows), ...].

        accepted: requests; acceptance: of all. revenue: CPU and bandwidth of the accepted; cost:
        the same with bandwidth on every hop; r2c: one over the other. long_term_revenue: revenue
        times stay per unit of time until the last would leave. verdicts: [R] of each request.
        unrouted: requests lost because links had a path each, and not together.
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

    def _of_file(self) -> Trace:
        return Trace.of(self.workload.requests[: self.requests], self.domains)


class EmbeddingEnv(OneEnv[Embedding]):
    """`entente/Embedding-v0`: one network function placed and routed per step.

    workload: a file of schema vne-workload/1, or a `Workload`. mask "links" or "nodes" (see
    `core.Mask`); reward "acceptance", "revenue", "acceptance+revenue" or "r2c" (see `core.Reward`).
    fresh: every reset draws other slices for the same network instead of the workload's. requests:
    only the first so many, or how many to draw.

    Actions: a node for the next function, or n to refuse the request. `info["action_mask"]` is int8
    [n + 1]; the last step's info also holds `Task.outcome`'s values.
    """

    task: Task

    def __init__(
        self,
        workload: Workload | str | Path,
        mask: str | Mask = Mask.LINKS,
        reward: str | Reward = Reward.ACCEPTANCE,
        fresh: bool = False,
        requests: int | None = None,
    ) -> None:
        super().__init__(Task(workload, mask, reward, fresh, requests))


class EmbeddingVectorEnv(ManyEnvs[Embedding]):
    """The same as `EmbeddingEnv`, `num_envs` times in one batch."""

    task: Task

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
        super().__init__(num_envs, Task(workload, mask, reward, fresh, requests), autoreset_mode)


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
