"""Words on the path of orders: who read them is on record, and what came of them is remembered."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from coordinator.intent import encoder
from coordinator.intent.settings import EngineName, EngineSettings, LlmSettings
from deploy.cli import app
from domains.model import Metrics
from protos.slicing.v1 import slices_pb2
from tests.asking import (
    ACCEPT,
    ASK,
    REJECT,
    answer,
    create,
    eventually,
    order_of,
    reason_of,
    refusal_of,
    service,
    slices_of,
)
from tests.coordinator.openai_server import Server, serving
from tests.federation import HOME, Federation, federation, tenant_id

pytestmark = pytest.mark.skipif(
    not encoder.is_installed(), reason=f"not installed: {encoder.DEFAULT}"
)

CAMERAS = "Video surveillance with 20 cameras in Berlin"
ROBOTS = "Control of welding robots in Berlin within 4 ms, for 40 devices"


def settings(folder: Path, llm: LlmSettings | None = None) -> EngineSettings:
    return EngineSettings(None if llm else EngineName.RETRIEVAL, folder / "memory", llm=llm)


@pytest_asyncio.fixture
async def entente(tmp_path: Path) -> AsyncIterator[Federation]:
    async with federation(tmp_path, engine=settings(tmp_path)) as running:
        yield running


async def recalled(tenant: Any, text: str) -> list[slices_pb2.RecalledIntent]:
    request = slices_pb2.RecallIntentsRequest(text=text, limit=5)
    return list((await tenant.RecallIntents(request, timeout=10)).intents)


async def learned(tenant: Any, text: str, outcome: str) -> slices_pb2.RecalledIntent:
    """What is remembered of a text once it is: writing takes place in a while."""
    found: list[slices_pb2.RecalledIntent] = []

    async def there() -> bool:
        found[:] = [item for item in await recalled(tenant, text) if item.outcome == outcome]
        return bool(found)

    await eventually(there)
    return found[0]


async def understood(tenant: Any, name: str) -> dict[str, Any]:
    """What the decision record says of step 1."""
    request = slices_pb2.GetDecisionRecordRequest(name=name)
    record = await tenant.GetDecisionRecord(request, timeout=10)
    assert record.verified
    (event,) = [item for item in record.events if item.event == "understood"]
    return {**dict(event.detail.items()), "said": event.text}


async def test_the_command_line_reads_in_the_light_of_the_same_past(entente: Federation) -> None:
    assert entente.coordinator is not None
    clinic = entente.tenant()
    slices_of(await create(clinic, CAMERAS, policy=ACCEPT))
    await learned(clinic, CAMERAS, "confirmed")

    def near(*options: str) -> list[str]:
        ended = CliRunner().invoke(
            app,
            [*options, "translate", CAMERAS, "--engine", "retrieval", "--json"],
            env={"ENTENTE_HOME": str(entente.folder / "nothing")},
        )
        assert ended.exit_code == 0, ended.output
        return [item["source"] for item in json.loads(ended.stdout)["neighbours"]]

    there = ["--coordinator", entente.coordinator.address, "--trust-domain", HOME]
    ours = ["--identity", str(entente.identities[tenant_id("clinic")]), "--tenant", "clinic"]
    assert "outcomes" in await asyncio.to_thread(near, *there, *ours)
    assert "outcomes" not in await asyncio.to_thread(near), "whoever runs nothing has no past"


# -- who read it ---------------------------------------------------------------------------


async def test_the_record_says_which_engine_read_and_what_it_saw_nearby(
    entente: Federation,
) -> None:
    clinic = entente.tenant()
    operation = await create(clinic, CAMERAS, policy=ACCEPT)
    slices_of(operation)
    told = await understood(clinic, operation.name)
    assert told["engine"] == "retrieval"
    assert "read by retrieval" in told["said"]
    near = [dict(item.items()) for item in told["neighbours"]]
    assert near[0]["source"] == "catalogue"
    assert near[0]["similarity"] > 0.5


async def test_a_coordinator_without_the_encoder_reads_by_rules_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "_loaded", {})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    async with federation(tmp_path, engine=EngineSettings(folder=tmp_path / "m")) as entente:
        assert entente.coordinator is not None
        assert entente.coordinator.engine.name is EngineName.RULES
        assert "pip install" in entente.coordinator.engine.note
        clinic = entente.tenant()
        operation = await create(clinic, CAMERAS, policy=ACCEPT)
        slices_of(operation)
        told = await understood(clinic, operation.name)
        assert told["engine"] == "rules"
        assert "without memory" in told["said"]
        assert await recalled(clinic, CAMERAS) == []


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (Server(lambda intent, request: "", status=500), "it could not be asked"),
        (Server(lambda intent, request: "no idea"), "its answer made no sense"),
        (Server(lambda intent, request: "", stuck=True), "its answer"),
    ],
    ids=["down", "nonsense", "stuck"],
)
async def test_an_order_does_without_a_model_that_is_down_wrong_or_slow(
    tmp_path: Path, server: Server, why: str
) -> None:
    with serving(server):
        llm = LlmSettings(server.url, "m", deadline_s=2)
        async with federation(tmp_path, engine=settings(tmp_path, llm)) as entente:
            clinic = entente.tenant()
            operation = await create(clinic, CAMERAS, policy=ACCEPT)
            (made,) = slices_of(operation)
            assert made.state == slices_pb2.SLICE_STATE_ACTIVATED
            told = await understood(clinic, operation.name)
            assert told["engine"] == "retrieval"
            assert f"the language model was left out: {why}" in told["said"]


async def test_a_name_is_masked_before_an_order_is_kept_and_spans_still_quote(
    entente: Federation,
) -> None:
    clinic = entente.tenant()
    text = "Mrs Katrin Sommerfeld needs video surveillance with 20 cameras in Berlin"
    operation = await create(clinic, text, policy=ACCEPT)
    slices_of(operation)
    told = await understood(clinic, operation.name)
    words = [item["words"] for item in told["services"][0]["evidence"] if item["words"]]
    assert words == ["20 cameras", "Berlin"]
    for path in entente.folder.glob("coordinator.sqlite*"):
        kept = path.read_bytes()
        assert b"Sommerfeld" not in kept
        assert b"sommerfeld" not in kept


# -- what came of it -------------------------------------------------------------------------


async def test_what_was_confirmed_is_remembered_by_its_own_tenant_and_survives_a_restart(
    entente: Federation,
) -> None:
    clinic, other = entente.tenant("clinic"), entente.tenant("other")
    slices_of(await create(clinic, CAMERAS, policy=ACCEPT))
    found = await learned(clinic, "surveillance cameras", "confirmed")
    assert "surveillance" in found.text
    assert await recalled(other, "surveillance cameras") == []
    assert entente.coordinator is not None
    await entente.coordinator.stop(0)
    await entente.start_coordinator()
    assert (await learned(clinic, "surveillance cameras", "confirmed")).text == found.text


async def test_a_yes_to_less_makes_that_matter_less_and_a_no_makes_it_matter_more(
    entente: Federation,
) -> None:
    clinic, other = entente.tenant("clinic"), entente.tenant("other")
    before = order_of(await create(clinic, ROBOTS, policy=REJECT, validate_only=True))
    assert before.proposal.services[0].preference.latency > 0
    used = before.proposal.services[0].preference.latency

    asked = await create(clinic, ROBOTS, policy=ASK)
    slices_of(await answer(clinic, asked, yes=True))
    assert (await learned(clinic, ROBOTS, "relaxed")).preference.latency < used

    asked = await create(other, ROBOTS, policy=ASK)
    assert (await answer(other, asked, yes=False)).HasField("error")
    assert (await learned(other, ROBOTS, "refused")).preference.latency > used

    # The next order of each is read in the light of it.
    for tenant, less in ((clinic, True), (other, False)):
        again = order_of(await create(tenant, ROBOTS, policy=ASK, validate_only=True))
        now = again.proposal.services[0].preference.latency
        assert (now < used) is less


async def test_what_an_active_slice_really_gives_is_a_lesson_too(entente: Federation) -> None:
    clinic = entente.tenant()
    (made,) = slices_of(await create(clinic, CAMERAS, policy=ACCEPT))
    coordinator = entente.coordinator
    assert coordinator is not None
    before = await learned(clinic, CAMERAS, "confirmed")
    record = coordinator._orders.views.slice(tenant_id("clinic"), made.name.removeprefix("slices/"))
    promised = record.metrics
    assert promised is not None
    late = Metrics(
        2 * promised.latency_us, promised.availability_ppb, promised.downlink_kbps,
        promised.uplink_kbps, promised.devices, promised.price_micros,
    )  # fmt: skip
    coordinator.lessons.measured(record, late)
    after = await learned(clinic, CAMERAS, "measured")
    assert after.preference.latency > before.preference.latency


async def test_services_in_typed_fields_are_remembered_by_the_words_that_come_with_them(
    entente: Federation,
) -> None:
    clinic = entente.tenant()
    words = ["leak detectors on the pipeline, call Mrs Sommerfeld"]
    slices_of(await create(clinic, services=[service()], words=words))
    found = await learned(clinic, "pipeline leak detection", "confirmed")
    assert found.text == "leak detectors on the pipeline, call Mrs [name]"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(clinic, services=[service()], words=["one", "too many"])
    assert refusal_of(caught.value)[2]["field"] == "words"


async def test_a_quote_and_a_cancelled_order_teach_nothing(entente: Federation) -> None:
    clinic = entente.tenant()
    await create(clinic, CAMERAS, policy=ACCEPT, validate_only=True)
    asked = await create(clinic, ROBOTS, policy=ASK)
    cancel = slices_pb2.CancelOperationRequest(
        request_id="00000000-0000-4000-8000-000000000001", name=asked.name
    )
    assert reason_of((await clinic.CancelOperation(cancel)).error)[0] == "CANCELLED"
    slices_of(await create(clinic, "smart meters for 50 households in Munich", policy=ACCEPT))
    await learned(clinic, "smart meters", "confirmed")  # written last: the others are not coming
    assert [item.text for item in await recalled(clinic, CAMERAS)] == [
        "smart meters for 50 households in munich"
    ]


@pytest.mark.parametrize(("text", "limit"), [("", 5), ("x" * 9_000, 5), ("x", 0), ("x", 17)])
async def test_a_recall_that_makes_no_sense_is_refused_by_field(
    entente: Federation, text: str, limit: int
) -> None:
    request = slices_pb2.RecallIntentsRequest(text=text, limit=limit)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await entente.tenant().RecallIntents(request)
    code, reason, metadata = refusal_of(caught.value)
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert metadata["field"] in ("text", "limit")
