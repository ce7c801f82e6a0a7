"""The published language of a domain: frozen values, integers with their unit in the name.

Every quantity is an integer so that budgets add up exactly and two parties never disagree about
a rounding:

    latency_us        one way, microseconds
    availability_ppb  parts per billion: 99.999 % is 999_990_000
    *_kbps            kbit/s, the unit of 3GPP TS 28.541 `dLThptPerSlice.guaThpt`
    price_micros      millionths of a euro per hour
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PPB = 1_000_000_000
"""Availability of one, in parts per billion."""


class DomainKind(StrEnum):
    """What an administrative domain contributes to an end-to-end slice."""

    ACCESS = "access"
    TRANSPORT = "transport"
    CORE = "core"
    CLOUD = "cloud"


class Isolation(StrEnum):
    """GSMA NG.116 "isolation level", reduced to what changes an allocation.

    ISOLATED means own network function instances and an own, un-pooled share of every resource.
    """

    SHARED = "shared"
    ISOLATED = "isolated"


class Attribute(StrEnum):
    """What can be asked for and therefore be relaxed; the value is the name users read."""

    LATENCY = "latency"
    AVAILABILITY = "availability"
    DOWNLINK = "downlink"
    UPLINK = "uplink"
    DEVICES = "devices"
    PRICE = "price"
    ISOLATION = "isolation"
    AREA = "area"
    COMPUTE = "compute"


UNIT: Mapping[Attribute, str] = {
    Attribute.LATENCY: "us",
    Attribute.AVAILABILITY: "ppb",
    Attribute.DOWNLINK: "kbit/s",
    Attribute.UPLINK: "kbit/s",
    Attribute.DEVICES: "devices",
    Attribute.PRICE: "micro-EUR/h",
    Attribute.ISOLATION: "",
    Attribute.AREA: "",
    Attribute.COMPUTE: "millicores",
}


@dataclass(frozen=True, slots=True)
class NetworkFunction:
    """A node of a service graph (ETSI GR NGP 011): one function and the compute it needs."""

    name: str
    function_type: str
    cpu_millicores: int
    memory_mib: int
    storage_gib: int


@dataclass(frozen=True, slots=True)
class SliceProfile:
    """One domain's share of an end-to-end service (3GPP TS 28.541 `SliceProfile`).

    Attributes:
        ingress: where traffic enters, seen from the devices: a coverage area (access) or a
            border point.
        egress: where it leaves: a border point, or a compute zone (cloud).
        latency_us_max: one-way budget between the two.
        functions: network functions to host in this domain; empty where none are wanted.
        fabric_kbps: capacity between those functions, inside the domain.
    """

    ingress: str
    egress: str
    latency_us_max: int
    availability_ppb_min: int
    downlink_kbps: int
    uplink_kbps: int
    devices: int
    isolation: Isolation
    functions: tuple[NetworkFunction, ...] = ()
    fabric_kbps: int = 0


@dataclass(frozen=True, slots=True)
class Metrics:
    """What an offer promises; every value is a bound that the domain keeps."""

    latency_us: int
    availability_ppb: int
    downlink_kbps: int
    uplink_kbps: int
    devices: int
    price_micros: int


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One named attribute that falls short: what was asked, what can be had (in `UNIT`)."""

    attribute: Attribute
    requested: int
    achievable: int

    @property
    def unit(self) -> str:
        return UNIT[self.attribute]


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing a domain can promise for a slice profile: exact, or with named relaxations.

    `offer_id` is a code over the load, the inner choice, the price and for whom, until when it
    stands, made with a secret of the domain: it keeps no state for an offer and recognises the id
    when it recomputes its choices.
    """

    offer_id: str
    metrics: Metrics
    relaxations: tuple[Relaxation, ...] = ()

    @property
    def exact(self) -> bool:
        return not self.relaxations


@dataclass(frozen=True, slots=True)
class Counter:
    """What is answered to a bid that does not settle: the offer declined, and what would do.

    The wanted budgets are those of the profile that it comes with.

    Attributes:
        round: the one that this begins; the first menu was round 0.
        offer: one of the round before, as it was made: proof that it took place.
        price_micros_target: at which `offer` would be taken; None where the price is not what
            stands in the way.
    """

    round: int
    offer: Offer
    price_micros_target: int | None = None


@dataclass(frozen=True, slots=True)
class Menu:
    """A domain's answer to one slice profile: offers, the exact ones first, each part cheapest
    first.

    An empty menu always says why: `refusal` names the attribute that cannot be had at all.

    Attributes:
        round: which one this answers.
        negotiable: what a counter might still better; empty where this is the last word.
        rationale: one sentence of the domain's agent, for people to read and nothing else.
    """

    profile: SliceProfile
    offers: tuple[Offer, ...]
    refusal: Relaxation | None = None
    refusal_text: str = ""
    round: int = 0
    negotiable: tuple[Attribute, ...] = ()
    rationale: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """Where a segment meets its neighbour: 3GPP TS 28.541 `EP_Transport` logical interface.

    `label` is the MPLS label (RFC 3032, 20 bits, 16..1048575) that both neighbours must use.
    """

    border_point: str
    label: int


LABEL_MIN, LABEL_MAX = 16, (1 << 20) - 1


class HoldState(StrEnum):
    """HELD until its TTL; then exactly one of the others, for good.

    In the words of TS 28.541 `FeasibilityCheckAndReservationJob.resourceReservationStatus`:
    HELD is RESERVED, CONFIRMED is USED, RELEASED and LAPSED are UNRESERVED.
    """

    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    LAPSED = "lapsed"

    @property
    def live(self) -> bool:
        """Whether capacity is set aside in this state."""
        return self in (HoldState.HELD, HoldState.CONFIRMED)


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """What a coordinator asks a domain to set aside.

    Attributes:
        hold_id: derived by the caller (uuid5), so a repeated request is recognised.
        slice_id: the end-to-end slice; `tenant`: for whom, for the domain's own policy.
        attachments: transport identifiers at the border points of this segment.
        ttl_s: how long the domain keeps an unconfirmed hold, on the domain's own clock.
        epoch: the coordinator's incarnation; a lower one than seen before is refused.
        replaces: a confirmed hold of the same slice that this one shall take over from. Both
            are charged together at the larger of the two per resource until one is released.
    """

    hold_id: str
    slice_id: str
    tenant: str
    profile: SliceProfile
    offer: Offer
    attachments: tuple[Attachment, ...]
    ttl_s: float
    epoch: int
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionInstance:
    """A network function that runs for a segment, under a name that reveals nothing inner."""

    name: str
    function_type: str
    dedicated: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Capacity set aside; once confirmed it is a segment, the domain's part of a slice.

    `expire_time_s` is seconds since the epoch on the domain's clock, for people to read; other
    parties reckon with the TTL they asked for. While it is not `active` its functions stand still
    and its capacity is kept.
    """

    hold_id: str
    slice_id: str
    tenant: str
    state: HoldState
    profile: SliceProfile
    offer: Offer
    attachments: tuple[Attachment, ...]
    expire_time_s: float
    replaces: str | None = None
    functions: tuple[FunctionInstance, ...] = ()
    active: bool = True


class Bucket(StrEnum):
    """How much is left, coarsely: a domain never shows exact residuals."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class AbstractLink:
    """A promise of the kind "from here to there, at best so": no path, no inner node.

    `ingress` is a coverage area (access) or a border point, `egress` a border point or a compute
    zone (cloud). Values are the best that the domain would offer to an empty network.
    """

    ingress: str
    egress: str
    latency_us_min: int
    availability_ppb_max: int
    residual: Bucket
    price_micros_from: int


@dataclass(frozen=True, slots=True)
class AbstractTopology:
    """All that a domain shows of itself.

    Attributes:
        areas: coverage areas served (access only), for example `berlin` or `berlin/mitte`.
        zones: compute zones, with the area each is in.
        epoch: rises with every change, so that a watcher knows a stale copy.
    """

    domain: str
    kind: DomainKind
    operator: str
    epoch: int
    border_points: tuple[str, ...]
    links: tuple[AbstractLink, ...]
    areas: tuple[str, ...] = ()
    zones: Mapping[str, str] = field(default_factory=dict)
    isolation: tuple[Isolation, ...] = (Isolation.SHARED, Isolation.ISOLATED)
