"""How tests call the HTTP application: no socket, but every byte that a socket would carry."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from deploy.web.app import Service, create

JSON = {"content-type": "application/json"}
TRANSLATE = "/v1/intents:translate"


@asynccontextmanager
async def calling(opened: Service, tenant: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, as a tenant or as nobody."""
    headers = {"authorization": f"Bearer {opened.tokens.token(tenant)}"} if tenant else {}
    transport = httpx.ASGITransport(create(opened), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://entente", headers=headers
    ) as client:
        yield client


async def said(client: httpx.AsyncClient, name: str, text: str) -> list[tuple[str, Any]]:
    """What is said back: (type, data) of every server-sent event."""
    answer = await client.post(f"/v1/{name}/messages", json={"text": text}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = []
    for block in answer.text.strip().split("\n\n"):
        kind, data = block.split("\n")
        events.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    assert events[-1][0] in ("state", "error"), "the last event says where it stands"
    return events


async def begun(client: httpx.AsyncClient) -> str:
    """The name of a new conversation."""
    answer = await client.post("/v1/conversations", json={})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["name"])
