"""The decision record: append-only, hash-chained, in one SQLite file.

`append` gives a record its number and its hash and returns at once; `flush` makes everything
before it durable, and what waits together shares one commit. Each record's hash covers the
previous one's, so an edit, a cut or a swap breaks the chain, and the head kept beside it shows a
truncation. Whoever does not trust the file's owner keeps a `Head` elsewhere and gives it to
`verify`.

When the disk refuses, nothing is lost and nothing runs ahead: every flush in flight fails with
`StoreFailed`, what was appended stays in memory in its order, and the next `flush` tries again.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import orjson

from coordinator.chain import (
    COLUMNS,
    SCHEMA,
    START,
    Entry,
    Head,
    JournalBroken,
    digest,
    entry_of,
    linked,
)
from domains.durable import Durable, Statement
from domains.errors import Overloaded, StaleEpoch, StoreFailed

UNFLUSHED_MAX = 65_536
"""Records that may wait for a disk that refuses before `admit` turns new work away."""

ORDERS_RECENT_MAX = 1_024
"""Orders whose records are also kept in memory, for those who watch them."""

ROWS_MAX = 32
"""Records in one statement: each one is a wait for the interpreter, which is busy elsewhere."""

_ROW = "(?,?,?,?,?,?,?,?,?,?)"
_INSERT = [
    f"INSERT INTO records({COLUMNS}) VALUES{','.join([_ROW] * n)}" for n in range(ROWS_MAX + 1)
]
_SELECT = f"SELECT {COLUMNS} FROM records"  # noqa: S608
_HEAD = "UPDATE head SET sequence = ?, hash = ?, epoch = ?"
_KEEP = (
    "INSERT INTO snapshots(kind, key, body, digest) VALUES(?,?,?,?) "
    "ON CONFLICT(kind, key) DO UPDATE SET body = excluded.body, digest = excluded.digest"
)
_DROP = "DELETE FROM snapshots WHERE kind = ? AND key = ?"


def _json(value: Mapping[str, Any]) -> str:
    """Canonical: sorted keys, no spaces. A hash is taken over it, so it is made one way only."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


Snapshots = dict[tuple[str, str], str | None]


class Journal:
    """One coordinator's journal; owned by one event loop. Build it with `open`."""

    def __init__(self, durable: Durable, head: Head, epoch: int) -> None:
        self._durable = durable
        self._head = head
        self.epoch = epoch
        self._unsent: list[Entry] = []
        self._unsaved: Snapshots = {}
        self._waiting: deque[Entry] = deque()  # not durable yet, sent or not
        self._flights: deque[Snapshots] = deque()
        self._last: asyncio.Future[None] | None = None
        self._returned: Snapshots = {}
        self._recent: dict[str, list[Entry]] = {}
        self._whole: set[str] = set()
        self._news: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    @classmethod
    async def open(cls, path: Path) -> Journal:
        """Open or make the file and begin a new incarnation: `epoch` rises durably by one.

        Raises:
            StoreFailed: it cannot be opened, or is damaged; it is never used silently then.
        """
        durable = Durable(path, SCHEMA)
        try:
            head, epoch = _inspect(durable, path)
            await durable.submit([(_HEAD, (head.sequence, head.hash, epoch + 1))])
        except BaseException:
            durable.close()
            raise
        return cls(durable, head, epoch + 1)

    @property
    def head(self) -> Head:
        """The newest record's number and hash, flushed or not: to be kept somewhere else."""
        return self._head

    def superseded(self) -> bool:
        """Whether a newer coordinator has opened this journal.

        Raises:
            StoreFailed: the file cannot be read.
        """
        return bool(self._read("SELECT epoch FROM head")[0][0] != self.epoch)

    def admit(self) -> None:
        """Whether new work may begin.

        Raises:
            Overloaded: `UNFLUSHED_MAX` records wait for the disk.
        """
        if len(self._waiting) >= UNFLUSHED_MAX:
            raise Overloaded(
                "the journal's disk does not keep up", limit="UNFLUSHED_MAX", value=UNFLUSHED_MAX
            )

    def append(
        self,
        *,
        order_id: str,
        step: str,
        event: str,
        at_s: float,
        text: str = "",
        detail: Mapping[str, Any] | None = None,
        slice_id: str = "",
        domain: str = "",
    ) -> Entry:
        """Add one record; it is durable after the next `flush`.

        Args:
            at_s: seconds since the epoch. detail: JSON values only.
        """
        entry = linked(
            self._head, order_id, slice_id, step, event, domain, text, _json(detail or {}), at_s
        )
        self._head = Head(entry.sequence, entry.hash)
        self._unsent.append(entry)
        self._waiting.append(entry)
        self._remember(entry)
        self.announce(f"operations/{order_id}", f"slices/{slice_id}")
        return entry

    def announce(self, *names: str) -> None:
        """Wake whoever waits for news of these."""
        if self._news:
            for name in names:
                if news := self._news.pop(name, None):
                    news.set()

    def keep(self, kind: str, key: str, body: Mapping[str, Any] | str | None) -> None:
        """Remember `body` under (kind, key), durable with the next `flush`; None forgets it.

        Args:
            body: JSON values, or text that is a JSON object already.
        """
        text = body if isinstance(body, str) or body is None else _json(body)
        self._unsaved[kind, key] = text

    async def flush(self) -> None:
        """Return when everything appended or kept so far survives a crash.

        Raises:
            StoreFailed: the disk refused; all of it is kept and the next flush tries again.
            Overloaded: too many changes wait for the disk.
            StaleEpoch: a newer coordinator has opened this journal.
        """
        if self._durable.failed and not self._flights:
            self._reopen()
        if self._unsent or self._unsaved:
            self._submit()
        if self._last is not None:
            await asyncio.shield(self._last)

    def entries(
        self, order_id: str | None = None, slice_id: str | None = None, after: int = 0
    ) -> Sequence[Entry]:
        """The records of an order or of a slice, in order, those not yet flushed included.

        Args:
            after: only later ones; whoever follows a long record does not read it again and again.

        Raises:
            StoreFailed: the file cannot be read.
        """
        if order_id is None:
            assert slice_id is not None, "say whose records"
            return self._stored("slice_id", slice_id, after)
        if order_id not in self._whole:
            stored = self._stored("order_id", order_id)
            if order_id not in self._recent:
                return [entry for entry in stored if entry.sequence > after]
            self._recent[order_id] = list(stored)
            self._whole.add(order_id)
        return [entry for entry in self._recent[order_id] if entry.sequence > after]

    def news(self, name: str) -> asyncio.Event:
        """Set at the next record of `operations/{order}` or `slices/{slice}`, or when it is
        announced; hold on to it."""
        event = self._news.get(name)
        if event is None:
            event = self._news[name] = asyncio.Event()
        return event

    def load(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every snapshot of a kind as (key, body), in order of key.

        Raises:
            StoreFailed: one of them was tampered with.
        """
        sql = "SELECT key, body, digest FROM snapshots WHERE kind = ? ORDER BY key"
        bodies: dict[str, str | None] = {}
        for key, body, stored in self._read(sql, (kind,)):
            if digest(kind, key, body) != stored:
                raise JournalBroken(f"the journal's snapshot {kind}/{key} was changed")
            bodies[key] = body
        for snapshots in (self._returned, *self._flights, self._unsaved):
            bodies.update({key: body for (of, key), body in snapshots.items() if of == kind})
        return (
            (key, orjson.loads(body)) for key, body in sorted(bodies.items()) if body is not None
        )

    def intact(self, entries: Iterable[Entry]) -> bool:
        """Whether each of `entries` stands in the file as it was written, after its predecessor."""
        for entry in entries:
            if self._waiting and entry.sequence >= self._waiting[0].sequence:
                break
            rows = self._read(
                f"{_SELECT} WHERE sequence BETWEEN ? AND ? ORDER BY sequence",
                (entry.sequence - 1, entry.sequence),
            )
            stored = [entry_of(row) for row in rows]
            if not stored or stored[-1] != entry:
                return False
            before = Head(stored[0].sequence, stored[0].hash) if len(stored) == 2 else START
            if not stored[-1].follows(before):
                return False
        return True

    def verify(self, trusted: Head | None = None) -> int:
        """Check the whole chain in the file; returns how many records it has.

        Args:
            trusted: a head kept elsewhere: that record must still be there, unchanged.

        Raises:
            JournalBroken: edited, cut, swapped or truncated; says at which record.
        """
        return _verify(self._durable, trusted)

    def close(self) -> None:
        """Write what is not flushed yet, if the disk allows, and stop. Idempotent."""
        if (self._unsent or self._unsaved) and not self._durable.failed:
            self._submit()
        self._durable.close()

    def _submit(self) -> None:
        entries, snapshots = self._unsent, self._unsaved
        statements: list[Statement] = []
        for at in range(0, len(entries), ROWS_MAX):
            rows = entries[at : at + ROWS_MAX]
            statements.append((_INSERT[len(rows)], tuple(chain.from_iterable(rows))))
        for (kind, key), body in snapshots.items():
            if body is None:
                statements.append((_DROP, (kind, key)))
            else:
                statements.append((_KEEP, (kind, key, body, digest(kind, key, body))))
        statements.append((_HEAD, (self._head.sequence, self._head.hash, self.epoch)))
        done = self._durable.submit(statements)
        self._unsent, self._unsaved = [], {}
        self._flights.append(snapshots)
        self._last = done
        done.add_done_callback(partial(self._landed, self._head.sequence))

    def _landed(self, sequence: int, done: asyncio.Future[None]) -> None:
        snapshots = self._flights.popleft()
        if done is self._last:
            self._last = None
        if done.cancelled() or done.exception() is not None:
            self._returned.update(snapshots)
            return
        while self._waiting and self._waiting[0].sequence <= sequence:
            self._waiting.popleft()

    def _reopen(self) -> None:
        """After a failure: go on from what the disk really has."""
        if self.superseded():
            raise StaleEpoch("a newer coordinator has opened this journal", epoch=self.epoch)
        stored = Head(*self._read("SELECT sequence, hash FROM head")[0])
        while self._waiting and self._waiting[0].sequence <= stored.sequence:
            self._waiting.popleft()  # a commit that failed only on its way back
        self._unsent = list(self._waiting)
        self._unsaved = {**self._returned, **self._unsaved}
        self._returned = {}
        self._durable.reopen()

    def _remember(self, entry: Entry) -> None:
        if not entry.order_id:  # what assurance sees of a slice has no end
            return
        entries = self._recent.get(entry.order_id)
        if entries is not None:
            entries.append(entry)
            return
        self._recent[entry.order_id] = [entry]
        if len(self._recent) > ORDERS_RECENT_MAX:
            oldest = next(iter(self._recent))
            del self._recent[oldest]
            self._whole.discard(oldest)

    def _stored(self, column: str, value: str, after: int = 0) -> Sequence[Entry]:
        # SQLite takes a partial index only where the query has the index's own condition in it.
        of = f"{_SELECT} WHERE {column} = ? AND {column} <> '' AND sequence > ? ORDER BY sequence"
        rows = self._read(of, (value, after))
        found = [entry_of(row) for row in rows]
        last = found[-1].sequence if found else after
        found += [
            entry
            for entry in self._waiting
            if entry.sequence > last and getattr(entry, column) == value
        ]
        return found

    def _read(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._durable.read(sql, arguments)
        except sqlite3.Error as error:
            raise StoreFailed(f"the journal cannot be read: {error}") from error


def _inspect(durable: Durable, path: Path) -> tuple[Head, int]:
    """The head and the epoch of a file that is sound and whole."""
    try:
        faults = [row[0] for row in durable.read("PRAGMA quick_check(1)")]
        if faults != ["ok"]:
            raise StoreFailed(f"{path.name} is damaged: {faults[0]}")
        _verify(durable, None)
        sequence, hash_, epoch = durable.read("SELECT sequence, hash, epoch FROM head")[0]
    except (sqlite3.Error, IndexError) as error:
        raise StoreFailed(f"{path.name} is no journal, or damaged: {error}") from error
    return Head(sequence, hash_), epoch


def _verify(durable: Durable, trusted: Head | None) -> int:
    """See `Journal.verify`; reads in pages, so that memory stays flat."""
    at = START
    found = trusted is None or trusted == START
    while rows := durable.read(
        f"{_SELECT} WHERE sequence > ? ORDER BY sequence LIMIT 1000", (at.sequence,)
    ):
        for row in rows:
            entry = entry_of(row)
            if not entry.follows(at):
                raise JournalBroken(
                    f"the journal is broken at record {at.sequence + 1}", record=at.sequence + 1
                )
            at = Head(entry.sequence, entry.hash)
            found = found or at == trusted
    sequence, hash_ = durable.read("SELECT sequence, hash FROM head")[0]
    if Head(sequence, hash_) != at or not found:
        raise JournalBroken(f"the journal was cut after record {at.sequence}", record=at.sequence)
    return at.sequence
