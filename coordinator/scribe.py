"""Writes the decision record while an order is worked on; `story` has the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coordinator import story
from coordinator.clock import Clock
from coordinator.journal import Journal
from coordinator.model import Agreement, Proposal, Refusal
from coordinator.planner import Plan
from coordinator.records import Order


class Scribe:
    """One line of the record per event, with the time it happened."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    def note(
        self,
        order: Order,
        step: str,
        event: str,
        text: str,
        detail: Mapping[str, Any] | None = None,
        slice_id: str = "",
        domain: str = "",
    ) -> None:
        """Append one event; it is durable with the order's next flush."""
        self._journal.append(
            order_id=order.order_id,
            slice_id=slice_id,
            step=step,
            event=event,
            domain=domain,
            text=text,
            detail=detail or {},
            at_s=self._clock.now_s(),
        )

    def tell(
        self, slice_id: str, event: str, text: str, detail: Mapping[str, Any], domain: str = ""
    ) -> None:
        """Append what assurance sees of a slice, outside any order; `settle` makes it durable.

        Raises:
            Overloaded: too much waits for the disk.
        """
        self._journal.admit()
        self._journal.append(
            order_id="",
            slice_id=slice_id,
            step="assure",
            event=event,
            domain=domain,
            text=text,
            detail=detail,
            at_s=self._clock.now_s(),
        )

    async def settle(self) -> None:
        """Return when all that was told survives a crash.

        Raises:
            StoreFailed, Overloaded, StaleEpoch: see `Journal.flush`.
        """
        await self._journal.flush()

    def plans(self, order: Order, plans: Sequence[Plan]) -> None:
        """What was asked of whom, what they offered, and what was made of it."""
        for slice_id, plan in zip(order.slices, plans, strict=True):
            self.note(order, "route", "routed", *story.routed(plan.chains), slice_id=slice_id)
            taken = story.chain_taken(plan)
            if taken:
                told = story.divided(taken, plan.budgets)
                self.note(order, "split", "divided", *told, slice_id=slice_id)
                for hop in taken:
                    key = (hop.domain, hop.ingress, hop.egress)
                    told = story.offered(key, plan.menus[key])
                    self.note(
                        order, "offers", "offered", *told, slice_id=slice_id, domain=hop.domain
                    )
            for done in plan.rounds:
                told = story.countered(done)
                self.note(order, "negotiate", "countered", *told, slice_id=slice_id)
            match plan.result:
                case Agreement() as agreement:
                    event, told = "agreed", story.agreed(agreement)
                case Proposal() as proposal:
                    event, told = "proposed", story.proposed(proposal)
                case Refusal() as refusal:
                    event, told = "refused", story.refused(refusal)
            self.note(order, "negotiate", event, *told, slice_id=slice_id)
