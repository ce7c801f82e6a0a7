"""G8, only who may: every method x every kind of party, over real mutual TLS."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import coordinator.service
import domains.operator_service
import domains.service
from domains import rpc
from domains.errors import InvalidRequest, NotPermitted, WrongState
from domains.security import (
    INSECURE_METADATA,
    Guard,
    Identity,
    Permissions,
    Principal,
    Role,
    Trust,
    channel_credentials,
    principal_of,
)
from protos.slicing.v1 import (
    domain_pb2,
    domain_pb2_grpc,
    operator_pb2,
    operator_pb2_grpc,
    slices_pb2,
    slices_pb2_grpc,
)

SERVER = "spiffe://north.example/domain/radio"
COORDINATOR = "spiffe://e2e.example/coordinator/c1"

PARTIES = {
    "coordinator": COORDINATOR,
    "another coordinator": "spiffe://south.example/coordinator/c2",
    "peer domain": "spiffe://south.example/domain/transport",
    "tenant": "spiffe://e2e.example/tenant/acme",
    "own operator": "spiffe://north.example/operator/desk",
    "another's operator": "spiffe://south.example/operator/desk",
    "own auditor": "spiffe://north.example/auditor/first",
    "another's auditor": "spiffe://south.example/auditor/first",
}

COORDINATORS = {"coordinator", "another coordinator"}
WHO_ASKS = COORDINATORS | {"own operator"}

MATRIX: dict[str, dict[str, set[str]]] = {
    "slicing.v1.DomainService": {
        "GetTopology": WHO_ASKS,
        "WatchTopology": WHO_ASKS,
        "RequestOffers": WHO_ASKS,
        "CreateHold": COORDINATORS,
        "ConfirmHold": COORDINATORS,
        "ReleaseHold": COORDINATORS,
        "ListHolds": COORDINATORS,
        "SetActivation": COORDINATORS,
        "WatchMeasurements": COORDINATORS,
        "Exchange": COORDINATORS,
    },
    "slicing.v1.OperatorService": {"OperateFunctions": {"own operator"}},
    "slicing.v1.SliceService": {
        "CreateSlice": {"tenant"},
        "GetSlice": {"tenant"},
        "ListSlices": {"tenant"},
        "WatchSlice": {"tenant"},
        "UpdateSlice": {"tenant"},
        "TerminateSlice": {"tenant"},
        "ActivateSlice": {"tenant"},
        "DeactivateSlice": {"tenant"},
        "ListMeasurements": {"tenant"},
        "AcceptProposal": {"tenant"},
        "RejectProposal": {"tenant"},
        "GetOperation": {"tenant"},
        "CancelOperation": {"tenant"},
        "GetDecisionRecord": {"tenant"},
        "ExplainAlternative": {"tenant"},
        "ListDomains": {"tenant", "own operator", "own auditor"},
        "RecallIntents": {"tenant"},
    },
}
"""Who may what; whatever is not written here is refused. Written by hand: it is the promise."""

TABLES: dict[str, Permissions] = {
    domains.service.NAME: domains.service.PERMISSIONS,
    domains.operator_service.NAME: domains.operator_service.PERMISSIONS,
    coordinator.service.SLICE_SERVICE: coordinator.service.PERMISSIONS,
}
SERVICES: list[tuple[Any, Any, Callable[..., None]]] = [
    (
        domain_pb2.DESCRIPTOR.services_by_name["DomainService"],
        domain_pb2_grpc.DomainServiceServicer,
        domain_pb2_grpc.add_DomainServiceServicer_to_server,
    ),
    (
        operator_pb2.DESCRIPTOR.services_by_name["OperatorService"],
        operator_pb2_grpc.OperatorServiceServicer,
        operator_pb2_grpc.add_OperatorServiceServicer_to_server,
    ),
    (
        slices_pb2.DESCRIPTOR.services_by_name["SliceService"],
        slices_pb2_grpc.SliceServiceServicer,
        slices_pb2_grpc.add_SliceServiceServicer_to_server,
    ),
]
METHODS = [(s.full_name, m) for s, _, _ in SERVICES for m in s.methods]


async def _past_the_guard(self: object, request: object, context: object) -> None:
    raise WrongState("past the guard", caller=principal_of(context).spiffe_id)


async def _past_the_guard_stream(
    self: object, request: object, context: object
) -> AsyncIterator[None]:
    before: list[None] = []
    for reply in before:
        yield reply
    raise WrongState("past the guard", caller=principal_of(context).spiffe_id)


def _register_all(server: grpc.aio.Server) -> None:
    """Every method of every service, each telling only that it was reached."""
    for descriptor, base, add in SERVICES:
        behaviours = {
            method.name: _past_the_guard_stream if method.server_streaming else _past_the_guard
            for method in descriptor.methods
        }
        add(type("Reached", (base,), behaviours)(), server)


@pytest.fixture
async def server(identity_of: Callable[[str], Identity]) -> AsyncIterator[rpc.RpcServer]:
    listening = await rpc.listen("127.0.0.1:0", identity_of(SERVER), TABLES, _register_all)
    yield listening
    await listening.stop(0)


async def status(
    address: str, credentials: grpc.ChannelCredentials | None, path: str, streaming: bool = False
) -> tuple[grpc.StatusCode, str]:
    """What an empty request to a method is answered with."""
    options = (("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1))
    opened: Any = (
        grpc.aio.secure_channel(address, credentials, options)
        if credentials
        else grpc.aio.insecure_channel(address, options)
    )
    async with opened as channel:
        try:
            if streaming:
                async for _ in channel.unary_stream(path)(b"", timeout=5):
                    pass
            else:
                await channel.unary_unary(path)(b"", timeout=5)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or ""
    return grpc.StatusCode.OK, ""


def test_every_method_has_a_row_and_every_row_a_method() -> None:
    for descriptor, _, _ in SERVICES:
        methods = {method.name for method in descriptor.methods}
        assert set(TABLES[descriptor.full_name]) == methods
        assert set(MATRIX[descriptor.full_name]) == methods


@pytest.mark.parametrize("party", PARTIES)
async def test_a_party_reaches_what_it_may_and_nothing_else(
    party: str, server: rpc.RpcServer, identity_of: Callable[[str], Identity]
) -> None:
    credentials = channel_credentials(identity_of(PARTIES[party]), "north.example")
    for service, method in METHODS:
        code, text = await status(
            server.address, credentials, f"/{service}/{method.name}", method.server_streaming
        )
        if party in MATRIX[service][method.name]:
            assert (code, text) == (grpc.StatusCode.FAILED_PRECONDITION, "past the guard"), method
        else:
            assert code is grpc.StatusCode.PERMISSION_DENIED, (method.name, text)


async def test_a_method_without_a_row_is_refused_to_everybody(
    identity_of: Callable[[str], Identity],
) -> None:
    table = {k: v for k, v in domains.service.PERMISSIONS.items() if k != "GetTopology"}
    tables = {domains.service.NAME: table}
    listening = await rpc.listen("127.0.0.1:0", identity_of(SERVER), tables, _register_all)
    for party, (service, method) in itertools.product(PARTIES.values(), METHODS):
        if method.name == "GetTopology" or service not in tables:
            credentials = channel_credentials(identity_of(party), "north.example")
            path = f"/{service}/{method.name}"
            code, _ = await status(listening.address, credentials, path, method.server_streaming)
            assert code is grpc.StatusCode.PERMISSION_DENIED
    await listening.stop(0)


async def test_the_servicer_learns_who_calls(
    server: rpc.RpcServer, identity_of: Callable[[str], Identity]
) -> None:
    credentials = channel_credentials(identity_of(COORDINATOR), "north.example")
    opened: Any = grpc.aio.secure_channel(server.address, credentials)
    async with opened as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary("/slicing.v1.DomainService/GetTopology")(b"", timeout=5)
    details = dict(refused.value.trailing_metadata() or ())["grpc-status-details-bin"]
    assert COORDINATOR.encode() in bytes(details)


# -- who does not even get a connection --------------------------------------------------------


GET = "/slicing.v1.DomainService/GetTopology"


async def test_plaintext_is_refused(server: rpc.RpcServer) -> None:
    assert (await status(server.address, None, GET))[0] is grpc.StatusCode.UNAVAILABLE


async def test_a_caller_without_a_certificate_is_refused(
    server: rpc.RpcServer, identity_of: Callable[[str], Identity]
) -> None:
    authority = identity_of(COORDINATOR).trust_bundle["north.example"]
    credentials = grpc.ssl_channel_credentials(authority)
    assert (await status(server.address, credentials, GET))[0] is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_of_an_unknown_authority_is_refused(
    server: rpc.RpcServer,
    identity_of: Callable[[str], Identity],
    stranger: Identity,
) -> None:
    """Same names, same form, another CA that calls itself by a trusted name."""
    authority = identity_of(COORDINATOR).trust_bundle["north.example"]
    credentials = grpc.ssl_channel_credentials(
        authority, stranger.key_pem, stranger.certificate_pem
    )
    assert (await status(server.address, credentials, GET))[0] is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("starts", "ends"),
    [(timedelta(days=-2), timedelta(days=-1)), (timedelta(days=1), timedelta(days=2))],
    ids=["expired", "not yet valid"],
)
async def test_a_certificate_out_of_its_time_is_refused(
    starts: timedelta,
    ends: timedelta,
    server: rpc.RpcServer,
    forge: Callable[..., Identity],
) -> None:
    identity = forge("e2e.example", COORDINATOR, starts=starts, ends=ends)
    credentials = channel_credentials(identity, "north.example")
    assert (await status(server.address, credentials, GET))[0] is grpc.StatusCode.UNAVAILABLE


# -- who gets a connection and nothing more ------------------------------------------------------


@pytest.mark.parametrize(
    ("issuer", "uris"),
    [
        ("south.example", [COORDINATOR]),
        ("north.example", [COORDINATOR]),
        ("e2e.example", ["spiffe://nowhere.example/coordinator/c1"]),
        ("e2e.example", ["spiffe://e2e.example/janitor/c1"]),
        ("e2e.example", ["spiffe://e2e.example/coordinator/c1/more"]),
        ("e2e.example", ["spiffe://e2e.example/coordinator/"]),
        ("e2e.example", ["https://e2e.example/coordinator/c1"]),
        ("e2e.example", [COORDINATOR, "spiffe://e2e.example/coordinator/c2"]),
        ("e2e.example", []),
    ],
)
async def test_an_id_that_its_issuer_may_not_give_is_refused_everywhere(
    issuer: str, uris: list[str], server: rpc.RpcServer, forge: Callable[..., Identity]
) -> None:
    credentials = channel_credentials(forge(issuer, *uris), "north.example")
    for service, method in METHODS:
        path = f"/{service}/{method.name}"
        code, _ = await status(server.address, credentials, path, method.server_streaming)
        assert code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_client_does_not_believe_another_operators_server(
    server: rpc.RpcServer, identity_of: Callable[[str], Identity]
) -> None:
    credentials = channel_credentials(identity_of(COORDINATOR), "south.example")
    code, text = await status(server.address, credentials, GET)
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "CERTIFICATE_VERIFY_FAILED" in text


async def test_health_is_for_everyone_with_a_certificate(
    server: rpc.RpcServer, identity_of: Callable[[str], Identity]
) -> None:
    for party in PARTIES.values():
        credentials = channel_credentials(identity_of(party), "north.example")
        async with grpc.aio.secure_channel(server.address, credentials) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            reply = await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
            assert reply.status == health_pb2.HealthCheckResponse.SERVING


def test_a_connection_that_outlives_its_certificate_is_refused(
    forge: Callable[..., Identity],
) -> None:
    identity, clock_s = forge("e2e.example", COORDINATOR, ends=timedelta(hours=1)), [0.0]
    trust = Trust(identity.trust_bundle, lambda: clock_s[0])
    assert trust.principal(identity.certificate_pem).role is Role.COORDINATOR
    clock_s[0] = 4e9
    with pytest.raises(NotPermitted):
        trust.principal(identity.certificate_pem)


# -- names, files, debugging -------------------------------------------------------------------


def test_a_principal_is_its_spiffe_id() -> None:
    principal = Principal.parse(COORDINATOR)
    assert principal == Principal("e2e.example", Role.COORDINATOR, "c1")
    assert principal.spiffe_id == COORDINATOR


@pytest.mark.parametrize(
    "spiffe_id",
    ["", "spiffe://", "spiffe://a/tenant/b\n", "spiffe://A/tenant/b", "spiffe://a/tenant/../x"],
)
def test_what_is_no_spiffe_id_of_ours_is_refused(spiffe_id: str) -> None:
    with pytest.raises(NotPermitted):
        Principal.parse(spiffe_id)


def test_an_identity_does_not_show_its_key(identity_of: Callable[[str], Identity]) -> None:
    assert "PRIVATE KEY" not in repr(identity_of(COORDINATOR))


def test_a_trust_domain_that_is_not_in_the_bundle_cannot_be_dialled(
    identity_of: Callable[[str], Identity],
) -> None:
    with pytest.raises(InvalidRequest):
        channel_credentials(identity_of(COORDINATOR), "nowhere.example")


async def test_without_tls_a_caller_is_believed_on_loopback_and_loudly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listening = await rpc.listen("127.0.0.1:0", None, TABLES, _register_all)
    assert "INSECURE" in caplog.text
    codes = {}
    opened: Any = grpc.aio.insecure_channel(listening.address)
    async with opened as channel:
        for claim in (COORDINATOR, PARTIES["tenant"], PARTIES["own operator"], "root", None):
            metadata = ((INSECURE_METADATA, claim),) if claim else ()
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await channel.unary_unary(GET)(b"", timeout=5, metadata=metadata)
            codes[claim] = refused.value.code()
    await listening.stop(0)
    assert codes.pop(COORDINATOR) is grpc.StatusCode.FAILED_PRECONDITION
    assert set(codes.values()) == {grpc.StatusCode.PERMISSION_DENIED}


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:0", "[::]:0", "example.org:0"])
async def test_without_tls_nothing_but_loopback_is_served(address: str) -> None:
    with pytest.raises(InvalidRequest):
        await rpc.listen(address, None, TABLES, _register_all)


async def test_a_client_stream_cannot_be_registered() -> None:
    handler: Any = grpc.stream_unary_rpc_method_handler(lambda requests, context: None)
    guard = Guard(grpc.aio.server(), {}, None)
    with pytest.raises(AssertionError):
        guard.add_registered_method_handlers("any.Service", {"Upload": handler})
