"""The case study's fixed episodes, and how a policy does on them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.sliceorch.core import REFUSED, SliceOrchestration
from envs.sliceorch.instances import Instances, draw
from envs.sliceorch.policies import Policy, policy_of
from envs.sliceorch.policies.learned import is_learned, learned
from envs.sliceorch.profiles import REQUESTS_MAX, Mask, Profile, profile_of
from envs.statistics import Estimate, mean_of, paired_difference, ratio_of

EPISODES_MAX: Final = 1_000_000
# Episodes played at once. Part of what a seed means for a policy that draws numbers.
EPISODES_PER_BATCH: Final = 250
# Keeps the evaluation's episodes apart from those of any training seed.
_EVALUATION: Final = 0x1107

Progress = Callable[[int, int], None]  # episodes done, of how many


@dataclass(frozen=True, slots=True)
class IiotResult:
    """One policy on E fixed episodes of the case study.

    availability: served / requests. latency_ms, cost, sharing (nodes shared) and weighted_cost (J)
    are per placed slice: policies that place differently differ in what they are averaged over.
    by_episode: availability of each episode, [E]. bound and proven: what a clairvoyant could reach
    at most, on average, and on how many episodes the policy reached it; None where not known.
    """

    environment: str
    profile: str
    requests: int
    policy: str
    mask: str
    episodes: int
    seed: int
    availability: Estimate
    latency_ms: Estimate | None
    cost: Estimate | None
    sharing: Estimate | None
    weighted_cost: Estimate | None
    illegal: int
    cpu_s: float
    by_episode: NDArray[np.float64]
    bound: float | None = None
    proven: int | None = None

    def against(self, other: "IiotResult") -> Estimate:
        """Paired difference in availability; ValueError unless both saw the same episodes."""
        for key in ("environment", "profile", "requests", "episodes", "seed"):
            if (mine := getattr(self, key)) != (theirs := getattr(other, key)):
                raise ValueError(f"not the same episodes: {key} {mine} and {theirs}")
        return paired_difference(self.by_episode, other.by_episode)

    def as_json(self) -> dict[str, object]:
        """All but the single episodes."""
        means = ("availability", "latency_ms", "cost", "sharing", "weighted_cost")
        plain = ("environment", "profile", "requests", "policy", "mask", "episodes", "seed")
        values: dict[str, object] = {key: getattr(self, key) for key in plain}
        for key in means:
            mean: Estimate | None = getattr(self, key)
            values[key] = None if mean is None else mean.as_json()
        rest = ("illegal", "cpu_s", "bound", "proven")
        return values | {key: getattr(self, key) for key in rest}


def fixed_episodes(
    profile: Profile, requests: int, seed: int, first: int, count: int, load: float | None = None
) -> Instances:
    """Episodes first .. first + count - 1 of a seed; number e is the same whatever the range."""
    generators = [
        np.random.default_rng((seed, episode, _EVALUATION))
        for episode in range(first, first + count)
    ]
    return draw(profile, (requests,), generators, load)


def evaluate_iiot(
    profile: str | Profile,
    requests: int | None,
    policy: str | Policy,
    episodes: int,
    seed: int,
    departures: bool = False,
    progress: Progress | None = None,
    mask: Mask | None = None,
) -> IiotResult:
    """Plays `episodes` fixed episodes; the same ones for every policy.

    `policy` is a name, a file or folder of a training, or anything that acts; `requests` None is
    the profile's default. `mask`: for a trained policy, instead of the one of its training. Raises
    ValueError for a profile, policy, size or combination that there is not.
    """
    found = profile_of(profile)
    requests = found.requests if requests is None else requests
    _check(requests, episodes, seed)
    load = found.load_erlang if departures else None
    acting = _acting(policy, found, requests, seed, load, mask)
    started = time.process_time()
    batches = []
    for first in range(0, episodes, EPISODES_PER_BATCH):
        count = min(EPISODES_PER_BATCH, episodes - first)
        batches.append(
            _play(
                acting, found, requests, fixed_episodes(found, requests, seed, first, count, load)
            )
        )
        if progress is not None:
            progress(first + count, episodes)
    columns = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    served, placed = columns["served"], columns["placed"].astype(np.int64)
    # A clairvoyant policy has made one per episode, these last.
    plans = getattr(acting, "plans", [])[-episodes:]
    return IiotResult(
        environment=f"entente/SliceOrch-v{2 if departures else 1}",
        profile=found.name,
        requests=requests,
        policy=acting.name,
        mask=acting.mask.value,
        episodes=episodes,
        seed=seed,
        availability=mean_of(served / requests),
        latency_ms=ratio_of(columns["latency_ms"], placed),
        cost=ratio_of(columns["cost"], placed),
        sharing=ratio_of(columns["sharing"], placed),
        weighted_cost=ratio_of(columns["weighted_cost"], placed),
        illegal=int(columns["illegal"].sum()),
        cpu_s=time.process_time() - started,
        by_episode=served / requests,
        bound=None if not plans else float(np.mean([p.bound for p in plans])) / requests,
        proven=None if not plans else sum(p.proven for p in plans),
    )


def _acting(
    policy: str | Policy,
    profile: Profile,
    requests: int,
    seed: int,
    load: float | None,
    mask: Mask | None,
) -> Policy:
    if not isinstance(policy, str):
        return policy
    if is_learned(policy):
        return learned(policy, profile, requests, load is not None, mask)
    if mask is not None:
        raise ValueError(f"{policy} has a mask of its own; --mask is for trained policies")
    return policy_of(policy, seed, load)


def _check(requests: int, episodes: int, seed: int) -> None:
    if not 1 <= requests <= REQUESTS_MAX:
        raise ValueError(f"requests must be 1..{REQUESTS_MAX}, not {requests}")
    if not 1 <= episodes <= EPISODES_MAX:
        raise ValueError(f"episodes must be 1..{EPISODES_MAX}, not {episodes}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, not {seed}")


def _play(
    policy: Policy, profile: Profile, requests: int, instances: Instances
) -> dict[str, NDArray[np.float64]]:
    """Sums per episode, [len(instances)] each."""
    count = len(instances)
    core = SliceOrchestration(profile, requests, count, policy.mask)
    everyone = np.arange(count)
    core.load_instances(everyone, instances)
    policy.begin(core)
    while not core.done.all():
        core.step(policy.act(core))
    placed = core.placement > REFUSED
    values = {
        "latency_ms": core.latency_ms,
        "cost": core.price,
        "sharing": core.sharing(everyone),
        "weighted_cost": core.weighted_costs(everyone),
    }
    sums = {key: (value * placed).sum(axis=1).astype(float) for key, value in values.items()}
    return sums | {
        "served": core.served.astype(float),
        "placed": placed.sum(axis=1).astype(float),
        "illegal": core.illegal.astype(float),
    }
