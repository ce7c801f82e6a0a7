"""Time and chance as arguments: the only module of the coordinator that reads either."""

from __future__ import annotations

import random
import time
from typing import Protocol


class Clock(Protocol):
    """Where the coordinator gets time and jitter from; simulations bring their own."""

    def now_s(self) -> float:
        """Seconds since the epoch, for people."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back, for deadlines."""
        ...

    def jitter(self) -> float:
        """Uniform in [0, 1)."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()

    def jitter(self) -> float:
        return random.random()  # noqa: S311  # spreads retries, guards nothing
