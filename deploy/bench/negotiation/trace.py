"""Who asks for what, when, for how long, and what it is worth: drawn once per seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from coordinator.model import ServiceProfile
from envs.crossdomain.demand import profile

TENANTS: Final = ("clinic", "factory", "studio", "transit")
SERVICES: Final = (
    "ambulance link",
    "digital twin",
    "drone control",
    "grid control",
    "live broadcast",
    "machine service",
    "robot control",
    "video conferencing",
)
ORIGINS: Final = ("hamburg", "frankfurt", "cologne", "leipzig", "stuttgart", "nuremberg")
DESTINATIONS: Final = ("berlin", "munich", "hamburg", "frankfurt")
DEVICES: Final = (5, 10, 20)
WORTH_PERMILLE: Final = (950, 1_020, 1_060, 1_100, 1_150, 1_250, 1_600)
"""What a slice is worth to its tenant, in thousandths of its least cost in the empty network."""
SPACING_S: Final = 60.0
STAY_S: Final = 3_600.0
"""Means of exponential distributions: between two requests, and of a slice's life."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One request; `worth_permille` becomes a price once its least cost is known."""

    number: int
    at_s: float
    until_s: float
    tenant: str
    service: ServiceProfile
    worth_permille: int

    def worth(self, worth_micros: int) -> Wish:
        """With its worth as the ceiling: no tenant pays more than a slice is worth to it."""
        return replace(self, service=replace(self.service, price_micros_max=worth_micros))


def wishes(seed: int, count: int) -> list[Wish]:
    """A trace in order of time."""
    draw, at_s = Random(seed), 0.0  # noqa: S311  # a seeded trace, no secret
    found = []
    for number in range(count):
        at_s += draw.expovariate(1 / SPACING_S)
        place = draw.choice(ORIGINS), draw.choice(DESTINATIONS)
        service = profile(draw.choice(SERVICES), draw.choice(DEVICES), place)
        stays_s = draw.expovariate(1 / STAY_S)
        tenant, worth = draw.choice(TENANTS), draw.choice(WORTH_PERMILLE)
        found.append(Wish(number, at_s, at_s + stays_s, tenant, service, worth))
    return found
