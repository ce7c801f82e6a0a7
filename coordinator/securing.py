"""Steps 3 to 7 for one order: plan, agree, reserve; and again when others were faster.

Nothing is held before everybody has agreed, and nothing stays held where one of them fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from coordinator import naming
from coordinator.clock import Clock
from coordinator.consent import Consent
from coordinator.counterfactual import Alternative, alternative, best
from coordinator.distrust import BROKEN_WORD, Distrust
from coordinator.errors import Overtaken
from coordinator.journal import Journal
from coordinator.limits import ATTEMPTS_MAX, BACKOFF_S, BACKOFF_S_MAX, HOLD_TTL_S, ORDER_S_MAX
from coordinator.model import Agreement, Chain, Hop, ServiceProfile, SliceState
from coordinator.negotiate import keeps
from coordinator.planner import Planner, Task
from coordinator.records import (
    Order,
    OrderState,
    Part,
    Running,
    SliceRecord,
)
from coordinator.registry import Registry
from coordinator.resources import ResourceDatabase
from coordinator.saga import Leg, Reserver
from coordinator.scribe import Scribe
from domains.errors import (
    CapacityInsufficient,
    EntenteError,
    LabelInUse,
    OfferChanged,
    Unreachable,
    WrongState,
)
from domains.model import Attachment, Hold, HoldRequest

OVERTAKING = (CapacityInsufficient, OfferChanged, LabelInUse)
"""Refusals of a hold that mean "others were faster": worth another round of offers."""


class Securing:
    """Turns tasks into confirmed holds. One instance serves all orders."""

    def __init__(
        self,
        journal: Journal,
        registry: Registry,
        resources: ResourceDatabase,
        planner: Planner,
        reserver: Reserver,
        scribe: Scribe,
        consent: Consent,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._registry = registry
        self._resources = resources
        self._planner = planner
        self._reserver = reserver
        self._scribe = scribe
        self._consent = consent
        self._clock = clock

    async def secure(self, running: Running, tasks: list[Task]) -> Mapping[str, Hold] | None:
        """Plan, agree, reserve; again when others were faster. None for a mere quote.

        Where a domain's word did not hold the next attempt goes around it, if it can.
        """
        order, distrust = running.order, Distrust()
        deadline_s = self._clock.monotonic_s() + ORDER_S_MAX
        while True:
            order.state = OrderState.NEGOTIATING
            plans = await self._planner.plan(tasks, order.tenant)
            self._scribe.plans(order, plans)
            asked_s = self._clock.monotonic_s()
            agreements = await self._consent.agreements(running, plans)
            if agreements is None:
                # The tenant accepted after a while: the offers are stale, ask for them again.
                deadline_s += self._clock.monotonic_s() - asked_s
                tasks = [
                    replace(task, service=service)
                    for task, service in zip(tasks, order.services, strict=True)
                ]
                continue
            if order.validate_only:
                self._quote(order, agreements)
                return None
            try:
                return await self._reserve(running, tasks, agreements)
            except (*OVERTAKING, *BROKEN_WORD) as error:
                tasks = self._around(tasks, distrust, error)
                order.attempt += 1
                if order.attempt >= ATTEMPTS_MAX or self._clock.monotonic_s() > deadline_s:
                    raise Overtaken(
                        f"others took the capacity {order.attempt} times: {error.message}",
                        **{**error.metadata, "attempts": order.attempt},
                    ) from error
            pause_s = min(BACKOFF_S * 2**order.attempt, BACKOFF_S_MAX)
            await asyncio.sleep(pause_s * (0.5 + self._clock.jitter() / 2))

    def _around(self, tasks: list[Task], distrust: Distrust, error: EntenteError) -> list[Task]:
        """The tasks of the next attempt.

        Raises:
            EntenteError: the same again, where it breaks a word and nobody can take that place,
                or where it is no domain's: our own disk, or a limit of ours.
        """
        if not distrust.note(error) and isinstance(error, BROKEN_WORD):
            raise error
        without = distrust.without
        if without and all(self._planner.can_do_without(task, without) for task in tasks):
            return [replace(task, without=without) for task in tasks]
        if isinstance(error, BROKEN_WORD):
            raise error
        return tasks

    async def _reserve(
        self, running: Running, tasks: Sequence[Task], agreements: Sequence[Agreement]
    ) -> Mapping[str, Hold]:
        """Hold everywhere, decide, confirm everywhere; or nothing.

        Raises:
            EntenteError: the domain's reason; nothing is held.
        """
        order, legs = running.order, []
        for slice_id, task, agreement in zip(order.slices, tasks, agreements, strict=True):
            assert keeps(agreement.service, agreement), "a combination that breaks its profile"
            legs += self._legs(order, slice_id, task, agreement)
        order.state = OrderState.RESERVING
        order.parts = tuple(
            Part(leg.request.slice_id, leg.domain, leg.request.hold_id) for leg in legs
        )
        self._registry.put_order(running)
        return await self._reserver.reserve(order.order_id, legs)

    def _legs(self, order: Order, slice_id: str, task: Task, agreement: Agreement) -> list[Leg]:
        chain = naming.chain_of(agreement)
        labelled: dict[str, tuple[Attachment, ...]] = {}
        if task.pinned and task.holds:
            record = self._registry.slice_of(order.tenant, slice_id)
            labelled = {segment.domain: segment.attachments for segment in record.segments}
        legs = []
        for index, choice in enumerate(agreement.choices):
            domain = choice.hop.domain
            derived = naming.attachments(chain, index, slice_id, order.attempt)
            request = HoldRequest(
                hold_id=naming.hold_id(slice_id, order.order_id, order.attempt, domain),
                slice_id=slice_id,
                tenant=order.tenant,
                profile=choice.profile,
                offer=choice.offer,
                attachments=labelled.get(domain, derived),
                ttl_s=HOLD_TTL_S,
                epoch=self._journal.epoch,
                replaces=task.holds.get(domain) if task.holds else None,
            )
            legs.append(Leg(domain, request))
        return legs

    def chain_of(self, record: SliceRecord) -> Chain:
        """Where a slice runs, with what its domains advertise there now.

        Raises:
            WrongState: it is not active. Unreachable: a domain of it is silent.
        """
        if record.state is not SliceState.ACTIVATED:
            raise WrongState(f"the slice is {record.state}", slice=record.slice_id)
        hops = []
        for segment in record.segments:
            link = self._resources.link(segment.domain, segment.ingress, segment.egress)
            if link is None:
                raise Unreachable(
                    f"{segment.domain}, which carries a part of the slice, is silent",
                    domain=segment.domain,
                )
            hops.append(Hop(segment.domain, self._resources.kind(segment.domain), link))
        return tuple(hops)

    @staticmethod
    def _quote(order: Order, agreements: Sequence[Agreement]) -> None:
        order.quote = tuple(
            SliceRecord(
                slice_id=slice_id,
                tenant=order.tenant,
                state=SliceState.REQUESTED,
                requested=service,
                agreed=agreement.service,
                created_at_s=order.created_at_s,
                metrics=agreement.metrics,
            )
            for slice_id, service, agreement in zip(
                order.slices, order.services, agreements, strict=True
            )
        )

    async def alternative(self, record: SliceRecord, wanted: ServiceProfile) -> Alternative:
        """What `wanted` would take instead of the slice as it is; asks the domains, holds nothing.

        Raises:
            InvalidRequest, Refused, Unreachable: as for an order.
        """
        tasks = [Task(wanted)]
        if record.state is SliceState.ACTIVATED:
            held = {segment.domain: segment.hold_id for segment in record.segments}
            tasks.append(Task(wanted, self.chain_of(record), held))
        plans = [(await self._planner.plan([task], record.tenant))[0] for task in tasks]
        prices = {s.domain: s.metrics.price_micros for s in record.segments}
        now = sum(prices.values()) if prices else None
        return alternative(best(plans), now, prices)
