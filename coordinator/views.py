"""The reading side of orders: nothing here changes one."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from coordinator.chain import Entry
from coordinator.journal import Journal
from coordinator.limits import (
    RECORD_BYTES_MAX,
    RECORD_EVENTS_MAX,
    TENANT_WATCHERS_MAX,
    WAIT_S_MAX,
    WATCHERS_MAX,
)
from coordinator.records import Order, OrderState, Running, SliceRecord
from coordinator.registry import Registry
from domains.errors import (
    InvalidRequest,
    Overloaded,
)

log = logging.getLogger(__name__)


class Views:
    """What a tenant may see: its own orders, slices and records; and waiting for them to change."""

    def __init__(self, registry: Registry, journal: Journal) -> None:
        self._registry = registry
        self._journal = journal
        self._watchers: Counter[str] = Counter()
        self._writing: set[asyncio.Task[None]] = set()

    def order(self, tenant: str, order_id: str) -> Running:
        return self._registry.order_of(tenant, order_id)

    def slice(self, tenant: str, slice_id: str) -> SliceRecord:
        return self._registry.slice_of(tenant, slice_id)

    def slices(self, tenant: str, show_terminated: bool) -> list[SliceRecord]:
        return list(self._registry.slices_of(tenant, show_terminated))

    async def settled(self, running: Running, wait_s: float, after_revision: int = 0) -> None:
        """Return when the order is final or proposed, and newer than what the caller has seen."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + min(max(wait_s, 0.0), WAIT_S_MAX)
        while not _settled(running.order, after_revision):
            left_s = deadline_s - loop.time()
            if left_s <= 0:
                break
            try:
                async with asyncio.timeout(left_s):
                    await running.changed.wait()
            except TimeoutError:
                break
        if running.decided:
            # The decision is durable and leads to this very answer: the rest may land behind it.
            self._keep(self._journal.flush())
        else:
            await self._journal.flush()

    def _keep(self, writing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(writing)
        self._writing.add(task)
        task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("the journal waits for its disk: %s", error)

    def record(self, tenant: str, name: str, after: int = 0) -> Sequence[Entry]:
        """The decision record of `operations/{id}` or `slices/{id}`, in order, what is later.

        Raises:
            NotFound, InvalidRequest.
        """
        collection, _, key = name.partition("/")
        match collection:
            case "operations":
                self._registry.order_of(tenant, key)
                return self._journal.entries(order_id=key, after=after)
            case "slices":
                self._registry.slice_of(tenant, key)
                return self._journal.entries(slice_id=key, after=after)
        raise InvalidRequest(
            "a name is operations/{id} or slices/{id}", field="name", requested=name
        )

    def decision_record(self, tenant: str, name: str) -> tuple[Sequence[Entry], bool]:
        """The newest of the record that one answer has room for, and whether its chain holds."""
        entries = _newest(self.record(tenant, name)[-RECORD_EVENTS_MAX:])
        return entries, self._journal.intact(entries)

    def slices_of_order(self, order: Order) -> list[SliceRecord]:
        """The slices as they are now; none for a quote."""
        if order.validate_only:
            return []
        return self._registry.slices_of_order(order)

    async def watch(
        self, tenant: str, name: str, after: int, follow: bool = False
    ) -> AsyncIterator[Entry]:
        """Every event so far, then each new one until no operation is at work on `name`.

        With `follow` it goes on: what assurance does and sees comes in as it happens.

        Raises:
            NotFound, InvalidRequest; Overloaded: `WATCHERS_MAX` streams are open, or
            `TENANT_WATCHERS_MAX` of this tenant.
        """
        for count, limit, name_ in (
            (self._watchers.total(), WATCHERS_MAX, "WATCHERS_MAX"),
            (self._watchers[tenant], TENANT_WATCHERS_MAX, "TENANT_WATCHERS_MAX"),
        ):
            if count >= limit:
                raise Overloaded("too many watchers", limit=name_, value=limit)
        self._watchers[tenant] += 1
        try:
            while True:
                running = self._at_work(tenant, name)
                news = self._journal.news(name)
                entries = self.record(tenant, name, after)
                for entry in entries:
                    after = entry.sequence
                    yield entry
                if running is None and not entries and not follow:
                    return
                if not entries:
                    await news.wait()
        finally:
            self._watchers[tenant] -= 1
            if not self._watchers[tenant]:
                del self._watchers[tenant]

    def _at_work(self, tenant: str, name: str) -> Running | None:
        collection, _, key = name.partition("/")
        if collection == "operations":
            running: Running | None = self._registry.order_of(tenant, key)
        else:
            running = self._registry.order_changing(key)
        if running is None or _settled(running.order, 0):
            return None
        return running

    async def stop(self) -> None:
        """Wait for no disk any more."""
        for task in list(self._writing):
            task.cancel()
        await asyncio.gather(*self._writing, return_exceptions=True)


def _newest(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Those at the end whose details are `RECORD_BYTES_MAX` together."""
    size, first = 0, len(entries)
    while first and (size := size + len(entries[first - 1].detail_json)) <= RECORD_BYTES_MAX:
        first -= 1
    return entries[first:]


def _settled(order: Order, after_revision: int) -> bool:
    waiting = order.state.final or order.state is OrderState.PROPOSED
    return waiting and order.revision > after_revision
