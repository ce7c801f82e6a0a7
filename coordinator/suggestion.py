"""Which network functions a service would run through: for requests that no catalogue entry fits.

A suggestion and no more: each domain decides what it really instantiates (step 8). Rules over the
service profile, each with the clause that gives a reason for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from coordinator.model import ServiceProfile, SliceType
from domains.model import PPB, DomainKind, Isolation

EDGE_LATENCY_US = 20_000
"""Below this one way, a detour over a central site costs more than the budget has."""
REDUNDANT_PPB = PPB - 1_000
"""From 99.9999 % on, one path alone rarely keeps the promise."""
MASSIVE_DEVICES = 10_000


@dataclass(frozen=True, slots=True)
class SuggestedFunction:
    """One function, in the order in which user data meets it; control functions come last.

    Attributes:
        domain: which kind of domain would host it.
        dedicated: an instance of the slice's own, not one shared with others.
    """

    name: str
    domain: DomainKind
    purpose: str
    clause: str
    dedicated: bool = False


def suggested_functions(profile: ServiceProfile) -> tuple[SuggestedFunction, ...]:
    """A chain from the device to the application, then what controls it."""
    return (*_radio(profile), *_user_plane(profile), *_application(profile), *_control(profile))


def _radio(profile: ServiceProfile) -> Iterator[SuggestedFunction]:
    own = profile.isolation is Isolation.ISOLATED
    yield SuggestedFunction(
        "gNB-DU", DomainKind.ACCESS, "radio scheduling for the slice", "TS 38.401 clause 6.1.2"
    )
    yield SuggestedFunction(
        "gNB-CU-UP", DomainKind.ACCESS, "user data of the cells", "TS 38.401 clause 6.1.2", own
    )


def _user_plane(profile: ServiceProfile) -> Iterator[SuggestedFunction]:
    own = profile.isolation is Isolation.ISOLATED
    if profile.latency_us_max <= EDGE_LATENCY_US:
        yield SuggestedFunction(
            "UPF (edge)",
            DomainKind.CORE,
            "breaks traffic out near the devices: the latency leaves no room for a detour",
            "TS 23.501 clause 5.13",
            own,
        )
    else:
        yield SuggestedFunction(
            "UPF", DomainKind.CORE, "anchors the sessions", "TS 23.501 clause 6.2.3", own
        )
    if profile.availability_ppb_min >= REDUNDANT_PPB:
        yield SuggestedFunction(
            "second UPF",
            DomainKind.CORE,
            "a redundant path: the availability is beyond that of one",
            "TS 23.501 clause 5.33.2",
            own,
        )
    if profile.slice_type is SliceType.HMTC:
        yield SuggestedFunction(
            "NW-TT",
            DomainKind.CORE,
            "makes the slice one bridge of a time-sensitive network",
            "TS 23.501 clause 5.28",
            own,
        )


def _application(profile: ServiceProfile) -> Iterator[SuggestedFunction]:
    if profile.slice_type is SliceType.V2X:
        yield SuggestedFunction(
            "V2X application server",
            DomainKind.CLOUD,
            "messages between vehicles and the roadside",
            "TS 23.287 clause 4.2",
        )
    for function in profile.functions:
        compute = f"{function.cpu_millicores / 1000:g} vCPU, {function.memory_mib / 1024:g} GiB"
        yield SuggestedFunction(
            function.function_type,
            DomainKind.CLOUD,
            f"the application itself, {compute}",
            "ETSI GR NGP 011 service graph",
            dedicated=True,
        )


def _control(profile: ServiceProfile) -> Iterator[SuggestedFunction]:
    own = profile.isolation is Isolation.ISOLATED
    yield SuggestedFunction(
        "AMF", DomainKind.CORE, "registers the devices, shared", "TS 23.501 clause 6.2.1"
    )
    yield SuggestedFunction(
        "SMF", DomainKind.CORE, "sets up sessions, selects UPFs", "TS 23.501 clause 6.2.2", own
    )
    if profile.slice_type is SliceType.MIOT or profile.devices >= MASSIVE_DEVICES:
        yield SuggestedFunction(
            "NEF",
            DomainKind.CORE,
            "carries small non-IP data of many devices",
            "TS 23.501 clause 5.31.5",
        )
    yield SuggestedFunction(
        "NSACF",
        DomainKind.CORE,
        f"keeps the slice within {profile.devices:,} devices",
        "TS 23.501 clause 5.15.11",
    )
