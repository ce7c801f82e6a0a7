"""What goes wrong in a simulated lifetime, and until when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World

FAST_S, LATE_S = 0.01, 60.0
"""Typical one-way delay; a late message may take twice a TTL."""


@dataclass
class Faults:
    """Probabilities per message or write, until `until_s`; then the world is kind.

    `journal_point` and `store_point` crash exactly once: at the n-th write, before or after it.
    """

    until_s: float = 0.0
    lost: float = 0.0
    duplicated: float = 0.0
    late: float = 0.0
    coordinator_crash: float = 0.0
    domain_crash: float = 0.0
    full: float = 0.0
    journal_point: tuple[int, str] | None = None
    store_point: tuple[str, int, str] | None = None
    journal_writes: dict[str, int] = field(default_factory=dict)
    store_writes: dict[tuple[str, str], int] = field(default_factory=dict)

    def deliveries(self, world: World) -> list[float]:
        """After how long each copy of a message arrives, in seconds; none where it is lost."""
        kind = world.now_s >= self.until_s
        if not kind and world.random.random() < self.lost:
            return []
        copies = 2 if not kind and world.random.random() < self.duplicated else 1
        return [self._delay_s(world, kind) for _ in range(copies)]

    def _delay_s(self, world: World, kind: bool) -> float:
        if not kind and world.random.random() < self.late:
            return world.random.uniform(0, LATE_S)
        return world.random.expovariate(1 / FAST_S)

    def journal_crash(self, world: World, when: str) -> bool:
        count = self.journal_writes[when] = self.journal_writes.get(when, -1) + 1
        if self.journal_point is not None:
            return (count, when) == self.journal_point
        return world.now_s < self.until_s and world.random.random() < self.coordinator_crash

    def store_crash(self, world: World, domain: str, when: str) -> bool:
        count = self.store_writes[domain, when] = self.store_writes.get((domain, when), -1) + 1
        if self.store_point is not None:
            return (domain, count, when) == self.store_point
        return world.now_s < self.until_s and world.random.random() < self.domain_crash

    def disk_full(self, world: World) -> bool:
        return world.now_s < self.until_s and world.random.random() < self.full
