"""What tenants ask for: services of the catalogue, from somewhere to somewhere, within limits.

Every request belongs to a class, and the classes are listed once, so that all that a domain could
ever offer for any of them is known before the first step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from coordinator.intent.reading import complete, usual
from coordinator.intent.services import BY_NAME
from coordinator.model import Evidence, Service, ServiceProfile, Source
from coordinator.profile import service_profile
from domains.errors import InvalidRequest

CLASSES_MAX = 4_096
PERMILLE = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A service of the catalogue as tenants ask for it.

    Attributes:
        devices: how many; each value equally likely, as with all that follow.
        availability_pct: what they state, None for what the catalogue says.
        ceiling_permille: the most they pay, in thousandths of the cheapest agreement that the
            empty network would come to; None for no ceiling.
        weight: share of all requests, relative to the others' weights.
    """

    service: str
    devices: tuple[int, ...]
    availability_pct: tuple[float | None, ...] = (None,)
    ceiling_permille: tuple[int | None, ...] = (None,)
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Demand:
    """All that is wanted, between which places: (origin, destination), "" for any destination."""

    wanted: tuple[Wanted, ...]
    places: tuple[tuple[str, str], ...]

    def classes(self) -> Sequence[RequestClass]:
        """Every kind of request there is, with its probability.

        Raises:
            InvalidRequest: no such service, or more classes than `CLASSES_MAX`.
        """
        found = list(self._classes())
        if not 0 < len(found) <= CLASSES_MAX:
            raise InvalidRequest(f"demand has {len(found)} classes: 1..{CLASSES_MAX} are possible")
        total = sum(one.probability for one in found)
        if not (np.isfinite(total) and min(one.probability for one in found) >= 0 < total):
            raise InvalidRequest("demand: weights must be numbers of 0 or more, not all 0")
        return [replace(one, probability=one.probability / total) for one in found]

    def _classes(self) -> Iterator[RequestClass]:
        for wanted in self.wanted:
            share = wanted.weight / (
                len(wanted.devices)
                * len(wanted.availability_pct)
                * len(wanted.ceiling_permille)
                * len(self.places)
            )
            for devices in wanted.devices:
                for availability_pct in wanted.availability_pct:
                    for place in self.places:
                        service = profile(wanted.service, devices, place, availability_pct)
                        for ceiling_permille in wanted.ceiling_permille:
                            yield RequestClass(service, ceiling_permille, share)


@dataclass(frozen=True, slots=True)
class RequestClass:
    """Requests that are all alike. The ceiling becomes a price once the network is known."""

    service: ServiceProfile
    ceiling_permille: int | None
    probability: float


def profile(
    name: str, devices: int, place: tuple[str, str], availability_pct: float | None = None
) -> ServiceProfile:
    """The service as if a tenant had named it and stated only this.

    Raises:
        InvalidRequest: the catalogue has no such service, or a value is out of range.
    """
    entry = BY_NAME.get(name)
    if entry is None:
        raise InvalidRequest(f"the catalogue has no {name!r}: entente catalogue lists what it has")
    if devices < 1:
        raise InvalidRequest(f"{name} of {devices} devices: there must be one at least")
    stated: dict[str, float | str] = {"num_ues": devices, "origin": place[0]}
    if place[1]:
        stated["destination"] = place[1]
    if availability_pct is not None:
        stated["availability_pct"] = availability_pct
    evidence = tuple(Evidence(key, value, Source.STATED) for key, value in stated.items())
    service = Service(entry.name, entry.slice_type, usual(entry), evidence)
    return service_profile(complete(service, entry), default_area=place[0])
