"""The values that pass from step to step, each frozen, each with its units in its names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Final, Literal

from domains.model import (
    AbstractLink,
    Attribute,
    DomainKind,
    Isolation,
    Metrics,
    NetworkFunction,
    Offer,
    Relaxation,
    SliceProfile,
)

TypeLabel = Literal["eMBB", "URLLC", "MIoT", "V2X", "HMTC", "HDLLC"]
"""Slice types as people and the labelled sentences write them."""


class SliceType(IntEnum):
    """Standardised SST values, 3GPP TS 23.501 table 5.15.2.2-1."""

    EMBB = 1
    URLLC = 2
    MIOT = 3
    V2X = 4
    HMTC = 5
    HDLLC = 6

    @property
    def label(self) -> TypeLabel:
        return _LABELS[self]


_LABELS: Final[Mapping[SliceType, TypeLabel]] = {
    SliceType.EMBB: "eMBB",
    SliceType.URLLC: "URLLC",
    SliceType.MIOT: "MIoT",
    SliceType.V2X: "V2X",
    SliceType.HMTC: "HMTC",
    SliceType.HDLLC: "HDLLC",
}


@dataclass(frozen=True, slots=True)
class Preference:
    """What matters to the tenant: weights over four qualities that sum to 1."""

    latency: float = 0.25
    reliability: float = 0.25
    throughput: float = 0.25
    economics: float = 0.25


@dataclass(frozen=True, slots=True)
class ServiceLink:
    """A link of a service graph (ETSI GR NGP 011); `DEVICES` stands for the tenant's devices."""

    source: str
    target: str
    capacity_kbps: int


DEVICES = "devices"


@dataclass(frozen=True, slots=True)
class ServiceProfile:
    """End-to-end requirements of one service (3GPP TS 28.541 `ServiceProfile`).

    Attributes:
        latency_us_max: one way, from the device to the application (RAN + TN + CN + cloud).
        downlink_kbps, uplink_kbps: guaranteed, for the whole slice.
        origin: the coverage area of the devices; destination: the area where the application
            runs, or "" where the coordinator may choose.
        price_micros_max: per hour, or None.
    """

    name: str
    slice_type: SliceType
    latency_us_max: int
    availability_ppb_min: int
    downlink_kbps: int
    uplink_kbps: int
    devices: int
    isolation: Isolation
    origin: str
    destination: str = ""
    price_micros_max: int | None = None
    preference: Preference = Preference()
    functions: tuple[NetworkFunction, ...] = ()
    links: tuple[ServiceLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """A typed request beside words: fields in `stated` are the tenant's, the others say nothing.

    `name` pairs it with a described service; "" goes by its place.
    """

    name: str
    profile: ServiceProfile
    stated: tuple[str, ...]

    def over(self, described: ServiceProfile) -> ServiceProfile:
        """What the words describe, with what is typed in its place: typed fields win."""
        changes = {field: getattr(self.profile, field) for field in self.stated}
        return replace(described, **changes)


class Source(StrEnum):
    """Where a value came from; only STATED ones are the tenant's own."""

    STATED = "stated"
    INFERRED = "inferred"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value and why it stands: the tenant's words, or a clause of a standard.

    Attributes:
        key: as in the labelled sentences: latency_ms, dl_mbps, num_ues, availability_pct, ...
        words: the span of the text, `text[start:end]`, for STATED values; else "".
        clause: document and clause, for INFERRED values; why it was assumed, for DEFAULT ones.
    """

    key: str
    value: float | str
    source: Source
    words: str = ""
    start: int = 0
    end: int = 0
    clause: str = ""


class Action(StrEnum):
    """What a sentence asks for."""

    CREATE = "create"
    MODIFY = "modify"
    QUERY = "query"
    TERMINATE = "terminate"
    CLARIFY = "clarify"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Service:
    """One service found in a sentence, before it becomes a profile.

    Attributes:
        words: what the sentence says of it, masked: what memory knows it by; "" without memory.
    """

    name: str
    slice_type: SliceType
    preference: Preference
    evidence: tuple[Evidence, ...]
    words: str = ""

    def value(self, key: str) -> float | str | None:
        """The value under `key`, stated before inferred before default, or None."""
        for source in Source:
            for item in self.evidence:
                if item.key == key and item.source is source:
                    return item.value
        return None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Something that was retrieved because it means nearly the same as the tenant's words.

    Attributes:
        text: what was stored, personal data masked; source: "catalogue", "history", "outcomes".
        similarity: cosine, -1 to 1; weight: the same after ageing, what it counts for.
    """

    text: str
    source: str
    slice_type: SliceType
    preference: Preference
    similarity: float
    weight: float
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What a sentence means; `engine` names who said so, `neighbours` what it was grounded on."""

    action: Action
    services: tuple[Service, ...]
    questions: tuple[str, ...] = ()
    explanation: str = ""
    engine: str = "rules"
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True)
class Hop:
    """One domain's stretch of a chain, with the best it advertises for it."""

    domain: str
    kind: DomainKind
    link: AbstractLink

    @property
    def ingress(self) -> str:
        return self.link.ingress

    @property
    def egress(self) -> str:
        return self.link.egress


Chain = tuple[Hop, ...]
"""From the devices to the application; neighbours share a border point."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One hop of an agreement: who, what was asked of it, which offer was taken."""

    hop: Hop
    profile: SliceProfile
    offer: Offer


@dataclass(frozen=True, slots=True)
class Agreement:
    """A combination of offers that keeps a service profile, proved by `metrics`."""

    service: ServiceProfile
    choices: tuple[Choice, ...]
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class ServiceRelaxation:
    """One end-to-end attribute that must give, and the domain that makes it so."""

    service: str
    relaxation: Relaxation
    domain: str
    at_domain: Relaxation


@dataclass(frozen=True, slots=True)
class Proposal:
    """The smallest relaxed service profile that can be kept, and how."""

    relaxations: tuple[ServiceRelaxation, ...]
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Refusal:
    """No relaxation helps: what cannot be had, where, and the best that can."""

    service: str
    domain: str
    attribute: Attribute
    requested: int
    achievable: int
    unit: str
    text: str


class SliceState(StrEnum):
    """REQUESTED, RESERVED, ACTIVATED, TERMINATED, as in 3GPP TS 28.541 and CAMARA."""

    REQUESTED = "requested"
    RESERVED = "reserved"
    ACTIVATED = "activated"
    TERMINATED = "terminated"

    @property
    def standing(self) -> bool:
        """Whether every domain holds the slice's capacity: in use, or RESERVED and standing by."""
        return self in (SliceState.RESERVED, SliceState.ACTIVATED)


MenuKey = tuple[str, str, str]
"""Domain, ingress, egress: what a menu was asked for."""

Budgets = Mapping[MenuKey, SliceProfile]
