"""What it costs to set up one slice in four domains, next to the same calls without a purpose."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.bench import networks
from deploy.bench.figures import Bound, Summary, Window, paired
from deploy.bench.stage import Stage, raised
from deploy.bench.tell import Tell
from deploy.bench.tenants import Tenant, Tenants

CPU_MAX: Final = 1.5
P50_MAX: Final = {1: 2.0, 16: 1.6, 64: 1.6}
"""Times the bare fan-out, by the number of tenants; what the issue of this code asks for."""

PROFILED: Final = 200
WARM_UP: Final = 96
"""Operations before the first window: connections, caches and prepared statements are there."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: pairs of windows, each so long."""

    windows: int = 5
    window_s: float = 1.5


@dataclass(frozen=True, slots=True)
class Paired:
    """Slices and bare fan-outs by the same number of tenants, in windows by turns."""

    tenants: int
    bare: Summary
    slices: Summary
    p50_ratio: float
    cpu_ratio: float

    @staticmethod
    def of(tenants: int, bare: list[Window], slices: list[Window]) -> Paired:
        return Paired(
            tenants,
            Summary.of(bare),
            Summary.of(slices),
            paired(slices, bare, lambda window: window.percentile_ms(50)),
            paired(slices, bare, lambda window: window.cpu_ms),
        )

    def bounds(self) -> list[Bound]:
        return [
            Bound(f"CPU, {self.tenants} tenants", self.cpu_ratio, CPU_MAX, "x"),
            Bound(f"p50, {self.tenants} tenants", self.p50_ratio, P50_MAX[self.tenants], "x"),
        ]


async def measure(folder: Path, effort: Effort, tell: Tell) -> list[Paired]:
    """The figure, for 1, 16 and 64 tenants."""
    with ExitStack() as stack:
        tell("set-up: a coordinator and four domains, each a process")
        stage = raised(stack, folder, networks.germany(folder / "network"), max(P50_MAX))
        async with Tenants(stage) as tenants:
            await warm_up(tenants)
            return [await pairs(tenants, count, effort, tell) for count in P50_MAX]


async def warm_up(tenants: Tenants) -> None:
    await tenants.count(Tenant.fan_out, max(P50_MAX), WARM_UP)
    await tenants.count(Tenant.set_up, max(P50_MAX), WARM_UP)
    await tenants.clear()


async def pairs(tenants: Tenants, count: int, effort: Effort, tell: Tell) -> Paired:
    """Windows of both kinds by turns; slices end outside of the windows."""
    bare, slices = [], []
    for turn in range(effort.windows):
        tell(f"set-up: {count} tenants, windows {turn + 1} of {effort.windows}")
        bare.append(await tenants.window(Tenant.fan_out, count, effort.window_s))
        slices.append(await tenants.window(Tenant.set_up, count, effort.window_s))
        await tenants.clear()
    return Paired.of(count, bare, slices)


async def profile(folder: Path, tenants: int, tell: Tell) -> Mapping[str, str]:
    """Where the event loops of all processes but the tenants' spend their time, by process."""
    with ExitStack() as stack:
        tell(f"profile: {PROFILED} slices by {tenants} tenants")
        stage = raised(stack, folder, networks.germany(folder / "network"), max(P50_MAX))
        async with Tenants(stage) as all_tenants:
            await warm_up(all_tenants)
            return await _profiled(stage, all_tenants, tenants)


async def _profiled(stage: Stage, all_tenants: Tenants, tenants: int) -> Mapping[str, str]:
    for process in stage.processes.values():
        process.ask("profile")
    await all_tenants.count(Tenant.set_up, tenants, PROFILED)
    return {name: child.ask("profiled")["profile"] for name, child in stage.processes.items()}
