"""Negotiation by example: what is agreed, what gives and why, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from coordinator.model import (
    DEVICES,
    Agreement,
    Preference,
    Proposal,
    Refusal,
    ServiceLink,
)
from coordinator.negotiate import keeps, relaxed, settle, worth_it
from domains.model import (
    PPB,
    Attribute,
    DomainKind,
    Isolation,
    NetworkFunction,
    Relaxation,
)
from tests.coordinator.menus import SERVICE, case, chain_of, offer

# -- by example ----------------------------------------------------------------------------

THREE = chain_of("ran", "net", "dc")
ENOUGH = {
    "ran": [offer("r", 30, 20, 5)],
    "net": [offer("slow", 60, 20, 1), offer("fast", 20, 20, 9)],
    "dc": [offer("d", 20, 20, 5)],
}


def test_the_cheapest_combination_that_keeps_the_service_is_agreed() -> None:
    result = settle(*case(SERVICE, [THREE], ENOUGH))
    assert isinstance(result, Agreement)
    assert [choice.offer.offer_id for choice in result.choices] == ["r", "fast", "d"]
    assert (result.metrics.latency_us, result.metrics.price_micros) == (70, 19)


def test_time_that_one_domain_saves_is_spent_by_another() -> None:
    """The split asked each for a third; an offer that is relaxed alone may fit together."""
    late = replace(offer("late", 70, 10, 1), relaxations=(Relaxation(Attribute.LATENCY, 34, 70),))
    menus = {"ran": [late], "net": [offer("n", 10, 10, 1)], "dc": [offer("d", 20, 10, 1)]}
    result = settle(*case(SERVICE, [THREE], menus))
    assert isinstance(result, Agreement)
    assert result.metrics.latency_us == SERVICE.latency_us_max


def test_equal_prices_fall_to_the_lower_latency_and_then_to_the_name() -> None:
    chains = [chain_of("ran", "b"), chain_of("ran", "a"), chain_of("ran", "c")]
    same = {"ran": [offer("r", 10, 1, 5)], "a": [offer("x", 20, 1, 5)], "b": [offer("y", 20, 1, 5)]}
    for order in permutations(chains):
        result = settle(*case(SERVICE, order, {**same, "c": [offer("z", 20, 1, 5)]}))
        assert isinstance(result, Agreement)
        assert result.choices[1].hop.domain == "a"
        result = settle(*case(SERVICE, order, {**same, "c": [offer("z", 19, 1, 5)]}))
        assert isinstance(result, Agreement)
        assert result.choices[1].hop.domain == "c"


def test_availability_is_decided_to_the_last_part_per_billion() -> None:
    menus = {"ran": [offer("r", 1, 50, 1)], "dc": [offer("d", 1, 50, 1)]}
    exactly = (PPB - 50) ** 2 // PPB
    chains = [chain_of("ran", "dc")]
    keeping = replace(SERVICE, availability_ppb_min=exactly)
    assert isinstance(settle(*case(keeping, chains, menus)), Agreement)
    beyond = replace(SERVICE, availability_ppb_min=exactly + 1)
    result = settle(*case(beyond, chains, menus))
    assert isinstance(result, Proposal)
    assert result.relaxations[0].relaxation == Relaxation(
        Attribute.AVAILABILITY, exactly + 1, exactly
    )


def test_a_proposal_names_the_domain_that_exceeds_its_budget_the_most() -> None:
    menus = {**ENOUGH, "net": [offer("slow", 80, 20, 1)]}
    result = settle(*case(SERVICE, [THREE], menus))
    assert isinstance(result, Proposal)
    (only,) = result.relaxations
    assert (only.service, only.domain) == ("robot", "net")
    assert only.relaxation == Relaxation(Attribute.LATENCY, 100, 130)
    assert only.at_domain == Relaxation(Attribute.LATENCY, 33, 80)
    assert relaxed(SERVICE, result) == replace(SERVICE, latency_us_max=130)


def test_each_attribute_that_gives_is_named_with_its_own_domain() -> None:
    menus = {
        "ran": [offer("r", 90, 20, 50, devices=4)],
        "net": [offer("n", 20, 20, 1, downlink_kbps=30)],
        "dc": [offer("d", 20, 500, 1, uplink_kbps=39)],
    }
    result = settle(*case(replace(SERVICE, price_micros_max=40), [THREE], menus))
    assert isinstance(result, Proposal)
    named = {r.relaxation.attribute: (r.domain, r.at_domain) for r in result.relaxations}
    assert named[Attribute.LATENCY] == ("ran", Relaxation(Attribute.LATENCY, 34, 90))
    assert named[Attribute.AVAILABILITY][0] == "dc"
    assert named[Attribute.DOWNLINK] == ("net", Relaxation(Attribute.DOWNLINK, 50, 30))
    assert named[Attribute.UPLINK] == ("dc", Relaxation(Attribute.UPLINK, 40, 39))
    assert named[Attribute.DEVICES] == ("ran", Relaxation(Attribute.DEVICES, 10, 4))
    assert named[Attribute.PRICE] == ("ran", Relaxation(Attribute.PRICE, 14, 50))


@pytest.mark.parametrize(
    ("preference", "gives"),
    [
        (Preference(0.7, 0.1, 0.1, 0.1), Attribute.DOWNLINK),
        (Preference(0.1, 0.1, 0.7, 0.1), Attribute.LATENCY),
    ],
)
def test_what_matters_less_to_the_tenant_gives(preference: Preference, gives: Attribute) -> None:
    menus = {
        "ran": [offer("late", 150, 1, 1), offer("narrow", 50, 1, 1, downlink_kbps=25)],
        "dc": [offer("d", 0, 1, 1)],
    }
    service = replace(SERVICE, preference=preference)
    result = settle(*case(service, [chain_of("ran", "dc")], menus))
    assert isinstance(result, Proposal)
    assert [r.relaxation.attribute for r in result.relaxations] == [gives]


@pytest.mark.parametrize(("slow_price", "traded"), [(1, True), (79, True), (81, False)])
def test_a_trade_is_made_where_it_saves_more_than_it_gives_up(
    slow_price: int, traded: bool
) -> None:
    """A tenth more latency at a weight of a quarter is worth 25 of a ceiling of 1000."""
    even = replace(SERVICE, price_micros_max=1_000, preference=Preference(0.25, 0.25, 0.25, 0.25))
    net = [offer("slow", 60, 20, slow_price), offer("fast", 50, 20, 105)]
    menus = {"ran": [offer("r", 30, 20, 5)], "net": net, "dc": [offer("d", 20, 20, 5)]}
    negotiation = case(even, [THREE], menus)
    assert isinstance(settle(*negotiation), Agreement), "without being asked nobody trades"
    result = settle(*negotiation, trades=True)
    assert isinstance(result, Proposal) is traded
    if isinstance(result, Proposal):
        (gives,) = result.relaxations
        assert gives.relaxation == Relaxation(Attribute.LATENCY, 100, 110)
        assert worth_it(even, result)


def test_what_costs_more_than_it_is_worth_is_not_taken() -> None:
    """Within the ceiling, but not within what the ceiling leaves after what is given up."""
    service = replace(SERVICE, price_micros_max=1_000)
    menus = {"ran": [offer("r", 50, 20, 1)], "net": [offer("n", 40, 20, 1)]}
    chains = [chain_of("ran", "net", "dc")]
    for price, worth in ((972, True), (975, False), (998, False)):
        dear = {**menus, "dc": [offer("d", 20, 20, price)]}
        result = settle(*case(service, chains, dear), trades=True)
        assert isinstance(result, Proposal)
        assert worth_it(service, result) is worth


def test_a_quality_without_any_weight_is_not_given_away() -> None:
    service = replace(SERVICE, preference=Preference(0.0, 0.5, 0.5, 0.0))
    menus = {"ran": [offer("late", 500, 1, 1), offer("less late", 110, 1, 9)]}
    result = settle(*case(service, [chain_of("ran")], menus))
    assert isinstance(result, Proposal)
    assert result.agreement.metrics.latency_us == 110


def test_links_of_the_service_graph_are_kept_and_relaxed_with_the_throughput() -> None:
    service = replace(
        SERVICE,
        functions=(NetworkFunction("f", "app", 1, 1, 1), NetworkFunction("g", "app", 1, 1, 1)),
        links=(
            ServiceLink("f", DEVICES, 60),
            ServiceLink("g", DEVICES, 30),
            ServiceLink(DEVICES, "f", 5),
        ),
    )
    menus = {"ran": [offer("r", 1, 1, 1, downlink_kbps=60)]}
    asked = case(service, [(replace(chain_of("ran")[0], kind=DomainKind.CLOUD),)], menus)
    result = settle(*asked)
    assert isinstance(result, Proposal)
    assert result.relaxations[0].relaxation == Relaxation(Attribute.DOWNLINK, 90, 60)
    accepted = relaxed(service, result)
    assert [link.capacity_kbps for link in accepted.links] == [40, 20, 5]
    assert isinstance(settle(accepted, *asked[1:]), Agreement)


def test_an_offer_without_the_isolation_asked_for_is_no_offer() -> None:
    pooled = replace(offer("pooled", 1, 1, 1), relaxations=(Relaxation(Attribute.ISOLATION, 1, 0),))
    chains = [chain_of("ran", "dc")]
    result = settle(*case(SERVICE, chains, {"ran": [pooled], "dc": [offer("d", 1, 1, 1)]}))
    assert isinstance(result, Refusal)
    assert (result.domain, result.attribute) == ("ran", Attribute.ISOLATION)
    own = offer("own", 1, 1, 99)
    agreed = settle(*case(SERVICE, chains, {"ran": [pooled, own], "dc": [offer("d", 1, 1, 1)]}))
    assert isinstance(agreed, Agreement)
    assert agreed.choices[0].offer == own


# -- refusals ------------------------------------------------------------------------------


def test_a_refusal_tells_of_the_domain_that_came_nearest() -> None:
    chains = [chain_of("ran", "x"), chain_of("ran", "y")]
    asked = case(SERVICE, chains, {"ran": [offer("r", 1, 1, 1)], "x": [], "y": []})
    menus = asked[2]
    keys = {key[0]: key for key in menus}
    far = Relaxation(Attribute.DOWNLINK, 50, 5)
    near = Relaxation(Attribute.COMPUTE, 4_000, 3_500)
    menus[keys["x"]] = replace(menus[keys["x"]], refusal=far, refusal_text="x is narrow")
    menus[keys["y"]] = replace(menus[keys["y"]], refusal=near, refusal_text="y is small")
    assert settle(*asked) == Refusal(
        "robot", "y", Attribute.COMPUTE, 4_000, 3_500, "millicores", "y is small"
    )


def test_a_domain_that_did_not_answer_is_named_when_nothing_else_is_known() -> None:
    service, chains, menus, budgets = case(SERVICE, [THREE], ENOUGH)
    del menus["net", "p1", "p2"]
    result = settle(service, chains, menus, budgets)
    assert isinstance(result, Refusal)
    assert (result.domain, result.text) == ("net", "net made no offer")


def test_a_chain_without_a_menu_is_left_for_one_with() -> None:
    chains = [THREE, chain_of("ran", "spare", "dc")]
    asked = case(SERVICE, chains, {**ENOUGH, "spare": [offer("s", 20, 20, 500)]})
    del asked[2]["net", "p1", "p2"]
    result = settle(*asked)
    assert isinstance(result, Agreement)
    assert result.choices[1].hop.domain == "spare"


# -- the independent check -----------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"latency_us_max": 69},
        {"availability_ppb_min": PPB - 59},
        {"downlink_kbps": 51},
        {"uplink_kbps": 41},
        {"devices": 11},
        {"price_micros_max": 18},
        {"isolation": Isolation.SHARED},
    ],
)
def test_an_agreement_that_keeps_less_than_the_service_is_found_out(
    change: dict[str, int | Isolation],
) -> None:
    result = settle(*case(SERVICE, [THREE], ENOUGH))
    assert isinstance(result, Agreement)
    assert keeps(SERVICE, result)
    assert not keeps(replace(SERVICE, **change), result)  # type: ignore[arg-type]


def test_an_agreement_whose_neighbours_do_not_meet_is_found_out() -> None:
    result = settle(*case(SERVICE, [THREE], ENOUGH))
    assert isinstance(result, Agreement)
    assert not keeps(SERVICE, replace(result, choices=result.choices[::2]))
