"""Between the first menus and a proposal: what is asked of whom, typed, when menus do not settle.

The coordinator's half of the contract net: it calls, gets bids, and where no combination of them
keeps the service it counters. Of the price each domain that can still come down is asked to do so
by the same share, so that the ceiling is met if all do; of latency and availability each is asked
for what the others leave of the end-to-end budget. Under a ceiling something else may give where
another offer would do: in the first round everybody is asked who has left the price open. A domain
that has left nothing open is not asked again. What each concedes is its own policy's affair;
`negotiate.settle` decides exactly on what is then on offer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from coordinator.model import (
    Agreement,
    Budgets,
    Choice,
    MenuKey,
    Proposal,
    Refusal,
    ServiceProfile,
)
from coordinator.negotiate import penalty
from domains.model import PPB, Attribute, Counter, Menu, SliceProfile

Result = Agreement | Proposal | Refusal


@dataclass(frozen=True, slots=True)
class Round:
    """One round of counters: who said what, and who moved."""

    number: int
    said: tuple[tuple[str, str], ...]
    moved: tuple[str, ...]


def counters(
    service: ServiceProfile,
    proposal: Proposal,
    menus: Mapping[MenuKey, Menu],
    budgets: Budgets,
    number: int,
) -> Mapping[MenuKey, tuple[SliceProfile, Counter]]:
    """Per menu that has left open what must give: the wanted budgets and the counter to send."""
    gives = {relaxation.relaxation.attribute for relaxation in proposal.relaxations}
    if service.price_micros_max is not None and number == 1:
        gives.add(Attribute.PRICE)
    taken = {_key(choice): choice for choice in proposal.agreement.choices}
    still_open = {
        key: menu
        for key, menu in menus.items()
        if menu.offers and not gives.isdisjoint(menu.negotiable) and menu.round + 1 == number
    }
    share = _share(service, taken, still_open) if Attribute.PRICE in gives else None
    if share is not None and share <= 0:
        if number > 1:
            return {}
        share = Fraction(1)  # no price would do, but there may be more to choose from
    wanted: dict[MenuKey, tuple[SliceProfile, Counter]] = {}
    for key, menu in still_open.items():
        asked = gives.intersection(menu.negotiable)
        choice = taken.get(key)
        offer = choice.offer if choice else menu.offers[0]
        profile = budgets[key]
        if choice:
            profile = _wanted(service, proposal.agreement, choice, profile, asked)
        target = None
        if share is not None and Attribute.PRICE in asked:
            target = int(offer.metrics.price_micros * share)
        wanted[key] = profile, Counter(number, offer, target)
    return wanted


def better(service: ServiceProfile, result: Result, before: Result, trades: bool = False) -> bool:
    """Whether a round did not make things worse: fresher menus win where they are as good."""
    return _rank(service, result, trades) <= _rank(service, before, trades)


def _rank(service: ServiceProfile, result: Result, trades: bool) -> tuple[int, float, int]:
    match result:
        case Agreement(metrics=metrics):
            return 0, penalty(service, metrics, trades), metrics.price_micros
        case Proposal(agreement=agreement):
            metrics = agreement.metrics
            return int(not trades), penalty(service, metrics, trades), metrics.price_micros
        case Refusal():
            return 2, 0.0, 0


def _key(choice: Choice) -> MenuKey:
    return choice.hop.domain, choice.hop.ingress, choice.hop.egress


def _share(
    service: ServiceProfile, taken: Mapping[MenuKey, Choice], still_open: Mapping[MenuKey, Menu]
) -> Fraction:
    """What must be left of the prices that can still come down; 0 or less where that is nothing.

    Where none of those taken can, the others are asked for what the ceiling leaves of the whole.
    """
    ceiling = service.price_micros_max
    assert ceiling is not None, "without a ceiling no price must give"
    prices = {key: choice.offer.metrics.price_micros for key, choice in taken.items()}
    moves = sum(price for key, price in prices.items() if key in still_open)
    if not moves:
        return Fraction(ceiling, max(sum(prices.values()), 1))
    stays = sum(prices.values()) - moves
    return Fraction(ceiling - stays, moves)


def _wanted(
    service: ServiceProfile,
    agreement: Agreement,
    choice: Choice,
    profile: SliceProfile,
    asked: set[Attribute],
) -> SliceProfile:
    """The budgets of one hop when every other one stays with what it offers now."""
    others = [other.offer.metrics for other in agreement.choices if other is not choice]
    if Attribute.LATENCY in asked:
        left_us = service.latency_us_max - sum(m.latency_us for m in others)
        profile = replace(profile, latency_us_max=max(left_us, 1))
    if Attribute.AVAILABILITY in asked:
        spent_ppb = sum(PPB - m.availability_ppb for m in others)
        allowed_ppb = PPB - service.availability_ppb_min - spent_ppb
        profile = replace(profile, availability_ppb_min=PPB - max(allowed_ppb, 0))
    return profile
