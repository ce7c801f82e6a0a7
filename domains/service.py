"""`DomainService` over gRPC: decode, one call on the domain as this caller sees it, encode.

Nothing is decided here. Who calls, whether they may and how errors become statuses is
`security.Guard`'s, which wraps every method below.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from domains import wire
from domains.domain import AdministrativeDomain
from domains.errors import EntenteError, InvalidRequest, Overloaded, Unreachable
from domains.measurement import Reading
from domains.model import Hold
from domains.port import Domain
from domains.security import Permissions, Role, principal_of
from domains.wire_measurements import reading_to_proto
from protos.slicing.v1 import domain_pb2 as pb
from protos.slicing.v1 import domain_pb2_grpc

NAME: Final = "slicing.v1.DomainService"

PROFILES_MAX: Final = 128
"""Slice profiles in one question: bounds how long one caller keeps the others waiting."""
PAGE_SIZE_MAX: Final = 100
"""Holds in one reply."""
CALLS_MAX: Final = 64
"""Calls in one exchange."""
WATCHERS_PER_CALLER_MAX: Final = 16
"""Open streams of one kind of one party, so that none can take them all."""
READINGS_MAX: Final = 256
"""Readings in one message."""

_ASKS = frozenset({Role.COORDINATOR, Role.OPERATOR})
_HOLDS = frozenset({Role.COORDINATOR})

PERMISSIONS: Final[Permissions] = {
    "GetTopology": _ASKS,
    "WatchTopology": _ASKS,
    "RequestOffers": _ASKS,
    "CreateHold": _HOLDS,
    "ConfirmHold": _HOLDS,
    "ReleaseHold": _HOLDS,
    "ListHolds": _HOLDS,
    "SetActivation": _HOLDS,
    "WatchMeasurements": _HOLDS,
    "Exchange": _HOLDS,
}
"""Coordinators negotiate; the domain's own operator may look and ask, not hold."""

_T = TypeVar("_T")


class DomainServicer(domain_pb2_grpc.DomainServiceServicer):
    """One administrative domain's service."""

    def __init__(self, domain: AdministrativeDomain) -> None:
        self._domain = domain
        self._watchers: Counter[tuple[str, str]] = Counter()
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """End the open streams, so that a graceful stop need not wait for them."""
        self._leaving.set()

    def _as_seen_by(self, context: Any) -> Domain:
        return self._domain.as_seen_by(principal_of(context).spiffe_id)

    async def GetTopology(self, request: pb.GetTopologyRequest, context: Any) -> Any:
        topology = await self._as_seen_by(context).topology()
        return pb.GetTopologyResponse(topology=wire.topology_to_proto(topology))

    async def WatchTopology(
        self, request: pb.WatchTopologyRequest, context: Any
    ) -> AsyncIterator[pb.WatchTopologyResponse]:
        caller = principal_of(context).spiffe_id
        with self._place("topology", caller):
            updates = self._domain.as_seen_by(caller).watch_topology()
            async for topology in _until(self._leaving, updates):
                yield pb.WatchTopologyResponse(topology=wire.topology_to_proto(topology))
        raise Unreachable("the domain is going away")

    async def WatchMeasurements(
        self, request: pb.WatchMeasurementsRequest, context: Any
    ) -> AsyncIterator[pb.WatchMeasurementsResponse]:
        caller = principal_of(context).spiffe_id
        with self._place("measurements", caller):
            rounds = self._domain.as_seen_by(caller).watch_measurements()
            async for readings in _until(self._leaving, rounds):
                for message in _pages(readings, self._domain.name):
                    yield message
        raise Unreachable("the domain is going away")

    @contextmanager
    def _place(self, kind: str, caller: str) -> Iterator[None]:
        """One of the few open streams of a kind that a caller may have.

        Raises:
            Overloaded.
        """
        if self._watchers[kind, caller] >= WATCHERS_PER_CALLER_MAX:
            raise Overloaded(
                f"too many open {kind} streams",
                limit="WATCHERS_PER_CALLER_MAX",
                value=WATCHERS_PER_CALLER_MAX,
            )
        self._watchers[kind, caller] += 1
        try:
            yield
        finally:
            self._watchers[kind, caller] -= 1
            if not self._watchers[kind, caller]:
                del self._watchers[kind, caller]

    async def RequestOffers(self, request: pb.RequestOffersRequest, context: Any) -> Any:
        menus = await self._as_seen_by(context).offers(
            wire.every(wire.profile_from_proto, request.profiles, "profiles", PROFILES_MAX),
            wire.text(request.tenant, "tenant"),
            wire.identifier(request.replaces, "replaces") if request.replaces else None,
            wire.every(wire.counter_from_proto, request.counters, "counters", PROFILES_MAX),
        )
        return pb.RequestOffersResponse(menus=[wire.menu_to_proto(menu) for menu in menus])

    async def CreateHold(self, request: pb.CreateHoldRequest, context: Any) -> Any:
        hold = await self._as_seen_by(context).hold(wire.hold_request_from_proto(request))
        return pb.CreateHoldResponse(hold=self._encode(hold))

    async def ConfirmHold(self, request: pb.ConfirmHoldRequest, context: Any) -> Any:
        hold = await self._as_seen_by(context).confirm(
            wire.parse_hold_name(request.name, self._domain.name),
            wire.counter(request.epoch, "epoch"),
        )
        return pb.ConfirmHoldResponse(hold=self._encode(hold))

    async def ReleaseHold(self, request: pb.ReleaseHoldRequest, context: Any) -> Any:
        hold = await self._as_seen_by(context).release(
            wire.parse_hold_name(request.name, self._domain.name),
            wire.counter(request.epoch, "epoch"),
            wire.text(request.reason, "reason", characters_min=0),
        )
        return pb.ReleaseHoldResponse(hold=self._encode(hold) if hold else None)

    async def SetActivation(self, request: pb.SetActivationRequest, context: Any) -> Any:
        hold = await self._as_seen_by(context).activate(
            wire.parse_hold_name(request.name, self._domain.name),
            wire.counter(request.epoch, "epoch"),
            request.active,
        )
        return pb.SetActivationResponse(hold=self._encode(hold))

    async def ListHolds(self, request: pb.ListHoldsRequest, context: Any) -> Any:
        holds = await self._as_seen_by(context).holds(
            wire.parse_slice_name(request.slice) if request.slice else None
        )
        page, further = _page(holds, request.page_size, request.page_token)
        return pb.ListHoldsResponse(
            holds=[self._encode(hold) for hold in page], next_page_token=further
        )

    async def Exchange(self, request: pb.ExchangeRequest, context: Any) -> Any:
        if len(request.calls) > CALLS_MAX:
            wire.refuse("calls", len(request.calls), f"at most {CALLS_MAX}")
        async with asyncio.TaskGroup() as group:
            answers = [group.create_task(self._answer(call, context)) for call in request.calls]
        return pb.ExchangeResponse(answers=[answer.result() for answer in answers])

    async def _answer(self, call: pb.Call, context: Any) -> pb.Answer:
        try:
            match call.WhichOneof("call"):
                case "request_offers":
                    offers = await self.RequestOffers(call.request_offers, context)
                    return pb.Answer(request_offers=offers)
                case "create_hold":
                    return pb.Answer(create_hold=await self.CreateHold(call.create_hold, context))
                case "confirm_hold":
                    held = await self.ConfirmHold(call.confirm_hold, context)
                    return pb.Answer(confirm_hold=held)
                case "release_hold":
                    ended = await self.ReleaseHold(call.release_hold, context)
                    return pb.Answer(release_hold=ended)
            raise InvalidRequest("a call that is none", field="calls")
        except EntenteError as error:
            return pb.Answer(error=wire.error_to_proto(error))
        except Exception as error:
            return pb.Answer(error=wire.error_to_proto(wire.incident(error)))

    def _encode(self, hold: Hold) -> pb.Hold:
        return wire.hold_to_proto(hold, self._domain.name)


def _page(holds: Sequence[Hold], size: int, token: str) -> tuple[Sequence[Hold], str]:
    """In order of id; the token is the last id seen, so that changes in between do no harm."""
    wire.counter(size, "page_size")
    size = min(size or PAGE_SIZE_MAX, PAGE_SIZE_MAX)
    after = sorted((h for h in holds if h.hold_id > token), key=lambda hold: hold.hold_id)
    page = after[:size]
    return page, page[-1].hold_id if len(after) > size else ""


def _pages(readings: Sequence[Reading], domain: str) -> Iterator[pb.WatchMeasurementsResponse]:
    """One round in messages of `READINGS_MAX`; an empty round is one empty message."""
    for first in range(0, max(1, len(readings)), READINGS_MAX):
        page = readings[first : first + READINGS_MAX]
        yield pb.WatchMeasurementsResponse(
            readings=[reading_to_proto(reading, domain) for reading in page],
            complete=first + READINGS_MAX >= len(readings),
        )


async def _until(leaving: asyncio.Event, items: AsyncIterator[_T]) -> AsyncIterator[_T]:
    """The items as they come, until they end or `leaving` is set."""
    left = asyncio.ensure_future(leaving.wait())
    coming: asyncio.Future[_T] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(anext(items))
            await asyncio.wait({left, coming}, return_when=asyncio.FIRST_COMPLETED)
            if left.done():
                return
            try:
                yield coming.result()
            except StopAsyncIteration:
                return
    finally:
        left.cancel()
        if coming is not None and not coming.done():
            # Thrown into the source, so that it gives up its place at once.
            coming.cancel()
