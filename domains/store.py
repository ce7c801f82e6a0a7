"""A ledger whose every answer is on disk before anybody hears it.

One change of the ledger is one change of the file: the rows of the holds, the epoch where it
rose, and an audit row for each state change. The two changes of every set-up, held and confirmed,
are a single statement, the audit row, from which triggers keep the rest: every statement more is
a wait for the interpreter. An answer that rests on what is still on its way to
the disk waits for it, so a duplicate in flight, a read and a refusal are as durable as a yes.

When the disk refuses, memory goes back to what the disk says, and the next caller proves with a
write that there is room again; nobody has to restart anything.

The number of an audit row is a primary key. That makes it a fence: should two processes ever open
the same file, the slower one collides, learns what the other wrote and goes on from there.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from domains.audit import GENESIS, Head, Row, append, first_fault
from domains.durable import Durable, Statement
from domains.errors import EntenteError, StoreFailed
from domains.ledger import Ledger
from domains.model import Hold, HoldState
from domains.records import Change, LedgerLimits, Record, What

T = TypeVar("T")

SCHEMA = """
CREATE TABLE IF NOT EXISTS holds (
    position INTEGER PRIMARY KEY, hold_id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
    state TEXT NOT NULL, ended_s REAL NOT NULL, reason TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS epochs (owner TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (
    seq INTEGER PRIMARY KEY, at_s REAL NOT NULL, what TEXT NOT NULL, owner TEXT NOT NULL,
    hold_id TEXT NOT NULL, detail TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS head (
    id INTEGER PRIMARY KEY CHECK (id = 0), seq INTEGER NOT NULL, hash TEXT NOT NULL,
    openings INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS head_follows AFTER INSERT ON audit
BEGIN UPDATE head SET seq = NEW.seq, hash = NEW.hash; END;
CREATE TRIGGER IF NOT EXISTS held AFTER INSERT ON audit WHEN NEW.what = 'held'
BEGIN INSERT INTO holds (hold_id, owner, state, ended_s, reason, body)
VALUES (NEW.hold_id, NEW.owner, NEW.what, 0, '', NEW.detail); END;
CREATE TRIGGER IF NOT EXISTS confirmed AFTER INSERT ON audit WHEN NEW.what = 'confirmed'
BEGIN UPDATE holds SET state = NEW.what WHERE hold_id = NEW.hold_id; END;
CREATE TABLE IF NOT EXISTS seal (id INTEGER PRIMARY KEY CHECK (id = 0), secret BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS standing (hold_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS room (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
"""

_NEW = "INSERT INTO holds (hold_id, owner, state, ended_s, reason, body) VALUES (?,?,?,?,?,?)"
_STATE = "UPDATE holds SET state = ?, ended_s = ?, reason = ? WHERE hold_id = ?"
_FORGET = "DELETE FROM holds WHERE hold_id = ?"
_STANDS_STILL = "INSERT OR IGNORE INTO standing VALUES (?)"
_RUNS = "DELETE FROM standing WHERE hold_id = ?"
_EPOCH = "INSERT OR REPLACE INTO epochs VALUES (?,?)"
_AUDIT = "INSERT INTO audit VALUES (?,?,?,?,?,?,?,?)"
_HEAD = "INSERT OR REPLACE INTO head VALUES (0,?,?,?)"
_SEAL = "INSERT OR IGNORE INTO seal VALUES (0,?)"
_HOLDS = "SELECT hold_id, owner, state, ended_s, reason, body FROM holds ORDER BY position"

ROOM_BYTES = 65_536
"""What must fit on the disk before new work is taken on after a failure: a busy moment's worth."""

SECRET_BYTES = 32
"""What offers are sealed with; made once, so that they survive a restart."""

AUDIT_PAGE = 4_096
"""Rows of the audit log that are read at once."""


@dataclass(frozen=True, slots=True)
class _Body:
    """The part of a record that never changes, as it is written down."""

    hold: Hold | None
    ttl_s: float
    demand: Mapping[str, int]


_body = TypeAdapter(_Body)


class Store:
    """The ledger of one domain and its file. Made by `open`."""

    def __init__(
        self, path: Path, capacities: Mapping[str, int], limits: LedgerLimits | None = None
    ) -> None:
        self._capacities = capacities
        self._limits = limits
        self._durable = Durable(path, SCHEMA)
        self._last: asyncio.Future[None] | None = None
        self._probe: asyncio.Task[None] | None = None
        self._failing = False
        self._stale = False
        self.ledger = Ledger(capacities, limits)
        self.head, self.openings = GENESIS, 0
        self.secret = b""

    @classmethod
    async def open(
        cls,
        path: Path,
        capacities: Mapping[str, int],
        limits: LedgerLimits | None = None,
        now_s: float = 0.0,
    ) -> Store:
        """Restore what was confirmed, held and remembered; written down as an opening.

        Raises:
            StoreFailed: no database, damaged, or the capacities have no room for what it holds.
        """
        store = cls(path, capacities, limits)
        try:
            store._load()
            store.openings += 1
            opened = _encode({"openings": store.openings})
            row = store._audit(now_s, "opened", "", "", opened)
            seal: Statement = (_SEAL, (secrets.token_bytes(SECRET_BYTES),))
            store._submit([seal, row, (_HEAD, (*store.head, store.openings))])
            await store.settled()
            ((store.secret,),) = store._durable.read("SELECT secret FROM seal")
        except StoreFailed:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Write what waits, then stop. Idempotent."""
        self._durable.close()

    async def change(self, step: Callable[[Ledger], T], now_s: float) -> T:
        """Let `step` change the ledger; answer, or raise what it raised, after COMMIT.

        Raises:
            StoreFailed: nothing was done, and memory is what the disk says.
            Overloaded: too many changes wait for the disk; nothing was done.
        """
        while self._failing or self._durable.failed:
            await self._recover()
        self._durable.ready()
        try:
            answer = step(self.ledger)
        except EntenteError:
            self._write(now_s)
            await self.settled()
            raise
        except BaseException:  # memory may be half changed: forget it
            self._fall_back()
            raise
        self._write(now_s)
        await self.settled()
        return answer

    async def read(self, look: Callable[[Ledger], T]) -> T:
        """What `look` sees, once all of it is on disk.

        Raises:
            StoreFailed: what it saw did not reach the disk.
        """
        if self._stale:
            await self._recover()
        answer = look(self.ledger)
        await self.settled()
        return answer

    async def settled(self) -> None:
        """Wait until all that has changed so far is on disk, or raise `StoreFailed`."""
        last = self._last
        if last is not None and not (last.done() and last.exception() is None):
            await asyncio.shield(last)  # shared: one caller's deadline must not cancel it

    def verify_audit(self, *anchors: Head) -> str | None:
        """What is wrong first with the audit log, or None; `anchors` were once its heads."""
        with self._snapshot():
            head = self._durable.read("SELECT seq, hash FROM head")
            return first_fault(self._rows(), Head(*head[0]) if head else GENESIS, anchors)

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Several reads of one state of the file, whatever the writer does meanwhile."""
        self._durable.read("BEGIN")
        try:
            yield
        finally:
            self._durable.read("COMMIT")

    def _rows(self) -> Iterable[Row]:
        after = -1
        while page := self._durable.read(
            "SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", (after, AUDIT_PAGE)
        ):
            yield from (Row(*fields) for fields in page)
            after = page[-1][0]

    def _write(self, now_s: float) -> None:
        changes = self.ledger.take()
        if changes:
            self._submit([sql for change in changes for sql in self._statements(change, now_s)])

    def _submit(self, statements: list[Statement]) -> None:
        try:
            self._last = self._durable.submit(statements)
        except EntenteError:
            self._fall_back()
            raise
        self._last.add_done_callback(self._heard)

    def _statements(self, change: Change, now_s: float) -> list[Statement]:
        record, what, detail = change.record, change.what, "{}"
        if record is None:
            detail = _encode({"epoch": change.epoch})
            row: Statement = (_EPOCH, (change.owner, change.epoch))
        elif what is What.FORGOTTEN:  # no state changed, so there is nothing to audit
            forget = [(_FORGET, (record.hold_id,))]
            return forget if record.active else [*forget, (_RUNS, (record.hold_id,))]
        elif what is What.ACTIVATED or what is What.DEACTIVATED:
            row = (_RUNS if record.active else _STANDS_STILL, (record.hold_id,))
        else:
            how = (record.state.value, record.ended_s, record.reason)
            if what is What.HELD or what is What.OVERTAKEN:
                detail = _encode(_Body(record.hold, record.ttl_s, record.demand))
            if what is What.HELD or what is What.CONFIRMED:  # the triggers do the rest
                return [self._audit(now_s, what.value, change.owner, record.hold_id, detail)]
            if what is What.OVERTAKEN:
                row = (_NEW, (record.hold_id, record.owner, *how, detail))
            else:
                row = (_STATE, (*how, record.hold_id))
            if record.reason:
                detail = _encode({"reason": record.reason})
        hold_id = record.hold_id if record is not None else ""
        return [row, self._audit(now_s, what.value, change.owner, hold_id, detail)]

    def _audit(self, now_s: float, what: str, owner: str, hold_id: str, detail: str) -> Statement:
        row = append(self.head, float(now_s), what, owner, hold_id, detail)
        self.head = Head(row.seq, row.hash)
        return _AUDIT, tuple(row)

    def _heard(self, written: asyncio.Future[None]) -> None:
        if not written.cancelled() and written.exception() is not None:
            self._fall_back()

    def _fall_back(self) -> None:
        """Stop trusting memory. Once the writer has failed nothing more lands: reload at once."""
        if not self._failing:
            self._failing = self._stale = True
        if self._stale and self._durable.failed:
            self._last = None
            try:
                self._load()
            except StoreFailed:
                return  # unreadable too; `_prove` will try again
            self._stale = False

    async def _recover(self) -> None:
        """One proof at a time, shared by all who wait for it."""
        self._fall_back()
        if self._probe is None or self._probe.done():
            self._probe = asyncio.ensure_future(self._prove())
        await asyncio.shield(self._probe)

    async def _prove(self) -> None:
        self._durable.reopen()
        room = "INSERT OR REPLACE INTO room VALUES (0, zeroblob(?))"
        await self._durable.submit([(room, (ROOM_BYTES,))])
        await self._durable.submit([("DELETE FROM room", ())])
        if self._stale:  # all that was on its way has landed or failed by now
            self._load()
            self._stale = False
        self._last = None
        self._failing = False

    def _load(self) -> None:
        with self._snapshot():
            head = self._durable.read("SELECT seq, hash, openings FROM head")
            last = self._durable.read("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
            records = [_record(*row) for row in self._durable.read(_HOLDS)]
            by_id = {record.hold_id: record for record in records}
            for (hold_id,) in self._durable.read("SELECT hold_id FROM standing"):
                if hold_id in by_id:
                    by_id[hold_id].active = False
            epochs = dict(self._durable.read("SELECT owner, epoch FROM epochs"))
        seq, digest, openings = head[0] if head else (*GENESIS, 0)
        if (seq, digest) != (last[0] if last else GENESIS):
            raise StoreFailed("the audit log and its head disagree: it was cut or edited")
        generation = self.ledger.generation + 1
        try:
            ledger = Ledger(self._capacities, self._limits, records, epochs, generation)
        except (AssertionError, KeyError) as error:
            raise StoreFailed(f"there is no room for what is confirmed already: {error}") from error
        self.ledger, self.head, self.openings = ledger, Head(seq, digest), openings


def _encode(value: object) -> str:
    """JSON; a dataclass by its fields, without a copy of any."""
    return orjson.dumps(value).decode()


def _record(hold_id: str, owner: str, state: str, ended_s: float, reason: str, text: str) -> Record:
    try:
        body = _body.validate_json(text)
        how = HoldState(state)
    except (ValidationError, ValueError) as error:
        raise StoreFailed(f"the row of hold {hold_id} is damaged") from error
    return Record(hold_id, owner, body.hold, body.ttl_s, body.demand, how, ended_s, reason)
