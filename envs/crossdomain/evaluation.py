"""Fixed episodes of a scenario, the same ones for every policy, and how a policy does on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domains.errors import InvalidRequest
from envs.crossdomain.core import CrossDomain, Episodes
from envs.crossdomain.policies import Policy, policy_of
from envs.crossdomain.policies.trained import is_trained, trained
from envs.crossdomain.scenarios import Scenario, Task, scenario_of
from envs.statistics import Estimate, mean_of, paired_difference, ratio_of

EPISODES_MAX: Final = 1_000_000
EPISODES_PER_BATCH: Final = 100
"""Played at once. Part of what a seed means for a policy that draws numbers."""
_EVALUATION: Final = 0xC0DE
"""Keeps these episodes apart from those of any training seed."""

Progress = Callable[[int, int], None]
"""Episodes done, of how many."""


@dataclass(frozen=True, slots=True)
class CrossDomainResult:
    """One policy on E fixed episodes.

    availability: served / requests. weighted_cost (J, the preference's shares of the bounds that
    are used up), latency_ms and price_eur_per_h are per served request. by_episode: availability
    of each, [E]. bound and proven: what the clairvoyant optimum could be at most, on average, and
    on how many episodes it was proven; None for other policies. illegal: actions of a learned one.
    """

    scenario: str
    network: str
    requests: int
    policy: str
    episodes: int
    seed: int
    availability: Estimate
    weighted_cost: Estimate | None
    latency_ms: Estimate | None
    price_eur_per_h: Estimate | None
    cpu_s: float
    by_episode: NDArray[np.float64]
    bound: float | None = None
    proven: int | None = None
    illegal: int = 0

    def against(self, other: CrossDomainResult) -> Estimate:
        """Paired difference in availability.

        Raises:
            InvalidRequest: they did not see the same episodes.
        """
        for key in ("scenario", "network", "requests", "episodes", "seed"):
            if (mine := getattr(self, key)) != (theirs := getattr(other, key)):
                raise InvalidRequest(f"not the same episodes: {key} {mine} and {theirs}")
        return paired_difference(self.by_episode, other.by_episode)

    def share_of(self, optimum: CrossDomainResult) -> Estimate | None:
        """Served requests for each that the other policy serves; None where it serves none."""
        served = np.rint(optimum.by_episode * optimum.requests).astype(np.int64)
        return ratio_of(self.by_episode * self.requests, served)

    def as_json(self) -> dict[str, object]:
        """All but the single episodes."""
        plain = ("scenario", "network", "requests", "policy", "episodes", "seed")
        values: dict[str, object] = {key: getattr(self, key) for key in plain}
        for key in ("availability", "weighted_cost", "latency_ms", "price_eur_per_h"):
            mean: Estimate | None = getattr(self, key)
            values[key] = None if mean is None else mean.as_json()
        return values | {key: getattr(self, key) for key in ("illegal", "cpu_s", "bound", "proven")}


def fixed_episodes(task: Task, seed: int, first: int, count: int) -> Episodes:
    """Episodes first .. first + count - 1 of a seed; number e is the same whatever the range."""
    episodes = range(first, first + count)
    return task.draw([np.random.default_rng((seed, episode, _EVALUATION)) for episode in episodes])


def evaluate_crossdomain(
    scenario: str | Scenario | Task,
    policy: str | Policy,
    episodes: int,
    seed: int,
    progress: Progress | None = None,
) -> CrossDomainResult:
    """Plays fixed episodes, the same ones for every policy.

    `policy`: a reference's name, "mappo" or a folder for trained ones, or anything that acts.

    Raises:
        InvalidRequest: a scenario, policy or size that there is not.
        PolicyUnusable: a trained policy that is damaged, or made for something else.
    """
    if not 1 <= episodes <= EPISODES_MAX:
        raise InvalidRequest(f"episodes must be 1..{EPISODES_MAX}, not {episodes}")
    if seed < 0:
        raise InvalidRequest(f"seed must be 0 or more, not {seed}")
    if not isinstance(scenario, Task):
        scenario = (scenario_of(scenario) if isinstance(scenario, str) else scenario).task()
    task, started = scenario, time.process_time()
    acting = _acting(policy, task, seed)
    batches = []
    for first in range(0, episodes, EPISODES_PER_BATCH):
        count = min(EPISODES_PER_BATCH, episodes - first)
        batches.append(_play(acting, task, fixed_episodes(task, seed, first, count)))
        if progress is not None:
            progress(first + count, episodes)
    columns = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    served = columns["served"]
    plans = getattr(acting, "plans", [])[-episodes:]
    counts = served.astype(np.int64)
    return CrossDomainResult(
        scenario=task.scenario.name,
        network=task.network.name,
        requests=task.requests,
        policy=acting.name,
        episodes=episodes,
        seed=seed,
        availability=mean_of(served / task.requests),
        weighted_cost=ratio_of(columns["weighted_cost"], counts),
        latency_ms=ratio_of(columns["latency_us"] / 1e3, counts),
        price_eur_per_h=ratio_of(columns["price_micros"] / 1e6, counts),
        cpu_s=time.process_time() - started,
        by_episode=served / task.requests,
        bound=float(np.mean([plan.bound for plan in plans])) / task.requests if plans else None,
        proven=sum(plan.proven for plan in plans) if plans else None,
        illegal=getattr(acting, "illegal", 0),
    )


def _acting(policy: str | Policy, task: Task, seed: int) -> Policy:
    if not isinstance(policy, str):
        return policy
    return trained(policy, task) if is_trained(policy) else policy_of(policy, seed)


def _play(policy: Policy, task: Task, episodes: Episodes) -> dict[str, NDArray[np.float64]]:
    """Sums per episode, [len(episodes)] each."""
    core: CrossDomain = task.core(len(episodes))
    core.start(np.arange(len(episodes)), episodes)
    policy.begin(core)
    while not core.done.all():
        core.step(policy.act(core))
    told = {
        "weighted_cost": core.cost,
        "latency_us": core.latency_us,
        "price_micros": core.price_micros,
    }
    sums = {name: value.sum(axis=1).astype(np.float64) for name, value in told.items()}
    return sums | {"served": core.served.astype(np.float64)}
