"""Which changes a price comes from: whatever a slice pays more or less than at first has a cause.

A change moves the price of its slice once, and from then on every interval pays that difference.
What the causes come to is therefore exactly the price less that of the same slices left alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from coordinator.assurance.decide import Change, Renegotiate, Return, Scale

AGREED_PERMILLE = 1_000


class Cause(StrEnum):
    """What changes a price; the value is what readers see."""

    BEYOND = "growing beyond what is agreed, and back"
    SHRINKING = "shrinking below what is agreed"
    GROWING_BACK = "growing back"
    AROUND = "ways around failed links"
    RETURN = "cheaper ways after those"
    BROKEN = "ways around broken promises"


def cause_of(change: Change, held_permille: int) -> Cause:
    """Of a change of a slice for which so much of what is agreed is held."""
    match change:
        case Scale(permille):
            if max(permille, held_permille) > AGREED_PERMILLE:
                return Cause.BEYOND
            return Cause.SHRINKING if permille < held_permille else Cause.GROWING_BACK
        case Return():
            return Cause.RETURN
        case Renegotiate():
            return Cause.BROKEN
    return Cause.AROUND


@dataclass(slots=True)
class Spent:
    """By cause, over all slices and intervals; micro-EUR/h.

    Attributes:
        changes, refused: how many. steps: sum of the differences as they were made.
        paid: sum over all intervals of the differences in force.
    """

    changes: Counter[Cause] = field(default_factory=Counter)
    refused: Counter[Cause] = field(default_factory=Counter)
    steps: Counter[Cause] = field(default_factory=Counter)
    paid: Counter[Cause] = field(default_factory=Counter)

    def note(self, cause: Cause, difference_micros: int) -> None:
        """One change, and what it did to the price."""
        self.changes[cause] += 1
        self.steps[cause] += difference_micros

    def interval(self) -> None:
        """One interval of all slices, at the prices with which it begins."""
        for cause, difference_micros in self.steps.items():
            self.paid[cause] += difference_micros
