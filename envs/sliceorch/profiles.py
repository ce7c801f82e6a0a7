"""The IIoT case study's constants and profiles.

Every number of the set-up is stated in arXiv:2512.20997, section IV-B. What the text leaves open
(size of the node pool, length of a chain) is what the four profiles fix.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LOCAL_CPU_UNITS: Final = 40
LOCAL_MEMORY_UNITS: Final = 30
BOOT_MS: Final = 30.0
LOCAL_COST: Final = 30.0
CLOUD_COST: Final = 10.0
NODE_DELAY_MS: Final = (10.0, 15.0)
NODE_COST: Final = (2.0, 4.0)
# Delays and costs are drawn on a binary grid: their sums are exact, in any order and as integers.
GRID: Final = 1024

# Two kinds of demand, equally likely: (cpu min, cpu max, memory min, memory max), in units.
DEMANDS: Final = ((2, 5, 2, 4), (3, 6, 3, 6))
# Tiers, drawn independently and uniformly; the strictest first.
LATENCY_TIERS_MS: Final = (30.0, 100.0, 150.0)
SHARING_TIERS: Final = (1.0, 2.0, 4.0)
COST_TIERS: Final = (25.0, 40.0)
# What a tier says about the tenant's preference, before its three scores are made to sum to 1.
LATENCY_SCORES: Final = (1.0, 0.5, 0.25)
SHARING_SCORES: Final = (1.0, 0.5, 0.25)
COST_SCORES: Final = (1.0, 0.5)
# Brings the three terms of the weighted cost J to the same order of magnitude.
LATENCY_SCALE_MS: Final = 100.0
SHARING_SCALE: Final = 3.0
COST_SCALE: Final = 40.0

REQUESTS_MAX: Final = 1000
SHARING_MAX: Final = int(max(SHARING_TIERS))


class Mask(StrEnum):
    """Which actions are legal; anything else refuses the slice."""

    SLA = "sla"  # no bound of this slice or of an earlier one can be broken
    BASIC = "basic"  # what the infrastructure can do, bounds or not; never a refusal
    NONE = "none"  # advertises every action


@dataclass(frozen=True, slots=True)
class Profile:
    """One variant of the case study.

    `nodes` VNF nodes in the pool; a cloud slice takes `chain_min`..`chain_max` distinct ones;
    `requests` is the default length of an episode and `load_erlang` the default offered load
    (mean number of slices alive if all were placed) where slices depart.
    """

    name: str
    nodes: int
    chain_min: int
    chain_max: int
    requests: int
    load_erlang: float

    def __post_init__(self) -> None:
        assert 1 <= self.chain_min <= self.chain_max <= self.nodes

    @property
    def interchangeable(self) -> bool:
        """Whether any chain keeps every bound but the strictest latency: nodes differ in J only."""
        latency_ms = BOOT_MS + self.chain_max * NODE_DELAY_MS[1]
        cost = CLOUD_COST + self.chain_max * NODE_COST[1]
        return latency_ms <= LATENCY_TIERS_MS[1] and cost <= COST_TIERS[0]


PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile("C1", nodes=24, chain_min=1, chain_max=2, requests=20, load_erlang=20.0),
        Profile("C2", nodes=16, chain_min=3, chain_max=3, requests=20, load_erlang=20.0),
        Profile("C3", nodes=30, chain_min=2, chain_max=5, requests=20, load_erlang=20.0),
        Profile("C4", nodes=16, chain_min=3, chain_max=3, requests=30, load_erlang=30.0),
    )
}


def profile_of(profile: str | Profile) -> Profile:
    """The profile of that name (any case); ValueError names the ones there are."""
    if isinstance(profile, Profile):
        return profile
    found = PROFILES.get(profile.upper())
    if found is None:
        raise ValueError(f"unknown profile {profile!r}: one of {', '.join(PROFILES)}")
    return found


def mask_of(mask: str | Mask | None) -> Mask:
    """The mask of that name; None means no mask."""
    if mask is None:
        return Mask.NONE
    try:
        return Mask(mask)
    except ValueError:
        raise ValueError(f"unknown mask {mask!r}: one of {', '.join(Mask)}") from None
