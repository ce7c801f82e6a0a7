"""Step 6, negotiate: from every domain's menu, the cheapest combination that keeps the service.

`merge` finds it exactly, over all chains. Where nothing keeps the service, the proposal is the
combination of least `penalty`, then of least price. With the tenant's weights w (none below
`WEIGHT_MIN`, so that nothing is given away) the penalty is

    w.latency     * (latency / latency_us_max - 1)
  + w.reliability * log10(unavailability / allowed unavailability)
  + w.throughput  * (shortfall of downlink + of uplink + of devices, each relative to the need)
  + w.economics   * (price / price_micros_max - 1)

each term only where it falls short: zero exactly where the service is kept. Floating point ranks
what must give; whether anything must is decided in integers.

A tenant that trades takes the ceiling for what the service is worth to it and a penalty for the
share of that which it loses. It gets the combination of least penalty + price / price_micros_max
among those within the ceiling and `TRADED_PENALTY_MAX`: a proposal where that is worth more than
keeping everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import prod

from coordinator.merge import (
    COMPOSED,
    Found,
    Need,
    Option,
    Route,
    cheapest,
    least_relaxed,
    level_of,
)
from coordinator.merge import options as options_of
from coordinator.model import (
    DEVICES,
    Agreement,
    Budgets,
    Chain,
    Choice,
    Hop,
    MenuKey,
    Proposal,
    Refusal,
    ServiceLink,
    ServiceProfile,
    ServiceRelaxation,
)
from coordinator.split import apportion, throughput
from domains.model import PPB, UNIT, Attribute, Menu, Metrics, Relaxation


def settle(
    service: ServiceProfile,
    chains: Sequence[Chain],
    menus: Mapping[MenuKey, Menu],
    budgets: Budgets,
    trades: bool = False,
) -> Agreement | Proposal | Refusal:
    """The cheapest agreement over all chains, else the least relaxed proposal, else why not.

    With `trades` (and a ceiling) what is worth most to the tenant, if anything is within reach.

    Ties: lower latency, then higher availability, then domain names. The order of chains, menus
    and offers makes no difference. A menu that is missing counts as empty.

    Raises:
        Overloaded: a merge needs more than `LABELS_MAX` labels.
    """
    assert chains, "without a chain there is nothing to settle"
    need = Need.of(service, trades)
    options = {key: options_of(menu, need) for key, menu in menus.items() if key in budgets}
    routes = [
        Route.of(chain, [options[_key(hop)] for hop in chain])
        for chain in chains
        if all(options.get(_key(hop)) for hop in chain)
    ]
    if not routes:
        return _refusal(service, chains, menus, options)
    routes.sort(key=lambda route: (route.price[0], route.names))
    found = None if need.trades else cheapest(routes, need)
    if found:
        return _agreement(service, found, budgets)
    found = least_relaxed(routes, need)
    agreement = _agreement(service, found, budgets)
    gives = _shortfalls(service, agreement.metrics)
    return _proposal(service, agreement, gives) if gives else agreement


def end_to_end(parts: Sequence[Metrics]) -> Metrics:
    """What segments in a row promise together.

    Latencies and prices add up, availabilities multiply (rounded down once, at the end), and the
    narrowest part bounds throughput and devices.
    """
    return Metrics(
        latency_us=sum([m.latency_us for m in parts]),
        availability_ppb=prod([m.availability_ppb for m in parts]) // PPB ** (len(parts) - 1),
        downlink_kbps=min([m.downlink_kbps for m in parts]),
        uplink_kbps=min([m.uplink_kbps for m in parts]),
        devices=min([m.devices for m in parts]),
        price_micros=sum([m.price_micros for m in parts]),
    )


def keeps(service: ServiceProfile, agreement: Agreement) -> bool:
    """Whether an agreement's offers really keep a service: an independent, exact check."""
    offers = [choice.offer.metrics for choice in agreement.choices]
    hops = [choice.hop for choice in agreement.choices]
    availability = prod(m.availability_ppb for m in offers)
    ceiling = service.price_micros_max
    return (
        bool(offers)
        and sum(m.latency_us for m in offers) <= service.latency_us_max
        and availability >= service.availability_ppb_min * PPB ** (len(offers) - 1)
        and all(m.downlink_kbps >= throughput(service)[0] for m in offers)
        and all(m.uplink_kbps >= throughput(service)[1] for m in offers)
        and all(m.devices >= service.devices for m in offers)
        and (ceiling is None or sum(m.price_micros for m in offers) <= ceiling)
        and all(c.profile.isolation is service.isolation for c in agreement.choices)
        and all(r.attribute in COMPOSED for c in agreement.choices for r in c.offer.relaxations)
        and all(one.egress == other.ingress for one, other in pairwise(hops))
    )


def penalty(service: ServiceProfile, metrics: Metrics, trades: bool = False) -> float:
    """How much a combination asks the tenant to give, weighted; the formulas are above."""
    need = Need.of(service, trades)
    level = level_of(metrics, need)
    return need.penalty(level, metrics.price_micros, metrics.latency_us, metrics.availability_ppb)


def worth_it(service: ServiceProfile, proposal: Proposal) -> bool:
    """Whether a tenant that trades says yes: what it gives up and pays is no more than the worth.

    penalty + price / price_micros_max <= 1; without a ceiling nothing is known to be worth it.
    """
    metrics = proposal.agreement.metrics
    return bool(service.price_micros_max) and penalty(service, metrics, trades=True) <= 1


def relaxed(service: ServiceProfile, proposal: Proposal) -> ServiceProfile:
    """The service with the proposal's values filled in: what a tenant accepts."""
    return _relaxed(service, [r.relaxation for r in proposal.relaxations])


# -- what is agreed ------------------------------------------------------------------------


def _key(hop: Hop) -> MenuKey:
    return hop.domain, hop.link.ingress, hop.link.egress


def _agreement(service: ServiceProfile, found: Found, budgets: Budgets) -> Agreement:
    taken = zip(found.route.chain, found.route.options, found.picks, strict=True)
    choices = tuple([Choice(hop, budgets[_key(hop)], menu[pick][4]) for hop, menu, pick in taken])
    metrics = end_to_end([choice.offer.metrics for choice in choices])
    return Agreement(service, choices, metrics)


# -- what must give ------------------------------------------------------------------------


def _proposal(
    service: ServiceProfile, agreement: Agreement, gives: Sequence[Relaxation]
) -> Proposal:
    relaxations = []
    for relaxation in gives:
        domain, at_domain = _binding(relaxation, agreement.choices)
        relaxations.append(ServiceRelaxation(service.name, relaxation, domain, at_domain))
    return Proposal(tuple(relaxations), replace(agreement, service=_relaxed(service, gives)))


def _shortfalls(service: ServiceProfile, metrics: Metrics) -> list[Relaxation]:
    """One per attribute that is worse than asked for."""
    downlink_kbps, uplink_kbps = throughput(service)
    asked = [
        (Attribute.AVAILABILITY, service.availability_ppb_min, metrics.availability_ppb),
        (Attribute.DOWNLINK, downlink_kbps, metrics.downlink_kbps),
        (Attribute.UPLINK, uplink_kbps, metrics.uplink_kbps),
        (Attribute.DEVICES, service.devices, metrics.devices),
    ]
    short = [Relaxation(what, least, has) for what, least, has in asked if has < least]
    if metrics.latency_us > service.latency_us_max:
        short.insert(0, Relaxation(Attribute.LATENCY, service.latency_us_max, metrics.latency_us))
    ceiling = service.price_micros_max
    if ceiling is not None and metrics.price_micros > ceiling:
        short.append(Relaxation(Attribute.PRICE, ceiling, metrics.price_micros))
    return short


def _binding(relaxation: Relaxation, choices: Sequence[Choice]) -> tuple[str, Relaxation]:
    """The domain whose offer exceeds its budget the most, relative to its budget.

    Of equals the one that exceeds it by more, then the first by name. Price has no budget of its
    own: the ceiling is divided in proportion to the advertised prices.
    """
    attribute = relaxation.attribute
    prices: Sequence[int] = [0] * len(choices)
    if attribute is Attribute.PRICE:
        advertised = [max(choice.hop.link.price_micros_from, 1) for choice in choices]
        prices = apportion(relaxation.requested, advertised)
    candidates = []
    for choice, share in zip(choices, prices, strict=True):
        budget, has = _budget_and_offer(attribute, choice, share)
        over, scale = abs(has - budget), budget
        if (has > budget) != (attribute in _LESS_IS_BETTER):
            over = -over
        if attribute is Attribute.AVAILABILITY:
            scale = PPB - budget
        ratio = Fraction(over, max(scale, 1))
        candidates.append((-ratio, -over, choice.hop.domain, budget, has))
    _, _, domain, budget, has = min(candidates)
    return domain, Relaxation(attribute, budget, has)


_LESS_IS_BETTER = frozenset({Attribute.LATENCY, Attribute.PRICE})


def _budget_and_offer(attribute: Attribute, choice: Choice, price: int) -> tuple[int, int]:
    profile, metrics = choice.profile, choice.offer.metrics
    match attribute:
        case Attribute.LATENCY:
            return profile.latency_us_max, metrics.latency_us
        case Attribute.AVAILABILITY:
            return profile.availability_ppb_min, metrics.availability_ppb
        case Attribute.DOWNLINK:
            return profile.downlink_kbps, metrics.downlink_kbps
        case Attribute.UPLINK:
            return profile.uplink_kbps, metrics.uplink_kbps
        case Attribute.DEVICES:
            return profile.devices, metrics.devices
        case Attribute.PRICE:
            return price, metrics.price_micros
    raise AssertionError(f"{attribute} is not in the metrics")


def _relaxed(service: ServiceProfile, gives: Sequence[Relaxation]) -> ServiceProfile:
    value = {relaxation.attribute: relaxation.achievable for relaxation in gives}
    downlink = value.get(Attribute.DOWNLINK, service.downlink_kbps)
    uplink = value.get(Attribute.UPLINK, service.uplink_kbps)
    links = service.links
    if Attribute.DOWNLINK in value:
        links = _scaled(links, [link.target == DEVICES for link in links], downlink)
    if Attribute.UPLINK in value:
        links = _scaled(links, [link.source == DEVICES for link in links], uplink)
    return replace(
        service,
        latency_us_max=value.get(Attribute.LATENCY, service.latency_us_max),
        availability_ppb_min=value.get(Attribute.AVAILABILITY, service.availability_ppb_min),
        downlink_kbps=min(downlink, service.downlink_kbps),
        uplink_kbps=min(uplink, service.uplink_kbps),
        devices=value.get(Attribute.DEVICES, service.devices),
        price_micros_max=value.get(Attribute.PRICE, service.price_micros_max),
        links=links,
    )


def _scaled(
    links: tuple[ServiceLink, ...], to_scale: Sequence[bool], total_kbps: int
) -> tuple[ServiceLink, ...]:
    """Links to or from the devices, reduced in proportion where they need more than there is."""
    chosen = [link for link, scale in zip(links, to_scale, strict=True) if scale]
    if sum(link.capacity_kbps for link in chosen) <= total_kbps:
        return links
    parts = iter(apportion(total_kbps, [link.capacity_kbps for link in chosen]))
    return tuple(
        replace(link, capacity_kbps=next(parts)) if scale else link
        for link, scale in zip(links, to_scale, strict=True)
    )


# -- why not -------------------------------------------------------------------------------


def _refusal(
    service: ServiceProfile,
    chains: Sequence[Chain],
    menus: Mapping[MenuKey, Menu],
    options: Mapping[MenuKey, Sequence[Option]],
) -> Refusal:
    """The refusal that came nearest to what was asked, among the hops that have nothing."""
    blocked = {
        _key(hop): menus.get(_key(hop))
        for chain in chains
        for hop in chain
        if not options.get(_key(hop))
    }
    reasons = [
        (-_nearness(reason), key, reason, text)
        for key, menu in blocked.items()
        for reason, text in _reasons(menu)
    ]
    if not reasons:
        domain = min(blocked)[0]
        texts = [menu.refusal_text for key, menu in sorted(blocked.items()) if menu]
        text = next(filter(None, texts), f"{domain} made no offer")
        return Refusal(service.name, domain, Attribute.AREA, 1, 0, UNIT[Attribute.AREA], text)
    _, (domain, _, _), reason, text = min(
        reasons, key=lambda found: (*found[:2], found[2].attribute.value, found[3])
    )
    said = text or (
        f"{domain} cannot provide the {reason.attribute} asked for: "
        f"{reason.requested} {reason.unit} requested, {reason.achievable} achievable"
    )
    return Refusal(
        service.name,
        domain,
        reason.attribute,
        reason.requested,
        reason.achievable,
        reason.unit,
        said,
    )


def _reasons(menu: Menu | None) -> list[tuple[Relaxation, str]]:
    if menu is None:
        return []
    found = [(menu.refusal, menu.refusal_text)] if menu.refusal else []
    given_up = [r for offer in menu.offers for r in offer.relaxations]
    return [*found, *((r, "") for r in given_up if r.attribute not in COMPOSED or not r.achievable)]


def _nearness(reason: Relaxation) -> Fraction:
    """From 0 (nothing like it) to 1 (almost as asked)."""
    low, high = sorted((abs(reason.requested), abs(reason.achievable)))
    return Fraction(low, high) if high else Fraction(0)
