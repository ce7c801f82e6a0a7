"""A domain without a process: the real technology, offers, ledger and simulated network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from typing import Any

from deploy.federation import Federation
from domains.config import technology
from domains.errors import WrongState
from domains.ledger import Ledger
from domains.measurement import Reading
from domains.model import (
    AbstractTopology,
    Hold,
    HoldRequest,
    Menu,
    SliceProfile,
)
from domains.offers import choose, menu
from domains.records import LedgerLimits
from domains.southbound.driver import deployment_of
from domains.southbound.simulated import SimulatedDriver
from domains.southbound.traffic import TrafficModel
from domains.topology import abstract

OWNER = "spiffe://entente.example/tenant/day"


@lru_cache(1 << 16)
def _load(model: TrafficModel, slice_id: str, at_s: float) -> float:
    return TrafficModel.load_permille(model, slice_id, at_s)


class SharedModel(TrafficModel):
    """Computes a slice's load at an instant once for all the domains on its way."""

    def load_permille(self, slice_id: str, at_s: float) -> float:
        return _load(self, slice_id, at_s)


class PaperDomain:
    """`port.Domain` for one caller over a ledger in memory, with the network that it runs."""

    def __init__(self, federation: Federation, index: int, model: TrafficModel) -> None:
        member = federation.members[index]
        self.name = member.name
        self._operator = member.config.operator
        self._technology = technology(member.config)
        limits = LedgerLimits(live_max=10**6, ended_max=10**7)
        self._ledger = Ledger(self._technology.capacities(), limits)
        self.driver = SimulatedDriver(model, name=member.name)
        self.now_s = 0.0

    async def topology(self) -> AbstractTopology:
        return abstract(self._technology, self.name, self._operator, self._ledger.free, 1)

    def watch_topology(self) -> AsyncIterator[AbstractTopology]:
        raise WrongState("a day on paper is looked at, not watched", domain=self.name)

    def watch_measurements(self) -> AsyncIterator[Sequence[Reading]]:
        raise WrongState("a day on paper is measured by its driver", domain=self.name)

    async def activate(self, hold_id: str, epoch: int, active: bool) -> Hold:
        hold = self._ledger.activate(OWNER, hold_id, epoch, active, self.now_s)
        self._ledger.take()
        return hold

    async def offers(
        self,
        profiles: Sequence[SliceProfile],
        tenant: str,
        replaces: str | None = None,
        counters: Sequence[Any] = (),
    ) -> Sequence[Menu]:
        free = self._ledger.free_for(OWNER, replaces)
        return [menu(self._technology, profile, free) for profile in profiles]

    async def hold(self, request: HoldRequest) -> Hold:
        free = self._ledger.free_for(OWNER, request.replaces)
        option = choose(self._technology, request.profile, request.offer, free)
        hold = self._ledger.hold(OWNER, request, option.demand, option.functions, self.now_s)
        self._ledger.take()
        return hold

    async def confirm(self, hold_id: str, epoch: int) -> Hold:
        hold = self._ledger.confirm(OWNER, hold_id, epoch, self.now_s)
        self._ledger.take()
        self.driver.start(deployment_of(hold))
        return hold

    async def release(self, hold_id: str, epoch: int, reason: str) -> Hold | None:
        ended = self._ledger.release(OWNER, hold_id, epoch, reason, self.now_s)
        self._ledger.take()
        self.driver.delete(hold_id)
        return ended

    async def holds(self, slice_id: str | None = None) -> Sequence[Hold]:
        return self._ledger.holds(OWNER, slice_id)
