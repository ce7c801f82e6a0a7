"""A model that is too simple to be wrong predicts every answer of the ledger, each given twice.

The model keeps a list and scans it. It knows nothing of heaps, links, counters or indexes, and it
never forgets to lapse because it asks of every entry, at every call, what time it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domains.errors import (
    CapacityInsufficient,
    EntenteError,
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
from domains.ledger import Ledger
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
from domains.records import LedgerLimits, Record, What

CAPACITIES = {"spectrum": 10, "cpu": 7}
LIMITS = LedgerLimits(max_ttl_s=8.0, retention_s=9.0, live_max=4, ended_max=5, owners_max=2)
FUNCTIONS = (FunctionInstance("upf-1", "UPF", True),)

OWNERS = st.sampled_from(["amber", "blue", "blue", "amber", "cyan"])
IDS = st.sampled_from([f"hold-{i}" for i in range(7)])
EPOCHS = st.sampled_from([1, 1, 1, 1, 1, 2, 3])
TTLS = st.sampled_from([1.0, 3.0, 8.0, 8.0, 8.5, 0.0, -1.0, float("nan"), float("inf")])
LABELS = st.sets(st.sampled_from([Attachment("west", 16), Attachment("east", 17)]))


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


class LedgerMachine(RuleBasedStateMachine):
    """Any order of calls by three coordinators, two of whom fit, on any clock that goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(CAPACITIES, LIMITS)
        self.model = Model()
        self.now_s = 1_000.0
        self.disk: dict[str, Record] = {}
        self.epochs: dict[str, int] = {}

    def twice(self, real: Callable[[], Any], predicted: Callable[[], Any]) -> None:
        for _ in range(2):
            before, generation = self.picture(), self.ledger.generation
            expected = _outcome(predicted)
            assert _outcome(real) == expected
            changes = self.write_down()
            assert self.ledger.generation == generation + changes
            assert (changes > 0) == (self.picture() != before)

    def picture(self) -> object:
        entries = [(e.hold_id, e.state, e.ended_s, e.expire_time_s) for e in self.model.entries]
        return entries, dict(self.model.epochs)

    def write_down(self) -> int:
        """What a store would keep: whole rows in order of insertion, replaced in place."""
        changes = self.ledger.take()
        for change in changes:
            record = change.record
            if record is None:
                self.epochs[change.owner] = change.epoch
            elif change.what is What.FORGOTTEN:
                del self.disk[record.hold_id]
            else:
                self.disk[record.hold_id] = replace(record)
        return len(changes)

    @rule(
        owner=OWNERS,
        hold_id=IDS,
        slice_id=st.sampled_from(["slice", "slice", "other"]),
        demand=st.tuples(st.integers(0, 6), st.integers(0, 4)),
        labels=LABELS,
        ttl_s=TTLS,
        epoch=EPOCHS,
        replaces=st.one_of(st.none(), IDS),
    )
    def hold(
        self,
        owner: str,
        hold_id: str,
        slice_id: str,
        demand: tuple[int, int],
        labels: set[Attachment],
        ttl_s: float,
        epoch: int,
        replaces: str | None,
    ) -> None:
        attached = tuple(sorted(labels, key=lambda label: label.label))
        request = request_of(hold_id, slice_id, demand, attached, ttl_s, epoch, replaces)
        self.ask(owner, request)

    @rule(hold_id=IDS, demand=st.tuples(st.integers(0, 9), st.integers(0, 6)), labels=LABELS)
    def replace_a_confirmed_hold(
        self, hold_id: str, demand: tuple[int, int], labels: set[Attachment]
    ) -> None:
        for old in self.model.entries:
            if old.state is HoldState.CONFIRMED and old.request is not None:
                attached = old.request.attachments or tuple(labels)
                epoch = self.model.epochs[old.owner]
                self.ask(
                    old.owner,
                    request_of(
                        hold_id, old.request.slice_id, demand, attached, 8.0, epoch, old.hold_id
                    ),
                )
                return

    @rule(hold_id=IDS, later=st.sampled_from([0, 0, 1]))
    def ask_again(self, hold_id: str, later: int) -> None:
        entry = self.model.find(hold_id)
        if entry is not None and entry.request is not None:
            epoch = self.model.epochs[entry.owner] + later
            self.ask(entry.owner, replace(entry.request, epoch=epoch))

    def ask(self, owner: str, request: HoldRequest) -> None:
        self.twice(
            lambda: self.ledger.hold(owner, request, demand_of(request), FUNCTIONS, self.now_s),
            lambda: self.model.hold(owner, request, self.now_s),
        )

    @rule(owner=OWNERS, hold_id=IDS, epoch=EPOCHS)
    def confirm(self, owner: str, hold_id: str, epoch: int) -> None:
        self.twice(
            lambda: self.ledger.confirm(owner, hold_id, epoch, self.now_s),
            lambda: self.model.confirm(owner, hold_id, epoch, self.now_s),
        )

    @rule(hold_id=IDS)
    def confirm_own(self, hold_id: str) -> None:
        entry = self.model.find(hold_id)
        if entry is not None:
            self.confirm(entry.owner, hold_id, self.model.epochs[entry.owner])

    @rule(owner=OWNERS, hold_id=IDS, epoch=EPOCHS)
    def release(self, owner: str, hold_id: str, epoch: int) -> None:
        self.twice(
            lambda: self.ledger.release(owner, hold_id, epoch, "done", self.now_s),
            lambda: self.model.release(owner, hold_id, epoch, self.now_s),
        )

    @rule(hold_id=IDS)
    def release_own(self, hold_id: str) -> None:
        entry = self.model.find(hold_id)
        if entry is not None:
            self.release(entry.owner, hold_id, self.model.epochs[entry.owner])

    @rule(step_s=st.sampled_from([0.0, 0.5, 1.0, 2.0, 20.0]))
    def time_goes_on(self, step_s: float) -> None:
        self.now_s += step_s

    @rule(just_before=st.booleans())
    def the_next_deadline_comes(self, just_before: bool) -> None:
        """The clock stands exactly at, or a hair before, the next expiry or forgetting."""
        deadlines = [e.expire_time_s for e in self.model.live() if e.state is HoldState.HELD]
        deadlines += [
            e.ended_s + LIMITS.retention_s for e in self.model.entries if not e.state.live
        ]
        ahead = [deadline for deadline in deadlines if deadline - 0.25 >= self.now_s]
        if ahead:
            self.now_s = min(ahead) - 0.25 * just_before

    @rule()
    def sweep(self) -> None:
        self.twice(lambda: self.ledger.lapse(self.now_s), lambda: self.model.tick(self.now_s))

    @rule()
    def restart(self) -> None:
        """What was written down is all there is, and it is enough."""
        records = [replace(record) for record in self.disk.values()]
        generation = self.ledger.generation
        self.ledger = Ledger(CAPACITIES, LIMITS, records, dict(self.epochs), generation)

    @invariant()
    def never_oversubscribed_and_exactly_charged(self) -> None:
        used = self.ledger.used()
        assert used == self.model.used()
        for resource, capacity in CAPACITIES.items():
            assert self.ledger.free(resource) == capacity - used[resource] >= 0

    @invariant()
    def each_sees_its_own_live_holds(self) -> None:
        for owner in ("amber", "blue", "cyan"):
            for slice_id in ("slice", "other"):
                mine = [
                    e.hold()
                    for e in self.model.live()
                    if e.owner == owner and e.request and e.request.slice_id == slice_id
                ]
                assert self.ledger.holds(owner, slice_id) == mine
            everything = self.ledger.holds(owner)
            assert {h.hold_id for h in everything} == {
                e.hold_id for e in self.model.live() if e.owner == owner
            }


def _outcome(call: Callable[[], Any]) -> object:
    try:
        return call()
    except EntenteError as error:
        return type(error)


LedgerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_model_predicts_every_answer = LedgerMachine.TestCase
