"""What is known about services: requirements with the clause each comes from, and their words.

The entries live in `services/`, one module per sector. A figure is a fact retyped from a
standard; where a table gives a range, the entry takes the easiest value that still is the
service (for "2-16 Mbit/s", 2), because a tenant can ask for more but not guess what was assumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from coordinator.model import SliceType
from domains.model import NetworkFunction


class Quality(StrEnum):
    """The four qualities of a preference, named like the fields of `Preference`."""

    LATENCY = "latency"
    RELIABILITY = "reliability"
    THROUGHPUT = "throughput"
    ECONOMICS = "economics"


class Confidence(StrEnum):
    """How sure a figure is: READ in the standard's own text, or RECALLED and yet to be read."""

    READ = "read"
    RECALLED = "recalled"


@dataclass(frozen=True, slots=True)
class Clause:
    """A place in a standard."""

    text: str
    confidence: Confidence = Confidence.READ


@dataclass(frozen=True, slots=True)
class Figure:
    """One required value; `key` as in `Evidence`."""

    key: str
    value: float
    clause: Clause


class Flow(StrEnum):
    """Where the bulk of a service's traffic goes, for a rate stated without a direction."""

    DOWN = "down"
    UP = "up"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Entry:
    """One service.

    Attributes:
        first, second: the qualities that matter most, in this order.
        phrases: how people name it; words in order, small words between them do not matter.
        sector: a line of business ("hospital") and no service of its own: it counts only where
            nothing more concrete is named.
        functions: the application to host for it.
    """

    name: str
    slice_type: SliceType
    first: Quality
    second: Quality
    figures: tuple[Figure, ...]
    functions: tuple[NetworkFunction, ...]
    flow: Flow
    phrases: tuple[str, ...]
    sector: bool = False


# Where the figures come from.
FIVE_QI = Clause("TS 23.501 table 5.7.4-1", Confidence.RECALLED)
TS_22_104_PERIODIC = Clause("TS 22.104 table 5.2-1")
TS_22_104_MEDICAL = Clause("TS 22.104 table 5.2-1", Confidence.RECALLED)
TS_22_104_APERIODIC = Clause("TS 22.104 table 5.3-1")
TS_22_104_NON_DETERMINISTIC = Clause("TS 22.104 table 5.4-1")
TS_22_104_MIXED = Clause("TS 22.104 table 5.5-1")
TS_22_186_PLATOON = Clause("TS 22.186 table 5.2-1")
TS_22_186_ADVANCED = Clause("TS 22.186 table 5.3-1")
TS_22_186_SENSORS = Clause("TS 22.186 table 5.4-1")
TS_22_186_REMOTE = Clause("TS 22.186 table 5.5-1")
TS_22_261_RATES = Clause("TS 22.261 table 7.1-1")
TS_22_261_ROADSIDE = Clause("TS 22.261 table 7.2.3.2-1")
TS_22_261_INTERACTIVE = Clause("TS 22.261 table 7.6.1-1", Confidence.RECALLED)
TS_22_263 = Clause("TS 22.263 clause 6.2", Confidence.RECALLED)
TS_22_289_RAIL = Clause("TS 22.289 table 5.2.2-1")
TS_22_289_METRO = Clause("TS 22.289 table 6.2.2.3-1")
TR_22_826 = Clause("TR 22.826 mobile specialist practice")
TR_22_847 = Clause("TR 22.847 consolidated requirements")
COLLABORATION = Clause("PREDICT-6G remote collaboration KPIs")
SURGERY_STUDY = Clause("arXiv:1803.03586, by TR 22.826 clause 5.3.3", Confidence.RECALLED)

MEDIA_SERVER = (NetworkFunction("media-server", "media-server", 8_000, 16_384, 100),)
CONTROL_GATEWAY = (NetworkFunction("control-gateway", "control-gateway", 4_000, 8_192, 20),)
MESSAGE_BROKER = (NetworkFunction("message-broker", "message-broker", 2_000, 4_096, 50),)
RENDERER = (NetworkFunction("renderer", "renderer", 16_000, 65_536, 200),)
TRAFFIC_SERVER = (NetworkFunction("traffic-server", "traffic-server", 4_000, 8_192, 40),)
VOICE_SERVER = (NetworkFunction("voice-server", "voice-server", 2_000, 4_096, 20),)
ANALYTICS = (NetworkFunction("analytics", "analytics", 8_000, 32_768, 500),)
GATEWAY = (NetworkFunction("gateway", "gateway", 2_000, 4_096, 10),)


def figures(clause: Clause, **values: float) -> tuple[Figure, ...]:
    """Several values from one clause."""
    return tuple(Figure(key, value, clause) for key, value in values.items())


def entry(
    name: str,
    slice_type: SliceType,
    qualities: tuple[Quality, Quality],
    figures: tuple[Figure, ...],
    functions: tuple[NetworkFunction, ...],
    phrases: str,
    *,
    flow: Flow = Flow.DOWN,
    sector: bool = False,
) -> Entry:
    """An `Entry` as the sector modules write it; `phrases` are separated by bars."""
    ways = tuple(way.strip() for way in phrases.split("|"))
    first, second = qualities
    return Entry(name, slice_type, first, second, figures, functions, flow, ways, sector)


def by_name(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries under their names, which must be unique."""
    found: dict[str, Entry] = {}
    for item in entries:
        assert item.name not in found, f"two services named {item.name}"
        found[item.name] = item
    return found
