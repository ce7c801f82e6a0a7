"""Calls that share a message: each has its own answer, error and identity all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from coordinator.domain_client import GrpcDomain
from coordinator.exchange import Exchange
from coordinator.naming import hold_id
from domains import config
from domains.errors import EntenteError, OfferChanged
from domains.model import (
    Attachment,
    HoldRequest,
    HoldState,
    Isolation,
    NetworkFunction,
    Offer,
    SliceProfile,
)
from domains.security import Identity
from domains.service import CALLS_MAX
from protos.slicing.v1 import domain_pb2 as pb
from protos.slicing.v1 import domain_pb2_grpc
from tests.federation import COORDINATOR, Federation, federation

CORE = "core-central"
PROFILE = SliceProfile(
    ingress="bp-munich-core",
    egress="bp-munich-dn",
    latency_us_max=1_000,
    availability_ppb_min=990_000_000,
    downlink_kbps=100,
    uplink_kbps=100,
    devices=1,
    isolation=Isolation.SHARED,
)


@pytest_asyncio.fixture
async def entente(tmp_path: Path) -> AsyncIterator[Federation]:
    async with federation(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def core(entente: Federation) -> AsyncIterator[GrpcDomain]:
    domain = GrpcDomain(
        CORE,
        entente.domains[CORE].address,
        Identity.load(entente.identities[COORDINATOR]),
        config.load(entente.configs[CORE]).trust_domain,
    )
    yield domain
    await domain.close()


def request(number: int, offer: Offer, epoch: int = 9) -> HoldRequest:
    name = f"slice-{number}"
    attachments = tuple(Attachment(b, 100 + number) for b in (PROFILE.ingress, PROFILE.egress))
    ids = hold_id(name, "order", 0, CORE)
    return HoldRequest(ids, name, "clinic", PROFILE, offer, attachments, 60, epoch)


async def best(core: GrpcDomain) -> Offer:
    (menu,) = await core.offers([PROFILE], "clinic")
    return menu.offers[0]


async def test_under_load_calls_share_messages_and_keep_their_own_answers(
    core: GrpcDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    crews: list[int] = []
    fly = Exchange._fly

    async def counted(self: Exchange, crew: Any) -> None:
        crews.append(len(crew))
        await fly(self, crew)

    monkeypatch.setattr(Exchange, "_fly", counted)
    offer = await best(core)
    gone = replace(offer, offer_id="0" * 16)
    asked = [request(n, gone if n % 5 == 0 else offer) for n in range(100)]
    answers = await asyncio.gather(*map(core.hold, asked), return_exceptions=True)
    for number, (wanted, answer) in enumerate(zip(asked, answers, strict=True)):
        if number % 5 == 0:
            assert isinstance(answer, OfferChanged), answer
        else:
            assert not isinstance(answer, BaseException), answer
            assert (answer.hold_id, answer.state) == (wanted.hold_id, HoldState.HELD)
    assert 0 < len(crews) < 50
    assert max(crews) <= CALLS_MAX
    confirmed = await asyncio.gather(
        *(core.confirm(wanted.hold_id, 9) for n, wanted in enumerate(asked) if n % 5)
    )
    assert {hold.state for hold in confirmed} == {HoldState.CONFIRMED}
    released = await asyncio.gather(*(core.release(w.hold_id, 9, "over") for w in asked))
    assert sum(hold is None for hold in released) == 20  # the refused ones left a tombstone
    assert not await core.holds()


async def test_long_calls_of_one_tenant_do_not_cost_another_its_answer(core: GrpcDomain) -> None:
    long = tuple(NetworkFunction(f"{n}".ljust(240, "x"), "y" * 240, 1, 1, 1) for n in range(64))
    graph = replace(PROFILE, functions=long)
    asked = [
        core.offers([graph], "clinic") for _ in range(12)
    ]  # more than any domain takes at once
    menus = await asyncio.gather(core.offers([PROFILE], "other"), *asked)
    assert [len(answer) for answer in menus] == [1] * 13


async def test_a_quiet_domain_is_called_at_once_and_alone(
    core: GrpcDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(self: Exchange, crew: Any) -> None:
        raise AssertionError("nothing waited, so nothing is shared")

    monkeypatch.setattr(Exchange, "_fly", never)
    offer = await best(core)
    hold = await core.hold(request(1, offer))
    assert (await core.release(hold.hold_id, 9, "over")) is not None


async def test_an_older_domain_is_called_one_by_one(
    core: GrpcDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(self: Exchange, message: Any, **how: Any) -> Any:
        nothing = grpc.aio.Metadata()
        raise grpc.aio.AioRpcError(grpc.StatusCode.UNIMPLEMENTED, nothing, nothing)

    monkeypatch.setattr(core._exchange, "_exchange", unknown.__get__(core._exchange))
    offer = await best(core)
    for _ in range(2):  # once to find out, and then without trying
        holds = await asyncio.gather(*(core.hold(request(n, offer)) for n in range(10)))
        assert len({hold.hold_id for hold in holds}) == 10


async def test_too_many_calls_or_none_at_all_in_a_message_are_refused(
    entente: Federation, core: GrpcDomain
) -> None:
    stub = domain_pb2_grpc.DomainServiceStub(core._channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Exchange(pb.ExchangeRequest(calls=[pb.Call()] * (CALLS_MAX + 1)))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    reply = await stub.Exchange(pb.ExchangeRequest(calls=[pb.Call()]))
    assert reply.answers[0].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert not (await stub.Exchange(pb.ExchangeRequest())).answers


async def test_every_error_of_the_tree_survives_a_shared_message(core: GrpcDomain) -> None:
    offer = await best(core)
    await core.hold(request(1, offer, epoch=9))
    late = [request(n, offer, epoch=8) for n in range(2, 12)]
    answers = await asyncio.gather(*map(core.hold, late), return_exceptions=True)
    for answer in answers:
        assert isinstance(answer, EntenteError)
        assert answer.reason == "STALE_EPOCH"
        assert answer.metadata["domain"] == CORE
