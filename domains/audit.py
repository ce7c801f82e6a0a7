"""A log in which every row carries the hash of the row before it.

An edit, a cut or a swap breaks the chain. What is missing at its end does not, so the head is
kept apart, and whoever keeps a copy of an earlier head elsewhere (an anchor) notices even a log
that was rewritten as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from json import dumps
from typing import NamedTuple


class Head(NamedTuple):
    """The last row: its number, from 1, and its hash, in hexadecimal."""

    seq: int
    hash: str


GENESIS = Head(0, "0" * 64)


class Row(NamedTuple):
    """One state change. `detail` is JSON; `prev` and `hash` make the chain."""

    seq: int
    at_s: float
    what: str
    owner: str
    hold_id: str
    detail: str
    prev: str
    hash: str


def append(head: Head, at_s: float, what: str, owner: str, hold_id: str, detail: str) -> Row:
    """The row that follows `head`."""
    seq = head.seq + 1
    digest = _digest(head.hash, seq, at_s, what, owner, hold_id, detail)
    return Row(seq, at_s, what, owner, hold_id, detail, head.hash, digest)


def first_fault(rows: Iterable[Row], head: Head, anchors: Iterable[Head] = ()) -> str | None:
    """What is wrong first, in words, or None where the log is whole up to `head`."""
    expected = {anchor.seq: anchor.hash for anchor in anchors}
    last = GENESIS
    for row in rows:
        if row.seq != last.seq + 1:
            return f"row {last.seq + 1} is missing"
        if row.prev != last.hash:
            return f"row {row.seq} does not follow row {last.seq}"
        if row.hash != _digest(row.prev, *row[:6]):
            return f"row {row.seq} was edited"
        if expected.pop(row.seq, row.hash) != row.hash:
            return f"row {row.seq} is not the one that was anchored"
        last = Head(row.seq, row.hash)
    if last != head:
        return f"the log ends at row {last.seq}, its head says {head.seq}"
    if expected:
        return f"row {min(expected)} was anchored and is missing"
    return None


def _digest(prev: str, *fields: object) -> str:
    """JSON keeps the fields apart; a float's shortest text is exact, so it survives the disk."""
    return sha256(dumps((prev, *fields)).encode()).hexdigest()
