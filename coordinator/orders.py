"""What a tenant can ask for: every method takes the tenant, and sees that tenant's world only."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from coordinator import naming
from coordinator.clock import Clock
from coordinator.counterfactual import Alternative
from coordinator.intent.memory import tidy
from coordinator.intent.privacy import mask
from coordinator.journal import Journal
from coordinator.limits import (
    DRAIN_S_MAX,
    INTENT_BYTES_MAX,
    ORDERS_IN_PROGRESS_MAX,
    SERVICES_MAX,
    TENANT_ORDERS_IN_PROGRESS_MAX,
)
from coordinator.model import MenuKey, ServiceProfile, SliceState, Typed
from coordinator.records import OnRelaxation, Order, OrderKind, OrderState, Running, SliceRecord
from coordinator.registry import Registry
from coordinator.views import Views
from coordinator.workflow import Workflow
from domains.errors import (
    InvalidRequest,
    Overloaded,
    RequestIdReused,
    WrongState,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, under which id; `digest` tells a repetition from another body."""

    tenant: str
    request_id: str
    digest: str


class Orders:
    """The coordinator's public face, free of gRPC."""

    def __init__(
        self, registry: Registry, journal: Journal, workflow: Workflow, clock: Clock
    ) -> None:
        self._registry = registry
        self._journal = journal
        self._workflow = workflow
        self._clock = clock
        self.views = Views(registry, journal)
        self._tasks: set[asyncio.Task[None]] = set()

    # -- mutations ------------------------------------------------------------------------

    def create(
        self,
        request: Request,
        intent: str,
        services: Sequence[ServiceProfile],
        on_relaxation: OnRelaxation,
        validate_only: bool = False,
        typed: Sequence[Typed] = (),
        words: Sequence[str] = (),
    ) -> Running:
        """Ask for slices. Repeating a request id returns the order as it is now.

        With both words and services, `typed` is what goes on top of what the words say.
        `words` are what was said of each service, for memory only.
        Personal data in all words is masked before anything is kept, read or sent on.

        Raises:
            InvalidRequest: no intent and no service, or too much of either.
            RequestIdReused, Overloaded.
        """
        if known := self._repeated(request):
            return known
        size = len(intent.encode("utf-8", "surrogatepass"))
        if size > INTENT_BYTES_MAX:
            raise InvalidRequest(
                f"the intent has {size:,} bytes, the limit is {INTENT_BYTES_MAX:,}",
                field="intent",
                requested=size,
                achievable=INTENT_BYTES_MAX,
                unit="bytes",
            )
        if not intent.strip() and not services:
            raise InvalidRequest("say what you need: an intent or a service", field="intent")
        if len(services) > SERVICES_MAX:
            raise InvalidRequest(
                f"{len(services)} services in one order, the limit is {SERVICES_MAX}",
                field="services",
                requested=len(services),
                achievable=SERVICES_MAX,
            )
        if words and (len(words) != len(services) or typed):
            raise InvalidRequest(
                "words go with services that nothing else describes, one each", field="words"
            )
        return self._begin(
            request,
            OrderKind.CREATE,
            typed=tuple(typed),
            words=tuple(tidy(said) for said in words),
            intent=mask(intent),
            requested=() if typed else tuple(services),
            on_relaxation=on_relaxation,
            validate_only=validate_only,
        )

    def change(
        self, request: Request, slice_id: str, words: str, on_relaxation: OnRelaxation
    ) -> Running:
        """Change an active slice as its tenant says in words; it may move for it.

        Raises:
            InvalidRequest; NotFound, WrongState (not active, or busy), RequestIdReused, Overloaded.
        """
        if known := self._repeated(request):
            return known
        size = len(words.encode("utf-8", "surrogatepass"))
        if not words.strip() or size > INTENT_BYTES_MAX:
            raise InvalidRequest(
                f"say what shall be different, in at most {INTENT_BYTES_MAX:,} bytes",
                field="intent",
                requested=size,
                achievable=INTENT_BYTES_MAX,
                unit="bytes",
            )
        record = self._registry.slice_of(request.tenant, slice_id)
        if record.state is not SliceState.ACTIVATED:
            raise WrongState(
                f"only an active slice can be changed, this one is {record.state}",
                slice=slice_id,
                state=record.state.value,
            )
        return self._begin(
            request,
            OrderKind.UPDATE,
            intent=mask(words),
            slices=(slice_id,),
            on_relaxation=on_relaxation,
        )

    def update(
        self,
        request: Request,
        slice_id: str,
        changes: dict[str, object],
        on_relaxation: OnRelaxation,
    ) -> Running:
        """Change fields of an active slice in place: all of its segments, or none.

        Raises:
            NotFound, WrongState (not active, or busy), RequestIdReused, Overloaded.
        """
        if known := self._repeated(request):
            return known
        record = self._registry.slice_of(request.tenant, slice_id)
        if record.state is not SliceState.ACTIVATED:
            raise WrongState(
                f"only an active slice can be changed, this one is {record.state}",
                slice=slice_id,
                state=record.state.value,
            )
        if not changes:
            raise InvalidRequest("name at least one field to change", field="update_mask")
        wanted: ServiceProfile = replace(record.agreed, **changes)  # type: ignore[arg-type]
        return self._begin(
            request,
            OrderKind.UPDATE,
            requested=(wanted,),
            services=(wanted,),
            slices=(slice_id,),
            on_relaxation=on_relaxation,
        )

    async def alternative(
        self, tenant: str, slice_id: str, changes: dict[str, object]
    ) -> Alternative:
        """Why not otherwise: what the slice would take with these values.

        Raises:
            NotFound, InvalidRequest, Refused, Unreachable.
        """
        record = self._registry.slice_of(tenant, slice_id)
        if not changes:
            raise InvalidRequest("name at least one field to change", field="update_mask")
        active = record.state is SliceState.ACTIVATED
        profile = record.agreed if active else record.requested
        return await self._workflow.securing.alternative(
            record,
            replace(profile, **changes),  # type: ignore[arg-type]
        )

    def terminate(
        self, request: Request, slice_id: str, reason: str, drain_s: float = 0.0
    ) -> Running:
        """End a slice: drained, decided durably, then released everywhere.

        Args:
            drain_s: how long what is under way may take to finish, up to `DRAIN_S_MAX`; until it
                is over the order can be cancelled.

        Raises:
            NotFound, WrongState (ended already, or busy), RequestIdReused, Overloaded.
        """
        if known := self._repeated(request):
            return known
        record = self._registry.slice_of(request.tenant, slice_id)
        if not record.state.standing:
            raise WrongState(
                f"only an active slice can be terminated, this one is {record.state}",
                slice=slice_id,
                state=record.state.value,
                reason=record.reason,
            )
        return self._begin(
            request,
            OrderKind.TERMINATE,
            slices=(slice_id,),
            reason=mask(reason),
            drain_s=min(drain_s, DRAIN_S_MAX),
        )

    def set_active(self, request: Request, slice_id: str, active: bool, reason: str) -> Running:
        """Stop the functions of a slice and keep its capacity, or let them run again.

        Raises:
            NotFound, WrongState (ended, or busy), RequestIdReused, Overloaded.
        """
        if known := self._repeated(request):
            return known
        record = self._registry.slice_of(request.tenant, slice_id)
        if not record.state.standing:
            raise WrongState(
                f"this slice is {record.state}", slice=slice_id, state=record.state.value
            )
        kind = OrderKind.ACTIVATE if active else OrderKind.DEACTIVATE
        return self._begin(request, kind, slices=(slice_id,), reason=mask(reason))

    def assure(
        self,
        record: SliceRecord,
        service: ServiceProfile,
        avoid: tuple[MenuKey, ...],
        event: str,
        why: str,
        moves: bool = False,
    ) -> Running:
        """An order of the coordinator's own: carry a slice as `service` says, around `avoid`.

        It stays on its way unless there is something to avoid, or it `moves`. What is agreed stays
        as it is; a relaxation is never taken.

        Raises:
            WrongState: it is not active any more, or another operation is changing it. Overloaded.
        """
        now = self._registry.slice_of(record.tenant, record.slice_id)
        if now.state is not SliceState.ACTIVATED:
            raise WrongState(f"the slice is {now.state}", slice=now.slice_id)
        at_s = self._clock.now_s()
        request_id = naming.assurance_id(record.slice_id, record.revision, at_s)
        return self._begin(
            Request(record.tenant, request_id, ""),
            OrderKind.ASSURE,
            requested=(service,),
            services=(service,),
            slices=(record.slice_id,),
            on_relaxation=OnRelaxation.REJECT,
            avoid=avoid,
            event=event,
            reason=why,
            moves=moves,
        )

    def answer(self, tenant: str, order_id: str, proposal_id: str, accepted: bool) -> Running:
        """The tenant's yes or no to a proposal.

        Raises:
            NotFound; WrongState: nothing is proposed, or another proposal than this one.
        """
        running = self._registry.order_of(tenant, order_id)
        order, answer = running.order, running.answer
        if order.state is not OrderState.PROPOSED or answer is None or answer.done():
            raise WrongState(
                f"the operation is {order.state}, it waits for no answer", operation=order_id
            )
        if proposal_id != order.proposal_id:
            raise WrongState(
                "this proposal has been replaced by another one",
                operation=order_id,
                proposal=order.proposal_id,
            )
        answer.set_result(accepted)
        return running

    def cancel(self, tenant: str, order_id: str) -> Running:
        """Stop an order that is not reserving yet; nothing is held for it then.

        Raises:
            NotFound; WrongState: it is past that.
        """
        running = self._registry.order_of(tenant, order_id)
        order = running.order
        if order.state.final or order.state is OrderState.RESERVING or running.task is None:
            raise WrongState(
                f"the operation is {order.state} and cannot be cancelled; "
                "an active slice can be terminated",
                operation=order_id,
            )
        running.cancelled = True
        running.task.cancel()
        return running

    # -- begin ----------------------------------------------------------------------------

    def _repeated(self, request: Request) -> Running | None:
        order_id = naming.order_id(request.tenant, request.request_id)
        running = self._registry.order(order_id)
        if running is None:
            return None
        if running.order.digest != request.digest:
            raise RequestIdReused(
                "this request_id was used for another request",
                request_id=request.request_id,
                operation=order_id,
            )
        return running

    def _begin(self, request: Request, kind: OrderKind, **fields: object) -> Running:
        self._journal.admit()
        for count, limit, name in (
            (self._registry.in_progress(), ORDERS_IN_PROGRESS_MAX, "ORDERS_IN_PROGRESS_MAX"),
            (
                self._registry.in_progress(request.tenant),
                TENANT_ORDERS_IN_PROGRESS_MAX,
                "TENANT_ORDERS_IN_PROGRESS_MAX",
            ),
        ):
            if count >= limit:
                raise Overloaded(
                    f"{count} operations are in progress; try again later", limit=name, value=limit
                )
        order = Order(
            order_id=naming.order_id(request.tenant, request.request_id),
            tenant=request.tenant,
            kind=kind,
            created_at_s=self._clock.now_s(),
            request_id=request.request_id,
            digest=request.digest,
            **fields,  # type: ignore[arg-type]
        )
        for slice_id in order.slices:
            self._registry.occupy(slice_id, order.order_id)
        running = self._registry.begin(order)
        self._work_on(running)
        return running

    def take_up(self, running: Running) -> None:
        """Go on with an order of an earlier incarnation; its slices are its own since `load`."""
        self._work_on(running)

    def _work_on(self, running: Running) -> None:
        running.task = asyncio.ensure_future(self._workflow.run(running))
        self._tasks.add(running.task)
        running.task.add_done_callback(partial(self._left, running))

    def _left(self, running: Running, task: asyncio.Task[None]) -> None:
        """A task that is cancelled before its first step never ran, so it could not say so."""
        self._tasks.discard(task)
        if running.cancelled and not running.order.state.final:
            self._workflow.cancelled(running)

    async def stop(self) -> None:
        """Stop working; the journal has every order for the next incarnation."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.views.stop()
