"""What a tenant lived through, for whoever reads its sentences elsewhere: memory has one owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from coordinator.intent.memory import Memory
from coordinator.limits import INTENT_BYTES_MAX, RECALLED_MAX
from coordinator.model import Neighbour
from domains.errors import InvalidRequest, Overloaded

WAITING_MAX = 256


class Past:
    """Recalls in a thread of its own. Close it when done."""

    def __init__(self, memory: Callable[[], Memory | None]) -> None:
        self._memory = memory
        self._thread = ThreadPoolExecutor(1, "past")
        self._present = 0

    async def recall(self, tenant: str, text: str, limit: int) -> Sequence[Neighbour]:
        """What of the tenant's own past is nearest to a text, best first; nothing without memory.

        Raises:
            InvalidRequest: no text, too long a text, or too many wanted.
            Overloaded; StoreFailed: the memory does not answer.
        """
        size = len(text.encode())
        if not text.strip() or size > INTENT_BYTES_MAX:
            raise InvalidRequest(
                f"a text has 1 to {INTENT_BYTES_MAX} bytes", field="text", requested=size
            )
        if not 1 <= limit <= RECALLED_MAX:
            raise InvalidRequest(
                f"limit is {limit}; it must be between 1 and {RECALLED_MAX}",
                field="limit",
                requested=limit,
                achievable=RECALLED_MAX,
            )
        memory = self._memory()
        if memory is None:
            return ()
        if self._present >= WAITING_MAX:
            raise Overloaded("too many recalls at once", limit="WAITING_MAX", value=WAITING_MAX)
        self._present += 1
        try:
            recalled = memory.of(tenant).recall
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, recalled, text, limit
            )
        finally:
            self._present -= 1

    def close(self) -> None:
        """Take no more. Idempotent."""
        self._thread.shutdown(wait=False, cancel_futures=True)
