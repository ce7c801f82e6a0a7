"""Electricity, gas, water."""

from __future__ import annotations

from coordinator.intent.catalogue import (
    CONTROL_GATEWAY,
    MESSAGE_BROKER,
    TS_22_104_APERIODIC,
    TS_22_104_MIXED,
    TS_22_104_PERIODIC,
    Flow,
    Quality,
    entry,
    figures,
)
from coordinator.model import SliceType

LATENCY, RELIABILITY = Quality.LATENCY, Quality.RELIABILITY
ECONOMICS = Quality.ECONOMICS

ENTRIES = (
    entry(
        "grid protection",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(
            TS_22_104_PERIODIC,
            latency_ms=5,
            availability_pct=99.9999,
            per_ue_ul_mbps=1.5,
            per_ue_dl_mbps=1.5,
        ),
        CONTROL_GATEWAY,
        "grid protection | differential protection | teleprotection | line protection"
        " | distribution automation | automated switching | fault isolation | flisr | substation"
        " | protection relay | circuit breaker | switchgear | fault detection grid",
        flow=Flow.BOTH,
    ),
    entry(
        "grid control",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(TS_22_104_PERIODIC, latency_ms=50, availability_pct=99.999),
        CONTROL_GATEWAY,
        "power grid | smart grid | frequency control | grid control | electric grid | electricity"
        " grid | energy grid | grid monitoring | power grid monitoring | grid automation"
        " | grid management | power distribution | grid operator | power plant | utility grid"
        " | microgrid | power line | transmission system operator | nuclear",
        flow=Flow.BOTH,
    ),
    entry(
        "voltage control",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(TS_22_104_PERIODIC, latency_ms=100, availability_pct=99.999),
        CONTROL_GATEWAY,
        "voltage control | reactive power",
        flow=Flow.BOTH,
    ),
    entry(
        "load control",
        SliceType.URLLC,
        (LATENCY, RELIABILITY),
        figures(TS_22_104_APERIODIC, latency_ms=50, availability_pct=99.9999),
        CONTROL_GATEWAY,
        "load control | load shedding | demand response",
        flow=Flow.BOTH,
    ),
    entry(
        "wind farm control",
        SliceType.URLLC,
        (RELIABILITY, LATENCY),
        figures(TS_22_104_MIXED, latency_ms=16, availability_pct=99.9999999),
        CONTROL_GATEWAY,
        "wind farm | wind park | wind turbine | wind power | offshore wind | turbine control",
        flow=Flow.BOTH,
    ),
    entry(
        "smart metering",
        SliceType.MIOT,
        (ECONOMICS, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=100, availability_pct=99.99),
        MESSAGE_BROKER,
        "smart metering | smart meter | meter | metering | electricity meter | gas meter"
        " | water meter | meter reading | utility meter | read meter | submetering | heat meter",
        flow=Flow.UP,
    ),
    entry(
        "distributed energy telemetry",
        SliceType.MIOT,
        (ECONOMICS, RELIABILITY),
        figures(TS_22_104_PERIODIC, latency_ms=100, availability_pct=99.99),
        MESSAGE_BROKER,
        "solar panel | solar farm | photovoltaic | charging station | ev charger | charge point"
        " | charging point | energy monitoring | energy management | heat pump | inverter",
        flow=Flow.UP,
    ),
)
