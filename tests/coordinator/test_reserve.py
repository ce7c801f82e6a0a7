"""The reserve protocol step by step: which commands follow from which event, and in what order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from coordinator.errors import OrderCancelled
from coordinator.protocol import (
    INLINE_ROUNDS,
    ROUNDS_MAX,
    Cancelled,
    Command,
    Confirmed,
    ConfirmRefused,
    ConfirmUnknown,
    Durable,
    Event,
    Fenced,
    Finish,
    Held,
    HoldMismatch,
    HoldRefused,
    HoldUnknown,
    InterconnectMismatch,
    Interrupted,
    Kind,
    Leg,
    NotDurable,
    Part,
    Phase,
    Plan,
    Record,
    Released,
    ReleaseUnknown,
    Result,
    Saga,
    SendConfirm,
    SendHold,
    SendRelease,
    Tick,
    Timing,
    WakeAt,
)
from coordinator.reserve import plan, recover, start, step
from domains.errors import CapacityInsufficient, HoldLapsed, StaleEpoch, StoreFailed, Unreachable
from domains.model import Attachment, Hold, HoldState
from tests.simulation.tenants import CHAIN, TTL_S, leg, lying

TIMING = Timing()
LEGS = range(4)
LOST = Unreachable("lost")


class Machine:
    """A saga and everything it wanted so far; times are seconds after the start."""

    def __init__(self, legs: Sequence[Leg] = (), ending: Plan | None = None) -> None:
        self.wanted: list[Command] = []
        self.records: list[Record] = []
        self.begin = plan("order", legs, TIMING) if ending is None else ending
        self.requests = self.begin.requests
        self._take(start(self.begin, 0.0))

    def _take(self, taken: tuple[Saga, tuple[Command, ...]]) -> list[Command]:
        self.saga, commands = taken
        self.wanted += commands
        self.records += [c for c in commands if isinstance(c, Record)]
        return list(commands)

    def do(self, *events: Event, at_s: float = 0.0) -> list[Command]:
        """What the saga wants after the last of `events`."""
        commands: list[Command] = []
        for event in events:
            commands = self._take(step(self.saga, event, at_s))
        return commands

    def restart(self, at_s: float = 100.0) -> list[Command]:
        """A new incarnation that knows the records alone."""
        records = [(r.kind, r.payload) for r in self.records if "saga" in r.payload]
        taken = recover("order", records, 2, at_s, TIMING)
        assert taken is not None
        return self._take(taken)

    def held(self, leg: int) -> Held:
        return Held(leg, self.answer(leg))

    def confirmed(self, leg: int) -> Confirmed:
        return Confirmed(leg, replace(self.answer(leg), state=HoldState.CONFIRMED))

    def answer(self, leg: int) -> Hold:
        r = self.requests[leg]
        return Hold(
            r.hold_id, r.slice_id, r.tenant, HoldState.HELD, r.profile, r.offer,
            r.attachments, 0.0, r.replaces,
        )  # fmt: skip

    @property
    def outcome(self) -> Finish:
        (finish,) = [c for c in self.wanted if isinstance(c, Finish)]
        return finish


def legs(**more: object) -> list[Leg]:
    return [leg("s", "1", name, 1, 5, **more) for name in CHAIN]  # type: ignore[arg-type]


def holding() -> Machine:
    machine = Machine(legs())
    machine.do(Durable(Kind.HOLDING))
    return machine


def confirming() -> Machine:
    machine = holding()
    machine.do(*(machine.held(leg) for leg in LEGS), Durable(Kind.DECIDED))
    return machine


def kinds(commands: Sequence[Command]) -> list[Kind]:
    return [command.kind for command in commands if isinstance(command, Record)]


def sent(
    commands: Sequence[Command], kind: type[SendHold] | type[SendConfirm] | type[SendRelease]
) -> list[int]:
    return [
        command.leg
        for command in commands
        if isinstance(command, SendHold | SendConfirm | SendRelease) and isinstance(command, kind)
    ]


def test_nothing_is_sent_before_all_ids_are_durable() -> None:
    machine = Machine(legs())
    (record,) = machine.wanted
    assert isinstance(record, Record)
    assert (record.kind, record.durable) == (Kind.HOLDING, True)
    assert [part[:2] for part in record.payload["parts"]] == [[d, f"s/1/{d}"] for d in CHAIN]
    assert machine.do(Tick(), at_s=99.0) == []
    assert sent(machine.do(Durable(Kind.HOLDING)), SendHold) == [0, 1, 2, 3]


def test_no_confirm_before_the_decision_is_durable() -> None:
    machine = holding()
    commands = machine.do(*(machine.held(leg) for leg in LEGS))
    assert kinds(commands) == [Kind.LEG_HELD, Kind.DECIDED]
    assert commands[-1].durable  # type: ignore[union-attr]
    assert not sent(machine.wanted, SendConfirm)
    assert sent(machine.do(Durable(Kind.DECIDED)), SendConfirm) == [0, 1, 2, 3]


def test_all_confirmed_is_the_end_and_the_segments_are_the_outcome() -> None:
    machine = confirming()
    commands = machine.do(*(machine.confirmed(leg) for leg in LEGS))
    assert kinds(commands) == [Kind.LEG_CONFIRMED, Kind.ENDED]
    assert machine.outcome.outcome.result is Result.CONFIRMED
    assert [hold.state for hold in machine.outcome.outcome.holds] == [HoldState.CONFIRMED] * 4
    assert machine.do(machine.confirmed(0), Tick(), at_s=1e6) == []


@pytest.mark.parametrize(
    "event",
    [
        HoldRefused(2, CapacityInsufficient("full")),
        HoldUnknown(2, LOST),
        Cancelled(),
    ],
)
def test_one_leg_that_fails_releases_every_leg_at_once(event: Event) -> None:
    machine = holding()
    machine.do(machine.held(0), machine.held(1))
    commands = machine.do(event)
    assert sent(commands, SendRelease) == [0, 1, 2, 3], "held, refused and unknown alike"
    machine.do(machine.held(3))  # too late
    machine.do(*(Released(leg) for leg in LEGS))
    outcome = machine.outcome.outcome
    assert outcome.result is Result.ABORTED
    assert outcome.error is getattr(event, "error", outcome.error)
    assert outcome.pending == ()


def test_a_silent_domain_is_named_when_the_time_to_hold_is_over() -> None:
    machine = holding()
    machine.do(machine.held(0), machine.held(1), machine.held(3))
    assert machine.do(Tick(), at_s=TIMING.hold_s - 0.01) == []
    assert sent(machine.do(Tick(), at_s=TIMING.hold_s), SendRelease) == [0, 1, 2, 3]
    machine.do(*(Released(leg) for leg in LEGS), at_s=TIMING.hold_s)
    error = machine.outcome.outcome.error
    assert isinstance(error, Unreachable)
    assert error.metadata["domain"] == "core"


@pytest.mark.parametrize(("spare_s", "decided"), [(0.01, True), (0.0, False), (-5.0, False)])
def test_too_little_left_of_the_ttl_is_an_abort(spare_s: float, decided: bool) -> None:
    machine = Machine(legs())
    machine.do(Durable(Kind.HOLDING), at_s=10.0)
    at_s = 10.0 + TTL_S - TIMING.confirm_s - TIMING.margin_s - spare_s
    commands = machine.do(*(machine.held(leg) for leg in LEGS), at_s=at_s)
    assert (Kind.DECIDED in kinds(commands)) is decided
    assert bool(sent(commands, SendRelease)) is not decided


def test_the_shortest_ttl_counts() -> None:
    short = legs()
    short[2] = Leg("core", replace(short[2].request, ttl_s=7.0))
    machine = Machine(short)
    machine.do(Durable(Kind.HOLDING))
    commands = machine.do(*(machine.held(leg) for leg in LEGS), at_s=1.5)
    assert isinstance(machine.saga.error, HoldLapsed)
    assert sent(commands, SendRelease) == [0, 1, 2, 3]


def _lie(hold: Hold, **metrics: int) -> Hold:
    return replace(hold, offer=replace(hold.offer, metrics=replace(hold.offer.metrics, **metrics)))


@pytest.mark.parametrize(
    "worse",
    [
        {"latency_us": 1_001},
        {"price_micros": 11},
        {"availability_ppb": 998_999_999},
        {"downlink_kbps": 0},
        {"uplink_kbps": 0},
        {"devices": 0},
    ],
)
def test_a_domain_that_holds_less_than_it_offered_is_named(worse: dict[str, int]) -> None:
    machine = holding()
    lie = Held(2, _lie(machine.answer(2), **worse))
    machine.do(machine.held(0), lie, machine.held(1), machine.held(3))
    assert isinstance(machine.saga.error, HoldMismatch)
    assert machine.saga.error.metadata["domain"] == "core"
    assert machine.saga.error.metadata["attribute"] == next(iter(worse))
    assert machine.saga.phase is Phase.ABORTING


def test_a_domain_that_holds_more_than_it_offered_is_welcome() -> None:
    machine = holding()
    better = Held(2, _lie(machine.answer(2), latency_us=1, price_micros=1, devices=9))
    machine.do(machine.held(0), better, machine.held(1), machine.held(3))
    assert machine.saga.phase is Phase.DECIDING


@pytest.mark.parametrize("field", ["hold_id", "slice_id", "tenant", "replaces", "state", "profile"])
def test_an_answer_to_another_request_is_a_mismatch(field: str) -> None:
    machine = holding()
    answer = machine.answer(1)
    other = {
        "state": HoldState.LAPSED,
        "profile": replace(answer.profile, downlink_kbps=0),
    }.get(field, "another")
    lie = Held(1, replace(answer, **{field: other}))  # type: ignore[arg-type]
    machine.do(machine.held(0), lie, machine.held(2), machine.held(3))
    assert isinstance(machine.saga.error, HoldMismatch)
    assert machine.saga.error.metadata["field"] == field


def test_a_domain_that_attaches_elsewhere_than_asked_is_named() -> None:
    machine = holding()
    answer = machine.answer(1)
    moved = replace(answer, attachments=(Attachment("b1", 99), answer.attachments[1]))
    machine.do(machine.held(0), Held(1, moved), machine.held(2), machine.held(3))
    assert isinstance(machine.saga.error, InterconnectMismatch)
    assert machine.saga.error.metadata["domain"] == "transport"


def test_neighbours_must_meet_under_one_label() -> None:
    crooked = legs()
    crooked[2] = lying(crooked[2])
    machine = Machine(crooked)
    machine.do(Durable(Kind.HOLDING))
    machine.do(*(machine.held(leg) for leg in LEGS))
    error = machine.saga.error
    assert isinstance(error, InterconnectMismatch)
    assert (error.metadata["border_point"], error.metadata["neighbour"]) == ("b2", "transport")


def test_slices_of_one_order_need_not_meet() -> None:
    two = [*legs(), *(leg("t", "1", name, 1, 77) for name in CHAIN)]
    machine = Machine(two)
    machine.do(Durable(Kind.HOLDING))
    machine.do(*(machine.held(at) for at in range(8)))
    assert machine.saga.phase is Phase.DECIDING


def test_a_decision_that_is_not_durable_is_an_abort() -> None:
    machine = holding()
    machine.do(*(machine.held(leg) for leg in LEGS))
    commands = machine.do(NotDurable(Kind.DECIDED, StoreFailed("full")))
    assert sent(commands, SendRelease) == [0, 1, 2, 3]
    assert not sent(machine.wanted, SendConfirm)


def test_a_plan_that_is_not_durable_ends_with_nothing_sent() -> None:
    machine = Machine(legs())
    commands = machine.do(NotDurable(Kind.HOLDING, StoreFailed("full")))
    assert kinds(commands) == [Kind.ENDED]
    assert machine.outcome.outcome.pending == ()
    assert machine.saga.phase.over


def test_a_cancel_before_the_plan_is_durable_sends_nothing() -> None:
    machine = Machine(legs())
    machine.do(Cancelled(), Durable(Kind.HOLDING))
    assert isinstance(machine.outcome.outcome.error, OrderCancelled)
    assert not sent(machine.wanted, SendHold)


def test_a_cancel_after_the_decision_is_not_heard() -> None:
    machine = confirming()
    assert machine.do(Cancelled()) == []
    assert machine.saga.phase is Phase.CONFIRMING


def test_an_unanswered_confirm_is_sent_again_alone_after_a_pause() -> None:
    machine = confirming()
    wake = machine.do(*(machine.confirmed(leg) for leg in (0, 1, 3)), ConfirmUnknown(2, LOST))
    assert wake == [WakeAt(TIMING.backoff_s)]
    assert sent(machine.do(Tick(), at_s=TIMING.backoff_s), SendConfirm) == [2]
    machine.do(machine.confirmed(2))
    assert machine.outcome.outcome.result is Result.CONFIRMED


def test_a_confirm_that_hangs_is_sent_again() -> None:
    machine = confirming()
    machine.do(*(machine.confirmed(leg) for leg in (0, 1, 3)))
    (wake,) = machine.do(Tick(), at_s=TIMING.call_s)
    assert isinstance(wake, WakeAt)
    assert sent(machine.do(Tick(), at_s=wake.when_s), SendConfirm) == [2]


def test_a_lapsed_leg_after_the_decision_goes_back_everywhere_once_that_is_durable() -> None:
    machine = confirming()
    machine.do(machine.confirmed(0))
    (record,) = machine.do(ConfirmRefused(2, HoldLapsed("late")))
    assert isinstance(record, Record)
    assert (record.kind, record.durable) == (Kind.COMPENSATING, True)
    assert machine.do(machine.confirmed(1), machine.confirmed(3)) == []
    assert sent(machine.do(Durable(Kind.COMPENSATING)), SendRelease) == [0, 1, 2, 3]
    machine.do(*(Released(leg) for leg in LEGS))
    assert machine.outcome.outcome.result is Result.FAILED
    assert isinstance(machine.outcome.outcome.error, HoldLapsed)


def test_a_confirm_nobody_answers_until_the_ttl_is_over_goes_back_everywhere() -> None:
    machine = confirming()
    machine.do(*(machine.confirmed(leg) for leg in (0, 1, 3)))
    (record,) = machine.do(Tick(), at_s=TTL_S)
    assert isinstance(record, Record)
    assert record.kind is Kind.COMPENSATING
    assert record.payload["domain"] == "core"


def test_a_confirm_of_less_than_was_held_goes_back_everywhere() -> None:
    machine = confirming()
    lie = _lie(replace(machine.answer(1), state=HoldState.CONFIRMED), latency_us=2_000)
    assert kinds(machine.do(Confirmed(1, lie))) == [Kind.COMPENSATING]


def test_a_confirm_that_did_not_confirm_goes_back_everywhere() -> None:
    machine = confirming()
    assert kinds(machine.do(Confirmed(1, machine.answer(1)))) == [Kind.COMPENSATING]


def test_compensation_waits_for_the_disk_and_tries_again() -> None:
    machine = confirming()
    machine.do(ConfirmRefused(2, HoldLapsed("late")))
    full = NotDurable(Kind.COMPENSATING, StoreFailed("full"))
    (wake,) = machine.do(full)
    assert isinstance(wake, WakeAt)
    assert kinds(machine.do(Tick(), at_s=wake.when_s)) == [Kind.COMPENSATING]
    for _ in range(INLINE_ROUNDS - 1):
        machine.do(full, Tick(), at_s=1e3)
    assert len(machine.outcome.outcome.pending) == 4
    assert not sent(machine.wanted, SendRelease)
    assert sent(machine.do(Durable(Kind.COMPENSATING)), SendRelease) == [0, 1, 2, 3]


def test_replaced_segments_are_given_back_after_every_confirm_and_only_where_replaced() -> None:
    mixed = legs()
    mixed[1] = Leg("transport", replace(mixed[1].request, replaces="old"))
    machine = Machine(mixed)
    machine.do(Durable(Kind.HOLDING), *(machine.held(leg) for leg in LEGS), Durable(Kind.DECIDED))
    machine.do(*(machine.confirmed(leg) for leg in (0, 1, 2)))
    assert not sent(machine.wanted, SendRelease)
    commands = machine.do(machine.confirmed(3))
    assert kinds(commands) == [Kind.LEG_CONFIRMED, Kind.CONFIRMED]
    assert [c for c in commands if isinstance(c, SendRelease)] == [
        SendRelease(1, "old", "superseded")
    ]
    machine.do(Released(1))
    assert machine.outcome.outcome.result is Result.CONFIRMED
    assert len(machine.outcome.outcome.holds) == 4


def test_a_release_that_is_not_answered_is_told_then_retried_then_left() -> None:
    machine = holding()
    machine.do(HoldRefused(2, CapacityInsufficient("full")))
    machine.do(*(Released(leg) for leg in (0, 1, 3)))
    at_s = 0.0
    for sends in range(1, ROUNDS_MAX + 1):
        told = [c for c in machine.wanted if isinstance(c, Finish)]
        assert bool(told) is (sends > INLINE_ROUNDS)
        commands = machine.do(ReleaseUnknown(2, LOST), at_s=at_s)
        if sends == ROUNDS_MAX:
            break
        wake = commands[-1]
        assert isinstance(wake, WakeAt)
        assert wake.when_s <= at_s + TIMING.backoff_s_max
        at_s = min(wake.when_s, 1.9 * TTL_S)
        machine.saga = replace(machine.saga, wake_s=at_s)
        assert sent(machine.do(Tick(), at_s=at_s), SendRelease) == [2]
    assert machine.outcome.outcome.pending == (("core", "s/1/core"),)
    assert kinds(commands) == [Kind.LEFT]
    assert machine.saga.phase.over


def test_what_was_never_confirmed_is_left_to_lapse_by_itself() -> None:
    machine = holding()
    machine.do(HoldUnknown(2, LOST), *(Released(leg) for leg in (0, 1, 3)))
    assert kinds(machine.do(ReleaseUnknown(2, LOST), at_s=2 * TTL_S)) == [Kind.ENDED]


def test_a_confirmed_segment_is_never_left_to_lapse() -> None:
    machine = confirming()
    machine.do(ConfirmRefused(2, HoldLapsed("late")), Durable(Kind.COMPENSATING))
    machine.do(*(Released(leg) for leg in (1, 2, 3)))
    (wake,) = machine.do(ReleaseUnknown(0, LOST), at_s=10 * TTL_S)
    assert isinstance(wake, WakeAt)


def test_a_termination_is_written_down_then_sent_and_a_failing_disk_leaves_all_as_it_is() -> None:
    parts = tuple(Part(name, f"s/1/{name}", "s") for name in CHAIN)
    ending = Plan("terminate/order", "order", 1, parts, reason="not needed", timing=TIMING)
    machine = Machine(ending=ending)
    assert kinds(machine.wanted) == [Kind.TERMINATING]
    commands = machine.do(Durable(Kind.TERMINATING))
    releases = [c for c in commands if isinstance(c, SendRelease)]
    assert releases == [SendRelease(n, f"s/1/{d}", "not needed") for n, d in enumerate(CHAIN)]
    machine.do(*(Released(leg) for leg in LEGS))
    assert machine.outcome.outcome.result is Result.TERMINATED
    broken = Machine(ending=ending)
    broken.do(NotDurable(Kind.TERMINATING, StoreFailed("full")))
    assert isinstance(broken.outcome.outcome.error, StoreFailed)
    assert not sent(broken.wanted, SendRelease)


def test_recovery_without_a_decision_releases() -> None:
    machine = holding()
    machine.do(machine.held(0))
    assert sent(machine.restart(), SendRelease) == [0, 1, 2, 3]
    assert isinstance(machine.saga.error, Interrupted)
    assert machine.saga.plan.epoch == 2


def test_recovery_with_a_decision_confirms() -> None:
    machine = confirming()
    assert sent(machine.restart(), SendConfirm) == [0, 1, 2, 3]
    machine.do(*(machine.confirmed(leg) for leg in LEGS), at_s=101.0)
    assert machine.outcome.outcome.result is Result.CONFIRMED


def test_recovery_of_a_decision_that_was_then_aborted_releases() -> None:
    machine = holding()
    machine.do(*(machine.held(leg) for leg in LEGS))
    machine.do(NotDurable(Kind.DECIDED, StoreFailed("slow")))
    assert sent(machine.restart(), SendRelease) == [0, 1, 2, 3]


def test_recovery_of_a_compensation_releases() -> None:
    machine = confirming()
    machine.do(ConfirmRefused(2, HoldLapsed("late")), Durable(Kind.COMPENSATING))
    assert sent(machine.restart(), SendRelease) == [0, 1, 2, 3]
    machine.do(*(Released(leg) for leg in LEGS))
    assert machine.outcome.outcome.result is Result.FAILED


def test_recovery_after_all_confirmed_never_goes_back() -> None:
    machine = Machine(legs(replaces="old"))
    machine.do(Durable(Kind.HOLDING), *(machine.held(leg) for leg in LEGS), Durable(Kind.DECIDED))
    machine.do(*(machine.confirmed(leg) for leg in LEGS))
    assert sent(machine.restart(), SendConfirm) == [0, 1, 2, 3]
    machine.do(ConfirmRefused(2, HoldLapsed("superseded since")))
    commands = machine.do(*(machine.confirmed(leg) for leg in (0, 1, 3)), at_s=101.0)
    assert {c.hold_id for c in commands if isinstance(c, SendRelease)} == {"old"}


def test_recovery_of_what_has_ended_does_nothing() -> None:
    machine = confirming()
    machine.do(*(machine.confirmed(leg) for leg in LEGS))
    records = [(r.kind, r.payload) for r in machine.records if "saga" in r.payload]
    assert recover("order", records, 2, 100.0, TIMING) is None


@pytest.mark.parametrize("make", [holding, confirming])
def test_a_fenced_coordinator_tells_its_caller_and_does_nothing_more(make) -> None:  # type: ignore[no-untyped-def]
    machine = make()
    (finish,) = machine.do(Fenced(StaleEpoch("a newer one has taken over")))
    assert isinstance(finish, Finish)
    assert isinstance(finish.outcome.error, StaleEpoch)
    assert machine.do(machine.confirmed(0), Tick(), Durable(Kind.DECIDED), at_s=1e6) == []
