"""What the slice service promises around an order: events, pages, typed fields over words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.longrunning import operations_pb2

from coordinator import wire
from coordinator.journal import Journal
from coordinator.limits import PAGE_SIZE_MAX
from coordinator.orders import Request
from coordinator.records import OnRelaxation, Order, OrderKind, Running
from coordinator.registry import Registry
from coordinator.server import serve
from coordinator.settings import CoordinatorSettings, DomainEndpoint
from coordinator.wire_services import service_from_proto, typed_from_proto
from domains import config
from domains.domain import AdministrativeDomain
from domains.errors import Overloaded, WrongState
from domains.model import Hold
from domains.port import Domain
from domains.security import INSECURE_METADATA
from domains.server import Hosted, start
from protos.slicing.v1 import slices_pb2, slices_pb2_grpc, types_pb2
from tests.asking import ACCEPT, create, new_id, order_of, service, slices_of, terminate
from tests.federation import ANYWHERE, Federation, federation, tenant_id
from tests.test_faulty_domains import Fault

ROBOT = "remote control of a surgical robot in Munich, 10 ms, isolated"


@pytest_asyncio.fixture
async def entente(tmp_path: Path) -> AsyncIterator[Federation]:
    async with federation(tmp_path) as running:
        yield running


async def test_a_watcher_hears_every_event_once_and_in_order(entente: Federation) -> None:
    clinic = entente.tenant()
    begun = await clinic.CreateSlice(
        slices_pb2.CreateSliceRequest(request_id=new_id(), services=[service()])
    )
    heard = [
        event.sequence
        async for event in clinic.WatchSlice(slices_pb2.WatchSliceRequest(name=begun.name))
    ]
    record = await clinic.GetDecisionRecord(slices_pb2.GetDecisionRecordRequest(name=begun.name))
    assert heard == [event.sequence for event in record.events]
    assert heard == sorted(set(heard))
    half = heard[len(heard) // 2]
    rest = [
        event.sequence
        async for event in clinic.WatchSlice(
            slices_pb2.WatchSliceRequest(name=begun.name, after_sequence=half)
        )
    ]
    assert rest == [sequence for sequence in heard if sequence > half]


async def test_a_waiting_get_operation_answers_when_something_new_is_known(
    entente: Federation,
) -> None:
    clinic = entente.tenant()
    asked = await create(clinic, services=[service(latency_us_max=3_000)])
    seen = order_of(asked)
    request = slices_pb2.GetOperationRequest(name=asked.name, after_revision=seen.revision)
    request.wait.seconds = 20
    waiting = asyncio.ensure_future(clinic.GetOperation(request))
    rejected = await clinic.RejectProposal(
        slices_pb2.RejectProposalRequest(
            request_id=new_id(), name=asked.name, proposal_id=seen.proposal.proposal_id
        )
    )
    later = await waiting
    assert later.done
    assert later.error.code == rejected.error.code
    assert order_of(later).revision > seen.revision


async def test_slices_are_listed_in_pages(entente: Federation) -> None:
    clinic = entente.tenant()
    made = [slices_of(await create(clinic, services=[service()]))[0].name for _ in range(5)]
    found, token = [], ""
    while True:
        page = await clinic.ListSlices(slices_pb2.ListSlicesRequest(page_size=2, page_token=token))
        assert len(page.slices) <= 2
        found += [slice_.name for slice_ in page.slices]
        if not (token := page.next_page_token):
            break
    assert found == made
    assert wire.page("3", 10**9) == (3, 3 + PAGE_SIZE_MAX)  # not a page of whatever size
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await clinic.ListSlices(slices_pb2.ListSlicesRequest(page_token="9" * 5_000))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    slices_of(await terminate(clinic, made[0]))
    left = await clinic.ListSlices(slices_pb2.ListSlicesRequest())
    assert [slice_.name for slice_ in left.slices] == made[1:]


async def test_how_much_is_under_way_at_once_is_bounded_for_a_tenant_and_for_all(
    entente: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entente.coordinator is not None
    orders, profile = entente.coordinator._orders, service_from_proto(service(), "berlin")
    monkeypatch.setattr("coordinator.orders.TENANT_ORDERS_IN_PROGRESS_MAX", 2)
    monkeypatch.setattr("coordinator.orders.ORDERS_IN_PROGRESS_MAX", 3)

    def ask(tenant: str) -> Running:
        request = Request(tenant_id(tenant), new_id(), "")
        return orders.create(request, "", [profile], OnRelaxation.ASK)

    begun = [ask("clinic"), ask("clinic")]
    with pytest.raises(Overloaded) as too_many:
        ask("clinic")
    assert too_many.value.metadata["limit"] == "TENANT_ORDERS_IN_PROGRESS_MAX"
    begun.append(ask("depot"))
    with pytest.raises(Overloaded) as too_many:
        ask("arena")
    assert too_many.value.metadata["limit"] == "ORDERS_IN_PROGRESS_MAX"
    for running in begun:
        await orders.views.settled(running, 20)
    await orders.views.settled(ask("arena"), 20)


async def test_nothing_drains_for_longer_than_the_limit(
    entente: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entente.coordinator is not None
    monkeypatch.setattr("coordinator.orders.DRAIN_S_MAX", 0.1)
    (made,) = slices_of(await create(entente.tenant(), services=[service()]))
    request = Request(tenant_id("clinic"), new_id(), "")
    orders = entente.coordinator._orders
    ending = orders.terminate(request, made.name.removeprefix("slices/"), "done", drain_s=3_600.0)
    await orders.views.settled(ending, 20)
    assert ending.order.state.final
    assert not any(entente.used().values())


async def test_typed_fields_win_over_the_words_beside_them(entente: Federation) -> None:
    typed = slices_pb2.ServiceProfile(latency_us_max=12_000, devices=3)
    (slice_,) = slices_of(await create(entente.tenant(), ROBOT, services=[typed], policy=ACCEPT))
    assert slice_.requested.latency_us_max == 12_000  # typed, not the 10 ms of the words
    assert slice_.requested.devices == 3
    assert slice_.requested.origin == "munich"  # from the words
    assert slice_.requested.isolation == types_pb2.ISOLATION_ISOLATED


async def test_typed_fields_win_after_a_crash_as_well(entente: Federation) -> None:
    assert entente.coordinator is not None
    await entente.coordinator.stop(0)
    typed = typed_from_proto(slices_pb2.ServiceProfile(latency_us_max=12_000, devices=3), "")
    begun = Order(
        "begun", tenant_id("clinic"), OrderKind.CREATE, 0.0, new_id(), "digest", intent=ROBOT,
        typed=(typed,), on_relaxation=OnRelaxation.ACCEPT,
    )  # fmt: skip
    journal = await Journal.open(entente.folder / "coordinator.sqlite")
    Registry(journal).begin(begun)
    await journal.flush()
    journal.close()  # it was written down, and nothing had been done about it
    await entente.start_coordinator()
    request = slices_pb2.GetOperationRequest(name="operations/begun")
    request.wait.seconds = 20
    (slice_,) = slices_of(await entente.tenant().GetOperation(request))
    assert (slice_.requested.latency_us_max, slice_.requested.devices) == (12_000, 3)
    assert slice_.requested.origin == "munich"


async def test_an_order_that_is_cancelled_before_its_first_step_ends(entente: Federation) -> None:
    assert entente.coordinator is not None
    orders, clinic = entente.coordinator._orders, tenant_id("clinic")
    profile = service_from_proto(service(), "berlin")
    running = orders.create(Request(clinic, new_id(), ""), "", [profile], OnRelaxation.ASK)
    orders.cancel(clinic, running.order.order_id)  # before the loop has come to it
    await orders.views.settled(running, 20)
    assert running.order.failure is not None
    assert running.order.failure.reason == "CANCELLED"
    assert not any(entente.used().values())


async def test_assurance_changes_no_slice_that_has_ended_meanwhile(entente: Federation) -> None:
    assert entente.coordinator is not None
    orders, clinic = entente.coordinator._orders, entente.tenant()
    (made,) = slices_of(await create(clinic, services=[service()]))
    seen = orders.views.slice(tenant_id("clinic"), made.name.removeprefix("slices/"))
    slices_of(await terminate(clinic, made.name))
    around = ((seen.segments[0].domain, seen.segments[0].ingress, seen.segments[0].egress),)
    with pytest.raises(WrongState):  # a round looks at many slices, and takes its time
        orders.assure(seen, seen.agreed, around, "reroute", "nothing passes")
    assert not any(entente.used().values())


class SlowToSwitch(Fault):
    """Starts and stops functions when it is let."""

    def __init__(self, domain: AdministrativeDomain) -> None:
        super().__init__(domain)
        self.let = asyncio.Event()

    async def bent_activate(self, real: Domain, *asked: Any) -> Hold:
        await self.let.wait()
        return await real.activate(*asked)


async def test_functions_that_are_being_stopped_are_stopped(tmp_path: Path) -> None:
    bent: list[SlowToSwitch] = []

    def slow(domain: AdministrativeDomain) -> SlowToSwitch:
        bent.append(SlowToSwitch(domain))
        return bent[-1]

    async with federation(tmp_path, bend={"core-central": slow}) as entente:
        clinic = entente.tenant()
        (made,) = slices_of(await create(clinic, services=[service()]))
        stop = slices_pb2.DeactivateSliceRequest(request_id=new_id(), name=made.name)
        begun = await clinic.DeactivateSlice(stop)
        cancel = slices_pb2.CancelOperationRequest(request_id=new_id(), name=begun.name)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await clinic.CancelOperation(cancel)
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        bent[0].let.set()
        waiting = slices_pb2.GetOperationRequest(name=begun.name)
        waiting.wait.seconds = 20
        (stopped,) = slices_of(await clinic.GetOperation(waiting))
        assert stopped.state == slices_pb2.SLICE_STATE_RESERVED


async def test_a_service_graph_is_hosted_where_the_slice_ends(entente: Federation) -> None:
    graph = service(
        functions=[
            types_pb2.NetworkFunction(
                name="broker", function_type="mqtt", cpu_millicores=2_000, memory_mib=2_048
            ),
            types_pb2.NetworkFunction(
                name="store", function_type="db", cpu_millicores=1_000, memory_mib=1_024
            ),
        ],
    )
    graph.links.add(to="broker", capacity_kbps=4_000, **{"from": "devices"})
    graph.links.add(to="store", capacity_kbps=8_000, **{"from": "broker"})
    (slice_,) = slices_of(await create(entente.tenant(), services=[graph]))
    names = {f.name.split("-")[0] for f in slice_.segments[-1].functions}
    assert names == {"broker", "store"}
    # What the devices send to the broker has to fit through every domain on the way.
    assert all(s.metrics.uplink_kbps >= 4_000 for s in slice_.segments)


async def test_without_tls_a_tenant_says_who_it_is_and_sees_its_own_slices_only(
    entente: Federation, tmp_path: Path
) -> None:
    servers = [
        await start(Hosted(path, tmp_path / f"plain-{name}.sqlite", None, ANYWHERE))
        for name, path in entente.configs.items()
    ]
    settings = CoordinatorSettings(
        name="plain",
        trust_domain="entente.example",
        address=ANYWHERE,
        database=tmp_path / "plain.sqlite",
        identity=None,
        domains=tuple(
            DomainEndpoint(s.domain.name, s.address, config.load(path).trust_domain)
            for s, path in zip(servers, entente.configs.values(), strict=True)
        ),
        default_area="berlin",
    )
    coordinator = await serve(settings)
    try:
        async with grpc.aio.insecure_channel(coordinator.address) as channel:
            stub = slices_pb2_grpc.SliceServiceStub(channel)
            request = slices_pb2.CreateSliceRequest(request_id=new_id(), services=[service()])
            request.wait.seconds = 20
            mine = ((INSECURE_METADATA, tenant_id("clinic")),)
            operation: operations_pb2.Operation = await stub.CreateSlice(request, metadata=mine)
            assert slices_of(operation)
            for name, count in (("clinic", 1), ("other", 0)):
                listed = await stub.ListSlices(
                    slices_pb2.ListSlicesRequest(),
                    metadata=((INSECURE_METADATA, tenant_id(name)),),
                )
                assert len(listed.slices) == count
    finally:
        await coordinator.stop(0)
        for server in servers:
            await server.stop(0)
