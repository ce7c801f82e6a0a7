"""What the coordinator remembers is bounded, and the same after a restart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator import registry as module
from coordinator.journal import Journal
from coordinator.model import ServiceProfile, SliceState, SliceType
from coordinator.records import (
    Failure,
    Order,
    OrderKind,
    OrderState,
    SliceRecord,
    order_from_json,
    order_to_json,
)
from coordinator.registry import Registry
from domains.errors import CapacityInsufficient, NotFound, Refused, WrongState
from domains.model import Isolation

SERVICE = ServiceProfile(
    name="telemetry",
    slice_type=SliceType.MIOT,
    latency_us_max=50_000,
    availability_ppb_min=990_000_000,
    downlink_kbps=1_000,
    uplink_kbps=1_000,
    devices=1,
    isolation=Isolation.SHARED,
    origin="berlin",
)


def record(number: int, state: SliceState = SliceState.ACTIVATED) -> SliceRecord:
    return SliceRecord(f"slice-{number}", "clinic", state, SERVICE, SERVICE, float(-number))


async def test_slices_come_back_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "journal.sqlite")
    kept = Registry(journal)
    for number in (3, 2, 1):  # the names sort the other way round
        kept.put_slice(record(number))
    await journal.flush()
    journal.close()
    again = Registry(await Journal.open(tmp_path / "journal.sqlite"))
    again.load()
    assert list(again.slices_of("clinic", False)) == list(kept.slices_of("clinic", False))


async def test_only_so_many_ended_slices_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICES_ENDED_REMEMBERED_MAX", 2)
    journal = await Journal.open(tmp_path / "journal.sqlite")
    kept = Registry(journal)
    kept.put_slice(record(9))
    for number in range(4):
        kept.put_slice(record(number))
        kept.put_slice(record(number, SliceState.TERMINATED))
    shown = [r.slice_id for r in kept.slices_of("clinic", True)]
    assert shown == ["slice-9", "slice-2", "slice-3"]
    with pytest.raises(NotFound):
        kept.slice_of("clinic", "slice-0")
    await journal.flush()
    assert {key for key, _ in journal.load("slice")} == set(shown)


async def test_one_order_at_a_time_changes_a_slice(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "journal.sqlite")
    kept = Registry(journal)
    order = Order("one", "clinic", OrderKind.UPDATE, 0.0, "id", "digest", slices=("slice-1",))
    running = kept.begin(order)
    kept.occupy("slice-1", "one")
    with pytest.raises(WrongState):
        kept.occupy("slice-1", "two")
    assert kept.in_progress("clinic") == 1
    order.state = OrderState.DONE
    kept.put_order(running)
    kept.occupy("slice-1", "two")
    assert kept.in_progress("clinic") == 0


async def test_after_a_restart_an_unfinished_order_has_its_slices_to_itself(
    tmp_path: Path,
) -> None:
    journal = await Journal.open(tmp_path / "journal.sqlite")
    kept = Registry(journal)
    kept.begin(Order("one", "clinic", OrderKind.UPDATE, 0.0, "id", "d", slices=("slice-1",)))
    await journal.flush()
    journal.close()
    again = Registry(await Journal.open(tmp_path / "journal.sqlite"))
    (running,) = again.load()  # nobody has taken it up yet
    with pytest.raises(WrongState):
        again.occupy("slice-1", "two")
    running.order.state = OrderState.FAILED
    again.put_order(running)
    again.occupy("slice-1", "two")


async def test_after_a_restart_the_oldest_orders_are_still_forgotten_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = await Journal.open(tmp_path / "journal.sqlite")
    kept = Registry(journal)
    for number, order_id in enumerate(("z", "y", "x")):  # the names sort the other way round
        running = kept.begin(Order(order_id, "clinic", OrderKind.CREATE, float(number), "id", "d"))
        running.order.state = OrderState.DONE
        kept.put_order(running)
    await journal.flush()
    journal.close()
    monkeypatch.setattr(module, "ORDERS_REMEMBERED_MAX", 3)
    again = Registry(await Journal.open(tmp_path / "journal.sqlite"))
    again.load()
    again.begin(Order("w", "clinic", OrderKind.CREATE, 9.0, "id", "d"))
    assert [name for name in "zyxw" if again.order(name)] == ["y", "x", "w"]


def test_an_order_is_the_same_after_the_journal_has_had_it() -> None:
    failure = Failure.of(CapacityInsufficient("too small", domain="core", achievable=3))
    order = Order(
        "one", "clinic", OrderKind.CREATE, 1.5, "id", "digest",
        requested=(SERVICE, replace(SERVICE, name="other")), failure=failure,
    )  # fmt: skip

    assert order_from_json(json.loads(order_to_json(order))) == order
    error = failure.error()
    assert isinstance(error, Refused)
    assert (error.reason, error.metadata["achievable"]) == ("CAPACITY_INSUFFICIENT", "3")
