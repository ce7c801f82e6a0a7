"""Calls to one domain under load: what waits together travels together.

A call that finds the way free goes alone, at once. While `FLIGHTS_MAX` messages are on their way
the next calls wait, and leave in one message when the first of them lands. So a quiet coordinator
pays nothing for it, and a busy one shares the cost of a call, and of the domain's commit, among
many. Each call keeps its own answer, error and deadline.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import grpc

from domains import wire
from domains.errors import Overloaded, Unreachable
from protos.slicing.v1 import domain_pb2 as pb

FLIGHTS_MAX: Final = 1
"""Messages on their way to one domain; more of them share less."""
CALLS_MAX: Final = 64
"""Calls in one message; what a domain accepts."""
BYTES_MAX: Final = 64 * 1024
"""Of calls that share a message: a quarter of what a domain accepts, so that the answers fit as
well; a menu is some forty times as long as what asks for it."""
QUEUE_MAX: Final = 4_096

FIELDS: Final = {
    "RequestOffers": "request_offers",
    "CreateHold": "create_hold",
    "ConfirmHold": "confirm_hold",
    "ReleaseHold": "release_hold",
}
"""Methods that may share a message, and their field in `Call` and `Answer`."""
_ALONE: Final = ("GetTopology", "ListHolds", "SetActivation")


@dataclass(frozen=True, slots=True)
class _Waiting:
    method: str
    request: Any
    deadline_s: float
    reply: asyncio.Future[Any]


class Exchange:
    """The way to one domain.

    Args:
        stub: of the domain's service; metadata: sent with every call.
    """

    def __init__(
        self, stub: Any, metadata: tuple[tuple[str, str], ...] | None, domain: str
    ) -> None:
        self._methods = {method: getattr(stub, method) for method in (*FIELDS, *_ALONE)}
        self._exchange = stub.Exchange
        self._metadata = metadata
        self._domain = domain
        self._flights = 0
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._together = True

    async def call(self, method: str, request: Any, deadline_s: float) -> Any:
        """The reply to one call.

        Raises:
            grpc.aio.AioRpcError: the call, or the message that it travelled in, failed.
            EntenteError: the domain refused this call of a shared message.
            TimeoutError: it waited for its deadline. Overloaded: `QUEUE_MAX` calls wait.
        """
        if method not in FIELDS or not self._together:
            return await self._alone(method, request, deadline_s)
        if self._flights < FLIGHTS_MAX:
            self._flights += 1
            try:
                return await self._alone(method, request, deadline_s)
            finally:
                self._landed()
        if len(self._waiting) >= QUEUE_MAX:
            raise Overloaded(
                f"too many calls wait for {self._domain}", limit="QUEUE_MAX", value=QUEUE_MAX
            )
        reply = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(method, request, deadline_s, reply))
        async with asyncio.timeout(deadline_s):
            return await reply

    async def _alone(self, method: str, request: Any, deadline_s: float) -> Any:
        return await self._methods[method](request, timeout=deadline_s, metadata=self._metadata)

    def _landed(self) -> None:
        """One flight less; those who wait take its place."""
        self._flights -= 1
        crew: list[_Waiting] = []
        size = 0
        while self._waiting and len(crew) < CALLS_MAX:
            size += self._waiting[0].request.ByteSize()
            if crew and size > BYTES_MAX:
                break
            waiting = self._waiting.popleft()
            if not waiting.reply.done():  # whose deadline has passed stays behind
                crew.append(waiting)
        if crew:
            self._flights += 1
            task = asyncio.get_running_loop().create_task(self._fly(crew))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fly(self, crew: list[_Waiting]) -> None:
        request = pb.ExchangeRequest(
            calls=[pb.Call(**{FIELDS[one.method]: one.request}) for one in crew]
        )
        deadline_s = max(one.deadline_s for one in crew)
        try:
            reply = await self._exchange(request, timeout=deadline_s, metadata=self._metadata)
            if len(reply.answers) != len(crew):
                raise self._unbelievable(f"{len(reply.answers)} answers to {len(crew)} calls")
            for one, answer in zip(crew, reply.answers, strict=True):
                self._hand_over(one, answer)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:  # an older domain: one by one
                self._together = False
                for one in crew:
                    await self._resend(one)
            else:
                _fail(crew, error)
        except Unreachable as error:
            _fail(crew, error)
        finally:
            self._landed()

    def _hand_over(self, one: _Waiting, answer: pb.Answer) -> None:
        if one.reply.done():
            return
        kind = answer.WhichOneof("answer")
        if kind == FIELDS[one.method]:
            one.reply.set_result(getattr(answer, kind))
        elif kind == "error":
            one.reply.set_exception(wire.error_from_proto(answer.error, self._domain))
        else:
            one.reply.set_exception(self._unbelievable(f"{kind} in answer to {one.method}"))

    async def _resend(self, one: _Waiting) -> None:
        if one.reply.done():
            return
        try:
            reply = await self._alone(one.method, one.request, one.deadline_s)
        except grpc.aio.AioRpcError as error:
            _fail([one], error)
        else:
            if not one.reply.done():
                one.reply.set_result(reply)

    def _unbelievable(self, what: str) -> Unreachable:
        return Unreachable(
            f"{self._domain} answered what no domain may: {what}",
            domain=self._domain,
            cause="unbelievable",
        )


def _fail(crew: list[_Waiting], error: Exception) -> None:
    for one in crew:
        if not one.reply.done():
            one.reply.set_exception(error)
