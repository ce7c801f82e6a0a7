"""The reserve protocol as a pure step function: what happened -> what to do next.

    hold everywhere -> decide, durably -> confirm everywhere; or release everywhere

Nothing here waits, reads a clock or touches a disk, so a simulator can put every fault between
any two steps. What makes the guarantees hold:

* every id is written down before it is sent (`HOLDING`), so that nothing is ever held unknown;
* the decision is durable before the first confirm: recovery confirms with it (idempotently), and
  without it releases (presumed abort);
* an abort releases every leg, whatever it answered: for an unknown id the domain keeps a
  tombstone, so a hold that arrives later is refused;
* no leg waits while another holds: one refusal releases everything at once;
* TTLs are counted from before the first hold was sent, so they only ever look too short.

Times are monotonic seconds of this process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from coordinator.answers import gap, mismatch
from coordinator.errors import OrderCancelled
from coordinator.protocol import (
    Cancelled,
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
    Interrupted,
    Kind,
    Leg,
    Mark,
    NotDurable,
    Outcome,
    Part,
    Phase,
    Plan,
    Record,
    Released,
    ReleaseUnknown,
    Result,
    Saga,
    SendHold,
    Step,
    Tick,
    Timing,
    WakeAt,
)
from coordinator.rounds import (
    again,
    all_done,
    answered,
    end,
    fresh,
    noted,
    pause,
    pending,
    send,
    silent,
    unanswered,
    why,
)
from domains.errors import EntenteError, HoldLapsed, Refused
from domains.model import Hold, HoldState


def plan(order_id: str, legs: Sequence[Leg], timing: Timing) -> Plan:
    """A plan to hold and confirm `legs`; neighbours of a chain stand side by side.

    The id of the saga is that of its first hold, which differs from attempt to attempt.
    """
    assert legs, "an order without legs"
    requests = tuple(leg.request for leg in legs)
    assert len({request.hold_id for request in requests}) == len(legs), "a hold id twice"
    assert len({request.epoch for request in requests}) == 1, "legs of two incarnations"
    return Plan(
        saga_id=requests[0].hold_id,
        order_id=order_id,
        epoch=requests[0].epoch,
        parts=tuple(
            Part(leg.domain, leg.request.hold_id, leg.request.slice_id, leg.request.replaces)
            for leg in legs
        ),
        requests=requests,
        ttl_s=min(request.ttl_s for request in requests),
        timing=timing,
    )


def start(plan: Plan, now_s: float) -> Step:
    """Begin: with requests a reservation, without them the termination of `plan.parts`."""
    kind = Kind.HOLDING if plan.requests else Kind.TERMINATING
    saga = fresh(plan, Phase.OPENING, now_s)
    payload = {
        "saga": plan.saga_id,
        "epoch": plan.epoch,
        "ttl_s": plan.ttl_s,
        "reason": plan.reason,
        "parts": [[p.domain, p.hold_id, p.slice_id, p.replaces] for p in plan.parts],
    }
    return saga, (Record(kind, payload, durable=True),)


def recover(
    order_id: str,
    records: Sequence[tuple[Kind, Mapping[str, Any]]],
    epoch: int,
    now_s: float,
    timing: Timing,
) -> Step | None:
    """Take up a saga from its journal records alone, in order; None where nothing is left to do.

    Args:
        epoch: of this incarnation, under which everything is sent from now on.
    """
    first, opening = records[0]
    assert first in (Kind.HOLDING, Kind.TERMINATING), first
    kinds = {kind for kind, _ in records}
    if Kind.ENDED in kinds:
        return None
    plan = Plan(
        saga_id=opening["saga"],
        order_id=order_id,
        epoch=epoch,
        parts=tuple(Part(*part) for part in opening["parts"]),
        ttl_s=opening["ttl_s"],
        reason=opening["reason"],
        settled=Kind.CONFIRMED in kinds,
        timing=timing,
    )
    saga = fresh(plan, Phase.OPENING, now_s)
    if first is Kind.TERMINATING:
        return send(replace(saga, phase=Phase.TERMINATING), now_s)
    if Kind.COMPENSATING in kinds:
        why = next(payload["error"] for kind, payload in records if kind is Kind.COMPENSATING)
        return send(replace(saga, phase=Phase.COMPENSATING, error=Refused(why)), now_s)
    if Kind.CONFIRMED in kinds or (Kind.DECIDED in kinds and Kind.ABORTING not in kinds):
        return send(replace(saga, phase=Phase.CONFIRMING), now_s)
    return _abort(saga, Interrupted("the coordinator restarted before it had decided"), now_s)


def step(saga: Saga, event: Event, now_s: float) -> Step:
    """The next state and what to do. An event that no longer matters changes nothing."""
    if saga.phase.over:
        return saga, ()
    if isinstance(event, Fenced):
        fenced = replace(saga, phase=Phase.FENCED, error=event.error, told=True)
        outcome = Outcome(Result.FAILED, error=event.error, pending=pending(saga))
        return fenced, () if saga.told else (Finish(outcome),)
    return _HANDLER.get(saga.phase, _releasing)(saga, event, now_s)


def _opening(saga: Saga, event: Event, now_s: float) -> Step:
    match event:
        case Durable(Kind.TERMINATING):
            return send(replace(saga, phase=Phase.TERMINATING), now_s)
        case Durable(Kind.HOLDING) if saga.error is None:
            wake_s = now_s + saga.plan.timing.hold_s
            holding = replace(saga, phase=Phase.HOLDING, sent_s=now_s, wake_s=wake_s)
            sends = [SendHold(leg) for leg in range(len(saga.plan.parts))]
            return holding, (*sends, WakeAt(wake_s))
        case Durable():
            return end(_unsent(saga))
        case NotDurable(error=error):
            return end(_unsent(replace(saga, error=error)))
        case Cancelled() if saga.plan.requests:
            return replace(saga, error=OrderCancelled("cancelled by the tenant")), ()
    return saga, ()


def _unsent(saga: Saga) -> Saga:
    """Over before anything was sent: there is nothing to release."""
    return replace(saga, phase=Phase.ABORTING, marks=(Mark.DONE,) * len(saga.marks))


def _holding(saga: Saga, event: Event, now_s: float) -> Step:
    match event:
        case Held(leg, hold) if saga.marks[leg] is not Mark.DONE:
            held = answered(saga, leg, hold)
            note = noted(saga, Kind.LEG_HELD, leg)
            if all_done(held):
                after, commands = _decide(held, now_s)
                return after, (note, *commands)
            return held, (note,)
        case HoldRefused(leg, error) | HoldUnknown(leg, error):
            aborting, commands = _abort(saga, error, now_s)
            return aborting, (noted(saga, Kind.LEG_REFUSED, leg, error), *commands)
        case Tick() if now_s >= saga.wake_s:
            return _abort(saga, silent(saga, "has not answered a hold in time"), now_s)
        case Cancelled():
            return _abort(saga, OrderCancelled("cancelled by the tenant"), now_s)
    return saga, ()


def _decide(saga: Saga, now_s: float) -> Step:
    """All are held: confirm only what is as asked, fits together and will live long enough."""
    plan, timing = saga.plan, saga.plan.timing
    holds = cast(tuple[Hold, ...], saga.holds)
    for part, request, hold in zip(plan.parts, plan.requests, holds, strict=True):
        if error := mismatch(part.domain, request, hold, HoldState.HELD):
            return _abort(saga, error, now_s)
    if error := gap([part.domain for part in plan.parts], holds):
        return _abort(saga, error, now_s)
    left_s = saga.sent_s + plan.ttl_s - now_s
    if left_s <= timing.confirm_s + timing.margin_s:
        late = HoldLapsed(
            "too little is left of the shortest time to live",
            requested=timing.confirm_s + timing.margin_s,
            achievable=round(left_s, 3),
            unit="s",
        )
        return _abort(saga, late, now_s)
    decided = Record(Kind.DECIDED, {"saga": plan.saga_id}, durable=True)
    return replace(saga, phase=Phase.DECIDING), (decided,)


def _deciding(saga: Saga, event: Event, now_s: float) -> Step:
    match event:
        case Durable(Kind.DECIDED):
            return send(replace(saga, phase=Phase.CONFIRMING), now_s)
        case NotDurable(Kind.DECIDED, error):
            return _abort(saga, error, now_s)
    return saga, ()


def _confirming(saga: Saga, event: Event, now_s: float) -> Step:
    match event:
        case Confirmed(leg, hold) if saga.marks[leg] is not Mark.DONE:
            error = _misconfirmed(saga, leg, hold)
            if error and not saga.plan.settled:
                return _withdraw(saga, error)
            confirmed = answered(saga, leg, hold)
            note = noted(saga, Kind.LEG_CONFIRMED, leg)
            if all_done(confirmed):
                after, commands = _supersede(confirmed, now_s)
                return after, (note, *commands)
            return confirmed, (note,)
        case ConfirmRefused(leg) if saga.plan.settled and saga.marks[leg] is not Mark.DONE:
            passed = answered(saga, leg, None)
            return _supersede(passed, now_s) if all_done(passed) else (passed, ())
        case ConfirmRefused(leg, error) if saga.marks[leg] is not Mark.DONE:
            return _withdraw(saga, error)
        case ConfirmUnknown(leg) if saga.marks[leg] is Mark.SENT:
            return unanswered(saga, leg, now_s)
        case Tick() if now_s >= saga.sent_s + saga.plan.ttl_s:
            if saga.plan.settled:
                return _supersede(saga, now_s)
            return _withdraw(saga, silent(saga, "has not answered a confirm in time"))
        case Tick() if now_s >= saga.wake_s:
            return again(saga, now_s)
    return saga, ()


def _misconfirmed(saga: Saga, leg: int, hold: Hold) -> EntenteError | None:
    part = saga.plan.parts[leg]
    if saga.plan.requests:
        return mismatch(part.domain, saga.plan.requests[leg], hold, HoldState.CONFIRMED)
    if (hold.hold_id, hold.state) != (part.hold_id, HoldState.CONFIRMED):
        return HoldMismatch(f"{part.domain} answered another hold", domain=part.domain)
    return None  # after a restart no more than the id is known


def _supersede(saga: Saga, now_s: float) -> Step:
    """All are confirmed: give back what they replace, if anything, and only now."""
    superseding = replace(saga, phase=Phase.SUPERSEDING)
    if not any(part.replaces for part in saga.plan.parts):
        return end(superseding)
    after, commands = send(superseding, now_s)
    return after, (Record(Kind.CONFIRMED, {"saga": saga.plan.saga_id}), *commands)


def _abort(saga: Saga, error: EntenteError, now_s: float) -> Step:
    """Undecided: release every leg at once, held, refused or unknown alike."""
    aborting = replace(saga, phase=Phase.ABORTING, error=error)
    after, commands = send(aborting, now_s)
    return after, (Record(Kind.ABORTING, {"saga": saga.plan.saga_id, **why(error)}), *commands)


def _withdraw(saga: Saga, error: EntenteError) -> Step:
    """Decided, yet one leg is lost: write down that it all goes back, before any of it does."""
    record = Record(Kind.COMPENSATING, {"saga": saga.plan.saga_id, **why(error)}, durable=True)
    marks = (Mark.UNKNOWN,) * len(saga.marks)
    withdrawing = replace(saga, phase=Phase.WITHDRAWING, marks=marks, error=error, round=0)
    return withdrawing, (record,)


def _withdrawing(saga: Saga, event: Event, now_s: float) -> Step:
    match event:
        case Durable(Kind.COMPENSATING):
            return send(replace(saga, phase=Phase.COMPENSATING), now_s)
        case NotDurable(Kind.COMPENSATING):
            return pause(replace(saga, round=saga.round + 1), now_s)
        case Tick() if now_s >= saga.wake_s and saga.error:
            again, commands = _withdraw(saga, saga.error)
            return replace(again, round=saga.round), commands
    return saga, ()


def _releasing(saga: Saga, event: Event, now_s: float) -> Step:
    match event:
        case Released(leg) if saga.marks[leg] is not Mark.DONE:
            released = answered(saga, leg, saga.holds[leg])
            note = noted(saga, Kind.LEG_RELEASED, leg)
            if all_done(released):
                ended, commands = end(released)
                return ended, (note, *commands)
            if Mark.SENT not in released.marks:
                paused, commands = pause(released, now_s)
                return paused, (note, *commands)
            return released, (note,)
        case ReleaseUnknown(leg) if saga.marks[leg] is Mark.SENT:
            return unanswered(saga, leg, now_s)
        case Tick() if now_s >= saga.wake_s:
            return again(saga, now_s)
    return saga, ()


_HANDLER: Mapping[Phase, Callable[[Saga, Event, float], Step]] = {
    Phase.OPENING: _opening,
    Phase.HOLDING: _holding,
    Phase.DECIDING: _deciding,
    Phase.CONFIRMING: _confirming,
    Phase.WITHDRAWING: _withdrawing,
}
