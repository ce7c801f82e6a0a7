"""One simulated lifetime: a coordinator, four domains, a bad network, several tenants, one clock.

Everything that happens is drawn from one seeded generator and runs in one thread, so the seed
alone brings a failure back. The coordinator is the real step function and the domains are the
real ledger; what is simulated is what fails: messages, disks, processes and clocks.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random

from coordinator.protocol import (
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
    Plan,
    Record,
    Released,
    ReleaseUnknown,
    Result,
    Saga,
    SendConfirm,
    SendHold,
    SendRelease,
    Step,
    Tick,
    Timing,
    WakeAt,
)
from coordinator.reserve import plan, recover, start, step
from domains.errors import EntenteError, StaleEpoch, StoreFailed, Unreachable
from domains.model import HoldState
from tests.simulation.domains import SWEEP_S, Crash, SimulatedDomain
from tests.simulation.faults import Faults
from tests.simulation.journal import Line, SimulatedJournal

CALL_S = 5.0
DISK_S = 0.002


class World:
    """Time, the network, the domains and the coordinator's present incarnation."""

    def __init__(self, seed: int, faults: Faults, capacity: int = 4) -> None:
        self.random = Random(seed)
        self.faults = faults
        self.now_s = 0.0
        self.timing = Timing()
        self.journal = SimulatedJournal()
        self.outcomes: dict[str, Outcome] = {}
        self.heard: dict[str, Callable[[Outcome | None], None]] = {}
        self.sagas: dict[str, Saga] = {}
        self.plans: dict[str, Plan] = {}
        self._wakes: dict[str, float] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._incarnation = 0
        self.up = True
        self.steps = 0
        self._down: dict[str, float] = {}
        self.domains: dict[str, SimulatedDomain] = {}
        for name in ("access", "transport", "core", "cloud"):
            offset_s, rate = self.random.uniform(-3600, 3600), self.random.uniform(0.99, 1.01)
            domain = SimulatedDomain(name, capacity, offset_s, rate)
            domain.write = self._domain_writes(domain)
            self.domains[name] = domain
            self._sweep(domain)

    # -- time -----------------------------------------------------------------------------

    def later(self, delay_s: float, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._agenda, (self.now_s + delay_s, self._count, what))

    def run(self, until_s: float, done: Callable[[], bool] = lambda: False) -> None:
        while self._agenda and self._agenda[0][0] <= until_s and not done():
            self.now_s, _, what = heapq.heappop(self._agenda)
            self.steps += 1
            what()

    def _sweep(self, domain: SimulatedDomain) -> None:
        self.later(SWEEP_S, lambda: self._sweep(domain))
        if self._down.get(domain.name, 0.0) <= self.now_s:
            try:
                domain.sweep(self.now_s)
            except Crash:
                self._domain_crashed(domain)

    # -- the coordinator ------------------------------------------------------------------

    def reserve(self, order_id: str, legs: list[Leg]) -> str:
        return self._begin(plan(order_id, legs, self.timing))

    def terminate(self, order_id: str, slice_id: str, segments: list[tuple[str, str]]) -> str:
        parts = tuple(Part(domain, hold_id, slice_id) for domain, hold_id in segments)
        saga_id = f"terminate/{order_id}"
        return self._begin(
            Plan(saga_id, order_id, self.journal.epoch, parts, reason="ended", timing=self.timing)
        )

    def _begin(self, plan: Plan) -> str:
        self.plans[plan.saga_id] = plan
        self._take(plan.saga_id, start(plan, self.now_s))
        return plan.saga_id

    def _happened(self, saga_id: str, incarnation: int, event: Event) -> None:
        if self.up and incarnation == self._incarnation and saga_id in self.sagas:
            self._take(saga_id, step(self.sagas[saga_id], event, self.now_s))

    def _take(self, saga_id: str, taken: Step) -> None:
        self.sagas[saga_id], commands = taken
        for command in commands:
            match command:
                case SendHold(leg) | SendConfirm(leg) | SendRelease(leg):
                    self._call(saga_id, leg, command)
                case Record():
                    try:
                        self._write(saga_id, command)
                    except Crash:
                        self.crash_coordinator()
                        return
                case WakeAt(when_s):
                    self._wake(saga_id, when_s)
                case Finish(outcome):
                    self._finished(saga_id, outcome)
        if saga_id in self.sagas and self.sagas[saga_id].phase.over:
            del self.sagas[saga_id]

    def _wake(self, saga_id: str, when_s: float) -> None:
        self._wakes[saga_id] = when_s
        incarnation = self._incarnation

        def ring() -> None:
            if self._wakes.get(saga_id) == when_s:
                self._happened(saga_id, incarnation, Tick())

        self.later(max(0.0, when_s - self.now_s), ring)

    def _write(self, saga_id: str, record: Record) -> None:
        """Append; crash before the write, or after it; a durable one may also fail."""
        if self.faults.journal_crash(self, "before"):
            raise Crash
        self.journal.append(Line(saga_id, record.kind, record.payload))
        if not record.durable:
            return
        incarnation, mark = self._incarnation, self.journal.mark()

        def written() -> None:
            if not self.up or incarnation != self._incarnation:
                return
            if self.faults.disk_full(self):
                failed = NotDurable(record.kind, StoreFailed("disk full"))
                self.later(DISK_S, lambda: self._happened(saga_id, incarnation, failed))
                return
            self.journal.flushed(mark)
            if self.faults.journal_crash(self, "after"):
                self.crash_coordinator()
            else:
                self._happened(saga_id, incarnation, Durable(record.kind))

        self.later(self.random.expovariate(1 / DISK_S), written)

    def crash_coordinator(self) -> None:
        self.journal.crash()
        self._incarnation += 1
        self.up = False
        self.sagas.clear()
        self._wakes.clear()
        self.later(self.random.expovariate(0.5), self._restart_coordinator)

    def _restart_coordinator(self) -> None:
        self.up = True
        self.wake()
        for saga_id in list(self.heard) if self.up else ():  # it may have crashed again
            if self._concluded(saga_id):
                self._tell(saga_id, self.outcomes[saga_id])
            elif saga_id not in self.sagas:
                self._tell(saga_id, None)  # nothing of it was ever durable

    def wake(self) -> None:
        """Take up what has not ended and is not at work, as after a start."""
        for saga_id, records in self.journal.open_sagas().items():
            if self.up and saga_id not in self.sagas:
                order_id, epoch = self.plans[saga_id].order_id, self.journal.epoch
                taken = recover(order_id, records, epoch, self.now_s, self.timing)
                assert taken is not None, "an open saga with nothing to do"
                self._take(saga_id, taken)

    def _finished(self, saga_id: str, outcome: Outcome) -> None:
        """Keep what came of it together with the end of the saga; tell when that is durable."""
        self._check_outcome(saga_id, outcome)
        if self._concluded(saga_id):
            return
        self.outcomes[saga_id] = outcome
        plan = self.plans[saga_id]
        for slice_id in dict.fromkeys(part.slice_id for part in plan.parts):
            segments = dict(self.journal.segments(slice_id))
            if outcome.result is Result.CONFIRMED:
                segments |= {p.domain: p.hold_id for p in plan.parts if p.slice_id == slice_id}
                self.journal.keep(slice_id, tuple(segments.items()))
            elif outcome.result is Result.TERMINATED:
                self.journal.keep(slice_id, ())
        self.journal.keep(f"order/{saga_id}", (("concluded", ""),))
        self._flush_and_tell(saga_id, outcome)

    def _concluded(self, saga_id: str) -> bool:
        return bool(self.journal.segments(f"order/{saga_id}"))

    def _flush_and_tell(self, saga_id: str, outcome: Outcome) -> None:
        incarnation, mark = self._incarnation, self.journal.mark()

        def written() -> None:
            if not self.up or incarnation != self._incarnation:
                return
            if self.faults.disk_full(self):
                self._flush_and_tell(saga_id, outcome)
            else:
                self.journal.flushed(mark)
                self._tell(saga_id, outcome)

        self.later(DISK_S, written)

    def _tell(self, saga_id: str, outcome: Outcome | None) -> None:
        if heard := self.heard.pop(saga_id, None):
            self.later(0.0, lambda: heard(outcome))

    def _check_outcome(self, saga_id: str, outcome: Outcome) -> None:
        """G2 at the moment the tenant is told, from the domains' own rows."""
        for part in self.plans[saga_id].parts:
            live = self.domains[part.domain].live()
            if outcome.result is Result.CONFIRMED and not self.sagas[saga_id].plan.settled:
                assert live.get(part.hold_id) is HoldState.CONFIRMED, "G2: told, not confirmed"
            elif outcome.result is not Result.CONFIRMED and self._undoes(saga_id, outcome):
                open_ = (part.domain, part.hold_id) in outcome.pending
                assert open_ or part.hold_id not in live, "G2: told it is released, it is not"
                if part.replaces and not self._concluded(saga_id):
                    state = live.get(part.replaces)
                    assert state is HoldState.CONFIRMED, "a failed change took the old segment"

    def _undoes(self, saga_id: str, outcome: Outcome) -> bool:
        """A termination that could not be written down leaves everything as it was."""
        return bool(self.plans[saga_id].requests) or outcome.result is Result.TERMINATED

    # -- the network ----------------------------------------------------------------------

    def _call(self, saga_id: str, leg: int, command: SendHold | SendConfirm | SendRelease) -> None:
        plan = self.sagas[saga_id].plan
        if isinstance(command, SendHold):
            assert self.journal.is_durable(saga_id, Kind.HOLDING), "sent, but not written down"
        if isinstance(command, SendConfirm):
            decided = self.journal.is_durable(saga_id, Kind.DECIDED)
            assert decided, "G6: a confirm before the decision is durable"
        incarnation, answered = self._incarnation, [False]

        def answer(event: Event) -> None:
            if not answered[0]:
                answered[0] = True
                self._happened(saga_id, incarnation, event)

        def arrive() -> None:
            event = self._served(plan, leg, command)
            if event is not None:
                for delay_s in self.faults.deliveries(self)[:1]:
                    self.later(delay_s, lambda: answer(event))

        for delay_s in self.faults.deliveries(self):
            self.later(delay_s, arrive)
        silent = Unreachable("no answer in time")
        self.later(CALL_S, lambda: answer(_unknown(leg, command, silent)))

    def _served(
        self, plan: Plan, leg: int, command: SendHold | SendConfirm | SendRelease
    ) -> Event | None:
        """What the domain answers; None where it is down, or crashes over it."""
        part = plan.parts[leg]
        domain = self.domains[part.domain]
        if self._down.get(domain.name, 0.0) > self.now_s:
            return None
        try:
            match command:
                case SendHold():
                    return Held(leg, domain.hold(plan.requests[leg], self.now_s))
                case SendConfirm():
                    return Confirmed(leg, domain.confirm(part.hold_id, plan.epoch, self.now_s))
                case SendRelease(_, hold_id, reason):
                    domain.release(hold_id, plan.epoch, reason, self.now_s)
                    return Released(leg)
        except Crash:
            self._domain_crashed(domain)
            return None
        except StaleEpoch as error:
            return Fenced(error)
        except EntenteError as error:
            match command:
                case SendHold():
                    return HoldRefused(leg, error)
                case SendConfirm():
                    return ConfirmRefused(leg, error)
            return ReleaseUnknown(leg, error)

    def _domain_writes(self, domain: SimulatedDomain) -> Callable[[str], None]:
        def write(when: str) -> None:
            if self.faults.store_crash(self, domain.name, when):
                raise Crash

        return write

    def _domain_crashed(self, domain: SimulatedDomain) -> None:
        domain.restart()
        self._down[domain.name] = self.now_s + self.random.expovariate(0.3)


def _unknown(leg: int, command: SendHold | SendConfirm | SendRelease, error: EntenteError) -> Event:
    match command:
        case SendHold():
            return HoldUnknown(leg, error)
        case SendConfirm():
            return ConfirmUnknown(leg, error)
    return ReleaseUnknown(leg, error)
