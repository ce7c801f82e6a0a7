"""Sensors, meters and tags: many, small, cheap."""

from __future__ import annotations

from coordinator.intent.catalogue import (
    MESSAGE_BROKER,
    TS_22_104_PERIODIC,
    Entry,
    Figure,
    Flow,
    Quality,
    entry,
    figures,
)
from coordinator.model import SliceType

MONITORING: tuple[Figure, ...] = figures(TS_22_104_PERIODIC, latency_ms=100, availability_pct=99.99)


def _things(name: str, phrases: str, *, sector: bool = False) -> Entry:
    """Sensors report up, rarely: the plant monitoring row is the nearest that is standardised."""
    return entry(
        name,
        SliceType.MIOT,
        (Quality.ECONOMICS, Quality.RELIABILITY),
        MONITORING,
        MESSAGE_BROKER,
        phrases,
        flow=Flow.UP,
        sector=sector,
    )


ENTRIES = (
    _things(
        "environmental sensing",
        "environment monitoring | environmental monitoring | environmental sensor | air quality"
        " | weather station | weather sensor | noise sensor | pollution | flood sensor | river"
        " level | water quality | seismic | forest fire sensor | wildfire detection | humidity"
        " | rainfall | avalanche sensor | climate sensor | co2 sensor | radiation sensor",
    ),
    _things(
        "smart agriculture",
        "soil moisture | soil sensor | irrigation | livestock | crop | cattle | cow | sheep"
        " | greenhouse | vineyard | beehive | field sensor | smart farming | agriculture"
        " | agricultural | farm sensor | farm | orchard",
    ),
    _things(
        "city sensing",
        "parking sensor | smart parking | parking | waste bin | waste container | smart bin"
        " | waste management | street light | streetlight | smart lighting | street lamp"
        " | city sensor | leak detection | water leak | manhole | traffic sensor | garbage",
    ),
    _things(
        "building sensing",
        "smart bulb | bulb | smart building | building automation | building management"
        " | smart home | home automation"
        " | thermostat | hvac | smoke detector | occupancy sensor | elevator | smart lock"
        " | alarm sensor | smart plug | fridge sensor",
    ),
    _things(
        "vehicle telematics",
        "telematics | fleet tracking | fleet management | vehicle tracking | track vehicle"
        " | bike sharing | scooter | e bike | rental bike | cargo monitoring | trailer tracking",
    ),
    _things("wearables", "wearable | smartwatch | fitness band | pet tracker | child tracker"),
    entry(
        "sensor network",
        SliceType.MIOT,
        (Quality.ECONOMICS, Quality.RELIABILITY),
        MONITORING,
        MESSAGE_BROKER,
        "sensor | iot | iot sensor | iot device | iot monitoring | internet of things"
        " | massive iot | telemetry | m2m | machine to machine | connected device | low power"
        " device | battery powered | battery life | data logger | beacon | nb iot | lorawan"
        " | lpwan | ltem | redcap | sensor data | iot slice | mtc | report once | once a day"
        " | few bytes | hourly reading | small data | year battery | smart device",
        flow=Flow.UP,
    ),
    _things("smart city", "smart city | smart village | municipality", sector=True),
)
