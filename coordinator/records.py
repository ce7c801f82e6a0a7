"""What the coordinator remembers: orders and slices, and how they become journal snapshots."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from coordinator.model import Proposal, ServiceProfile, SliceState, Typed
from domains.errors import (
    EntenteError,
    InvalidRequest,
    NotFound,
    NotPermitted,
    Overloaded,
    Refused,
    StaleEpoch,
    Unreachable,
)
from domains.model import Attachment, FunctionInstance, Metrics


class OrderKind(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    TERMINATE = "terminate"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    ASSURE = "assure"


class OrderState(StrEnum):
    """NEGOTIATING -> (PROPOSED -> NEGOTIATING)* -> RESERVING -> DONE, or FAILED from any."""

    NEGOTIATING = "negotiating"
    PROPOSED = "proposed"
    RESERVING = "reserving"
    DONE = "done"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        return self in (OrderState.DONE, OrderState.FAILED)


class OnRelaxation(StrEnum):
    """What to do when only a relaxed profile can be had.

    TRADE is a yes in advance to what is worth it by the tenant's own ceiling and weights, also
    where everything could be kept for more (`negotiate`).
    """

    ASK = "ask"
    ACCEPT = "accept"
    REJECT = "reject"
    TRADE = "trade"


@dataclass(frozen=True, slots=True)
class Segment:
    """A confirmed hold, deployed: one domain's part of a slice, in the order of the chain."""

    domain: str
    hold_id: str
    ingress: str
    egress: str
    metrics: Metrics
    attachments: tuple[Attachment, ...]
    functions: tuple[FunctionInstance, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One hold of an order's reservation, in the order of the chain."""

    slice_id: str
    domain: str
    hold_id: str


@dataclass(frozen=True, slots=True)
class SliceRecord:
    """One end-to-end slice as the tenant sees it; replaced as a whole when it changes.

    Attributes:
        words: what the tenant said of it, personal data masked; "" where it was asked for in typed
            fields.
    """

    slice_id: str
    tenant: str
    state: SliceState
    requested: ServiceProfile
    agreed: ServiceProfile
    created_at_s: float
    metrics: Metrics | None = None
    segments: tuple[Segment, ...] = ()
    reason: str = ""
    revision: int = 1
    words: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is stored; `kind` names the class of `domains.errors`."""

    kind: str
    reason: str
    message: str
    metadata: Mapping[str, str]

    @classmethod
    def of(cls, error: EntenteError) -> Failure:
        kind = next(k for k in _KINDS if isinstance(error, _KINDS[k]))
        return cls(kind, error.reason, error.message, error.metadata)

    def error(self) -> EntenteError:
        """The error again; its reason is the stored one, its class the nearest family."""
        error = _KINDS[self.kind](self.message, **self.metadata)
        error.reason = self.reason  # type: ignore[misc]  # the subclass is gone, its name is not
        return error


_KINDS: Mapping[str, type[EntenteError]] = {
    family.__name__: family
    for family in (
        InvalidRequest,
        NotFound,
        NotPermitted,
        Refused,
        StaleEpoch,
        Overloaded,
        Unreachable,
        EntenteError,
    )
}


@dataclass(slots=True)
class Order:
    """One tenant request that takes time: several slices, all of them or none.

    `services` is what is being negotiated now: as asked at first, with the accepted relaxations
    later. `slices` holds the ids in the same order, `parts` what the present attempt reserves.
    `typed` is what goes on top of what the intent describes.
    `intent` and `words`, the part of it about each service, have personal data masked. For one of
    assurance `event` names it, and `avoid` the stretches (domain, ingress, egress) that the slice
    is to be carried around; with `moves` it may take any way.
    """

    order_id: str
    tenant: str
    kind: OrderKind
    created_at_s: float
    request_id: str
    digest: str
    intent: str = ""
    validate_only: bool = False
    on_relaxation: OnRelaxation = OnRelaxation.ASK
    state: OrderState = OrderState.NEGOTIATING
    requested: tuple[ServiceProfile, ...] = ()
    services: tuple[ServiceProfile, ...] = ()
    slices: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    proposal_id: str = ""
    proposals: tuple[Proposal | None, ...] = ()
    proposal_expires_at_s: float = 0.0
    questions: tuple[str, ...] = ()
    quote: tuple[SliceRecord, ...] = ()
    failure: Failure | None = None
    attempt: int = 0
    revision: int = 1
    reason: str = ""
    words: tuple[str, ...] = ()
    typed: tuple[Typed, ...] = ()
    drain_s: float = 0.0
    avoid: tuple[tuple[str, str, str], ...] = ()
    event: str = ""
    moves: bool = False


@dataclass(slots=True)
class Running:
    """What only lives while the order is worked on: never stored."""

    order: Order
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Future[bool] | None = None
    task: asyncio.Task[None] | None = None
    cancelled: bool = False

    @property
    def decided(self) -> bool:
        """Whether all of it was reserved: recovery ends at the same answer from the decision."""
        order = self.order
        reserves = order.kind in (OrderKind.CREATE, OrderKind.UPDATE, OrderKind.ASSURE)
        return reserves and not order.validate_only and order.state is OrderState.DONE

    def notify(self) -> None:
        """Wake everyone who waits for this order; each waits on the event it saw."""
        self.changed.set()
        self.changed = asyncio.Event()


_ORDER = TypeAdapter(Order)
_SLICE = TypeAdapter(SliceRecord)


def order_to_json(order: Order) -> str:
    return _ORDER.dump_json(order).decode()


def order_from_json(body: Mapping[str, Any]) -> Order:
    return _ORDER.validate_python(body)


def slice_to_json(record: SliceRecord) -> str:
    return _SLICE.dump_json(record).decode()


def slice_from_json(body: Mapping[str, Any]) -> SliceRecord:
    return _SLICE.validate_python(body)
