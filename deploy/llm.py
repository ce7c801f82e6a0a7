"""A Ray Serve application that runs vLLM: the OpenAI API of an engine of its own.

    app = application(EngineSettings("Qwen/Qwen3-4B-Instruct"))
    serve.run(app, name="llm", route_prefix="/llm")

answers at /llm/v1/chat/completions. Each replica has one engine as a child; when the engine dies
the replica's health check fails and Serve starts another. Callers never wait for that: the
interpreter's own deadline, breaker and rules are in front of it.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import Any

import aiohttp
from ray import serve
from ray.serve import Application
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from deploy.vllm_engine import START_S_MAX, EngineSettings, VllmEngine
from domains.errors import Unreachable

BODY_BYTES_MAX = 262_144
ONGOING_MAX = 32
QUEUED_MAX = 64
ANSWER_S_MAX = 120.0
_PATHS = frozenset(("/v1/chat/completions", "/v1/models"))


class Llm:
    """One replica: an engine, and what passes requests on to it, answers streamed."""

    def __init__(
        self, settings: Mapping[str, Any], key: str = "", ready_s: float = START_S_MAX
    ) -> None:
        """Start the engine and wait until it serves.

        Raises:
            Unreachable: it does not.
        """
        self._key = key
        self._engine = VllmEngine(EngineSettings(**settings))
        self._engine.wait(ready_s)
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, request: Request) -> Response:
        """Pass one request on; whatever else is asked for is not there."""
        path = "/v1" + request.url.path.partition("/v1")[2]
        if path not in _PATHS:
            return _refused(404, "there is no such path")
        shown = request.headers.get("authorization", "")
        if self._key and not hmac.compare_digest(shown, f"Bearer {self._key}"):
            return _refused(401, "this key opens nothing")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                return _refused(413, f"a request has at most {BODY_BYTES_MAX} bytes")
        try:
            return await self._passed(request.method, path, body)
        except (aiohttp.ClientError, TimeoutError):
            return _refused(503, "the engine does not answer")

    async def check_health(self) -> None:
        """Serve asks; a dead engine makes it start another replica."""
        if not self._engine.alive or not await asyncio.to_thread(self._engine.healthy):
            raise Unreachable("the language model's engine has ended")

    def pid(self) -> int:
        """Of the engine."""
        return self._engine.pid

    def __del__(self) -> None:
        if hasattr(self, "_engine"):
            self._engine.stop()

    async def _passed(self, method: str, path: str, body: bytes) -> Response:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=ANSWER_S_MAX)
            self._session = aiohttp.ClientSession(timeout=timeout)
        reply = await self._session.request(
            method,
            self._engine.url.removesuffix("/v1") + path,
            data=body or None,
            headers={
                "Authorization": f"Bearer {self._engine.key}",
                "Content-Type": "application/json",
            },
        )
        kind = reply.headers.get("Content-Type", "application/json")
        return StreamingResponse(_pieces(reply), status_code=reply.status, media_type=kind)


def application(
    settings: EngineSettings, key: str = "", replicas: int = 1, gpus: float = 0
) -> Application:
    """The application for `serve.run`.

    Args:
        key: what callers have to show; "" lets everybody on this machine in.
        gpus: of each replica; 0 runs on the processor, where the environment of
            `settings.python` must have vLLM's build for processors.
    """
    deployment = serve.deployment(
        Llm,
        name="llm",
        num_replicas=replicas,
        max_ongoing_requests=ONGOING_MAX,
        max_queued_requests=QUEUED_MAX,
        health_check_period_s=5,
        health_check_timeout_s=15,
        ray_actor_options={"num_cpus": 0, "num_gpus": gpus},
    )
    return deployment.bind(asdict(settings), key)


async def _pieces(reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """What the engine says, as it says it; a caller that leaves ends the engine's work."""
    async with reply:
        async for piece in reply.content.iter_any():
            yield piece


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": {"message": why}}, status_code=status)
