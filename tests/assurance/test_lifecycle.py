"""The rest of a slice's life: standing by, sharing an instance, draining, and second thoughts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from domains.measurement import Condition
from protos.slicing.v1 import slices_pb2, types_pb2
from tests.asking import ACCEPT, eventually, new_id, order_of, reason_of, slices_of, terminate
from tests.assurance.test_watch import active, events, get
from tests.federation import Federation, federation


async def set_active(tenant: Any, name: str, active: bool) -> Any:
    if active:
        request = slices_pb2.ActivateSliceRequest(request_id=new_id(), name=name)
        request.wait.seconds = 20
        return await tenant.ActivateSlice(request, timeout=30)
    stop = slices_pb2.DeactivateSliceRequest(request_id=new_id(), name=name, reason="night")
    stop.wait.seconds = 20
    return await tenant.DeactivateSlice(stop, timeout=30)


def running(entente: Federation) -> set[Condition]:
    return {
        reading.condition
        for server in entente.domains.values()
        for reading in server.domain.functions.everything()
    }


async def settled(entente: Federation) -> None:
    for server in entente.domains.values():
        await server.domain.functions.settled()


async def test_a_slice_stands_by_with_its_capacity_and_runs_again(tmp_path: Path) -> None:
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()
        made = await active(clinic)
        await settled(entente)
        used = entente.used()
        (stopped,) = slices_of(await set_active(clinic, made.name, False))
        await settled(entente)
        assert stopped.state == slices_pb2.SLICE_STATE_RESERVED
        assert running(entente) == {Condition.STOPPED}
        assert entente.used() == used
        await entente.coordinator.stop(0)  # type: ignore[union-attr]
        await entente.start_coordinator()  # a restart changes nothing of it
        clinic = entente.tenant()
        (again,) = slices_of(await set_active(clinic, made.name, True))
        await settled(entente)
        assert again.state == slices_pb2.SLICE_STATE_ACTIVATED
        assert Condition.STOPPED not in running(entente)
        assert [e for e, _ in await events(clinic, made.name)] == ["deactivated", "activated"]
        await set_active(clinic, made.name, False)
        (ended,) = slices_of(await terminate(clinic, made.name, "closed"))
        assert ended.reason == "closed"
        assert not any(entente.used().values())


async def test_a_domain_that_was_away_is_told_to_stand_by_when_it_is_back(tmp_path: Path) -> None:
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()
        made = await active(clinic)
        await entente.domains["core-central"].stop(0)
        await set_active(clinic, made.name, False)
        told = [e for e, _ in await events(clinic, made.name)]
        assert told == ["left", "deactivated"]
        await entente.start_domain("core-central")

        async def stands_by() -> bool:
            await settled(entente)
            return running(entente) == {Condition.STOPPED}

        await eventually(stands_by)


async def test_services_that_may_share_are_one_network_slice_instance(tmp_path: Path) -> None:
    async with federation(tmp_path) as entente:
        clinic, other = entente.tenant(), entente.tenant("other")
        one, two = await active(clinic), await active(clinic, name="more telemetry")
        foreign = await active(other)
        own = await active(clinic, isolation=types_pb2.ISOLATION_ISOLATED)
        assert one.nsi == two.nsi
        assert len({one.nsi, foreign.nsi, own.nsi}) == 3


async def test_a_slice_drains_before_it_ends_and_may_change_its_mind(tmp_path: Path) -> None:
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()
        made = await active(clinic)
        request = slices_pb2.TerminateSliceRequest(request_id=new_id(), name=made.name)
        request.drain.seconds = 200
        operation = await clinic.TerminateSlice(request)

        async def draining() -> bool:
            return ("draining" in dict(await events(clinic, made.name))) and not operation.done

        await eventually(draining)
        assert (await get(clinic, made.name)).state == slices_pb2.SLICE_STATE_ACTIVATED
        cancel = slices_pb2.CancelOperationRequest(request_id=new_id(), name=operation.name)
        cancelled = await clinic.CancelOperation(cancel, timeout=40)
        assert cancelled.HasField("error")
        assert (await get(clinic, made.name)).state == slices_pb2.SLICE_STATE_ACTIVATED
        (ended,) = slices_of(await terminate(clinic, made.name, "for good"))
        assert ended.reason == "for good"


# -- second thoughts -------------------------------------------------------------------------


async def change(tenant: Any, name: str, words: str) -> Any:
    request = slices_pb2.UpdateSliceRequest(
        request_id=new_id(), name=name, intent=words, on_relaxation=ACCEPT
    )
    request.wait.seconds = 20
    return await tenant.UpdateSlice(request, timeout=30)


async def test_a_tenant_changes_its_mind_in_words_and_pays_less(tmp_path: Path) -> None:
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()
        made = await active(clinic, latency_us_max=11_000, downlink_kbps=50_000)
        words = "make it cheaper, latency is no longer critical"
        (after,) = slices_of(await change(clinic, made.name, words))
        assert after.name == made.name
        assert after.agreed.latency_us_max == 300_000
        assert after.agreed.downlink_kbps == made.agreed.downlink_kbps
        assert after.metrics.price_micros < made.metrics.price_micros
        record = await clinic.GetDecisionRecord(slices_pb2.GetDecisionRecordRequest(name=made.name))
        (said,) = [e.text for e in record.events if e.event == "reconsidered"]
        assert "latency is no longer critical" in said
        await terminate(clinic, made.name)
        assert not any(entente.used().values())


async def test_what_cannot_be_told_from_the_words_is_asked(tmp_path: Path) -> None:
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()
        made = await active(clinic)
        asked = await change(clinic, made.name, "make it cheaper")
        reason, _ = reason_of(asked.error)
        assert reason == "NEEDS_CLARIFICATION"
        assert "what may telemetry do without" in order_of(asked).questions[0]
        assert (await get(clinic, made.name)).revision == made.revision
