"""The tenant's side of `SliceService`: deadlines, retries and errors; plain values out."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, TypeVar

import grpc
from google.longrunning import operations_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from coordinator.model import ServiceProfile
from coordinator.wire_services import service_to_proto
from deploy.account import Account
from deploy.plain import Plain, plain
from domains.errors import EntenteError, Unreachable
from domains.security import INSECURE_METADATA, channel_credentials
from domains.status import STATUS, from_rpc_error, has_details
from protos.slicing.v1 import slices_pb2, slices_pb2_grpc

CALL_S = 10.0
"""Deadline of a call that waits for nothing."""
WAIT_S = 25
"""How long one GetOperation waits at the coordinator (its own limit is 30 s)."""
FOLLOW_S_MAX = 120.0
"""An operation that has not settled by then is reported as unreachable, not waited for."""
TRIES_MAX = 3
"""A repeated call carries the same request_id: the coordinator answers it once."""
PAUSE_S = 0.2

_Reply = TypeVar("_Reply", bound=Message)
Show = Callable[[Plain], None]


@dataclass(frozen=True, slots=True)
class Order:
    """An operation as last seen.

    Attributes:
        state: negotiating, proposed, reserving, done or failed.
        slices: as in `Slice`; empty until they are settled.
        proposal: as in `Proposal`, while one waits or after it was answered.
    """

    name: str
    state: str
    revision: int
    slices: tuple[Plain, ...] = ()
    proposal: Plain | None = None
    questions: tuple[str, ...] = ()
    price_micros: int = 0
    error: EntenteError | None = None

    @property
    def settled(self) -> bool:
        return self.state in ("proposed", "done", "failed")


@dataclass(slots=True)
class Follower:
    """Events of one operation, each shown once."""

    show: Show
    after: int = field(default=0)

    def __call__(self, event: Plain) -> None:
        self.after = event["sequence"]
        self.show(event)


class Tenant:
    """One tenant's connection to a coordinator; use it as an async context manager.

    Every method raises `domains.errors`: `Unreachable` where the coordinator does not answer in
    time, or is not who it should be.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        options = [("grpc.enable_retries", 0)]
        if account.identity is None:
            self._channel = grpc.aio.insecure_channel(account.address, options)
        else:
            credentials = channel_credentials(account.identity, account.trust_domain)
            self._channel = grpc.aio.secure_channel(account.address, credentials, options)
        self._stub: Final[slices_pb2_grpc.SliceServiceAsyncStub] = slices_pb2_grpc.SliceServiceStub(
            self._channel
        )
        self._metadata = None if account.identity else ((INSECURE_METADATA, account.principal),)

    async def __aenter__(self) -> Tenant:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._channel.close()

    # -- operations -----------------------------------------------------------------------

    async def create(self, intent: str, trades: bool = False) -> Order:
        """Ask for slices in words; a relaxation is asked about, or traded for what it saves."""
        ask, trade = slices_pb2.RELAXATION_POLICY_ASK, slices_pb2.RELAXATION_POLICY_TRADE
        request = slices_pb2.CreateSliceRequest(
            request_id=_new_id(),
            intent=intent,
            on_relaxation=trade if trades else ask,
        )
        return _order(await self._call(self._stub.CreateSlice, request))

    async def quote(self, services: Sequence[ServiceProfile]) -> Order:
        """What could be had for these profiles now; nothing is held."""
        request = slices_pb2.CreateSliceRequest(
            request_id=_new_id(),
            services=[service_to_proto(service) for service in services],
            validate_only=True,
        )
        return _order(await self._call(self._stub.CreateSlice, request))

    async def order(
        self, services: Sequence[ServiceProfile], request_id: str, words: Sequence[str] = ()
    ) -> Order:
        """Ask for exactly these profiles or nothing; a repeated `request_id` is the same order.

        `words` are what was said of each service, for the coordinator's memory.
        """
        request = slices_pb2.CreateSliceRequest(
            request_id=request_id,
            services=[service_to_proto(service) for service in services],
            on_relaxation=slices_pb2.RELAXATION_POLICY_REJECT,
            words=words,
        )
        return _order(await self._call(self._stub.CreateSlice, request))

    async def update(self, name: str, changes: Mapping[str, int]) -> Order:
        """Change fields of a slice in place; keys are those of `ServiceProfile`."""
        request = slices_pb2.UpdateSliceRequest(
            request_id=_new_id(),
            name=name,
            service=slices_pb2.ServiceProfile(**changes),  # type: ignore[arg-type]
            on_relaxation=slices_pb2.RELAXATION_POLICY_ASK,
        )
        request.update_mask.paths.extend(changes)
        return _order(await self._call(self._stub.UpdateSlice, request))

    async def change(self, name: str, words: str) -> Order:
        """Change a slice as these words say; a relaxation is asked about, never taken."""
        request = slices_pb2.UpdateSliceRequest(
            request_id=_new_id(),
            name=name,
            intent=words,
            on_relaxation=slices_pb2.RELAXATION_POLICY_ASK,
        )
        return _order(await self._call(self._stub.UpdateSlice, request))

    async def activate(self, name: str) -> Order:
        """Let the network functions of a slice run again."""
        request = slices_pb2.ActivateSliceRequest(request_id=_new_id(), name=name)
        return _order(await self._call(self._stub.ActivateSlice, request))

    async def deactivate(self, name: str, reason: str) -> Order:
        """Stop them and keep the capacity."""
        request = slices_pb2.DeactivateSliceRequest(request_id=_new_id(), name=name, reason=reason)
        return _order(await self._call(self._stub.DeactivateSlice, request))

    async def terminate(self, name: str, reason: str, drain_s: int = 0) -> Order:
        request = slices_pb2.TerminateSliceRequest(request_id=_new_id(), name=name, reason=reason)
        request.drain.seconds = drain_s
        return _order(await self._call(self._stub.TerminateSlice, request))

    async def cancel(self, order: Order) -> Order:
        """Stop an operation that is not decided yet; what it holds is released."""
        request = slices_pb2.CancelOperationRequest(request_id=_new_id(), name=order.name)
        return _order(await self._call(self._stub.CancelOperation, request))

    async def answer(self, order: Order, accept: bool, show: Show | None = None) -> Order:
        """Say yes or no to the proposal that `order` waits with, and follow what comes of it."""
        assert order.proposal is not None, "there is nothing to answer"
        words = {
            "request_id": _new_id(),
            "name": order.name,
            "proposal_id": order.proposal["proposal_id"],
        }
        if accept:
            yes = slices_pb2.AcceptProposalRequest(**words)
            answered = await self._call(self._stub.AcceptProposal, yes)
        else:
            no = slices_pb2.RejectProposalRequest(**words)
            answered = await self._call(self._stub.RejectProposal, no, CALL_S + WAIT_S)
        return await self.settle(_order(answered), show, seen=order.revision)

    async def settle(self, order: Order, show: Show | None = None, seen: int = 0) -> Order:
        """Follow an operation until it is proposed, done or failed.

        Args:
            show: called with each event as it happens, in order.
            seen: a revision that does not count: the one whose proposal has been answered.
        """
        follower = Follower(show) if show and not isinstance(show, Follower) else show
        try:
            async with asyncio.timeout(FOLLOW_S_MAX):
                while not (order.settled and order.revision > seen):
                    if follower:
                        await self._watch(order.name, follower)
                    order = await self._operation(order.name, seen)
                if follower:
                    await self._watch(order.name, follower)
        except TimeoutError:
            raise Unreachable(
                f"the operation has not settled within {FOLLOW_S_MAX:g} s", operation=order.name
            ) from None
        return order

    async def _operation(self, name: str, seen: int) -> Order:
        request = slices_pb2.GetOperationRequest(name=name, after_revision=seen)
        request.wait.seconds = WAIT_S
        return _order(await self._call(self._stub.GetOperation, request, CALL_S + WAIT_S))

    async def _watch(self, name: str, follower: Follower) -> None:
        request = slices_pb2.WatchSliceRequest(name=name, after_sequence=follower.after)
        with self._errors_mapped():
            async for event in self._stub.WatchSlice(
                request, timeout=FOLLOW_S_MAX, metadata=self._metadata
            ):
                follower(plain(event))

    # -- reads ----------------------------------------------------------------------------

    async def slice(self, name: str) -> Plain:
        return plain(await self._call(self._stub.GetSlice, slices_pb2.GetSliceRequest(name=name)))

    async def slices(self, show_terminated: bool = False) -> list[Plain]:
        """All of this tenant's slices, page by page."""
        found: list[Plain] = []
        request = slices_pb2.ListSlicesRequest(show_terminated=show_terminated)
        while True:
            page = await self._call(self._stub.ListSlices, request)
            found += [plain(slice_) for slice_ in page.slices]
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def measurements(self, name: str) -> list[Plain]:
        """How a slice was lately: one sample per segment and interval, in order of time."""
        request = slices_pb2.ListMeasurementsRequest(name=name)
        reply = await self._call(self._stub.ListMeasurements, request)
        return [plain(sample) for sample in reply.samples]

    async def record(self, name: str) -> Plain:
        """The decision record of `slices/{id}` or `operations/{id}`."""
        request = slices_pb2.GetDecisionRecordRequest(name=name)
        return plain(await self._call(self._stub.GetDecisionRecord, request))

    async def alternative(self, name: str, changes: Mapping[str, int]) -> Plain:
        """What a slice would take with these values; keys are those of `ServiceProfile`."""
        request = slices_pb2.ExplainAlternativeRequest(
            name=name,
            service=slices_pb2.ServiceProfile(**changes),  # type: ignore[arg-type]
        )
        request.update_mask.paths.extend(changes)
        return plain(await self._call(self._stub.ExplainAlternative, request))

    async def domains(self) -> list[Plain]:
        """Every domain's abstract topology and how fresh it is."""
        reply = await self._call(self._stub.ListDomains, slices_pb2.ListDomainsRequest())
        return [plain(view) for view in reply.domains]

    # -- one call -------------------------------------------------------------------------

    async def _call(
        self,
        method: Callable[..., Awaitable[_Reply]],
        request: Message,
        timeout_s: float = CALL_S,
    ) -> _Reply:
        for left in reversed(range(TRIES_MAX)):
            try:
                with self._errors_mapped():
                    return await method(request, timeout=timeout_s, metadata=self._metadata)
            except Unreachable:
                if not left:
                    raise
                await asyncio.sleep(PAUSE_S * (0.5 + random.random()))  # noqa: S311  # jitter
        raise AssertionError("unreachable: the last try returns or raises")

    @contextlib.contextmanager
    def _errors_mapped(self) -> Iterator[None]:
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise _mapped(error, self._account.address) from None


def _mapped(error: grpc.aio.AioRpcError, address: str) -> EntenteError:
    mapped = from_rpc_error(error, "coordinator")
    if isinstance(mapped, Unreachable) and not has_details(error):  # its own words are better
        return Unreachable(
            f"the coordinator at {address} does not answer: {_cause(error)}", address=address
        )
    return mapped


def _cause(error: grpc.aio.AioRpcError) -> str:
    """gRPC's own words in one short line; a failed TLS handshake looks like silence otherwise."""
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "the deadline has passed"
    said = (error.details() or error.code().name).splitlines()[0]
    if any(word in said.upper() for word in ("SSL", "CERTIFICATE", "HANDSHAKE", "SOCKET CLOSED")):
        return "TLS failed, or it does not know our certificate"
    return "connection refused" if "refused" in said.lower() else said[:120]


def _order(operation: operations_pb2.Operation) -> Order:
    metadata = slices_pb2.OrderMetadata()
    operation.metadata.Unpack(metadata)
    seen = plain(metadata)
    response = slices_pb2.OrderResponse()
    if operation.HasField("response"):
        operation.response.Unpack(response)
    failed = operation.HasField("error")
    return Order(
        name=operation.name,
        state=seen["state"],
        revision=metadata.revision,
        slices=tuple(plain(slice_) for slice_ in response.slices),
        proposal=seen["proposal"],
        questions=tuple(metadata.questions),
        price_micros=response.price_micros,
        error=_failure(operation.error) if failed else None,
    )


def _failure(status: status_pb2.Status) -> EntenteError:
    """Why an operation failed; the class is the family, the reason is the coordinator's own."""
    info = error_details_pb2.ErrorInfo()
    for packed in status.details:
        if packed.Unpack(info):
            break
    family = next((k for k, code in STATUS.items() if code.value[0] == status.code), EntenteError)
    error = family(status.message)
    error.metadata = dict(info.metadata)
    if info.reason:
        error.reason = info.reason  # type: ignore[misc]  # more exact than the family's
    return error


def _new_id() -> str:
    """One per thing that the user did; the tries of one call share it."""
    return str(uuid.uuid4())
