"""What runs follows what is confirmed: through restarts, failures and slow watchers."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from domains.config import parse
from domains.domain import AdministrativeDomain
from domains.errors import DriverFailed, Overloaded, Unmeasured
from domains.functions import ROUNDS_WAITING_MAX, WATCHERS_MAX
from domains.measurement import Condition, Measurement, Reading
from domains.model import Hold
from domains.southbound.driver import Deployment, RunState
from domains.southbound.simulated import SimulatedDriver
from domains.southbound.traffic import TrafficModel
from domains.wire_measurements import reading_from_proto, reading_to_proto
from tests.domains.networks import ALICE, BOB, CONFIGS, Bench, bench_of


class Moody(SimulatedDriver):
    """The simulated driver, which fails or lies when told to."""

    def __init__(self, model: TrafficModel | None = None) -> None:
        super().__init__(model)
        self.broken = False
        self.silent = False
        self.stuck = False

    def delete(self, segment_id: str) -> None:
        if self.stuck:
            raise DriverFailed("the interface is busy")
        super().delete(segment_id)

    def start(self, deployment: Deployment) -> None:
        if self.broken:
            raise DriverFailed("out of hosts")
        super().start(deployment)

    def measure(self, segment_id: str, now_s: float) -> Measurement:
        if self.silent:
            raise Unmeasured("the counters are gone")
        return super().measure(segment_id, now_s)


async def confirmed(core: Bench, number: int) -> Hold:
    request = await core.request(number)
    await core.alice.hold(request)
    return await core.alice.confirm(request.hold_id, 1)


@pytest.fixture
def driver() -> Moody:
    return Moody()


@pytest.fixture
async def core(tmp_path: Path, driver: Moody) -> AsyncIterator[Bench]:
    made = await bench_of("core", tmp_path, driver)
    yield made
    await made.domain.close()


def running(driver: SimulatedDriver) -> dict[str, RunState]:
    return {one.deployment.segment_id: one.state for one in driver.deployed()}


async def test_a_confirmed_hold_runs_and_a_released_one_does_not(
    core: Bench, driver: Moody
) -> None:
    held = await core.request(1)
    await core.alice.hold(held)
    await core.domain.functions.settled()
    assert not driver.deployed()
    await core.alice.confirm(held.hold_id, 1)
    await core.domain.functions.settled()
    (one,) = driver.deployed()
    assert one.deployment.slice_id == held.slice_id
    assert one.deployment.shaping.downlink_kbps == held.offer.metrics.downlink_kbps
    assert {function.function_type for function in one.deployment.functions} >= {"UPF", "SMF"}
    await core.alice.release(held.hold_id, 1, "done")
    await core.domain.functions.settled()
    assert not driver.deployed()


async def test_after_a_restart_the_same_segments_run(core: Bench, driver: Moody) -> None:
    kept, gone = await confirmed(core, 1), await confirmed(core, 2)
    await core.alice.release(gone.hold_id, 1, "done")
    await core.domain.close()
    assert not driver.deployed()
    again = SimulatedDriver()
    domain = await AdministrativeDomain.open(core.config, core.database, core.clock, again)
    await domain.functions.settled()
    assert running(again) == {kept.hold_id: RunState.RUNNING}
    await domain.close()


async def test_what_stands_by_stands_by_after_a_restart(core: Bench, driver: Moody) -> None:
    still, runs = await confirmed(core, 1), await confirmed(core, 2)
    await core.alice.activate(still.hold_id, 1, False)
    await core.domain.functions.settled()
    expected = {still.hold_id: RunState.STOPPED, runs.hold_id: RunState.RUNNING}
    assert running(driver) == expected
    await core.alice.confirm(still.hold_id, 1)  # a late duplicate changes nothing
    await core.domain.functions.settled()
    assert running(driver) == expected
    await core.domain.close()
    again = SimulatedDriver()
    domain = await AdministrativeDomain.open(core.config, core.database, core.clock, again)
    await domain.functions.settled()
    assert running(again) == expected
    await domain.as_seen_by(ALICE).activate(still.hold_id, 1, True)
    await domain.functions.settled()
    assert set(running(again).values()) == {RunState.RUNNING}
    await domain.close()


async def test_what_cannot_start_is_failed_with_its_reason_and_tried_again(
    core: Bench, driver: Moody
) -> None:
    driver.broken = True
    hold = await confirmed(core, 1)
    functions = core.domain.functions
    await functions.settled()
    (reading,) = functions.readings(ALICE)
    assert (reading.condition, reading.reason) == (Condition.FAILED, "out of hosts")
    driver.broken = False
    functions.again()
    await functions.settled()
    assert not driver.deployed(), "it is too early to try again"
    core.clock.now_s += 2
    functions.again()
    await functions.settled()
    assert running(driver) == {hold.hold_id: RunState.RUNNING}


async def test_whatever_a_driver_says_its_owner_can_be_told(
    core: Bench, driver: Moody, monkeypatch: pytest.MonkeyPatch
) -> None:
    def complains(deployment: Deployment) -> None:
        raise DriverFailed("ovs-vsctl:\tno\x1b[31m bridge\n" * 40)

    monkeypatch.setattr(driver, "start", complains)
    await confirmed(core, 1)
    await core.domain.functions.settled()
    (reading,) = core.domain.functions.readings(ALICE)
    sent = reading_to_proto(reading, "core-central")
    assert reading_from_proto(sent, "core-central") == reading
    assert reading.reason.startswith("ovs-vsctl: no [31m bridge")


async def test_a_segment_that_is_gone_before_it_ran_is_not_run(core: Bench, driver: Moody) -> None:
    driver.broken = True
    hold = await confirmed(core, 1)
    await core.domain.functions.settled()
    await core.alice.release(hold.hold_id, 1, "done")
    driver.broken = False
    core.clock.now_s += 100
    core.domain.functions.again()
    await core.domain.functions.settled()
    assert not driver.deployed()
    assert not core.domain.functions.readings(ALICE)


class Hanging(Moody):
    """A driver in a thread of its own, whose calls do not come back while it is told so."""

    blocks = True

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.free.set()

    def start(self, deployment: Deployment) -> None:
        self.free.wait()
        super().start(deployment)

    def delete(self, segment_id: str) -> None:
        self.free.wait()
        super().delete(segment_id)

    def measure(self, segment_id: str, now_s: float) -> Measurement:
        self.free.wait()
        return super().measure(segment_id, now_s)


async def test_a_driver_that_hangs_keeps_nobody_and_works_on_when_it_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domains.functions.DRIVER_S_MAX", 0.2)
    driver = Hanging()
    core = await bench_of("core", tmp_path, driver)
    functions = core.domain.functions
    runs = await confirmed(core, 1)
    await functions.settled()
    core.clock.now_s += 10
    await functions.measure()
    driver.free.clear()
    await functions.measure()
    (reading,) = functions.readings(ALICE)
    assert reading.condition is Condition.UNMEASURED
    assert "has not answered within 0.2 s" in reading.reason
    late = await confirmed(core, 2)
    await functions.settled()
    assert [r.condition for r in functions.readings(ALICE)][1] is Condition.FAILED
    with pytest.raises(DriverFailed, match="hangs"):
        await functions.by_hand(lambda one: one.deployed())
    await core.alice.release(runs.hold_id, 1, "done")
    await functions.settled()
    driver.free.set()
    while len(driver.deployed()) != 1 or functions._leaving:
        core.clock.now_s += 100
        functions.again()
        await functions.settled()
    assert running(driver) == {late.hold_id: RunState.RUNNING}, "and what shall go is gone"
    driver.free.clear()
    await core.domain.close()  # within its bound as well
    driver.free.set()


async def test_what_the_network_does_not_let_go_is_tried_again(core: Bench, driver: Moody) -> None:
    hold = await confirmed(core, 1)
    await core.domain.functions.settled()
    driver.stuck = True
    await core.alice.release(hold.hold_id, 1, "done")
    await core.domain.functions.settled()
    assert driver.deployed()
    driver.stuck = False
    core.domain.functions.again()
    await core.domain.functions.settled()
    assert not driver.deployed()


async def test_a_clock_that_goes_back_delays_no_second_try(core: Bench, driver: Moody) -> None:
    driver.broken = True
    hold = await confirmed(core, 1)
    functions = core.domain.functions
    await functions.settled()
    driver.broken = False
    core.clock.now_s -= 86_400
    functions.again()
    await functions.settled()
    assert running(driver) == {hold.hold_id: RunState.RUNNING}


async def test_no_segment_is_silently_unmeasured(core: Bench, driver: Moody) -> None:
    functions = core.domain.functions
    await confirmed(core, 1)
    await functions.settled()
    assert [r.condition for r in functions.readings(ALICE)] == [Condition.STARTING]
    await functions.measure()
    core.clock.now_s += 10
    await functions.measure()
    (well,) = functions.readings(ALICE)
    assert well.condition is Condition.HEALTHY
    assert well.measurement is not None
    driver.silent = True
    core.clock.now_s += 10
    await functions.measure()
    (silent,) = functions.readings(ALICE)
    assert (silent.condition, silent.reason) == (Condition.UNMEASURED, "the counters are gone")
    assert silent.measurement is None, "an old measurement must not pass for a new one"


async def test_an_outage_is_failed_and_a_slow_path_degraded(tmp_path: Path) -> None:
    down = Moody(TrafficModel(outages_per_day=24, outage_s=3_600))
    slow = Moody(TrafficModel(mean_permille=2_000, swing_permille=0, noise_permille=0))
    for driver, expected in ((down, Condition.FAILED), (slow, Condition.DEGRADED)):
        core = await bench_of("core", tmp_path / expected.value, driver)
        await confirmed(core, 1)
        await core.domain.functions.settled()
        await core.domain.functions.measure()
        core.clock.now_s += 10
        await core.domain.functions.measure()
        (reading,) = core.domain.functions.readings(ALICE)
        assert reading.condition is expected
        await core.domain.close()


async def test_without_a_driver_every_segment_says_that_it_is_not_measured(tmp_path: Path) -> None:
    text = (CONFIGS / "core.toml").read_text() + '\n[southbound]\ndriver = "none"\n'
    core = await bench_of("core", tmp_path, None, parse(text, "core.toml"))
    await confirmed(core, 1)
    (reading,) = core.domain.functions.readings(ALICE)
    assert reading.condition is Condition.UNMEASURED
    await core.domain.close()


async def test_a_watcher_sees_its_own_segments_and_every_round(core: Bench) -> None:
    mine = await confirmed(core, 1)
    watch = core.domain.functions.watch(ALICE)
    theirs = core.domain.functions.watch(BOB)
    assert [r.segment_id for r in await anext(watch)] == [mine.hold_id]
    assert await anext(theirs) == []
    await watch.aclose()
    await theirs.aclose()


async def test_a_slow_watcher_loses_its_oldest_rounds_and_no_memory(core: Bench) -> None:
    functions = core.domain.functions
    watch = functions.watch(ALICE)
    await anext(watch)
    hold = await confirmed(core, 1)
    rounds = ROUNDS_WAITING_MAX + 3
    for number in range(rounds):
        functions.want(ALICE, replace(hold, hold_id=f"another-{number}"))
        functions.publish()
    seen: list[Sequence[Reading]] = [await anext(watch) for _ in range(ROUNDS_WAITING_MAX)]
    last = rounds + 1  # the confirmed one as well
    assert [len(one) for one in seen] == list(range(last - ROUNDS_WAITING_MAX + 1, last + 1))
    await watch.aclose()


async def test_watchers_are_bounded(core: Bench) -> None:
    watches = [core.domain.functions.watch(ALICE) for _ in range(WATCHERS_MAX + 1)]
    for watch in watches[:-1]:
        await anext(watch)
    with pytest.raises(Overloaded):
        await anext(watches[-1])
    for watch in watches:
        await watch.aclose()
