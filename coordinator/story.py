"""The events of an order as the decision record tells them: one function per kind of event.

Each returns the words for people and the values for programs. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from coordinator.bargain import Round
from coordinator.model import (
    Agreement,
    Chain,
    Interpretation,
    MenuKey,
    Proposal,
    Refusal,
    ServiceProfile,
)
from coordinator.planner import Plan
from coordinator.records import Segment
from coordinator.reinterpret import Changed
from coordinator.words import counted, percent, said, said_metrics, said_relaxation
from domains.errors import EntenteError
from domains.model import Attribute, Menu, Metrics, Relaxation, SliceProfile

Told = tuple[str, dict[str, Any]]


def understood(interpretation: Interpretation) -> Told:
    services = [
        {
            "name": service.name,
            "slice_type": service.slice_type.label,
            "preference": asdict(service.preference),
            "evidence": [
                {
                    "key": item.key,
                    "value": item.value,
                    "source": item.source.value,
                    "words": item.words,
                    "clause": item.clause,
                }
                for item in service.evidence
            ],
        }
        for service in interpretation.services
    ]
    names = ", ".join(f"{s.name} ({s.slice_type.label})" for s in interpretation.services)
    found = f"{counted(len(services), 'service')} found: {names}" if names else "no service found"
    why = f" ({interpretation.explanation})" if interpretation.explanation else ""
    return f"{found}, read by {interpretation.engine}{why}", {
        "engine": interpretation.engine,
        "explanation": interpretation.explanation,
        "services": services,
        "neighbours": [
            {
                "text": item.text,
                "source": item.source,
                "slice_type": item.slice_type.label,
                "similarity": item.similarity,
                "weight": item.weight,
                "outcome": item.outcome,
            }
            for item in interpretation.neighbours
        ],
    }


def reconsidered(changed: Changed, engine: str) -> Told:
    """What a tenant's new words change, and which of them said so."""
    said_of = {
        field: f'{value} ("{changed.because.get(field, "")}")'
        for field, value in changed.values.items()
        if field != "preference"
    }
    text = ", ".join(f"{field} {what}" for field, what in said_of.items())
    detail = {"engine": engine, "changes": said_of, "because": dict(changed.because)}
    return (f"to be changed: {text}" if text else "nothing that could be changed is said"), detail


def profile_detail(service: ServiceProfile) -> dict[str, Any]:
    """A service profile with the unit in every key."""
    return {
        "name": service.name,
        "slice_type": service.slice_type.label,
        "sst": int(service.slice_type),
        "latency_us_max": service.latency_us_max,
        "availability_ppb_min": service.availability_ppb_min,
        "downlink_kbps": service.downlink_kbps,
        "uplink_kbps": service.uplink_kbps,
        "devices": service.devices,
        "isolation": service.isolation.value,
        "origin": service.origin,
        "destination": service.destination,
        "price_micros_max": service.price_micros_max,
    }


def profiled(service: ServiceProfile) -> Told:
    where = f"{service.origin} to {service.destination or 'anywhere'}"
    text = (
        f"{service.name}, {where}: {said(Attribute.LATENCY, service.latency_us_max)}, "
        f"{percent(service.availability_ppb_min)}, "
        f"{said(Attribute.DOWNLINK, service.downlink_kbps)} down, "
        f"{said(Attribute.UPLINK, service.uplink_kbps)} up, "
        f"{counted(service.devices, 'device')}, {service.isolation.value}"
    )
    return text, profile_detail(service)


def routed(chains: Sequence[Chain]) -> Told:
    names = [[hop.domain for hop in chain] for chain in chains]
    best = " - ".join(names[0])
    count = counted(len(names), "chain")
    return f"{count} of domains could serve; first: {best}", {"chains": names}


def divided(chain: Chain, budgets: Mapping[MenuKey, SliceProfile]) -> Told:
    """The split along one chain: what each domain is asked for."""
    shares = []
    for hop in chain:
        share = budgets[hop.domain, hop.ingress, hop.egress]
        shares.append(
            {
                "domain": hop.domain,
                "ingress": hop.ingress,
                "egress": hop.egress,
                "latency_us_max": share.latency_us_max,
                "availability_ppb_min": share.availability_ppb_min,
                "downlink_kbps": share.downlink_kbps,
                "uplink_kbps": share.uplink_kbps,
            }
        )
    text = ", ".join(
        f"{s['domain']} {said(Attribute.LATENCY, int(str(s['latency_us_max'])))}" for s in shares
    )
    return f"budgets: {text}", {"shares": shares}


def metrics_detail(metrics: Metrics) -> dict[str, int]:
    return {
        "latency_us": metrics.latency_us,
        "availability_ppb": metrics.availability_ppb,
        "downlink_kbps": metrics.downlink_kbps,
        "uplink_kbps": metrics.uplink_kbps,
        "devices": metrics.devices,
        "price_micros": metrics.price_micros,
    }


def relaxation_detail(relaxation: Relaxation) -> dict[str, Any]:
    return {
        "attribute": relaxation.attribute.value,
        "requested": relaxation.requested,
        "achievable": relaxation.achievable,
        "unit": relaxation.unit,
    }


def offered(key: MenuKey, menu: Menu) -> Told:
    domain, ingress, egress = key
    offers = [
        {
            "latency_us": offer.metrics.latency_us,
            "availability_ppb": offer.metrics.availability_ppb,
            "price_micros": offer.metrics.price_micros,
            "exact": offer.exact,
            "relaxes": [relaxation_detail(r) for r in offer.relaxations],
        }
        for offer in menu.offers
    ]
    detail = {
        "ingress": ingress,
        "egress": egress,
        "offers": offers,
        "round": menu.round,
        "rationale": menu.rationale,
    }
    if not menu.offers:
        return f"{domain} offers nothing: {menu.refusal_text}", detail
    exact = sum(offer.exact for offer in menu.offers)
    first = said_metrics(menu.offers[0].metrics)
    because = f"; {menu.rationale}" if menu.rationale else ""
    return f"{domain} offers {len(offers)} ({exact} exact), first {first}{because}", detail


def countered(done: Round) -> Told:
    """One round of counters, and what each domain says to it."""
    said = "; ".join(f"{domain}: {why}" for domain, why in done.said if why)
    moved = ", ".join(dict.fromkeys(done.moved)) or "nobody"
    return f"round {done.number}: {moved} moved{f' ({said})' if said else ''}", {
        "round": done.number,
        "moved": list(dict.fromkeys(done.moved)),
        "said": [{"domain": domain, "rationale": why} for domain, why in done.said],
    }


def choices_detail(agreement: Agreement) -> list[dict[str, Any]]:
    return [
        {
            "domain": choice.hop.domain,
            "ingress": choice.hop.ingress,
            "egress": choice.hop.egress,
            "asked_latency_us": choice.profile.latency_us_max,
            **metrics_detail(choice.offer.metrics),
        }
        for choice in agreement.choices
    ]


def agreed(agreement: Agreement) -> Told:
    text = f"{agreement.service.name}: {said_metrics(agreement.metrics)} end to end"
    return text, {
        "metrics": metrics_detail(agreement.metrics),
        "choices": choices_detail(agreement),
    }


def proposed(proposal: Proposal) -> Told:
    parts = [
        f"{said_relaxation(r.relaxation)}, because {r.domain} was asked for "
        f"{said(r.at_domain.attribute, r.at_domain.requested)} and can do "
        f"{said(r.at_domain.attribute, r.at_domain.achievable)}"
        for r in proposal.relaxations
    ]
    relaxations = [
        {
            "service": r.service,
            **relaxation_detail(r.relaxation),
            "domain": r.domain,
            "at_domain": relaxation_detail(r.at_domain),
        }
        for r in proposal.relaxations
    ]
    name = proposal.agreement.service.name
    return f"{name} can be had with {'; '.join(parts)}", {
        "relaxations": relaxations,
        "metrics": metrics_detail(proposal.agreement.metrics),
        "choices": choices_detail(proposal.agreement),
    }


def refused(refusal: Refusal) -> Told:
    return refusal.text, {
        "domain": refusal.domain,
        "attribute": refusal.attribute.value,
        "requested": refusal.requested,
        "achievable": refusal.achievable,
        "unit": refusal.unit,
    }


def deployed(segment: Segment) -> Told:
    functions = ", ".join(f.name for f in segment.functions) or "no functions of its own"
    labels = ", ".join(f"{a.border_point} label {a.label}" for a in segment.attachments)
    return f"{segment.domain}: {functions}; {labels}", {
        "hold": segment.hold_id,
        "ingress": segment.ingress,
        "egress": segment.egress,
        "metrics": metrics_detail(segment.metrics),
        "functions": [
            {"name": f.name, "function_type": f.function_type, "dedicated": f.dedicated}
            for f in segment.functions
        ],
        "attachments": [
            {"border_point": a.border_point, "label": a.label} for a in segment.attachments
        ],
    }


def remedy(error: EntenteError, slice_id: str) -> str:
    """What a tenant can do where assurance could do nothing."""
    attribute, achievable = error.metadata.get("attribute"), error.metadata.get("achievable")
    if attribute and achievable:
        return (
            f"{attribute} {achievable} {error.metadata.get('unit', '')} can be had: change the "
            f"slice to that, for example with `entente change {slice_id}`"
        )
    return "it is tried again as long as it is needed; ask for another route by changing the slice"


def chain_taken(plan: Plan) -> Chain | None:
    """The chain that the result uses, or the first one where there is no result."""
    match plan.result:
        case Agreement() as agreement:
            return tuple(choice.hop for choice in agreement.choices)
        case Proposal() as proposal:
            return tuple(choice.hop for choice in proposal.agreement.choices)
    return plan.chains[0] if plan.chains else None
