"""The HTTP service in a process of its own, without Ray: the same application under uvicorn."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import TypeAdapter

from coordinator.intent.settings import EngineSettings
from deploy.child import Answer, Stop, run
from deploy.translate import Settings, service
from deploy.web.address import loopback
from deploy.web.app import create
from domains.errors import EntenteError

CONNECTIONS_MAX = 512
POLL_S = 0.01


async def serve(body: Mapping[str, Any]) -> tuple[Answer, Stop]:
    """Serve what the parent says: the fields of `Settings`, and `listen`."""
    host, port = loopback(body["listen"])
    settings = Settings(
        home=Path(body["home"]),
        config=Path(body["config"]),
        engine=TypeAdapter(EngineSettings).validate_python(body["engine"]),
        incarnation=body["incarnation"],
    )
    app = create(service(settings, f"process-{os.getpid()}"))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", limit_concurrency=CONNECTIONS_MAX)
    )
    try:
        listening = socket.create_server((host, port), backlog=CONNECTIONS_MAX)
    except OSError as error:
        raise EntenteError(f"nothing can listen at {host}:{port}: {error.strerror}") from None
    serving = asyncio.ensure_future(server.serve([listening]))
    while not server.started:
        if serving.done():
            raise EntenteError("the HTTP service ended while it started")
        await asyncio.sleep(POLL_S)

    async def stop() -> None:
        server.should_exit = True
        await serving

    return (lambda question: {"error": f"{question[:32]!r} is no question"}), stop


if __name__ == "__main__":
    run(serve)
