"""G11 at a domain's door: every size, rate and number has a limit, and says so when it is met."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc

from domains import rpc, server, service
from domains.actor import Host, Hosted
from domains.config import load
from domains.domain import AdministrativeDomain
from domains.errors import InvalidRequest
from domains.security import INSECURE_METADATA
from domains.server import DomainServer, serve, start_all, stop_all
from protos.slicing.v1 import domain_pb2, domain_pb2_grpc, types_pb2

CONFIG = Path(__file__).parents[2] / "deploy" / "configs" / "germany" / "core.toml"
ME = ((INSECURE_METADATA, "spiffe://e2e.example/coordinator/c1"),)
METHODS = domain_pb2.DESCRIPTOR.services_by_name["DomainService"].methods


@dataclass
class Clock:
    now_s: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def domain(tmp_path: Path, clock: Clock) -> AdministrativeDomain:
    return await AdministrativeDomain.open(load(CONFIG), tmp_path / "core.sqlite", clock)


@pytest.fixture
async def served(domain: AdministrativeDomain) -> AsyncIterator[DomainServer]:
    """Without TLS: what is tested here is what comes after it."""
    running = await serve(domain, None, "127.0.0.1:0")
    yield running
    await running.stop(0)


@pytest.fixture
async def channel(served: DomainServer) -> AsyncIterator[Any]:
    options = (("grpc.enable_retries", 0), ("grpc.max_metadata_size", 1 << 20))
    async with grpc.aio.insecure_channel(served.address, options) as opened:
        yield opened


@pytest.fixture
def stub(channel: Any) -> Any:
    return domain_pb2_grpc.DomainServiceStub(channel)


async def code_of(call: Any) -> grpc.StatusCode:
    """The status that a unary call, or the first message of a stream, ends with."""
    try:
        await (call.read() if hasattr(call, "read") else call)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def a_hold(stub: Any, hold_id: str = "hold-1") -> domain_pb2.CreateHoldRequest:
    """A request that this domain grants."""
    shown = await stub.GetTopology(domain_pb2.GetTopologyRequest(), timeout=5, metadata=ME)
    link = shown.topology.links[0]
    profile = domain_pb2.SliceProfile(
        ingress=link.ingress,
        egress=link.egress,
        latency_us_max=10 * link.latency_us_min,
        availability_ppb_min=900_000_000,
        downlink_kbps=1_000,
        uplink_kbps=1_000,
        devices=1,
        isolation=types_pb2.ISOLATION_SHARED,
    )
    asked = domain_pb2.RequestOffersRequest(profiles=[profile], tenant="acme")
    answer = await stub.RequestOffers(asked, timeout=5, metadata=ME)
    return domain_pb2.CreateHoldRequest(
        request_id=hold_id,
        slice="slices/s",
        tenant="acme",
        profile=profile,
        offer=answer.menus[0].offers[0],
        attachments=[
            types_pb2.Attachment(border_point=end, label=100) for end in (link.ingress, link.egress)
        ],
        ttl=Duration(seconds=30),
        epoch=1,
    )


# -- sizes ------------------------------------------------------------------------------------


async def test_a_request_beyond_the_limit_is_refused(stub: Any) -> None:
    big = domain_pb2.RequestOffersRequest(tenant="x" * rpc.REQUEST_BYTES_MAX)
    answer = await code_of(stub.RequestOffers(big, timeout=5, metadata=ME))
    assert answer is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_metadata_beyond_the_limit_is_refused(stub: Any) -> None:
    metadata = (*ME, ("x-more", "x" * 50_000))
    request = domain_pb2.GetTopologyRequest()
    answer = await code_of(stub.GetTopology(request, timeout=5, metadata=metadata))
    assert answer is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_more_profiles_than_one_question_may_have_are_refused(stub: Any) -> None:
    profile = (await a_hold(stub)).profile
    for many, expected in (
        (service.PROFILES_MAX, grpc.StatusCode.OK),
        (service.PROFILES_MAX + 1, grpc.StatusCode.INVALID_ARGUMENT),
    ):
        request = domain_pb2.RequestOffersRequest(profiles=[profile] * many, tenant="acme")
        assert await code_of(stub.RequestOffers(request, timeout=5, metadata=ME)) is expected


async def test_a_page_is_never_longer_than_the_limit(stub: Any) -> None:
    for size in (-1, -(2**31)):
        request = domain_pb2.ListHoldsRequest(page_size=size)
        answer = await code_of(stub.ListHolds(request, timeout=5, metadata=ME))
        assert answer is grpc.StatusCode.INVALID_ARGUMENT
    request = domain_pb2.ListHoldsRequest(page_size=2**31 - 1, page_token="\x00" * 1_000)
    assert await code_of(stub.ListHolds(request, timeout=5, metadata=ME)) is grpc.StatusCode.OK


# -- bytes ------------------------------------------------------------------------------------


async def test_random_bytes_are_refused_and_never_crash_anything(channel: Any, stub: Any) -> None:
    """Bytes from nowhere, and a good request with some of its bytes changed."""
    random = Random(20_260_101)
    good = (await a_hold(stub)).SerializeToString()
    seen: set[grpc.StatusCode] = set()
    for n in range(400):
        spoilt = bytearray(good if n % 2 else random.randbytes(random.randrange(200)))
        for _ in range(random.randrange(1, 6)):
            if spoilt:
                spoilt[random.randrange(len(spoilt))] = random.randrange(256)
        method = METHODS[n % len(METHODS)]
        path = f"/slicing.v1.DomainService/{method.name}"
        if method.server_streaming:
            call = channel.unary_stream(path)(bytes(spoilt), timeout=5, metadata=ME)
            seen.add(await code_of(call))
            call.cancel()
        else:
            seen.add(
                await code_of(channel.unary_unary(path)(bytes(spoilt), timeout=5, metadata=ME))
            )
    assert grpc.StatusCode.INVALID_ARGUMENT in seen
    assert not seen & {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}


async def test_unknown_fields_are_ignored(channel: Any) -> None:
    """A newer client's field 200, a string: wire compatibility."""
    call = channel.unary_unary("/slicing.v1.DomainService/GetTopology")
    assert await code_of(call(b"\xc2\x0c\x03abc", timeout=5, metadata=ME)) is grpc.StatusCode.OK


# -- numbers ----------------------------------------------------------------------------------


async def test_one_caller_cannot_watch_without_end_and_gives_back_its_place(stub: Any) -> None:
    def watch() -> Any:
        return stub.WatchTopology(domain_pb2.WatchTopologyRequest(), timeout=30, metadata=ME)

    open_streams = [watch() for _ in range(service.WATCHERS_PER_CALLER_MAX)]
    for stream in open_streams:
        await stream.read()
    assert await code_of(watch()) is grpc.StatusCode.RESOURCE_EXHAUSTED
    for stream in open_streams:
        stream.cancel()
    async with asyncio.timeout(5):
        # Giving back is the server's own business: there is no event to wait for.
        while await code_of(again := watch()) is grpc.StatusCode.RESOURCE_EXHAUSTED:  # noqa: ASYNC110
            await asyncio.sleep(0)
    again.cancel()


class Endless(domain_pb2_grpc.DomainServiceServicer):
    """Answers every watch once and then never again."""

    async def WatchTopology(self, request: object, context: object) -> Any:
        yield domain_pb2.WatchTopologyResponse()
        await asyncio.Event().wait()


async def test_more_calls_at_once_than_the_limit_are_refused_at_once() -> None:
    """Streams of many connections, until the server has its fill."""
    endless = Endless()  # type: ignore[abstract]  # one method is enough here
    running = await rpc.listen(
        "127.0.0.1:0",
        None,
        {service.NAME: service.PERMISSIONS},
        lambda opened: domain_pb2_grpc.add_DomainServiceServicer_to_server(endless, opened),
    )
    request = domain_pb2.WatchTopologyRequest()
    per_connection = rpc.STREAMS_PER_CONNECTION_MAX - 1
    async with AsyncExitStack() as stack:
        codes = []
        for n in range(1 + rpc.RPCS_MAX // per_connection):
            options = (("grpc.use_local_subchannel_pool", 1), ("entente.connection", n))
            opened = grpc.aio.insecure_channel(running.address, options)
            stub: Any = domain_pb2_grpc.DomainServiceStub(await stack.enter_async_context(opened))
            streams = [
                stub.WatchTopology(request, timeout=30, metadata=ME) for _ in range(per_connection)
            ]
            for stream in streams:
                stack.callback(stream.cancel)
            codes += [await code_of(stream) for stream in streams]
        refused = [code for code in codes if code is not grpc.StatusCode.OK]
        assert set(refused) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert len(codes) - len(refused) == rpc.RPCS_MAX
    await running.stop(0)


def test_every_limit_that_grpc_leaves_open_is_set() -> None:
    """Its defaults (idle and age without end, shared ports) are not safe ones."""
    options = dict(rpc.SERVER_OPTIONS)
    assert options["grpc.so_reuseport"] == 0
    for name in (
        "grpc.max_receive_message_length",
        "grpc.max_metadata_size",
        "grpc.absolute_max_metadata_size",
        "grpc.max_concurrent_streams",
        "grpc.max_connection_idle_ms",
        "grpc.max_connection_age_ms",
        "grpc.max_connection_age_grace_ms",
        "grpc.keepalive_time_ms",
        "grpc.keepalive_timeout_ms",
        "grpc.http2.min_ping_interval_without_data_ms",
    ):
        assert 0 < options[name] < 1 << 23


# -- ports ------------------------------------------------------------------------------------


async def test_a_port_that_is_taken_is_named(tmp_path: Path, served: DomainServer) -> None:
    second = await AdministrativeDomain.open(load(CONFIG), tmp_path / "second.sqlite", Clock())
    with pytest.raises(rpc.AddressInUse, match=served.address):
        await serve(second, None, served.address, bind_s_max=0.0)
    await second.close()


async def test_a_port_that_becomes_free_is_taken(tmp_path: Path, served: DomainServer) -> None:
    second = await AdministrativeDomain.open(load(CONFIG), tmp_path / "second.sqlite", Clock())
    leaving = asyncio.create_task(served.stop(0))
    successor = await serve(second, None, served.address)
    await leaving
    assert successor.address == served.address
    await successor.stop(0)


async def test_of_several_domains_all_start_or_none(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    good = Hosted(CONFIG, tmp_path / "a.sqlite", None, address)
    bad = Hosted(tmp_path / "missing.toml", tmp_path / "b.sqlite", None, "127.0.0.1:0")
    with pytest.raises(InvalidRequest):
        await start_all([good, bad])
    (alone,) = await start_all([good])
    assert alone.address == address, "the failed start has let go of its port and its file"
    await stop_all([alone], 0)


# -- life -------------------------------------------------------------------------------------


async def test_the_sweeper_lapses_what_nobody_confirms(
    domain: AdministrativeDomain, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SWEEP_S", 0.01)
    running = await serve(domain, None, "127.0.0.1:0")
    idle = domain.usage()
    async with grpc.aio.insecure_channel(running.address) as opened:
        stub: Any = domain_pb2_grpc.DomainServiceStub(opened)
        await stub.CreateHold(await a_hold(stub), timeout=5, metadata=ME)
    assert domain.usage() != idle
    clock.now_s += 31
    async with asyncio.timeout(5):
        while domain.usage() != idle:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await running.stop(0)


async def test_a_graceful_stop_finishes_calls_and_does_not_wait_for_watchers(
    served: DomainServer, stub: Any
) -> None:
    watch = stub.WatchTopology(domain_pb2.WatchTopologyRequest(), timeout=60, metadata=ME)
    await watch.read()
    request = await a_hold(stub)
    holding = stub.CreateHold(request, timeout=5, metadata=ME)
    await holding.wait_for_connection()
    async with asyncio.timeout(5):
        await served.stop(grace_s=60)
    assert (await holding).hold.state == domain_pb2.HOLD_STATE_HELD
    assert await code_of(watch) is grpc.StatusCode.UNAVAILABLE


async def test_stopping_twice_is_stopping_once(served: DomainServer) -> None:
    await served.stop(0)
    await served.stop(0)


def test_a_host_serves_several_domains_from_its_own_thread_until_it_is_drained(
    tmp_path: Path,
) -> None:
    hosted = [
        Hosted(CONFIG.with_name(f"{kind}.toml"), tmp_path / f"{kind}.db", None, "127.0.0.1:0")
        for kind in ("core", "cloud")
    ]
    host = Host(hosted)
    endpoints = host.endpoints()
    assert set(endpoints) == {"core-central", "cloud-regional"}
    for address in endpoints.values():
        with grpc.insecure_channel(address) as opened:
            check = health_pb2_grpc.HealthStub(opened).Check
            reply = check(health_pb2.HealthCheckRequest(), timeout=5, metadata=ME)
            assert reply.status == health_pb2.HealthCheckResponse.SERVING
    assert host.drain(0)
    assert host.drain(0), "idempotent"
    for address in endpoints.values():
        name, port = address.split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((name, int(port)), 1)
