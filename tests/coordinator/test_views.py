"""Watching: every event until nothing is at work any more, and not a moment longer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from coordinator.journal import Journal
from coordinator.model import SliceState
from coordinator.records import Order, OrderKind, OrderState
from coordinator.registry import Registry
from coordinator.views import Views
from tests.asking import eventually
from tests.coordinator.test_registry import record

WITHIN_S = 5.0


@pytest.mark.parametrize("name", ["slices/slice-1", "operations/one"])
async def test_a_watcher_is_let_go_by_an_order_that_ends_without_a_word(
    tmp_path: Path, name: str
) -> None:
    journal = await Journal.open(tmp_path / "journal.sqlite")
    registry = Registry(journal)
    registry.put_slice(record(1, SliceState.ACTIVATED))
    order = Order("one", "clinic", OrderKind.UPDATE, 0.0, "id", "digest", slices=("slice-1",))
    registry.occupy("slice-1", "one")
    running = registry.begin(order)
    waiting = asyncio.ensure_future(anext(Views(registry, journal).watch("clinic", name, 0), None))

    async def found_nothing() -> bool:
        return bool(journal._news)

    await eventually(found_nothing)
    order.state = OrderState.DONE  # what a silent domain still has to release is no news of it
    registry.put_order(running)
    async with asyncio.timeout(WITHIN_S):
        assert await waiting is None
    journal.close()
