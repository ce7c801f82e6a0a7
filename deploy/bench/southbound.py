"""What the driver costs a set-up: its own work, counted in the process, beside all the CPU of one.

Two federations side by side do not show it: it is less than what a busy machine makes of the same
work twice. So the driver's part is timed alone, many times over and in CPU time, and divided by
what a whole set-up takes, which is measured in the same run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count, pairwise
from pathlib import Path
from statistics import median
from typing import Final

from deploy.bench import networks
from deploy.bench.effort import Effort, Tell
from deploy.bench.figures import Bound, Summary
from deploy.bench.paper import OWNER
from deploy.bench.report import Report, Table, figure
from deploy.bench.setup import warm_up
from deploy.bench.stage import raised
from deploy.bench.tenants import Tenant, Tenants
from deploy.bench.trace import Day
from deploy.federation import Federation
from domains.functions import Functions
from domains.model import Hold
from domains.southbound.driver import Driver
from domains.southbound.simulated import SimulatedDriver

TENANTS: Final = 64
"""Who set up at a time: so many that the CPU of one is least, and the driver's share most."""
SEGMENTS: Final = 1_000
PATH_PERCENT_MAX, ALL_PERCENT_MAX = 1.0, 2.0


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU of the driver's side for one slice, in all of its domains; microseconds.

    Attributes:
        noted: before the answer to a confirm leaves. started: afterwards, by the loop's own task.
        measured: one interval. ended: on release, most of it after that answer.
    """

    noted: float
    started: float
    measured: float
    ended: float


async def measure(folder: Path, effort: Effort, tell: Tell) -> Report:
    """The simulated driver, which is the default, and none."""
    federation = networks.germany(folder / "network")
    holds = await _holds(federation)
    spent = {}
    for name in ("none", "simulated"):
        tell(f"driver {name}: {SEGMENTS} segments of each domain, {effort.rounds} times")
        spent[name] = _median([await _spent(holds, name) for _ in range(effort.rounds)])
    setup = await _setup(folder, federation, effort, tell)
    ours, percent = spent["simulated"], setup.cpu_ms * 10
    on_path, in_all = ours.noted / percent, (ours.noted + ours.started) / percent
    return Report(
        "southbound",
        (_table(spent, setup),),
        {"us": {name: _plain(one) for name, one in spent.items()}, "setup_cpu_ms": setup.cpu_ms},
        (
            Bound("before the answer, of a set-up's CPU", on_path, PATH_PERCENT_MAX, "%"),
            Bound("with what follows it", in_all, ALL_PERCENT_MAX, "%"),
        ),
    )


async def _holds(federation: Federation) -> Sequence[Hold]:
    """The confirmed holds of one slice, one in each domain."""
    day = Day(federation, seed=1, slices=1)
    await day.open()
    return [hold for domain in day.domains.values() for hold in await domain.holds()]


async def _spent(holds: Sequence[Hold], name: str) -> Spent:
    parts = []
    for hold in holds:
        driver = SimulatedDriver(name="bench") if name == "simulated" else None
        parts.append(await _of(hold, driver))
    return Spent(*(sum(_plain(one)[part] for one in parts) for part in _PARTS))


async def _of(hold: Hold, driver: Driver | None) -> Spent:
    """One domain's part, averaged over many segments."""
    copies = [
        replace(hold, hold_id=f"hold-{number}", slice_id=f"slice-{number}")
        for number in range(SEGMENTS)
    ]
    clock_s = count(10.0, 10.0)
    functions = Functions(driver, lambda: next(clock_s), every_s=3_600.0)
    functions.open(())
    marks = [time.thread_time()]
    for copy in copies:
        functions.want(OWNER, copy)
    marks.append(time.thread_time())
    await functions.settled()
    marks.append(time.thread_time())
    await functions.measure()
    marks.append(time.thread_time())
    for copy in copies:
        functions.unwant(copy.hold_id)
    await functions.settled()
    marks.append(time.thread_time())
    await functions.close()
    return Spent(*(1e6 * (b - a) / SEGMENTS for a, b in pairwise(marks)))


async def _setup(folder: Path, federation: Federation, effort: Effort, tell: Tell) -> Summary:
    with ExitStack() as stack:
        tell("a coordinator and four domains, a process each")
        stage = raised(stack, folder, federation, TENANTS)
        async with Tenants(stage) as tenants:
            await warm_up(tenants)
            windows = []
            for turn in range(effort.windows):
                tell(f"{TENANTS} tenants, window {turn + 1} of {effort.windows}")
                windows.append(await tenants.window(Tenant.set_up, TENANTS, effort.window_s))
                await tenants.clear()
    return Summary.of(windows)


_PARTS: Final = ("noted", "started", "measured", "ended")
SAID: Final = (
    "noted, before the answer to a confirm",
    "started, after it",
    "measured, each interval",
    "ended",
)


def _plain(spent: Spent) -> dict[str, float]:
    return {part: getattr(spent, part) for part in _PARTS}


def _median(found: Sequence[Spent]) -> Spent:
    return Spent(*(median(_plain(one)[part] for one in found) for part in _PARTS))


def _table(spent: dict[str, Spent], setup: Summary) -> Table:
    rows = [
        (
            said,
            *(figure(_plain(one)[part]) for one in spent.values()),
            f"{_plain(spent['simulated'])[part] / setup.cpu_ms / 10:.2f}",
        )
        for said, part in zip(SAID, _PARTS, strict=True)
    ]
    title = (
        "The driver's work for one slice in four domains, beside the "
        f"{figure(setup.cpu_ms)} ms of CPU of its set-up by {TENANTS} tenants"
    )
    return Table(title, ("us of CPU", *(f"driver {n}" for n in spent), "of a set-up, %"), rows)
