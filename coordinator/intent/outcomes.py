"""What became of an intent, and what that says about the preference it was read with.

An outcome presses on qualities: +1 says "this should have counted much more", -1 "much less".
A revised preference is the old one with each weight multiplied by e^(rate * pressure), made to
sum to 1 again: small outcomes move it a little, opposite ones cancel, no weight reaches zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from coordinator.intent.catalogue import Quality
from coordinator.model import Preference
from domains.model import Attribute, Metrics, Relaxation

RATE = 0.6
"""How far the strongest pressure moves a weight: by a factor of 1.8."""
_GAVE_WAY = 0.5
_INSISTED = 0.8
_SLACK = 0.25
"""A promise kept with more to spare than this was not worth its price."""

QUALITY: Mapping[Attribute, Quality] = {
    Attribute.LATENCY: Quality.LATENCY,
    Attribute.AVAILABILITY: Quality.RELIABILITY,
    Attribute.DOWNLINK: Quality.THROUGHPUT,
    Attribute.UPLINK: Quality.THROUGHPUT,
    Attribute.PRICE: Quality.ECONOMICS,
}


class OutcomeKind(StrEnum):
    """What happened to the slice that an intent asked for."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    RELAXED = "relaxed"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`pressures`: per quality, -1 to 1; a quality that is not named was right as it was."""

    kind: OutcomeKind
    pressures: Mapping[Quality, float]

    def __post_init__(self) -> None:
        assert all(-1 <= value <= 1 for value in self.pressures.values()), self.pressures


def confirmed() -> Outcome:
    """Agreed as it was asked for: the preference stands."""
    return Outcome(OutcomeKind.CONFIRMED, {})


def relaxed(relaxations: Iterable[Relaxation]) -> Outcome:
    """The tenant said yes to less: what gave way matters less than was thought."""
    return Outcome(OutcomeKind.RELAXED, _pressed(relaxations, -_GAVE_WAY))


def refused(relaxations: Iterable[Relaxation] = ()) -> Outcome:
    """The tenant said no to less: what it would not give up matters more than was thought."""
    return Outcome(OutcomeKind.REFUSED, _pressed(relaxations, _INSISTED))


def measured(promised: Metrics, seen: Metrics) -> Outcome:
    """What fell short presses up; what was kept with much to spare presses down a little.

    Shortfalls are relative: 20 ms for 10 ms is 1, and so is half the throughput, or ten times
    the promised unavailability (a decade of nines is what people compare).
    """
    down = 1_000_000_000 - promised.availability_ppb
    seen_down = 1_000_000_000 - seen.availability_ppb
    worst_rate = min(
        _ratio(seen.downlink_kbps, promised.downlink_kbps),
        _ratio(seen.uplink_kbps, promised.uplink_kbps),
    )
    short = {
        Quality.LATENCY: _ratio(seen.latency_us, promised.latency_us) - 1,
        Quality.RELIABILITY: math.log10(_ratio(max(seen_down, 1), max(down, 1))),
        Quality.THROUGHPUT: 2 * (1 - worst_rate),
        Quality.ECONOMICS: _ratio(seen.price_micros, promised.price_micros) - 1,
    }
    return Outcome(OutcomeKind.MEASURED, {q: _pressure(v) for q, v in short.items() if v})


def revised(preference: Preference, outcome: Outcome, rate: float = RATE) -> Preference:
    """The preference that would have fitted the outcome better."""
    return normalised(
        {
            quality: getattr(preference, quality.value)
            * math.exp(rate * outcome.pressures.get(quality, 0.0))
            for quality in Quality
        }
    )


def normalised(weights: Mapping[Quality, float]) -> Preference:
    """Weights, none negative, that sum to exactly 1, to three digits."""
    floored = {quality: max(weights.get(quality, 0.0), 0.0) for quality in Quality}
    total = sum(floored.values())
    if not math.isfinite(total) or total <= 0:
        return Preference()
    shares = {quality: round(value / total, 3) for quality, value in floored.items()}
    first = max(shares, key=lambda quality: shares[quality])
    shares[first] = round(shares[first] + 1 - sum(shares.values()), 3)
    return Preference(**{quality.value: share for quality, share in shares.items()})


def _pressed(relaxations: Iterable[Relaxation], by: float) -> dict[Quality, float]:
    return {QUALITY[item.attribute]: by for item in relaxations if item.attribute in QUALITY}


def _ratio(value: int, reference: int) -> float:
    return value / reference if reference > 0 else 1.0


def _pressure(shortfall: float) -> float:
    if shortfall > 0:
        return min(shortfall, 1.0)
    return 0.0 if shortfall > -_SLACK else max(shortfall, -_SLACK)
