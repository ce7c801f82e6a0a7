"""Sentences that are encoded at the same time go through the model as one batch.

A model takes half as long for each of eight sentences as for one alone. Whoever finds a processor
idle runs a batch of all that wait; what arrives meanwhile forms the next. Nobody waits for a batch
to fill up, so a lone sentence costs what it did, and under load batches grow.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coordinator.intent.encoder import Encoder, Vectors

BATCH_MAX = 64
"""Texts of one batch; beyond it they no longer get cheaper."""
AT_ONCE = os.cpu_count() or 1
"""Batches; each runs on one processor."""


@dataclass(slots=True, eq=False)
class _Asked:
    """Texts of one caller; `taken` into a batch, and `over` when that is encoded, or failed."""

    texts: Sequence[str]
    taken: bool = False
    over: bool = False
    vectors: Vectors | None = None
    error: Exception | None = None


class Together:
    """An `Encoder` in front of another; safe to call from several threads."""

    def __init__(self, encoder: Encoder, at_once: int = AT_ONCE) -> None:
        self._encoder, self._at_once = encoder, at_once
        self._waiting: list[_Asked] = []
        self._changed = threading.Condition()
        self._running = 0
        self.name, self.dimension = encoder.name, encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder.encode`."""
        asked = _Asked(texts)
        with self._changed:
            self._waiting.append(asked)
            while not asked.over:
                if asked.taken or self._running == self._at_once:
                    self._changed.wait()
                else:
                    self._run()
        if asked.error is not None:
            raise asked.error
        assert asked.vectors is not None, "what is over was encoded or failed"
        return asked.vectors

    def _run(self) -> None:
        """Encode a batch; called with the lock held, which others get meanwhile."""
        batch = self._taken()
        self._running += 1
        self._changed.release()
        try:
            self._encode(batch)
        finally:
            self._changed.acquire()
            self._running -= 1
            for asked in batch:
                asked.over = True
            self._changed.notify_all()

    def _taken(self) -> list[_Asked]:
        taken, size = 0, 0
        for asked in self._waiting:
            if taken and size + len(asked.texts) > BATCH_MAX:
                break
            asked.taken = True
            taken, size = taken + 1, size + len(asked.texts)
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return batch

    def _encode(self, batch: Sequence[_Asked]) -> None:
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
