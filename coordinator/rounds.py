"""What the phases of a reservation share: rounds of calls, and how they come to an end.

A round sends to every leg that has not answered yet and waits `call_s`. What is still open after
it is sent again after a pause that doubles. Releases tell the tenant after `INLINE_ROUNDS` and go
on behind the answer; after `ROUNDS_MAX` they are left to `recover`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from coordinator.protocol import (
    INLINE_ROUNDS,
    ROUNDS_MAX,
    Command,
    Finish,
    Kind,
    Mark,
    Outcome,
    Phase,
    Plan,
    Record,
    Result,
    Saga,
    SendConfirm,
    SendRelease,
    Step,
    WakeAt,
)
from domains.errors import EntenteError, Unreachable
from domains.model import Hold

RESULT = {
    Phase.SUPERSEDING: Result.CONFIRMED,
    Phase.ABORTING: Result.ABORTED,
    Phase.COMPENSATING: Result.FAILED,
    Phase.WITHDRAWING: Result.FAILED,
    Phase.TERMINATING: Result.TERMINATED,
}
"""What a saga that is in this phase comes to."""

REASON = {
    Phase.ABORTING: "aborted",
    Phase.COMPENSATING: "compensated",
    Phase.SUPERSEDING: "superseded",
    Phase.TERMINATING: "terminated",
}
"""What a domain is told when it is to release; a termination brings its own."""


def send(saga: Saga, now_s: float) -> Step:
    """Begin the calls of a phase: confirms, or releases of the own or the replaced holds."""
    todo = [p.replaces if saga.phase is Phase.SUPERSEDING else p.hold_id for p in saga.plan.parts]
    marks = tuple(Mark.SENT if hold_id else Mark.DONE for hold_id in todo)
    return _round(replace(saga, marks=marks, round=0), now_s)


def _round(saga: Saga, now_s: float) -> Step:
    wake_s = now_s + saga.plan.timing.call_s
    marks = tuple(Mark.DONE if mark is Mark.DONE else Mark.SENT for mark in saga.marks)
    legs = [leg for leg, mark in enumerate(marks) if mark is Mark.SENT]
    sends: list[Command] = []
    if saga.phase is Phase.CONFIRMING:
        sends = [SendConfirm(leg) for leg in legs]
    else:
        reason = saga.plan.reason or REASON[saga.phase]
        sends = [SendRelease(leg, _released_id(saga, leg), reason) for leg in legs]
    after = replace(saga, marks=marks, round=saga.round + 1, wake_s=wake_s)
    return after, (*sends, WakeAt(wake_s))


def again(saga: Saga, now_s: float) -> Step:
    """The time to wait is over: for answers, or until the next round."""
    if Mark.SENT in saga.marks:
        marks = tuple(Mark.UNKNOWN if mark is Mark.SENT else mark for mark in saga.marks)
        return pause(replace(saga, marks=marks), now_s)
    return _round(saga, now_s)


def unanswered(saga: Saga, leg: int, now_s: float) -> Step:
    marks = (*saga.marks[:leg], Mark.UNKNOWN, *saga.marks[leg + 1 :])
    unknown = replace(saga, marks=marks)
    return (unknown, ()) if Mark.SENT in marks else pause(unknown, now_s)


def pause(saga: Saga, now_s: float) -> Step:
    """A round is over and some did not answer: tell the tenant, wait, or leave it to recovery."""
    timing = saga.plan.timing
    commands: list[Command] = []
    if saga.phase is Phase.CONFIRMING:
        until_s = saga.sent_s + saga.plan.ttl_s
    elif saga.phase is Phase.ABORTING and now_s >= saga.sent_s + 2 * saga.plan.ttl_s:
        return end(saga)  # never confirmed, and no TTL is that long: it has lapsed by itself
    else:
        until_s = now_s + timing.backoff_s_max
        if saga.round >= INLINE_ROUNDS and not saga.told:
            commands.append(Finish(_outcome(saga)))
            saga = replace(saga, told=True)
        if saga.round >= ROUNDS_MAX:
            left = {"saga": saga.plan.saga_id, "pending": [list(p) for p in pending(saga)]}
            return replace(saga, phase=Phase.LEFT), (Record(Kind.LEFT, left), *commands)
    wake_s = min(now_s + timing.backoff_s * 2 ** (saga.round - 1), until_s)
    return replace(saga, wake_s=wake_s), (*commands, WakeAt(wake_s))


def end(saga: Saga) -> Step:
    outcome = _outcome(saga)
    ended = Record(Kind.ENDED, {"saga": saga.plan.saga_id, "result": outcome.result.value})
    after = replace(saga, phase=Phase.ENDED, told=True)
    return after, (ended,) if saga.told else (ended, Finish(outcome))


def _outcome(saga: Saga) -> Outcome:
    result = RESULT[saga.phase]
    holds = tuple(hold for hold in saga.holds if hold is not None)
    return Outcome(
        result,
        holds if result is Result.CONFIRMED else (),
        saga.error,
        pending(saga),
    )


def pending(saga: Saga) -> tuple[tuple[str, str], ...]:
    return tuple(
        (part.domain, _released_id(saga, leg))
        for leg, part in enumerate(saga.plan.parts)
        if saga.marks[leg] is not Mark.DONE
    )


def _released_id(saga: Saga, leg: int) -> str:
    part = saga.plan.parts[leg]
    if saga.phase is not Phase.SUPERSEDING:
        return part.hold_id
    assert part.replaces is not None, "nothing to supersede"
    return part.replaces


def fresh(plan: Plan, phase: Phase, now_s: float) -> Saga:
    count = len(plan.parts)
    return Saga(plan, phase, (Mark.SENT,) * count, (None,) * count, sent_s=now_s)


def answered(saga: Saga, leg: int, hold: Hold | None) -> Saga:
    marks = (*saga.marks[:leg], Mark.DONE, *saga.marks[leg + 1 :])
    holds = (*saga.holds[:leg], hold, *saga.holds[leg + 1 :])
    return Saga(  # by hand: a third of what `replace` costs, twice per leg
        saga.plan, saga.phase, marks, holds, saga.round, saga.sent_s, saga.wake_s, saga.error,
        saga.told,
    )  # fmt: skip


def all_done(saga: Saga) -> bool:
    return saga.marks.count(Mark.DONE) == len(saga.marks)


def silent(saga: Saga, what: str) -> Unreachable:
    domains = [
        part.domain
        for part, mark in zip(saga.plan.parts, saga.marks, strict=True)
        if mark is not Mark.DONE
    ]
    return Unreachable(f"{domains[0]} {what}", domain=domains[0], domains=",".join(domains))


def noted(saga: Saga, kind: Kind, leg: int, error: EntenteError | None = None) -> Record:
    """What one domain answered, for the decision record; recovery does not need it."""
    return Record(kind, {"hold": _released_id(saga, leg), **(why(error) if error else {})}, leg=leg)


def why(error: EntenteError) -> dict[str, Any]:
    return {"error": error.message, "reason": error.reason, **error.metadata}
