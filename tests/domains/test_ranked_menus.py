"""Whatever a policy leaves out of a menu, nothing that it could do end to end is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from domains.model import Attribute, Menu, Offer, SliceProfile
from domains.offers import MENU_MAX, finest, menu
from domains.technologies import Free, Option
from tests.domains.test_offers import KINDS, PROFILES, empty, technology

Places = Callable[[int], Sequence[int] | None]

kinds = st.sampled_from(KINDS)
budgets = st.tuples(st.integers(100, 60_000), st.integers(900_000_000, 999_999_999))
rates = st.integers(1_000, 2_000_000)
shares = st.integers(0, 1_000)


@st.composite
def answers(draw: st.DrawFn) -> Places:
    """Any places at all, in any order, again and again, or none."""
    drawn = draw(st.lists(st.integers(0, 63), max_size=9) | st.none())
    return lambda count: None if drawn is None else [place % count for place in drawn]


def asked(kind: str, kbps: int, budget: tuple[int, int]) -> SliceProfile:
    latency_us, availability_ppb = budget
    return replace(
        PROFILES[kind],
        latency_us_max=latency_us,
        availability_ppb_min=availability_ppb,
        downlink_kbps=kbps,
        uplink_kbps=kbps // 2,
    )


def both(kind: str, profile: SliceProfile, permille: int, places: Places) -> tuple[Menu, Menu]:
    """The rule's menu and the policy's, with a share of everything free."""
    free = {name: units * permille // 1_000 for name, units in empty(kind).items()}.__getitem__

    def rank(profile: SliceProfile, options: Sequence[Option], free: Free) -> Sequence[int] | None:
        return places(len(options))

    inner = technology(kind)
    return menu(inner, profile, free), menu(inner, profile, free, rank=rank)


@settings(max_examples=200, deadline=None)
@given(kinds, rates, budgets, shares, answers())
def test_nothing_of_the_rules_menu_is_faster_and_more_available(
    kind: str, kbps: int, budget: tuple[int, int], permille: int, places: Places
) -> None:
    rule, told = both(kind, asked(kind, kbps, budget), permille, places)
    assert told.refusal == rule.refusal
    for lost in rule.offers:
        assert any(
            offer.metrics.latency_us <= lost.metrics.latency_us
            and offer.metrics.availability_ppb >= lost.metrics.availability_ppb
            and load(offer) == load(lost)
            for offer in told.offers
        )


def load(offer: Offer) -> tuple[int, int, int]:
    return offer.metrics.downlink_kbps, offer.metrics.uplink_kbps, offer.metrics.devices


@settings(max_examples=200, deadline=None)
@given(kinds, rates, budgets, shares, answers())
def test_a_menu_that_left_something_out_says_so(
    kind: str, kbps: int, budget: tuple[int, int], permille: int, places: Places
) -> None:
    rule, told = both(kind, asked(kind, kbps, budget), permille, places)
    assert rule.negotiable == ()
    if told.negotiable:
        assert told.negotiable == (Attribute.PRICE,)
        assert len(told.offers) <= MENU_MAX
        assert len(rule.offers) == MENU_MAX or set(told.offers) < set(rule.offers)
    else:
        assert told == rule


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=12))
def test_the_finest_are_those_that_no_other_one_betters(points: list[tuple[int, int]]) -> None:
    option = technology("core").options(PROFILES["core"], empty("core").__getitem__)[0]
    options = [
        replace(
            option,
            metrics=replace(option.metrics, latency_us=latency, availability_ppb=available),
        )
        for latency, available in points
    ]
    best = {
        (latency, available)
        for latency, available in points
        if not any(
            fast <= latency and sure >= available and (fast, sure) != (latency, available)
            for fast, sure in points
        )
    }
    assert [points[place] for place in finest(options)] == sorted(best)
