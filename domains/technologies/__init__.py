"""What a domain can do for a slice profile, per technology: pure functions over integers.

A technology turns a slice profile into *options*, each a promise (latency, availability, price)
with what it takes from the ledger. Promises hold whoever arrives later: latency follows from the
slice's own reserved share and configuration, never from the present load. Every share is a
rate-latency server fed by a token bucket (RFC 2212 clause 2, without the per-hop error terms,
which the fixed delays contain):

    latency <= fixed delay + burst / reserved rate

Unavailabilities in series are added (an upper bound on what adding up exactly would give), those
of two that stand in for each other are multiplied; both round against the domain.

Resource names and option keys are inner: they never leave the domain.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from domains.model import (
    PPB,
    DomainKind,
    FunctionInstance,
    Isolation,
    Metrics,
    NetworkFunction,
    SliceProfile,
)

Free = Callable[[str], int]
"""Free units of a ledger resource, by inner name."""

LOADS_MAX = 128
"""Loads whose candidates a technology remembers; each takes up to 20 kB."""

PERMILLE = 1_000
US_PER_MS = 1_000
NS_PER_US = 1_000


@dataclass(frozen=True, slots=True)
class Option:
    """One way to serve a slice profile.

    Attributes:
        key: which configuration, the same one for the same load; inner.
        demand: ledger resource -> units; inner.
        functions: what runs for the slice, under outward names.
    """

    key: str
    metrics: Metrics
    demand: Mapping[str, int]
    functions: tuple[FunctionInstance, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """From where to where a domain serves, and bounds that no option of it beats.

    Attributes:
        routes: alternatives, each the ledger resources it needs; inner.
    """

    ingress: str
    egress: str
    latency_us_min: int
    availability_ppb_max: int
    routes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Load:
    """What of a slice profile decides an allocation: all but the budgets."""

    ingress: str
    egress: str
    downlink_kbps: int
    uplink_kbps: int
    devices: int
    isolated: bool
    functions: tuple[NetworkFunction, ...]
    fabric_kbps: int

    @property
    def peak_kbps(self) -> int:
        """The larger direction: pipes and ports are symmetric and full duplex."""
        return max(self.downlink_kbps, self.uplink_kbps, 1)

    def metrics(self, latency_us: int, unavailable_ppb: int, price_micros: int) -> Metrics:
        """A promise for exactly this load."""
        return Metrics(
            latency_us,
            max(PPB - unavailable_ppb, 0),
            self.downlink_kbps,
            self.uplink_kbps,
            self.devices,
            price_micros,
        )


class Technology(ABC):
    """One kind of domain. Configuration is fixed at construction; all else is an argument."""

    kind: ClassVar[DomainKind]

    @property
    @abstractmethod
    def border_points(self) -> tuple[str, ...]:
        """Where neighbours meet this domain."""

    @property
    def areas(self) -> tuple[str, ...]:
        """Areas covered: `city` or `city/district`."""
        return ()

    @property
    def zones(self) -> Mapping[str, str]:
        """Compute zone -> area."""
        return {}

    @abstractmethod
    def capacities(self) -> Mapping[str, int]:
        """Ledger resource -> units."""

    @abstractmethod
    def reaches(self) -> Sequence[Reach]:
        """Every pair of ends that this domain connects."""

    @abstractmethod
    def candidates(self, profile: SliceProfile, free: Free) -> Sequence[Option]:
        """All configurations for the load of `profile`, whether or not there is room for them.

        Cheapest first (`cheapest_first`). `free` only decides *where* equal resources are taken.
        Empty where the domain does not connect the two ends or could not even when empty.
        """

    def options(self, profile: SliceProfile, free: Free) -> Sequence[Option]:
        """Every Pareto-optimal option that there is room for now, cheapest first."""
        return front(self.candidates(profile, free), free)


def fits(option: Option, free: Free) -> bool:
    """Whether there is room for all that the option takes."""
    for resource, units in option.demand.items():  # noqa: SIM110 - the hottest loop of a domain
        if free(resource) < units:
            return False
    return True


class Staircase:
    """The best latencies and unavailabilities among what costs no more: Pareto front as steps."""

    __slots__ = ("_latency_us", "_unavailable_ppb")

    def __init__(self) -> None:
        self._latency_us: list[int] = []  # ascending
        self._unavailable_ppb: list[int] = []  # descending

    def covers(self, latency_us: int, unavailable_ppb: int) -> bool:
        """Whether something added is at least as good in both."""
        at = bisect_right(self._latency_us, latency_us)
        return at > 0 and self._unavailable_ppb[at - 1] <= unavailable_ppb

    def add(self, latency_us: int, unavailable_ppb: int) -> None:
        """Note something that is not covered."""
        start = bisect_left(self._latency_us, latency_us)
        end = start
        while end < len(self._latency_us) and self._unavailable_ppb[end] >= unavailable_ppb:
            end += 1
        self._latency_us[start:end] = [latency_us]
        self._unavailable_ppb[start:end] = [unavailable_ppb]


def front(candidates: Iterable[Option], free: Free) -> tuple[Option, ...]:
    """Those that fit and that no other one that fits beats or equals in everything.

    Expects `cheapest_first` order, so only an earlier candidate can dominate a later one.
    """
    kept: list[Option] = []
    steps = Staircase()
    for option in candidates:
        latency_us = option.metrics.latency_us
        unavailable_ppb = PPB - option.metrics.availability_ppb
        if not steps.covers(latency_us, unavailable_ppb) and fits(option, free):
            kept.append(option)
            steps.add(latency_us, unavailable_ppb)
    return tuple(kept)


def cheapest_first(options: Iterable[Option]) -> tuple[Option, ...]:
    """By price, then latency, then availability; stable."""
    return tuple(sorted(options, key=_rank))


def _rank(option: Option) -> tuple[int, int, int]:
    metrics = option.metrics
    return metrics.price_micros, metrics.latency_us, -metrics.availability_ppb


def load_of(profile: SliceProfile) -> Load:
    """The part of a profile that allocations depend on."""
    return Load(
        profile.ingress,
        profile.egress,
        profile.downlink_kbps,
        profile.uplink_kbps,
        profile.devices,
        profile.isolation is Isolation.ISOLATED,
        profile.functions,
        profile.fabric_kbps,
    )


def ceil_div(amount: int, unit: int) -> int:
    """The smallest number of units that holds the amount."""
    return -(-amount // unit)


def both_fail_ppb(first_ppb: int, second_ppb: int) -> int:
    """Unavailability of two that stand in for each other and fail independently."""
    return ceil_div(first_ppb * second_ppb, PPB)


class Section(BaseModel):
    """A table of a configuration file: unknown keys, NaN and changes are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
"""A public or inner name: lower-case words joined by hyphens."""

Area = Annotated[str, Field(pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)?$", max_length=64)]
"""`city` or `city/district`."""

Ppb = Annotated[int, Field(ge=0, lt=PPB)]
"""An unavailability, in parts per billion."""

Micros = Annotated[int, Field(ge=0, le=10**12)]
"""A unit price, in millionths of a euro per hour: at most a million euros."""

Microseconds = Annotated[int, Field(ge=0, le=10**7)]
Count = Annotated[int, Field(ge=1, le=10**7)]
Kilometres = Annotated[int, Field(ge=0, le=5_000)]


class Traffic(Section):
    """How a slice may burst beyond its guaranteed rate: its token bucket.

    The bucket holds one largest message, or what the guaranteed rate produces in one interval,
    whichever is more.
    """

    message_bytes: int = Field(ge=64, le=65_535)
    interval_us: int = Field(ge=1, le=1_000_000)

    def burst_bits(self, rate_kbps: int) -> int:
        """Size of the bucket for a guaranteed rate."""
        return max(self.message_bytes * 8, ceil_div(rate_kbps * self.interval_us, US_PER_MS))


class Fibre(Section):
    """Glass between two places.

    Attributes:
        route_factor_permille: cable length over air distance; 1000 where lengths are measured.
    """

    delay_ns_per_km: int = Field(ge=3_336, le=6_000)
    route_factor_permille: int = Field(ge=PERMILLE, le=3_000)
    unavailable_ppb_per_km: int = Field(ge=0, le=10**6)

    def delay_us(self, air_metres: int) -> int:
        """One way, rounded up."""
        metres = ceil_div(air_metres * self.route_factor_permille, PERMILLE)
        return ceil_div(metres * self.delay_ns_per_km, 10**6)

    def unavailable_ppb(self, air_metres: int) -> int:
        """Chance that the cable is cut, rounded up."""
        metres = ceil_div(air_metres * self.route_factor_permille, PERMILLE)
        return ceil_div(metres * self.unavailable_ppb_per_km, PERMILLE)
