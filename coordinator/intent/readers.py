"""Sentences are read in threads, so few at once that nothing piles up unseen.

An interpreter may wait for a model for seconds; the event loop must not. A tenant's sentence is
read by the interpreter of that tenant, in the light of its own experience and nobody else's. One
that takes too long is left behind, and the rules, which wait for nothing, answer in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from coordinator.intent import Interpreter
from coordinator.intent.rules import RulesInterpreter
from coordinator.model import Interpretation
from domains.errors import Overloaded

READERS = 16
"""Sentences read at once; also the largest batch that an encoder gets to see."""
WAITING_MAX = 256
"""Sentences that may be read or wait before callers hear OVERLOADED."""
READ_S_MAX = 30.0
"""A model's own deadline, and some for waiting; half of what an order may take."""

Interpreters = Callable[[str], Interpreter]
"""The interpreter of a tenant, by its name; quick, as it is asked for every sentence."""


class Readers:
    """Reads for all tenants of one process. Close it when done."""

    def __init__(self, of: Interpreters, read_s_max: float = READ_S_MAX) -> None:
        self._of = of
        self._read_s_max = read_s_max
        self._threads = ThreadPoolExecutor(READERS, "interpreter")
        self._instead = ThreadPoolExecutor(1, "interpreter-instead")
        self._present = 0

    async def read(self, tenant: str, text: str, areas: Sequence[str]) -> Interpretation:
        """What a text of a tenant asks for, in a network that covers `areas`.

        Raises:
            InvalidRequest: see `Interpreter`. Overloaded: `WAITING_MAX` texts are here already.
        """
        if self._present >= WAITING_MAX:
            raise Overloaded("too many texts wait", limit="WAITING_MAX", value=WAITING_MAX)
        self._present += 1
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, self._read, tenant, text, areas)
        # Counted until it is really over: a caller that leaves does not stop a thread.
        work.add_done_callback(self._over)
        try:
            return await asyncio.wait_for(asyncio.shield(work), self._read_s_max)
        except TimeoutError:
            return await loop.run_in_executor(self._instead, self._plainly, text, areas)

    def close(self) -> None:
        """Take no more; what is being read is finished. Idempotent."""
        for threads in (self._threads, self._instead):
            threads.shutdown(wait=False, cancel_futures=True)

    def _read(self, tenant: str, text: str, areas: Sequence[str]) -> Interpretation:
        return self._of(tenant).interpret(text, areas)

    def _plainly(self, text: str, areas: Sequence[str]) -> Interpretation:
        said = RulesInterpreter().interpret(text, areas)
        late = f"rules answered, as nothing else did within {self._read_s_max:g} s"
        return replace(said, explanation="; ".join(filter(None, (said.explanation, late))))

    def _over(self, work: asyncio.Future[Interpretation]) -> None:
        self._present -= 1
        if not work.cancelled():
            work.exception()  # seen: its caller may have left
