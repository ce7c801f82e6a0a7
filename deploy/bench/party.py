"""A process of the federation under measurement: `python -m deploy.bench.party`.

It is what `deploy.coordinator_process` or `deploy.domain_process` is, and answers two questions
more: "profile" begins to count where this process spends its time, "profiled" tells.
"""

from __future__ import annotations

import cProfile
import io
import pstats
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coordinator.server import serve as serve_coordinator
from coordinator.settings import CoordinatorSettings, DomainEndpoint
from deploy.bench import fanout
from deploy.child import Answer, Stop, run
from domains.security import Identity
from domains.server import Hosted, start_all, stop_all

PROFILE_LINES = 40
OURS = r"/(coordinator|domains)/"
"""Listed a second time, with all that they call."""


class Profile:
    """Of the event loop's own thread; the thread that writes to the disk is not in it."""

    def __init__(self) -> None:
        self._running = cProfile.Profile()

    def answer(self, question: str) -> dict[str, str]:
        match question:
            case "profile":
                self._running.enable()
                return {}
            case "profiled":
                self._running.disable()
                text = io.StringIO()
                found = pstats.Stats(self._running, stream=text)
                found.sort_stats("tottime").print_stats(PROFILE_LINES)
                found.sort_stats("cumulative").print_stats(OURS, PROFILE_LINES)
                self._running = cProfile.Profile()
                return {"profile": text.getvalue()}
        return {"error": f"what is {question!r}?"}


async def _serve(body: Mapping[str, Any]) -> tuple[Answer, Stop]:
    if "hosted" in body:
        return await _domains(body)
    return await _coordinator(body)


async def _domains(body: Mapping[str, Any]) -> tuple[Answer, Stop]:
    servers = await start_all(
        [
            Hosted(
                Path(one["config"]), Path(one["database"]), Path(one["identity"]), one["address"]
            )
            for one in body["hosted"]
        ]
    )

    async def stop() -> None:
        await stop_all(servers, grace_s=0)

    return Profile().answer, stop


async def _coordinator(body: Mapping[str, Any]) -> tuple[Answer, Stop]:
    settings, identity = body["settings"], Path(body["settings"]["identity"])
    server = await serve_coordinator(
        CoordinatorSettings(
            **{
                **settings,
                "database": Path(settings["database"]),
                "identity": identity,
                "domains": tuple(DomainEndpoint(*endpoint) for endpoint in settings["domains"]),
            }
        )
    )
    bare = await fanout.listen(server, Identity.load(identity), body["fan_out"])
    profile = Profile()

    def answer(question: str) -> dict[str, str]:
        return {"bare": bare.address} if question == "bare" else profile.answer(question)

    async def stop() -> None:
        await bare.stop(0)
        await server.stop(0)

    return answer, stop


if __name__ == "__main__":
    run(_serve)
