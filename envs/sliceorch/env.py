"""The case study as Gymnasium environments: `entente/SliceOrch-v1` and `-v2`, alone and batched."""

from collections.abc import Sequence
from dataclasses import dataclass

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from envs.arrays import Ints
from envs.faces import Info, ManyEnvs, OneEnv, Spaces
from envs.sliceorch.core import REFUSED, SliceOrchestration
from envs.sliceorch.instances import draw
from envs.sliceorch.observation import Observations, observe, size
from envs.sliceorch.profiles import REQUESTS_MAX, Mask, Profile, mask_of, profile_of


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

    def start(
        self, core: SliceOrchestration, rows: Ints, generators: Sequence[np.random.Generator]
    ) -> None:
        drawn = draw(self.profile, self.requests, generators, self.load_erlang)
        core.load_instances(rows, drawn)

    def spaces(self) -> Spaces:
        shape = (size(self.profile.nodes),)
        return (
            gymnasium.spaces.Box(-1.0, 1.0, shape, np.float32),
            gymnasium.spaces.Discrete(self.profile.nodes + 2),
        )

    def observe(self, core: SliceOrchestration) -> Observations:
        return observe(core, self.qoe)

    def outcome(self, core: SliceOrchestration, rows: Ints) -> Info:
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


class SliceOrchEnv(OneEnv[SliceOrchestration]):
    """`entente/SliceOrch-v1` (nothing departs) and `-v2` (Poisson arrivals, exponential stays).

    profile "C1".."C4"; requests: slices per episode, or several lengths to draw from; mask "sla",
    "basic" or None; lam: weight of J in the reward; qoe=False hides bounds and preference, and J in
    the reward weighs its three terms alike; load_erlang (v2): mean number of slices alive if all
    were placed.

    `info["action_mask"]` is int8 [K + 2]; the last step's info also holds `Task.outcome`'s values.
    """

    task: Task

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
        super().__init__(Task.of(profile, requests, mask, lam, qoe, departures, load_erlang))


class SliceOrchVectorEnv(ManyEnvs[SliceOrchestration]):
    """The same as `SliceOrchEnv`, `num_envs` times in one batch."""

    task: Task

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
        task = Task.of(profile, requests, mask, lam, qoe, departures, load_erlang)
        super().__init__(num_envs, task, autoreset_mode)
