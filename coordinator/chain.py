"""One record of the journal, its canonical form and the hash that ties it to the one before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

from domains.errors import StoreFailed

SCHEMA = """
CREATE TABLE IF NOT EXISTS records(
    sequence INTEGER PRIMARY KEY, order_id TEXT NOT NULL, slice_id TEXT NOT NULL,
    step TEXT NOT NULL, event TEXT NOT NULL, domain TEXT NOT NULL, text TEXT NOT NULL,
    detail TEXT NOT NULL, at_s REAL NOT NULL, hash TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS records_of_order ON records(order_id);
CREATE INDEX IF NOT EXISTS records_of_slice ON records(slice_id) WHERE slice_id <> '';
CREATE TABLE IF NOT EXISTS snapshots(
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY(kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS head(
    one INTEGER PRIMARY KEY CHECK(one = 1), sequence INTEGER NOT NULL, hash TEXT NOT NULL,
    epoch INTEGER NOT NULL);
INSERT OR IGNORE INTO head VALUES(1, 0, '', 0);
CREATE TRIGGER IF NOT EXISTS one_coordinator BEFORE UPDATE ON head WHEN NEW.epoch < OLD.epoch
BEGIN SELECT RAISE(ABORT, 'a newer coordinator has opened this journal'); END;
"""

COLUMNS = "sequence, order_id, slice_id, step, event, domain, text, detail, at_s, hash"


class JournalBroken(StoreFailed):
    """The record does not hang together: someone, or the disk, changed it."""

    reason = "JOURNAL_BROKEN"


class Head(NamedTuple):
    """The newest record of a chain; an auditor keeps it where the file's owner cannot reach."""

    sequence: int
    hash: str


START = Head(0, "")


class Entry(NamedTuple):
    """One thing that happened, and why; a row in the order of `COLUMNS`.

    Attributes:
        sequence: 1, 2, 3, ... over all orders of the journal.
        slice_id, domain: "" where the record is about the whole order, or about no domain.
        detail_json: canonical JSON: sorted keys, no spaces.
        hash: SHA-256, in hex, of the previous record's hash and this record's canonical JSON.
    """

    sequence: int
    order_id: str
    slice_id: str
    step: str
    event: str
    domain: str
    text: str
    detail_json: str
    at_s: float
    hash: str

    @property
    def detail(self) -> Mapping[str, Any]:
        detail: Mapping[str, Any] = json.loads(self.detail_json)
        return detail

    def follows(self, before: Head) -> bool:
        """Whether this is the record after `before`, unchanged."""
        return self == linked(
            before, self.order_id, self.slice_id, self.step, self.event,
            self.domain, self.text, self.detail_json, self.at_s,
        )  # fmt: skip


def linked(
    before: Head,
    order_id: str,
    slice_id: str,
    step: str,
    event: str,
    domain: str,
    text: str,
    detail_json: str,
    at_s: float,
) -> Entry:
    """The record that follows `before`.

    Its canonical JSON is put together by hand, in the order of its keys: a tenth of the time of
    an encoder, for the same bytes.
    """
    sequence, at_s = before.sequence + 1, float(at_s)
    if not text.isascii():  # half a surrogate pair is no text to a database
        text = text.encode("utf-8", "replace").decode()
    canonical = (
        f'{{"at_s":{at_s!r},"detail":{detail_json},"domain":{quoted(domain)},'
        f'"event":{quoted(event)},"order_id":{quoted(order_id)},"sequence":{sequence},'
        f'"slice_id":{quoted(slice_id)},"step":{quoted(step)},"text":{quoted(text)}}}'
    )
    hash_ = sha256(before.hash.encode() + canonical.encode()).hexdigest()
    return Entry(sequence, order_id, slice_id, step, event, domain, text, detail_json, at_s, hash_)


def entry_of(row: tuple[Any, ...]) -> Entry:
    """A row in the order of `COLUMNS`."""
    return Entry(*row)


def digest(kind: str, key: str, body: str) -> str:
    """What ties a snapshot's body to its key."""
    return sha256(f"{kind}\0{key}\0{body}".encode()).hexdigest()[:32]
