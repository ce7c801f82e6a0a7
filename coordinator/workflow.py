"""Drives one order from its words to active slices: the nine steps, in order.

Everything that can fail does so before the decision is durable, and then nothing is held; after
it, everything is confirmed or the saga of `reserve` takes it all back.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from coordinator import lessons, naming, story
from coordinator.activation import activate
from coordinator.clock import Clock
from coordinator.errors import NeedsClarification, NotASliceRequest, OrderCancelled
from coordinator.intent.readers import Readers
from coordinator.lessons import Lessons
from coordinator.lifecycle import Lifecycle
from coordinator.model import Action, SliceState
from coordinator.planner import Task
from coordinator.profile import overlaid, service_profiles
from coordinator.records import (
    Failure,
    OnRelaxation,
    Order,
    OrderKind,
    OrderState,
    Running,
    SliceRecord,
)
from coordinator.registry import Registry
from coordinator.reinterpret import applied, reinterpret
from coordinator.resources import ResourceDatabase
from coordinator.saga import Reserver
from coordinator.scribe import Scribe
from coordinator.securing import Securing
from domains.errors import (
    EntenteError,
)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Workflow:
    """The steps of an order. One instance serves all orders; each runs in a task of its own."""

    registry: Registry
    resources: ResourceDatabase
    securing: Securing
    reserver: Reserver
    readers: Readers
    lessons: Lessons
    scribe: Scribe
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
                case OrderKind.ACTIVATE | OrderKind.DEACTIVATE:
                    await self._switch(running)
        except asyncio.CancelledError:
            if not running.cancelled:
                raise  # the coordinator stops: the journal has the order, recovery takes it up
            self.cancelled(running)
        except EntenteError as error:
            self._fail(running, error)
        except Exception:
            log.exception("order %s failed unexpectedly", order.order_id)
            self._fail(
                running, EntenteError("an internal error; the log has it", operation=order.order_id)
            )

    # -- the kinds of order ---------------------------------------------------------------

    async def _create(self, running: Running) -> None:
        order = running.order
        if not order.services:
            await self._understand(running)
            self._begin_slices(order)
            if order.intent:  # words might be read otherwise after a restart
                self.registry.keep_order(order)
        trades = order.on_relaxation is OnRelaxation.TRADE
        tasks = [Task(service, trades=trades) for service in order.services]
        if holds := await self.securing.secure(running, tasks):
            activate(self.registry, self.scribe, order, holds)
        self.done(running)

    async def _update(self, running: Running) -> None:
        order, record = running.order, self._slice_of(running.order)
        if order.intent and not order.services:
            await self._reconsider(running, record)
        held = {segment.domain: segment.hold_id for segment in record.segments}
        # In other words the slice may become another one: then it may move as well.
        chain = None if order.intent else self.securing.chain_of(record)
        trades = order.on_relaxation is OnRelaxation.TRADE
        task = Task(order.services[0], chain, held, trades=trades)
        if holds := await self.securing.secure(running, [task]):
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

    async def _switch(self, running: Running) -> None:
        """Let the functions of a slice run, or stand still: once begun it is not to be stopped."""
        order, record = running.order, self._slice_of(running.order)
        order.state = OrderState.RESERVING
        if order.kind is OrderKind.ACTIVATE:
            await self.lifecycle.activate(order, record)
        else:
            await self.lifecycle.deactivate(order, record)
        self.done(running)

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
        chain = None if order.avoid or order.moves else self.securing.chain_of(record)
        task = Task(order.services[0], chain, held, frozenset(order.avoid))
        try:
            holds = await self.securing.secure(running, [task])
        except EntenteError as error:
            if order.services[0].price_micros_max != record.agreed.price_micros_max:
                text = f"{order.event} saves nothing now, so all stays as it is: {error.message}"
                self.scribe.note(order, "assure", "kept", text, slice_id=record.slice_id)
                raise
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
                    order.requested = overlaid(described, order.typed) if order.typed else described
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

    # -- endings --------------------------------------------------------------------------

    def done(self, running: Running) -> None:
        """The order is final, and memory hears of it."""
        running.order.state = OrderState.DONE
        self.registry.put_order(running)
        self.lessons.add(lessons.ended(running.order))

    def cancelled(self, running: Running) -> None:
        """The tenant wanted no more of it, and nothing is held for it."""
        self._fail(running, OrderCancelled("cancelled by the tenant"))

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
