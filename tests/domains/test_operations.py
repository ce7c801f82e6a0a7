"""What an operator does by hand: over the simulated network, where time is an argument."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from domains.errors import DriverFailed, InvalidRequest
from domains.measurement import Condition
from domains.model import Isolation
from domains.operations import Action, Operation, RunningSegment, operate
from domains.southbound.simulated import SimulatedDriver
from tests.domains.networks import Bench, bench_of

SLICE = "slice-1"


async def opened(folder: Path, driver: SimulatedDriver | None = None) -> Bench:
    """A core domain with one isolated segment of `SLICE`."""
    bench = await bench_of("core", folder, driver)
    wanted = replace(bench.profile, isolation=Isolation.ISOLATED)
    held = await bench.alice.hold(await bench.request(1, wanted))
    await bench.alice.confirm(held.hold_id, 1)
    return bench


async def done(bench: Bench, action: Action, **more: object) -> RunningSegment:
    (only,) = await operate(bench.domain, Operation(action, SLICE, **more))  # type: ignore[arg-type]
    return only


async def test_each_action_changes_what_it_names_and_monitoring_sees_it(tmp_path: Path) -> None:
    bench = await opened(tmp_path)
    first = await done(bench, Action.MONITOR)
    assert first.running
    own = [spec.name for spec, _ in first.functions if spec.dedicated]
    assert own
    assert first.reading.measurement is None  # there was no interval yet
    bench.clock.now_s += 10
    second = await done(bench, Action.MONITOR)
    measured = second.reading.measurement
    assert measured is not None
    assert measured.end_s - measured.begin_s == 10
    assert 0 < measured.throughput_kbps <= 2 * second.shaping.downlink_kbps  # type: ignore[union-attr]

    scaled = await done(bench, Action.SCALE, function=own[0], replicas=3)
    assert {s.name: n for s, n in scaled.functions}[own[0]] == 3
    assert sum(n for _, n in scaled.functions) == len(scaled.functions) + 2
    stopped = await done(bench, Action.STOP)
    assert (stopped.running, stopped.reading.condition) == (False, Condition.STOPPED)
    assert stopped.reading.measurement is None
    with pytest.raises(DriverFailed):
        await done(bench, Action.RESTART, function=own[0])
    assert (await done(bench, Action.START)).running
    assert (await done(bench, Action.RESTART)).running
    gone = await done(bench, Action.DELETE)
    assert (gone.functions, gone.reading.condition) == ((), Condition.STOPPED)
    assert any(bench.domain.usage().values())  # capacity is not the operator's
    back = await done(bench, Action.START)
    assert [spec.name for spec, _ in back.functions] == [spec.name for spec, _ in first.functions]
    await bench.domain.close()


async def test_what_cannot_be_is_refused_and_a_slice_elsewhere_is_none_here(
    tmp_path: Path,
) -> None:
    bench = await opened(tmp_path)
    for replicas in (0, 17):
        with pytest.raises(InvalidRequest, match="1 to 16"):
            await done(bench, Action.SCALE, replicas=replicas)
    assert await operate(bench.domain, Operation(Action.STOP, "another")) == []
    assert (await done(bench, Action.MONITOR)).running
    await bench.domain.close()


async def test_a_network_that_does_not_obey_says_so(tmp_path: Path) -> None:
    driver = SimulatedDriver(refuse=frozenset({"UPF"}))
    bench = await opened(tmp_path, driver)
    with pytest.raises(DriverFailed, match="UPF cannot be started"):
        await done(bench, Action.START)
    await bench.domain.close()
