"""All that leaves a domain in federated training: weights, and how many requests they are from.

    b"FED1" | samples, uint32 | weights, float64 x WEIGHTS, all little-endian

The length never changes, so not even how much a domain knows can be read off it; there is no field
for anything else, and `decode` takes nothing that is not exactly this.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from envs.arrays import Floats
from envs.embedding.learned import WEIGHTS

MAGIC: Final = b"FED1"
_HEAD: Final = struct.Struct("<4sI")
BYTES: Final = _HEAD.size + 8 * WEIGHTS
SAMPLES_MAX: Final = (1 << 32) - 1
WEIGHT_MAX: Final = 1e6


class UpdateInvalid(ValueError):
    """What came is no update: says why. Nothing of it is used."""


@dataclass(frozen=True, slots=True)
class Update:
    """weights: [WEIGHTS], finite. samples: the requests that they were trained on."""

    weights: Floats
    samples: int

    def encode(self) -> bytes:
        """`BYTES` bytes."""
        assert self.weights.shape == (WEIGHTS,)
        head = _HEAD.pack(MAGIC, min(self.samples, SAMPLES_MAX))
        return head + self.weights.astype("<f8").tobytes()

    @staticmethod
    def decode(message: bytes) -> Update:
        """Raises UpdateInvalid for anything that `encode` would not have made."""
        if len(message) != BYTES:
            raise UpdateInvalid(f"an update has {BYTES} bytes, not {len(message)}")
        magic, samples = _HEAD.unpack_from(message)
        if magic != MAGIC:
            raise UpdateInvalid("this is no update")
        weights = np.frombuffer(message, "<f8", offset=_HEAD.size).astype(np.float64)
        if not (np.isfinite(weights).all() and np.abs(weights).max() <= WEIGHT_MAX):
            raise UpdateInvalid("a weight is no finite number, or beyond all measure")
        if samples == 0:
            raise UpdateInvalid("an update of no samples")
        return Update(weights, samples)
