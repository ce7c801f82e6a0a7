"""Sentences that are encoded at the same time go through the model as one batch.

A model takes hardly longer for eight sentences than for one. Whoever finds it idle runs it; what
arrives meanwhile forms the next batch, which the first of those who wait then runs. Nobody waits
for a batch to fill up, so a lone sentence costs what it did, and under load batches grow.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from coordinator.intent.encoder import Encoder, Vectors

BATCH_MAX = 64
"""Sentences of one batch; beyond it they no longer get cheaper."""


@dataclass(slots=True, eq=False)
class _Asked:
    """Texts of one caller; `woken` when they are encoded, or when it is its turn to encode."""

    texts: Sequence[str]
    woken: threading.Event = field(default_factory=threading.Event)
    vectors: Vectors | None = None
    error: Exception | None = None


class Together:
    """An `Encoder` in front of another; safe to call from several threads."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._waiting: list[_Asked] = []
        self._guard = threading.Lock()
        self._running = False
        self.name, self.dimension = encoder.name, encoder.dimension
        self.batches = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder.encode`."""
        asked = _Asked(texts)
        with self._guard:
            self._waiting.append(asked)
            idle, self._running = not self._running, True
        if not idle:
            asked.woken.wait()
        if asked.vectors is None and asked.error is None:
            self._encode(self._taken())
        if asked.error is not None:
            raise asked.error
        assert asked.vectors is not None, "who runs a batch is the first in it"
        return asked.vectors

    def _taken(self) -> list[_Asked]:
        with self._guard:
            taken, size = 0, 0
            for asked in self._waiting:
                if taken and size + len(asked.texts) > BATCH_MAX:
                    break
                taken, size = taken + 1, size + len(asked.texts)
            batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
            return batch

    def _encode(self, batch: Sequence[_Asked]) -> None:
        self.batches += 1
        try:
            texts = [text for asked in batch for text in asked.texts]
            ends = np.cumsum([len(asked.texts) for asked in batch])[:-1]
            vectors = np.split(self._encoder.encode(texts), ends)
        except Exception as error:  # it is everybody's who asked
            for asked in batch:
                asked.error = error
        else:
            for asked, own in zip(batch, vectors, strict=True):
                asked.vectors = own
        with self._guard:
            self._running = bool(self._waiting)
            following = self._waiting[:1]
        for asked in (*batch, *following):
            asked.woken.set()
