"""The rest of a slice's life: standing by and running again (TS 28.531).

A slice that is deactivated is RESERVED: every domain keeps its capacity, no network function runs.
A domain that is silent meanwhile is told when it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from coordinator.model import SliceState
from coordinator.records import Order, SliceRecord
from coordinator.registry import Registry
from coordinator.scribe import Scribe
from domains.errors import EntenteError, Unreachable
from domains.model import Hold
from domains.port import Domain

log = logging.getLogger(__name__)


class Lifecycle:
    """Keeps what domains run in step with what slices shall be."""

    def __init__(
        self, registry: Registry, scribe: Scribe, domains: Mapping[str, Domain], epoch: int
    ) -> None:
        self._registry = registry
        self._scribe = scribe
        self._domains = domains
        self._epoch = epoch

    async def deactivate(self, order: Order, record: SliceRecord) -> None:
        """Stop the functions everywhere; whoever is silent is told later."""
        self._registry.put_slice(
            replace(record, state=SliceState.RESERVED, revision=record.revision + 1)
        )
        for domain, error in await self._set(record, active=False):
            text = f"{domain} is told to stand by when it is back"
            why = {"error": error.message}
            self._scribe.note(order, "assure", "left", text, why, record.slice_id, domain)
        why_stopped = order.reason or "by the tenant"
        text = f"{record.agreed.name} stands by, its capacity is kept: {why_stopped}"
        self._scribe.note(order, "assure", "deactivated", text, slice_id=record.slice_id)

    async def activate(self, order: Order, record: SliceRecord) -> None:
        """Let the functions run in every domain, or in none.

        Raises:
            EntenteError: a domain does not answer or refuses; the slice stands by as before.
        """
        failed = await self._set(record, active=True)
        if failed:
            domain, error = failed[0]
            error.metadata.setdefault("domain", domain)
            await self._set(record, active=False)
            raise error
        self._registry.put_slice(
            replace(record, state=SliceState.ACTIVATED, revision=record.revision + 1)
        )
        text = f"{record.agreed.name} runs again"
        self._scribe.note(order, "assure", "activated", text, slice_id=record.slice_id)

    async def agree(self, domain: str, holds: Sequence[Hold]) -> None:
        """A domain is back: what it runs shall be what the slices are."""
        shall_run = {
            segment.hold_id: record.state is SliceState.ACTIVATED
            for record in self._registry.standing()
            for segment in record.segments
        }
        for hold in holds:
            active = shall_run.get(hold.hold_id, hold.active)
            if active != hold.active:
                await self._domains[domain].activate(hold.hold_id, self._epoch, active)

    async def _set(self, record: SliceRecord, active: bool) -> list[tuple[str, EntenteError]]:
        calls = [
            (
                segment.domain,
                asyncio.ensure_future(self._one(segment.domain, segment.hold_id, active)),
            )
            for segment in record.segments
        ]
        failed = []
        for domain, call in calls:
            try:
                await call
            except EntenteError as error:
                failed.append((domain, error))
        return failed

    async def _one(self, domain: str, hold_id: str, active: bool) -> None:
        known = self._domains.get(domain)
        if known is None:
            raise Unreachable(f"no domain {domain!r} is known here", domain=domain)
        await known.activate(hold_id, self._epoch, active)
