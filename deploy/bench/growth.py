"""How set-up grows: with the number of domains, and with the slices that stand already."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from deploy.bench import networks
from deploy.bench.effort import Effort, Tell
from deploy.bench.figures import Summary
from deploy.bench.report import Report, Table, figure
from deploy.bench.stage import raised
from deploy.bench.tenants import Tenant, Tenants
from deploy.federation import Federation

TENANTS: Final = 16
"""Who fill and warm; the windows are of one tenant, whose latency is not its queue's."""
PROCESSES: Final = 4
"""Share the domains, whatever their number: idle processes are not what is measured."""
WARM_UP: Final = 32

_Network = Callable[[Path, int], Federation]

NETWORKS: Final[dict[str, _Network]] = {
    "elsewhere": networks.regions,
    "rivals": networks.rivals,
}


@dataclass(frozen=True, slots=True)
class Grown:
    """Set-up by one tenant at one size; `prepared_s` is how long it took to get there."""

    what: str
    size: int
    prepared_s: float
    slices: Summary

    def plain(self) -> dict[str, Any]:
        return asdict(self)


async def with_domains(folder: Path, effort: Effort, tell: Tell) -> Report:
    """CPU and latency of one set-up among more and more domains."""
    found = []
    for size in effort.domains:
        for what, network in NETWORKS.items():
            if size > networks.KINDS or what == "elsewhere":
                tell(f"{size} domains, {what}")
                where = folder / f"{what}-{size}"
                found.append(await _among(where, network, what, size, effort))
    title = "Among more domains: others elsewhere, or rivals for the same request"
    return _report("growth in domains", "domains", title, found)


async def _among(folder: Path, network: _Network, what: str, size: int, effort: Effort) -> Grown:
    with ExitStack() as stack:
        began_s = time.perf_counter()
        federation = network(folder / "network", size)
        stage = raised(stack, folder, federation, TENANTS, PROCESSES)
        started_s = time.perf_counter() - began_s
        async with Tenants(stage) as tenants:
            await tenants.count(Tenant.set_up, TENANTS, WARM_UP)
            await tenants.clear()
            return Grown(what, size, started_s, await _windows(tenants, effort))


async def with_standing(folder: Path, effort: Effort, tell: Tell) -> Report:
    """CPU and latency of one set-up while more and more slices stand."""
    found: list[Grown] = []
    with ExitStack() as stack:
        stage = raised(stack, folder, networks.germany(folder / "network"), TENANTS)
        async with Tenants(stage) as tenants:
            await tenants.count(Tenant.set_up, TENANTS, WARM_UP)
            await tenants.clear()
            standing, filled_s = 0, 0.0
            for size in effort.standing:
                tell(f"setting up slices until {size:,} stand")
                filled_s += await tenants.count(Tenant.set_up, TENANTS, size - standing)
                standing = size
                tell(f"{size:,} standing slices")
                found.append(Grown("standing", size, filled_s, await _windows(tenants, effort)))
    title = "While slices stand, each set up like any other"
    return _report("growth in slices", "standing", title, found)


async def _windows(tenants: Tenants, effort: Effort) -> Summary:
    """Windows of one tenant; what they set up is gone again after each."""
    windows = []
    for _ in range(effort.windows):
        standing = tenants.standing()
        windows.append(await tenants.window(Tenant.set_up, 1, effort.window_s))
        await tenants.clear(standing)
    return Summary.of(windows)


def _report(name: str, kind: str, title: str, found: list[Grown]) -> Report:
    base = found[0].slices
    rows = [
        (
            f"{one.size:,}" + (f", {one.what}" if kind == "domains" and one.size > 4 else ""),
            *map(figure, (one.slices.p50_ms, one.slices.p99_ms, one.slices.cpu_ms)),
            figure(one.slices.p50_ms / base.p50_ms),
            figure(one.slices.cpu_ms / base.cpu_ms),
            figure(one.slices.cpu_ms_of["coordinator"]),
            figure(one.prepared_s),
        )
        for one in found
    ]
    prepared = "started in s" if kind == "domains" else "filled in s"
    columns = (kind, "p50 ms", "p99 ms", "CPU ms", "p50 x", "CPU x", "coordinator ms", prepared)
    return Report(name, (Table(title, columns, rows),), {kind: [one.plain() for one in found]})
