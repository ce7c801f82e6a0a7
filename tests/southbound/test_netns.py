"""The network of namespaces: isolation in packets, counters of the kernel, nothing left behind."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from domains.errors import DriverFailed, DriverMissing, Unmeasured
from domains.model import PPB
from domains.southbound.driver import FunctionSpec, Shaping
from domains.southbound.netns import NetnsDriver
from domains.southbound.processes import AgentProcess
from domains.southbound.trunk import RoutedTrunk
from tests.southbound.conftest import SEGMENT, UPF, segment


def agents(prefix: str) -> set[int]:
    """Processes of a driver, by their names."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(prefix.encode()) for word in words):
            found.add(int(entry.parent.name))
    return found


def gone(prefix: str) -> bool:
    return not agents(prefix)


def test_a_promise_holds_under_a_greedy_neighbour(netns: NetnsDriver) -> None:
    netns.start(SEGMENT)
    netns.start(segment(2, shaping=Shaping(20_000, 20_000, 5_000, exclusive=False)))
    with pytest.raises(Unmeasured):
        netns.measure("segment-1", 0.0)
    netns.send("segment-2", 200_000, 1.5)
    netns.send("segment-1", 4_500, 1.0)
    sent_for = netns.round_trips_us("segment-1", 100, 0.01)  # a second of probes meanwhile
    measured = netns.measure("segment-1", 1.0)
    assert len(sent_for) > 90
    assert measured.availability_ppb > PPB * 9 // 10
    assert measured.loss_ppb < PPB // 20
    assert measured.uplink_kbps > 2_000
    assert measured.latency_us < SEGMENT.shaping.latency_us


def test_the_kernels_counters_say_what_was_cut_off(netns: NetnsDriver) -> None:
    netns.start(SEGMENT)
    with pytest.raises(Unmeasured):
        netns.measure("segment-1", 0.0)
    netns.send("segment-1", 50_000, 0.5)
    netns.round_trips_us("segment-1", 50, 0.01)
    measured = netns.measure("segment-1", 1.0)
    assert 0 < measured.uplink_kbps < 5_600  # 5,000 promised, and what the class had saved up
    assert measured.loss_ppb > PPB // 2
    assert measured.memory_mib > 0


def test_a_pulled_cable_is_seen_and_heals(netns: NetnsDriver) -> None:
    netns.start(SEGMENT)
    with pytest.raises(Unmeasured):
        netns.measure("segment-1", 0.0)
    netns.pull_trunk(True)
    assert netns.measure("segment-1", 1.0).availability_ppb == 0
    netns.pull_trunk(False)
    assert netns.measure("segment-1", 2.0).availability_ppb == PPB


def test_a_killed_function_is_seen_and_restarted(netns: NetnsDriver) -> None:
    netns.start(SEGMENT)
    with pytest.raises(Unmeasured):
        netns.measure("segment-1", 0.0)
    for pid in agents(f"{netns.prefix}-0-{UPF.name}"):
        os.kill(pid, signal.SIGKILL)
    assert netns.measure("segment-1", 1.0).availability_ppb < PPB
    netns.restart("segment-1", UPF.name)
    assert netns.measure("segment-1", 2.0).availability_ppb == PPB


def test_failing_half_way_leaves_nothing(
    netns: NetnsDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever process of a segment cannot be started, the others go, with their queues."""
    netns.start(segment(9))
    before = agents(netns.prefix)
    real = AgentProcess.__init__
    specs = (UPF, FunctionSpec("upf-2", "upf", dedicated=True), FunctionSpec("nrf", "nrf", False))
    for failing in range(5):  # near, far and three functions
        started = 0

        def fails(self: AgentProcess, *given: object, **named: object) -> None:
            nonlocal started
            started += 1
            if started > failing:  # noqa: B023  # called in this round alone
                raise DriverFailed("no more processes")
            real(self, *given, **named)  # type: ignore[arg-type]

        with monkeypatch.context() as patched:
            patched.setattr(AgentProcess, "__init__", fails)
            with pytest.raises(DriverFailed, match="no more processes"):
                netns.start(replace(SEGMENT, functions=specs))
        assert agents(netns.prefix) == before
        assert netns.shaped() == 1
        assert [one.deployment.segment_id for one in netns.deployed()] == ["segment-9"]
    netns.start(replace(SEGMENT, functions=specs))
    assert netns.shaped() == 2


def test_a_driver_that_is_killed_leaves_nothing(netns: NetnsDriver) -> None:
    """No clean-up code runs at SIGKILL: the kernel has to do it all."""
    program = (
        "from domains.southbound.netns import NetnsDriver\n"
        "from tests.southbound.conftest import SEGMENT\n"
        "driver = NetnsDriver('killed')\n"
        "driver.start(SEGMENT)\n"
        "print(driver.prefix, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        prefix = process.stdout.readline().strip()
        left = agents(prefix)
        assert len(left) >= 5
        waiting = [os.pidfd_open(pid) for pid in left]
        process.kill()
        process.wait()
        for descriptor in waiting:
            signal_when_gone(descriptor)
    assert gone(prefix)


def signal_when_gone(descriptor: int) -> None:
    """Wait for the end of a process by its pidfd."""
    ready, _, _ = select.select([descriptor], [], [], 10)
    os.close(descriptor)
    assert ready, "it still runs"


def test_after_close_no_process_is_left() -> None:
    try:
        driver = NetnsDriver("closing")
    except DriverMissing as error:
        pytest.skip(error.message)
    driver.start(SEGMENT)
    assert len(agents(driver.prefix)) >= 5
    driver.close()
    driver.close()
    assert gone(driver.prefix)
    assert not driver.deployed()


def test_without_the_rights_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent without CAP_SYS_ADMIN reports what the kernel told it."""
    start: Callable[..., object] = subprocess.Popen

    def unprivileged(*given: object, **named: object) -> object:
        return start(*given, **named, preexec_fn=drop_cap_sys_admin)

    if os.geteuid() == 0:
        monkeypatch.setattr(subprocess, "Popen", unprivileged)
    with pytest.raises(DriverMissing, match="CAP_SYS_ADMIN"):
        NetnsDriver("unprivileged")


def drop_cap_sys_admin() -> None:
    """From the bounding set, so that the program started next does not get it (capabilities(7))."""
    pr_capbset_drop, cap_sys_admin = 24, 21
    assert ctypes.CDLL(None).prctl(pr_capbset_drop, cap_sys_admin, 0, 0, 0) == 0


def test_counters_that_disagree_are_told_by_name() -> None:
    """Without filters the classes count nothing of what arrives: that is no measurement of zero."""
    try:
        driver = NetnsDriver("blind", trunk=partial(RoutedTrunk, isolate=False))
    except DriverMissing as error:
        pytest.skip(error.message)
    with closing(driver):
        driver.start(SEGMENT)
        with pytest.raises(Unmeasured):
            driver.measure("segment-1", 0.0)
        driver.send("segment-1", 20_000, 0.5)
        driver.round_trips_us("segment-1", 50, 0.01)
        with pytest.raises(Unmeasured, match="counters disagree"):
            driver.measure("segment-1", 1.0)
