"""The routes. Whatever runs ASGI can run this: Ray Serve, uvicorn, or a test in one process."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi import Path as InPath
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from coordinator.conversation.model import Conversation, Reply
from coordinator.conversation.talks import Talks, checked_text
from coordinator.intent.services import BY_NAME, ENTRIES
from coordinator.model import TypeLabel
from coordinator.translation import Translation, translation
from deploy.web import problems, schema
from deploy.web.gate import Gate
from deploy.web.metrics import Counted, Metrics
from deploy.web.problems import Problem
from deploy.web.rate import Buckets
from deploy.web.tokens import ANONYMOUS, Tokens, Unauthenticated
from domains.errors import EntenteError, NotFound

VERSION = "1.0.0"
"""Of the HTTP API; the first number is the one in its paths."""
SEARCH_CHARACTERS_MAX = 64

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 413, 415, 422, 429, 503)
}
_TALK_ERRORS = {**_ERRORS, 404: {"model": Problem}, 409: {"model": Problem}}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
}

ConversationId = Annotated[str, InPath(pattern="^[0-9a-f-]{36}$")]


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes work with. `close` is called when the application ends."""

    talks: Talks
    tokens: Tokens
    buckets: Buckets
    engine: str
    note: str
    close: Callable[[], None]
    metrics: Metrics = field(default_factory=Metrics)


def create(service: Service) -> FastAPI:
    """The application; plain ASGI."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="Entente",
        version=VERSION,
        summary="Network slices from a tenant's own words",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.include_router(_routes())
    problems.install(app)
    app.add_middleware(
        Gate,
        tokens=service.tokens,
        buckets=service.buckets,
        now_s=service.talks.clock.monotonic_s,
    )
    app.add_middleware(Counted, metrics=service.metrics)
    return app


def _service(request: Request) -> Service:
    found = request.app.state.service
    assert isinstance(found, Service)
    return found


def _tenant(request: Request) -> str:
    """Who asks.

    Raises:
        Unauthenticated: nobody in particular, which is not enough to order.
    """
    tenant = request.scope["state"]["tenant"]
    assert isinstance(tenant, str)
    if tenant == ANONYMOUS:
        raise Unauthenticated("say who you are: Authorization: Bearer, from `entente token`")
    return tenant


Here = Annotated[Service, Depends(_service)]
Who = Annotated[str, Depends(_tenant)]


def _routes() -> APIRouter:
    routes = APIRouter()
    routes.post("/v1/intents:translate", responses=_ERRORS, tags=["intents"])(translate)
    routes.get("/v1/health", tags=["service"])(health)
    routes.get("/metrics", response_class=PlainTextResponse, tags=["service"])(metrics)
    routes.get("/v1/catalogue", responses=_ERRORS, tags=["catalogue"])(catalogue)
    routes.get("/v1/catalogue/{name}", responses=_TALK_ERRORS, tags=["catalogue"])(entry)
    talks = APIRouter(prefix="/v1/conversations", responses=_TALK_ERRORS, tags=["conversations"])
    talks.post("", status_code=201)(begin)
    talks.get("")(conversations)
    talks.get("/{conversation_id}")(transcript)
    talks.delete("/{conversation_id}", status_code=204, response_class=Response)(end)
    talks.post("/{conversation_id}/messages", response_class=StreamingResponse, responses=_STREAM)(
        say
    )
    routes.include_router(talks)
    return routes


async def translate(body: schema.TranslateRequest, here: Here, request: Request) -> Translation:
    """What a sentence asks for, as standard profiles. Nothing is stored, held or ordered."""
    covered = here.talks.network
    tenant = request.scope["state"]["tenant"]
    found = await here.talks.read(tenant, checked_text(body.text), covered.areas)
    answer = translation(found, covered.default_area)
    here.metrics.translations.labels(answer.action, answer.engine).inc()
    return answer


async def health(here: Here) -> schema.Health:
    """Whether this replica answers."""
    return schema.Health(engine=here.engine, note=here.note)


async def metrics(here: Here) -> PlainTextResponse:
    """Counters and latencies of this replica, in the Prometheus text format."""
    return PlainTextResponse(here.metrics.text(), media_type="text/plain; version=0.0.4")


async def catalogue(
    slice_type: TypeLabel | None = None,
    search: Annotated[str, Query(max_length=SEARCH_CHARACTERS_MAX)] = "",
) -> schema.Catalogue:
    """Services that a name is enough for."""
    wanted = search.lower()
    return schema.Catalogue(
        services=[
            schema.entry_of(item)
            for item in ENTRIES
            if slice_type in (None, item.slice_type.label)
            and any(wanted in phrase for phrase in (item.name, *item.phrases))
        ]
    )


async def entry(name: str) -> schema.CatalogueEntry:
    """One service of the catalogue."""
    if name not in BY_NAME:
        raise NotFound("the catalogue has no such service; GET /v1/catalogue lists them")
    return schema.entry_of(BY_NAME[name])


async def begin(body: schema.BeginRequest, here: Here, tenant: Who) -> schema.ConversationState:
    """Begin a conversation."""
    return schema.state_of(await here.talks.begin(tenant, str(uuid.uuid4())))


async def conversations(here: Here, tenant: Who) -> schema.ConversationList:
    """Your conversations."""
    found = here.talks.kept.of_tenant(tenant, here.talks.clock.now_s())
    return schema.ConversationList(conversations=[schema.state_of(talk) for talk in found])


async def transcript(conversation_id: ConversationId, here: Here, tenant: Who) -> schema.Transcript:
    """Where a conversation stands and all that was said, to take it up again."""
    talk = here.talks.kept.read(tenant, conversation_id, here.talks.clock.now_s())
    lines = here.talks.kept.lines(conversation_id)
    return schema.Transcript(
        conversation=schema.state_of(talk), lines=[schema.line_of(line) for line in lines]
    )


async def end(conversation_id: ConversationId, here: Here, tenant: Who) -> Response:
    """Forget a conversation. Slices that came of it stay."""
    await here.talks.kept.end(tenant, conversation_id, here.talks.clock.now_s())
    return Response(status_code=204)


async def say(
    conversation_id: ConversationId, body: schema.MessageRequest, here: Here, tenant: Who
) -> StreamingResponse:
    """Say something. The answer is a stream of server-sent events, one for each reply.

    The type of an event is the kind of reply (said, question, understood, suggestion, progress,
    quote, proposal, slices, refused), its data {"text", "data"}; the last one is `state` with the
    conversation, or `error` with a problem.
    """
    replies = here.talks.say(tenant, conversation_id, checked_text(body.text))
    first = await anext(replies)  # what is refused at once still gets its status
    return StreamingResponse(
        _events(first, replies),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(
    first: Reply | Conversation, later: AsyncGenerator[Reply | Conversation, None]
) -> AsyncIterator[str]:
    try:
        yield _event(first)
        async for item in later:
            yield _event(item)
    except EntenteError as error:
        yield _sse("error", problems.problem_of(error).model_dump())
    except Exception:
        problems.log.exception("a conversation failed")
        yield _sse("error", problems.problem_of(problems.internal()).model_dump())
    finally:
        await later.aclose()


def _event(item: Reply | Conversation) -> str:
    if isinstance(item, Reply):
        return _sse(item.kind.value, {"text": item.text, "data": dict(item.data)})
    return _sse("state", schema.state_of(item).model_dump(mode="json"))


def _sse(kind: str, body: object) -> str:
    return f"event: {kind}\ndata: {json.dumps(body, allow_nan=False)}\n\n"
