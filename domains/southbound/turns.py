"""A driver that blocks has a thread of its own: one call at a time, waited for so long at most.

A call that hangs cannot be stopped. Whoever waits for it, or comes meanwhile, hears so; when it
ends after all, its result is nobody's and work goes on. The thread does not keep the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from domains.errors import DriverFailed

T = TypeVar("T")

_Call = tuple[Callable[[], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]


class Turns:
    """The calls of one driver, in order.

    Args:
        wait_s: for one call, its time in the queue included.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._queue: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._running: asyncio.Future[Any] | None = None
        self._hangs = False
        threading.Thread(target=self._work, name="driver", daemon=True).start()

    async def do(self, work: Callable[[], T]) -> T:
        """One call.

        Raises:
            DriverFailed: it was not done in time, or an earlier one still hangs.
        """
        if self._hangs:
            raise DriverFailed("the driver hangs: an earlier call has not come back")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._queue.put((work, done, loop))
        try:
            async with asyncio.timeout(self._wait_s):
                return await done
        except TimeoutError:
            self._hangs = self._running is done
            raise DriverFailed(f"the driver has not answered within {self._wait_s:g} s") from None

    def close(self) -> None:
        """No more calls; one that hangs is left alone."""
        self._queue.put(None)

    def _work(self) -> None:
        while (call := self._queue.get()) is not None:
            work, done, loop = call
            if done.cancelled():
                continue  # nobody waits for it any more: it was never begun
            self._running = done
            try:
                found, error = work(), None
            except BaseException as raised:
                found, error = None, raised
            self._running, self._hangs = None, False
            with contextlib.suppress(RuntimeError):  # a loop that is closed waits for nothing
                loop.call_soon_threadsafe(_settle, done, found, error)


def _settle(done: asyncio.Future[Any], found: Any, error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(found)
    else:
        done.set_exception(error)
