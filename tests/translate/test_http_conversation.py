"""Conversations over HTTP with a whole federation behind them: real domains, real slices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from coordinator.intent import encoder
from coordinator.intent.settings import EngineName, EngineSettings
from deploy.account import Account
from deploy.translate import Settings, service
from deploy.web.app import Service
from domains.security import Identity
from tests.asking import eventually
from tests.federation import HOME, Federation, federation, tenant_id
from tests.translate.calls import TRANSLATE, begun, calling, said

REQUEST = "video conferencing for 20 people in Munich"


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Federation]:
    async with federation(tmp_path / "federation") as made:
        yield made


@asynccontextmanager
async def serving(whole: Federation, settings: Settings) -> AsyncIterator[Service]:
    """The HTTP service in front of this federation; each tenant with its own certificate."""

    def account(tenant: str) -> Account:
        assert whole.coordinator is not None
        name = tenant_id(tenant)
        identity = Identity.load(whole.identities[name])
        return Account(whole.coordinator.address, HOME, identity, name)

    opened = service(settings, "replica-1", account)
    yield opened
    opened.close()


@pytest.fixture
async def clinic(whole: Federation, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(whole, settings) as opened, calling(opened, "clinic") as client:
        yield client


async def test_a_conversation_leads_from_words_to_slices(
    clinic: httpx.AsyncClient, whole: Federation
) -> None:
    idle = whole.used()
    name = await begun(clinic)
    assert [kind for kind, _ in await said(clinic, name, "video conferencing")] == [
        "question",
        "state",
    ]
    await said(clinic, name, "20 people")
    events = dict(await said(clinic, name, "Munich"))
    assert events["state"]["phase"] == "quoted"
    assert events["quote"]["data"]["price_micros"] > 0
    assert whole.used() == idle, "a quote holds nothing"

    events_in_order = await said(clinic, name, "yes")
    kinds = [kind for kind, _ in events_in_order]
    assert kinds[0] == "said"
    assert kinds[-2:] == ["slices", "state"]
    assert kinds.count("progress") > 5
    (made,) = dict(events_in_order)["slices"]["data"]["slices"]
    assert made["state"] == "activated"
    assert len(made["domains"]) == 4
    assert whole.used() != idle
    listed = dict(await said(clinic, name, "which of my slices are active?"))
    assert [item["name"] for item in listed["slices"]["data"]["slices"]] == [made["name"]]


async def test_a_relaxation_is_proposed_and_exactly_that_is_ordered(
    clinic: httpx.AsyncClient,
) -> None:
    name = await begun(clinic)
    events = dict(await said(clinic, name, "robot control for 5 devices in Berlin within 4 ms"))
    assert "proposal" in events, events
    (gives,) = events["proposal"]["data"]["relaxations"]
    assert gives["relaxation"]["requested"] == 4_000
    achievable = gives["relaxation"]["achievable"]
    assert achievable > 4_000
    events = dict(await said(clinic, name, "yes"))
    (made,) = events["slices"]["data"]["slices"]
    assert made["metrics"]["latency_us"] <= achievable


async def test_a_no_orders_nothing_and_a_change_is_quoted_anew(
    clinic: httpx.AsyncClient, whole: Federation
) -> None:
    idle = whole.used()
    name = await begun(clinic)
    await said(clinic, name, REQUEST)
    assert dict(await said(clinic, name, "no"))["state"]["phase"] == "open"
    events = dict(await said(clinic, name, "make it 10 people"))
    assert events["quote"]["data"]["services"][0]["devices"] >= 10
    assert whole.used() == idle


async def test_a_restart_in_the_middle_loses_nothing(whole: Federation, settings: Settings) -> None:
    async with serving(whole, settings) as opened, calling(opened, "clinic") as client:
        name = await begun(client)
        await said(client, name, REQUEST)
    later = replace(settings, incarnation="later")
    async with serving(whole, later) as opened, calling(opened, "clinic") as client:
        kept = (await client.get(f"/v1/{name}")).json()
        assert kept["conversation"]["phase"] == "quoted"
        assert [line["kind"] for line in kept["lines"]] == [None, "understood", "quote"]
        assert dict(await said(client, name, "yes"))["state"]["phase"] == "ordered"


async def test_an_order_whose_answer_was_lost_is_one_order(
    whole: Federation, settings: Settings
) -> None:
    """The service dies after the order was placed and before its outcome was kept."""
    async with serving(whole, settings) as opened:
        async with calling(opened, "clinic") as client:
            name = await begun(client)
            await said(client, name, REQUEST)
        key = name.removeprefix("conversations/")
        replies = opened.talks.say("clinic", key, "yes")
        async for reply in replies:
            if "hold" in getattr(reply, "text", ""):
                break
        await replies.aclose()
    later = replace(settings, incarnation="later")
    async with serving(whole, later) as opened, calling(opened, "clinic") as client:
        assert (await client.get(f"/v1/{name}")).json()["conversation"]["phase"] == "ordering"
        events = dict(await said(client, name, "hello?"))
        assert events["state"]["phase"] == "ordered"
        slices = dict(await said(client, name, "show me my slices"))["slices"]["data"]["slices"]
        assert len([item for item in slices if item["state"] == "activated"]) == 1


async def test_two_messages_at_once_are_answered_one_after_the_other_or_refused(
    clinic: httpx.AsyncClient,
) -> None:
    name = await begun(clinic)
    both = await asyncio.gather(
        *(clinic.post(f"/v1/{name}/messages", json={"text": REQUEST}) for _ in range(2))
    )
    codes = sorted(answer.status_code for answer in both)
    assert codes in ([200, 200], [200, 409])
    assert (await clinic.get(f"/v1/{name}")).json()["conversation"]["phase"] == "quoted"


async def test_capacity_that_is_not_there_is_said_with_what_can_be_had(
    clinic: httpx.AsyncClient,
) -> None:
    name = await begun(clinic)
    events = dict(await said(clinic, name, "video streaming for 20000 users in Nuremberg"))
    assert events.keys() == {"understood", "proposal", "state"}
    gives = [item["relaxation"] for item in events["proposal"]["data"]["relaxations"]]
    assert any(item["achievable"] < item["requested"] for item in gives)
    await said(clinic, name, "no")
    events = dict(await said(clinic, name, "make it 20 users"))
    assert "quote" in events


async def test_the_tenant_of_the_token_is_the_tenant_of_the_slice(
    whole: Federation, settings: Settings
) -> None:
    async with serving(whole, settings) as opened:
        async with calling(opened, "clinic") as clinic:
            name = await begun(clinic)
            await said(clinic, name, REQUEST)
            await said(clinic, name, "yes")
        async with calling(opened, "other") as other:
            name = await begun(other)
            events = dict(await said(other, name, "show me my slices"))
            assert events["slices"]["data"]["slices"] == []


@pytest.mark.skipif(not encoder.is_installed(), reason=f"not installed: {encoder.DEFAULT}")
async def test_what_came_of_one_conversation_is_seen_in_the_next_and_by_nobody_else(
    tmp_path: Path, settings: Settings
) -> None:
    engine = EngineSettings(EngineName.RETRIEVAL)
    async with (
        federation(tmp_path / "federation", engine=engine) as whole,
        serving(whole, replace(settings, engine=engine)) as opened,
        calling(opened, "clinic") as clinic,
        calling(opened, "other") as other,
    ):
        name = await begun(clinic)
        await said(clinic, name, "video conferencing for 20 people in Munich")
        assert "slices" in dict(await said(clinic, name, "yes"))

        async def lived_through(client: httpx.AsyncClient) -> list[str]:
            body = {"text": "a video conference with 30 people in Berlin"}
            found = (await client.post(TRANSLATE, json=body)).json()["neighbours"]
            return [item["text"] for item in found if item["source"] == "outcomes"]

        async def remembered() -> bool:
            return bool(await lived_through(clinic))

        await eventually(remembered)
        assert "video conferencing for 20 people" in (await lived_through(clinic))[0]
        assert await lived_through(other) == []
        assert whole.coordinator is not None
        await whole.coordinator.stop(0)  # without it translation goes on, without experience
        assert await lived_through(clinic) == []
