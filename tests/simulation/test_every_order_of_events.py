"""Small scope, no chance: two slices, two domains, one fault anywhere, every order of events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pytest

from coordinator.protocol import (
    Confirmed,
    ConfirmRefused,
    ConfirmUnknown,
    Durable,
    Event,
    Held,
    HoldRefused,
    HoldUnknown,
    Kind,
    Phase,
    Record,
    Released,
    ReleaseUnknown,
    Saga,
    SendConfirm,
    SendHold,
    SendRelease,
    Step,
    Tick,
    Timing,
)
from coordinator.reserve import plan, recover, start, step
from domains.errors import EntenteError, StaleEpoch, Unreachable
from domains.ledger import Ledger
from domains.ledger import Record as Row
from domains.model import Hold, HoldState
from tests.simulation.tenants import leg

DOMAINS = ("access", "transport")
TIMING = Timing()
LOST = Unreachable("lost")
PLANS = [plan(f"{n}", [leg(f"{n}", "1", d, 1, n) for d in DOMAINS], TIMING) for n in (0, 1)]
UNKNOWN: Mapping[str, Callable[[int, EntenteError], Event]] = {
    "hold": HoldUnknown,
    "confirm": ConfirmUnknown,
    "release": ReleaseUnknown,
}


class Message(NamedTuple):
    """A request under way, its answer under way, or a flush that is not done."""

    what: str
    order: int
    leg: int
    epoch: int
    answer: str = ""
    mark: int = 0


Live = tuple[tuple[str, HoldState, bool], ...]
"""Rows of one domain: hold id, state, whether it is a tombstone."""


@dataclass(frozen=True)
class State:
    sagas: tuple[Saga, ...]
    lines: tuple[tuple[int, Kind], ...]
    durable: int
    rows: tuple[Live, ...]
    epochs: tuple[int, ...]
    network: tuple[Message, ...]
    epoch: int = 1
    faults: int = 1
    alone: bool = False  # answers travel on their own

    def key(self) -> object:
        sagas = tuple(
            (s.phase, s.marks, s.round, s.wake_s, s.told, tuple(h and h.state for h in s.holds))
            for s in self.sagas
        )
        rest = (self.lines, self.durable, self.rows, self.epochs, self.epoch, self.faults)
        return sagas, rest, tuple(sorted(self.network))


PAYLOADS: dict[tuple[int, Kind], Mapping[str, Any]] = {}


def taken(state: State, order: int, step_taken: Step) -> State:
    """Carry out what a saga wants: into the network, into the journal."""
    saga, commands = step_taken
    network, lines = list(state.network), list(state.lines)
    for command in commands:
        match command:
            case SendHold(at):
                assert (order, Kind.HOLDING) in lines[: state.durable], "sent, not written down"
                network.append(Message("hold", order, at, state.epoch))
            case SendConfirm(at):
                assert (order, Kind.DECIDED) in lines[: state.durable], "G6"
                network.append(Message("confirm", order, at, state.epoch))
            case SendRelease(at):
                network.append(Message("release", order, at, state.epoch))
            case Record(kind, payload, durable):
                if "saga" in payload:
                    PAYLOADS[order, kind] = payload
                    lines.append((order, kind))
                if durable:
                    network.append(Message(f"flush {kind}", order, -1, state.epoch, "", len(lines)))
    sagas = tuple(saga if n == order else s for n, s in enumerate(state.sagas))
    return replace(state, sagas=sagas, network=tuple(network), lines=tuple(lines))


def without(state: State, message: Message) -> State:
    network = list(state.network)
    network.remove(message)
    return replace(state, network=tuple(network))


def served(state: State, message: Message) -> State:
    """The request arrives; its answer is under way."""
    at = message.leg
    request = replace(PLANS[message.order].requests[at], epoch=message.epoch)
    rows = [
        Row(i, "owner", None if tomb else _hold(i), request.ttl_s, {"units": 1}, s)
        for i, s, tomb in state.rows[at]
    ]
    ledger = Ledger({"units": 1}, records=rows, epochs={"owner": state.epochs[at]})
    answer = "done"
    try:
        match message.what:
            case "hold":
                ledger.hold("owner", request, {"units": 1}, (), 0.0)
            case "confirm":
                ledger.confirm("owner", request.hold_id, message.epoch, 0.0)
            case _:
                ledger.release("owner", request.hold_id, message.epoch, "", 0.0)
    except StaleEpoch:
        answer = "stale"
    except EntenteError:
        answer = "refused"
    now = {i: (i, s, tomb) for i, s, tomb in state.rows[at]}
    for change in ledger.take():
        if change.record is not None:
            row = change.record
            now[row.hold_id] = (row.hold_id, row.state, row.hold is None)
    all_rows = tuple(
        tuple(sorted(now.values())) if n == at else r for n, r in enumerate(state.rows)
    )
    epochs = tuple(max(e, message.epoch) if n == at else e for n, e in enumerate(state.epochs))
    after = replace(state, rows=all_rows, epochs=epochs)
    return replace(after, network=(*after.network, message._replace(answer=answer)))


def _hold(hold_id: str, state: HoldState = HoldState.HELD) -> Hold:
    (r,) = [r for p in PLANS for r in p.requests if r.hold_id == hold_id]
    return Hold(
        r.hold_id, r.slice_id, r.tenant, state, r.profile, r.offer, r.attachments, r.ttl_s
    )  # fmt: skip


def event_of(message: Message) -> Event:
    hold_id = PLANS[message.order].requests[message.leg].hold_id
    if message.answer == "lost":
        return UNKNOWN[message.what](message.leg, LOST)
    match message.what, message.answer:
        case "hold", "done":
            return Held(message.leg, _hold(hold_id))
        case "hold", _:
            return HoldRefused(message.leg, LOST)
        case "confirm", "done":
            return Confirmed(message.leg, _hold(hold_id, HoldState.CONFIRMED))
        case "confirm", _:
            return ConfirmRefused(message.leg, LOST)
        case "release", "done":
            return Released(message.leg)
    return ReleaseUnknown(message.leg, LOST)


def next_states(state: State) -> Iterator[State]:
    """Every order of requests, flushes and (where `alone`) answers, and every place of a fault."""
    for message in sorted(set(state.network)):
        rest = without(state, message)
        if message.what.startswith("flush"):
            yield from _flushed(rest, message)
        elif message.answer:
            yield _delivered(rest, message)
        else:
            yield from _arrived(state, rest, message)
    for order, saga in enumerate(state.sagas):
        if not saga.phase.over and not any(m.order == order for m in state.network):
            yield taken(state, order, step(saga, Tick(), saga.wake_s))  # nothing else will come
    if state.faults:
        yield crashed(state)


def _flushed(rest: State, message: Message) -> Iterator[State]:
    flushed = replace(rest, durable=max(rest.durable, message.mark))
    done = Durable(Kind(message.what.removeprefix("flush ")))
    yield taken(flushed, message.order, step(rest.sagas[message.order], done, 0.0))
    if rest.faults:
        yield crashed(flushed)


def _delivered(rest: State, message: Message) -> State:
    if message.epoch != rest.epoch:
        return rest  # whoever asked is gone
    return taken(rest, message.order, step(rest.sagas[message.order], event_of(message), 0.0))


def _arrived(state: State, rest: State, message: Message) -> Iterator[State]:
    after = served(rest, message)
    if state.alone:
        yield after
    else:
        yield _delivered(replace(after, network=rest.network), after.network[-1])
    if state.faults:
        lost = message._replace(answer="lost")
        faulted = replace(rest, faults=0)
        yield _delivered(faulted, lost)
        yield _delivered(replace(after, faults=0, network=rest.network), lost)
        twice = _delivered(replace(after, faults=0, network=rest.network), after.network[-1])
        yield replace(twice, network=(*twice.network, message))  # and it arrives again later
        yield crashed(after)


def crashed(state: State) -> State:
    """The coordinator is gone with all that was not durable; requests still arrive."""
    lines = state.lines[: state.durable]
    network = tuple(m for m in state.network if not m.answer and "flush" not in m.what)
    after = replace(state, lines=lines, network=network, epoch=state.epoch + 1, faults=0)
    for order in range(len(PLANS)):
        records = [(kind, PAYLOADS[of, kind]) for of, kind in lines if of == order]
        ended = replace(after.sagas[order], phase=Phase.ENDED)
        resumed = recover(f"{order}", records, after.epoch, 0.0, TIMING) if records else None
        after = taken(after, order, resumed or (ended, ()))
    return after


def check_end(state: State) -> None:
    for order, saga in enumerate(state.sagas):
        assert saga.phase.over, f"stuck in {saga.phase}"
        mine = {r.hold_id for r in PLANS[order].requests}
        live = [s for rows in state.rows for i, s, _ in rows if i in mine and s.live]
        assert live in ([], [HoldState.CONFIRMED] * 2), f"G2: {live}"


def explored(faults: int) -> tuple[int, int, int]:
    """States, final states, and how many of those have a confirmed slice."""
    begin = State((), (), 0, ((), ()), (1, 1), (), faults=faults, alone=not faults)
    begin = replace(begin, sagas=tuple(start(p, 0.0)[0] for p in PLANS))
    for order, p in enumerate(PLANS):
        begin = taken(begin, order, start(p, 0.0))
    seen, todo, finals, served_ = {begin.key()}, deque([begin]), 0, 0
    while todo:
        state = todo.popleft()
        if not state.network and all(saga.phase.over for saga in state.sagas):
            check_end(state)
            finals += 1
            served_ += any(s is HoldState.CONFIRMED for rows in state.rows for _, s, _ in rows)
        for after in next_states(state):
            if (key := after.key()) not in seen:
                seen.add(key)
                todo.append(after)
    return len(seen), finals, served_


@pytest.mark.timeout(120)
@pytest.mark.parametrize("faults", [0, 1])
def test_every_order_of_events_ends_with_all_or_nothing(faults: int) -> None:
    states, finals, confirmed = explored(faults)
    print(f"\n{faults} faults: {states:,} states, {finals} final, {confirmed} with a slice")
    assert 0 < confirmed < finals, "some orders of events confirm, others refuse"
