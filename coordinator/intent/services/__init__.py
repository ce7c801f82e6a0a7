"""The service catalogue, one module per sector, and what is assumed where it is silent."""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.intent.catalogue import FIVE_QI, Entry, Figure, by_name, figures
from coordinator.intent.services import (
    energy,
    everyday,
    generic,
    health,
    industry,
    media,
    mobility,
    safety,
    things,
)
from coordinator.model import SliceType

ENTRIES: tuple[Entry, ...] = (
    *health.ENTRIES,
    *industry.ENTRIES,
    *energy.ENTRIES,
    *mobility.ENTRIES,
    *media.ENTRIES,
    *safety.ENTRIES,
    *things.ENTRIES,
    *everyday.ENTRIES,
)
"""Services that words can name."""

GENERIC: Mapping[SliceType, Entry] = {item.slice_type: item for item in generic.ENTRIES}
"""What a request is called that names a slice type or a quality, but no service."""

BY_NAME: Mapping[str, Entry] = by_name((*ENTRIES, *generic.ENTRIES))

DELAY_BUDGET: Mapping[SliceType, tuple[Figure, ...]] = {
    SliceType.EMBB: figures(FIVE_QI, latency_ms=300),
    SliceType.URLLC: figures(FIVE_QI, latency_ms=10),
    SliceType.MIOT: figures(FIVE_QI, latency_ms=300),
    SliceType.V2X: figures(FIVE_QI, latency_ms=50),
    SliceType.HMTC: figures(FIVE_QI, latency_ms=30),
    SliceType.HDLLC: figures(FIVE_QI, latency_ms=20),
}
"""Packet delay budgets of 5QI 9, 82, 9, 79, 84 and 90, for services without one of their own."""

ASSUMED: Mapping[SliceType, Mapping[str, float]] = {
    SliceType.EMBB: {"availability_pct": 99.9, "per_ue_dl_mbps": 10, "per_ue_ul_mbps": 2},
    SliceType.URLLC: {"availability_pct": 99.999, "per_ue_dl_mbps": 1, "per_ue_ul_mbps": 1},
    SliceType.MIOT: {"availability_pct": 99.9, "per_ue_dl_mbps": 0.001, "per_ue_ul_mbps": 0.001},
    SliceType.V2X: {"availability_pct": 99.99, "per_ue_dl_mbps": 1, "per_ue_ul_mbps": 1},
    SliceType.HMTC: {"availability_pct": 99.99, "per_ue_dl_mbps": 1, "per_ue_ul_mbps": 1},
    SliceType.HDLLC: {"availability_pct": 99.9, "per_ue_dl_mbps": 50, "per_ue_ul_mbps": 10},
}
"""Our own assumptions, where no table gives a figure; always marked as defaults."""
