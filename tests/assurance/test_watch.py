"""The loop over real domains: it hears, grows, moves and tells, and all of it is on record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coordinator.assurance.decide import RETURN_S, Mode
from coordinator.intent.catalogue import Quality
from deploy.federation import CONFIGS
from domains.measurement import Condition, Measurement, Reading
from domains.model import PPB
from protos.slicing.v1 import slices_pb2, types_pb2
from tests.asking import REJECT, create, eventually, service, slices_of, terminate
from tests.federation import Federation, federation

STEP_S = 10.0


class Network:
    """What every domain of a test measures, and how loaded, slow or broken each is."""

    def __init__(self) -> None:
        self.share = 0.5
        self.slow: dict[str, float] = {}
        self.broken: set[str] = set()
        self.silent: set[str] = set()
        self.now_s = 1_000.0

    def readings(self, domain: str, real: Sequence[Any]) -> list[Reading]:
        return [self._reading(domain, hold) for hold in real]

    def _reading(self, domain: str, hold: Any) -> Reading:
        if domain in self.silent:
            why = "the counters are gone"
            return Reading(hold.hold_id, hold.slice_id, Condition.UNMEASURED, why)
        promised = hold.offer.metrics
        down = domain in self.broken
        measured = Measurement(
            hold.hold_id,
            self.now_s - STEP_S,
            self.now_s,
            0 if down else round(self.share * 1_000),
            0 if down else round(self.share * 1_000),
            round(promised.latency_us * self.slow.get(domain, 0.5)),
            PPB if down else 0,
            0 if down else PPB,
            10,
            64,
        )
        return Reading(hold.hold_id, hold.slice_id, Condition.HEALTHY, "", measured)


async def start(entente: Federation, mode: Mode = Mode.REACTIVE) -> Any:
    """A coordinator whose rounds the test turns by hand."""
    entente.assurance = mode
    assert entente.coordinator is not None
    await entente.coordinator.stop(0)
    return await entente.start_coordinator()


async def turn(entente: Federation, network: Network) -> None:
    """One interval: every domain is heard, then the loop decides and its orders are done."""
    watchman = entente.coordinator.watchman  # type: ignore[union-attr]
    assert watchman is not None
    network.now_s += STEP_S
    for name, server in entente.domains.items():
        holds = [hold for _, hold in server.domain._store.ledger.confirmed()]
        watchman.hear(name, network.readings(name, holds))
    await watchman.round()
    await watchman.idle()


@pytest.fixture
async def two_carriers(tmp_path: Path) -> AsyncIterator[Federation]:
    async with federation(tmp_path, CONFIGS / "federation") as entente:
        yield entente


async def active(tenant: Any, **fields: Any) -> Any:
    (made,) = slices_of(await create(tenant, services=[service(**fields)], policy=REJECT))
    return made


async def get(tenant: Any, name: str) -> Any:
    return await tenant.GetSlice(slices_pb2.GetSliceRequest(name=name))


async def events(tenant: Any, name: str) -> list[tuple[str, str]]:
    request = slices_pb2.GetDecisionRecordRequest(name=name)
    record = await tenant.GetDecisionRecord(request)
    assert record.verified
    return [(e.event, e.text) for e in record.events if e.step == "assure"]


async def test_a_busy_slice_grows_and_what_is_agreed_stays(two_carriers: Federation) -> None:
    entente, network = two_carriers, Network()
    await start(entente)
    clinic = entente.tenant()
    before = await active(clinic)
    await turn(entente, network)  # makes a place for the segments
    network.share = 0.9
    await turn(entente, network)
    after = await get(clinic, before.name)
    assert after.agreed == before.agreed
    assert after.metrics.downlink_kbps >= 1_250
    assert {s.hold for s in after.segments}.isdisjoint(s.hold for s in before.segments)
    told = dict(await events(clinic, before.name))
    assert "90 % of what is agreed" in told["scale up"]
    await terminate(clinic, before.name)
    assert not any(entente.used().values())


async def test_a_slice_moves_around_a_carrier_that_carries_nothing(
    two_carriers: Federation,
) -> None:
    entente, network = two_carriers, Network()
    await start(entente)
    clinic = entente.tenant()
    before = await active(clinic)
    (carrier,) = [s.domain for s in before.segments if s.domain.startswith("transport")]
    await turn(entente, network)
    network.broken.add(carrier)
    await turn(entente, network)
    after = await get(clinic, before.name)
    assert carrier not in [s.domain for s in after.segments]
    assert after.state == slices_pb2.SLICE_STATE_ACTIVATED
    assert not entente.used()[carrier], "what it left behind is given back"
    told = dict(await events(clinic, before.name))
    assert carrier in told["reroute"]
    await terminate(clinic, before.name)
    assert not any(entente.used().values())


async def test_the_first_interval_after_a_change_is_measured(two_carriers: Federation) -> None:
    entente, network = two_carriers, Network()
    await start(entente)
    clinic = entente.tenant()
    before = await active(clinic)
    network.share = 0.9
    await turn(entente, network)
    network.share = 0.5
    await turn(entente, network)
    after = await get(clinic, before.name)
    assert {s.hold for s in after.segments}.isdisjoint(s.hold for s in before.segments)
    listed = await clinic.ListMeasurements(slices_pb2.ListMeasurementsRequest(name=before.name))
    measured = {s.domain for s in listed.samples if s.HasField("measurement")}
    assert measured == {s.domain for s in after.segments}, "in the last round"


async def test_a_restart_does_not_make_the_loop_wait_again(two_carriers: Federation) -> None:
    """It shrinks in the third round in which that is right, whoever saw the first two."""
    entente, network = two_carriers, Network()
    entente.assurance = Mode.REACTIVE
    network.share = 0.2
    clinic = None
    for number in range(3):
        watchman = (await start(entente)).watchman
        watchman._policy = replace(watchman._policy, floor_permille=300, down_rounds=3)
        clinic = entente.tenant()
        if number == 0:
            before = await active(clinic)
        await turn(entente, network)
    told = [event for event, _ in await events(clinic, before.name)]
    assert told == ["scale down"]


async def test_a_slice_goes_back_when_that_is_cheaper_and_stays_where_it_is_not(
    two_carriers: Federation,
) -> None:
    entente, network = two_carriers, Network()
    watchman = (await start(entente)).watchman
    clinic = entente.tenant()
    before = await active(clinic)
    (carrier,) = [s.domain for s in before.segments if s.domain.startswith("transport")]
    await turn(entente, network)
    network.broken.add(carrier)
    await turn(entente, network)
    network.broken.clear()
    moved = await get(clinic, before.name)
    assert moved.metrics.price_micros > before.metrics.price_micros
    for _ in range(2):  # the second time it is back already
        for slice_id, state in watchman._states.items():
            left = replace(state.left, at_s=state.left.at_s - 9 * RETURN_S)
            watchman._states[slice_id] = replace(state, left=left)
        await turn(entente, network)
    after = await get(clinic, before.name)
    assert after.metrics.price_micros == before.metrics.price_micros
    assert carrier in [s.domain for s in after.segments]
    told = [event for event, _ in await events(clinic, before.name)]
    assert told == ["reroute", "return"]
    await terminate(clinic, before.name)
    assert not any(entente.used().values())


async def test_a_domain_that_breaks_its_promise_is_named_and_left(
    two_carriers: Federation,
) -> None:
    entente, network = two_carriers, Network()
    await start(entente)
    clinic = entente.tenant()
    before = await active(clinic)
    (carrier,) = [s.domain for s in before.segments if s.domain.startswith("transport")]
    network.slow[carrier] = 1.5
    for _ in range(5):
        await turn(entente, network)
    after = await get(clinic, before.name)
    assert carrier not in [s.domain for s in after.segments]
    told = dict(await events(clinic, before.name))
    assert f"{carrier} is 50 % slower than it promised" in told["renegotiate"]
    assert "calls that healthy" in told["renegotiate"]


async def test_where_there_is_no_other_way_the_tenant_hears_why_and_what_it_can_do(
    tmp_path: Path,
) -> None:
    async with federation(tmp_path) as entente:
        network = Network()
        await start(entente)
        clinic = entente.tenant()
        before = await active(clinic)
        await turn(entente, network)
        network.broken.add("access-north")
        await turn(entente, network)
        after = await get(clinic, before.name)
        assert after.segments == before.segments
        told = dict(await events(clinic, before.name))
        assert "access-north does not carry the slice" in told["cannot"]
        assert "tried again" in told["cannot"]


async def test_an_unmeasured_segment_is_told_to_whoever_follows(two_carriers: Federation) -> None:
    entente, network = two_carriers, Network()
    await start(entente)
    clinic = entente.tenant()
    made = await active(clinic)
    await turn(entente, network)
    network.silent.add("core-central")
    (core,) = [s.domain for s in made.segments if s.domain.startswith("core")]
    network.silent.add(core)
    following = clinic.WatchSlice(slices_pb2.WatchSliceRequest(name=made.name, follow=True))
    await turn(entente, network)
    async for event in following:
        if event.event == "unmeasured":
            break
    assert event.text == f"{core} is not measured: the counters are gone"
    following.cancel()
    listed = await clinic.ListMeasurements(slices_pb2.ListMeasurementsRequest(name=made.name))
    last = [s for s in listed.samples if s.domain == core][-1]
    assert last.condition == types_pb2.CONDITION_UNMEASURED
    assert not last.HasField("measurement")


async def test_measurements_reach_the_tenant_with_what_was_promised(
    two_carriers: Federation,
) -> None:
    entente, network = two_carriers, Network()
    await start(entente, Mode.OFF)
    clinic, other = entente.tenant(), entente.tenant("other")
    made = await active(clinic)
    for _ in range(3):
        await turn(entente, network)
    listed = await clinic.ListMeasurements(slices_pb2.ListMeasurementsRequest(name=made.name))
    measured = [s for s in listed.samples if s.HasField("measurement")]
    assert {s.domain for s in measured} == {s.domain for s in made.segments}
    for sample in measured:
        assert sample.measurement.downlink_kbps == 500
        assert sample.measurement.latency_us == pytest.approx(sample.promised.latency_us / 2, abs=1)
    with pytest.raises(Exception, match="no slice"):
        await other.ListMeasurements(slices_pb2.ListMeasurementsRequest(name=made.name))


async def test_a_real_stream_is_heard(two_carriers: Federation) -> None:
    """Not by hand: the domain's own measurements, over gRPC, into the history."""
    entente = two_carriers
    await start(entente, Mode.OFF)
    clinic = entente.tenant()
    made = await active(clinic)

    async def measured() -> bool:
        watchman = entente.coordinator.watchman  # type: ignore[union-attr]
        assert watchman is not None
        for server in entente.domains.values():
            await server.domain.functions.settled()
            await server.domain.functions.measure()
            server.domain.functions.publish()
        await watchman.round()
        request = slices_pb2.ListMeasurementsRequest(name=made.name)
        listed = await clinic.ListMeasurements(request)
        return {s.domain for s in listed.samples if s.HasField("measurement")} == {
            s.domain for s in made.segments
        }

    await eventually(measured)


async def test_a_promise_that_is_broken_teaches_and_so_does_one_that_is_kept_again(
    two_carriers: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    entente, network = two_carriers, Network()
    coordinator = await start(entente, Mode.OFF)
    learned: list[float] = []

    def add(lessons: Sequence[Any]) -> None:
        outcomes = (one.outcome for one in lessons if one.outcome is not None)
        learned.extend(outcome.pressures.get(Quality.LATENCY, 0.0) for outcome in outcomes)

    monkeypatch.setattr(coordinator.lessons, "add", add)
    words = ["cameras of a clinic"]
    order = await create(entente.tenant(), services=[service()], words=words, policy=REJECT)
    (made,) = slices_of(order)
    learned.clear()  # what the order itself teaches
    await turn(entente, network)
    for _ in range(3):
        await turn(entente, network)
    (kept,) = learned
    network.slow[made.segments[0].domain] = 40.0
    await turn(entente, network)
    await turn(entente, network)
    _, broken = learned
    assert broken > 0 > kept
    network.slow.clear()
    await turn(entente, network)
    assert learned == [kept, broken, kept]


@pytest.mark.parametrize("cheap", [False, True])
async def test_a_slice_shrinks_only_where_that_is_cheaper(
    two_carriers: Federation, cheap: bool
) -> None:
    """And what was not cheaper is not asked for again, round after round."""
    entente, network = two_carriers, Network()
    watchman = (await start(entente)).watchman
    watchman._policy = replace(watchman._policy, floor_permille=300, down_rounds=1)
    clinic = entente.tenant()
    before = await active(clinic)
    (record,) = watchman._registry.active()
    if cheap:  # nothing costs less than it pays already
        watchman._registry.put_slice(
            replace(record, metrics=replace(record.metrics, price_micros=1))
        )
    network.share = 0.2
    for _ in range(4):
        await turn(entente, network)
    after = await get(clinic, before.name)
    told = [event for event, _ in await events(clinic, before.name)]
    if cheap:
        assert (after.segments, told) == (before.segments, ["kept"])
    else:
        assert after.metrics.price_micros < before.metrics.price_micros
        assert told == ["scale down"]
