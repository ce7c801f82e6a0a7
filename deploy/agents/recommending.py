"""Recommendations: what each size and place would cost, how well it is used and what it risks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from coordinator.model import ServiceProfile
from coordinator.words import said
from deploy.agents.experiments import Experiment, Observation
from deploy.agents.feedback import Weights
from deploy.agents.requirements import Requirements
from deploy.client import Tenant
from deploy.export import service_of
from domains.errors import InvalidRequest, Refused
from domains.model import Attribute

SHOWN_MAX: Final = 6
LEAST: Final = 3
"""Recommendations that a plan promises where the network allows as many."""
PLACES_MAX: Final = 3
PERMILLE: Final = 1_000
RELAXABLE: Final[Mapping[str, Attribute]] = {
    "latency_us_max": Attribute.LATENCY,
    "availability_ppb_min": Attribute.AVAILABILITY,
    "downlink_kbps": Attribute.DOWNLINK,
    "uplink_kbps": Attribute.UPLINK,
    "devices": Attribute.DEVICES,
    "price_micros_max": Attribute.PRICE,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A topology that could be had now.

    Attributes:
        service: what would be ordered, and can be: the relaxations that it takes are in it.
        level_permille: its capacity, of what was asked for.
        relaxed: what it would be short of, in words; "" for nothing.
    """

    service: ServiceProfile
    level_permille: int
    price_micros: int
    latency_us: int
    relaxed: str = ""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A candidate with what slicenet predicts for it.

    Attributes:
        risk_pct: sessions of the busy hour that would have to wait.
        keeps: whether the operator's constraint holds.
    """

    candidate: Candidate
    utilisation_pct: float
    peak_pct: float
    risk_pct: float
    keeps: bool

    def json(self) -> dict[str, Any]:
        """Stable keys, for --json and for the record."""
        service = self.candidate.service
        return {
            "destination": service.destination,
            "capacity_permille": self.candidate.level_permille,
            "downlink_kbps": service.downlink_kbps,
            "uplink_kbps": service.uplink_kbps,
            "price_micros": self.candidate.price_micros,
            "latency_us": self.candidate.latency_us,
            "relaxed": self.candidate.relaxed,
            "predicted": {
                "utilisation_pct": round(self.utilisation_pct, 1),
                "peak_pct": round(self.peak_pct, 1),
                "risk_pct": round(self.risk_pct, 1),
            },
            "keeps_constraint": self.keeps,
        }


async def candidates(
    tenant: Tenant, wanted: Requirements, levels: Sequence[int]
) -> tuple[Candidate, ...]:
    """What the network would give now, by quotes: nothing is held.

    Where the sentence leaves the place open, the `PLACES_MAX` cheapest places are tried.

    Raises:
        Refused: no domain can serve this at any size; why, in the coordinator's words.
    """
    service = wanted.service
    places = [service.destination] if service.destination else await _places(tenant)
    full: list[Candidate] = []
    refusal: Refused | None = None
    for place in places:
        try:
            there = replace(service, destination=place)
            full.append(await _quoted(tenant, there, PERMILLE, service))
        except (Refused, InvalidRequest) as error:
            refusal = refusal or Refused(error.message, **error.metadata)
    if not full:
        raise refusal or Refused("no domain hosts applications")
    full.sort(key=lambda one: (bool(one.relaxed), one.price_micros))
    found = []
    for one in full[:PLACES_MAX]:
        for level in levels:
            try:
                sized = _scaled(service, one.service, level)
                found.append(await _quoted(tenant, sized, level, service))
            except Refused:
                continue  # so much is not free there
    return tuple(found)


def recommendations(
    found: Sequence[Candidate],
    experiments: Sequence[Experiment],
    seen: Sequence[Observation],
    wanted: Requirements,
) -> tuple[Recommendation, ...]:
    """Candidates with what was observed at their size."""
    observed: Mapping[int, Observation] = {
        experiment.level_permille: observation
        for experiment, observation in zip(experiments, seen, strict=True)
    }
    return tuple(
        Recommendation(
            candidate=candidate,
            utilisation_pct=(at := observed[candidate.level_permille]).utilisation_pct,
            peak_pct=at.peak_pct,
            risk_pct=at.waited_pct,
            keeps=at.utilisation_pct >= wanted.utilisation_pct_min,
        )
        for candidate in found
    )


def ranked(all_of: Sequence[Recommendation], weights: Weights) -> list[Recommendation]:
    """Best first: those that keep the constraint, by what the operator cares about; then one that
    does not, to compare with, or more where too few keep it.

    All three qualities are shares, so that they can be added: how much dearer than the cheapest,
    how many sessions would wait, how much stands idle.
    """
    cheapest = min(one.candidate.price_micros for one in all_of)

    def badness(one: Recommendation) -> float:
        dearer = (one.candidate.price_micros - cheapest) / max(cheapest, 1)
        idle = 1 - one.utilisation_pct / 100
        risk = one.risk_pct / 100
        return weights.cost * dearer + weights.risk * risk + weights.utilisation * idle

    order = sorted(all_of, key=lambda r: (not r.keeps, bool(r.candidate.relaxed), badness(r)))
    keeping = [one for one in order if one.keeps][: SHOWN_MAX - 1]
    others = [one for one in order if not one.keeps]
    return keeping + others[: max(1, LEAST - len(keeping))]


async def _places(tenant: Tenant) -> list[str]:
    zones = [zone for view in await tenant.domains() for zone in view["topology"]["zones"]]
    return sorted({zone["area"] for zone in zones})


def _scaled(wanted: ServiceProfile, at: ServiceProfile, level_permille: int) -> ServiceProfile:
    """`at` with so much of the wanted capacity; where it goes, and what it is short of, stay."""
    return replace(
        at,
        downlink_kbps=-(-wanted.downlink_kbps * level_permille // PERMILLE),
        uplink_kbps=-(-wanted.uplink_kbps * level_permille // PERMILLE),
    )


async def _quoted(
    tenant: Tenant, service: ServiceProfile, level_permille: int, wanted: ServiceProfile
) -> Candidate:
    """What can be had for a service; what that is short of is against what was wanted at first."""
    order = await tenant.settle(await tenant.quote([service]))
    if order.error is not None:
        raise order.error
    (would,) = order.slices
    agreed = replace(
        service_of(would["agreed"]),
        preference=service.preference,
        links=service.links,
        price_micros_max=would["agreed"]["price_micros_max"] or None,
    )
    return Candidate(
        service=agreed,
        level_permille=level_permille,
        price_micros=would["metrics"]["price_micros"],
        latency_us=would["metrics"]["latency_us"],
        relaxed=_relaxed(_scaled(wanted, wanted, level_permille), agreed),
    )


def _relaxed(asked: ServiceProfile, agreed: ServiceProfile) -> str:
    """Every quantity that is not as asked, in words."""
    return ", ".join(
        f"{attribute} {said(attribute, before)} -> {said(attribute, after)}"
        for field, attribute in RELAXABLE.items()
        if (before := getattr(asked, field)) != (after := getattr(agreed, field))
    )
