"""`port.Domain` over gRPC: deadlines, retries, errors. To a caller it is the domain itself.

Every mutation is idempotent by its id, so a broken connection may be tried again; the tries end
well before the TTL of the hold that they ask for. An answer of the domain itself is never retried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

import grpc

from coordinator.exchange import Exchange
from domains import wire
from domains.errors import EntenteError, InvalidRequest, Unreachable
from domains.measurement import Reading
from domains.model import AbstractTopology, Counter, Hold, HoldRequest, Menu, SliceProfile
from domains.rpc import REQUEST_BYTES_MAX
from domains.security import INSECURE_METADATA, Identity, channel_credentials, is_loopback
from domains.wire_measurements import reading_from_proto
from protos.slicing.v1 import domain_pb2 as pb
from protos.slicing.v1 import domain_pb2_grpc

REPLY_BYTES_MAX: Final = 4 * 1024 * 1024
METADATA_BYTES_MAX: Final = 16 * 1024
PING_S: Final = 30
PING_ANSWER_S: Final = 10
RECONNECT_MS, RECONNECT_MS_MAX = 100, 500
CONNECT_MS = 3_000
"""For TCP and TLS together; gRPC calls it the least time between attempts."""

CHANNEL_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    # Retries are ours: gRPC's own cannot tell a refused certificate from an outage.
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", REPLY_BYTES_MAX),
    ("grpc.max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.absolute_max_metadata_size", 2 * METADATA_BYTES_MAX),
    ("grpc.initial_reconnect_backoff_ms", RECONNECT_MS),
    ("grpc.min_reconnect_backoff_ms", CONNECT_MS),
    ("grpc.max_reconnect_backoff_ms", RECONNECT_MS_MAX),
    ("grpc.keepalive_time_ms", PING_S * 1000),
    ("grpc.keepalive_timeout_ms", PING_ANSWER_S * 1000),
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one try may take, and how many there may be."""

    deadline_s: float
    tries_max: int


_READ, _CHANGE = Patience(4.0, 2), Patience(5.0, 8)

PATIENCE: Final = {
    "GetTopology": _READ,
    "RequestOffers": _READ,
    "ListHolds": _READ,
    "CreateHold": _CHANGE,
    "ConfirmHold": _CHANGE,
    "ReleaseHold": _CHANGE,
    "SetActivation": _CHANGE,
}
"""Asking a silent domain again gains little; a change is worth waiting out a restart (1-2.5 s)."""

CALL_S_MAX: Final = 12.0
"""All tries of one call together: far below the 30 s that a hold lives."""
BACKOFF_S: Final = 0.1
BACKOFF_S_MAX: Final = 1.0

WATCH_S: Final = 900.0
"""One topology stream; then it is opened again, on a connection that may be newer."""
FIRST_TOPOLOGY_S: Final = 5.0
PAGES_MAX: Final = 10_000
HOLDS_MAX: Final = 1 << 17
"""Holds of one domain: as many as a ledger keeps at once, and as many again."""
READINGS_MAX: Final = HOLDS_MAX
"""Readings in one round of one domain."""

_T = TypeVar("_T")


class GrpcDomain:
    """A domain at the other end of a channel that stays open.

    Make it inside the event loop that will use it.

    Args:
        name: the domain's name; a server that answers as another one is not believed.
        address: host:port.
        identity: ours; None for no TLS, which loopback addresses alone may do.
        trust_domain: the operator's: no other CA is believed there.
        principal: the SPIFFE id to claim where there is no TLS.
        random: jitter of the pauses; `monotonic`, `sleep`: what the tries are timed with.
    """

    def __init__(
        self,
        name: str,
        address: str,
        identity: Identity | None,
        trust_domain: str,
        *,
        principal: str = "",
        random: Random | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._name = name
        self._address = address
        self._random = random or Random()  # noqa: S311  # jitter, not secrets
        self._monotonic = monotonic
        self._sleep = sleep
        self._metadata: tuple[tuple[str, str], ...] | None = None
        if identity is not None:
            credentials = channel_credentials(identity, trust_domain)
            self._channel = grpc.aio.secure_channel(address, credentials, CHANNEL_OPTIONS)
        elif is_loopback(address):
            self._metadata = ((INSECURE_METADATA, principal),)
            self._channel = grpc.aio.insecure_channel(address, CHANNEL_OPTIONS)
        else:
            raise InvalidRequest(f"no identity for {address}", address=address)
        self._stub: Any = domain_pb2_grpc.DomainServiceStub(self._channel)
        self._exchange = Exchange(self._stub, self._metadata, name)

    @property
    def name(self) -> str:
        return self._name

    async def close(self) -> None:
        """Close the channel; calls in progress end."""
        await self._channel.close()

    async def topology(self) -> AbstractTopology:
        reply = await self._call("GetTopology", pb.GetTopologyRequest())
        return self._believe(self._topology, reply.topology)

    async def watch_topology(self) -> AsyncIterator[AbstractTopology]:
        """The topology now and after every change.

        Raises:
            Unreachable: always, in the end: when the domain is gone.
        """
        while True:
            any_seen = False
            call = self._stub.WatchTopology(
                pb.WatchTopologyRequest(), timeout=WATCH_S, metadata=self._metadata
            )
            try:
                async with asyncio.timeout(FIRST_TOPOLOGY_S):
                    message = await call.read()
                while message is not grpc.aio.EOF:
                    any_seen = True
                    yield self._believe(self._topology, message.topology)
                    message = await call.read()
            except TimeoutError:
                raise self._silent("WatchTopology", FIRST_TOPOLOGY_S) from None
            except grpc.aio.AioRpcError as error:
                if not (any_seen and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED):
                    raise self._native(error, "WatchTopology", WATCH_S) from None
            else:
                raise Unreachable("the domain ended its topology stream", domain=self._name)
            finally:
                call.cancel()

    async def offers(
        self,
        profiles: Sequence[SliceProfile],
        tenant: str,
        replaces: str | None = None,
        counters: Sequence[Counter | None] = (),
    ) -> Sequence[Menu]:
        request = _encode(_offers_request, profiles, tenant, replaces, counters)
        reply = await self._call("RequestOffers", request)
        if len(reply.menus) != len(profiles):
            raise self._unbelievable(f"{len(reply.menus)} menus for {len(profiles)} profiles")
        return [
            self._believe(wire.menu_from_proto, menu, profile)
            for menu, profile in zip(reply.menus, profiles, strict=True)
        ]

    async def hold(self, request: HoldRequest) -> Hold:
        reply = await self._call("CreateHold", _encode(wire.hold_request_to_proto, request))
        return self._hold(reply.hold, request.hold_id)

    async def confirm(self, hold_id: str, epoch: int) -> Hold:
        name = wire.hold_name(self._name, hold_id)
        request = _encode(pb.ConfirmHoldRequest, name=name, request_id=hold_id, epoch=epoch)
        return self._hold((await self._call("ConfirmHold", request)).hold, hold_id)

    async def activate(self, hold_id: str, epoch: int, active: bool) -> Hold:
        name = wire.hold_name(self._name, hold_id)
        request = _encode(
            pb.SetActivationRequest, name=name, request_id=hold_id, epoch=epoch, active=active
        )
        return self._hold((await self._call("SetActivation", request)).hold, hold_id)

    async def watch_measurements(self) -> AsyncIterator[Sequence[Reading]]:
        """Rounds of readings; one stream, whoever wants the next opens it again.

        Raises:
            Unreachable: always, in the end: when the domain is gone, or its stream is.
        """
        call = self._stub.WatchMeasurements(
            pb.WatchMeasurementsRequest(), timeout=WATCH_S, metadata=self._metadata
        )
        readings: list[Reading] = []
        try:
            while (message := await call.read()) is not grpc.aio.EOF:
                if len(readings) + len(message.readings) > READINGS_MAX:
                    raise self._unbelievable(f"more than {READINGS_MAX} readings in a round")
                readings += [
                    self._believe(reading_from_proto, reading, self._name)
                    for reading in message.readings
                ]
                if message.complete:
                    yield readings
                    readings = []
        except grpc.aio.AioRpcError as error:
            raise self._native(error, "WatchMeasurements", WATCH_S) from None
        finally:
            call.cancel()
        raise Unreachable("the domain ended its measurements", domain=self._name)

    async def release(self, hold_id: str, epoch: int, reason: str) -> Hold | None:
        name = wire.hold_name(self._name, hold_id)
        request = _encode(
            pb.ReleaseHoldRequest, name=name, request_id=hold_id, epoch=epoch, reason=reason
        )
        reply = await self._call("ReleaseHold", request)
        return self._hold(reply.hold, hold_id) if reply.HasField("hold") else None

    async def holds(self, slice_id: str | None = None) -> Sequence[Hold]:
        found: list[Hold] = []
        request = _encode(pb.ListHoldsRequest, slice=wire.slice_name(slice_id) if slice_id else "")
        for _ in range(PAGES_MAX):
            page = await self._call("ListHolds", request)
            found += [self._believe(wire.hold_from_proto, hold, self._name) for hold in page.holds]
            if len(found) > HOLDS_MAX:
                raise self._unbelievable(f"more than {HOLDS_MAX} holds")
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token
        raise self._unbelievable(f"more than {PAGES_MAX} pages of holds")

    # -- one call -------------------------------------------------------------------------

    async def _call(self, method: str, request: Any) -> Any:
        patience = PATIENCE[method]
        began_s = self._monotonic()
        for tried in range(1, patience.tries_max + 1):
            try:
                return await self._exchange.call(method, request, patience.deadline_s)
            except TimeoutError:
                raise self._silent(method, patience.deadline_s) from None
            except EntenteError as error:
                raise self._signed(error, method) from None
            except grpc.aio.AioRpcError as error:
                pause_s = self._pause_s(tried)
                spent_s = self._monotonic() - began_s + patience.deadline_s + pause_s
                again = tried < patience.tries_max and spent_s < CALL_S_MAX
                if not again or not _may_pass(error):
                    raise self._native(error, method, patience.deadline_s) from None
            await self._sleep(pause_s)
        raise AssertionError("the last try returns or raises")

    def _pause_s(self, tried: int) -> float:
        full_s: float = min(BACKOFF_S * 2 ** (tried - 1), BACKOFF_S_MAX)
        return full_s * (1 + self._random.random()) / 2

    def _native(self, error: grpc.aio.AioRpcError, method: str, deadline_s: float) -> EntenteError:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return self._silent(method, deadline_s)
        if _is_tls(error):
            return Unreachable(
                f"no TLS connection with {self._name} at {self._address}: either does not accept "
                f"the other's certificate, or one speaks no TLS ({_first_line(error)})",
                domain=self._name,
                address=self._address,
                method=method,
                cause="tls",
            )
        if error.code() is grpc.StatusCode.UNAVAILABLE and not wire.has_details(error):
            return Unreachable(
                f"{self._name} at {self._address} cannot be reached: {_first_line(error)}",
                domain=self._name,
                address=self._address,
                method=method,
            )
        return self._signed(wire.from_rpc_error(error, self._name), method)

    def _signed(self, error: EntenteError, method: str) -> EntenteError:
        """Whose error it is: no domain can put the blame on another."""
        error.metadata["domain"] = self._name
        error.metadata.setdefault("method", method)
        return error

    def _silent(self, method: str, deadline_s: float) -> Unreachable:
        return Unreachable(
            f"{self._name} has not answered {method} within {deadline_s:g} s",
            domain=self._name,
            method=method,
            deadline_s=deadline_s,
        )

    # -- what a domain may not tell us ----------------------------------------------------

    def _hold(self, message: pb.Hold, hold_id: str) -> Hold:
        hold = self._believe(wire.hold_from_proto, message, self._name)
        if hold.hold_id != hold_id:
            raise self._unbelievable(f"hold {hold.hold_id} where {hold_id} was meant")
        return hold

    def _topology(self, message: Any) -> AbstractTopology:
        topology = wire.topology_from_proto(message)
        if topology.domain != self._name:
            raise self._unbelievable(f"it calls itself {topology.domain}")
        return topology

    def _believe(self, convert: Callable[..., _T], *arguments: Any) -> _T:
        """Decode strictly; the fault is the domain's then, not our caller's."""
        try:
            return convert(*arguments)
        except InvalidRequest as error:
            raise self._unbelievable(error.message) from None

    def _unbelievable(self, what: str) -> Unreachable:
        return Unreachable(
            f"{self._name} answered what no domain may: {what}",
            domain=self._name,
            cause="unbelievable",
        )


def _offers_request(
    profiles: Sequence[SliceProfile],
    tenant: str,
    replaces: str | None,
    counters: Sequence[Counter | None],
) -> pb.RequestOffersRequest:
    return pb.RequestOffersRequest(
        profiles=[wire.profile_to_proto(profile) for profile in profiles],
        tenant=tenant,
        replaces=replaces or "",
        counters=[wire.counter_to_proto(counter) for counter in counters],
    )


def _encode(convert: Callable[..., Any], *arguments: Any, **fields: Any) -> Any:
    """To protobuf; what does not fit its fields, or any server, was never a valid request."""
    try:
        message = convert(*arguments, **fields)
    except (TypeError, ValueError, UnicodeError) as error:
        raise InvalidRequest(f"not representable on the wire: {error}") from None
    if (size := message.ByteSize()) > REQUEST_BYTES_MAX:
        raise InvalidRequest(
            f"a request of {size} bytes", requested=size, achievable=REQUEST_BYTES_MAX
        )
    return message


def _may_pass(error: grpc.aio.AioRpcError) -> bool:
    """Whether another try can help: the connection broke, and not over a certificate."""
    return (
        error.code() is grpc.StatusCode.UNAVAILABLE
        and not wire.has_details(error)
        and not _is_tls(error)
    )


_TLS_WORDS = ("ssl_error", "tls handshake failed", "certificate")


def _is_tls(error: grpc.aio.AioRpcError) -> bool:
    """A refused certificate comes as UNAVAILABLE, like an outage; only the text tells.

    A server that does not accept ours just closes the connection before there is one.
    """
    if error.code() is not grpc.StatusCode.UNAVAILABLE or wire.has_details(error):
        return False
    said = (error.details() or "").lower()
    never_open = "failed to connect" in said and "socket closed" in said
    return never_open or any(word in said for word in _TLS_WORDS)


def _first_line(error: grpc.aio.AioRpcError) -> str:
    return (error.details() or "no details").splitlines()[0].rpartition("last error: ")[2][:200]
