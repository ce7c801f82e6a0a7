"""Small cross-domain tasks, and the live system to compare them with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from coordinator.model import Agreement, ServiceProfile
from coordinator.planner import Planner, Task
from coordinator.resources import ResourceDatabase
from domains.agents.policy import POINTS_MAX
from domains.config import DomainConfig
from domains.domain import AdministrativeDomain
from domains.model import Attachment, HoldRequest
from domains.port import Domain
from envs.crossdomain import scenarios
from envs.crossdomain.network import Network

CALLER = "spiffe://coordinator.example/coordinator/main"
GERMANY = scenarios.CONFIGS / "germany"
FEDERATION = scenarios.CONFIGS / "federation"


@cache
def task(name: str = "headline", requests: int | None = None) -> scenarios.Task:
    return scenarios.scenario_of(name).task(requests=requests)


def shrunk(folder: Path, divisor: int) -> Network:
    """A shipped network with a fraction of its capacities, so that it fills within a test."""
    configs = Network.read(folder).configs.values()
    return Network.of(f"{folder.name}/{divisor}", [_less(config, divisor) for config in configs])


OPEN = {"points_first": POINTS_MAX, "points_max": POINTS_MAX, "headroom_permille": 0}
"""An agent that shows all that it could do in its first bid, at its own opening price; nothing
that was trained picks from it."""

_SIZES = {
    "sectors",
    "cu_up_instances",
    "link_capacity_mbps",
    "tail_capacity_mbps",
    "capacity_mbps",
    "sessions",
    "instances",
    "memory_gib",
    "storage_gib",
    "fabric_mbps",
    "cores",
}


def _less(config: DomainConfig, divisor: int) -> DomainConfig:
    def less(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: less(one, name) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [less(one) for one in value]
        return max(value // divisor, 1) if key in _SIZES else value

    smaller = less(config.model_dump(exclude_none=True))
    smaller["policy"] |= OPEN
    smaller.pop("ranking", None)
    return DomainConfig.model_validate(smaller)


@dataclass
class Live:
    """The domains of a network, open in this process, and the planner that asks them."""

    domains: dict[str, Domain]
    opened: Sequence[AdministrativeDomain]
    resources: ResourceDatabase
    planner: Planner

    @staticmethod
    async def open(network: Network, folder: Path) -> Live:
        opened = [
            await AdministrativeDomain.open(config, folder / f"{name}.db", lambda: 1_000.0)
            for name, config in network.configs.items()
        ]
        domains = {one.name: one.as_seen_by(CALLER) for one in opened}
        resources = ResourceDatabase()
        live = Live(domains, opened, resources, Planner(resources, domains, rounds_max=0))
        await live.look()
        return live

    async def look(self) -> None:
        for domain in self.domains.values():
            self.resources.update(await domain.topology(), 1_000.0)

    async def ask(self, number: int, service: ServiceProfile) -> Agreement | None:
        """Plan one service; hold and confirm what is agreed."""
        (plan,) = await self.planner.plan([Task(service)], "clinic")
        if not isinstance(plan.result, Agreement):
            return None
        for hop, choice in enumerate(plan.result.choices):
            domain = self.domains[choice.hop.domain]
            borders = (await domain.topology()).border_points
            ends = [end for end in (choice.hop.ingress, choice.hop.egress) if end in borders]
            labels = tuple(Attachment(end, 16 + number) for end in ends)
            held = await domain.hold(
                HoldRequest(
                    f"hold-{number}-{hop}",
                    f"slice-{number}",
                    "clinic",
                    choice.profile,
                    choice.offer,
                    labels,
                    30.0,
                    1,
                )
            )
            await domain.confirm(held.hold_id, 1)
        await self.look()
        return plan.result

    async def close(self) -> None:
        for one in self.opened:
            await one.close()


def generators(count: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng((seed, index)) for index in range(count)]
