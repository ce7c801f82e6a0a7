"""A SQLite file that one thread writes: whatever waits together is committed together.

With `synchronous=FULL` a transaction costs one fsync however many changes share it, so a busy
owner pays about what an idle one does. A caller hears back after COMMIT and never before.

If a commit fails (disk full, file gone), every change in flight fails with `StoreFailed` and the
store refuses further work until its owner has reloaded its state and calls `reopen`: memory must
never run ahead of the disk. What was queued before `reopen` fails even then, because it was
worked out from a memory that no longer holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domains.errors import Overloaded, StoreFailed

Statement = tuple[str, tuple[Any, ...]]

GROUP_MAX = 256
"""Changes that share one transaction; more gain nothing (16 us each at this size)."""

QUEUE_MAX = 8192
"""Changes that may wait for the disk before callers hear OVERLOADED."""

BUSY_MS = 5_000


class _Change:
    __slots__ = ("done", "loop", "statements", "term")

    def __init__(
        self, statements: Sequence[Statement], loop: asyncio.AbstractEventLoop, term: int
    ) -> None:
        self.statements = statements
        self.loop = loop
        self.term = term
        self.done: asyncio.Future[None] = loop.create_future()


class Durable:
    """One database file with a single writer thread and group commit.

    Args:
        path: the file; made with its folder if missing.
        schema: `CREATE TABLE IF NOT EXISTS ...` statements.

    Raises:
        StoreFailed: the file cannot be opened or is no database.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        with contextlib.ExitStack() as opened:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._reader = _connect(path)
                opened.callback(self._reader.close)
                self._reader.executescript(schema)
                self._connection = _connect(path)
            except (sqlite3.Error, OSError) as error:
                raise StoreFailed(f"cannot open {path.name}: {error}") from error
            opened.pop_all()
        self._queue: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._term = 0
        self._closed = False
        self.failed: str | None = None
        self._writer = threading.Thread(
            target=self._write, name=f"durable-{path.stem}", daemon=True
        )
        self._writer.start()

    def read(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows as of the last commit; for start-up and rare look-ups, as it blocks.

        Raises:
            StoreFailed: the file cannot be read.
        """
        try:
            return self._reader.execute(sql, arguments).fetchall()
        except sqlite3.Error as error:
            raise StoreFailed(f"cannot read {self.path.name}: {error}") from error

    def ready(self) -> None:
        """Raise what `submit` would raise now, so that an owner asks before it changes memory."""
        if self._closed:
            raise StoreFailed("the store of record is closed")
        if self.failed:
            raise StoreFailed(f"the store of record is not writable: {self.failed}")
        if self._queue.qsize() >= QUEUE_MAX:
            raise Overloaded(
                "too many changes wait for the disk", limit="QUEUE_MAX", value=QUEUE_MAX
            )

    def submit(self, statements: Sequence[Statement]) -> asyncio.Future[None]:
        """Queue one change; the future is done after COMMIT. Changes commit in this order.

        Raises:
            StoreFailed: closed, or an earlier commit failed and `reopen` has not been called.
            Overloaded: `QUEUE_MAX` changes wait already.
        """
        self.ready()
        change = _Change(statements, asyncio.get_running_loop(), self._term)
        self._queue.put(change)
        return change.done

    def reopen(self) -> None:
        """Accept work again after a failure; the owner has reloaded its state from `read`."""
        self._term += 1
        self.failed = None

    def close(self) -> None:
        """Commit what waits, then stop. Idempotent."""
        self._closed = True
        if self._writer.is_alive():
            self._queue.put(None)
            self._writer.join()
        self._reader.close()

    def _write(self) -> None:
        with contextlib.closing(self._connection):
            while (first := self._queue.get()) is not None:
                group, last = self._gather(first)
                self._settle(group)
                if last:
                    return

    def _gather(self, first: _Change) -> tuple[list[_Change], bool]:
        group = [first]
        while len(group) < GROUP_MAX:
            try:
                change = self._queue.get_nowait()
            except queue.Empty:
                break
            if change is None:
                return group, True
            group.append(change)
        return group, False

    def _settle(self, group: list[_Change]) -> None:
        failed, term = self.failed, self._term  # in this order: `reopen` writes the term first
        accepted = [c for c in group if not failed and c.term == term]
        if accepted:
            _tell(accepted, self._commit(accepted))
        if len(accepted) < len(group):
            refused = [c for c in group if failed or c.term != term]
            _tell(refused, StoreFailed("the store of record failed before this was written"))

    def _commit(self, group: list[_Change]) -> StoreFailed | None:
        connection = self._connection
        try:
            statements = [statement for change in group for statement in change.statements]
            alone = len(statements) == 1  # SQLite's own transaction does, at two steps less
            if not alone:
                connection.execute("BEGIN IMMEDIATE")
            for sql, arguments in statements:
                connection.execute(sql, arguments)
            if not alone:
                connection.execute("COMMIT")
        except Exception as cause:  # a value SQLite cannot take must not end the only writer
            with contextlib.suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            self.failed = str(cause) or type(cause).__name__
            return StoreFailed(f"the store of record is not writable: {cause}")
        return None


def _tell(group: list[_Change], error: StoreFailed | None) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Change]] = {}
    for change in group:
        by_loop.setdefault(change.loop, []).append(change)
    for loop, changes in by_loop.items():
        with contextlib.suppress(RuntimeError):  # a loop that is closed has nobody to tell
            loop.call_soon_threadsafe(_resolve, changes, error)


def _resolve(changes: list[_Change], error: StoreFailed | None) -> None:
    for change in changes:
        if change.done.done():
            continue
        if error is None:
            change.done.set_result(None)
        else:
            change.done.set_exception(error)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
    )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection
