"""What every southbound driver promises, whatever kind of network is behind it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domains.errors import DriverFailed, InvalidRequest, NotFound, Unmeasured
from domains.model import PPB
from domains.southbound.driver import REPLICAS_MAX, Driver, RunState, Shaping
from tests.southbound.conftest import SEGMENT, SMF, UPF, segment

NOW_S = 1_800_000_000.0


def running(driver: Driver) -> dict[str, RunState]:
    return {one.deployment.segment_id: one.state for one in driver.deployed()}


def test_what_was_started_is_deployed_once(driver: Driver) -> None:
    driver.start(SEGMENT)
    driver.start(SEGMENT)
    (one,) = driver.deployed()
    assert (one.deployment, one.state, one.replicas) == (SEGMENT, RunState.RUNNING, (1, 1))


def test_a_stopped_segment_keeps_its_place_and_starts_again(driver: Driver) -> None:
    driver.start(SEGMENT)
    driver.stop(SEGMENT.segment_id)
    driver.stop(SEGMENT.segment_id)
    assert running(driver) == {"segment-1": RunState.STOPPED}
    driver.start(SEGMENT)
    assert running(driver) == {"segment-1": RunState.RUNNING}


def test_deleting_is_for_good_and_idempotent(driver: Driver) -> None:
    driver.start(SEGMENT)
    driver.start(segment(2))
    driver.delete("segment-1")
    driver.delete("segment-1")
    assert running(driver) == {"segment-2": RunState.RUNNING}


def test_a_dedicated_function_scales_and_a_shared_one_does_not(driver: Driver) -> None:
    driver.start(SEGMENT)
    driver.scale("segment-1", UPF.name, 3)
    assert driver.deployed()[0].replicas == (3, 1)
    driver.scale("segment-1", UPF.name, 1)
    assert driver.deployed()[0].replicas == (1, 1)
    with pytest.raises(InvalidRequest):
        driver.scale("segment-1", SMF.name, 2)
    for replicas in (0, REPLICAS_MAX + 1):
        with pytest.raises(InvalidRequest):
            driver.scale("segment-1", UPF.name, replicas)
    assert driver.deployed()[0].replicas == (1, 1)


def test_each_kind_of_function_restarts(driver: Driver) -> None:
    driver.start(SEGMENT)
    driver.restart("segment-1", UPF.name)
    driver.restart("segment-1", SMF.name)
    driver.stop("segment-1")
    with pytest.raises(DriverFailed):
        driver.restart("segment-1", UPF.name)


def test_shaping_changes_in_place(driver: Driver) -> None:
    driver.start(SEGMENT)
    wider = Shaping(20_000, 20_000, 5_000, exclusive=False)
    driver.shape("segment-1", wider)
    assert driver.deployed()[0].deployment == replace(SEGMENT, shaping=wider)


def test_what_nobody_started_is_not_found(driver: Driver) -> None:
    for call in (
        lambda: driver.stop("ghost"),
        lambda: driver.scale("ghost", "upf-1", 1),
        lambda: driver.restart("ghost", "upf-1"),
        lambda: driver.shape("ghost", SEGMENT.shaping),
        lambda: driver.measure("ghost", NOW_S),
    ):
        with pytest.raises(NotFound):
            call()
    driver.start(SEGMENT)
    with pytest.raises(NotFound):
        driver.restart("segment-1", "no such function")


def test_a_measurement_is_of_the_interval_since_the_last_one(driver: Driver) -> None:
    driver.start(SEGMENT)
    with pytest.raises(Unmeasured):
        driver.measure("segment-1", NOW_S)
    first = driver.measure("segment-1", NOW_S + 10)
    assert (first.begin_s, first.end_s) == (NOW_S, NOW_S + 10)
    assert first.availability_ppb == PPB
    assert 0 < first.latency_us < SEGMENT.shaping.latency_us
    second = driver.measure("segment-1", NOW_S + 25)
    assert (second.begin_s, second.end_s) == (NOW_S + 10, NOW_S + 25)


def test_a_clock_that_went_back_gives_no_measurement(driver: Driver) -> None:
    driver.start(SEGMENT)
    with pytest.raises(Unmeasured):
        driver.measure("segment-1", NOW_S)
    driver.measure("segment-1", NOW_S + 10)
    with pytest.raises(Unmeasured):
        driver.measure("segment-1", NOW_S + 5)
