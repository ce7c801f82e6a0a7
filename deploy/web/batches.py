"""Sentences that arrive together are interpreted together.

An encoder takes hardly longer for eight sentences than for one. While a batch is being read,
whatever arrives forms the next one: under no load nobody waits, under load batches grow.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from coordinator.intent import Interpreter
from coordinator.model import Interpretation
from domains.errors import Overloaded

BATCH_MAX = 32
WAITING_MAX = 256
"""Sentences that may wait before callers hear OVERLOADED."""
READERS = 8
"""Sentences read at once by an interpreter that takes one at a time: a model may be slow."""


@runtime_checkable
class BatchInterpreter(Interpreter, Protocol):
    """An interpreter for which many sentences together are cheaper than one by one."""

    def interpret_many(
        self, texts: Sequence[str], areas: Sequence[str]
    ) -> Sequence[Interpretation | Exception]:
        """What each text asks for, in order; for a text that raises, what it raises."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    text: str
    done: asyncio.Future[Interpretation]


class Batches:
    """Reads sentences in threads, so that the event loop stays free. Close it when done."""

    def __init__(self, interpreter: Interpreter, areas: Sequence[str]) -> None:
        self._interpreter = interpreter
        self._areas = tuple(areas)
        self._together = isinstance(interpreter, BatchInterpreter)
        self._threads = ThreadPoolExecutor(1 if self._together else READERS, "interpreter")
        self._waiting: deque[_Waiting] = deque()
        self._busy = 0
        self.batches = 0

    async def read(self, text: str) -> Interpretation:
        """What one text asks for.

        Raises:
            InvalidRequest: see `Interpreter`. Overloaded: `WAITING_MAX` texts wait already.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise Overloaded("too many texts wait", limit="WAITING_MAX", value=WAITING_MAX)
        waiting = _Waiting(text, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._start()
        return await waiting.done

    def close(self) -> None:
        """Take no more; what is being read is finished. Idempotent."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        """Give the threads that are free something to read."""
        loop = asyncio.get_running_loop()
        limit, size = (1, BATCH_MAX) if self._together else (READERS, 1)
        while self._waiting and self._busy < limit:
            batch = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
            batch = [item for item in batch if not item.done.cancelled()]
            if not batch:
                continue
            self._busy += 1
            self.batches += 1
            work = loop.run_in_executor(self._threads, self._read, [i.text for i in batch])
            work.add_done_callback(partial(self._settle, batch))

    def _read(self, texts: Sequence[str]) -> Sequence[Interpretation | Exception]:
        if isinstance(self._interpreter, BatchInterpreter):
            return self._interpreter.interpret_many(texts, self._areas)
        try:
            return [self._interpreter.interpret(text, self._areas) for text in texts]
        except Exception as error:  # it is the caller's: one text, one outcome
            return [error]

    def _settle(
        self,
        batch: Sequence[_Waiting],
        work: asyncio.Future[Sequence[Interpretation | Exception]],
    ) -> None:
        self._busy -= 1
        failed = asyncio.CancelledError() if work.cancelled() else work.exception()
        outcomes = [failed] * len(batch) if failed else work.result()
        for item, outcome in zip(batch, outcomes, strict=True):
            if item.done.done():
                continue
            if isinstance(outcome, Interpretation):
                item.done.set_result(outcome)
            else:
                assert outcome is not None
                item.done.set_exception(outcome)
        if self._waiting and not work.cancelled():
            self._start()
