"""The tiers that an interpretation comes to: stated numbers first, then what weighs most."""

from __future__ import annotations

from typing import Final

from coordinator.intent.reading import usual
from coordinator.intent.services import BY_NAME
from coordinator.model import Interpretation, Preference, Service, Source
from envs.parser.sentences import Tiers
from envs.sliceorch.profiles import COST_TIERS, LATENCY_TIERS_MS, SHARING_TIERS

# A stated bound belongs to the tier it lies nearest below: one of 120 ms is kept by 100 ms.
AVAILABILITY_PCT: Final = ((99.95, SHARING_TIERS[0]), (99.5, SHARING_TIERS[1]))
# By how much a preference leans further to a quality than is usual for its service, where no number
# was stated. Chosen on sentences of their own seed, none of which is evaluated.
LATENCY_GAINS: Final = (0.05, -0.08)
RELIABILITY_GAINS: Final = (0.07, 0.01)
ECONOMICS_GAIN: Final = 0.02
# What an interpretation says nothing of.
SILENT: Final = Tiers(LATENCY_TIERS_MS[1], SHARING_TIERS[1], COST_TIERS[1])


def tiers_of(interpretation: Interpretation) -> Tiers:
    """Of the first service; of a request that was not understood, the middle of everything."""
    if not interpretation.services:
        return SILENT
    service = interpretation.services[0]
    return Tiers(_latency_ms(service), _sharing(service), _cost(service))


def _latency_ms(service: Service) -> float:
    if (stated := _stated(service, "latency_ms")) is not None:
        kept = [tier for tier in LATENCY_TIERS_MS if tier <= stated]
        return max(kept, default=LATENCY_TIERS_MS[0])
    gain = service.preference.latency - _usual(service).latency
    return _by_gain(gain, LATENCY_GAINS, LATENCY_TIERS_MS)


def _sharing(service: Service) -> float:
    for key in ("availability_pct", "reliability_pct"):
        if (stated := _stated(service, key)) is not None:
            tiers = [tier for least, tier in AVAILABILITY_PCT if stated >= least]
            return tiers[0] if tiers else SHARING_TIERS[2]
    if any(one.key == "isolation" and one.source is Source.STATED for one in service.evidence):
        return SHARING_TIERS[0]
    gain = service.preference.reliability - _usual(service).reliability
    return _by_gain(gain, RELIABILITY_GAINS, SHARING_TIERS)


def _cost(service: Service) -> float:
    gain = service.preference.economics - _usual(service).economics
    return COST_TIERS[0] if gain >= ECONOMICS_GAIN else COST_TIERS[1]


def _usual(service: Service) -> Preference:
    entry = BY_NAME.get(service.name)
    return Preference() if entry is None else usual(entry)


def _stated(service: Service, key: str) -> float | None:
    for one in service.evidence:
        if one.key == key and one.source is Source.STATED:
            return float(one.value)
    return None


def _by_gain(gain: float, least: tuple[float, float], tiers: tuple[float, ...]) -> float:
    if gain >= least[0]:
        return tiers[0]
    return tiers[1] if gain >= least[1] else tiers[2]
