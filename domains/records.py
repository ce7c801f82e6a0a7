"""What a ledger keeps of each id, and the changes it hands to whoever writes them down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from domains.errors import HoldLapsed, HoldReleased, NotFound, RequestIdReused
from domains.model import Hold, HoldRequest, HoldState


@dataclass(frozen=True, slots=True)
class LedgerLimits:
    """Named bounds; past one of them a caller hears OVERLOADED (or INVALID_ARGUMENT for a TTL).

    Attributes:
        retention_s: how long what has ended is remembered; no shorter than a hold may live, or a
            late duplicate could set capacity aside anew.
        ended_max: ended holds and tombstones remembered at once.
        owners_max: coordinators whose epoch is remembered.
    """

    max_ttl_s: float = 300.0
    retention_s: float = 600.0
    live_max: int = 65_536
    ended_max: int = 131_072
    owners_max: int = 1_024

    def __post_init__(self) -> None:
        assert 0 < self.max_ttl_s <= self.retention_s
        assert min(self.live_max, self.ended_max, self.owners_max) > 0


@dataclass(slots=True)
class Record:
    """All that is kept of one id. `hold` is what was answered at first; None in a tombstone."""

    hold_id: str
    owner: str
    hold: Hold | None
    ttl_s: float
    demand: Mapping[str, int]
    state: HoldState
    ended_s: float = 0.0
    reason: str = ""
    active: bool = True

    def current(self) -> Hold:
        """The hold as it is now."""
        assert self.hold is not None
        return replace(self.hold, state=self.state, active=self.active)

    def first_answer(self, owner: str, request: HoldRequest) -> Hold:
        """What `request`, sent again, was answered at first.

        Raises:
            NotFound, RequestIdReused, HoldLapsed, HoldReleased.
        """
        if self.owner != owner:
            raise NotFound("no such hold", hold=self.hold_id)
        if self.hold is not None and not self._asked_by(self.hold, request):
            raise RequestIdReused("this id was used with another body", hold=self.hold_id)
        self.refuse_ended()
        assert self.hold is not None
        return self.hold

    def refuse_ended(self) -> None:
        """Raise `HoldLapsed` or `HoldReleased` once that is how it ended."""
        if self.state is HoldState.LAPSED:
            raise HoldLapsed("its time to live ran out", hold=self.hold_id, ttl_s=self.ttl_s)
        if self.state is HoldState.RELEASED:
            raise HoldReleased("it was released", hold=self.hold_id, because=self.reason)

    def _asked_by(self, hold: Hold, request: HoldRequest) -> bool:
        """Same body; the epoch says who asks, not for what, so it may have risen since."""
        asked = (request.slice_id, request.tenant, request.replaces, request.ttl_s)
        return (
            (hold.slice_id, hold.tenant, hold.replaces, self.ttl_s) == asked
            and hold.attachments == request.attachments
            and hold.offer == request.offer
            and hold.profile == request.profile
        )


class What(StrEnum):
    """What a change was, in the words of the audit log."""

    HELD = "held"
    CONFIRMED = "confirmed"
    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    RELEASED = "released"
    LAPSED = "lapsed"
    OVERTAKEN = "overtaken"
    FENCED = "fenced"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Change:
    """One change, in order. `record` is None, and `epoch` set, for FENCED alone."""

    what: What
    owner: str
    record: Record | None = None
    epoch: int = 0
