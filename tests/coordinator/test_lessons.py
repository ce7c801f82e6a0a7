"""What there is to learn of an order; and learning never stands in anybody's way."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

import pytest

from coordinator.errors import ProposalExpired, ProposalRejected
from coordinator.intent.outcomes import OutcomeKind
from coordinator.lessons import Lesson, Lessons, begun, ended
from coordinator.model import (
    Agreement,
    Preference,
    Proposal,
    ServiceProfile,
    ServiceRelaxation,
    SliceType,
)
from coordinator.records import Failure, Order, OrderKind, OrderState
from domains.errors import CapacityInsufficient, EntenteError, StoreFailed
from domains.model import Attribute, Isolation, Metrics, Relaxation

METRICS = Metrics(1, 1, 1, 1, 1, 1)
ROBOT = ServiceProfile(
    "robot", SliceType.URLLC, 10_000, 999_990_000, 1_000, 1_000, 4, Isolation.SHARED, "berlin"
)
VIDEO = replace(ROBOT, name="video", slice_type=SliceType.EMBB, latency_us_max=80_000)
SLOWER = Relaxation(Attribute.LATENCY, 10_000, 12_000)
LESSON = Lesson("acme", "robots", SliceType.URLLC, Preference())


def order(state: OrderState = OrderState.DONE, error: EntenteError | None = None) -> Order:
    return Order(
        order_id="o", tenant="acme", kind=OrderKind.CREATE, created_at_s=0, request_id="r",
        digest="d", state=state, requested=(ROBOT, VIDEO), services=(ROBOT, VIDEO),
        words=("robots in hall 3", "video calls"), failure=Failure.of(error) if error else None,
    )  # fmt: skip


def proposed(asked: Order) -> Order:
    """The robots can be had slower; the video as it is."""
    wanted = ServiceRelaxation("robot", SLOWER, "transport", SLOWER)
    asked.proposals = (Proposal((wanted,), Agreement(ROBOT, (), METRICS)), None)
    return asked


def kinds(asked: Order) -> list[tuple[str, OutcomeKind, list[str]]]:
    return [
        (lesson.words, lesson.outcome.kind, [q.value for q in lesson.outcome.pressures])
        for lesson in ended(asked)
        if lesson.outcome
    ]


def test_what_was_agreed_as_asked_is_confirmed_and_what_gave_way_is_relaxed() -> None:
    done = order()
    assert [lesson.words for lesson in begun(done)] == ["robots in hall 3", "video calls"]
    done.services = (replace(ROBOT, latency_us_max=12_000), VIDEO)
    assert kinds(done) == [
        ("robots in hall 3", OutcomeKind.RELAXED, ["latency"]),
        ("video calls", OutcomeKind.CONFIRMED, []),
    ]


def test_a_no_is_learned_for_the_service_it_was_about() -> None:
    declined = proposed(order(OrderState.FAILED, ProposalRejected("no")))
    assert kinds(declined) == [("robots in hall 3", OutcomeKind.REFUSED, ["latency"])]
    impossible = order(OrderState.FAILED, CapacityInsufficient("no", service="video"))
    assert kinds(impossible) == [("video calls", OutcomeKind.REFUSED, [])]


def test_what_says_nothing_about_a_preference_is_no_lesson() -> None:
    assert ended(proposed(order(OrderState.FAILED, ProposalExpired("nobody")))) == []
    assert ended(order(OrderState.FAILED, EntenteError("a defect"))) == []
    assert ended(replace(order(), validate_only=True)) == []
    assert ended(replace(order(), kind=OrderKind.UPDATE)) == []
    assert ended(replace(order(), state=OrderState.RESERVING)) == []
    assert ended(replace(order(), words=())) == []


# -- the queue ---------------------------------------------------------------------------------


def test_what_does_not_fit_is_left_out_and_nobody_waits(caplog: pytest.LogCaptureFixture) -> None:
    go, entered, written = threading.Event(), threading.Event(), []

    def slow(lesson: Lesson) -> None:
        entered.set()
        assert go.wait(20)
        written.append(lesson)

    lessons = Lessons(slow, waiting_max=3)
    lessons.add([LESSON])
    assert entered.wait(20)
    lessons.add([LESSON] * 10)
    assert lessons.left_out == 7
    assert caplog.text.count("lessons are left out") == 1
    go.set()
    lessons.close()
    assert len(written) == 4


def test_a_store_that_fails_costs_the_lesson_only(caplog: pytest.LogCaptureFixture) -> None:
    written: list[str] = []

    def broken(lesson: Lesson) -> None:
        if not written:
            written.append("lost")
            raise StoreFailed("the disk is full")
        if len(written) == 1:
            written.append("lost too")
            raise ZeroDivisionError
        written.append(lesson.words)

    lessons = Lessons(broken)
    with caplog.at_level(logging.WARNING):
        lessons.add([LESSON] * 3)
        lessons.close()
    assert written == ["lost", "lost too", "robots"]
    assert "STORE_FAILED" in caplog.text


def test_closing_writes_what_waits_and_can_be_done_twice() -> None:
    written: list[Lesson] = []
    lessons = Lessons(written.append)
    lessons.add([LESSON] * 100)
    lessons.close()
    lessons.close()
    assert len(written) == 100
