"""Menus: what is exact, what has to give, and by which name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains import config
from domains.errors import CapacityInsufficient, OfferChanged
from domains.model import (
    Attribute,
    DomainKind,
    Isolation,
    Menu,
    NetworkFunction,
    Relaxation,
    SliceProfile,
)
from domains.offers import MENU_MAX, choose, menu
from domains.technologies import Technology

GERMANY = Path(__file__).parents[2] / "deploy" / "configs" / "germany"


@cache
def technology(name: str) -> Technology:
    return config.technology(config.load(GERMANY / f"{name}.toml"))


def empty(name: str) -> Mapping[str, int]:
    return technology(name).capacities()


def profile(ingress: str, egress: str) -> SliceProfile:
    return SliceProfile(
        ingress=ingress,
        egress=egress,
        latency_us_max=20_000,
        availability_ppb_min=999_000_000,
        downlink_kbps=50_000,
        uplink_kbps=20_000,
        devices=10,
        isolation=Isolation.SHARED,
    )


PROFILES = {
    "access": profile("berlin", "bp-berlin-ran"),
    "transport": profile("bp-berlin-ran", "bp-munich-core"),
    "core": profile("bp-munich-core", "bp-munich-dn"),
    "cloud": profile("bp-munich-dn", "munich-1"),
}
KINDS = [kind.value for kind in DomainKind]


def asked(kind: str, wanted: SliceProfile, free: Mapping[str, int] | None = None) -> Menu:
    return menu(technology(kind), wanted, (empty(kind) if free is None else free).__getitem__)


def exact(found: Menu) -> int:
    return sum(offer.exact for offer in found.offers)


@pytest.mark.parametrize("kind", KINDS)
def test_exact_offers_come_first_and_each_part_is_cheapest_first(kind: str) -> None:
    found = asked(kind, PROFILES[kind])
    assert exact(found)
    assert [not o.exact for o in found.offers] == sorted(not o.exact for o in found.offers)
    for part in (True, False):
        prices = [o.metrics.price_micros for o in found.offers if o.exact is part]
        assert prices == sorted(prices)
    assert len({o.offer_id for o in found.offers}) == len(found.offers) <= MENU_MAX


@pytest.mark.parametrize("kind", KINDS)
def test_a_menu_has_the_cheapest_the_fastest_and_the_most_available(kind: str) -> None:
    wanted = replace(PROFILES[kind], downlink_kbps=500_000, uplink_kbps=300_000, devices=500)
    options = technology(kind).options(wanted, empty(kind).__getitem__)
    metrics = [offer.metrics for offer in asked(kind, wanted).offers]
    for best in (
        min(o.metrics.price_micros for o in options),
        min(o.metrics.latency_us for o in options),
        max(o.metrics.availability_ppb for o in options),
    ):
        assert any(best in (m.price_micros, m.latency_us, m.availability_ppb) for m in metrics)


def test_a_budget_that_nothing_keeps_is_named_with_what_can_be_had() -> None:
    wanted = replace(PROFILES["core"], latency_us_max=60, availability_ppb_min=999_999_000)
    found = asked("core", wanted)
    assert not exact(found)
    accelerated = next(o for o in found.offers if o.metrics.latency_us == 65)
    assert accelerated.relaxations == (
        Relaxation(Attribute.LATENCY, 60, 65),
        Relaxation(Attribute.AVAILABILITY, 999_999_000, 1_000_000_000 - 103_652),
    )


def test_too_much_throughput_is_offered_at_the_largest_share_there_is() -> None:
    free = dict.fromkeys(empty("transport"), 30_000)
    found = asked("transport", replace(PROFILES["transport"], downlink_kbps=80_000), free)
    relaxations = {offer.relaxations[0] for offer in found.offers}
    # 30 of 80 Mbit/s are 375 thousandths, and the uplink of 20 Mbit/s fits anyway.
    assert relaxations == {Relaxation(Attribute.DOWNLINK, 80_000, 30_000)}
    assert {offer.metrics.downlink_kbps for offer in found.offers} == {30_000}
    assert {offer.metrics.uplink_kbps for offer in found.offers} == {20_000}


def test_both_directions_give_where_neither_alone_would_help() -> None:
    free = dict.fromkeys(empty("transport"), 10_000)
    wanted = replace(PROFILES["transport"], downlink_kbps=20_000, uplink_kbps=20_000)
    for offer in asked("transport", wanted, free).offers:
        assert offer.relaxations[:2] == (
            Relaxation(Attribute.DOWNLINK, 20_000, 10_000),
            Relaxation(Attribute.UPLINK, 20_000, 10_000),
        )


def test_too_many_devices_are_offered_as_fewer() -> None:
    free = {**empty("core"), "sessions:site-m": 400}
    found = asked("core", replace(PROFILES["core"], devices=500), free)
    assert found.offers[0].relaxations == (Relaxation(Attribute.DEVICES, 500, 400),)


@pytest.mark.parametrize(
    ("kind", "change", "free", "refusal", "words"),
    [
        ("access", {"ingress": "atlantis"}, None, Relaxation(Attribute.AREA, 1, 0), "atlantis"),
        ("core", {"egress": "nowhere"}, None, Relaxation(Attribute.AREA, 1, 0), "nowhere"),
        (
            "core",
            {"isolation": Isolation.ISOLATED},
            {"instances:site-m": 1},
            Relaxation(Attribute.ISOLATION, 1, 0),
            "isolation",
        ),
        (
            "transport",
            {},
            {"tail:bp-berlin-ran": 0},
            Relaxation(Attribute.DOWNLINK, 50_000, 0),
            "50000 kbit/s requested, 0 achievable",
        ),
        (
            "cloud",
            {"functions": (NetworkFunction("mixer", "APP", 10_000, 1_024, 1),)},
            {"cpu:dc-m:standard": 6_000, "cpu:dc-m:realtime": 4_000},
            Relaxation(Attribute.COMPUTE, 10_000, 6_000),
            "10000 millicores requested, 6000 achievable",
        ),
    ],
)
def test_a_refusal_names_what_stands_in_the_way(
    kind: str,
    change: dict[str, object],
    free: dict[str, int] | None,
    refusal: Relaxation,
    words: str,
) -> None:
    wanted = replace(PROFILES[kind], **change)  # type: ignore[arg-type]
    found = asked(kind, wanted, {**empty(kind), **(free or {})})
    assert (found.offers, found.refusal) == ((), refusal)
    assert words in found.refusal_text


def test_a_full_domain_refuses_instead_of_answering_nothing() -> None:
    for kind in KINDS:
        found = asked(kind, PROFILES[kind], dict.fromkeys(empty(kind), 0))
        assert not found.offers
        assert found.refusal is not None
        assert found.refusal_text


# -- taking an offer -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_offer_can_be_taken_under_moved_budgets(kind: str) -> None:
    moved = replace(PROFILES[kind], latency_us_max=1, availability_ppb_min=0)
    free = empty(kind).__getitem__
    for offer in asked(kind, PROFILES[kind]).offers:
        assert choose(technology(kind), moved, offer, free).metrics == offer.metrics


def test_a_relaxed_offer_can_be_taken_for_the_profile_that_was_asked() -> None:
    free = dict.fromkeys(empty("transport"), 30_000)
    wanted = replace(PROFILES["transport"], downlink_kbps=80_000)
    offer = asked("transport", wanted, free).offers[0]
    taken = choose(technology("transport"), wanted, offer, free.__getitem__)
    assert max(taken.demand.values()) == 30_000


def test_an_offer_with_altered_terms_is_not_recognised() -> None:
    offer = asked("core", PROFILES["core"]).offers[0]
    free = empty("core").__getitem__
    cheaper = replace(offer, metrics=replace(offer.metrics, price_micros=1))
    bigger = replace(offer, metrics=replace(offer.metrics, downlink_kbps=60_000))
    renamed = replace(offer, offer_id="0" * 24)
    for altered in (cheaper, bigger, renamed):
        with pytest.raises(OfferChanged):
            choose(technology("core"), PROFILES["core"], altered, free)


def test_an_offer_of_another_load_is_not_recognised() -> None:
    offer = asked("core", PROFILES["core"]).offers[0]
    other = replace(PROFILES["core"], isolation=Isolation.ISOLATED)
    with pytest.raises(OfferChanged):
        choose(technology("core"), other, offer, empty("core").__getitem__)


def test_an_offer_whose_room_was_taken_is_refused_as_such() -> None:
    offer = asked("core", PROFILES["core"]).offers[0]
    full = dict.fromkeys(empty("core"), 0)
    with pytest.raises(CapacityInsufficient):
        choose(technology("core"), PROFILES["core"], offer, full.__getitem__)


# -- properties ----------------------------------------------------------------------------

LOADS = st.fixed_dictionaries(
    {
        "latency_us_max": st.integers(0, 30_000),
        "availability_ppb_min": st.integers(998_000_000, 1_000_000_000),
        "downlink_kbps": st.integers(0, 50_000_000),
        "uplink_kbps": st.integers(0, 5_000_000),
        "devices": st.integers(0, 100_000),
        "isolation": st.sampled_from(Isolation),
    }
)


@settings(max_examples=120, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    load=LOADS,
    more_us=st.integers(0, 30_000),
    less_ppb=st.integers(0, 2_000_000),
)
def test_a_looser_budget_never_gives_fewer_exact_offers(
    kind: str, load: dict[str, object], more_us: int, less_ppb: int
) -> None:
    tight = replace(PROFILES[kind], **load)  # type: ignore[arg-type]
    loose = replace(
        tight,
        latency_us_max=tight.latency_us_max + more_us,
        availability_ppb_min=tight.availability_ppb_min - less_ppb,
    )
    assert exact(asked(kind, tight)) <= exact(asked(kind, loose))


@settings(max_examples=120, deadline=None)
@given(kind=st.sampled_from(KINDS), load=LOADS, left=st.integers(0, 1_000))
def test_a_menu_is_honest_about_every_shortfall(
    kind: str, load: dict[str, object], left: int
) -> None:
    wanted = replace(PROFILES[kind], **load)  # type: ignore[arg-type]
    free = {resource: size * left // 1_000 for resource, size in empty(kind).items()}
    found = asked(kind, wanted, free)
    assert bool(found.offers) == (found.refusal is None) == (not found.refusal_text)
    for offer in found.offers:
        m = offer.metrics
        short = {
            Attribute.LATENCY: m.latency_us > wanted.latency_us_max,
            Attribute.AVAILABILITY: m.availability_ppb < wanted.availability_ppb_min,
            Attribute.DOWNLINK: m.downlink_kbps < wanted.downlink_kbps,
            Attribute.UPLINK: m.uplink_kbps < wanted.uplink_kbps,
            Attribute.DEVICES: m.devices < wanted.devices,
        }
        named = {r.attribute for r in offer.relaxations}
        assert named == {attribute for attribute, missed in short.items() if missed}
        taken = choose(technology(kind), wanted, offer, free.__getitem__)
        assert all(free[resource] >= units for resource, units in taken.demand.items())
