"""Requests and answers as they are published; an unknown property is an error."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from coordinator.conversation.model import Conversation, Phase, ReplyKind
from coordinator.conversation.store import Line
from coordinator.intent.catalogue import Confidence, Entry, Flow, Quality
from coordinator.limits import INTENT_BYTES_MAX
from coordinator.model import TypeLabel

Text = Annotated[StrictStr, Field(min_length=1, max_length=INTENT_BYTES_MAX)]


class _Published(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TranslateRequest(_Published):
    """A sentence to translate."""

    text: Text


class BeginRequest(_Published):
    """A conversation begins empty; the first message says what is needed."""


class MessageRequest(_Published):
    """What the tenant says next."""

    text: Text


class Health(_Published):
    """Whether this replica answers; `note` says why its engine is less than usual, or ""."""

    status: Literal["serving"] = "serving"
    engine: str
    note: str = ""


class CatalogueFigure(_Published):
    """A requirement of a service, with its unit in the key and the clause it comes from."""

    key: str
    value: float
    clause: str
    confidence: Confidence


class CatalogueEntry(_Published):
    """A service that a name is enough for; every value can be amended in words."""

    name: str
    slice_type: TypeLabel
    first: Quality
    second: Quality
    figures: list[CatalogueFigure]
    functions: list[str]
    flow: Flow
    also_called: list[str]


class Catalogue(_Published):
    """The services, by name."""

    services: list[CatalogueEntry]


class ConversationState(_Published):
    """Where a conversation stands; `question` is what it waits for."""

    name: str
    phase: Phase
    turns: int
    question: str | None
    services: list[str]
    slices: list[str]


class TranscriptLine(_Published):
    """One line: the tenant's `text`, or a reply of a kind, with its values."""

    speaker: Literal["tenant", "entente"]
    text: str
    kind: ReplyKind | None = None
    data: dict[str, Any] = {}


class Transcript(_Published):
    """A conversation with everything said in it."""

    conversation: ConversationState
    lines: list[TranscriptLine]


class ConversationList(_Published):
    """A tenant's conversations, the one spoken in last first."""

    conversations: list[ConversationState]


def state_of(talk: Conversation) -> ConversationState:
    return ConversationState(
        name=f"conversations/{talk.conversation_id}",
        phase=talk.phase,
        turns=talk.turns,
        question=talk.questions[0].text if talk.questions else None,
        services=[service.name for service in talk.services],
        slices=list(talk.slices),
    )


def line_of(line: Line) -> TranscriptLine:
    if line.reply is None:
        return TranscriptLine(speaker="tenant", text=line.text)
    reply = line.reply
    return TranscriptLine(
        speaker="entente", text=reply.text, kind=reply.kind, data=dict(reply.data)
    )


def entry_of(entry: Entry) -> CatalogueEntry:
    return CatalogueEntry(
        name=entry.name,
        slice_type=entry.slice_type.label,
        first=entry.first,
        second=entry.second,
        figures=[
            CatalogueFigure(
                key=figure.key,
                value=figure.value,
                clause=figure.clause.text,
                confidence=figure.clause.confidence,
            )
            for figure in entry.figures
        ],
        functions=[function.function_type for function in entry.functions],
        flow=entry.flow,
        also_called=list(entry.phrases),
    )
