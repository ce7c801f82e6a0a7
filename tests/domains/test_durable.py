"""The file under every store: what is answered is on disk, and a failure leaves no half-truths."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from domains.durable import QUEUE_MAX, Durable, Statement
from domains.errors import Overloaded, StoreFailed

GATE_S_MAX = 5.0
SCHEMA = "CREATE TABLE IF NOT EXISTS notes (number INTEGER PRIMARY KEY, text TEXT)"


def note(number: int, text: str = "") -> list[Statement]:
    return [("INSERT INTO notes VALUES (?, ?)", (number, text))]


def numbers(path: Path) -> list[int]:
    """What another process would find."""
    with sqlite3.connect(path) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM notes ORDER BY rowid")]


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    opened = Durable(tmp_path / "notes.db", SCHEMA)
    yield opened
    opened.close()


class Gate:
    """Holds the writer inside a transaction until it is opened, or given up on."""

    def __init__(self, durable: Durable) -> None:
        self._durable = durable
        self._reached, self._open = threading.Event(), threading.Event()
        durable._connection.create_function("gate", 0, self._wait)

    async def shut(self) -> asyncio.Future[None]:
        waiting = self._durable.submit([("SELECT gate()", ())])
        await asyncio.to_thread(self._reached.wait)
        return waiting

    def open(self) -> None:
        self._open.set()

    def _wait(self) -> None:
        self._reached.set()
        self._open.wait(GATE_S_MAX)


async def test_what_is_answered_is_on_disk(durable: Durable) -> None:
    await durable.submit(note(1))
    assert numbers(durable.path) == [1]


async def test_changes_land_in_the_order_in_which_they_were_submitted(durable: Durable) -> None:
    order = [5, 3, 9, 1, 7]
    table = "CREATE TABLE log (position INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER)"
    await durable.submit([(table, ())])
    await asyncio.gather(
        *(durable.submit([("INSERT INTO log (number) VALUES (?)", (n,))]) for n in order)
    )
    assert [row[0] for row in durable.read("SELECT number FROM log ORDER BY position")] == order


async def test_a_group_lands_whole_or_not_at_all(durable: Durable) -> None:
    gate = Gate(durable)
    shut = await gate.shut()
    futures = [durable.submit(note(n)) for n in (1, 2, 2, 3)]  # one of them collides
    gate.open()
    await shut
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreFailed] * 4
    assert numbers(durable.path) == []


async def test_after_a_failure_nothing_is_accepted_until_the_owner_has_reloaded(
    durable: Durable,
) -> None:
    await durable.submit(note(1))
    with pytest.raises(StoreFailed):
        await durable.submit(note(1))
    with pytest.raises(StoreFailed):
        durable.submit(note(2))
    assert durable.read("SELECT number FROM notes") == [(1,)]
    durable.reopen()
    await durable.submit(note(2))
    assert numbers(durable.path) == [1, 2]


async def test_what_was_queued_before_the_reload_fails_after_it(durable: Durable) -> None:
    gate = Gate(durable)
    shut = await gate.shut()
    stale = durable.submit(note(1))
    durable.reopen()
    fresh = durable.submit(note(2))
    gate.open()
    await shut
    with pytest.raises(StoreFailed):
        await stale
    await fresh
    assert numbers(durable.path) == [2]


async def test_a_full_disk_refuses_and_keeps_what_it_has(durable: Durable) -> None:
    await durable.submit(note(1))
    (pages,) = durable._connection.execute("PRAGMA page_count").fetchone()
    durable._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFailed, match="full"):
        await durable.submit(note(2, "x" * 100_000))
    assert numbers(durable.path) == [1]


@pytest.mark.parametrize("value", [2**63, "\ud800", object()])
async def test_a_value_that_sqlite_cannot_take_does_not_end_the_writer(
    durable: Durable, value: object
) -> None:
    with pytest.raises(StoreFailed):
        await durable.submit([("INSERT INTO notes VALUES (1, ?)", (value,))])
    durable.reopen()
    await durable.submit(note(2))
    assert numbers(durable.path) == [2]


async def test_more_than_the_queue_holds_is_refused_at_once(durable: Durable) -> None:
    gate = Gate(durable)
    shut = await gate.shut()
    waiting = [durable.submit([]) for _ in range(QUEUE_MAX)]
    with pytest.raises(Overloaded) as refused:
        durable.submit(note(1))
    assert refused.value.metadata == {"limit": "QUEUE_MAX", "value": str(QUEUE_MAX)}
    gate.open()
    await asyncio.gather(shut, *waiting)


async def test_closing_writes_what_waits_and_then_refuses(durable: Durable) -> None:
    gate = Gate(durable)
    await gate.shut()
    waiting = durable.submit(note(1))
    gate.open()
    durable.close()
    durable.close()
    await waiting
    assert numbers(durable.path) == [1]
    with pytest.raises(StoreFailed, match="closed"):
        durable.submit(note(2))


@pytest.mark.parametrize("content", [b"this is no database" * 100, None])
def test_what_is_no_database_cannot_be_opened(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "notes.db"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(StoreFailed, match=r"notes\.db"):
        Durable(path, SCHEMA)
