"""Deadlines, retries and disbelief of the client side, against servers that fail for real."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from coordinator import domain_client
from coordinator.domain_client import BACKOFF_S_MAX, CALL_S_MAX, PATIENCE, GrpcDomain, Patience
from coordinator.limits import HOLD_TTL_S
from deploy.certificates import ensure_development_certificates
from domains import rpc, service
from domains.errors import EntenteError, InvalidRequest, Overloaded, StoreFailed, Unreachable
from domains.security import Identity
from domains.server import DomainServer, serve
from protos.slicing.v1 import domain_pb2, domain_pb2_grpc, types_pb2

COORDINATOR = "spiffe://e2e.example/coordinator/c1"


@pytest.fixture
def kind() -> str:
    return "core"


@pytest.fixture
def pauses() -> list[float]:
    return []


Dial = Callable[..., GrpcDomain]


@pytest.fixture
async def dial(certificates: Mapping[str, Identity], pauses: list[float]) -> AsyncIterator[Dial]:
    """A client of core-central at an address; its pauses are noted, not slept."""
    made: list[GrpcDomain] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    def make(
        address: str,
        trust_domain: str = "core.central.example",
        identity: Identity | None = certificates[COORDINATOR],
        sleep: Callable[[float], Awaitable[None]] = note,
    ) -> GrpcDomain:
        client = GrpcDomain(
            "core-central",
            address,
            identity,
            trust_domain,
            principal=COORDINATOR,
            random=Random(1),
            sleep=sleep,
        )
        made.append(client)
        return client

    yield make
    for client in made:
        await client.close()


def a_closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def test_all_tries_together_end_well_before_a_hold_lapses() -> None:
    for patience in PATIENCE.values():
        assert patience.deadline_s < CALL_S_MAX
        assert patience.tries_max <= 8
    assert CALL_S_MAX + BACKOFF_S_MAX < HOLD_TTL_S / 2


def test_every_unary_method_has_its_patience() -> None:
    methods = domain_pb2.DESCRIPTOR.services_by_name["DomainService"].methods
    alone = {m.name for m in methods if not m.server_streaming} - {"Exchange"}
    assert set(PATIENCE) == alone  # an exchange has the patience of the calls in it


# -- silence ----------------------------------------------------------------------------------


async def test_a_domain_that_is_down_is_tried_again_with_growing_pauses(
    dial: Dial, pauses: list[float]
) -> None:
    client = dial(a_closed_port())
    with pytest.raises(Unreachable) as gone:
        await client.confirm("hold-1", 1)
    assert len(pauses) == PATIENCE["ConfirmHold"].tries_max - 1
    assert all(0.05 <= pause <= BACKOFF_S_MAX for pause in pauses)
    assert pauses[3] > pauses[0]
    assert gone.value.metadata["domain"] == "core-central"
    assert gone.value.metadata["method"] == "ConfirmHold"


async def test_a_call_survives_the_restart_of_its_domain(
    dial: Dial, domain_at_work: Any, certificates: Mapping[str, Identity]
) -> None:
    address = a_closed_port()
    servers: list[DomainServer] = []
    identity = certificates["spiffe://core.central.example/domain/core-central"]

    async def restart_then_sleep(seconds: float) -> None:
        if not servers:
            servers.append(await serve(domain_at_work.inner, identity, address))
        await asyncio.sleep(seconds)

    client = dial(address, sleep=restart_then_sleep)
    assert await client.release("hold-1", 1, "nothing to release") is None
    await servers[0].stop(0)


async def test_a_domain_that_never_answers_costs_one_deadline(
    dial: Dial, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It accepts connections and says nothing, for ever."""
    monkeypatch.setitem(PATIENCE, "GetTopology", Patience(0.2, 3))
    monkeypatch.setattr(domain_client, "FIRST_TOPOLOGY_S", 0.2)
    listener = socket.create_server(("127.0.0.1", 0))
    client = dial(f"127.0.0.1:{listener.getsockname()[1]}")
    with pytest.raises(Unreachable) as late:
        await client.topology()
    assert late.value.metadata == {
        "domain": "core-central",
        "method": "GetTopology",
        "deadline_s": "0.2",
    }
    assert pauses == [], "who asks for an answer in time does not want two"
    with pytest.raises(Unreachable):
        await anext(client.watch_topology())
    listener.close()


# -- certificates -----------------------------------------------------------------------------


async def test_a_server_with_another_operators_certificate_is_named_as_such(
    dial: Dial, served: DomainServer, pauses: list[float]
) -> None:
    client = dial(served.address, trust_domain="access.north.example")
    with pytest.raises(Unreachable) as refused:
        await client.topology()
    assert refused.value.metadata["cause"] == "tls"
    assert "certificate" in refused.value.message
    assert pauses == [], "another try would present the same certificate"


async def test_a_certificate_that_the_server_does_not_accept_is_named_as_such(
    dial: Dial,
    served: DomainServer,
    certificates: Mapping[str, Identity],
    pauses: list[float],
    tmp_path: Path,
) -> None:
    made = ensure_development_certificates(tmp_path, [COORDINATOR], datetime.now(UTC))
    stranger = replace(
        Identity.load(made[COORDINATOR]), trust_bundle=certificates[COORDINATOR].trust_bundle
    )
    client = dial(served.address, identity=stranger)
    with pytest.raises(Unreachable) as refused:
        await client.topology()
    assert refused.value.metadata["cause"] == "tls"
    assert pauses == []


async def test_without_an_identity_nothing_but_loopback_is_dialled(dial: Dial) -> None:
    with pytest.raises(InvalidRequest):
        dial("192.0.2.1:50011", identity=None)


# -- lies -------------------------------------------------------------------------------------


class Liar(domain_pb2_grpc.DomainServiceServicer):
    """A domain that answers what it likes."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.calls = 0

    def _answer(self, method: str) -> Any:
        self.calls += 1
        answer = self.answers[method]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def GetTopology(self, request: object, context: object) -> Any:
        return self._answer("GetTopology")

    async def RequestOffers(self, request: object, context: object) -> Any:
        return self._answer("RequestOffers")

    async def CreateHold(self, request: object, context: object) -> Any:
        return self._answer("CreateHold")

    async def SetActivation(self, request: object, context: object) -> Any:
        return self._answer("SetActivation")

    async def WatchMeasurements(self, request: object, context: object) -> AsyncIterator[Any]:
        for message in self._answer("WatchMeasurements"):
            yield message

    async def ConfirmHold(self, request: object, context: object) -> Any:
        return self._answer("ConfirmHold")

    async def ReleaseHold(self, request: object, context: object) -> Any:
        return self._answer("ReleaseHold")

    async def ListHolds(self, request: object, context: object) -> Any:
        return self._answer("ListHolds")

    async def Exchange(self, request: object, context: object) -> Any:
        return self._answer("Exchange")

    async def WatchTopology(self, request: object, context: object) -> Any:
        yield self._answer("WatchTopology")


@pytest.fixture
async def lied_to(dial: Dial) -> AsyncIterator[tuple[Liar, GrpcDomain]]:
    liar = Liar()
    listening = await rpc.listen(
        "127.0.0.1:0",
        None,
        {service.NAME: service.PERMISSIONS},
        lambda server: domain_pb2_grpc.add_DomainServiceServicer_to_server(liar, server),
    )
    yield liar, dial(listening.address, identity=None)
    await listening.stop(0)


ANOTHER_TOPOLOGY = types_pb2.AbstractTopology(
    domain="another", operator="x", kind=types_pb2.DOMAIN_KIND_CORE
)

LIES: dict[str, tuple[str, Any, Callable[[GrpcDomain], Awaitable[Any]]]] = {
    "no topology": ("GetTopology", domain_pb2.GetTopologyResponse(), lambda d: d.topology()),
    "another's topology": (
        "GetTopology",
        domain_pb2.GetTopologyResponse(topology=ANOTHER_TOPOLOGY),
        lambda d: d.topology(),
    ),
    "another's topology, watched": (
        "WatchTopology",
        domain_pb2.WatchTopologyResponse(topology=ANOTHER_TOPOLOGY),
        lambda d: anext(d.watch_topology()),
    ),
    "a menu that nobody asked for": (
        "RequestOffers",
        domain_pb2.RequestOffersResponse(menus=[domain_pb2.Menu()]),
        lambda d: d.offers([], "acme"),
    ),
    "no hold": ("ConfirmHold", domain_pb2.ConfirmHoldResponse(), lambda d: d.confirm("h", 1)),
    "another's hold": (
        "ConfirmHold",
        domain_pb2.ConfirmHoldResponse(hold=domain_pb2.Hold(name="domains/another/holds/h")),
        lambda d: d.confirm("h", 1),
    ),
    "another's measurements": (
        "WatchMeasurements",
        [
            domain_pb2.WatchMeasurementsResponse(
                readings=[
                    domain_pb2.Reading(
                        name="domains/another/holds/h",
                        slice="slices/s",
                        condition=types_pb2.CONDITION_HEALTHY,
                    )
                ]
            )
        ],
        lambda d: anext(d.watch_measurements()),
    ),
    "an availability above one": (
        "WatchMeasurements",
        [
            domain_pb2.WatchMeasurementsResponse(
                readings=[
                    domain_pb2.Reading(
                        name="domains/core-central/holds/h",
                        slice="slices/s",
                        condition=types_pb2.CONDITION_HEALTHY,
                        measurement=types_pb2.Measurement(availability_ppb=10**9 + 1),
                    )
                ]
            )
        ],
        lambda d: anext(d.watch_measurements()),
    ),
    "a hold list of nonsense": (
        "ListHolds",
        domain_pb2.ListHoldsResponse(holds=[domain_pb2.Hold()]),
        lambda d: d.holds(),
    ),
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_no_domain_may_answer_is_not_believed(
    lie: str, lied_to: tuple[Liar, GrpcDomain]
) -> None:
    liar, client = lied_to
    method, answer, ask = LIES[lie]
    liar.answers[method] = answer
    with pytest.raises(Unreachable) as disbelieved:
        await ask(client)
    assert disbelieved.value.metadata["domain"] == "core-central"


async def test_pages_of_holds_without_end_are_not_followed_for_ever(
    lied_to: tuple[Liar, GrpcDomain], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain_client, "PAGES_MAX", 7)
    liar, client = lied_to
    liar.answers["ListHolds"] = domain_pb2.ListHoldsResponse(next_page_token="more")
    with pytest.raises(Unreachable):
        await client.holds()
    assert liar.calls == 7


async def test_a_round_of_readings_without_end_is_not_kept_for_ever(
    lied_to: tuple[Liar, GrpcDomain], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain_client, "READINGS_MAX", 3)
    liar, client = lied_to
    reading = domain_pb2.Reading(
        name="domains/core-central/holds/h",
        slice="slices/s",
        condition=types_pb2.CONDITION_HEALTHY,
    )
    part = domain_pb2.WatchMeasurementsResponse(readings=[reading, reading])
    end = domain_pb2.WatchMeasurementsResponse(complete=True)
    liar.answers["WatchMeasurements"] = [part, end]
    assert len(await anext(client.watch_measurements())) == 2
    liar.answers["WatchMeasurements"] = [part, part, end]
    with pytest.raises(Unreachable, match="more than 3 readings"):
        await anext(client.watch_measurements())


@pytest.mark.parametrize("error", [StoreFailed("disk full"), Overloaded("later", limit="X")])
async def test_an_answer_of_the_domain_itself_is_not_asked_for_twice(
    error: EntenteError, lied_to: tuple[Liar, GrpcDomain], pauses: list[float]
) -> None:
    liar, client = lied_to
    liar.answers["ConfirmHold"] = error
    with pytest.raises(type(error)):
        await client.confirm("hold-1", 1)
    assert (liar.calls, pauses) == (1, [])


async def test_a_crash_inside_the_domain_tells_nothing_and_leaves_the_outcome_open(
    lied_to: tuple[Liar, GrpcDomain], caplog: pytest.LogCaptureFixture
) -> None:
    liar, client = lied_to
    liar.answers["ConfirmHold"] = ZeroDivisionError("canary in /root/secret.py")
    with pytest.raises(Unreachable) as crashed:
        await client.confirm("hold-1", 1)
    assert "canary" not in f"{crashed.value!r} {crashed.value.metadata}"
    assert "canary" in caplog.text
    assert crashed.value.metadata["incident"] in caplog.text


# -- what cannot be sent ----------------------------------------------------------------------


@pytest.mark.parametrize("epoch", [2**63, math.pi, "1"])
async def test_what_does_not_fit_the_wire_is_the_callers_fault(
    epoch: Any, lied_to: tuple[Liar, GrpcDomain]
) -> None:
    liar, client = lied_to
    with pytest.raises(InvalidRequest):
        await client.confirm("hold-1", epoch)
    with pytest.raises(InvalidRequest):
        await client.release("hold-1", epoch, "over")
    with pytest.raises(InvalidRequest):
        await client.holds("lone \ud800 surrogate")
    assert liar.calls == 0


async def test_a_reply_beyond_the_limit_is_not_taken(
    lied_to: tuple[Liar, GrpcDomain],
) -> None:
    liar, client = lied_to
    liar.answers["GetTopology"] = domain_pb2.GetTopologyResponse(
        topology=types_pb2.AbstractTopology(areas=["x" * 1_000_000] * 5)
    )
    with pytest.raises(EntenteError):
        await client.topology()
