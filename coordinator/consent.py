"""The tenant's part of a negotiation: nothing is relaxed without its yes (guarantee G7)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from coordinator import naming, story
from coordinator.clock import Clock
from coordinator.errors import ProposalExpired, ProposalRejected, RelaxationNeeded
from coordinator.journal import Journal
from coordinator.limits import PROPOSAL_TTL_S
from coordinator.model import Agreement, Proposal, Refusal
from coordinator.negotiate import relaxed, worth_it
from coordinator.planner import Plan
from coordinator.records import OnRelaxation, Order, OrderState, Running
from coordinator.registry import Registry
from coordinator.scribe import Scribe
from coordinator.words import said_relaxation
from domains.errors import CapacityInsufficient

TRADED = "the tenant trades: what it gives up is worth less to it than what that leaves or saves"


class Consent:
    """Turns plans into agreements, asking the tenant wherever something must give."""

    def __init__(self, journal: Journal, registry: Registry, scribe: Scribe, clock: Clock) -> None:
        self._journal = journal
        self._registry = registry
        self._scribe = scribe
        self._clock = clock

    async def agreements(
        self, running: Running, plans: Sequence[Plan]
    ) -> Sequence[Agreement] | None:
        """An agreement per plan; None when the tenant has just accepted a relaxation.

        After a yes that took time the offers are stale: `order.services` holds what was accepted
        and has to be planned again. A quote shows what could be had and asks nobody.

        Raises:
            CapacityInsufficient: a service that no relaxation makes possible.
            RelaxationNeeded, ProposalRejected, ProposalExpired.
        """
        order = running.order
        results: list[Agreement | Proposal] = []
        for plan in plans:
            if isinstance(plan.result, Refusal):
                raise _refused(plan.result)
            results.append(plan.result)
        order.proposals = tuple(r if isinstance(r, Proposal) else None for r in results)
        offered = [r.agreement if isinstance(r, Proposal) else r for r in results]
        if not any(order.proposals) or order.validate_only:
            return offered
        text, metadata = shortfall(order)
        match order.on_relaxation:
            case OnRelaxation.REJECT:
                raise RelaxationNeeded(text, **metadata)
            case OnRelaxation.TRADE if not _worth_it(order):
                raise RelaxationNeeded(text, **metadata)
            case OnRelaxation.ASK:
                if not await self._answer(running):
                    raise ProposalRejected(f"the tenant declined: {text}", **metadata)
        order.services = tuple(
            relaxed(service, proposal) if proposal else service
            for service, proposal in zip(order.services, order.proposals, strict=True)
        )
        self._scribe.note(order, "negotiate", "accepted", "the tenant accepts the relaxation")
        if order.on_relaxation is OnRelaxation.TRADE:
            for slice_id, proposal in zip(order.slices, order.proposals, strict=True):
                if proposal:
                    self._scribe.note(order, "negotiate", "traded", TRADED, slice_id=slice_id)
        if order.on_relaxation is OnRelaxation.ASK:
            return None
        return [
            replace(agreement, service=service)
            for agreement, service in zip(offered, order.services, strict=True)
        ]

    async def _answer(self, running: Running) -> bool:
        """Wait for the tenant's yes or no; the proposal is durable before it is shown.

        Raises:
            ProposalExpired.
        """
        order = running.order
        order.state = OrderState.PROPOSED
        order.proposal_id = naming.proposal_id(order.order_id, order.attempt, order.revision)
        order.proposal_expires_at_s = self._clock.now_s() + PROPOSAL_TTL_S
        running.answer = asyncio.get_running_loop().create_future()
        self._scribe.note(order, "negotiate", "asked", "the tenant is asked for its yes")
        self._registry.put_order(running)
        await self._journal.flush()
        try:
            async with asyncio.timeout(PROPOSAL_TTL_S):
                return await running.answer
        except TimeoutError:
            raise ProposalExpired(
                f"no answer to the proposal within {PROPOSAL_TTL_S:g} s",
                operation=order.order_id,
            ) from None
        finally:
            running.answer = None
            order.proposal_id = ""


def _worth_it(order: Order) -> bool:
    """Whether every relaxation is one that a tenant that trades says yes to in advance."""
    pairs = zip(order.services, order.proposals, strict=True)
    return all(worth_it(service, proposal) for service, proposal in pairs if proposal)


def shortfall(order: Order) -> tuple[str, dict[str, Any]]:
    """The first relaxation that is needed, in words and as metadata."""
    first = next(p for p in order.proposals if p).relaxations[0]
    return (
        f"{first.service} can only be had with {said_relaxation(first.relaxation)} "
        f"({first.domain} binds)",
        {
            "service": first.service,
            "domain": first.domain,
            **story.relaxation_detail(first.relaxation),
        },
    )


def _refused(refusal: Refusal) -> CapacityInsufficient:
    return CapacityInsufficient(
        refusal.text,
        service=refusal.service,
        domain=refusal.domain,
        attribute=refusal.attribute.value,
        requested=refusal.requested,
        achievable=refusal.achievable,
        unit=refusal.unit,
    )
