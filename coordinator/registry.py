"""Orders and slices in memory, each change kept as a snapshot in the journal."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from coordinator.journal import Journal
from coordinator.limits import ORDERS_REMEMBERED_MAX, SLICES_ENDED_REMEMBERED_MAX
from coordinator.model import SliceState
from coordinator.records import (
    Order,
    Running,
    SliceRecord,
    order_from_json,
    order_to_json,
    slice_from_json,
    slice_to_json,
)
from domains.errors import NotFound, WrongState


class Registry:
    """What exists, whose it is, and who is changing it. A tenant's view never holds another's."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._slices: dict[str, SliceRecord] = {}
        self._by_tenant: dict[str, dict[str, None]] = {}
        self._orders: dict[str, Running] = {}
        self._ended: deque[str] = deque()
        self._busy: dict[str, str] = {}
        self._in_progress: dict[str, int] = {}

    def load(self) -> list[Running]:
        """Everything from the journal; returns the orders that were not finished.

        Until somebody takes those up nobody else may change their slices.
        """
        slices = [slice_from_json(body) for _, body in self._journal.load("slice")]
        for record in sorted(slices, key=lambda r: (r.created_at_s, r.slice_id)):
            self._remember(record)
        unfinished = []
        orders = [order_from_json(body) for _, body in self._journal.load("order")]
        for order in sorted(orders, key=lambda o: (o.created_at_s, o.order_id)):
            running = self._orders[order.order_id] = Running(order)
            if not order.state.final:
                self._count(order, +1)
                for slice_id in order.slices:
                    self.occupy(slice_id, order.order_id)
                unfinished.append(running)
        return unfinished

    def _remember(self, record: SliceRecord) -> None:
        before = self._slices.get(record.slice_id)
        self._slices[record.slice_id] = record
        self._by_tenant.setdefault(record.tenant, {})[record.slice_id] = None
        ended = before is not None and before.state is SliceState.TERMINATED
        if record.state is SliceState.TERMINATED and not ended:
            self._ended.append(record.slice_id)
        if len(self._ended) > SLICES_ENDED_REMEMBERED_MAX:
            oldest = self._slices.pop(self._ended.popleft())
            del self._by_tenant[oldest.tenant][oldest.slice_id]
            self._journal.keep("slice", oldest.slice_id, None)

    def _count(self, order: Order, change: int) -> None:
        count = self._in_progress.get(order.tenant, 0) + change
        assert count >= 0, "more orders finished than were begun"
        self._in_progress[order.tenant] = count

    # -- slices ---------------------------------------------------------------------------

    def put_slice(self, record: SliceRecord) -> None:
        self._remember(record)
        self._journal.keep("slice", record.slice_id, slice_to_json(record))

    def slice_of(self, tenant: str, slice_id: str) -> SliceRecord:
        """The tenant's slice.

        Raises:
            NotFound: unknown, or another tenant's: the answer is the same.
        """
        record = self._slices.get(slice_id)
        if record is None or record.tenant != tenant:
            raise NotFound(f"no slice {slice_id!r} of yours", slice=slice_id)
        return record

    def find(self, slice_id: str) -> SliceRecord | None:
        """Any tenant's slice: for assurance, never for a reply."""
        return self._slices.get(slice_id)

    def slices_of_order(self, order: Order) -> list[SliceRecord]:
        """Those of the order's slices that are remembered, in its order."""
        return [self._slices[s] for s in order.slices if s in self._slices]

    def slices_of(self, tenant: str, show_terminated: bool) -> Iterable[SliceRecord]:
        """In order of creation."""
        for slice_id in self._by_tenant.get(tenant, ()):
            record = self._slices[slice_id]
            if show_terminated or record.state is not SliceState.TERMINATED:
                yield record

    def active(self) -> Iterable[SliceRecord]:
        """Every tenant's active slices: for assurance, never for a reply."""
        return (r for r in self._slices.values() if r.state is SliceState.ACTIVATED)

    def standing(self) -> Iterable[SliceRecord]:
        """Every tenant's slices that hold capacity, in use or not: for recovery."""
        return (r for r in self._slices.values() if r.state.standing)

    def known_holds(self) -> set[str]:
        """Every hold that a slice has or an order in progress reserves."""
        known = {segment.hold_id for record in self.standing() for segment in record.segments}
        for running in self._orders.values():
            if not running.order.state.final:
                known.update(part.hold_id for part in running.order.parts)
        return known

    # -- orders ---------------------------------------------------------------------------

    def begin(self, order: Order) -> Running:
        """Remember a new order; it counts as in progress until `put_order` sees it final."""
        self._forget_old()
        running = Running(order)
        self._orders[order.order_id] = running
        self._count(order, +1)
        self.keep_order(order)
        return running

    def keep_order(self, order: Order) -> None:
        """Write the order down as it is now; it is durable with the next flush."""
        self._journal.keep("order", order.order_id, order_to_json(order))

    def put_order(self, running: Running) -> None:
        """Keep the order as it is now and wake whoever waits for it."""
        order = running.order
        order.revision += 1
        if order.state.final:
            self._count(order, -1)
            for slice_id in [s for s, o in self._busy.items() if o == order.order_id]:
                del self._busy[slice_id]
        self.keep_order(order)
        running.notify()
        self._journal.announce(
            f"operations/{order.order_id}", *(f"slices/{s}" for s in order.slices)
        )

    def order(self, order_id: str) -> Running | None:
        return self._orders.get(order_id)

    def order_of(self, tenant: str, order_id: str) -> Running:
        """The tenant's order.

        Raises:
            NotFound: unknown, or another tenant's.
        """
        running = self._orders.get(order_id)
        if running is None or running.order.tenant != tenant:
            raise NotFound(f"no operation {order_id!r} of yours", operation=order_id)
        return running

    def in_progress(self, tenant: str | None = None) -> int:
        if tenant is not None:
            return self._in_progress.get(tenant, 0)
        return sum(self._in_progress.values())

    def occupy(self, slice_id: str, order_id: str) -> None:
        """One order at a time may change a slice.

        Raises:
            WrongState: another one is at it.
        """
        holder = self._busy.setdefault(slice_id, order_id)
        if holder != order_id:
            raise WrongState(
                "another operation is changing this slice",
                slice=slice_id,
                operation=holder,
            )

    def order_changing(self, slice_id: str) -> Running | None:
        holder = self._busy.get(slice_id)
        return self._orders.get(holder) if holder else None

    def _forget_old(self) -> None:
        if len(self._orders) < ORDERS_REMEMBERED_MAX:
            return
        for order_id, running in list(self._orders.items()):
            if running.order.state.final:
                del self._orders[order_id]
                self._journal.keep("order", order_id, None)
                if len(self._orders) < ORDERS_REMEMBERED_MAX:
                    return
