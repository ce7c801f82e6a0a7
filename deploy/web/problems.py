"""Every error as {code, message, metadata}: one table from our tree to HTTP, and no stack trace."""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from deploy.web.tokens import Unauthenticated
from domains.errors import (
    EntenteError,
    InvalidRequest,
    NotFound,
    NotPermitted,
    Overloaded,
    Refused,
    StaleEpoch,
    Unreachable,
)

log = logging.getLogger(__name__)

SHOWN_CHARACTERS_MAX = 200
FIELDS_SHOWN_MAX = 8


class TooLarge(InvalidRequest):
    reason = "TOO_LARGE"


class Malformed(InvalidRequest):
    reason = "MALFORMED"


class UnsupportedType(InvalidRequest):
    reason = "UNSUPPORTED_TYPE"


STATUS: Mapping[type[EntenteError], http.HTTPStatus] = {
    TooLarge: http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Malformed: http.HTTPStatus.BAD_REQUEST,
    UnsupportedType: http.HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    InvalidRequest: http.HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: http.HTTPStatus.NOT_FOUND,
    Unauthenticated: http.HTTPStatus.UNAUTHORIZED,
    NotPermitted: http.HTTPStatus.FORBIDDEN,
    Refused: http.HTTPStatus.CONFLICT,
    StaleEpoch: http.HTTPStatus.CONFLICT,
    Overloaded: http.HTTPStatus.TOO_MANY_REQUESTS,
    Unreachable: http.HTTPStatus.SERVICE_UNAVAILABLE,
    EntenteError: http.HTTPStatus.INTERNAL_SERVER_ERROR,
}


class Problem(BaseModel):
    """Why a request was not answered: `code` for programs, `message` for people."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    message: str
    metadata: dict[str, str]


def status_of(error: EntenteError) -> int:
    """The status of the nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem_of(error: EntenteError) -> Problem:
    """An error of our tree as it is published."""
    return Problem(code=error.reason, message=error.message, metadata=error.metadata)


def answer_to(error: EntenteError) -> JSONResponse:
    """The whole response, with the headers that HTTP asks for."""
    status = status_of(error)
    headers = {}
    if status == http.HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    if "retry_after_s" in error.metadata:
        headers["retry-after"] = error.metadata["retry_after_s"]
    return JSONResponse(problem_of(error).model_dump(), status, headers)


def internal() -> EntenteError:
    """What a caller hears of a defect of ours."""
    return EntenteError("an internal error; the log has it")


def install(app: FastAPI) -> None:
    """Make every error of an application a `Problem`."""

    async def ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, EntenteError)
        return answer_to(error)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return answer_to(_invalid(error))

    async def by_status(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        status = http.HTTPStatus(error.status_code)
        problem = Problem(code=status.name, message=status.phrase, metadata={})
        return JSONResponse(problem.model_dump(), status, error.headers)

    async def defect(_: Request, error: Exception) -> JSONResponse:
        log.error("a request failed", exc_info=error)
        return answer_to(internal())

    app.add_exception_handler(EntenteError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, by_status)
    app.add_exception_handler(Exception, defect)


def _invalid(error: RequestValidationError) -> InvalidRequest:
    """What is wrong where; never what was sent, which may be long, or private."""
    found: list[Mapping[str, Any]] = list(error.errors())
    told = {
        ".".join(map(str, item["loc"]))[:SHOWN_CHARACTERS_MAX]: str(item["msg"])
        for item in found[:FIELDS_SHOWN_MAX]
    }
    told = {_printable(field): message for field, message in told.items()}
    first = next(iter(told.items()), ("body", "is not valid"))
    return InvalidRequest(f"{first[0]}: {first[1]}", **told)


def _printable(text: str) -> str:
    return text.encode(errors="replace").decode()
