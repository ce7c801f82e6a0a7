"""The simulated network: the same seed is the same day, and overload and outages look like it."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.errors import DriverFailed, Unmeasured
from domains.measurement import Measurement
from domains.model import PPB
from domains.southbound.driver import Shaping
from domains.southbound.simulated import SimulatedDriver
from domains.southbound.traffic import DAY_S, TrafficModel, queueing
from tests.southbound.conftest import SEGMENT, segment


def day(driver: SimulatedDriver, every_s: float = 600.0) -> list[Measurement]:
    driver.start(SEGMENT)
    with pytest.raises(Unmeasured):
        driver.measure("segment-1", 0.0)
    return [
        driver.measure("segment-1", (step + 1) * every_s) for step in range(int(DAY_S / every_s))
    ]


def test_the_same_seed_is_the_same_day() -> None:
    assert day(SimulatedDriver(TrafficModel(seed=7))) == day(SimulatedDriver(TrafficModel(seed=7)))
    assert day(SimulatedDriver(TrafficModel(seed=7))) != day(SimulatedDriver(TrafficModel(seed=8)))


def test_a_day_has_a_mean_a_peak_and_a_valley() -> None:
    model = TrafficModel(noise_permille=0, burst_permille=0, peak_hour=12, peak_spread_h=0)
    loads = [model.load_permille("s", hour * 3_600) for hour in range(24)]
    assert mean(loads) == pytest.approx(model.mean_permille)
    assert loads.index(max(loads)) == 12
    assert max(loads) == pytest.approx(550 * 1.5)
    assert min(loads) == pytest.approx(550 * 0.5)


def test_what_does_not_fit_is_lost_and_slow() -> None:
    model = TrafficModel(mean_permille=1_500, swing_permille=0, noise_permille=0, burst_permille=0)
    (measured, *_) = day(SimulatedDriver(model))
    assert measured.downlink_kbps == SEGMENT.shaping.downlink_kbps
    assert measured.loss_ppb == pytest.approx(PPB / 3, rel=1e-6)
    assert measured.offered_kbps == pytest.approx(22_500, abs=1)
    assert measured.latency_us > SEGMENT.shaping.latency_us


def test_users_do_not_want_more_because_more_is_there() -> None:
    model = TrafficModel(mean_permille=900, swing_permille=0, noise_permille=0, burst_permille=0)
    driver = SimulatedDriver(model)
    driver.start(SEGMENT)
    wider = replace(
        SEGMENT, segment_id="segment-2", shaping=Shaping(40_000, 20_000, 5_000, exclusive=True)
    )
    driver.start(wider)
    driver.delete("segment-1")
    with pytest.raises(Unmeasured):
        driver.measure("segment-2", 0.0)
    assert driver.measure("segment-2", 60.0).downlink_kbps == 9_000


def test_an_outage_takes_all_segments_of_its_link_and_no_other() -> None:
    model = TrafficModel(outages_per_day=24, outage_s=3_600)
    driver = SimulatedDriver(model)
    for one in (segment(1), segment(2), segment(3)):
        driver.start(one)
        with pytest.raises(Unmeasured):
            driver.measure(one.segment_id, 0.0)
    for name in ("segment-1", "segment-2"):
        down = driver.measure(name, 60.0)
        assert (down.availability_ppb, down.downlink_kbps, down.loss_ppb) == (0, 0, PPB)
    quiet = SimulatedDriver(TrafficModel(outages_per_day=0))
    assert all(m.availability_ppb == PPB for m in day(quiet))


def test_a_stopped_segment_carries_nothing() -> None:
    driver = SimulatedDriver()
    driver.start(SEGMENT)
    driver.stop("segment-1")
    with pytest.raises(Unmeasured):
        driver.measure("segment-1", 0.0)
    assert driver.measure("segment-1", 60.0).throughput_kbps == 0


def test_a_function_that_cannot_be_started_leaves_no_segment() -> None:
    driver = SimulatedDriver(refuse=frozenset({"smf"}))
    with pytest.raises(DriverFailed):
        driver.start(SEGMENT)
    assert not driver.deployed()


@given(st.floats(0, 5_000), st.floats(0, 5_000))
def test_waiting_rises_with_load_and_is_bounded(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 1 <= queueing(low) <= queueing(high) <= 4
