"""Carries out what `reserve` decides: sends, waits, writes down, wakes.

The calls of a phase start together, each in a task of its own; one timer per saga bounds every
wait. What a saga still has to do after the tenant has its answer goes on in the background.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from coordinator.clock import Clock
from coordinator.errors import OrderCancelled
from coordinator.journal import Journal
from coordinator.protocol import (
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
    HoldRefused,
    HoldUnknown,
    Kind,
    Leg,
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
    SendConfirm,
    SendHold,
    SendRelease,
    Tick,
    Timing,
    WakeAt,
)
from coordinator.reserve import plan, recover, start, step
from domains.errors import EntenteError, Overloaded, StaleEpoch, StoreFailed, Unreachable
from domains.model import Hold
from domains.port import Domain

__all__ = ["Leg", "Outcome", "Reserver", "Result", "Timing"]

STEP = "reserve"
"""Under this step the journal has everything that this module writes."""

SAGA = "saga"
"""Snapshots of this kind mark the sagas that have not ended; the records say the rest."""

RECOVERED_TOGETHER_MAX = 64

TEXT = {
    Kind.HOLDING: "every domain is asked to hold its part",
    Kind.DECIDED: "all parts are held: decided to confirm",
    Kind.CONFIRMED: "all parts are confirmed: what they replace is given back",
    Kind.ABORTING: "not to be had everywhere: everything is released",
    Kind.COMPENSATING: "a part was lost after the decision: everything is released",
    Kind.TERMINATING: "every domain is asked to give its part back",
    Kind.ENDED: "the reservation has ended",
    Kind.LEFT: "a domain does not answer: left until it does",
    Kind.LEG_HELD: "holds its part",
    Kind.LEG_REFUSED: "does not hold its part",
    Kind.LEG_CONFIRMED: "confirmed its part",
    Kind.LEG_RELEASED: "gave its part back",
}


class _Run:
    """One saga at work: its state, its mail and its alarm clock."""

    __slots__ = ("_mail", "_timer", "_waiter", "saga")

    def __init__(self, saga: Saga) -> None:
        self.saga = saga
        self._mail: deque[Event] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def post(self, event: Event) -> None:
        self._mail.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> Event:
        if not self._mail:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._mail.popleft()

    def wake(self, when_s: float, clock: Clock) -> None:
        self.sleep()
        left_s = when_s - clock.monotonic_s()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, left_s), self._ring, when_s, clock)

    def sleep(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self, when_s: float, clock: Clock) -> None:
        if clock.monotonic_s() < when_s:  # timers may be early by a tick, the step may not
            self.wake(when_s, clock)
        else:
            self.post(Tick())


class Reserver:
    """Reservations and terminations over domains; one per coordinator.

    Close it before its journal. It does not retry with other offers: that is its caller's.
    """

    def __init__(
        self,
        domains: Mapping[str, Domain],
        journal: Journal,
        clock: Clock,
        timing: Timing | None = None,
    ) -> None:
        self._domains = domains
        self._journal = journal
        self._clock = clock
        self._timing = timing or Timing()
        self._running: dict[str, _Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def reserve(self, order_id: str, legs: Sequence[Leg]) -> Mapping[str, Hold]:
        """Confirm every leg, or none: hold id -> segment.

        Neighbours of a chain stand side by side in `legs`. What the caller keeps in the journal
        without waiting in between becomes durable together with the end of the saga.

        Raises:
            EntenteError: why not: a domain's own reason (its name is in the metadata),
                HOLD_MISMATCH, INTERCONNECT_MISMATCH, Unreachable, StoreFailed. Everything has
                been released, or is being released.
        """
        self._journal.admit()
        outcome = await self._begin(plan(order_id, legs, self._timing))
        if outcome.error is not None:
            raise outcome.error
        return {hold.hold_id: hold for hold in outcome.holds}

    async def terminate(
        self, order_id: str, slice_id: str, segments: Iterable[tuple[str, str]], reason: str
    ) -> Sequence[tuple[str, str]]:
        """Give back (domain, hold id) everywhere, once that is durably decided.

        Returns those that have not answered yet: they are asked until they do.

        Raises:
            StoreFailed: nothing was done.
        """
        parts = tuple(Part(domain, hold_id, slice_id) for domain, hold_id in segments)
        if not parts:
            return ()
        ending = Plan(
            saga_id=f"terminate/{order_id}/{self._journal.head.sequence}",
            order_id=order_id,
            epoch=self._journal.epoch,
            parts=parts,
            reason=reason or "terminated",
            timing=self._timing,
        )
        outcome = await self._begin(ending)
        if outcome.error is not None:
            raise outcome.error
        return outcome.pending

    async def recover(self) -> Mapping[str, Outcome]:
        """Take up every saga that has not ended, at start or when a domain is back.

        Returns what became of each order, by the last saga it began; bounded by the longest TTL.
        """
        open_sagas = [
            (saga_id, body["order"])
            for saga_id, body in self._journal.load(SAGA)
            if saga_id not in self._running
        ]
        ended: list[tuple[int, str, Outcome] | None] = []
        for at in range(0, len(open_sagas), RECOVERED_TOGETHER_MAX):
            together = open_sagas[at : at + RECOVERED_TOGETHER_MAX]
            ended += await asyncio.gather(*(self._resume(*pair) for pair in together))
        in_order = sorted(filter(None, ended), key=lambda one: one[0])
        return {order_id: outcome for _, order_id, outcome in in_order}

    async def close(self) -> None:
        """Stop what goes on in the background; the journal has it for the next start."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _resume(self, saga_id: str, order_id: str) -> tuple[int, str, Outcome] | None:
        """None where someone else took it up since it was found open, or has ended it."""
        if saga_id in self._running:
            return None
        entries = [
            entry
            for entry in self._journal.entries(order_id=order_id)
            if entry.step == STEP and entry.detail.get("saga") == saga_id
        ]
        records = [(Kind(entry.event), entry.detail) for entry in entries]
        epoch, now_s = self._journal.epoch, self._clock.monotonic_s()
        taken_up = recover(order_id, records, epoch, now_s, self._timing)
        if taken_up is None:
            return None
        saga, commands = taken_up
        run = self._running[saga_id] = _Run(saga)
        return entries[0].sequence, order_id, await self._drive(run, commands)

    async def _begin(self, plan: Plan) -> Outcome:
        assert plan.saga_id not in self._running, "an attempt is made once"
        saga, commands = start(plan, self._clock.monotonic_s())
        run = self._running[plan.saga_id] = _Run(saga)
        self._journal.keep(SAGA, plan.saga_id, {"order": plan.order_id})
        try:
            return await self._drive(run, commands)
        except asyncio.CancelledError:
            self._cancelled(run)
            raise

    def _cancelled(self, run: _Run) -> None:
        """Undecided it is aborted behind the caller's back; decided it is left to recovery."""
        now_s = self._clock.monotonic_s()
        commands: Sequence[Command] = ()
        if run.saga.phase is Phase.OPENING:
            never = NotDurable(Kind.HOLDING, OrderCancelled("cancelled by the tenant"))
            run.saga, commands = step(run.saga, never, now_s)
        elif run.saga.phase is Phase.HOLDING:
            run.saga, commands = step(run.saga, Cancelled(), now_s)
        else:
            run.sleep()
            self._running.pop(run.saga.plan.saga_id, None)
            return
        self._spawn(self._go_on(run, commands))

    async def _drive(self, run: _Run, commands: Sequence[Command]) -> Outcome:
        """Until the tenant can be answered; what is left then goes on in the background."""
        while True:
            outcome = None
            for command in commands:
                if isinstance(command, Finish):
                    outcome = command.outcome
                else:
                    await self._carry_out(run, command)
            if outcome is not None:
                break
            event = await run.next()
            run.saga, commands = step(run.saga, event, self._clock.monotonic_s())
        if run.saga.phase.over:
            self._put_away(run)
        else:
            self._spawn(self._go_on(run, ()))
        return outcome

    async def _go_on(self, run: _Run, commands: Sequence[Command]) -> None:
        try:
            while True:
                for command in commands:
                    if not isinstance(command, Finish):
                        await self._carry_out(run, command)
                if run.saga.phase.over:
                    return
                event = await run.next()
                run.saga, commands = step(run.saga, event, self._clock.monotonic_s())
        finally:
            self._put_away(run)

    def _put_away(self, run: _Run) -> None:
        run.sleep()
        self._running.pop(run.saga.plan.saga_id, None)

    async def _carry_out(self, run: _Run, command: Command) -> None:
        match command:  # the most frequent first
            case Record():
                self._note(run.saga.plan, command)
                if command.durable:
                    run.post(await self._flush(command.kind))
            case SendHold(leg):
                self._spawn(self._hold(run, leg))
            case SendConfirm(leg):
                self._spawn(self._confirm(run, leg))
            case SendRelease(leg, hold_id, reason):
                self._spawn(self._release(run, leg, hold_id, reason))
            case WakeAt(when_s):
                run.wake(when_s, self._clock)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note(self, plan: Plan, record: Record) -> None:
        text, domain, slice_id = TEXT[record.kind], "", ""
        if record.leg is not None:
            part = plan.parts[record.leg]
            domain, slice_id = part.domain, part.slice_id
            text = f"{domain} {text}"
        self._journal.append(
            order_id=plan.order_id,
            slice_id=slice_id,
            step=STEP,
            event=record.kind.value,
            domain=domain,
            text=text,
            detail=record.payload,
            at_s=self._clock.now_s(),
        )
        if record.kind is Kind.ENDED:
            self._journal.keep(SAGA, plan.saga_id, None)

    async def _flush(self, kind: Kind) -> Event:
        try:
            async with asyncio.timeout(self._timing.flush_s):
                await self._journal.flush()
        except TimeoutError:
            return NotDurable(kind, StoreFailed("the journal's disk has not answered in time"))
        except StaleEpoch as error:
            return Fenced(error)
        except EntenteError as error:
            return NotDurable(kind, error)
        return Durable(kind)

    async def _hold(self, run: _Run, leg: int) -> None:
        plan = run.saga.plan
        name = plan.parts[leg].domain
        try:
            run.post(Held(leg, await self._domain(name).hold(plan.requests[leg])))
        except StaleEpoch as error:
            run.post(self._stale(HoldRefused(leg, _at(name, error))))
        except Unreachable as error:
            run.post(HoldUnknown(leg, _at(name, error)))
        except EntenteError as error:
            run.post(HoldRefused(leg, _at(name, error)))

    async def _confirm(self, run: _Run, leg: int) -> None:
        plan = run.saga.plan
        part = plan.parts[leg]
        try:
            hold = await self._domain(part.domain).confirm(part.hold_id, plan.epoch)
            run.post(Confirmed(leg, hold))
        except StaleEpoch as error:
            run.post(self._stale(ConfirmRefused(leg, _at(part.domain, error))))
        except (Unreachable, Overloaded) as error:
            run.post(ConfirmUnknown(leg, _at(part.domain, error)))
        except EntenteError as error:
            run.post(ConfirmRefused(leg, _at(part.domain, error)))

    async def _release(self, run: _Run, leg: int, hold_id: str, reason: str) -> None:
        plan = run.saga.plan
        name = plan.parts[leg].domain
        try:
            await self._domain(name).release(hold_id, plan.epoch, reason)
            run.post(Released(leg))
        except StaleEpoch as error:
            run.post(self._stale(ReleaseUnknown(leg, _at(name, error))))
        except EntenteError as error:
            run.post(ReleaseUnknown(leg, _at(name, error)))

    def _stale(self, answer: HoldRefused | ConfirmRefused | ReleaseUnknown) -> Event:
        """What a domain says of a newer coordinator is believed where the journal knows of one:
        else any domain could make us leave what the others hold."""
        return Fenced(answer.error) if self._journal.superseded() else answer

    def _domain(self, name: str) -> Domain:
        domain = self._domains.get(name)
        if domain is None:
            raise Unreachable(f"no domain {name!r} is known here")
        return domain


def _at(domain: str, error: EntenteError) -> EntenteError:
    error.metadata.setdefault("domain", domain)
    return error
