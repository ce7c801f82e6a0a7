"""How tests speak to the coordinator: requests with fresh ids, operations opened up."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import grpc
from google.longrunning import operations_pb2
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

from protos.slicing.v1 import slices_pb2, types_pb2

WAIT = duration_pb2.Duration(seconds=20)

ASK = slices_pb2.RELAXATION_POLICY_ASK
ACCEPT = slices_pb2.RELAXATION_POLICY_ACCEPT
REJECT = slices_pb2.RELAXATION_POLICY_REJECT


POLL_S = 0.1
_Found = TypeVar("_Found")


async def eventually(holds: Callable[[], Awaitable[bool]], within_s: float = 20) -> None:
    """Return when `holds` does; TimeoutError after `within_s`."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110  # what is waited for has no event here
            await asyncio.sleep(0.02)


def at_last(tried: Callable[[], _Found | None], within_s: float, what: str) -> _Found:
    """What `tried` finds, as soon as it does; for what runs in other processes and takes minutes.

    Raises:
        AssertionError: it has not within `within_s`.
    """
    ends_s, never = time.monotonic() + within_s, threading.Event()
    while (found := tried()) is None:
        assert time.monotonic() < ends_s, f"{what}: not within {within_s:g} s"
        never.wait(POLL_S)
    return found


def new_id() -> str:
    return str(uuid.uuid4())


def service(**fields: Any) -> slices_pb2.ServiceProfile:
    """A small service in Berlin that any domain can carry, with `fields` on top."""
    plain: dict[str, Any] = {
        "name": "telemetry",
        "latency_us_max": 50_000,
        "availability_ppb_min": 990_000_000,
        "downlink_kbps": 1_000,
        "uplink_kbps": 1_000,
        "devices": 1,
        "isolation": types_pb2.ISOLATION_SHARED,
        "origin": "berlin",
        "destination": "munich",
    }
    return slices_pb2.ServiceProfile(**{**plain, **fields})


async def create(
    tenant: Any,
    intent: str = "",
    services: Sequence[slices_pb2.ServiceProfile] = (),
    policy: Any = ASK,
    **fields: Any,
) -> operations_pb2.Operation:
    request = slices_pb2.CreateSliceRequest(
        request_id=fields.pop("request_id", None) or new_id(),
        intent=intent,
        services=services,
        on_relaxation=policy,
        wait=WAIT,
        **fields,
    )
    return await tenant.CreateSlice(request, timeout=30)


async def answer(tenant: Any, operation: operations_pb2.Operation, yes: bool) -> Any:
    proposal_id = order_of(operation).proposal.proposal_id
    said: dict[str, Any] = {
        "request_id": new_id(),
        "name": operation.name,
        "proposal_id": proposal_id,
    }
    if yes:
        accept = slices_pb2.AcceptProposalRequest(**said, wait=WAIT)
        return await tenant.AcceptProposal(accept, timeout=30)
    return await tenant.RejectProposal(slices_pb2.RejectProposalRequest(**said), timeout=30)


async def update(
    tenant: Any, name: str, policy: Any = REJECT, **changes: Any
) -> operations_pb2.Operation:
    request = slices_pb2.UpdateSliceRequest(
        request_id=new_id(),
        name=name,
        service=slices_pb2.ServiceProfile(**changes),
        on_relaxation=policy,
        wait=WAIT,
    )
    request.update_mask.paths.extend(changes)
    return await tenant.UpdateSlice(request, timeout=30)


async def terminate(tenant: Any, name: str, reason: str = "") -> operations_pb2.Operation:
    request = slices_pb2.TerminateSliceRequest(
        request_id=new_id(), name=name, reason=reason, wait=WAIT
    )
    return await tenant.TerminateSlice(request, timeout=30)


def order_of(operation: operations_pb2.Operation) -> slices_pb2.OrderMetadata:
    metadata = slices_pb2.OrderMetadata()
    assert operation.metadata.Unpack(metadata)
    return metadata


def slices_of(operation: operations_pb2.Operation) -> list[slices_pb2.Slice]:
    assert operation.done, operation
    assert not operation.HasField("error"), operation.error
    response = slices_pb2.OrderResponse()
    assert operation.response.Unpack(response)
    return list(response.slices)


def reason_of(status: status_pb2.Status) -> tuple[str, dict[str, str]]:
    """The reason and the metadata of an error."""
    info = error_details_pb2.ErrorInfo()
    assert status.details, status
    assert status.details[0].Unpack(info)
    return info.reason, dict(info.metadata)


def refusal_of(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Status, reason and metadata of a call that was refused."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return (error.code(), *reason_of(status_pb2.Status.FromString(value)))
    raise AssertionError(f"no details in {error}")
