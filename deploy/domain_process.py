"""Domains as a child process, without Ray: `python -m deploy.domain_process`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.child import Answer, Stop, run
from deploy.controllers import dial
from domains.server import Hosted, start_all, stop_all


async def _serve(body: Mapping[str, Any]) -> tuple[Answer, Stop]:
    hosted = [
        Hosted(
            config=Path(one["config"]),
            database=Path(one["database"]),
            identity=Path(one["identity"]) if one["identity"] else None,
            address=one["address"],
            upstream=Path(one["upstream"]) if one["upstream"] else None,
            controllers=one["controllers"],
        )
        for one in body["hosted"]
    ]
    servers = await start_all(hosted, dial)

    def usage(_: str) -> dict[str, Mapping[str, int]]:
        return {server.domain.name: server.domain.usage() for server in servers}

    async def stop() -> None:
        await stop_all(servers)

    return usage, stop


if __name__ == "__main__":
    run(_serve)
