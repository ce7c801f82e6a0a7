"""The last samples of each slice, on disk: a ring per segment, so that a day never fills it.

A slot is a round's number modulo `SAMPLES_MAX`, so a restart goes on where it was without reading
anything. Of slices that have ended the samples go after `KEEP_S`. What the loop remembers of each
slice is written with them: all of a round or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from coordinator.assurance import remembered
from coordinator.assurance.decide import State
from domains.durable import Durable, Statement
from domains.errors import EntenteError
from domains.measurement import Condition, Measurement
from domains.model import Metrics

SAMPLES_MAX = 2_016
"""Of one segment: a week of five-minute rounds."""
KEEP_S = 7 * 86_400.0
PURGE_EVERY_ROUNDS = 256
LISTED_MAX = 20_000
"""Samples in one answer; the newest."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS samples (
    slice_id TEXT NOT NULL, domain TEXT NOT NULL, slot INTEGER NOT NULL, at_s REAL NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (slice_id, domain, slot)) WITHOUT ROWID;
"""
_KEEP = "INSERT OR REPLACE INTO samples VALUES (?,?,?,?,?)"
_PURGE = "DELETE FROM samples WHERE at_s < ?"
_LIST = (
    "SELECT domain, at_s, body FROM samples WHERE slice_id = ? AND at_s > ?"
    " ORDER BY at_s DESC LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """One segment in one round, with what was promised for it then."""

    slice_id: str
    domain: str
    at_s: float
    condition: Condition
    reason: str
    measurement: Measurement | None
    promised: Metrics


_KEPT = TypeAdapter(Kept)


class History:
    """The file of one coordinator. Belongs to one event loop."""

    def __init__(self, path: Path) -> None:
        self._durable = Durable(path, _SCHEMA + remembered.SCHEMA)
        self._unwritten = remembered.Unwritten()

    async def keep(self, samples: Sequence[Kept], round_: int, now_s: float) -> None:
        """Write one round down; all of it or none.

        Raises:
            StoreFailed, Overloaded.
        """
        if self._durable.failed:
            self._durable.reopen()  # nothing in memory depends on what was lost
        statements: list[Statement] = [
            (_KEEP, (kept.slice_id, kept.domain, round_ % SAMPLES_MAX, kept.at_s, _body(kept)))
            for kept in samples
        ]
        statements += self._unwritten.statements()
        if round_ % PURGE_EVERY_ROUNDS == 0:
            statements += [(purge, (now_s - KEEP_S,)) for purge in (_PURGE, remembered.PURGE)]
            statements.append((remembered.PURGE_SEASONS, ()))
        if statements:
            await self._durable.submit(statements)
        self._unwritten.written()

    def note(self, slice_id: str, before: State, after: State, now_s: float) -> None:
        """What the loop now remembers of a slice; `keep` writes it."""
        self._unwritten.note(slice_id, before, after, now_s)

    def forget(self, slice_id: str) -> None:
        """A slice that is not looked after any more."""
        self._unwritten.drop(slice_id)

    def recall(self, slice_id: str, interval_s: float, now_s: float) -> State | None:
        """What an earlier incarnation remembered of a slice; None where that is nothing.

        Raises:
            StoreFailed: the file cannot be read.
        """
        rows = self._durable.read(remembered.READ, (slice_id,))
        season = self._durable.read(remembered.READ_SEASON, (slice_id,)) if rows else ()
        return remembered.recalled(rows, season, interval_s, now_s)

    def of(self, slice_id: str, after_s: float = 0.0) -> list[Kept]:
        """The samples of a slice in order of time; a row that is damaged is left out.

        Raises:
            StoreFailed: the file cannot be read.
        """
        rows = self._durable.read(_LIST, (slice_id, after_s, LISTED_MAX))
        found = [kept for _, _, body in rows if (kept := _read(body)) is not None]
        found.reverse()
        return found

    def close(self) -> None:
        """Write what waits, then stop. Idempotent."""
        self._durable.close()


def _body(kept: Kept) -> str:
    return orjson.dumps(asdict(kept)).decode()


def _read(body: Any) -> Kept | None:
    try:
        return _KEPT.validate_json(body)
    except (ValueError, EntenteError):
        return None
