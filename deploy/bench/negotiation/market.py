"""The domains of a federation in this process, with a simulated clock, and what they are asked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from coordinator.resources import ResourceDatabase
from deploy.federation import CONFIGS, COORDINATOR_FILE
from domains.config import DomainConfig, technology
from domains.domain import AdministrativeDomain
from domains.errors import EntenteError, Unreachable
from domains.model import Counter, Hold, HoldRequest, Menu, Offer, SliceProfile
from domains.port import Domain
from domains.technologies import Technology

FEDERATION: Final = "federation"
SCARCITY: Final = 10
"""Shipped capacities are divided by this, so that tenants compete."""
START_S: Final = 1_800_000_000.0
ME: Final = "spiffe://entente.example/coordinator/main"
SCARCE: Final = frozenset(
    {
        "capacity_mbps",
        "cores",
        "cu_up_instances",
        "fabric_mbps",
        "instances",
        "link_capacity_mbps",
        "memory_gib",
        "sectors",
        "sessions",
        "storage_gib",
        "tail_capacity_mbps",
    }
)


class Manner(StrEnum):
    """How a domain behaves that does not behave."""

    LIES = "lies"
    """Offers a third of the latency and of the price that it has."""
    STALLS = "stalls"
    """Bids, and answers neither a counter nor an award."""
    GREEDY = "greedy"
    """Asks three times its price and concedes nothing."""


@dataclass
class Clock:
    now_s: float = START_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Met:
    """A domain as the coordinator meets it; counts messages, and bends answers by `manner`."""

    domain: Domain
    manner: Manner | None = None
    messages: int = 0

    @property
    def name(self) -> str:
        return self.domain.name

    async def offers(
        self,
        profiles: Sequence[SliceProfile],
        tenant: str,
        replaces: str | None = None,
        counters: Sequence[Counter | None] = (),
    ) -> Sequence[Menu]:
        self.messages += 1
        if self.manner is Manner.STALLS and any(counters):
            raise Unreachable("it stalls")
        if self.manner is Manner.GREEDY:
            counters = ()
        menus = await self.domain.offers(profiles, tenant, replaces, counters)
        return [replace(m, offers=tuple(map(self._bent, m.offers))) for m in menus]

    async def hold(self, request: HoldRequest) -> Hold:
        self.messages += 1
        if self.manner is Manner.STALLS:
            raise Unreachable("it stalls", domain=self.name)
        if self.manner is Manner.GREEDY:
            request = replace(request, offer=self._straight(request.offer))
        try:
            return await self.domain.hold(request)
        except EntenteError as error:
            error.metadata["domain"] = self.name  # as a client at the other end would say
            raise

    async def confirm(self, hold_id: str, epoch: int) -> Hold:
        self.messages += 1
        return await self.domain.confirm(hold_id, epoch)

    async def release(self, hold_id: str, epoch: int, reason: str) -> Hold | None:
        self.messages += 1
        return await self.domain.release(hold_id, epoch, reason)

    def _bent(self, offer: Offer) -> Offer:
        metrics = offer.metrics
        match self.manner:
            case Manner.LIES:
                latency_us, price = metrics.latency_us // 3, metrics.price_micros // 3
                bent = replace(metrics, latency_us=latency_us, price_micros=price)
                return Offer(offer.offer_id, bent)
            case Manner.GREEDY:
                bent = replace(metrics, price_micros=metrics.price_micros * 3)
                return replace(offer, metrics=bent)
        return offer

    def _straight(self, offer: Offer) -> Offer:
        """What the domain's own ledger knows it as; what it takes is three times as much."""
        metrics = replace(offer.metrics, price_micros=offer.metrics.price_micros // 3)
        return replace(offer, metrics=metrics)


@dataclass
class Market:
    """All of a federation, open for business."""

    clock: Clock
    inner: dict[str, AdministrativeDomain] = field(default_factory=dict)
    met: dict[str, Met] = field(default_factory=dict)
    resources: ResourceDatabase = field(default_factory=ResourceDatabase)

    @staticmethod
    async def open(
        stack: AsyncExitStack,
        folder: Path,
        manners: Mapping[str, Manner],
        policy: Mapping[str, int] | None = None,
    ) -> Market:
        """Args: policy: what is different in every domain's."""
        market = Market(Clock())
        for config in configs():
            if policy:
                changed = config.policy.model_copy(update=policy)
                config = config.model_copy(update={"policy": changed})
            database = folder / f"{config.name}.sqlite"
            domain = await AdministrativeDomain.open(config, database, market.clock)
            stack.push_async_callback(domain.close)
            market.inner[config.name] = domain
            met = Met(domain.as_seen_by(ME), manners.get(config.name))
            market.met[config.name] = met
        await market.look()
        return market

    async def look(self) -> None:
        """What a coordinator's watchers would have told it by now."""
        for domain in self.inner.values():
            self.resources.update(domain.topology(), self.clock.now_s)

    @property
    def messages(self) -> int:
        return sum(met.messages for met in self.met.values())


@cache
def configs() -> tuple[DomainConfig, ...]:
    """The shipped federation with a share of its capacity, and whole menus: what is left out of
    one by a trained ranking is measured by itself (`envs/offers`)."""
    found = []
    for path in sorted((CONFIGS / FEDERATION).glob("*.toml")):
        if path.name != COORDINATOR_FILE:
            config = DomainConfig.model_validate(_scarce(tomllib.loads(path.read_text())))
            found.append(config.model_copy(update={"ranking": None}))
    return tuple(found)


@cache
def technologies() -> Mapping[str, Technology]:
    """Each domain's network, to tell what an offer costs its domain."""
    return {config.name: technology(config) for config in configs()}


def _scarce(tree: Any) -> Any:
    match tree:
        case dict():
            return {
                key: max(value // SCARCITY, 1) if key in SCARCE else _scarce(value)
                for key, value in tree.items()
            }
        case list():
            return [_scarce(item) for item in tree]
    return tree
