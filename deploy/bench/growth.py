"""How set-up grows: with the number of domains, and with the slices that stand already."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from deploy.bench import networks
from deploy.bench.effort import Effort, Tell
from deploy.bench.report import Report, Table, figure
from deploy.bench.setup import Paired, pairs
from deploy.bench.stage import raised
from deploy.bench.tenants import Tenant, Tenants
from deploy.federation import Federation

TENANTS: Final = 16
"""Who warm and fill; the windows are of one tenant, whose latency is not its queue's."""
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

    size: int
    what: str
    prepared_s: float
    paired: Paired

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    def row(self) -> tuple[str, ...]:
        slices = self.paired.slices
        shown = (
            *(slices.p50_ms, slices.p99_ms, slices.cpu_ms, slices.cpu_ms_of["coordinator"]),
            *(self.paired.p50_ratio, self.paired.cpu_ratio, self.prepared_s),
        )
        return (f"{self.size:,} {self.what}", *map(figure, shown))


COLUMNS = (
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "its coordinator",
    "p50 x bare",
    "CPU x bare",
    "ready in s",
)


async def with_domains(folder: Path, effort: Effort, tell: Tell) -> Report:
    """CPU and latency of one set-up among more and more domains."""
    found = []
    for size in effort.domains:
        for what, network in NETWORKS.items():
            if size > networks.KINDS or network is networks.regions:
                among = _among(folder / f"{what}-{size}", network, size, what, effort, tell)
                found.append(await among)
    title = "Among more domains: elsewhere, or rivals for the same request"
    return _report("growth in domains", "domains", title, found)


async def _among(
    folder: Path, network: _Network, size: int, what: str, effort: Effort, tell: Tell
) -> Grown:
    with ExitStack() as stack:
        tell(f"{size} domains, {what}")
        began_s = time.perf_counter()
        stage = raised(stack, folder, network(folder / "network", size), TENANTS, PROCESSES)
        ready_s = time.perf_counter() - began_s
        async with Tenants(stage) as tenants:
            await _warm_up(tenants)
            return Grown(size, what, ready_s, await pairs(tenants, 1, effort, tell))


async def with_standing(folder: Path, effort: Effort, tell: Tell) -> Report:
    """CPU and latency of one set-up while more and more slices stand."""
    found: list[Grown] = []
    with ExitStack() as stack:
        stage = raised(stack, folder, networks.germany(folder / "network"), TENANTS)
        async with Tenants(stage) as tenants:
            await _warm_up(tenants)
            standing, filled_s = 0, 0.0
            for size in effort.standing:
                tell(f"until {size:,} slices stand")
                filled_s += await tenants.count(Tenant.set_up, TENANTS, size - standing)
                standing = size
                measured = await pairs(tenants, 1, effort, tell)
                found.append(Grown(size, "slices", filled_s, measured))
    title = "While slices stand, each of them set up like any other"
    return _report("growth in slices", "standing", title, found)


async def _warm_up(tenants: Tenants) -> None:
    await tenants.count(Tenant.fan_out, TENANTS, WARM_UP)
    await tenants.count(Tenant.set_up, TENANTS, WARM_UP)
    await tenants.clear()


def _report(name: str, kind: str, title: str, found: Sequence[Grown]) -> Report:
    table = Table(title, (kind, *COLUMNS), [one.row() for one in found])
    return Report(name, (table,), {kind: [one.plain() for one in found]})
