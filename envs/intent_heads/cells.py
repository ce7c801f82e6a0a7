"""What the tables of phrases are made of: slice types, qualities, and lines of text."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.intent.catalogue import Quality
from coordinator.model import SliceType

LATENCY, RELIABILITY = Quality.LATENCY, Quality.RELIABILITY
THROUGHPUT, ECONOMICS = Quality.THROUGHPUT, Quality.ECONOMICS
EMBB, URLLC, MIOT = SliceType.EMBB, SliceType.URLLC, SliceType.MIOT
V2X, HMTC, HDLLC = SliceType.V2X, SliceType.HMTC, SliceType.HDLLC


@dataclass(frozen=True, slots=True)
class Cell:
    """A slice type and its dominant quality."""

    slice_type: SliceType
    quality: Quality


def lines(text: str) -> tuple[str, ...]:
    """The lines of a block, without what surrounds them."""
    return tuple(line.strip() for line in text.strip().splitlines())
