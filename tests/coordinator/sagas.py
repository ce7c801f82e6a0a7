"""A saga in the hand of a test: what it wants after each event, and what it wrote down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from coordinator.protocol import (
    Command,
    Confirmed,
    Durable,
    Event,
    Finish,
    Held,
    Kind,
    Leg,
    Plan,
    Record,
    Saga,
    SendConfirm,
    SendHold,
    SendRelease,
    Timing,
)
from coordinator.reserve import plan, recover, start, step
from domains.errors import Unreachable
from domains.model import Hold, HoldState
from tests.simulation.tenants import CHAIN, leg

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


def lie_about(hold: Hold, **metrics: int) -> Hold:
    return replace(hold, offer=replace(hold.offer, metrics=replace(hold.offer.metrics, **metrics)))
