"""A simulated domain: the real ledger over rows that survive a crash, on a clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from domains.ledger import Ledger, Record, What
from domains.model import Hold, HoldRequest, HoldState

T = TypeVar("T")

OWNER = "coordinator"
SWEEP_S = 1.0
RESOURCE = "units"

Write = Callable[[str], None]
"""Called around each write to the store with "before" or "after"; raises `Crash` to crash."""


class Crash(Exception):
    """The process is gone at this very point."""


class SimulatedDomain:
    """Answers like a domain; everything it answers is in `rows` first.

    Args:
        capacity: units. offset_s, rate: of its clock against true time.
    """

    def __init__(self, name: str, capacity: int, offset_s: float, rate: float) -> None:
        self.name, self.capacity = name, capacity
        self._offset_s, self._rate = offset_s, rate
        self.rows: dict[str, Record] = {}
        self._epochs: dict[str, int] = {}
        self.write: Write = lambda _: None
        self.restart()

    def restart(self) -> None:
        """From the rows alone."""
        records = [replace(row) for row in self.rows.values()]
        self.ledger = Ledger({RESOURCE: self.capacity}, records=records, epochs=self._epochs)

    def now_s(self, true_s: float) -> float:
        return self._offset_s + true_s * self._rate

    def hold(self, request: HoldRequest, true_s: float) -> Hold:
        demand = {RESOURCE: request.offer.metrics.devices}
        return self._durably(
            lambda: self.ledger.hold(OWNER, request, demand, (), self.now_s(true_s))
        )

    def confirm(self, hold_id: str, epoch: int, true_s: float) -> Hold:
        return self._durably(lambda: self.ledger.confirm(OWNER, hold_id, epoch, self.now_s(true_s)))

    def release(self, hold_id: str, epoch: int, reason: str, true_s: float) -> Hold | None:
        return self._durably(
            lambda: self.ledger.release(OWNER, hold_id, epoch, reason, self.now_s(true_s))
        )

    def sweep(self, true_s: float) -> None:
        """Let lapse; then nothing unconfirmed is older than its TTL."""
        now_s = self.now_s(true_s)
        self._durably(lambda: self.ledger.lapse(now_s))
        for row in self.rows.values():
            if row.state is HoldState.HELD and row.hold is not None:
                assert now_s < row.hold.expire_time_s, "G3: an orphan outlived its TTL"

    def live(self) -> dict[str, HoldState]:
        return {key: row.state for key, row in self.rows.items() if row.state.live}

    def _durably(self, operation: Callable[[], T]) -> T:
        try:
            return operation()
        finally:
            changes = self.ledger.take()
            if changes:
                self.write("before")
                for change in changes:
                    if change.record is None:
                        self._epochs[change.owner] = change.epoch
                    elif change.what is What.FORGOTTEN:
                        self.rows.pop(change.record.hold_id, None)
                    else:
                        self.rows[change.record.hold_id] = replace(change.record)
                self._check_capacity()
                self.write("after")

    def _check_capacity(self) -> None:
        """G1, from the rows: a hold and the one it replaces count once, at the larger."""
        live = {key: row for key, row in self.rows.items() if row.state.live}
        replaced = {row.hold.replaces for row in live.values() if row.hold} & live.keys()
        used = 0
        for key, row in live.items():
            units = row.demand[RESOURCE]
            if row.hold and row.hold.replaces in live:
                units = max(units, live[row.hold.replaces].demand[RESOURCE])
            used += 0 if key in replaced else units
        assert used <= self.capacity, f"G1: {self.name} has {used} of {self.capacity} in use"
