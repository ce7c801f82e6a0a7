"""Why not otherwise: what the same slice would take with one value changed. Computed, not composed.

The planner asks the domains as for an order, holds nothing, and settles exactly. On the chain that
the slice has, what it holds there counts as free; other chains are tried as well, and the better of
the two is told. The sentence is put together from the result's own numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coordinator.bargain import better
from coordinator.model import (
    Agreement,
    Proposal,
    Refusal,
    ServiceProfile,
    ServiceRelaxation,
)
from coordinator.planner import Plan
from coordinator.words import said, said_relaxation
from domains.model import Attribute, Metrics, Relaxation

FIELD = {
    Attribute.LATENCY: "latency_us_max",
    Attribute.AVAILABILITY: "availability_ppb_min",
    Attribute.DOWNLINK: "downlink_kbps",
    Attribute.UPLINK: "uplink_kbps",
    Attribute.DEVICES: "devices",
    Attribute.PRICE: "price_micros_max",
}
"""Attribute -> the field of a service profile that asks for it."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """What would be, had the tenant asked for `service`.

    Attributes:
        feasible: all of it can be had now.
        binding: what stands in the way most, and the domain that makes it so; where it is feasible,
            the domain whose price rises most, and by how much.
        metrics: of the alternative, or of the nearest that can be had; None where nothing can.
        price_micros_now: what the slice costs as it is; None where it was never agreed.
    """

    service: ServiceProfile
    feasible: bool
    binding: ServiceRelaxation | None
    metrics: Metrics | None
    price_micros_now: int | None
    text: str


def best(plans: list[Plan]) -> Plan:
    """The plan that gives most: an agreement before a proposal before a refusal, then by price."""
    found = plans[0]
    for plan in plans[1:]:
        if not better(plan.service, found.result, plan.result):
            found = plan
    return found


def alternative(
    plan: Plan, price_micros_now: int | None, prices_now: Mapping[str, int]
) -> Alternative:
    """What a plan for the changed service says.

    Args:
        prices_now: domain -> what its segment of the slice costs now.
    """
    service = plan.service
    match plan.result:
        case Agreement() as agreement:
            dearer = agreement.metrics.price_micros > (price_micros_now or 0)
            binding = _dearest(agreement, prices_now) if dearer else None
            text = _could(agreement, price_micros_now, binding)
            return Alternative(service, True, binding, agreement.metrics, price_micros_now, text)
        case Proposal() as proposal:
            metrics = proposal.agreement.metrics
            text = _cannot(proposal, price_micros_now)
            binding = proposal.relaxations[0]
            return Alternative(service, False, binding, metrics, price_micros_now, text)
        case Refusal() as refusal:
            at = Relaxation(refusal.attribute, refusal.requested, refusal.achievable)
            binding = ServiceRelaxation(service.name, at, refusal.domain, at)
            text = f"Nothing like it can be had: {refusal.text} ({refusal.domain} binds)."
            return Alternative(service, False, binding, None, price_micros_now, text)


def _dearest(agreement: Agreement, prices_now: Mapping[str, int]) -> ServiceRelaxation | None:
    """The domain that asks most for the change; None where no domain asks more than now."""
    rises = [
        (choice.offer.metrics.price_micros - prices_now[domain], domain)
        for choice in agreement.choices
        if (domain := choice.hop.domain) in prices_now
    ]
    rise, domain = max(rises, default=(0, ""))
    if rise <= 0:
        return None
    before = prices_now[domain]
    at = Relaxation(Attribute.PRICE, before, before + rise)
    total = sum(prices_now.values())
    whole = Relaxation(Attribute.PRICE, total, agreement.metrics.price_micros)
    return ServiceRelaxation(agreement.service.name, whole, domain, at)


def _could(
    agreement: Agreement, price_micros_now: int | None, binding: ServiceRelaxation | None
) -> str:
    price = agreement.metrics.price_micros
    text = f"It could be had, for {said(Attribute.PRICE, price)}"
    if price_micros_now is not None:
        text += f", {_difference(price - price_micros_now)}"
    if binding is not None:
        rise = binding.at_domain.achievable - binding.at_domain.requested
        text += f"; {binding.domain} asks most of the difference, {said(Attribute.PRICE, rise)}"
    return text + "."


def _cannot(proposal: Proposal, price_micros_now: int | None) -> str:
    first, price = proposal.relaxations[0], proposal.agreement.metrics.price_micros
    at = first.at_domain
    text = (
        f"{first.domain} binds: of the {at.attribute} it was asked for "
        f"{said(at.attribute, at.requested)} and can do {said(at.attribute, at.achievable)}. "
    )
    nearest = ", ".join(said_relaxation(r.relaxation) for r in proposal.relaxations)
    text += f"The nearest that can be had is {nearest}, for {said(Attribute.PRICE, price)}"
    if price_micros_now is not None:
        text += f", {_difference(price - price_micros_now)}"
    return text + "."


def _difference(micros: int) -> str:
    if not micros:
        return "the same as now"
    return f"{said(Attribute.PRICE, abs(micros))} {'more' if micros > 0 else 'less'} than now"
