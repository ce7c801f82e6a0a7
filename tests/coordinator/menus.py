"""Menus to negotiate over, written down in one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coordinator.model import (
    Budgets,
    Chain,
    Hop,
    MenuKey,
    ServiceProfile,
    SliceType,
)
from coordinator.split import split
from domains.model import (
    PPB,
    AbstractLink,
    Bucket,
    DomainKind,
    Isolation,
    Menu,
    Metrics,
    Offer,
    SliceProfile,
)

SERVICE = ServiceProfile(
    name="robot",
    slice_type=SliceType.URLLC,
    latency_us_max=100,
    availability_ppb_min=PPB - 100,
    downlink_kbps=50,
    uplink_kbps=40,
    devices=10,
    isolation=Isolation.ISOLATED,
    origin="berlin",
    destination="munich",
)
Case = tuple[ServiceProfile, Sequence[Chain], dict[MenuKey, Menu], Budgets]


def chain_of(*domains: str) -> Chain:
    """A chain over border points p0, p1, ...; only the ends matter to negotiation."""
    kinds = [DomainKind.ACCESS, *[DomainKind.TRANSPORT] * 9][: len(domains) - 1]
    return tuple(
        Hop(domain, kind, AbstractLink(f"p{i}", f"p{i + 1}", 10, PPB - 10, Bucket.HIGH, 10))
        for i, (domain, kind) in enumerate(zip(domains, [*kinds, DomainKind.CLOUD], strict=True))
    )


def offer(name: str, latency: int, unavailable: int, price: int, **metrics: int) -> Offer:
    values = {"downlink_kbps": 50, "uplink_kbps": 40, "devices": 10} | metrics
    return Offer(name, Metrics(latency, PPB - unavailable, **values, price_micros=price))


def case(
    service: ServiceProfile, chains: Sequence[Chain], offers: Mapping[str, Sequence[Offer]]
) -> Case:
    """Menus and budgets as the coordinator would have them; each domain has one menu."""
    budgets: dict[MenuKey, SliceProfile] = {}
    for chain in chains:
        for hop, profile in zip(chain, split(service, chain), strict=True):
            budgets.setdefault((hop.domain, hop.ingress, hop.egress), profile)
    menus = {key: Menu(profile, tuple(offers[key[0]])) for key, profile in budgets.items()}
    return service, chains, menus, budgets
