"""Sentences are read in threads, so few at once that nothing piles up unseen.

An interpreter may wait for a model for seconds; the event loop must not. A tenant's sentence is
read by the interpreter of that tenant, in the light of its own experience and nobody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from coordinator.intent import Interpreter
from coordinator.model import Interpretation
from domains.errors import Overloaded

READERS = 16
"""Sentences read at once; also the largest batch that an encoder gets to see."""
WAITING_MAX = 256
"""Sentences that may be read or wait before callers hear OVERLOADED."""

Interpreters = Callable[[str], Interpreter]
"""The interpreter of a tenant, by its name; quick, as it is asked for every sentence."""


class Readers:
    """Reads for all tenants of one process. Close it when done."""

    def __init__(self, of: Interpreters, areas: Sequence[str]) -> None:
        self._of = of
        self._areas = tuple(areas)
        self._threads = ThreadPoolExecutor(READERS, "interpreter")
        self._present = 0

    async def read(self, tenant: str, text: str) -> Interpretation:
        """What a text of a tenant asks for.

        Raises:
            InvalidRequest: see `Interpreter`. Overloaded: `WAITING_MAX` texts are here already.
        """
        if self._present >= WAITING_MAX:
            raise Overloaded("too many texts wait", limit="WAITING_MAX", value=WAITING_MAX)
        self._present += 1
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._read, tenant, text)
        # Counted until it is really over: a caller that leaves does not stop a thread.
        work.add_done_callback(self._over)
        return await asyncio.shield(work)

    def close(self) -> None:
        """Take no more; what is being read is finished. Idempotent."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _read(self, tenant: str, text: str) -> Interpretation:
        return self._of(tenant).interpret(text, self._areas)

    def _over(self, work: asyncio.Future[Interpretation]) -> None:
        self._present -= 1
        if not work.cancelled():
            work.exception()  # seen: its caller may have left
