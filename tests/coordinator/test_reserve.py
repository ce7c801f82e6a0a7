"""The reserve protocol up to the decision: which commands follow from which event, in order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordinator.errors import OrderCancelled
from coordinator.protocol import (
    Cancelled,
    Durable,
    Event,
    Held,
    HoldMismatch,
    HoldRefused,
    HoldUnknown,
    InterconnectMismatch,
    Kind,
    Leg,
    NotDurable,
    Phase,
    Record,
    Released,
    Result,
    SendConfirm,
    SendHold,
    SendRelease,
    Tick,
)
from domains.errors import CapacityInsufficient, HoldLapsed, StoreFailed, Unreachable
from domains.model import Attachment, HoldState
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
from tests.simulation.tenants import CHAIN, TTL_S, leg, lying


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
    lie = Held(2, lie_about(machine.answer(2), **worse))
    machine.do(machine.held(0), lie, machine.held(1), machine.held(3))
    assert isinstance(machine.saga.error, HoldMismatch)
    assert machine.saga.error.metadata["domain"] == "core"
    assert machine.saga.error.metadata["attribute"] == next(iter(worse))
    assert machine.saga.phase is Phase.ABORTING


def test_a_domain_that_holds_more_than_it_offered_is_welcome() -> None:
    machine = holding()
    better = Held(2, lie_about(machine.answer(2), latency_us=1, price_micros=1, devices=9))
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
