"""A model predicts the exact answer of every call of the ledger, each made twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domains.errors import EntenteError
from domains.ledger import Ledger
from domains.model import Attachment, HoldRequest, HoldState
from domains.records import Record, What
from tests.domains.ledger_model import (
    CAPACITIES,
    FUNCTIONS,
    LIMITS,
    Model,
    demand_of,
    request_of,
)

OWNERS = st.sampled_from(["amber", "blue", "blue", "amber", "cyan"])
IDS = st.sampled_from([f"hold-{i}" for i in range(7)])
EPOCHS = st.sampled_from([1, 1, 1, 1, 1, 2, 3])
TTLS = st.sampled_from([1.0, 3.0, 8.0, 8.0, 8.5, 0.0, -1.0, float("nan"), float("inf")])
LABELS = st.sets(st.sampled_from([Attachment("west", 16), Attachment("east", 17)]))


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
