"""Nobody hears of what is not on disk, and a disk that refuses leaves no trace in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from domains.errors import HoldReleased, NotFound, RequestIdReused, StaleEpoch, StoreFailed
from domains.ledger import Ledger
from domains.model import Hold, HoldState
from domains.store import Store
from tests.domains.stores import (
    DEMAND,
    LIMITS,
    OWNER,
    PROFILE,
    audit_of,
    confirm,
    empty_disk,
    fill_disk,
    forge,
    hold,
    opened,
    picture,
    release,
    request,
    shut_gate,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = await opened(tmp_path / "domain.db")
    yield made
    made.close()


# -- nobody hears of what is not yet on disk ------------------------------------------------


async def test_a_duplicate_in_flight_waits_for_the_same_write(store: Store) -> None:
    gate = shut_gate(store)
    calls = [asyncio.ensure_future(hold(store, request())) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(store.ledger.holds(OWNER)) == 1
    assert not any(call.done() for call in calls)
    gate.set()
    first, second, third = await asyncio.gather(*calls)
    assert first == second == third
    assert [row[0] for row in audit_of(store)] == ["opened", "fenced", "held"]


async def test_a_refusal_and_a_read_wait_for_what_they_rest_on(store: Store) -> None:
    await hold(store, request())
    gate = shut_gate(store)
    rests_on_it = [
        asyncio.ensure_future(release(store, 1)),
        asyncio.ensure_future(confirm(store, 1)),
        asyncio.ensure_future(store.read(lambda ledger: ledger.holds(OWNER))),
    ]
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(call.done() for call in rests_on_it)
    gate.set()
    released, refused, seen = await asyncio.gather(*rests_on_it, return_exceptions=True)
    assert isinstance(released, Hold)
    assert isinstance(refused, HoldReleased)
    assert seen == []


async def test_a_caller_who_hangs_up_cuts_nobody_else_off(store: Store) -> None:
    gate = shut_gate(store)
    hung_up, patient = (asyncio.ensure_future(hold(store, request())) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    hung_up.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert (await patient).state is HoldState.HELD
    assert hung_up.cancelled()


async def test_a_repeat_writes_nothing(store: Store) -> None:
    await hold(store, request())
    head = store.head
    await hold(store, request())
    with pytest.raises(RequestIdReused):
        await hold(store, request(ttl_s=29.0))
    assert store.head == head


# -- a disk that refuses --------------------------------------------------------------------


async def test_a_full_disk_does_nothing_and_heals_without_a_restart(store: Store) -> None:
    await hold(store, request(1))
    await confirm(store, 1)
    before, generation = picture(store.ledger), store.ledger.generation
    fill_disk(store)
    big = replace(PROFILE, functions=PROFILE.functions * 2_000)
    for _ in range(3):
        with pytest.raises(StoreFailed):
            await hold(store, request(2, profile=big))
        assert picture(store.ledger) == before
        assert await store.read(lambda ledger: ledger.holds(OWNER)) == before[0]  # type: ignore[index]
    assert store.ledger.generation > generation
    empty_disk(store)
    assert (await hold(store, request(2))).state is HoldState.HELD
    assert store.verify_audit() is None


async def test_all_in_flight_fail_together_and_leave_no_trace(store: Store) -> None:
    await hold(store, request(1))
    before = picture(store.ledger)
    fill_disk(store)
    gate = shut_gate(store)
    big = replace(PROFILE, functions=PROFILE.functions * 2_000)
    calls = [
        asyncio.ensure_future(hold(store, request(2, profile=big))),
        asyncio.ensure_future(hold(store, request(2, profile=big))),
        asyncio.ensure_future(confirm(store, 2)),
        asyncio.ensure_future(confirm(store, 1)),
    ]
    for _ in range(3):
        await asyncio.sleep(0)
    gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreFailed] * 4
    assert picture(store.ledger) == before
    empty_disk(store)
    with pytest.raises(NotFound):
        await confirm(store, 2)
    assert (await confirm(store, 1)).state is HoldState.CONFIRMED
    assert store.verify_audit() is None


async def test_a_broken_invariant_puts_memory_back_to_what_the_disk_says(store: Store) -> None:
    await hold(store, request(1))
    before = picture(store.ledger)

    def break_it(ledger: Ledger) -> None:
        ledger.hold(OWNER, request(2), DEMAND, (), 0.5)
        raise AssertionError("a resource would be oversubscribed")

    with pytest.raises(AssertionError):
        await store.change(break_it, 0.5)
    await hold(store, request(3))
    assert [h.hold_id for h in store.ledger.holds(OWNER)] == ["hold-1", "hold-3"]
    await release(store, 3)
    assert picture(store.ledger) == before
    assert store.verify_audit() is None


async def test_of_two_processes_on_one_file_neither_overbooks(tmp_path: Path) -> None:
    path = tmp_path / "domain.db"
    slower, faster = await opened(path), await opened(path)
    await hold(faster, request(1))
    with pytest.raises(StoreFailed):
        await hold(slower, request(2))
    assert [h.hold_id for h in slower.ledger.holds(OWNER)] == ["hold-1"]
    assert (await hold(slower, request(2))).hold_id == "hold-2"
    assert slower.verify_audit() is None
    slower.close()
    faster.close()


async def test_an_epoch_is_remembered_across_restarts(tmp_path: Path) -> None:
    store = await opened(tmp_path / "domain.db")
    await hold(store, request(1, epoch=5))
    store.close()
    store = await opened(tmp_path / "domain.db")
    with pytest.raises(StaleEpoch):
        await hold(store, request(2, epoch=4))
    store.close()


async def test_what_is_forgotten_leaves_the_file_but_not_the_audit_log(store: Store) -> None:
    await hold(store, request(1))
    await release(store, 1)
    await store.change(lambda ledger: ledger.lapse(101.0), 101.0)
    assert store._durable.read("SELECT count(*) FROM holds") == [(0,)]
    assert [row[0] for row in audit_of(store)] == ["opened", "fenced", "held", "released"]


async def test_a_configuration_with_no_room_for_what_is_confirmed_does_not_open(
    tmp_path: Path,
) -> None:
    store = await opened(tmp_path / "domain.db")
    await hold(store, request(1))
    await confirm(store, 1)
    store.close()
    for capacities in ({"spectrum": 3, "cpu": 100}, {"cpu": 100}):
        with pytest.raises(StoreFailed, match="no room"):
            await Store.open(tmp_path / "domain.db", capacities, LIMITS)


@pytest.mark.parametrize("damage", ["body = '{}'", "state = 'lost'", "body = 'garbage'"])
async def test_a_damaged_row_is_never_silently_used(tmp_path: Path, damage: str) -> None:
    store = await opened(tmp_path / "domain.db")
    await hold(store, request(1))
    store.close()
    forge(tmp_path / "domain.db", f"UPDATE holds SET {damage}")
    with pytest.raises(StoreFailed, match="hold-1 is damaged"):
        await opened(tmp_path / "domain.db")
