"""One administrative domain in one place: technology, offers, ledger, store, topology.

Everything that decides is synchronous and runs within one step of the ledger; everything that
waits, waits for the disk. `as_seen_by` binds a caller, who is the owner of what it holds and can
neither see nor touch what others hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import thread_time
from typing import TypeVar

from domains.agents.agent import Agent
from domains.agents.engine import Engine
from domains.agents.llm import engine
from domains.audit import Head
from domains.config import DomainConfig, technology
from domains.errors import Overloaded, StoreFailed
from domains.functions import Functions
from domains.ledger import Ledger
from domains.measurement import Reading
from domains.model import (
    AbstractTopology,
    Counter,
    FunctionInstance,
    Hold,
    HoldRequest,
    HoldState,
    Menu,
    SliceProfile,
)
from domains.port import Domain
from domains.ranking import Ranking
from domains.requests import (
    EPOCH_MAX,
    check_counters,
    check_hold,
    check_number,
    check_profiles,
    check_text,
)
from domains.southbound.choice import driver as configured_driver
from domains.southbound.driver import Driver
from domains.store import Store
from domains.technologies import Technology
from domains.topology import abstract

T = TypeVar("T")

WATCHERS_MAX = 256
"""Open topology watches of all callers together."""

TOPOLOGY_PACE_S = 0.2
"""Watchers hear of a change after this, once for all that changed meanwhile."""

INCARNATION_BITS = 32
"""Topology epochs of a later opening of the domain are above all earlier ones."""


class AdministrativeDomain:
    """A domain that is open for business. Made by `open`; belongs to one event loop."""

    def __init__(
        self,
        config: DomainConfig,
        inner: Technology,
        store: Store,
        now: Callable[[], float],
        driver: Driver | None,
        engine: Engine | None = None,
    ) -> None:
        self.functions = Functions(driver, now, config.southbound.measure_every_s)
        self._config = config
        self._technology = inner
        self._ranking: Ranking | None = None
        if config.ranking is not None:
            self._ranking = Ranking.load(config.ranking.file, thread_time)
        self._agent = Agent(inner, config.policy, store.secret, engine, self._ranking)
        self._store = store
        self._now = now
        self._border_points = frozenset(inner.border_points)
        self._watchers: set[asyncio.Event] = set()
        self._announcing: asyncio.TimerHandle | None = None
        self._closed = False
        self._viewed = store.ledger.generation
        self._view = self._abstract(store.openings << INCARNATION_BITS)

    @classmethod
    async def open(
        cls,
        config: DomainConfig,
        database: Path,
        now: Callable[[], float],
        driver: Driver | None = None,
    ) -> AdministrativeDomain:
        """Build the technology, restore what was held and confirmed, and begin to run it.

        Args:
            now: seconds since the epoch; it must not run backwards while the domain is open.
            driver: instead of the one that the configuration names.

        Raises:
            StoreFailed: the file is damaged, or the configuration has no room for what it holds.
            DriverMissing: this machine cannot run the network that the configuration names.
        """
        inner = technology(config)
        driver = driver or configured_driver(config)
        try:
            store = await Store.open(database, inner.capacities(), config.ledger_limits, now())
        except StoreFailed:
            if driver is not None:
                driver.close()
            raise
        domain = cls(config, inner, store, now, driver, engine(config.policy))
        domain.functions.open(store.ledger.confirmed())
        return domain

    @property
    def name(self) -> str:
        return self._config.name

    def as_seen_by(self, caller: str) -> Domain:
        """The domain as `caller`, a SPIFFE id, may use it."""
        return _SeenBy(self, caller)

    async def sweep(self) -> Sequence[Hold]:
        """Lapse what ran out and forget what ended long ago; the holds that lapsed.

        Raises:
            StoreFailed: the disk refuses; the next sweep tries anew, which also heals the store.
        """
        self.functions.again()
        now_s = self._now()
        return await self.change(lambda ledger: ledger.lapse(now_s), now_s)

    async def close(self) -> None:
        """Write what waits, end all watches. Idempotent."""
        self._closed = True
        if self._announcing is not None:
            self._announcing.cancel()
        for wake in self._watchers:
            wake.set()
        await self.functions.close()
        self._store.close()

    def usage(self) -> Mapping[str, int]:
        """Units in use of every resource: the operator's own view, never sent to anybody else."""
        return self._store.ledger.used()

    def ranked_by(self) -> str:
        """What ranks the offers: a policy, or the rule and why."""
        if self._ranking is None:
            return "rule"
        if not self._config.policy.rounds_max:
            return "rule: a domain that answers no counter keeps nothing back"
        return self._ranking.said

    def audit_head(self) -> Head:
        """What an auditor keeps elsewhere, to notice even a log that was rewritten as a whole."""
        return self._store.head

    def verify_audit(self, *anchors: Head) -> str | None:
        """What is wrong first with the audit log, or None."""
        return self._store.verify_audit(*anchors)

    async def change(self, step: Callable[[Ledger], T], now_s: float) -> T:
        """One step of the ledger, durable; watchers hear of it."""
        try:
            return await self._store.change(step, now_s)
        finally:
            if self._watchers and self._announcing is None and not self._closed:
                loop = asyncio.get_running_loop()
                self._announcing = loop.call_later(TOPOLOGY_PACE_S, self._announce)

    def topology(self) -> AbstractTopology:
        """What the domain shows; its epoch rises only when that differs from before."""
        generation = self._store.ledger.generation
        if generation != self._viewed:
            view = self._abstract(self._view.epoch)
            if view != self._view:
                self._view = replace(view, epoch=view.epoch + 1)
            self._viewed = generation
        return self._view

    def redraw(self) -> None:
        """Show what is different now; watchers hear of it."""
        view = self._abstract(self._view.epoch)
        if view != self._view:
            self._view = replace(view, epoch=view.epoch + 1)
            self._announce()

    async def watch(self) -> AsyncIterator[AbstractTopology]:
        """Now and after every change; whoever is slow sees only the latest.

        Raises:
            Overloaded: `WATCHERS_MAX` are watching.
        """
        if len(self._watchers) >= WATCHERS_MAX:
            raise Overloaded("too many topology watches", limit="WATCHERS_MAX", value=WATCHERS_MAX)
        wake = asyncio.Event()
        self._watchers.add(wake)
        seen = -1
        try:
            while not self._closed:
                wake.clear()
                view = self.topology()
                if view.epoch > seen:
                    seen = view.epoch
                    yield view
                else:
                    await wake.wait()
        finally:
            self._watchers.discard(wake)

    async def menus(
        self,
        caller: str,
        profiles: Sequence[SliceProfile],
        tenant: str,
        replaces: str | None,
        counters: Sequence[Counter | None],
    ) -> Sequence[Menu]:
        """One menu per profile, in order; the agent's engine is asked only where one is countered.

        Raises:
            InvalidRequest; HoldNotReplaceable: `replaces` is not a confirmed hold of the caller.
        """
        check_profiles(profiles, tenant)
        check_counters(counters, len(profiles))
        free, now_s = self._store.ledger.free_for(caller, replaces), self._now()
        grows = replaces is not None
        if not any(counters):
            return self._agent.bids(profiles, tenant, free, now_s, grows)
        return await self._agent.answers(profiles, tenant, free, now_s, grows, counters)

    async def hold(self, caller: str, request: HoldRequest) -> Hold:
        check_hold(request, self._border_points)
        now_s = self._now()
        return await self.change(partial(self._hold, caller, request, now_s), now_s)

    async def confirm(self, caller: str, hold_id: str, epoch: int) -> Hold:
        now_s = self._now()
        hold = await self.change(
            lambda ledger: ledger.confirm(caller, hold_id, epoch, now_s), now_s
        )
        self.functions.want(caller, hold)
        return hold

    async def activate(self, caller: str, hold_id: str, epoch: int, active: bool) -> Hold:
        now_s = self._now()
        hold = await self.change(
            lambda ledger: ledger.activate(caller, hold_id, epoch, active, now_s), now_s
        )
        self.functions.want(caller, hold)
        return hold

    async def release(self, caller: str, hold_id: str, epoch: int, reason: str) -> Hold | None:
        now_s = self._now()
        ended = await self.change(
            lambda ledger: ledger.release(caller, hold_id, epoch, reason, now_s), now_s
        )
        self.functions.unwant(hold_id)
        return ended

    async def holds(self, caller: str, slice_id: str | None) -> Sequence[Hold]:
        now_s = self._now()
        found = await self._store.read(lambda ledger: ledger.holds(caller, slice_id))
        return [h for h in found if h.state is HoldState.CONFIRMED or now_s < h.expire_time_s]

    def now(self) -> float:
        return self._now()

    def _hold(self, caller: str, request: HoldRequest, now_s: float, ledger: Ledger) -> Hold:
        """Choose and hold in one step; a repeat is answered before anything is chosen."""
        earlier = ledger.admit(caller, request, now_s)
        if earlier is not None:
            return earlier
        free = ledger.free_for(caller, request.replaces)
        option = self._agent.award(
            request.profile, request.offer, request.tenant, free, now_s, bool(request.replaces)
        )
        functions = [_own(function, request.hold_id) for function in option.functions]
        return ledger.hold(caller, request, option.demand, functions, now_s)

    def _abstract(self, epoch: int) -> AbstractTopology:
        free = self._agent.room(self._store.ledger.free)
        config = self._config
        return abstract(
            self._technology, config.name, config.operator, free, epoch, self._agent.advertised
        )

    def _announce(self) -> None:
        self._announcing = None
        for wake in self._watchers:
            wake.set()


def _own(function: FunctionInstance, hold_id: str) -> FunctionInstance:
    """A dedicated instance bears a name that no other segment's has; a pooled one is the pool's."""
    if not function.dedicated:
        return function
    return replace(function, name=f"{function.name}-{hold_id[:8]}")


@dataclass(frozen=True, slots=True)
class _SeenBy:
    """`port.Domain` in this process, for one caller."""

    domain: AdministrativeDomain
    caller: str

    @property
    def name(self) -> str:
        return self.domain.name

    async def topology(self) -> AbstractTopology:
        return self.domain.topology()

    def watch_topology(self) -> AsyncIterator[AbstractTopology]:
        return self.domain.watch()

    async def offers(
        self,
        profiles: Sequence[SliceProfile],
        tenant: str,
        replaces: str | None = None,
        counters: Sequence[Counter | None] = (),
    ) -> Sequence[Menu]:
        return await self.domain.menus(self.caller, profiles, tenant, replaces, counters)

    async def hold(self, request: HoldRequest) -> Hold:
        return await self.domain.hold(self.caller, request)

    async def confirm(self, hold_id: str, epoch: int) -> Hold:
        check_text("hold_id", hold_id)
        check_number("epoch", epoch, EPOCH_MAX)
        return await self.domain.confirm(self.caller, hold_id, epoch)

    async def activate(self, hold_id: str, epoch: int, active: bool) -> Hold:
        check_text("hold_id", hold_id)
        check_number("epoch", epoch, EPOCH_MAX)
        return await self.domain.activate(self.caller, hold_id, epoch, active)

    def watch_measurements(self) -> AsyncIterator[Sequence[Reading]]:
        return self.domain.functions.watch(self.caller)

    async def release(self, hold_id: str, epoch: int, reason: str) -> Hold | None:
        check_text("hold_id", hold_id)
        check_number("epoch", epoch, EPOCH_MAX)
        check_text("reason", reason, least=0)
        return await self.domain.release(self.caller, hold_id, epoch, reason)

    async def holds(self, slice_id: str | None = None) -> Sequence[Hold]:
        return await self.domain.holds(self.caller, slice_id)
