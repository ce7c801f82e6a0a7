"""The reserve protocol from the decision on: confirm everywhere, or take it all back; recovery."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordinator.protocol import (
    INLINE_ROUNDS,
    ROUNDS_MAX,
    Confirmed,
    ConfirmRefused,
    ConfirmUnknown,
    Durable,
    Fenced,
    Finish,
    HoldRefused,
    HoldUnknown,
    Interrupted,
    Kind,
    Leg,
    NotDurable,
    Part,
    Plan,
    Record,
    Released,
    ReleaseUnknown,
    Result,
    SendConfirm,
    SendRelease,
    Tick,
    WakeAt,
)
from coordinator.reserve import recover
from domains.errors import CapacityInsufficient, HoldLapsed, StaleEpoch, StoreFailed
from domains.model import HoldState
from tests.coordinator.sagas import (
    LEGS,
    LOST,
    TIMING,
    Machine,
    confirming,
    holding,
    kinds,
    legs,
    lie_about,
    sent,
)
from tests.simulation.tenants import CHAIN, TTL_S


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
    lie = lie_about(replace(machine.answer(1), state=HoldState.CONFIRMED), latency_us=2_000)
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
