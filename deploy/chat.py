"""A conversation in the terminal: the same state machine and the same file as over HTTP."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from contextlib import ExitStack, aclosing, closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from coordinator.clock import SystemClock
from coordinator.conversation.model import Conversation, Phase, Reply, ReplyKind
from coordinator.conversation.store import Conversations
from coordinator.conversation.talks import Talks, checked_text
from coordinator.intent.engine import open_engine
from coordinator.intent.privacy import mask
from coordinator.intent.readers import Readers
from coordinator.intent.settings import EngineSettings
from coordinator.translation import Translation
from deploy import render_intent
from deploy.desk import CoordinatorDesk
from deploy.home import Home
from deploy.network import network
from deploy.recall import Recaller, account_of
from deploy.session import Asker, error_text
from domains.errors import EntenteError

STYLE = {
    ReplyKind.QUESTION: "yellow",
    ReplyKind.PROPOSAL: "bold yellow",
    ReplyKind.QUOTE: "bold",
    ReplyKind.SLICES: "green",
    ReplyKind.REFUSED: "red",
    ReplyKind.PROGRESS: "dim",
}
GREETING = 'What do you need? For example "video calls for 200 users in Berlin".'
PROMPT = "> "


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation and where it is shown."""

    talks: Talks
    tenant: str
    name: str
    console: Console

    async def answered(self, text: str) -> None:
        """Say something and show every reply as it comes; an error ends the message only."""
        try:
            replies = self.talks.say(self.tenant, self.name, checked_text(text))
            async with aclosing(replies):
                async for reply in replies:
                    if isinstance(reply, Reply):
                        self.console.print(shown(reply))
        except EntenteError as error:
            self.console.print(Text(error_text(error), "red"))


def shown(reply: Reply) -> RenderableType:
    """One reply; a draft with the tables of its services."""
    line = Text(reply.text, STYLE.get(reply.kind, ""))
    if reply.kind is not ReplyKind.UNDERSTOOD:
        return Padding(line, (0, 0, 0, 2))
    found = Translation.model_validate(reply.data["translation"])
    words = render_intent.marked(str(reply.data["words"]), found.services)
    tables = [
        render_intent.service(item, render_intent.COLOURS[index % len(render_intent.COLOURS)])
        for index, item in enumerate(found.services)
    ]
    return Padding(Group(line, words, *tables), (0, 0, 0, 2))


async def chatted(
    asker: Asker, resume: str | None, reading: EngineSettings, config: Path, console: Console
) -> None:
    """Talk until the input ends.

    Raises:
        NotFound: no such conversation to resume.
    """
    home = Home.of_environment().prepare()
    covered = network(config)
    kept = Conversations(
        home.databases / "conversations.sqlite", str(uuid.uuid4()), f"chat-{os.getpid()}"
    )
    recaller = Recaller(account_of(asker))
    engine = open_engine(reading, recaller)
    if engine.note:
        console.print(Text(engine.note, "dim"))
    with ExitStack() as open_:
        for part in (kept, recaller, engine):
            open_.callback(part.close)
        readers = open_.enter_context(closing(Readers(engine.of)))
        desk = CoordinatorDesk(asker.account)
        talks = Talks(kept, readers.read, lambda _: desk, covered, SystemClock(), mask)
        talk = await _begun(talks, asker.tenant, resume)
        console.print(Text(f"conversation {talk.conversation_id}", "dim"))
        console.print(Text(_opening(talk)))
        chat = Chat(talks, asker.tenant, talk.conversation_id, console)
        while (text := await asyncio.to_thread(_typed, console)) is not None:
            if text.strip():
                await chat.answered(text)


async def _begun(talks: Talks, tenant: str, resume: str | None) -> Conversation:
    if resume is None:
        return await talks.begin(tenant, str(uuid.uuid4()))
    return talks.kept.read(tenant, resume, talks.clock.now_s())


def _opening(talk: Conversation) -> str:
    if talk.questions:
        return talk.questions[0].text
    if talk.phase is Phase.QUOTED:
        return "An offer waits for your yes or no; say anything else to change it."
    if talk.phase.in_flight:
        return "Something was under way; say anything and I look at what came of it."
    return GREETING


def _typed(console: Console) -> str | None:
    """The next line; None at the end of the input."""
    if sys.stdin.isatty():
        console.print(Text(PROMPT, "bold"), end="")
    line = sys.stdin.readline()
    return line if line else None
