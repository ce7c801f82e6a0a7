"""In front of every route: who asks, how often, how many bytes, and strict JSON only.

Plain ASGI: what is refused here has cost neither parsing nor a route.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.web.problems import Malformed, TooLarge, UnsupportedType, answer_to
from deploy.web.rate import Buckets
from deploy.web.tokens import Tokens
from domains.errors import EntenteError, Overloaded

BODY_BYTES_MAX = 64 * 2**10
"""A text of the most bytes that are allowed, with every character escaped, and its key."""
UNMETERED = frozenset({"/v1/health", "/metrics"})
"""Probes come often and cost nothing."""


class Gate:
    """The middleware.

    Args:
        now_s: a clock that never goes back.
    """

    def __init__(
        self, app: ASGIApp, tokens: Tokens, buckets: Buckets, now_s: Callable[[], float]
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._buckets = buckets
        self._now_s = now_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            scope.setdefault("state", {})["tenant"] = self._admitted(scope)
            if scope["method"] in ("POST", "PUT", "PATCH"):
                receive = _replayed(await _body(scope, receive), receive)
        except EntenteError as error:
            await answer_to(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admitted(self, scope: Scope) -> str:
        """The tenant.

        Raises:
            Unauthenticated, Overloaded.
        """
        tenant = self._tokens.tenant_of(_header(scope, b"authorization"))
        if scope["path"] in UNMETERED:
            return tenant
        wait_s = self._buckets.take(tenant, self._now_s())
        if wait_s > 0:
            raise Overloaded(
                "too many requests at once",
                limit="requests per tenant",
                retry_after_s=math.ceil(wait_s),
            )
        return tenant


async def _body(scope: Scope, receive: Receive) -> bytes:
    """A body that is small, UTF-8 and JSON.

    Raises:
        UnsupportedType, TooLarge, Malformed.
    """
    kind = (_header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedType("send application/json", requested=kind[:64] or "nothing")
    announced = _header(scope, b"content-length") or "0"
    if not announced.isdecimal() or int(announced[:20]) > BODY_BYTES_MAX:
        _too_large()
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            _too_large()
        more = message.get("more_body", False)
    _strict(bytes(body))
    return bytes(body)


def _strict(body: bytes) -> None:
    """What the JSON standard allows and no more.

    Raises:
        Malformed: not UTF-8, NaN or infinity, a key twice, nested beyond reason, no JSON.
    """
    try:
        json.loads(body.decode(), parse_constant=_no_number, object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise Malformed("the body is not UTF-8", offset=error.start) from None
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is no JSON: {error.msg}", offset=error.pos) from None
    except (RecursionError, ValueError):
        raise Malformed("the body is no JSON that we read") from None


def _no_number(constant: str) -> NoReturn:
    raise Malformed(f"{constant} is no JSON number", requested=constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key stands twice in one object")
    return found


def _too_large() -> NoReturn:
    raise TooLarge(
        "the body is too large", limit="BODY_BYTES_MAX", achievable=BODY_BYTES_MAX, unit="bytes"
    )


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives the body, which has been read, once more; then what comes after."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
