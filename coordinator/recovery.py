"""What a coordinator does first: end what an earlier incarnation began, and leave no orphan.

The journal says which sagas have not ended. With a decision they are confirmed, without one
released; then the order goes on where it was: active, or negotiating anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from coordinator.activation import activate
from coordinator.lifecycle import Lifecycle
from coordinator.orders import Orders
from coordinator.protocol import Result
from coordinator.records import OrderKind, Running
from coordinator.registry import Registry
from coordinator.saga import Outcome, Reserver
from coordinator.workflow import Workflow
from domains.errors import EntenteError
from domains.port import Domain

log = logging.getLogger(__name__)


class Recovery:
    """Run once at start (`resume`), and once per domain whenever it comes back (`greet`)."""

    def __init__(
        self,
        registry: Registry,
        reserver: Reserver,
        orders: Orders,
        workflow: Workflow,
        lifecycle: Lifecycle,
        domains: Mapping[str, Domain],
        epoch: int,
    ) -> None:
        self._registry = registry
        self._reserver = reserver
        self._orders = orders
        self._workflow = workflow
        self._lifecycle = lifecycle
        self._domains = domains
        self._epoch = epoch
        self._ready = asyncio.Event()

    async def resume(self, unfinished: Sequence[Running]) -> None:
        """End the open sagas, then take up every order that was not finished."""
        outcomes = await self._reserver.recover()
        for running in unfinished:
            outcome = outcomes.get(running.order.order_id)
            match outcome.result if outcome else None:
                case Result.CONFIRMED:
                    assert outcome is not None
                    self._confirmed(running, outcome)
                case Result.TERMINATED if running.order.kind is not OrderKind.TERMINATE:
                    # The slice had moved already; what it left behind is given back as well.
                    self._workflow.done(running)
                case Result.TERMINATED:
                    self._workflow.terminated(running)
                case _:
                    self._again(running)
        self._ready.set()

    def _confirmed(self, running: Running, outcome: Outcome) -> None:
        order = running.order
        activate(
            self._registry, self._workflow.scribe, order, {h.hold_id: h for h in outcome.holds}
        )
        self._workflow.done(running)

    def _again(self, running: Running) -> None:
        """Nothing is held for it: the same order, under ids that were never used."""
        order = running.order
        order.attempt += 1
        log.info("order %s goes on after a restart", order.order_id)
        self._orders.take_up(running)

    async def greet(self, name: str) -> None:
        """A domain is back: release what it holds for us and no slice or order knows of."""
        await self._ready.wait()
        domain = self._domains[name]
        known = self._registry.known_holds()
        holds = await domain.holds()
        for hold in holds:
            if hold.hold_id not in known and hold.hold_id not in self._registry.known_holds():
                log.warning("%s holds %s for nobody: released", name, hold.hold_id)
                await domain.release(hold.hold_id, self._epoch, "orphan")
        await self._lifecycle.agree(name, holds)
        try:
            await self._reserver.recover()
        except EntenteError as error:
            log.warning("what waits for %s is not settled: %s", name, error.message)
