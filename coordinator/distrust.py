"""Which domains an order goes around: those whose word did not hold.

A domain that does not know its own offer any more, answers a hold with something else than was
asked for, refuses what it offered, or does not answer, has cost the order an attempt. Where others
can take its place the next attempt is planned without it. It is one order's memory: the next order
asks everybody again, so a domain that has recovered is not forgotten.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from coordinator.protocol import HoldMismatch, InterconnectMismatch
from domains.errors import (
    CapacityInsufficient,
    EntenteError,
    InvalidRequest,
    LabelInUse,
    NotFound,
    NotPermitted,
    OfferChanged,
    Overloaded,
    StaleEpoch,
    Unreachable,
)

BROKEN_WORD: Final = (
    HoldMismatch,
    InterconnectMismatch,
    InvalidRequest,
    NotFound,
    NotPermitted,
    Overloaded,
    StaleEpoch,
    Unreachable,
)
"""Once is enough: of a domain that has offered just that."""
OVERTAKEN: Final = (CapacityInsufficient, LabelInUse)
OVERTAKEN_MAX: Final = 4
"""Times that others were faster at a domain, as they honestly are, before it counts."""
CHANGES_MAX: Final = 2
"""Offers of a domain that may have changed meanwhile, as they honestly do, before it counts."""


class Distrust:
    """What one order has found out about the domains that it was promised something by."""

    def __init__(self) -> None:
        self._changes: Counter[str] = Counter()
        self._overtaken: Counter[str] = Counter()
        self._without: set[str] = set()

    @property
    def without(self) -> frozenset[str]:
        """Domains to go around."""
        return frozenset(self._without)

    def note(self, error: EntenteError) -> bool:
        """What became of a reservation; whether some domain is to blame for it."""
        domain = error.metadata.get("domain")
        if domain is None:
            return False
        if isinstance(error, BROKEN_WORD):
            self._without.add(domain)
            return True
        if isinstance(error, OfferChanged):
            self._changes[domain] += 1
            if self._changes[domain] >= CHANGES_MAX:
                self._without.add(domain)
            return True
        if isinstance(error, OVERTAKEN):
            self._overtaken[domain] += 1
            if self._overtaken[domain] >= OVERTAKEN_MAX:
                self._without.add(domain)
        return False
