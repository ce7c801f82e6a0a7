"""Errors of `domains.errors` to gRPC statuses and back: one table, both ways.

A status carries `google.rpc.ErrorInfo` (AIP-193) in `grpc-status-details-bin`, so that the other
side raises the same error with the same metadata as if the call had been local. What is not in the
tree becomes INTERNAL with an id under which our own log has the cause; the caller never sees that.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

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

STATUS: Final[Mapping[type[EntenteError], grpc.StatusCode]] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    NotPermitted: grpc.StatusCode.PERMISSION_DENIED,
    Refused: grpc.StatusCode.FAILED_PRECONDITION,
    StaleEpoch: grpc.StatusCode.ABORTED,
    Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unreachable: grpc.StatusCode.UNAVAILABLE,
}
"""A class and all below it -> its status."""

ERROR_DOMAIN: Final = "entente"
DETAILS_KEY: Final = "grpc-status-details-bin"

MESSAGE_CHARACTERS_MAX: Final = 512
METADATA_ENTRIES_MAX: Final = 24
METADATA_CHARACTERS_MAX: Final = 256
"""What of an error goes on the wire, and what of a peer's error is believed: headers are short."""

_T = TypeVar("_T")


def _tree(root: type[EntenteError]) -> Iterator[type[EntenteError]]:
    yield root
    for below in root.__subclasses__():
        yield from _tree(below)


_BY_REASON: Final = {kind.reason: kind for kind in _tree(EntenteError) if kind is not EntenteError}
_BY_CODE: Final = {code: kind for kind, code in STATUS.items()} | {
    grpc.StatusCode.UNAUTHENTICATED: NotPermitted,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
}
_NUMBER: Final = {code: code.value[0] for code in grpc.StatusCode}
_CODE: Final = {number: code for code, number in _NUMBER.items()}


def status_of(error: EntenteError) -> grpc.StatusCode:
    """The gRPC status of an error, by its nearest class in `STATUS`."""
    for kind in type(error).__mro__:
        if code := STATUS.get(kind):
            return code
    return grpc.StatusCode.INTERNAL


def decode(read: Callable[[bytes], _T], raw: bytes) -> _T:
    """Bytes to a message.

    Raises:
        InvalidRequest: not one.
    """
    try:
        return read(raw)
    except DecodeError:
        raise InvalidRequest("the request is not the message that this method takes") from None


async def abort(context: Any, error: EntenteError) -> NoReturn:
    """End the call with the status of `error`, its reason and its metadata."""
    code = status_of(error)
    await _end(context, code, error.message, error.reason, error.metadata)


async def abort_unknown(context: Any, error: Exception) -> NoReturn:
    """End the call with INTERNAL: the cause goes to our log, only its id to the caller."""
    await abort(context, incident(error))


def incident(error: Exception) -> EntenteError:
    """What a caller may know of an unforeseen error: an id under which our log has the cause."""
    number = secrets.token_hex(6)
    log.error("incident %s", number, exc_info=error)
    return EntenteError(f"internal error, incident {number}", incident=number)


async def _end(
    context: Any, code: grpc.StatusCode, text: str, reason: str, metadata: Mapping[str, str]
) -> NoReturn:
    status = _rich(code, text, reason, metadata)
    await context.abort(code, status.message, ((DETAILS_KEY, status.SerializeToString()),))
    raise AssertionError("abort always raises")


def error_to_proto(error: EntenteError) -> Status:
    """An error inside a message, for example of a long-running operation that failed."""
    return _rich(status_of(error), error.message, error.reason, error.metadata)


def _rich(code: grpc.StatusCode, text: str, reason: str, metadata: Mapping[str, str]) -> Status:
    info = ErrorInfo(reason=reason, domain=ERROR_DOMAIN, metadata=_bounded(metadata))
    packed = AnyMessage()
    packed.Pack(info)
    message = _printable(text, MESSAGE_CHARACTERS_MAX)
    return Status(code=_NUMBER[code], message=message, details=[packed])


def from_rpc_error(error: grpc.aio.AioRpcError, domain: str) -> EntenteError:
    """The error that the other side raised, as it would have been raised here.

    Without our own details (a broken connection, a deadline, a foreign server) the code decides,
    and whatever leaves the outcome open is `Unreachable`. Nothing of it is trusted to be short.
    """
    return _native(error.code(), error.details() or "", _info(error), domain)


def error_from_proto(status: Status, domain: str) -> EntenteError:
    """The same for an error inside a message."""
    code = _CODE.get(status.code, grpc.StatusCode.UNKNOWN)
    return _native(code, status.message, _info_in(status), domain)


def _native(code: grpc.StatusCode, said: str, info: ErrorInfo | None, domain: str) -> EntenteError:
    metadata: dict[str, str] = {}
    if info is not None:
        kind = _BY_REASON.get(info.reason) or _BY_CODE.get(code, Unreachable)
        said, metadata = said or kind.reason, _bounded(info.metadata)
    else:
        kind = _BY_CODE.get(code, Unreachable)
        said = f"{code.name}: {said or 'no details'}"
    native = kind(_printable(said, MESSAGE_CHARACTERS_MAX))
    native.metadata = {"domain": domain, **metadata}
    return native


def has_details(error: grpc.aio.AioRpcError) -> bool:
    """Whether the service itself answered so, rather than the transport below it."""
    return _info(error) is not None


def _info(error: grpc.aio.AioRpcError) -> ErrorInfo | None:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return _info_in(Status.FromString(value))
            except DecodeError:
                return None
    return None


def _info_in(status: Status) -> ErrorInfo | None:
    info = ErrorInfo()
    for packed in status.details[:1]:
        try:
            if packed.Unpack(info) and info.domain == ERROR_DOMAIN:
                return info
        except DecodeError:
            return None
    return None


def _bounded(metadata: Mapping[str, str]) -> dict[str, str]:
    bounded = {}
    for key in list(metadata)[:METADATA_ENTRIES_MAX]:
        bounded[_printable(key, 64)] = _printable(metadata[key], METADATA_CHARACTERS_MAX)
    return bounded


def _printable(text: str, characters_max: int) -> str:
    """Cut to length, without what could not be shown on a terminal or sent at all."""
    text = text[:characters_max]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)
