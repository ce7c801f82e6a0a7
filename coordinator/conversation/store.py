"""Conversations in a SQLite file, shared by all replicas of a service.

Whoever answers a message claims the conversation first, in the file: one row per conversation,
taken by one process at a time. The claim of an earlier incarnation is void, and so is one that is
older than any answer can take; a crash therefore blocks nobody for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from coordinator.conversation.model import (
    CONVERSATIONS_PER_TENANT_MAX,
    IDLE_S_MAX,
    TURNS_MAX,
    Conversation,
    Reply,
)
from domains.durable import Durable, Statement
from domains.errors import NotFound, Overloaded, StoreFailed, WrongState

CLAIM_S_MAX = 180.0
"""Longer than an order may take to settle."""
CONVERSATIONS_MAX = 10_000
"""Of all tenants together: what the file may grow to."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS conversations (
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL, body TEXT NOT NULL, spoken_at_s REAL NOT NULL,
  claimed_by TEXT NOT NULL DEFAULT '', incarnation TEXT NOT NULL DEFAULT '',
  claimed_at_s REAL NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS by_tenant ON conversations (tenant, spoken_at_s);
CREATE TABLE IF NOT EXISTS lines (
  conversation TEXT NOT NULL REFERENCES conversations (id), number INTEGER NOT NULL,
  speaker TEXT NOT NULL, body TEXT NOT NULL, at_s REAL NOT NULL,
  PRIMARY KEY (conversation, number)
) STRICT;
"""
_CONVERSATION = TypeAdapter(Conversation)
_REPLY = TypeAdapter(Reply)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript: the tenant's `text`, or a reply."""

    at_s: float
    text: str = ""
    reply: Reply | None = None


class Conversations:
    """The file. `incarnation` names this start of the service, `replica` one process of it."""

    def __init__(self, path: Path, incarnation: str, replica: str) -> None:
        self._durable = Durable(path, _SCHEMA)
        self._incarnation = incarnation
        self._replica = replica
        self._numbers = count()

    def close(self) -> None:
        self._durable.close()

    async def begin(self, talk: Conversation, now_s: float) -> None:
        """Keep a new conversation; those that have been idle for too long go.

        Raises:
            Overloaded: the tenant, or all of them together, have too many.
        """
        await self._forget_idle(now_s)
        for sql, arguments, limit, name in (
            (
                "SELECT count(*) FROM conversations WHERE tenant = ?",
                (talk.tenant,),
                CONVERSATIONS_PER_TENANT_MAX,
                "CONVERSATIONS_PER_TENANT_MAX",
            ),
            ("SELECT count(*) FROM conversations", (), CONVERSATIONS_MAX, "CONVERSATIONS_MAX"),
        ):
            if self._durable.read(sql, arguments)[0][0] >= limit:
                raise Overloaded("too many conversations; end one first", limit=name, value=limit)
        await self._write(
            [
                (
                    "INSERT INTO conversations (id, tenant, body, spoken_at_s) VALUES (?, ?, ?, ?)",
                    (talk.conversation_id, talk.tenant, _dumped(talk), now_s),
                )
            ]
        )

    def read(self, tenant: str, conversation_id: str, now_s: float) -> Conversation:
        """A conversation of this tenant.

        Raises:
            NotFound: there is none, it is another tenant's, or it has been idle for too long.
        """
        rows = self._durable.read(
            "SELECT body FROM conversations WHERE id = ? AND tenant = ? AND spoken_at_s >= ?",
            (conversation_id, tenant, now_s - IDLE_S_MAX),
        )
        if not rows:
            raise NotFound("no such conversation", conversation=conversation_id[:64])
        return _loaded(rows[0][0])

    def of_tenant(self, tenant: str, now_s: float) -> list[Conversation]:
        """All of a tenant's, the one that was spoken in last first."""
        rows = self._durable.read(
            "SELECT body FROM conversations WHERE tenant = ? AND spoken_at_s >= ?"
            " ORDER BY spoken_at_s DESC LIMIT ?",
            (tenant, now_s - IDLE_S_MAX, CONVERSATIONS_PER_TENANT_MAX),
        )
        return [_loaded(body) for (body,) in rows]

    @asynccontextmanager
    async def claimed(
        self, tenant: str, conversation_id: str, now_s: float
    ) -> AsyncGenerator[Conversation, None]:
        """The conversation, with its next message for this caller alone.

        Raises:
            NotFound; WrongState: another message is being answered.
        """
        self.read(tenant, conversation_id, now_s)
        claim = f"{self._replica}/{next(self._numbers)}"
        await self._write(
            [
                (
                    "UPDATE conversations SET claimed_by = ?, incarnation = ?, claimed_at_s = ?"
                    " WHERE id = ? AND (claimed_by = '' OR incarnation <> ? OR claimed_at_s < ?)",
                    (
                        claim,
                        self._incarnation,
                        now_s,
                        conversation_id,
                        self._incarnation,
                        now_s - CLAIM_S_MAX,
                    ),
                )
            ]
        )
        owner = "SELECT claimed_by FROM conversations WHERE id = ?"
        if self._durable.read(owner, (conversation_id,)) != [(claim,)]:
            raise WrongState(
                "another message of this conversation is being answered",
                conversation=conversation_id,
            )
        try:
            yield self.read(tenant, conversation_id, now_s)
        finally:
            free = "UPDATE conversations SET claimed_by = '' WHERE id = ? AND claimed_by = ?"
            await asyncio.shield(self._write([(free, (conversation_id, claim))]))

    async def save(self, talk: Conversation, lines: Sequence[Line], now_s: float) -> None:
        """Keep where a conversation stands, with what was said on the way; durable on return."""
        insert = (
            "INSERT INTO lines (conversation, number, speaker, body, at_s) SELECT ?,"
            " 1 + coalesce((SELECT max(number) FROM lines WHERE conversation = ?), 0), ?, ?, ?"
        )
        name = talk.conversation_id
        written = [(insert, (name, name, *_line(line), now_s)) for line in lines]
        update = "UPDATE conversations SET body = ?, spoken_at_s = ? WHERE id = ?"
        await self._write([(update, (_dumped(talk), now_s, name)), *written])

    def lines(self, conversation_id: str) -> list[Line]:
        """Everything said so far, in order."""
        rows = self._durable.read(
            "SELECT speaker, body, at_s FROM lines WHERE conversation = ? ORDER BY number",
            (conversation_id,),
        )
        return [
            Line(at_s, text=body) if speaker == "tenant" else Line(at_s, reply=_reply(body))
            for speaker, body, at_s in rows
        ]

    async def end(self, tenant: str, conversation_id: str, now_s: float) -> None:
        """Forget a conversation; slices that came of it stay.

        Raises:
            NotFound; WrongState: an order of it is under way.
        """
        talk = self.read(tenant, conversation_id, now_s)
        if talk.phase.in_flight:
            raise WrongState("an order of this conversation is under way", phase=talk.phase.value)
        await self._write(
            [
                ("DELETE FROM lines WHERE conversation = ?", (conversation_id,)),
                ("DELETE FROM conversations WHERE id = ?", (conversation_id,)),
            ]
        )

    def _write(self, statements: Sequence[Statement]) -> asyncio.Future[None]:
        """Queue a change; nothing is kept in memory, so a disk that failed is tried again."""
        if self._durable.failed:
            self._durable.reopen()
        return self._durable.submit(statements)

    async def _forget_idle(self, now_s: float) -> None:
        idle = "SELECT id FROM conversations WHERE spoken_at_s < ?"
        since = (now_s - IDLE_S_MAX,)
        await self._write(
            [
                (f"DELETE FROM lines WHERE conversation IN ({idle})", since),  # noqa: S608
                ("DELETE FROM conversations WHERE spoken_at_s < ?", since),
            ]
        )


def ensure_turn(talk: Conversation) -> None:
    """Refuse a message beyond the last turn.

    Raises:
        Overloaded: begin another conversation.
    """
    if talk.turns >= TURNS_MAX:
        raise Overloaded(
            f"a conversation has at most {TURNS_MAX} messages; begin another one",
            limit="TURNS_MAX",
            value=TURNS_MAX,
        )


def _dumped(talk: Conversation) -> str:
    # A whole number where a float is declared is fine, and no reason to warn.
    return _CONVERSATION.dump_json(talk, warnings=False).decode()


def _line(line: Line) -> tuple[str, str]:
    """Who speaks, and what."""
    if line.reply is None:
        return "tenant", line.text
    return "entente", _REPLY.dump_json(line.reply, warnings=False).decode()


def _loaded(body: str) -> Conversation:
    try:
        return _CONVERSATION.validate_json(body)
    except ValidationError as error:
        raise StoreFailed("a stored conversation cannot be read") from error


def _reply(body: str) -> Reply:
    try:
        return _REPLY.validate_json(body)
    except ValidationError as error:
        raise StoreFailed("a stored reply cannot be read") from error
