"""A conversation as it is kept, what comes in and what goes out; frozen, JSON through pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from coordinator.model import Interpretation, Service, ServiceProfile, ServiceRelaxation
from domains.model import Metrics

TURNS_MAX = 64
"""Messages of one conversation; one that needs more is better begun afresh."""
CONVERSATIONS_PER_TENANT_MAX = 32
"""Live ones; idle ones end by themselves."""
IDLE_S_MAX = 24 * 3600.0
"""A conversation that nobody has spoken in for so long is forgotten, words and all."""


class Phase(StrEnum):
    """Where a conversation stands."""

    OPEN = "open"
    QUOTING = "quoting"
    QUOTED = "quoted"
    ORDERING = "ordering"
    ORDERED = "ordered"

    @property
    def in_flight(self) -> bool:
        """The coordinator was asked; after a crash it has to be asked again."""
        return self in (Phase.QUOTING, Phase.ORDERING)


@dataclass(frozen=True, slots=True)
class Question:
    """Something to be answered before anything can be had.

    Attributes:
        service: whom it is about; "" for all.
        key: the value that is missing, as in `Evidence`; "" where the whole request is unclear.
    """

    text: str
    service: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One tenant's way to a slice.

    Attributes:
        words: everything said about the present draft; spans of evidence index into it.
        services: the draft; questions: open ones, the first is being asked.
        settled: values ("service/key") that the tenant leaves to the default.
        offered: what a yes would order, relaxed as it was shown.
        orders: how many were placed; it numbers their request ids.
        slices: names of what came of them.
    """

    conversation_id: str
    tenant: str
    phase: Phase = Phase.OPEN
    turns: int = 0
    words: str = ""
    engine: str = ""
    services: tuple[Service, ...] = ()
    questions: tuple[Question, ...] = ()
    settled: tuple[str, ...] = ()
    offered: tuple[ServiceProfile, ...] = ()
    orders: int = 0
    slices: tuple[str, ...] = ()


class ReplyKind(StrEnum):
    """What a reply is; the type of the server-sent event."""

    SAID = "said"
    QUESTION = "question"
    UNDERSTOOD = "understood"
    SUGGESTION = "suggestion"
    PROGRESS = "progress"
    QUOTE = "quote"
    PROPOSAL = "proposal"
    SLICES = "slices"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing said back: words for people, values for programs."""

    kind: ReplyKind
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


# -- in ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the tenant.

    Attributes:
        heard: what it means by itself.
        joined: what it means after the words so far, where those alone meant nothing.
        areas: where the network is; default_area: where devices are if nothing is said.
    """

    text: str
    heard: Interpretation
    joined: Interpretation | None
    areas: tuple[str, ...]
    default_area: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What could be had now; nothing is held for it.

    Attributes:
        profiles: what was asked for, relaxed where it has to be; in the order of the request.
        metrics: what the domains promise together for each.
    """

    profiles: tuple[ServiceProfile, ...]
    metrics: tuple[Metrics, ...]
    relaxations: tuple[ServiceRelaxation, ...]


@dataclass(frozen=True, slots=True)
class MadeSlice:
    """A slice as it is reported."""

    name: str
    service: str
    state: str
    metrics: Metrics | None
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The coordinator said no, or nothing; as in `EntenteError`."""

    reason: str
    message: str
    metadata: Mapping[str, str]


# -- out -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskQuote:
    """Find out what can be had for these profiles."""

    profiles: tuple[ServiceProfile, ...]


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Order exactly these profiles; repeating the same number orders nothing new.

    `words` are what was said of each, so that what comes of it is remembered.
    """

    number: int
    profiles: tuple[ServiceProfile, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListSlices:
    """Look up what the tenant has."""


Effect = AskQuote | PlaceOrder | ListSlices


@dataclass(frozen=True, slots=True)
class Step:
    """What one input leads to. The conversation is saved before the effect is carried out."""

    conversation: Conversation
    replies: tuple[Reply, ...] = ()
    effect: Effect | None = None
