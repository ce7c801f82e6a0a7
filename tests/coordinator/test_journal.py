"""The decision record on a real disk: in order, complete, tamper-evident, durable when flushed."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from coordinator.chain import Head, JournalBroken
from coordinator.journal import ORDERS_RECENT_MAX, Journal
from domains.errors import Overloaded, StaleEpoch, StoreFailed

FULL = "CREATE TRIGGER full BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'disk full'); END"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    journal = await Journal.open(path)
    yield journal
    journal.close()


def note(journal: Journal, order: str, event: str, slice_id: str = "") -> None:
    journal.append(
        order_id=order,
        slice_id=slice_id,
        step="reserve",
        event=event,
        domain="core",
        text="Frankfurt holds its part ü",
        detail={"b": 1.5, "a": [1, None, "ü"]},
        at_s=1_700_000_000.25,
    )


def sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def spoil(path: Path, offset: int, octets: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(octets)


async def filled(path: Path) -> Head:
    journal = await Journal.open(path)
    for event in ("held", "decided", "confirmed", "ended"):
        note(journal, "order", event, "slice")
    journal.keep("slice", "slice", {"state": "activated"})
    await journal.flush()
    journal.close()
    return journal.head


async def test_records_come_back_in_order_before_and_after_the_flush_and_after_a_restart(
    journal: Journal, path: Path
) -> None:
    note(journal, "one", "held", "a")
    note(journal, "two", "held", "b")
    note(journal, "one", "decided")
    before = journal.entries(order_id="one")
    assert [(e.sequence, e.event) for e in before] == [(1, "held"), (3, "decided")]
    assert [e.order_id for e in journal.entries(slice_id="b")] == ["two"]
    await journal.flush()
    note(journal, "one", "ended")
    assert [e.event for e in journal.entries(order_id="one")] == ["held", "decided", "ended"]
    await journal.flush()
    again = await Journal.open(path)
    assert list(again.entries(order_id="one")) == list(journal.entries(order_id="one"))
    assert again.entries(order_id="one")[0].detail == {"a": [1, None, "ü"], "b": 1.5}
    again.close()


async def test_a_hash_is_over_the_canonical_json_and_the_hash_before(journal: Journal) -> None:
    note(journal, "order", "held", "slice")
    note(journal, "order", "decided")
    first, second = journal.entries(order_id="order")
    for entry, previous in ((first, ""), (second, first.hash)):
        plain = {
            name: getattr(entry, name)
            for name in (
                "sequence", "order_id", "slice_id", "step", "event", "domain", "text",
                "detail", "at_s",
            )
        }  # fmt: skip
        canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert entry.hash == sha256((previous + canonical).encode()).hexdigest()


async def test_what_was_flushed_survives_and_what_was_not_does_not(path: Path) -> None:
    journal = await Journal.open(path)
    note(journal, "order", "held")
    journal.keep("order", "order", {"state": "reserving"})
    await journal.flush()
    note(journal, "order", "decided")
    journal.keep("order", "order", None)
    crashed = await Journal.open(path)  # the first one never gets to close
    assert [e.event for e in crashed.entries(order_id="order")] == ["held"]
    assert list(crashed.load("order")) == [("order", {"state": "reserving"})]
    crashed.close()


@pytest.mark.parametrize(
    ("tampering", "record"),
    [
        ("UPDATE records SET text = 'nothing happened' WHERE sequence = 2", 2),
        ("UPDATE records SET detail = '{}' WHERE sequence = 3", 3),
        ("UPDATE records SET at_s = at_s + 1 WHERE sequence = 1", 1),
        ("UPDATE records SET hash = 'f00' WHERE sequence = 4", 4),
        ("DELETE FROM records WHERE sequence = 1", 1),
        ("DELETE FROM records WHERE sequence = 3", 3),
        ("DELETE FROM records WHERE sequence = 4", 3),
        ("DELETE FROM records", 0),
    ],
)
async def test_an_edit_a_cut_or_a_truncation_is_found_and_the_journal_not_used(
    path: Path, tampering: str, record: int
) -> None:
    await filled(path)
    sql(path, tampering)
    with pytest.raises(JournalBroken) as broken:
        await Journal.open(path)
    assert broken.value.metadata["record"] == str(record)


async def test_two_records_that_changed_places_are_found(path: Path) -> None:
    await filled(path)
    swap = "UPDATE records SET sequence = {} WHERE sequence = {}"
    sql(path, swap.format(9, 2), swap.format(2, 3), swap.format(3, 9))
    with pytest.raises(JournalBroken):
        await Journal.open(path)


async def test_a_truncation_that_also_moves_the_head_is_found_by_a_head_kept_elsewhere(
    path: Path,
) -> None:
    kept = await filled(path)
    sql(
        path,
        "DELETE FROM records WHERE sequence = 4",
        "UPDATE head SET sequence = 3, hash = (SELECT hash FROM records WHERE sequence = 3)",
    )
    journal = await Journal.open(path)
    assert journal.verify() == 3, "the file alone cannot know"
    with pytest.raises(JournalBroken):
        journal.verify(trusted=kept)
    assert journal.verify(trusted=journal.head) == 3
    journal.close()


async def test_intact_says_which_record_was_changed_while_open(
    journal: Journal, path: Path
) -> None:
    for event in ("held", "decided", "ended"):
        note(journal, "order", event)
    entries = journal.entries(order_id="order")
    await journal.flush()
    note(journal, "order", "later")
    assert journal.intact(journal.entries(order_id="order"))
    sql(path, "UPDATE records SET text = 'x' WHERE sequence = 2")
    assert not journal.intact(entries)
    assert not journal.intact(entries[1:2])
    assert journal.intact(entries[:1])
    await journal.flush()


async def test_a_changed_snapshot_is_not_used(path: Path) -> None:
    await filled(path)
    sql(path, """UPDATE snapshots SET body = '{"state":"terminated"}'""")
    journal = await Journal.open(path)
    with pytest.raises(JournalBroken):
        list(journal.load("slice"))
    journal.close()


@pytest.mark.parametrize("damage", ["garbage", "torn page"])
async def test_a_damaged_file_is_refused_at_open(path: Path, damage: str) -> None:
    await filled(path)
    sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    spoil(path, *((0, b"?" * 64) if damage == "garbage" else (4096, b"\xa5" * 4096)))
    with pytest.raises(StoreFailed):
        await Journal.open(path)


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed):
        await Journal.open(tmp_path)


async def test_every_open_is_a_new_incarnation_and_the_older_one_cannot_write(path: Path) -> None:
    old = await Journal.open(path)
    new = await Journal.open(path)
    assert (old.epoch, new.epoch) == (1, 2)
    note(old, "order", "decided")
    with pytest.raises(StoreFailed):
        await old.flush()
    with pytest.raises(StaleEpoch):
        await old.flush()
    assert new.verify() == 0
    new.close()
    old.close()


async def test_a_full_disk_loses_nothing_and_the_journal_goes_on_when_there_is_space(
    journal: Journal, path: Path
) -> None:
    note(journal, "order", "held")
    await journal.flush()
    sql(path, FULL)
    note(journal, "order", "decided")
    journal.keep("slice", "a", {"n": 1})
    journal.keep("slice", "b", {"n": 1})
    one, two = asyncio.ensure_future(journal.flush()), asyncio.ensure_future(journal.flush())
    note(journal, "order", "while that one is under way")
    results = await asyncio.gather(one, two, journal.flush(), return_exceptions=True)
    assert [type(result) for result in results] == [StoreFailed] * 3
    journal.keep("slice", "b", {"n": 2})
    with pytest.raises(StoreFailed):
        await journal.flush()
    assert len(journal.entries(order_id="order")) == 3
    sql(path, "DROP TRIGGER full")
    note(journal, "order", "ended")
    await journal.flush()
    assert journal.verify() == 4
    assert list(journal.load("slice")) == [("a", {"n": 1}), ("b", {"n": 2})]
    events = [entry.event for entry in journal.entries(order_id="order")]
    assert events == ["held", "decided", "while that one is under way", "ended"]


async def test_flushes_of_many_orders_share_commits_and_keep_the_chain(journal: Journal) -> None:
    async def order(number: int) -> None:
        for event in ("held", "decided", "ended"):
            note(journal, str(number), event)
            await journal.flush()

    await asyncio.gather(*(order(number) for number in range(100)))
    assert journal.verify() == 300
    assert journal.intact(journal.entries(order_id="7"))


async def test_a_cancelled_flush_is_durable_all_the_same(journal: Journal, path: Path) -> None:
    note(journal, "order", "held")
    flush = asyncio.ensure_future(journal.flush())
    await asyncio.wait([flush], timeout=0)
    flush.cancel()
    await journal.flush()
    assert journal.verify() == 1
    assert not journal._waiting, "it is known to be durable"


async def test_snapshots_can_be_seen_before_they_are_flushed_and_forgotten(
    journal: Journal,
) -> None:
    journal.keep("slice", "b", {"n": 1})
    journal.keep("slice", "a", {"n": 1})
    await journal.flush()
    journal.keep("slice", "a", None)
    journal.keep("slice", "c", {"n": 3})
    journal.keep("order", "x", {})
    expected = [("b", {"n": 1}), ("c", {"n": 3})]
    assert list(journal.load("slice")) == expected
    await journal.flush()
    assert list(journal.load("slice")) == expected


async def test_news_wakes_those_who_watch_the_order_or_the_slice_and_nobody_else(
    journal: Journal,
) -> None:
    order, slice_, other = (
        journal.news("operations/one"), journal.news("slices/a"), journal.news("operations/two")
    )  # fmt: skip
    note(journal, "one", "held", "a")
    assert (order.is_set(), slice_.is_set(), other.is_set()) == (True, True, False)
    assert not journal.news("operations/one").is_set()


async def test_memory_of_orders_is_bounded_and_older_ones_come_from_the_file(
    journal: Journal,
) -> None:
    for number in range(ORDERS_RECENT_MAX + 10):
        note(journal, str(number), "held")
    note(journal, "0", "ended")
    assert [e.event for e in journal.entries(order_id="0")] == ["held", "ended"]
    await journal.flush()
    assert [e.event for e in journal.entries(order_id="1")] == ["held"]
    assert len(journal._recent) == ORDERS_RECENT_MAX


async def test_new_work_is_turned_away_when_the_disk_does_not_keep_up(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.journal.UNFLUSHED_MAX", 3)
    for _ in range(2):
        note(journal, "order", "held")
    journal.admit()
    note(journal, "order", "held")
    with pytest.raises(Overloaded):
        journal.admit()
    await journal.flush()
    journal.admit()


async def test_text_that_no_database_can_hold_is_made_harmless(journal: Journal) -> None:
    journal.append(order_id="o", step="s", event="e", text="half \ud83d emoji", at_s=5)
    await journal.flush()
    assert journal.entries(order_id="o")[0].text == "half ? emoji"
    assert journal.verify() == 1


async def test_a_value_that_is_not_json_is_refused_before_it_is_in_the_chain(
    journal: Journal,
) -> None:
    with pytest.raises(TypeError, match="JSON"):
        journal.append(order_id="o", step="s", event="e", detail={"x": object()}, at_s=0.0)
    note(journal, "o", "held")
    await journal.flush()
    assert journal.verify() == 1


async def test_what_belongs_to_no_order_is_not_kept_in_memory(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "journal.sqlite")
    for _ in range(3):  # what assurance tells of a slice, for as long as it lives
        journal.append(order_id="", step="assure", event="unmeasured", at_s=0.0, slice_id="s")
    assert not journal._recent
    assert len(journal.entries(slice_id="s")) == 3
    journal.close()


@pytest.mark.parametrize("whose", [{"order_id": "order"}, {"slice_id": "slice"}])
async def test_whose_records_these_are_is_found_without_reading_all_others(
    path: Path, monkeypatch: pytest.MonkeyPatch, whose: dict[str, Any]
) -> None:
    await filled(path)
    journal, asked = await Journal.open(path), list[str]()
    read = journal._read

    def noted(sql: str, given: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        asked.append(sql)
        return read(sql, given)

    monkeypatch.setattr(journal, "_read", noted)
    assert len(journal.entries(**whose)) == 4
    with sqlite3.connect(path) as file:
        plans = [file.execute(f"EXPLAIN QUERY PLAN {sql}", ("x", 0)).fetchall() for sql in asked]
    assert plans
    for plan in plans:
        assert "USING INDEX records_of" in str(plan), plan
        assert "B-TREE" not in str(plan), plan
    journal.close()


@pytest.mark.parametrize("whose", [{"order_id": "order"}, {"slice_id": "slice"}])
async def test_what_came_later_is_asked_for_alone_written_or_not(
    path: Path, whose: dict[str, Any]
) -> None:
    await filled(path)
    journal = await Journal.open(path)
    note(journal, "order", "renewed", "slice")
    for _ in range(2):  # from the file, and as remembered
        later = journal.entries(**whose, after=3)
        assert [entry.event for entry in later] == ["ended", "renewed"]
        assert [entry.event for entry in journal.entries(**whose, after=4)] == ["renewed"]
        assert not journal.entries(**whose, after=5)
    journal.close()
