"""A simulated journal: a list of which a crash keeps only what was flushed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.protocol import Kind


@dataclass(frozen=True)
class Line:
    saga_id: str
    kind: Kind
    payload: Mapping[str, Any]


class SimulatedJournal:
    """Lines in order; the first `durable` of them survive. `books`: what else is kept, likewise."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.durable = 0
        self.books: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self._durable_books = 0
        self.epoch = 1

    def append(self, line: Line) -> None:
        self.lines.append(line)

    def keep(self, slice_id: str, segments: tuple[tuple[str, str], ...]) -> None:
        """The segments (domain, hold id) of a slice; none when it is not active."""
        self.books.append((slice_id, segments))

    def mark(self) -> tuple[int, int]:
        """What a flush that begins now would make durable."""
        return len(self.lines), len(self.books)

    def flushed(self, mark: tuple[int, int]) -> None:
        self.durable = max(self.durable, mark[0])
        self._durable_books = max(self._durable_books, mark[1])

    def crash(self) -> None:
        del self.lines[self.durable :]
        del self.books[self._durable_books :]
        self.epoch += 1

    def segments(self, slice_id: str) -> tuple[tuple[str, str], ...]:
        return dict(self.books).get(slice_id, ())

    def is_durable(self, saga_id: str, *kinds: Kind) -> bool:
        return any(
            line.saga_id == saga_id and line.kind in kinds for line in self.lines[: self.durable]
        )

    def open_sagas(self) -> dict[str, list[tuple[Kind, Mapping[str, Any]]]]:
        found: dict[str, list[tuple[Kind, Mapping[str, Any]]]] = {}
        for line in self.lines:
            found.setdefault(line.saga_id, []).append((line.kind, line.payload))
        return {
            saga_id: records
            for saga_id, records in found.items()
            if not any(kind is Kind.ENDED for kind, _ in records)
        }
