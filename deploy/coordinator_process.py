"""The coordinator as a child process: `python -m deploy.coordinator_process`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coordinator.server import serve
from coordinator.settings import CoordinatorSettings, DomainEndpoint
from deploy.child import Answer, Stop, run


async def _serve(body: Mapping[str, Any]) -> tuple[Answer, Stop]:
    settings = CoordinatorSettings(
        **{
            **body,
            "database": Path(body["database"]),
            "identity": Path(body["identity"]) if body["identity"] else None,
            "domains": tuple(DomainEndpoint(**endpoint) for endpoint in body["domains"]),
        }
    )
    server = await serve(settings)
    return (lambda _: {"address": settings.address}), server.stop


if __name__ == "__main__":
    run(_serve)
