"""What a ledger must answer, by a list that is scanned: too simple to be wrong.

It knows nothing of heaps, links, counters or indexes, and it never forgets to lapse because it
asks of every entry, at every call, what time it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from domains.errors import (
    CapacityInsufficient,
    HoldLapsed,
    HoldNotReplaceable,
    HoldReleased,
    InvalidRequest,
    LabelInUse,
    NotFound,
    Overloaded,
    RequestIdReused,
    StaleEpoch,
)
from domains.model import (
    Attachment,
    FunctionInstance,
    Hold,
    HoldRequest,
    HoldState,
    Isolation,
    Metrics,
    Offer,
    SliceProfile,
)
from domains.records import LedgerLimits

CAPACITIES = {"spectrum": 10, "cpu": 7}
LIMITS = LedgerLimits(max_ttl_s=8.0, retention_s=9.0, live_max=4, ended_max=5, owners_max=2)
FUNCTIONS = (FunctionInstance("upf-1", "UPF", True),)


def request_of(
    hold_id: str,
    slice_id: str = "slice",
    demand: tuple[int, int] = (1, 0),
    labels: tuple[Attachment, ...] = (),
    ttl_s: float = 8.0,
    epoch: int = 1,
    replaces: str | None = None,
) -> HoldRequest:
    """A request whose body says what it needs, so that the same body has the same demand."""
    profile = SliceProfile("berlin", "west", 9, 9, *demand, 1, Isolation.SHARED)
    offer = Offer("offer", Metrics(9, 9, *demand, 1, 7))
    return HoldRequest(hold_id, slice_id, "tenant", profile, offer, labels, ttl_s, epoch, replaces)


def demand_of(request: HoldRequest) -> Mapping[str, int]:
    profile = request.profile
    return {"spectrum": profile.downlink_kbps, "cpu": profile.uplink_kbps}


@dataclass
class Entry:
    owner: str
    hold_id: str
    request: HoldRequest | None
    state: HoldState
    expire_time_s: float = 0.0
    ended_s: float = 0.0
    predecessor: Entry | None = None

    def hold(self, state: HoldState | None = None) -> Hold:
        request = self.request
        assert request is not None
        return Hold(
            request.hold_id,
            request.slice_id,
            request.tenant,
            state or self.state,
            request.profile,
            request.offer,
            request.attachments,
            self.expire_time_s,
            request.replaces,
            FUNCTIONS,
        )


class Model:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.epochs: dict[str, int] = {}

    def find(self, hold_id: str) -> Entry | None:
        return next((e for e in self.entries if e.hold_id == hold_id), None)

    def live(self) -> list[Entry]:
        return [e for e in self.entries if e.state.live]

    def pairs(self) -> list[tuple[Entry, Entry]]:
        live = self.live()
        return [(e, e.predecessor) for e in live if e.predecessor and e.predecessor.state.live]

    def used(self) -> dict[str, int]:
        total = dict.fromkeys(CAPACITIES, 0)
        for entry in self.live():
            assert entry.request is not None
            for resource, units in demand_of(entry.request).items():
                total[resource] += units
        for new, old in self.pairs():
            assert new.request is not None
            assert old.request is not None
            for resource in total:
                total[resource] -= min(
                    demand_of(new.request)[resource], demand_of(old.request)[resource]
                )
        return total

    def tick(self, now_s: float) -> list[Hold]:
        lapsed = [e for e in self.entries if e.state is HoldState.HELD and e.expire_time_s <= now_s]
        lapsed.sort(key=lambda e: (e.expire_time_s, e.hold_id))
        for entry in lapsed:
            entry.state, entry.ended_s = HoldState.LAPSED, now_s
        self.entries = [
            e for e in self.entries if e.state.live or now_s < e.ended_s + LIMITS.retention_s
        ]
        return [entry.hold() for entry in lapsed]

    def fence(self, owner: str, epoch: int) -> None:
        if owner not in self.epochs and len(self.epochs) == LIMITS.owners_max:
            raise Overloaded("")
        if epoch < self.epochs.get(owner, epoch):
            raise StaleEpoch("")
        self.epochs[owner] = epoch

    def hold(self, owner: str, request: HoldRequest, now_s: float) -> Hold:
        if not (request.ttl_s > 0 and request.ttl_s <= LIMITS.max_ttl_s):
            raise InvalidRequest("")
        self.fence(owner, request.epoch)
        self.tick(now_s)
        entry = self.find(request.hold_id)
        if entry is not None:
            return self._again(owner, entry, request)
        ended = [e for e in self.entries if not e.state.live]
        if len(self.live()) == LIMITS.live_max or len(ended) == LIMITS.ended_max:
            raise Overloaded("")
        old = self._predecessor(owner, request)
        for other in self.live():
            assert other.request is not None
            if other is not old and set(other.request.attachments) & set(request.attachments):
                raise LabelInUse("")
        new = Entry(
            owner,
            request.hold_id,
            request,
            HoldState.HELD,
            now_s + request.ttl_s,
            predecessor=old,
        )
        self.entries.append(new)
        if any(units > CAPACITIES[resource] for resource, units in self.used().items()):
            self.entries.remove(new)
            raise CapacityInsufficient("")
        return new.hold()

    def _again(self, owner: str, entry: Entry, request: HoldRequest) -> Hold:
        if entry.owner != owner:
            raise NotFound("")
        if entry.request is not None and replace(entry.request, epoch=0) != replace(
            request, epoch=0
        ):
            raise RequestIdReused("")
        self._must_live(entry)
        return entry.hold(HoldState.HELD)

    def _must_live(self, entry: Entry) -> None:
        if entry.state is HoldState.LAPSED:
            raise HoldLapsed("")
        if entry.state is HoldState.RELEASED:
            raise HoldReleased("")

    def _predecessor(self, owner: str, request: HoldRequest) -> Entry | None:
        if request.replaces is None:
            return None
        old = self.find(request.replaces)
        if (
            old is None
            or old.owner != owner
            or old.state is not HoldState.CONFIRMED
            or old.request is None
            or old.request.slice_id != request.slice_id
            or any(old in pair for pair in self.pairs())
        ):
            raise HoldNotReplaceable("")
        return old

    def confirm(self, owner: str, hold_id: str, epoch: int, now_s: float) -> Hold:
        self.fence(owner, epoch)
        self.tick(now_s)
        entry = self.find(hold_id)
        if entry is None or entry.owner != owner:
            raise NotFound("")
        self._must_live(entry)
        entry.state = HoldState.CONFIRMED
        return entry.hold()

    def release(self, owner: str, hold_id: str, epoch: int, now_s: float) -> Hold | None:
        self.fence(owner, epoch)
        self.tick(now_s)
        entry = self.find(hold_id)
        if entry is None:
            if len([e for e in self.entries if not e.state.live]) == LIMITS.ended_max:
                raise Overloaded("")
            entry = Entry(owner, hold_id, None, HoldState.RELEASED, ended_s=now_s)
            self.entries.append(entry)
        if entry.owner != owner:
            raise NotFound("")
        if entry.state.live:
            entry.state, entry.ended_s = HoldState.RELEASED, now_s
        return entry.hold() if entry.request is not None else None
