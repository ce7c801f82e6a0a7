"""What it costs to set up one slice in four domains, next to the same calls without a purpose."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from deploy.bench import networks
from deploy.bench.effort import Effort, Tell
from deploy.bench.figures import Bound, Summary, Window, paired
from deploy.bench.report import Report, Table, figure
from deploy.bench.stage import Stage, raised
from deploy.bench.tenants import Tenant, Tenants

CPU_MAX: Final = 1.5
P50_MAX: Final = {1: 2.0, 16: 1.6, 64: 1.6}
"""Times the bare fan-out, by the number of tenants."""

TENANTS_MAX: Final = max(P50_MAX)
WARM_UP: Final = 96
"""Operations before the first window: then connections, caches and statements are there."""
PROFILED: Final = 200


@dataclass(frozen=True, slots=True)
class Paired:
    """Slices and bare fan-outs by the same number of tenants, in windows by turns."""

    tenants: int
    bare: Summary
    slices: Summary
    p50_ratio: float
    cpu_ratio: float

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    def bounds(self) -> list[Bound]:
        count = f"{self.tenants} tenant{'s' * (self.tenants > 1)}"
        return [
            Bound(f"CPU, {count}", self.cpu_ratio, CPU_MAX, "x bare"),
            Bound(f"p50, {count}", self.p50_ratio, P50_MAX[self.tenants], "x bare"),
        ]


async def measure(folder: Path, effort: Effort, tell: Tell) -> Report:
    """Slices per second, latency and CPU with 1, 16 and 64 tenants."""
    with ExitStack() as stack:
        tell("a coordinator and four domains, a process each")
        stage = raised(stack, folder, networks.germany(folder / "network"), TENANTS_MAX)
        async with Tenants(stage) as tenants:
            await warm_up(tenants)
            found = [await pairs(tenants, count, effort, tell) for count in P50_MAX]
    return Report(
        "set-up",
        (_table(found), _cpu_table(found)),
        {"tenants": [one.plain() for one in found]},
        tuple(bound for one in found for bound in one.bounds()),
    )


async def warm_up(tenants: Tenants) -> None:
    await tenants.count(Tenant.fan_out, TENANTS_MAX, WARM_UP)
    await tenants.count(Tenant.set_up, TENANTS_MAX, WARM_UP)
    await tenants.clear()


async def pairs(tenants: Tenants, count: int, effort: Effort, tell: Tell) -> Paired:
    """Windows of both kinds by turns; slices end outside of the windows."""
    bare: list[Window] = []
    slices: list[Window] = []
    standing = tenants.standing()
    for turn in range(effort.windows):
        tell(f"{count} tenants, pair of windows {turn + 1} of {effort.windows}")
        bare.append(await tenants.window(Tenant.fan_out, count, effort.window_s))
        slices.append(await tenants.window(Tenant.set_up, count, effort.window_s))
        await tenants.clear(standing)
    return Paired(
        count,
        Summary.of(bare),
        Summary.of(slices),
        paired(slices, bare, lambda window: window.p50_ms),
        paired(slices, bare, lambda window: window.cpu_ms),
    )


def _table(found: Sequence[Paired]) -> Table:
    rows = []
    for one in found:
        for name, summary in (("bare", one.bare), ("slice", one.slices)):
            shown = (summary.per_s, summary.p50_ms, summary.p99_ms, summary.cpu_ms)
            ratios = (one.p50_ratio, one.cpu_ratio) if name == "slice" else ()
            cells = (*map(figure, shown), *map(figure, ratios), *(2 - len(ratios)) * ("",))
            rows.append((f"{one.tenants}, {name}", *cells))
    columns = ("tenants", "per s", "p50 ms", "p99 ms", "CPU ms", "p50 x bare", "CPU x bare")
    return Table("One slice in four domains over mutual TLS, all of it durable", columns, rows)


def _cpu_table(found: Sequence[Paired]) -> Table:
    columns = ("ms of CPU per operation", *(f"{n}, {kind}" for n, kind in _pairs(found)))
    rows = [
        (name, *(figure(s.cpu_ms_of[name]) for one in found for s in (one.bare, one.slices)))
        for name in found[0].slices.cpu_ms_of
    ]
    return Table("Where the CPU goes", columns, rows)


def _pairs(found: Sequence[Paired]) -> list[tuple[int, str]]:
    return [(one.tenants, kind) for one in found for kind in ("bare", "slice")]


async def profile(folder: Path, tenants: int, tell: Tell) -> tuple[Table, dict[str, str]]:
    """Where processes spend their time: CPU by kind of thread, and a profile of each loop."""
    with ExitStack() as stack:
        tell(f"profile: {PROFILED} slices by {tenants} tenants")
        stage = raised(stack, folder, networks.germany(folder / "network"), TENANTS_MAX)
        async with Tenants(stage) as everybody:
            await warm_up(everybody)
            threads = await _threads(stage, everybody, tenants)
            for process in stage.processes.values():
                process.ask("profile")
            await everybody.count(Tenant.set_up, tenants, PROFILED)
            profiles = {
                name: child.ask("profiled")["profile"] for name, child in stage.processes.items()
            }
            return threads, profiles


async def _threads(stage: Stage, everybody: Tenants, tenants: int) -> Table:
    """Without the profiler, which would distort it."""
    rows = []
    for name, operation in (("bare", Tenant.fan_out), ("slice", Tenant.set_up)):
        before = stage.threads_cpu_s()
        await everybody.count(operation, tenants, PROFILED)
        after = stage.threads_cpu_s()
        for process, used_s in after.items():
            spent = [used - began for used, began in zip(used_s, before[process], strict=True)]
            cells = [figure(seconds / PROFILED * 1e3) for seconds in spent]
            rows.append((f"{process}, {name}", *cells))
    await everybody.clear()
    columns = ("ms of CPU per operation", "event loop", "gRPC", "others: the database")
    return Table(f"By kind of thread, {tenants} tenants", columns, rows)
