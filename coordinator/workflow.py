"""Drives one order from its words to active slices: the nine steps, in order.

Everything that can fail does so before the decision is durable, and then nothing is held; after
it, everything is confirmed or the saga of `reserve` takes it all back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coordinator import lessons, naming, story
from coordinator.activation import activate
from coordinator.clock import Clock
from coordinator.consent import Consent
from coordinator.counterfactual import Alternative, alternative, best
from coordinator.distrust import BROKEN_WORD, Distrust
from coordinator.errors import NeedsClarification, NotASliceRequest, OrderCancelled, Overtaken
from coordinator.intent.readers import Readers
from coordinator.journal import Journal
from coordinator.lessons import Lessons
from coordinator.lifecycle import Lifecycle
from coordinator.limits import ATTEMPTS_MAX, BACKOFF_S, BACKOFF_S_MAX, HOLD_TTL_S, ORDER_S_MAX
from coordinator.model import Action, Agreement, Chain, Hop, ServiceProfile, SliceState
from coordinator.negotiate import keeps
from coordinator.planner import Planner, Task
from coordinator.profile import service_profiles
from coordinator.records import (
    Failure,
    Order,
    OrderKind,
    OrderState,
    Part,
    Running,
    SliceRecord,
)
from coordinator.registry import Registry
from coordinator.reinterpret import applied, reinterpret
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

log = logging.getLogger(__name__)

OVERTAKING = (CapacityInsufficient, OfferChanged, LabelInUse)
"""Refusals of a hold that mean "others were faster": worth another round of offers."""


@dataclass(slots=True)
class Workflow:
    """The steps of an order. One instance serves all orders; each runs in a task of its own."""

    journal: Journal
    registry: Registry
    resources: ResourceDatabase
    planner: Planner
    reserver: Reserver
    readers: Readers
    lessons: Lessons
    scribe: Scribe
    consent: Consent
    lifecycle: Lifecycle
    clock: Clock
    default_area: str

    async def run(self, running: Running) -> None:
        """Work on an order until it is done or failed; never raises but for cancellation."""
        order = running.order
        try:
            match order.kind:
                case OrderKind.CREATE:
                    await self._create(running)
                case OrderKind.UPDATE:
                    await self._update(running)
                case OrderKind.TERMINATE:
                    await self._terminate(running)
                case OrderKind.ASSURE:
                    await self._assure(running)
                case OrderKind.ACTIVATE:
                    await self.lifecycle.activate(order, self._slice_of(order))
                    self.done(running)
                case OrderKind.DEACTIVATE:
                    await self.lifecycle.deactivate(order, self._slice_of(order))
                    self.done(running)
        except asyncio.CancelledError:
            if not running.cancelled:
                raise  # the coordinator stops: the journal has the order, recovery takes it up
            self._fail(running, OrderCancelled("cancelled by the tenant"))
        except EntenteError as error:
            self._fail(running, error)
        except Exception:
            log.exception("order %s failed unexpectedly", order.order_id)
            self._fail(
                running, EntenteError("an internal error; the log has it", operation=order.order_id)
            )

    # -- the three kinds of order ---------------------------------------------------------

    async def _create(self, running: Running) -> None:
        order = running.order
        if not order.services:
            await self._understand(running)
            self._begin_slices(order)
        tasks = [Task(service) for service in order.services]
        if holds := await self._secure(running, tasks):
            activate(self.registry, self.scribe, order, holds)
        self.done(running)

    async def _update(self, running: Running) -> None:
        order, record = running.order, self._slice_of(running.order)
        if order.intent and not order.services:
            await self._reconsider(running, record)
        held = {segment.domain: segment.hold_id for segment in record.segments}
        # In other words the slice may become another one: then it may move as well.
        chain = None if order.intent else self._chain_of(record)
        if holds := await self._secure(running, [Task(order.services[0], chain, held)]):
            activate(self.registry, self.scribe, order, holds)
            await self._left_behind(order, record)
        self.done(running)

    async def _reconsider(self, running: Running, record: SliceRecord) -> None:
        """What the tenant wants to be different, from its words."""
        order = running.order
        read = await self.readers.read(order.tenant, order.intent, self.resources.areas())
        changed = reinterpret(order.intent, record.agreed, read)
        told = story.reconsidered(changed, read.engine)
        self.scribe.note(order, "interpret", "reconsidered", *told, slice_id=record.slice_id)
        if changed.questions:
            order.questions = changed.questions
            raise NeedsClarification(changed.questions[0], questions=" | ".join(changed.questions))
        order.requested = order.services = (applied(record.agreed, changed),)

    async def _left_behind(self, order: Order, before: SliceRecord) -> None:
        """Give back what a slice that has moved left in domains that it no longer uses."""
        kept = {segment.domain for segment in self._slice_of(order).segments}
        left = [(s.domain, s.hold_id) for s in before.segments if s.domain not in kept]
        await self.reserver.terminate(order.order_id, before.slice_id, left, "moved")

    async def _terminate(self, running: Running) -> None:
        order = running.order
        await self._drained(order)
        record = self._slice_of(order)
        segments = [(segment.domain, segment.hold_id) for segment in record.segments]
        order.state = OrderState.RESERVING
        await self.reserver.terminate(order.order_id, record.slice_id, segments, order.reason)
        self.terminated(running)

    async def _drained(self, order: Order) -> None:
        """Let finish what is under way; after a restart only what is left of that time."""
        left_s = order.created_at_s + order.drain_s - self.clock.now_s()
        if order.drain_s and left_s > 0:
            text = f"ends in {left_s:.0f} s: what is under way may finish"
            self.scribe.note(order, "assure", "draining", text, slice_id=order.slices[0])
            await asyncio.sleep(min(left_s, order.drain_s))

    async def _assure(self, running: Running) -> None:
        """What assurance wants of a slice, told with its reason; and told if it cannot be had."""
        order, record = running.order, self._slice_of(running.order)
        held = {segment.domain: segment.hold_id for segment in record.segments}
        chain = None if order.avoid else self._chain_of(record)
        task = Task(order.services[0], chain, held, frozenset(order.avoid))
        try:
            holds = await self._secure(running, [task])
        except EntenteError as error:
            text = f"{order.event} is not possible ({order.reason}): {error.message}"
            told = story.remedy(error, record.slice_id)
            self.scribe.note(order, "assure", "cannot", f"{text}; {told}", {"remedy": told},
                             record.slice_id)  # fmt: skip
            raise
        assert holds is not None, "assurance asks for no quotes"
        activate(self.registry, self.scribe, order, holds)
        self.scribe.note(order, "assure", order.event, order.reason, slice_id=record.slice_id)
        await self._left_behind(order, record)
        self.done(running)

    def _slice_of(self, order: Order) -> SliceRecord:
        return self.registry.slice_of(order.tenant, order.slices[0])

    def terminated(self, running: Running) -> None:
        """Everything is released, or will be: the slice is a tombstone with its reason."""
        order = running.order
        record = self.registry.slice_of(order.tenant, order.slices[0])
        self._end_slice(record, order.reason or "terminated by the tenant")
        self.scribe.note(
            order, "assure", "terminated", f"{record.agreed.name} ended", slice_id=record.slice_id
        )
        self.done(running)

    async def alternative(self, record: SliceRecord, wanted: ServiceProfile) -> Alternative:
        """What `wanted` would take instead of the slice as it is; asks the domains, holds nothing.

        Raises:
            InvalidRequest, Refused, Unreachable: as for an order.
        """
        tasks = [Task(wanted)]
        if record.state is SliceState.ACTIVATED:
            held = {segment.domain: segment.hold_id for segment in record.segments}
            tasks.append(Task(wanted, self._chain_of(record), held))
        plans = [(await self.planner.plan([task], record.tenant))[0] for task in tasks]
        prices = {s.domain: s.metrics.price_micros for s in record.segments}
        now = sum(prices.values()) if prices else None
        return alternative(best(plans), now, prices)

    # -- steps 1 and 2 --------------------------------------------------------------------

    async def _understand(self, running: Running) -> None:
        """Words to service profiles; what the tenant gave in typed fields stands as it is."""
        order = running.order
        if not order.requested:
            areas = self.resources.areas()
            found = await self.readers.read(order.tenant, order.intent, areas)
            self.scribe.note(order, "interpret", "understood", *story.understood(found))
            match found.action:
                case Action.REJECT:
                    raise NotASliceRequest(found.explanation or "this asks for no slice")
                case Action.CLARIFY:
                    order.questions = found.questions
                    raise NeedsClarification(
                        found.explanation or "this can be read in more than one way",
                        questions=" | ".join(found.questions),
                    )
                case Action.CREATE:
                    described = service_profiles(found, self.default_area)
                    order.requested = running.overlay(described) if running.overlay else described
                    order.words = tuple(service.words for service in found.services)
                case _:
                    raise NotASliceRequest(
                        f"to {found.action} a slice, name it: its id is in the list of slices",
                        action=found.action.value,
                    )
        order.services = order.requested
        self.lessons.add(lessons.begun(order))

    def _begin_slices(self, order: Order) -> None:
        order.slices = tuple(
            naming.slice_id(order.order_id, index) for index in range(len(order.services))
        )
        said = order.words or ("",) * len(order.services)
        for slice_id, service, words in zip(order.slices, order.services, said, strict=True):
            self.scribe.note(
                order, "profile", "profiled", *story.profiled(service), slice_id=slice_id
            )
            if not order.validate_only:
                self.registry.put_slice(
                    SliceRecord(
                        slice_id=slice_id,
                        tenant=order.tenant,
                        state=SliceState.REQUESTED,
                        requested=service,
                        agreed=service,
                        created_at_s=order.created_at_s,
                        words=words,
                    )
                )

    # -- steps 3 to 7 ---------------------------------------------------------------------

    async def _secure(self, running: Running, tasks: list[Task]) -> Mapping[str, Hold] | None:
        """Plan, agree, reserve; again when others were faster. None for a mere quote.

        Where a domain's word did not hold the next attempt goes around it, if it can.
        """
        order, distrust = running.order, Distrust()
        deadline_s = self.clock.monotonic_s() + ORDER_S_MAX
        while True:
            order.state = OrderState.NEGOTIATING
            plans = await self.planner.plan(tasks, order.tenant)
            self.scribe.plans(order, plans)
            asked_s = self.clock.monotonic_s()
            agreements = await self.consent.agreements(running, plans)
            if agreements is None:
                # The tenant accepted after a while: the offers are stale, ask for them again.
                deadline_s += self.clock.monotonic_s() - asked_s
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
                if order.attempt >= ATTEMPTS_MAX or self.clock.monotonic_s() > deadline_s:
                    raise Overtaken(
                        f"others took the capacity {order.attempt} times: {error.message}",
                        **{**error.metadata, "attempts": order.attempt},
                    ) from error
            pause_s = min(BACKOFF_S * 2**order.attempt, BACKOFF_S_MAX)
            await asyncio.sleep(pause_s * (0.5 + self.clock.jitter() / 2))

    def _around(self, tasks: list[Task], distrust: Distrust, error: EntenteError) -> list[Task]:
        """The tasks of the next attempt.

        Raises:
            EntenteError: the same again, where it breaks a word and nobody can take that place.
        """
        distrust.note(error)
        without = distrust.without
        if without and all(self.planner.can_do_without(task, without) for task in tasks):
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
        self.registry.put_order(running)
        return await self.reserver.reserve(order.order_id, legs)

    def _legs(self, order: Order, slice_id: str, task: Task, agreement: Agreement) -> list[Leg]:
        chain = naming.chain_of(agreement)
        labelled: dict[str, tuple[Attachment, ...]] = {}
        if task.pinned and task.holds:
            record = self.registry.slice_of(order.tenant, slice_id)
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
                epoch=self.journal.epoch,
                replaces=task.holds.get(domain) if task.holds else None,
            )
            legs.append(Leg(domain, request))
        return legs

    # -- where a slice runs ----------------------------------------------------------------

    def _chain_of(self, record: SliceRecord) -> Chain:
        """Where a slice runs, with what its domains advertise there now.

        Raises:
            WrongState: it is not active. Unreachable: a domain of it is silent.
        """
        if record.state is not SliceState.ACTIVATED:
            raise WrongState(f"the slice is {record.state}", slice=record.slice_id)
        hops = []
        for segment in record.segments:
            link = self.resources.link(segment.domain, segment.ingress, segment.egress)
            if link is None:
                raise Unreachable(
                    f"{segment.domain}, which carries a part of the slice, is silent",
                    domain=segment.domain,
                )
            hops.append(Hop(segment.domain, self.resources.kind(segment.domain), link))
        return tuple(hops)

    # -- endings --------------------------------------------------------------------------

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

    def done(self, running: Running) -> None:
        """The order is final, and memory hears of it."""
        running.order.state = OrderState.DONE
        self.registry.put_order(running)
        self.lessons.add(lessons.ended(running.order))

    def _fail(self, running: Running, error: EntenteError) -> None:
        order = running.order
        order.state = OrderState.FAILED
        order.failure = Failure.of(error)
        detail = {"reason": error.reason, **error.metadata}
        self.scribe.note(order, "negotiate", "failed", error.message, detail)
        if order.kind is OrderKind.CREATE and not order.validate_only:
            for slice_id in order.slices:
                self._end_slice(self.registry.slice_of(order.tenant, slice_id), error.reason)
        self.registry.put_order(running)
        self.lessons.add(lessons.ended(order))

    def _end_slice(self, record: SliceRecord, reason: str) -> None:
        self.registry.put_slice(
            replace(
                record,
                state=SliceState.TERMINATED,
                reason=reason,
                segments=(),
                revision=record.revision + 1,
            )
        )
