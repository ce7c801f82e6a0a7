"""The coordinator as a child process: `python -m deploy.coordinator_process`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from coordinator.server import serve
from coordinator.settings import CoordinatorSettings
from deploy.child import Answer, Stop, run


async def _serve(body: Mapping[str, Any]) -> tuple[Answer, Stop]:
    settings = TypeAdapter(CoordinatorSettings).validate_python(body)
    server = await serve(settings)
    told = {"address": settings.address, "engine": server.engine.name, "note": server.engine.note}
    return (lambda _: told), server.stop


if __name__ == "__main__":
    run(_serve)
