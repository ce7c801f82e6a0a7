"""Runs conversations: a message in, replies out as they come, everything saved on the way.

Order of things: the new state is on disk before an effect is carried out, and an effect that was
cut short is carried out again with the next message. An order has a derived request id, so doing
it twice orders once.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from coordinator.clock import Clock
from coordinator.conversation import steps
from coordinator.conversation.desk import Desk
from coordinator.conversation.model import (
    AskQuote,
    Conversation,
    Effect,
    Failed,
    ListSlices,
    PlaceOrder,
    Reply,
    ReplyKind,
    Said,
    Step,
)
from coordinator.conversation.store import Conversations, Line, ensure_turn
from coordinator.limits import INTENT_BYTES_MAX
from coordinator.model import Interpretation
from domains.errors import EntenteError, InvalidRequest

EFFECTS_MAX = 4
"""Effects of one message; more means that what is offered keeps changing under the tenant."""
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://entente.example/conversations/v1")

Read = Callable[[str, str, Sequence[str]], Awaitable[Interpretation]]
"""What a text of a tenant asks for: (tenant, text, areas)."""
Mask = Callable[[str], str]
DeskOf = Callable[[str], Desk]
"""The desk of a tenant, by its name."""


@dataclass(frozen=True, slots=True)
class Network:
    """Where slices can be had, as far as words are concerned."""

    areas: tuple[str, ...]
    default_area: str


@dataclass(frozen=True, slots=True)
class Talks:
    """Every conversation of a service.

    Attributes:
        read: interprets one sentence of a tenant.
        mask: hides personal data; applied before anything else sees or keeps the words.
    """

    kept: Conversations
    read: Read
    desk_of: DeskOf
    network: Network
    clock: Clock
    mask: Mask

    async def begin(self, tenant: str, conversation_id: str) -> Conversation:
        """A new conversation.

        Raises:
            Overloaded: the tenant has too many.
        """
        talk = Conversation(conversation_id, tenant)
        await self.kept.begin(talk, self.clock.now_s())
        return talk

    async def say(
        self, tenant: str, conversation_id: str, text: str
    ) -> AsyncGenerator[Reply | Conversation, None]:
        """Take a message: replies as they come, and last where the conversation stands.

        Raises:
            NotFound; WrongState: another message is being answered; Overloaded: too many turns;
            InvalidRequest: empty or too long. All of them before the first reply.
        """
        text = self.mask(text.strip())
        async with self.kept.claimed(tenant, conversation_id, self.clock.now_s()) as talk:
            ensure_turn(talk)
            step = steps.heard(talk, await self._said(talk, text))
            async with aclosing(self._run(step, text)) as replies:
                async for reply in replies:
                    yield reply

    async def _said(self, talk: Conversation, text: str) -> Said:
        areas = self.network.areas
        heard = await self.read(talk.tenant, text, areas)
        joined = None
        if talk.words and not talk.services:
            try:
                joined = await self.read(talk.tenant, f"{talk.words}\n{text}", areas)
            except InvalidRequest:  # together they are too long to be one request
                joined = None
        return Said(text, heard, joined, self.network.areas, self.network.default_area)

    async def _run(self, step: Step, text: str) -> AsyncGenerator[Reply | Conversation, None]:
        lines = [Line(0.0, text=text)]
        for left in reversed(range(EFFECTS_MAX + 1)):
            lines += [Line(0.0, reply=reply) for reply in step.replies]
            await self.kept.save(step.conversation, lines, self.clock.now_s())
            for reply in step.replies:
                yield reply
            if step.effect is None:
                break
            if not left:
                yield Reply(ReplyKind.REFUSED, "What is on offer keeps changing; say anything.")
                break
            news: asyncio.Queue[str | None] = asyncio.Queue()
            doing = asyncio.ensure_future(self._done(step.conversation, step.effect, news))
            try:
                while (line := await news.get()) is not None:
                    yield Reply(ReplyKind.PROGRESS, line)
                step, lines = await doing, []
            finally:
                doing.cancel()
        yield step.conversation

    async def _done(
        self, talk: Conversation, effect: Effect, news: asyncio.Queue[str | None]
    ) -> Step:
        """Carry out an effect and take what came of it; `news` ends with None."""
        desk = self.desk_of(talk.tenant)
        try:
            match effect:
                case AskQuote(profiles):
                    return steps.quoted(talk, await desk.quote(profiles))
                case PlaceOrder(number, profiles, words):
                    request_id = order_request_id(talk.conversation_id, number)
                    made = await desk.order(request_id, profiles, words, news.put_nowait)
                    return steps.ordered(talk, made)
                case ListSlices():
                    return steps.listed(talk, await desk.slices())
        except EntenteError as error:
            return steps.failed(talk, Failed(error.reason, error.message, error.metadata))
        finally:
            news.put_nowait(None)


def order_request_id(conversation_id: str, number: int) -> str:
    """The request id of the n-th order of a conversation, the same after a restart."""
    return str(uuid.uuid5(_NAMESPACE, f"{conversation_id}/{number}"))


def checked_text(text: str) -> str:
    """A message as it may come in.

    Raises:
        InvalidRequest: empty, too long, or not Unicode text.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidRequest("the text is not valid Unicode", field="text") from None
    if not text.strip() or size > INTENT_BYTES_MAX:
        raise InvalidRequest(
            f"a text has 1 to {INTENT_BYTES_MAX} bytes",
            field="text",
            requested=size,
            achievable=INTENT_BYTES_MAX,
            unit="bytes",
        )
    return text
