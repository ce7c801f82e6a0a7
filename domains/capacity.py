"""What is in use: units per resource and exclusive labels. At every instant 0 <= used <= capacity.

A hold and its successor are charged together, per resource the larger of the two, because only
one of them carries the slice's traffic. There are never more than two: a longer chain could have
any amount of use charged once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domains.model import Attachment
from domains.records import Record


class Capacity:
    """Shares of whole units; the arithmetic of a ledger and nothing else.

    Args:
        capacities: resource -> units.
    """

    def __init__(self, capacities: Mapping[str, int]) -> None:
        assert all(units >= 0 for units in capacities.values())
        self._capacity = dict(capacities)
        self._used = dict.fromkeys(capacities, 0)
        self._labels: dict[Attachment, str] = {}
        self._partner: dict[str, Record] = {}

    def free(self, resource: str) -> int:
        """Units of `resource` that nobody has."""
        return self._capacity[resource] - self._used[resource]

    def free_beside(self, predecessor: Record | None) -> Callable[[str], int]:
        """`free` as a successor sees it: what `predecessor` has counts as free."""
        if predecessor is None:
            return self.free
        demand = predecessor.demand
        return lambda resource: self.free(resource) + demand.get(resource, 0)

    def used(self) -> Mapping[str, int]:
        """Units in use per resource; asserts the invariant for all of them."""
        for resource, used in self._used.items():
            assert 0 <= used <= self._capacity[resource], resource
        return dict(self._used)

    def paired(self, hold_id: str) -> bool:
        """Whether this hold lives together with its predecessor or successor."""
        return hold_id in self._partner

    def label_free(self, attachment: Attachment, replaces: str | None) -> bool:
        """Whether nobody has this label, or only the hold that is being replaced."""
        return self._labels.get(attachment, replaces) == replaces

    def add(self, record: Record, predecessor: Record | None) -> None:
        """Charge `record` beyond what `predecessor`, alive beside it, is charged already."""
        assert record.hold is not None
        if predecessor is not None:
            self._partner[predecessor.hold_id] = record
            self._partner[record.hold_id] = predecessor
        self._charge(record, predecessor, +1)
        self._labels.update(dict.fromkeys(record.hold.attachments, record.hold_id))

    def remove(self, record: Record) -> None:
        """Give back what only `record` needs; a partner stays fully charged."""
        assert record.hold is not None
        partner = self._partner.pop(record.hold_id, None)
        kept: tuple[Attachment, ...] = ()
        if partner is not None and partner.hold is not None:
            del self._partner[partner.hold_id]
            kept = partner.hold.attachments
        self._charge(record, partner, -1)
        for attachment in dict.fromkeys(record.hold.attachments):
            if partner is not None and attachment in kept:
                self._labels[attachment] = partner.hold_id
            else:
                del self._labels[attachment]

    def _charge(self, record: Record, partner: Record | None, sign: int) -> None:
        beside = partner.demand if partner is not None else {}
        for resource, units in record.demand.items():
            beyond = max(0, units - beside.get(resource, 0))
            used = self._used[resource] + sign * beyond
            assert 0 <= used <= self._capacity[resource], resource
            self._used[resource] = used
