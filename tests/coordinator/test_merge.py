"""Negotiation is exact: whatever brute force finds, the merge finds, within its limits."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator import merge
from coordinator.merge import LABELS_MAX, OFFERS_MAX, TRADED_PENALTY_MAX
from coordinator.model import (
    Agreement,
    Budgets,
    Chain,
    MenuKey,
    Preference,
    Proposal,
    Refusal,
    ServiceProfile,
)
from coordinator.negotiate import keeps, penalty, relaxed, settle, worth_it
from domains.errors import Overloaded
from domains.model import (
    PPB,
    Menu,
    Metrics,
    Offer,
)
from tests.coordinator.menus import SERVICE, Case, case, chain_of, offer


def combined(offers: Sequence[Offer]) -> Metrics:
    """Metrics of a combination, reckoned without the code under test."""
    metrics = [one.metrics for one in offers]
    return Metrics(
        sum(m.latency_us for m in metrics),
        prod(m.availability_ppb for m in metrics) // PPB ** (len(metrics) - 1),
        min(m.downlink_kbps for m in metrics),
        min(m.uplink_kbps for m in metrics),
        min(m.devices for m in metrics),
        sum(m.price_micros for m in metrics),
    )


def fits(service: ServiceProfile, metrics: Metrics) -> bool:
    return (
        metrics.latency_us <= service.latency_us_max
        and metrics.availability_ppb >= service.availability_ppb_min
        and metrics.downlink_kbps >= service.downlink_kbps
        and metrics.uplink_kbps >= service.uplink_kbps
        and metrics.devices >= service.devices
        and (service.price_micros_max is None or metrics.price_micros <= service.price_micros_max)
    )


Judged = tuple[int, float, int]
"""0 agreed, 1 proposed, 2 refused; penalty; price: less is better."""


def by_brute_force(
    service: ServiceProfile, chains: Sequence[Chain], menus: Mapping[MenuKey, Menu], _: Budgets
) -> Judged:
    best: Judged = (2, 0.0, 0)
    for chain in chains:
        for taken in product(*(menus[h.domain, h.ingress, h.egress].offers for h in chain)):
            metrics = combined(taken)
            if fits(service, metrics):
                best = min(best, (0, 0.0, metrics.price_micros))
            else:
                best = min(best, (1, penalty(service, metrics), metrics.price_micros))
    return best


def judged(service: ServiceProfile, result: Agreement | Proposal | Refusal) -> Judged:
    match result:
        case Agreement(metrics=metrics):
            return 0, 0.0, metrics.price_micros
        case Proposal(agreement=agreement):
            return 1, penalty(service, agreement.metrics), agreement.metrics.price_micros
    return 2, 0.0, 0


small = st.integers(0, 6)
offers_of_a_domain = st.lists(
    st.builds(
        lambda i, t, u, p, d, v: offer(
            f"o{i}", t * 10, u * 10, p * 7, downlink_kbps=50 - 10 * d, devices=10 - v
        ),
        st.integers(0, 10**6),
        small,
        small,
        small,
        st.sampled_from([0, 0, 0, 1, 2]),
        st.sampled_from([0, 0, 0, 0, 3]),
    ),
    max_size=5,
    unique_by=lambda one: one.offer_id,
)
weights = st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])


@st.composite
def negotiations(
    draw: st.DrawFn,
) -> Case:
    hops = draw(st.integers(1, 5))
    service = replace(
        SERVICE,
        latency_us_max=draw(st.integers(1, hops * 50)),
        availability_ppb_min=PPB - draw(st.integers(0, hops * 50)),
        price_micros_max=draw(st.none() | st.integers(0, hops * 35)),
        preference=Preference(*draw(st.tuples(weights, weights, weights, weights))),
    )
    chains = [chain_of(*(f"d{i}" for i in range(hops)))]
    if draw(st.booleans()):
        chains.append(chain_of(*("e" if i == 1 else f"d{i}" for i in range(hops))))
    if draw(st.booleans()):
        chains.append(chain_of("e", "f") if hops > 1 else chain_of("f"))
    domains = sorted({hop.domain for chain in chains for hop in chain})
    return case(service, chains, {domain: draw(offers_of_a_domain) for domain in domains})


@given(negotiations())
def test_settling_finds_what_brute_force_finds(
    asked: Case,
) -> None:
    service, chains, menus, budgets = asked
    result = settle(service, chains, menus, budgets)
    assert judged(service, result) == by_brute_force(*asked)
    if isinstance(result, Agreement):
        assert keeps(service, result)
        assert result.metrics == combined([choice.offer for choice in result.choices])
    if isinstance(result, Proposal):
        assert not keeps(service, result.agreement)


def worth(service: ServiceProfile, metrics: Metrics) -> tuple[float, int]:
    """What a combination costs a tenant that trades, as shares of the ceiling; price. By hand."""
    ceiling, price = service.price_micros_max, metrics.price_micros
    assert ceiling
    lost = penalty(replace(service, price_micros_max=None), metrics)
    if price <= ceiling and lost <= TRADED_PENALTY_MAX:
        return lost + price / ceiling, price
    return 2 + penalty(service, metrics), price


@given(negotiations())
def test_a_trade_is_what_brute_force_finds_to_be_worth_most(negotiation: Case) -> None:
    service, chains, menus, budgets = negotiation
    ceiling = service.price_micros_max or 35
    service = replace(service, price_micros_max=ceiling)
    ways = [
        worth(service, combined(taken))
        for chain in chains
        for taken in product(*(menus[h.domain, h.ingress, h.egress].offers for h in chain))
    ]
    result = settle(service, chains, menus, budgets, trades=True)
    if not ways:
        assert isinstance(result, Refusal)
        return
    assert not isinstance(result, Refusal)
    agreement = result.agreement if isinstance(result, Proposal) else result
    assert worth(service, agreement.metrics) == pytest.approx(min(ways))
    assert isinstance(result, Agreement) is fits(service, agreement.metrics)
    if isinstance(result, Proposal) and worth_it(service, result):
        assert agreement.metrics.price_micros <= ceiling, "never above the ceiling"
        exact = settle(service, chains, menus, budgets)
        if isinstance(exact, Agreement):
            assert agreement.metrics.price_micros < exact.metrics.price_micros, "it saves something"


@given(negotiations())
def test_without_a_ceiling_there_is_nothing_to_trade(negotiation: Case) -> None:
    service, chains, menus, budgets = negotiation
    service = replace(service, price_micros_max=None)
    plain = settle(service, chains, menus, budgets)
    assert settle(service, chains, menus, budgets, trades=True) == plain


@given(negotiations())
def test_a_relaxed_service_is_agreed_on_the_same_menus_at_the_same_price(
    asked: Case,
) -> None:
    service, chains, menus, budgets = asked
    proposal = settle(service, chains, menus, budgets)
    if not isinstance(proposal, Proposal):
        return
    accepted = relaxed(service, proposal)
    again = settle(accepted, chains, menus, budgets)
    assert isinstance(again, Agreement)
    assert again.metrics.price_micros == proposal.agreement.metrics.price_micros
    assert keeps(accepted, proposal.agreement)
    assert proposal.agreement.service == accepted


@given(negotiations(), st.randoms(use_true_random=False))
def test_the_order_of_chains_menus_and_offers_makes_no_difference(
    asked: Case,
    shuffle: random.Random,
) -> None:
    service, chains, menus, budgets = asked
    keys = list(menus)
    shuffle.shuffle(keys)
    shuffled = {}
    for key in keys:
        offers = menus[key].offers
        shuffled[key] = replace(menus[key], offers=tuple(shuffle.sample(offers, len(offers))))
    mixed = shuffle.sample(list(chains), len(chains))
    assert settle(service, mixed, shuffled, budgets) == settle(service, chains, menus, budgets)


@given(negotiations(), st.data())
def test_one_more_offer_never_makes_the_result_worse(
    asked: Case,
    data: st.DataObject,
) -> None:
    service, chains, menus, budgets = asked
    key = data.draw(st.sampled_from(sorted(menus)))
    extra = data.draw(offers_of_a_domain)
    more = dict(menus)
    more[key] = replace(menus[key], offers=(*menus[key].offers, *extra))
    before = judged(service, settle(service, chains, menus, budgets))
    assert judged(service, settle(service, chains, more, budgets)) <= before


# -- limits --------------------------------------------------------------------------------


def wide(seed: int, hops: int, offers: int, tight: float) -> Case:
    """Menus that trade price for latency with availability at random: the hardest kind."""
    draw = random.Random(seed)
    menus = {
        f"d{hop}": [
            offer(
                f"o{i}",
                200 + 2_000 * (offers - i) ** 2 // offers**2 + draw.randint(0, 20),
                draw.randint(1_000, 20_000),
                1_000_000 * (i + 1) + draw.randint(0, 400_000),
            )
            for i in range(offers)
        ]
        for hop in range(hops)
    }
    fastest = sum(min(o.metrics.latency_us for o in menu) for menu in menus.values())
    slowest = sum(max(o.metrics.latency_us for o in menu) for menu in menus.values())
    service = replace(
        SERVICE,
        latency_us_max=fastest + int((slowest - fastest) * tight),
        availability_ppb_min=PPB - hops * 8_000,
    )
    return case(service, [chain_of(*menus)], menus)


@pytest.mark.parametrize("tight", [0.02, 0.15, 0.4])
def test_sixteen_offers_in_each_of_eight_hops_stay_far_below_the_limit_of_labels(
    tight: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "LABELS_MAX", LABELS_MAX // 5)
    for seed in range(2):
        assert not isinstance(settle(*wide(seed, 8, 16, tight)), Refusal)


def test_more_labels_than_the_limit_are_refused_and_never_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(merge, "LABELS_MAX", 2)
    with pytest.raises(Overloaded, match="more than 2 labels"):
        settle(*wide(0, 4, 8, 0.3))


def test_a_domain_that_sends_too_many_offers_is_not_listened_to() -> None:
    flood = [offer(f"o{i}", 1, 1, i) for i in range(OFFERS_MAX + 1)]
    asked = case(SERVICE, [chain_of("ran", "dc")], {"ran": flood, "dc": [offer("d", 1, 1, 1)]})
    assert isinstance(settle(*asked), Refusal)
    asked[2].update(case(SERVICE, asked[1], {"ran": flood[1:], "dc": [offer("d", 1, 1, 1)]})[2])
    assert isinstance(settle(*asked), Agreement)


@pytest.mark.parametrize("latency", range(0, 100, 10))
def test_a_low_latency_never_makes_up_for_a_price_above_the_ceiling(latency: int) -> None:
    """Found by comparing with every combination: prices large enough for a rate to be tried."""
    service = replace(SERVICE, latency_us_max=100, price_micros_max=20_000)
    menus = {"a": [offer("slow", 200, 10, 1_000), offer("dear", latency, 10, 30_000)]}
    result = settle(*case(service, [chain_of("a")], menus))
    assert isinstance(result, Proposal)
