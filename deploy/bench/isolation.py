"""Slices on real Linux queues: alone, beside a greedy neighbour, and when a cable is pulled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from coordinator.assurance.decide import Mode, Policy, Reroute, Sample, State, decide
from coordinator.assurance.forecast import Forecaster
from deploy.bench.effort import QUICK, Effort, Tell
from deploy.bench.report import Report, Table, figure
from domains.errors import Unmeasured
from domains.measurement import Condition
from domains.southbound.driver import Deployment, FunctionSpec, Shaping
from domains.southbound.netns import NetnsDriver
from domains.southbound.openflow import SwitchedTrunk, lacking
from domains.southbound.trunk import RoutedTrunk, Trunk

TRUNK_KBPS: Final = 50_000
PROMISED_KBPS, OFFERED_KBPS = 10_000, 9_000
PROMISED_US: Final = 2_000
GREEDY_KBPS: Final = 150_000
SETTLE_S, WINDOW_S = 0.5, 2.0
PROBES: Final = 200
WINDOWS: Final = (
    ("netns, alone", RoutedTrunk, True, False),
    ("netns, greedy neighbour, a class per slice", RoutedTrunk, True, True),
    ("netns, greedy neighbour, no classes", RoutedTrunk, False, True),
    ("openflow, alone", SwitchedTrunk, True, False),
    ("openflow, greedy neighbour, a meter per slice", SwitchedTrunk, True, True),
    ("openflow, greedy neighbour, one meter for all", SwitchedTrunk, False, True),
)
"""Those of Open vSwitch are left out where it is not installed."""
INTERVAL_S: Final = 0.5
"""Between two rounds of assurance, in the experiment with the cable."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a slice in one window: carried, and the one-way latency of probes."""

    kbps: float
    median_us: float
    p99_us: float
    lost_permille: float


async def measure(folder: Path, effort: Effort, tell: Tell) -> Report:
    """Needs Linux and root.

    Raises:
        DriverMissing: what this machine lacks.
    """
    rounds = 1 if effort is QUICK else 5
    return await asyncio.to_thread(_measure, rounds, tell)


def _measure(rounds: int, tell: Tell) -> Report:
    seen: dict[str, list[Seen]] = {}
    for number in range(rounds):
        for name, trunk, isolate, greedy in WINDOWS:
            if trunk is SwitchedTrunk and lacking():
                continue
            tell(f"round {number + 1}: {name}")
            seen.setdefault(name, []).append(_window(partial(trunk, isolate=isolate), greedy))
    moved = []
    for number in range(rounds + 2):
        tell(f"pulling the cable, {number + 1}")
        moved.append(_rerouted())
    return Report(
        "isolation",
        (_slices(seen), _cable(moved)),
        {
            "windows": {n: [(s.kbps, s.median_us, s.p99_us) for s in v] for n, v in seen.items()},
            "rerouted_s": moved,
        },
    )


def _slices(seen: dict[str, list[Seen]]) -> Table:
    rows = [
        ("promised", figure(PROMISED_KBPS / 1_000), figure(PROMISED_US / 1_000), "", ""),
        *(
            (
                name,
                figure(median(s.kbps for s in windows) / 1_000),
                figure(median(s.median_us for s in windows) / 1_000),
                figure(median(s.p99_us for s in windows) / 1_000),
                figure(median(s.lost_permille for s in windows) / 10),
            )
            for name, windows in seen.items()
        ),
    ]
    title = (
        f"A slice that sends {OFFERED_KBPS / 1_000:g} Mbit/s over a trunk of "
        f"{TRUNK_KBPS / 1_000:g} Mbit/s; its neighbour sends {GREEDY_KBPS / 1_000:g}"
    )
    columns = ("", "carried, Mbit/s", "latency, ms", "p99, ms", "probes lost, %")
    return Table(title, columns, rows)


def _cable(moved: list[tuple[float, float]]) -> Table:
    detected = median(d for d, _ in moved)
    restored = median(r for _, r in moved)
    rows = [
        ("until assurance decides to move", f"{figure(detected)} s"),
        ("until packets pass again", f"{figure(restored)} s"),
        ("most", f"{figure(max(r for _, r in moved))} s"),
    ]
    title = f"A cable is pulled: two carriers on this machine, a round every {INTERVAL_S:g} s"
    return Table(title, ("", "after"), rows)


def _deployment(name: str, kbps: int, exclusive: bool) -> Deployment:
    functions = (FunctionSpec(f"upf-{name}", "UPF", dedicated=True),)
    shaping = Shaping(kbps, kbps, PROMISED_US, exclusive)
    return Deployment(name, f"slice-{name}", "near", "far", functions, shaping)


def _window(trunk: Callable[[str, int], Trunk], greedy: bool) -> Seen:
    driver = NetnsDriver("bench", TRUNK_KBPS, trunk)
    try:
        driver.start(_deployment("mine", PROMISED_KBPS, exclusive=True))
        driver.start(_deployment("theirs", PROMISED_KBPS, exclusive=False))
        seconds = SETTLE_S + WINDOW_S + 2.0
        if greedy:
            driver.send("theirs", GREEDY_KBPS, seconds)
        driver.send("mine", OFFERED_KBPS, seconds)
        time.sleep(SETTLE_S)
        before, began_s = driver.arrived_bytes("mine")
        trips = driver.round_trips_us("mine", PROBES, WINDOW_S / PROBES)
        after, ended_s = driver.arrived_bytes("mine")
    finally:
        driver.close()
    one_way = sorted(trip / 2 for trip in trips)
    lost = 1_000 * (PROBES - len(trips)) / PROBES
    kbps = (after - before) / 125 / (ended_s - began_s)
    if not one_way:
        return Seen(kbps, float("inf"), float("inf"), lost)
    return Seen(kbps, median(one_way), one_way[int(len(one_way) * 0.99)], lost)


def _rerouted() -> tuple[float, float]:
    """Seconds from the pulled cable to the decision, and to the first packet on the other way.

    Decided by the loop itself, from what the driver measures; the other carrier starts the
    segment only then, as it does when a hold is confirmed.
    """
    one, other = NetnsDriver("carrier-one", TRUNK_KBPS), NetnsDriver("carrier-two", TRUNK_KBPS)
    policy = Policy(mode=Mode.REACTIVE, interval_s=INTERVAL_S)
    state = State(Forecaster.fresh(300.0))
    try:
        one.start(_deployment("mine", PROMISED_KBPS, exclusive=True))
        _look(one)
        _look(one)
        pulled_s = time.monotonic()
        one.pull_trunk(True)
        while True:
            time.sleep(INTERVAL_S)
            state, actions = decide(state, [_look(one)], 1_000, time.time(), policy)
            if any(isinstance(action, Reroute) for action in actions):
                break
        decided_s = time.monotonic()
        other.start(_deployment("mine", PROMISED_KBPS, exclusive=True))
        while not other.round_trips_us("mine", 1, 0.0):
            pass
        return decided_s - pulled_s, time.monotonic() - pulled_s
    finally:
        one.close()
        other.close()


def _look(driver: NetnsDriver) -> Sample:
    try:
        measured = driver.measure("mine", time.time())
    except Unmeasured:
        return Sample("carrier-one", "near", "far", Condition.STARTING)
    condition = Condition.HEALTHY if measured.availability_ppb else Condition.FAILED
    return Sample("carrier-one", "near", "far", condition, load_permille=0.0)
