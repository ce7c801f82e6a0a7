"""What a domain has set aside and for whom: pure, synchronous, and time is an argument.

    HELD --confirm--> CONFIRMED --release--> RELEASED
      |--release--> RELEASED
      `--ttl runs out--> LAPSED

Nothing here waits, so nothing can come between a check and the change that relies on it. A hold
lives while `now_s < expire_time_s`: each operation first lets lapse what has run out, so that an
answer never depends on when the sweeper last ran.

A repeated request answers as it did at first. What has ended, and each release that overtook its
hold (a tombstone), is remembered for `retention_s`, so that a late duplicate changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush

from domains.capacity import Capacity
from domains.errors import (
    CapacityInsufficient,
    HoldNotReplaceable,
    InvalidRequest,
    LabelInUse,
    NotFound,
    Overloaded,
    StaleEpoch,
    WrongState,
)
from domains.model import FunctionInstance, Hold, HoldRequest, HoldState
from domains.records import Change, LedgerLimits, Record, What

__all__ = ["Change", "Ledger", "LedgerLimits", "Record", "What"]


class Ledger:
    """Holds and what remains of them, over a `Capacity`.

    Args:
        capacities: resource -> whole units.
        records: what an earlier ledger kept, oldest first; `epochs`: highest seen per owner.
        generation: where to go on counting; it rises with each change.
    """

    def __init__(
        self,
        capacities: Mapping[str, int],
        limits: LedgerLimits | None = None,
        records: Iterable[Record] = (),
        epochs: Mapping[str, int] | None = None,
        generation: int = 0,
    ) -> None:
        self.limits = limits or LedgerLimits()
        self.generation = generation
        self._capacity = Capacity(capacities)
        self._records: dict[str, Record] = {}
        self._epochs = dict(epochs or {})
        self._live: dict[str, dict[str, dict[str, Record]]] = {}  # owner, slice, hold id
        self._live_count = 0
        self._expiries: list[tuple[float, str]] = []
        self._ended: deque[Record] = deque()
        self._changes: list[Change] = []
        self._restore(records)

    def free(self, resource: str) -> int:
        """Units of `resource` that nobody has."""
        return self._capacity.free(resource)

    def free_for(self, owner: str, replaces: str | None) -> Callable[[str], int]:
        """`free` as the successor of `replaces` sees it: what that hold has counts as free.

        Raises:
            HoldNotReplaceable: it is not the caller's, not confirmed, or being replaced.
        """
        return self._capacity.free_beside(self._predecessor(owner, replaces, None))

    def used(self) -> Mapping[str, int]:
        """Units in use per resource; asserts the invariant for all of them."""
        return self._capacity.used()

    def holds(self, owner: str, slice_id: str | None = None) -> list[Hold]:
        """The live holds of `owner`, all or of one slice, oldest first within a slice."""
        slices = self._live.get(owner, {})
        chosen = slices.values() if slice_id is None else (slices.get(slice_id, {}),)
        return [record.current() for records in chosen for record in records.values()]

    def confirmed(self) -> Iterator[tuple[str, Hold]]:
        """Every segment with its owner: what the network has to run."""
        for owner, slices in self._live.items():
            for records in slices.values():
                for record in records.values():
                    if record.state is HoldState.CONFIRMED:
                        yield owner, record.current()

    def demands(self) -> Mapping[str, Mapping[str, int]]:
        """What every live hold takes, by its id."""
        return {
            record.hold_id: record.demand
            for slices in self._live.values()
            for records in slices.values()
            for record in records.values()
        }

    def standing(self, owner: str, hold_id: str, epoch: int, now_s: float) -> Hold:
        """A live hold of `owner`: all of `confirm` but the confirming.

        Raises:
            NotFound, HoldLapsed, HoldReleased, StaleEpoch.
        """
        return self._standing(owner, hold_id, epoch, now_s).current()

    def admit(self, owner: str, request: HoldRequest, now_s: float) -> Hold | None:
        """All of `hold` but the capacity: the first answer to a repeat, None for a new id.

        Raises:
            InvalidRequest, StaleEpoch, NotFound, RequestIdReused, HoldReleased, HoldLapsed,
            Overloaded, HoldNotReplaceable, LabelInUse: as for `hold`.
        """
        ttl_max_s = self.limits.max_ttl_s
        if not 0 < request.ttl_s <= ttl_max_s:  # written so that NaN is refused
            raise InvalidRequest(
                f"a hold may live for at most {ttl_max_s:g} s",
                **{"field": "ttl_s", "requested": request.ttl_s, "limit": ttl_max_s, "unit": "s"},
            )
        self._fence(owner, request.epoch)
        self.lapse(now_s)
        record = self._records.get(request.hold_id)
        if record is not None:
            return record.first_answer(owner, request)
        self._bound("live_max", self._live_count)
        self._bound("ended_max", len(self._ended))
        self._predecessor(owner, request.replaces, request.slice_id)
        for attachment in request.attachments:
            if not self._capacity.label_free(attachment, request.replaces):
                raise LabelInUse(
                    "the transport identifier is taken at this border point",
                    border_point=attachment.border_point,
                    requested=attachment.label,
                )
        return None

    def hold(
        self,
        owner: str,
        request: HoldRequest,
        demand: Mapping[str, int],
        functions: Sequence[FunctionInstance],
        now_s: float,
    ) -> Hold:
        """Set `demand` aside for `ttl_s`. Idempotent by hold id.

        Raises:
            CapacityInsufficient, LabelInUse, HoldNotReplaceable: nothing was held.
            RequestIdReused: the id was used with another body; NotFound: by another owner.
            HoldReleased, HoldLapsed: the id has ended.
            StaleEpoch, InvalidRequest (TTL), Overloaded (a named limit).
        """
        earlier = self.admit(owner, request, now_s)
        if earlier is not None:
            return earlier
        free = self.free_for(owner, request.replaces)
        assert min(demand.values(), default=0) >= 0, "a technology asked for less than nothing"
        if any(units > free(resource) for resource, units in demand.items()):
            raise CapacityInsufficient("what this needs is not free now", hold=request.hold_id)
        held = Hold(
            hold_id=request.hold_id,
            slice_id=request.slice_id,
            tenant=request.tenant,
            state=HoldState.HELD,
            profile=request.profile,
            offer=request.offer,
            attachments=request.attachments,
            expire_time_s=now_s + request.ttl_s,
            replaces=request.replaces,
            functions=tuple(functions),
        )
        record = Record(held.hold_id, owner, held, request.ttl_s, dict(demand), HoldState.HELD)
        self._set_aside(record, held)
        self._changed(What.HELD, record)
        return held

    def confirm(self, owner: str, hold_id: str, epoch: int, now_s: float) -> Hold:
        """Make a hold permanent. Idempotent.

        Raises:
            NotFound, HoldLapsed, HoldReleased, StaleEpoch.
        """
        record = self._standing(owner, hold_id, epoch, now_s)
        if record.state is HoldState.HELD:
            record.state = HoldState.CONFIRMED
            self._changed(What.CONFIRMED, record)
        return record.current()

    def activate(self, owner: str, hold_id: str, epoch: int, active: bool, now_s: float) -> Hold:
        """Let a segment's functions run, or stand still with its capacity kept. Idempotent.

        Raises:
            NotFound, HoldLapsed, HoldReleased, StaleEpoch; WrongState: it is not confirmed.
        """
        record = self._standing(owner, hold_id, epoch, now_s)
        if record.state is not HoldState.CONFIRMED:
            raise WrongState("only a confirmed hold has functions", hold=hold_id)
        if record.active != active:
            record.active = active
            self._changed(What.ACTIVATED if active else What.DEACTIVATED, record)
        return record.current()

    def release(
        self, owner: str, hold_id: str, epoch: int, reason: str, now_s: float
    ) -> Hold | None:
        """Give back a hold or a segment. Idempotent; an unknown id gets a tombstone and None.

        Raises:
            NotFound: it is another owner's; StaleEpoch; Overloaded: too many tombstones.
        """
        self._fence(owner, epoch)
        self.lapse(now_s)
        record = self._records.get(hold_id)
        if record is None:
            self._bound("ended_max", len(self._ended))
            record = Record(hold_id, owner, None, 0.0, {}, HoldState.RELEASED, now_s, reason)
            self._records[hold_id] = record
            self._ended.append(record)
            self._changed(What.OVERTAKEN, record)
        if record.owner != owner:
            raise NotFound("no such hold", hold=hold_id)
        if record.state.live:
            self._end(record, HoldState.RELEASED, reason, now_s)
        return None if record.hold is None else record.current()

    def lapse(self, now_s: float) -> list[Hold]:
        """Let lapse what has run out and forget what ended `retention_s` ago; the lapsed ones."""
        lapsed = []
        while self._expiries and self._expiries[0][0] <= now_s:
            expire_time_s, hold_id = heappop(self._expiries)
            record = self._records.get(hold_id)
            if record is None or record.hold is None or record.state is not HoldState.HELD:
                continue
            assert record.hold.expire_time_s == expire_time_s
            self._end(record, HoldState.LAPSED, "its time to live ran out", now_s)
            lapsed.append(record.current())
        while self._ended and self._ended[0].ended_s + self.limits.retention_s <= now_s:
            record = self._ended.popleft()
            del self._records[record.hold_id]
            self._changed(What.FORGOTTEN, record)
        return lapsed

    def take(self) -> list[Change]:
        """The changes since the last call, in order; whoever owns the ledger must take them."""
        changes, self._changes = self._changes, []
        return changes

    def _standing(self, owner: str, hold_id: str, epoch: int, now_s: float) -> Record:
        self._fence(owner, epoch)
        self.lapse(now_s)
        record = self._records.get(hold_id)
        if record is None or record.owner != owner:
            raise NotFound("no such hold", hold=hold_id)
        record.refuse_ended()
        return record

    def _predecessor(self, owner: str, hold_id: str | None, slice_id: str | None) -> Record | None:
        if hold_id is None:
            return None
        record = self._records.get(hold_id)
        if (
            record is None
            or record.hold is None
            or record.owner != owner
            or record.state is not HoldState.CONFIRMED
            or (slice_id is not None and record.hold.slice_id != slice_id)
            or self._capacity.paired(hold_id)
        ):
            raise HoldNotReplaceable(
                "only a confirmed hold of the same slice that is not being replaced can be",
                hold=hold_id,
            )
        return record

    def _fence(self, owner: str, epoch: int) -> None:
        newest = self._epochs.get(owner)
        if newest is None:
            self._bound("owners_max", len(self._epochs))
        elif epoch < newest:
            raise StaleEpoch("a newer coordinator has taken over", epoch=epoch, newest=newest)
        elif epoch == newest:
            return
        self._epochs[owner] = epoch
        self.generation += 1
        self._changes.append(Change(What.FENCED, owner, None, epoch))

    def _bound(self, name: str, count: int) -> None:
        limit: int = getattr(self.limits, name)
        if count >= limit:
            raise Overloaded("the ledger is full", limit=name, value=limit)

    def _set_aside(self, record: Record, hold: Hold) -> None:
        predecessor = self._records.get(hold.replaces) if hold.replaces is not None else None
        beside = predecessor is not None and predecessor.state is HoldState.CONFIRMED
        self._capacity.add(record, predecessor if beside else None)
        self._records[record.hold_id] = record
        slices = self._live.setdefault(record.owner, {})
        slices.setdefault(hold.slice_id, {})[record.hold_id] = record
        self._live_count += 1
        if record.state is HoldState.HELD:
            heappush(self._expiries, (hold.expire_time_s, record.hold_id))

    def _end(self, record: Record, state: HoldState, reason: str, now_s: float) -> None:
        assert record.hold is not None
        assert record.state.live
        self._capacity.remove(record)
        slices = self._live[record.owner]
        del slices[record.hold.slice_id][record.hold_id]
        if not slices[record.hold.slice_id]:
            del slices[record.hold.slice_id]
        self._live_count -= 1
        record.state, record.reason, record.ended_s = state, reason, now_s
        self._ended.append(record)
        self._changed(What(state.value), record)

    def _changed(self, what: What, record: Record) -> None:
        self.generation += 1
        self._changes.append(Change(what, record.owner, record))

    def _restore(self, records: Iterable[Record]) -> None:
        ended = []
        for record in records:
            if record.hold is not None and record.state.live:
                self._set_aside(record, record.hold)
            else:
                self._records[record.hold_id] = record
                ended.append(record)
        self._ended.extend(sorted(ended, key=lambda record: record.ended_s))
