"""What a hostile or careless tenant sends: a typed error that says what, and nothing is held."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from protos.slicing.v1 import slices_pb2, types_pb2
from tests.asking import (
    ACCEPT,
    REJECT,
    create,
    new_id,
    order_of,
    reason_of,
    refusal_of,
    service,
    slices_of,
    terminate,
    update,
)
from tests.federation import Federation, federation

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest_asyncio.fixture
async def entente(tmp_path: Path) -> AsyncIterator[Federation]:
    async with federation(tmp_path) as running:
        yield running


async def refused(call: Any) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refusal_of(caught.value)


async def test_numbers_that_no_network_has_are_refused_by_field(entente: Federation) -> None:
    clinic = entente.tenant()
    table: list[tuple[str, dict[str, Any]]] = [
        ("latency_us_max", {"latency_us_max": -1}),
        ("latency_us_max", {"latency_us_max": 10**12}),
        ("availability_ppb_min", {"availability_ppb_min": 10**9}),
        ("availability_ppb_min", {"availability_ppb_min": -5}),
        ("downlink_kbps", {"downlink_kbps": 2**62}),
        ("uplink_kbps", {"uplink_kbps": -1}),
        ("devices", {"devices": 10**15}),
        ("sst", {"sst": 99}),
        ("price_micros_max", {"price_micros_max": -1}),
        ("preference", {"preference": slices_pb2.Preference(latency=math.nan)}),
        ("preference", {"preference": slices_pb2.Preference(latency=math.inf)}),
        ("preference", {"preference": slices_pb2.Preference(latency=2, economics=-1)}),
        ("name", {"name": "x" * 100}),
        ("name", {"name": "robot\x00\u202e"}),
        ("functions", {"functions": [types_pb2.NetworkFunction(name="f")] * 2}),
        ("links", {"links": [slices_pb2.ServiceLink(to="nowhere")]}),
    ]
    for field, wrong in table:
        code, reason, metadata = await refused(create(clinic, services=[service(**wrong)]))
        assert code is INVALID, (field, wrong)
        assert reason == "INVALID_REQUEST"
        assert field.startswith(metadata["field"].split(".")[0])
    assert not any(entente.used().values())


async def test_text_that_asks_for_nothing_is_refused(entente: Federation) -> None:
    clinic = entente.tenant()
    for text in ("", "   \n", "\u200b"):
        code, reason, _ = await refused_order(clinic, text)
        assert code is INVALID, text
        assert reason in ("INVALID_REQUEST", "NOT_A_SLICE_REQUEST", "NEEDS_CLARIFICATION")
    code, reason, metadata = await refused(create(clinic, "10 ms please " * 1_000))
    assert (code, reason) == (INVALID, "INVALID_REQUEST")
    assert metadata["field"] == "intent"
    assert int(metadata["requested"]) > int(metadata["achievable"])
    with pytest.raises(grpc.aio.AioRpcError) as caught:  # a megabyte: gRPC itself stops reading
        await create(clinic, "x" * 2**20)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def refused_order(tenant: Any, text: str) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Whether the call itself is refused or the operation fails: the tenant hears why."""
    try:
        operation = await create(tenant, text)
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)
    assert operation.HasField("error"), operation
    code = next(c for c in grpc.StatusCode if c.value[0] == operation.error.code)
    return (code, *reason_of(operation.error))


async def test_an_unknown_area_is_named_with_what_is_known(entente: Federation) -> None:
    operation = await create(entente.tenant(), services=[service(origin="berlim")])
    reason, metadata = reason_of(operation.error)
    assert reason == "INVALID_REQUEST"
    assert metadata["attribute"] == "area"
    assert metadata["requested"] == "berlim"
    assert "berlin" in metadata["known"]


async def test_another_tenants_slice_does_not_exist(entente: Federation) -> None:
    clinic, stranger = entente.tenant("clinic"), entente.tenant("other")
    operation = await create(clinic, services=[service()])
    (mine,) = slices_of(operation)
    unknown = "slices/00000000-0000-0000-0000-000000000000"
    request = slices_pb2.GetSliceRequest
    for attempt in (
        lambda name: stranger.GetSlice(request(name=name)),
        lambda name: update(stranger, name, devices=2),
        lambda name: terminate(stranger, name),
        lambda name: stranger.GetDecisionRecord(slices_pb2.GetDecisionRecordRequest(name=name)),
    ):
        theirs, nobodys = await refused(attempt(mine.name)), await refused(attempt(unknown))
        assert theirs[:2] == nobodys[:2] == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    for name in (operation.name, mine.name):
        watching = stranger.WatchSlice(slices_pb2.WatchSliceRequest(name=name))
        code, reason, _ = await refused(watching.read())
        assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    slices_of(await terminate(clinic, mine.name))


async def test_names_and_ids_of_another_form_are_refused(entente: Federation) -> None:
    clinic = entente.tenant()
    for name in ("", "slices/", "slices/../x", "holds/x", "slices/a/b", "slices/" + "x" * 500):
        code, *_ = await refused(clinic.GetSlice(slices_pb2.GetSliceRequest(name=name)))
        assert code in (INVALID, grpc.StatusCode.NOT_FOUND), name
    for wrong in ("", "1", "not-a-uuid"):
        request = slices_pb2.CreateSliceRequest(request_id=wrong, services=[service()])
        code, _, metadata = await refused(clinic.CreateSlice(request))
        assert (code, metadata["field"]) == (INVALID, "request_id")


async def test_a_repeated_request_answers_the_same_and_another_body_is_refused(
    entente: Federation,
) -> None:
    clinic, request_id = entente.tenant(), new_id()
    first = await create(clinic, services=[service()], request_id=request_id)
    again = await create(clinic, services=[service()], request_id=request_id)
    assert again == first
    held = entente.used()
    code, reason, _ = await refused(
        create(clinic, services=[service(devices=2)], request_id=request_id)
    )
    assert (code, reason) == (INVALID, "REQUEST_ID_REUSED")
    assert entente.used() == held


async def test_a_proposal_is_answered_once_and_by_its_own_id(entente: Federation) -> None:
    clinic = entente.tenant()
    tight = service(latency_us_max=3_000)
    operation = await create(clinic, services=[tight])
    assert order_of(operation).state == slices_pb2.ORDER_STATE_PROPOSED
    wrong = slices_pb2.AcceptProposalRequest(
        request_id=new_id(), name=operation.name, proposal_id=new_id()
    )
    code, reason, _ = await refused(clinic.AcceptProposal(wrong))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE")
    cancel = slices_pb2.CancelOperationRequest(request_id=new_id(), name=operation.name)
    cancelled = await clinic.CancelOperation(cancel)
    assert reason_of(cancelled.error)[0] == "CANCELLED"
    assert not any(entente.used().values())


async def test_a_tenant_that_wants_no_relaxation_is_told_which_would_do(
    entente: Federation,
) -> None:
    operation = await create(
        entente.tenant(), services=[service(latency_us_max=3_000)], policy=REJECT
    )
    reason, metadata = reason_of(operation.error)
    assert reason == "RELAXATION_NEEDED"
    assert metadata["attribute"] == "latency"
    assert int(metadata["achievable"]) > int(metadata["requested"]) == 3_000
    assert metadata["domain"] in entente.domains


async def test_a_quote_holds_nothing(entente: Federation) -> None:
    operation = await create(
        entente.tenant(), services=[service()], policy=ACCEPT, validate_only=True
    )
    (quoted,) = slices_of(operation)
    assert quoted.metrics.price_micros > 0
    assert not any(entente.used().values())
    listed = await entente.tenant().ListSlices(slices_pb2.ListSlicesRequest(show_terminated=True))
    assert not listed.slices
