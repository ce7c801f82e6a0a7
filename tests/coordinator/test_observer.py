"""Whoever watches a domain goes on watching it, whatever that domain does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest

from coordinator import observer as module
from coordinator.observer import Observer
from coordinator.resources import ResourceDatabase
from domains.errors import Unreachable
from domains.model import AbstractTopology
from tests.coordinator.test_placement import CORE
from tests.coordinator.test_saga import Neighbour, StoppedClock

WITHIN_S = 5.0


class Shown(Neighbour):
    """Shows its topology; each time that it is watched, one of `ends` comes of that first."""

    def __init__(self, *ends: Exception) -> None:
        super().__init__(CORE.domain)
        self.ends: Iterator[Exception] = iter(ends)

    async def _shown(self) -> AsyncIterator[AbstractTopology]:
        for end in self.ends:
            raise end
        yield CORE
        await asyncio.Event().wait()

    def watch_topology(self) -> AsyncIterator[AbstractTopology]:
        return self._shown()


@pytest.mark.parametrize("defect", [Unreachable("gone"), ZeroDivisionError("ours")])
@pytest.mark.parametrize("where", ["watching", "greeting"])
async def test_a_domain_is_taken_up_again_after_whatever_went_wrong(
    defect: Exception, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    greeted, greetings = asyncio.Event(), iter([defect] if where == "greeting" else [])

    async def greet(name: str) -> None:
        for wrong in greetings:
            raise wrong
        greeted.set()

    domain = Shown(*([defect] if where == "watching" else []))
    resources = ResourceDatabase()
    observer = Observer(resources, {domain.name: domain}, StoppedClock(), greet)
    observer.start()
    with suppress(TimeoutError):
        async with asyncio.timeout(WITHIN_S):
            await greeted.wait()
    assert greeted.is_set()
    assert resources.view(domain.name).reachable
    await observer.stop()
