"""What became of intents, written back to memory off the path of orders (000 and 004, step 3).

    an order begins        how its words were read                        history
    an order ends          confirmed, relaxed or refused                  outcomes
    a slice is measured    what was promised beside what was seen         outcomes

A lesson is a hint for later, never a part of an order: the queue is bounded, what does not fit is
left out and counted, and a store that fails costs the lesson only.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coordinator.errors import ProposalRejected, RelaxationNeeded
from coordinator.intent import outcomes
from coordinator.intent.memory import Memory
from coordinator.intent.outcomes import Outcome
from coordinator.model import Preference, ServiceProfile, SliceType
from coordinator.records import Order, OrderKind, OrderState, SliceRecord
from domains.errors import CapacityInsufficient, EntenteError
from domains.model import Attribute, Metrics, Relaxation

log = logging.getLogger(__name__)

WAITING_MAX = 1_024
"""Lessons that wait to be written; beyond it they are left out."""
CLOSE_S_MAX = 5.0
"""How long a coordinator that stops waits for what was learned to be written."""

_GIVEN_UP = frozenset({ProposalRejected.reason, RelaxationNeeded.reason})


@dataclass(frozen=True, slots=True)
class Lesson:
    """One service of one tenant; `outcome` is None for how it was read."""

    tenant: str
    words: str
    slice_type: SliceType
    preference: Preference
    outcome: Outcome | None = None


# -- what there is to learn ------------------------------------------------------------------


def begun(order: Order) -> list[Lesson]:
    """How each service of an order was read."""
    return [
        Lesson(order.tenant, words, service.slice_type, service.preference)
        for words, service in zip(order.words, order.requested, strict=False)
        if words
    ]


def ended(order: Order) -> list[Lesson]:
    """What came of each service of an order that asked for slices, once it is final."""
    if order.kind is not OrderKind.CREATE or order.validate_only or not order.state.final:
        return []
    found = []
    for index, (words, asked) in enumerate(zip(order.words, order.requested, strict=False)):
        outcome = _outcome(order, index)
        if words and outcome is not None:
            found.append(Lesson(order.tenant, words, asked.slice_type, asked.preference, outcome))
    return found


def measured(record: SliceRecord, seen: Metrics) -> list[Lesson]:
    """What an active slice really gives, beside what its domains promised."""
    if not record.words or record.metrics is None:
        return []
    asked = record.requested
    outcome = outcomes.measured(record.metrics, seen)
    return [Lesson(record.tenant, record.words, asked.slice_type, asked.preference, outcome)]


def _outcome(order: Order, index: int) -> Outcome | None:
    """None where nothing was said about this service: cancelled, overtaken, nobody answered."""
    if order.state is OrderState.DONE:
        gave_way = _relaxations(order.requested[index], order.services[index])
        return outcomes.relaxed(gave_way) if gave_way else outcomes.confirmed()
    reason = order.failure.reason if order.failure else ""
    if reason == CapacityInsufficient.reason and order.failure is not None:
        refused = order.failure.metadata.get("service") == order.requested[index].name
        return outcomes.refused() if refused else None
    proposal = order.proposals[index] if index < len(order.proposals) else None
    if reason in _GIVEN_UP and proposal is not None:
        return outcomes.refused(item.relaxation for item in proposal.relaxations)
    return None


def _relaxations(asked: ServiceProfile, agreed: ServiceProfile) -> list[Relaxation]:
    """What the tenant gave up on the way to its yes."""
    pairs = (
        (Attribute.LATENCY, asked.latency_us_max, agreed.latency_us_max),
        (Attribute.AVAILABILITY, asked.availability_ppb_min, agreed.availability_ppb_min),
        (Attribute.DOWNLINK, asked.downlink_kbps, agreed.downlink_kbps),
        (Attribute.UPLINK, asked.uplink_kbps, agreed.uplink_kbps),
        (Attribute.PRICE, asked.price_micros_max or 0, agreed.price_micros_max or 0),
    )
    return [Relaxation(what, before, after) for what, before, after in pairs if before != after]


# -- writing it down -------------------------------------------------------------------------


class Lessons:
    """A queue and the one thread that empties it. Close it when done."""

    def __init__(self, learn: Callable[[Lesson], None], waiting_max: int = WAITING_MAX) -> None:
        self._learn = learn
        self._queue: queue.Queue[Lesson | None] = queue.Queue(waiting_max)
        self._thread = threading.Thread(target=self._work, name="lessons", daemon=True)
        self._thread.start()
        self.left_out = 0

    def add(self, lessons: Sequence[Lesson]) -> None:
        """Learn these in a while. Never waits, never raises."""
        for lesson in lessons:
            try:
                self._queue.put_nowait(lesson)
            except queue.Full:
                self.left_out += 1
                if self.left_out == 1:
                    log.warning("the memory of intents is behind; lessons are left out")

    def measured(self, record: SliceRecord, seen: Metrics) -> None:
        """Learn from a measurement of an active slice; for whoever measures."""
        self.add(measured(record, seen))

    def close(self, timeout_s: float = CLOSE_S_MAX) -> None:
        """Write what waits, for so long, and end. Idempotent."""
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            log.warning("%d lessons are lost as this ends", self._queue.qsize())
            return
        self._thread.join(timeout_s)

    def _work(self) -> None:
        while (lesson := self._queue.get()) is not None:
            try:
                self._learn(lesson)
            except EntenteError as error:
                log.warning("a lesson was lost: %s", error.reason)
            except Exception:
                log.exception("a lesson was lost")


def into(memory: Memory | None) -> Callable[[Lesson], None]:
    """What writes a lesson down; without a memory, nothing does."""

    def learn(lesson: Lesson) -> None:
        if memory is None:
            return
        own = memory.of(lesson.tenant)
        if lesson.outcome is None:
            own.remember(lesson.words, lesson.slice_type, lesson.preference)
        else:
            own.learn(lesson.words, lesson.slice_type, lesson.preference, lesson.outcome)

    return learn
