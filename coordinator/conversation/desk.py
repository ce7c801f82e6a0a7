"""What a conversation may ask of a coordinator: what its tenant could ask for in typed fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from coordinator.conversation.model import MadeSlice, Quote
from coordinator.model import ServiceProfile

Progress = Callable[[str], None]
"""Called with one line for each thing that happens to an order."""


class Desk(Protocol):
    """One tenant at one coordinator.

    Every method raises `domains.errors.EntenteError`; `Unreachable` where nobody answers, and
    then the outcome is unknown.
    """

    async def quote(self, profiles: Sequence[ServiceProfile]) -> Quote:
        """What can be had now; nothing is held."""
        ...

    async def order(
        self,
        request_id: str,
        profiles: Sequence[ServiceProfile],
        words: Sequence[str],
        progress: Progress,
    ) -> Sequence[MadeSlice]:
        """Order exactly these profiles; the same `request_id` again is the same order.

        `words` are what was said of each, or empty: remembered, never read again.

        Raises:
            Refused: with reason RELAXATION_NEEDED where they cannot be had any more.
        """
        ...

    async def slices(self) -> Sequence[MadeSlice]:
        """The tenant's own slices."""
        ...
