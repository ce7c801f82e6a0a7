"""The shell of assurance: listens to every domain, decides once per interval, acts through orders.

A listener per domain keeps the last believable measurement of each segment. A round looks at every
active slice, asks `decide`, and turns its actions into orders of the coordinator's own: they take
the path of every other change, in all domains or in none, and stand in the decision record with
their reason. What only concerns the tenant is told there as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from coordinator.assurance.decide import (
    Action,
    Change,
    Policy,
    Renegotiate,
    Reroute,
    Return,
    Sample,
    Scale,
    State,
    Tell,
    decide,
)
from coordinator.assurance.experience import Experience
from coordinator.assurance.forecast import Forecaster
from coordinator.assurance.history import History, Kept
from coordinator.assurance.sampling import held_permille, provisioned, sample
from coordinator.assurance.telemetry import Fault, Stream, hear, merged
from coordinator.clock import Clock
from coordinator.limits import WAIT_S_MAX
from coordinator.model import SliceState
from coordinator.orders import Orders
from coordinator.records import Running, Segment, SliceRecord
from coordinator.registry import Registry
from coordinator.scribe import Scribe
from domains.errors import EntenteError
from domains.measurement import Measurement, Reading
from domains.port import Domain

log = logging.getLogger(__name__)

RETRY_S, RETRY_S_MAX = 0.2, 5.0
BEGUN_MAX = 1_024
"""Orders that `idle` waits for; older ones have long been done."""
PACE_S, PACE_READING_S = 0.05, 20e-6
"""After each round of a domain, and per reading in it, before the next is heard: whoever floods us
is held back by flow control, and the others get their turn."""
CHUNK = 64
"""Slices that are decided on before others get their turn."""


@dataclass(slots=True)
class _Heard:
    """One segment: its stream, and what came of it since the last round."""

    stream: Stream
    reading: Reading | None = None
    measured: Measurement | None = None
    fault: Fault | None = None
    faults: Counter[Fault] = field(default_factory=Counter)
    told: set[Fault] = field(default_factory=set)


class Watchman:
    """Looks after every active slice. One per coordinator; belongs to one event loop."""

    def __init__(
        self,
        policy: Policy,
        registry: Registry,
        orders: Orders,
        scribe: Scribe,
        domains: Mapping[str, Domain],
        history: History,
        clock: Clock,
        experience: Experience,
    ) -> None:
        self._policy = policy
        self._registry = registry
        self._orders = orders
        self._scribe = scribe
        self._domains = domains
        self._history = history
        self._clock = clock
        self._experience = experience
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._silent: dict[str, str] = {}
        """Why a domain sends nothing, while it does not."""
        self._states: dict[str, State] = {}
        self._shrunk: dict[str, tuple[int, int]] = {}
        """Per slice the revision that was to shrink last, and to what."""
        self._tasks: list[asyncio.Task[None]] = []
        self._orders_begun: deque[Running] = deque(maxlen=BEGUN_MAX)

    def start(self) -> None:
        """Begin to listen, and to decide every interval."""
        self._tasks = [
            asyncio.create_task(self._listen(name, domain), name=f"measurements-{name}")
            for name, domain in self._domains.items()
        ]
        self._tasks.append(asyncio.create_task(self._rounds(), name="assurance"))

    async def stop(self) -> None:
        """Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def idle(self) -> None:
        """Wait until the orders of the rounds so far are done."""
        for running in self._orders_begun:
            await self._orders.views.settled(running, WAIT_S_MAX)
        self._orders_begun.clear()

    # -- listening ---------------------------------------------------------------------------

    async def _listen(self, name: str, domain: Domain) -> None:
        pause_s = RETRY_S
        while True:
            try:
                async for readings in domain.watch_measurements():
                    self._silent.pop(name, None)
                    self.hear(name, readings)
                    pause_s = RETRY_S
                    await asyncio.sleep(PACE_S + PACE_READING_S * len(readings))
            except EntenteError as error:
                log.info("%s sends no measurements: %s", name, error.message)
                self._silent[name] = error.message
            except Exception:  # a defect of ours must not end the listening for good
                log.exception("the measurements of %s cannot be followed", name)
            await asyncio.sleep(pause_s * (0.5 + self._clock.jitter() / 2))
            pause_s = min(pause_s * 2, RETRY_S_MAX)

    def hear(self, domain: str, readings: Sequence[Reading]) -> None:
        """One round of one domain. What is not of a slice of ours is not kept."""
        now_s = self._clock.monotonic_s()
        for reading in readings:
            heard = self._heard.get((domain, reading.segment_id)) or self._place(domain, reading)
            if heard is None:
                continue
            if reading.measurement is None and heard.measured is not None:
                heard.reading = reading
                continue
            heard.stream, measured, fault = hear(heard.stream, reading, now_s)
            heard.reading = reading
            heard.fault = fault
            if measured is not None:
                heard.measured = merged(heard.measured, measured)
            if fault is not None and fault is not Fault.MISSING:  # that is told as unmeasured
                heard.faults[fault] += 1

    def _place(self, domain: str, reading: Reading) -> _Heard | None:
        """For a segment that is new, or new to us: a change or a restart leaves no interval out."""
        record = self._registry.find(reading.slice_id)
        if record is None or record.state is not SliceState.ACTIVATED:
            return None
        here = ((s.domain, s.hold_id) for s in record.segments)
        key = (domain, reading.segment_id)
        if key not in here:
            return None
        self._heard[key] = _Heard(Stream(self._clock.monotonic_s()))
        return self._heard[key]

    # -- deciding ----------------------------------------------------------------------------

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(self._policy.interval_s)
            try:
                await self.round()
            except EntenteError as error:
                log.warning("a round of assurance failed: %s", error.message)
            except Exception:
                log.exception("a round of assurance failed unexpectedly")

    async def round(self) -> None:
        """Look at every active slice once."""
        now_s = self._clock.now_s()
        records = list(self._registry.active())
        self._forget(records)
        kept: list[Kept] = []
        for index, record in enumerate(records):
            try:
                self._look(record, now_s, kept)
            except Exception:  # of one slice: the others are looked after all the same
                log.exception("%s could not be looked after", record.slice_id)
            if index % CHUNK == CHUNK - 1:
                await asyncio.sleep(0)
        try:
            await self._history.keep(kept, int(now_s / self._policy.interval_s), now_s)
        finally:
            await self._scribe.settle()

    def _look(self, record: SliceRecord, now_s: float, kept: list[Kept]) -> None:
        samples = []
        measured = []
        for segment in record.segments:
            seen, heard = self._sampled(record, segment)
            samples.append(seen)
            kept.append(
                Kept(
                    record.slice_id,
                    segment.domain,
                    now_s,
                    seen.condition,
                    seen.reason,
                    heard.measured,
                    segment.metrics,
                )
            )
            if heard.measured is not None:
                measured.append(heard.measured)
            heard.measured = None
        self._experience.hear(record, measured, now_s)
        before = self._states.get(record.slice_id) or self._recalled(record.slice_id, now_s)
        after, actions = decide(before, samples, held_permille(record), now_s, self._policy)
        if not all([self._act(record, action) for action in actions]):
            # What could not be told now is news again in the next round.
            after = replace(
                after,
                unmeasured=before.unmeasured,
                contradicted=before.contradicted,
                exhausted=before.exhausted,
            )
        self._states[record.slice_id] = after
        self._history.note(record.slice_id, before, after, now_s)

    def _recalled(self, slice_id: str, now_s: float) -> State:
        """What an earlier incarnation knew of a slice, if any did and it can be read."""
        interval_s = self._policy.interval_s
        try:
            known = self._history.recall(slice_id, interval_s, now_s)
        except EntenteError as error:
            log.warning("what was known of %s is not: %s", slice_id, error.message)
            known = None
        return known or State(Forecaster.fresh(interval_s))

    def _sampled(self, record: SliceRecord, segment: Segment) -> tuple[Sample, _Heard]:
        key = (segment.domain, segment.hold_id)
        heard = self._heard.get(key)
        monotonic_s = self._clock.monotonic_s()
        if heard is None:
            heard = self._heard[key] = _Heard(Stream(monotonic_s))
        stale = heard.stream.stale(monotonic_s, self._policy.interval_s)
        reading, measured, fault = heard.reading, heard.measured, heard.fault
        for kind, count in heard.faults.items():
            if count and kind not in heard.told:
                self._tell_fault(record, segment, heard, kind)
        silence = self._silent.get(segment.domain, "")
        return sample(segment, record, reading, measured, fault, stale, silence), heard

    def _tell_fault(
        self, record: SliceRecord, segment: Segment, heard: _Heard, fault: Fault
    ) -> None:
        """The first fault of a kind of a segment; the others are not told."""
        text = f"a measurement of {segment.domain} is not used: {fault}"
        if fault is Fault.GAP:
            text = f"the measurements of {segment.domain} have a gap"
        detail = {"fault": fault.value}
        try:
            self._scribe.tell(record.slice_id, "telemetry fault", text, detail, segment.domain)
        except EntenteError as error:
            log.warning("not told, tried again: %s: %s", text, error.message)
            return
        heard.told.add(fault)

    def _forget(self, records: Sequence[SliceRecord]) -> None:
        """States of slices and streams of segments that are no more."""
        alive = {record.slice_id for record in records}
        segments = {(s.domain, s.hold_id) for record in records for s in record.segments}
        for slice_id in self._states.keys() - alive:
            del self._states[slice_id]
            self._history.forget(slice_id)
            self._shrunk.pop(slice_id, None)
            self._experience.forget(slice_id)
        for key in self._heard.keys() - segments:
            del self._heard[key]

    # -- acting ------------------------------------------------------------------------------

    def _act(self, record: SliceRecord, action: Action) -> bool:
        """Begin what was decided; False where it is to be told and could not be."""
        if isinstance(action, Tell):
            detail = {"mode": self._policy.mode.value}
            try:
                self._scribe.tell(record.slice_id, action.event, action.text, detail, action.domain)
            except EntenteError as error:
                log.warning("not told, tried again: %s: %s", action.text, error.message)
                return False
            return True
        self._change(record, action)
        return True

    def _change(self, record: SliceRecord, action: Change) -> None:
        """An order of our own; what cannot be begun now is decided on again."""
        held = held_permille(record)
        assert record.metrics is not None, "an active slice has metrics"
        price_micros = record.metrics.price_micros
        avoid: tuple[tuple[str, str, str], ...] = ()
        match action:
            case Scale(permille, _, why):
                shrinks = permille < held
                if shrinks and self._shrunk.get(record.slice_id) == (record.revision, permille):
                    return  # it was not cheaper, and nothing has changed since
                if shrinks:
                    self._shrunk[record.slice_id] = (record.revision, permille)
                service = provisioned(record.agreed, permille, price_micros if shrinks else None)
                what = f"{held / 10:.0f} % -> {permille / 10:.0f} % of what is agreed: {why}"
                event = "scale down" if shrinks else "scale up"
            case Reroute(domain, ingress, egress, why):
                service, what = provisioned(record.agreed, held), why
                avoid, event = ((domain, ingress, egress),), "reroute"
            case Return(why):
                service, what = provisioned(record.agreed, held, price_micros), why
                event = "return"
            case Renegotiate(domain, ingress, egress, _, why):
                service, what = provisioned(record.agreed, held), why
                avoid, event = ((domain, ingress, egress),), "renegotiate"
        try:
            moves = isinstance(action, Return)
            begun = self._orders.assure(record, service, avoid, event, what, moves)
            self._orders_begun.append(begun)
        except EntenteError as error:
            # The slice is being changed, or too much is: the next round sees what is left to do.
            log.info("%s of %s is not begun: %s", event, record.slice_id, error.message)
