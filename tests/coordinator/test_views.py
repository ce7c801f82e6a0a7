"""Watching: every event until nothing is at work any more, and not a moment longer."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator import views as module
from coordinator.journal import Journal
from coordinator.model import SliceState
from coordinator.records import Order, OrderKind, OrderState
from coordinator.registry import Registry
from coordinator.views import Views
from domains.errors import Overloaded
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


async def test_a_long_record_is_its_newest_part_and_still_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = await Journal.open(tmp_path / "journal.sqlite")
    registry = Registry(journal)
    registry.put_slice(record(1, SliceState.ACTIVATED))
    for number in range(8):
        journal.append(
            order_id="", step="assure", event="told", at_s=0.0, slice_id="slice-1",
            text=str(number), detail={"long": "x" * 100},
        )  # fmt: skip
    await journal.flush()
    monkeypatch.setattr(module, "RECORD_BYTES_MAX", 350)  # of 111 each
    entries, intact = Views(registry, journal).decision_record("clinic", "slices/slice-1")
    assert [entry.text for entry in entries] == ["5", "6", "7"]
    assert intact
    journal.close()


async def test_one_tenant_cannot_take_every_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TENANT_WATCHERS_MAX", 2)
    monkeypatch.setattr(module, "WATCHERS_MAX", 3)
    journal = await Journal.open(tmp_path / "journal.sqlite")
    registry = Registry(journal)
    for tenant in ("clinic", "other"):
        slice_ = replace(record(1), tenant=tenant, slice_id=tenant)
        registry.put_slice(slice_)
        journal.append(order_id="", step="assure", event="told", at_s=0.0, slice_id=tenant)
    views = Views(registry, journal)
    open_ = [views.watch("clinic", "slices/clinic", 0, follow=True) for _ in range(3)]
    await anext(open_[0])
    await anext(open_[1])
    with pytest.raises(Overloaded):
        await anext(open_[2])
    others = views.watch("other", "slices/other", 0, follow=True)
    await anext(others)
    with pytest.raises(Overloaded) as full:
        await anext(views.watch("third", "slices/third", 0, follow=True))
    assert full.value.metadata["limit"] == "WATCHERS_MAX"
    await open_[0].aclose()  # type: ignore[attr-defined]
    await anext(views.watch("clinic", "slices/clinic", 0, follow=True))
    journal.close()


async def test_that_a_slice_stands_by_is_durable_before_it_is_said(tmp_path: Path) -> None:
    """G5: nothing was decided durably before, from which a restart would come to the same."""
    journal = await Journal.open(tmp_path / "journal.sqlite")
    registry = Registry(journal)
    order = Order("one", "clinic", OrderKind.DEACTIVATE, 0.0, "id", "digest", slices=("slice-1",))
    running = registry.begin(order)
    registry.put_slice(record(1, SliceState.RESERVED))
    order.state = OrderState.DONE
    registry.put_order(running)
    await Views(registry, journal).settled(running, 0.0)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as disk:
        kept = dict(disk.execute("SELECT kind, body FROM snapshots"))
    assert '"reserved"' in kept["slice"]
    assert '"done"' in kept["order"]
    journal.close()
