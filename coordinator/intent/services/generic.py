"""One entry per slice type, for requests that name no service; figures come from the type."""

from __future__ import annotations

from coordinator.intent.catalogue import (
    CONTROL_GATEWAY,
    GATEWAY,
    MESSAGE_BROKER,
    RENDERER,
    TRAFFIC_SERVER,
    Flow,
    Quality,
    entry,
)
from coordinator.model import SliceType

LATENCY, RELIABILITY = Quality.LATENCY, Quality.RELIABILITY
THROUGHPUT, ECONOMICS = Quality.THROUGHPUT, Quality.ECONOMICS

ENTRIES = (
    entry(
        "broadband service",
        SliceType.EMBB,
        (THROUGHPUT, LATENCY),
        (),
        GATEWAY,
        "embb | enhanced mobile broadband",
    ),
    entry(
        "low latency service",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        (),
        CONTROL_GATEWAY,
        "urllc | ultra reliable low latency",
        flow=Flow.BOTH,
    ),
    entry(
        "massive IoT service",
        SliceType.MIOT,
        (ECONOMICS, RELIABILITY),
        (),
        MESSAGE_BROKER,
        "miot | mmtc | massive machine type",
        flow=Flow.UP,
    ),
    entry(
        "vehicle service",
        SliceType.V2X,
        (RELIABILITY, LATENCY),
        (),
        TRAFFIC_SERVER,
        "v2x",
        flow=Flow.BOTH,
    ),
    entry(
        "machine service",
        SliceType.HMTC,
        (RELIABILITY, LATENCY),
        (),
        CONTROL_GATEWAY,
        "hmtc | high performance machine type",
        flow=Flow.BOTH,
    ),
    entry(
        "high data rate, low latency service",
        SliceType.HDLLC,
        (THROUGHPUT, LATENCY),
        (),
        RENDERER,
        "hdllc | high data rate low latency",
        flow=Flow.BOTH,
    ),
)
