"""The trunk that is a switch: meters hold segments to their promise and count what they drop."""

from __future__ import annotations

import re
import shutil
from functools import partial
from pathlib import Path

import pytest

from domains.errors import DriverMissing, Unmeasured
from domains.model import PPB
from domains.southbound.driver import Shaping
from domains.southbound.netns import NetnsDriver
from domains.southbound.openflow import SHARED_METERS, SwitchedTrunk
from tests.southbound.conftest import SEGMENT, segment
from tests.southbound.test_netns import agents


def measured_from_now(driver: NetnsDriver) -> None:
    with pytest.raises(Unmeasured):
        driver.measure("segment-1", 0.0)


def test_a_meter_cuts_off_what_is_not_promised_and_counts_it(openflow: NetnsDriver) -> None:
    openflow.start(SEGMENT)
    openflow.start(segment(2))
    measured_from_now(openflow)
    openflow.send("segment-2", 100_000, 1.0)
    openflow.send("segment-1", 50_000, 0.5)
    openflow.round_trips_us("segment-1", 50, 0.01)
    seen = openflow.measure("segment-1", 1.0)
    assert 0 < seen.uplink_kbps < 6_000  # 5,000 promised, and what the meter had saved up
    assert seen.loss_ppb > PPB // 2


def test_a_promise_holds_under_a_greedy_neighbour(openflow: NetnsDriver) -> None:
    openflow.start(SEGMENT)
    openflow.start(segment(2))
    measured_from_now(openflow)
    openflow.send("segment-2", 200_000, 1.5)
    openflow.send("segment-1", 4_500, 1.0)
    openflow.round_trips_us("segment-1", 100, 0.01)  # a second of probes meanwhile
    seen = openflow.measure("segment-1", 1.0)
    assert seen.uplink_kbps > 2_000
    assert seen.loss_ppb < PPB // 20
    assert seen.latency_us < SEGMENT.shaping.latency_us


@pytest.mark.usefixtures("openflow")
def test_one_meter_for_all_is_what_a_segment_gets_where_nothing_isolates_it() -> None:
    driver = NetnsDriver("mixed", 50_000, partial(SwitchedTrunk, isolate=False))
    try:
        driver.start(SEGMENT)
        driver.start(segment(2))
        trunk = driver._trunk
        assert isinstance(trunk, SwitchedTrunk)
        used = set(re.findall(r"meter:(\d+)", trunk._flows("dump-flows")))
        assert used == set(map(str, SHARED_METERS))
    finally:
        driver.close()


def test_counters_go_on_when_rates_change(openflow: NetnsDriver) -> None:
    openflow.start(SEGMENT)
    measured_from_now(openflow)
    openflow.send("segment-1", 4_000, 0.3)
    openflow.round_trips_us("segment-1", 30, 0.01)
    openflow.shape("segment-1", Shaping(20_000, 20_000, 5_000, exclusive=True))
    seen = openflow.measure("segment-1", 1.0)
    assert seen.uplink_kbps > 500
    assert seen.loss_ppb < PPB // 20


def test_a_pulled_cable_is_seen_and_heals(openflow: NetnsDriver) -> None:
    openflow.start(SEGMENT)
    measured_from_now(openflow)
    openflow.pull_trunk(True)
    assert openflow.measure("segment-1", 1.0).availability_ppb == 0
    openflow.pull_trunk(False)
    assert openflow.measure("segment-1", 2.0).availability_ppb == PPB


def test_after_delete_the_switch_knows_nothing_of_it(openflow: NetnsDriver) -> None:
    openflow.start(SEGMENT)
    assert openflow.shaped() == 1
    openflow.delete("segment-1")
    assert openflow.shaped() == 0
    assert not agents(f"{openflow.prefix}-0")


def test_without_open_vswitch_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(DriverMissing, match="ovs-vswitchd"):
        SwitchedTrunk("ent-none", 1_000)


def test_after_close_no_daemon_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    try:
        driver = NetnsDriver("closing", trunk=SwitchedTrunk)
    except DriverMissing as error:
        pytest.skip(error.message)
    driver.start(SEGMENT)
    (folder,) = tmp_path.iterdir()
    assert daemons(folder)
    driver.close()
    driver.close()
    assert not daemons(folder)
    assert not folder.exists()
    assert not agents(driver.prefix)


def daemons(folder: Path) -> list[bytes]:
    """Command lines of programs that were told of a folder."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(entry.read_bytes())
        except OSError:
            continue
    return [line for line in lines if str(folder).encode() in line]
