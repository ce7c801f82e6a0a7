"""The words of the reserve protocol: what happens to a saga, what it wants, what it writes down.

A saga covers one order: any number of legs, each a hold in one domain, for one slice or several.
All legs are confirmed, or none stays. `coordinator.reserve` decides what follows from what;
`coordinator.saga` carries it out.

    OPENING -> HOLDING -> DECIDING -> CONFIRMING -> (SUPERSEDING) -> ENDED       confirmed
                  |           |            |
                  +-----------+            +-> WITHDRAWING -> COMPENSATING -> ENDED   failed
                  +-> ABORTING -> ENDED                                      aborted
    OPENING -> TERMINATING -> ENDED                                          terminated
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any

from domains.errors import EntenteError, Refused
from domains.model import Hold, HoldRequest


class HoldMismatch(Refused):
    """A domain answered something else, or something worse, than it was asked for."""

    reason = "HOLD_MISMATCH"


class InterconnectMismatch(Refused):
    """Two neighbours do not meet: another label, or none, at the border point they share."""

    reason = "INTERCONNECT_MISMATCH"


class Interrupted(Refused):
    """The coordinator restarted before it had decided; everything was released."""

    reason = "INTERRUPTED"


@dataclass(frozen=True, slots=True)
class Timing:
    """Every wait of a saga, in seconds.

    Attributes:
        hold_s: how long all domains together may take to hold.
        confirm_s, margin_s: what must be left of the shortest TTL when deciding: time to confirm
            and an allowance for clocks that run at different rates.
        call_s: how long one round of confirms or releases waits for its answers.
        backoff_s, backoff_s_max: pause after a round that was not answered, doubled each time.
        flush_s: how long the journal's disk may take.
    """

    hold_s: float = 5.0
    confirm_s: float = 5.0
    margin_s: float = 1.0
    call_s: float = 2.0
    backoff_s: float = 0.05
    backoff_s_max: float = 30.0
    flush_s: float = 5.0


INLINE_ROUNDS = 3
"""Rounds of releases before the tenant gets its answer and the rest goes on behind it."""

ROUNDS_MAX = 24
"""Rounds before the rest is left to `recover`: about seven minutes at the default pauses."""


class Phase(StrEnum):
    """Where a saga is; the diagram is at the top of the module."""

    OPENING = "opening"
    HOLDING = "holding"
    DECIDING = "deciding"
    CONFIRMING = "confirming"
    SUPERSEDING = "superseding"
    ABORTING = "aborting"
    WITHDRAWING = "withdrawing"
    COMPENSATING = "compensating"
    TERMINATING = "terminating"
    ENDED = "ended"
    LEFT = "left"
    FENCED = "fenced"

    @property
    def over(self) -> bool:
        """Whether this incarnation has nothing left to do for the saga."""
        return self is Phase.ENDED or self is Phase.LEFT or self is Phase.FENCED


class Kind(StrEnum):
    """What the journal says about a saga. The upper half is what recovery reads."""

    HOLDING = "holding"
    DECIDED = "decided"
    CONFIRMED = "confirmed"
    ABORTING = "aborting"
    COMPENSATING = "compensating"
    TERMINATING = "terminating"
    ENDED = "ended"
    LEFT = "left"
    LEG_HELD = "leg held"
    LEG_REFUSED = "leg refused"
    LEG_CONFIRMED = "leg confirmed"
    LEG_RELEASED = "leg released"


class Mark(Enum):
    """How far one leg is in the present phase."""

    SENT = auto()
    UNKNOWN = auto()
    DONE = auto()


class Result(StrEnum):
    """How a saga ended: nothing was ever confirmed (ABORTED) or it was undone (FAILED)."""

    CONFIRMED = "confirmed"
    ABORTED = "aborted"
    FAILED = "failed"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Leg:
    """What to hold, and where."""

    domain: str
    request: HoldRequest


@dataclass(frozen=True, slots=True)
class Part:
    """What recovery has to know of a leg; `replaces` is the hold it takes over from."""

    domain: str
    hold_id: str
    slice_id: str
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What never changes about a saga.

    Attributes:
        saga_id: unique for ever: an order has one per attempt.
        requests: one per part, in that order; neighbours of a chain stand side by side. Empty
            for a termination and after a recovery: then nothing is held anew.
        ttl_s: the shortest TTL of the requests.
        reason: what domains are told on release, for a termination.
        settled: all were confirmed before a restart: whatever a domain says now, none goes back.
    """

    saga_id: str
    order_id: str
    epoch: int
    parts: tuple[Part, ...]
    requests: tuple[HoldRequest, ...] = ()
    ttl_s: float = 0.0
    reason: str = ""
    settled: bool = False
    timing: Timing = field(default=Timing())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order.

    Attributes:
        holds: what was confirmed, in the order of the legs; empty unless CONFIRMED.
        error: why not, for ABORTED and FAILED; names the domain in its metadata.
        pending: (domain, hold id) of releases that no domain has answered yet; they are retried.
    """

    result: Result
    holds: tuple[Hold, ...] = ()
    error: EntenteError | None = None
    pending: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Saga:
    """The state of one saga; `step` makes the next one.

    Attributes:
        marks, holds: per leg, how far it is in this phase and what its domain answered last.
        round: how often this phase's calls were sent.
        sent_s: just before the first hold was sent: every TTL is counted from here.
        wake_s: a Tick before this is too early and ignored.
        told: whether the tenant has its answer.
    """

    plan: Plan
    phase: Phase
    marks: tuple[Mark, ...]
    holds: tuple[Hold | None, ...]
    round: int = 0
    sent_s: float = 0.0
    wake_s: float = 0.0
    error: EntenteError | None = None
    told: bool = False


# Events: what happened.


@dataclass(frozen=True, slots=True)
class Held:
    leg: int
    hold: Hold


@dataclass(frozen=True, slots=True)
class HoldRefused:
    leg: int
    error: EntenteError


@dataclass(frozen=True, slots=True)
class HoldUnknown:
    """No answer: it may be held, it may arrive later."""

    leg: int
    error: EntenteError


@dataclass(frozen=True, slots=True)
class Confirmed:
    leg: int
    hold: Hold


@dataclass(frozen=True, slots=True)
class ConfirmRefused:
    """Lapsed or released before the confirm arrived."""

    leg: int
    error: EntenteError


@dataclass(frozen=True, slots=True)
class ConfirmUnknown:
    leg: int
    error: EntenteError


@dataclass(frozen=True, slots=True)
class Released:
    leg: int


@dataclass(frozen=True, slots=True)
class ReleaseUnknown:
    leg: int
    error: EntenteError


@dataclass(frozen=True, slots=True)
class Durable:
    """The record of this kind survives a crash from now on."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class NotDurable:
    """The disk refused, or did not answer: the record may or may not survive."""

    kind: Kind
    error: EntenteError


@dataclass(frozen=True, slots=True)
class Fenced:
    """A domain knows a newer incarnation of this coordinator: this one must stop."""

    error: EntenteError


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The tenant wants to stop; heard only before the decision."""


Event = (
    Held
    | HoldRefused
    | HoldUnknown
    | Confirmed
    | ConfirmRefused
    | ConfirmUnknown
    | Released
    | ReleaseUnknown
    | Durable
    | NotDurable
    | Fenced
    | Tick
    | Cancelled
)

# Commands: what is to be done, in this order.


@dataclass(frozen=True, slots=True)
class SendHold:
    leg: int


@dataclass(frozen=True, slots=True)
class SendConfirm:
    leg: int


@dataclass(frozen=True, slots=True)
class SendRelease:
    """Of the leg's own hold, or of the one it replaced: `hold_id` says which."""

    leg: int
    hold_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """Append to the journal; where `durable`, answer with Durable or NotDurable."""

    kind: Kind
    payload: Mapping[str, Any]
    durable: bool = False
    leg: int | None = None


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send a Tick then; replaces the previous wish."""

    when_s: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Answer the tenant. The saga goes on behind it where something is pending."""

    outcome: Outcome


Command = SendHold | SendConfirm | SendRelease | Record | WakeAt | Finish

Step = tuple[Saga, tuple[Command, ...]]
