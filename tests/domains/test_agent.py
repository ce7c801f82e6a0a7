"""The agent: never below its floor, never beyond its policy, and no price that it did not make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains import config
from domains.agents.agent import Agent
from domains.agents.concession import conceded, margin_for, margin_of_round, price_of
from domains.agents.engine import Point, Situation, Stance, fault
from domains.agents.policy import Policy
from domains.agents.rules import decide, shown
from domains.agents.scarcity import Scarce
from domains.errors import OfferChanged
from domains.model import Attribute, Counter, Isolation, Menu, Offer, SliceProfile
from domains.offers import menu
from domains.technologies import Free, Technology

GERMANY = Path(__file__).parents[2] / "deploy" / "configs" / "germany"
SECRET = b"a secret of the domain's own"
NOW_S = 1_800_000_000.0
CLINIC, OTHER = "spiffe://a.example/tenant/clinic", "spiffe://a.example/tenant/other"
PIPE = SliceProfile(
    "bp-berlin-ran", "bp-munich-core", 20_000, 999_000_000, 500_000, 300_000, 10, Isolation.SHARED
)
FIRM = Policy(
    margin_permille_open=200,
    margin_permille_min=50,
    patience_permille=500,
    points_first=3,
    points_max=12,
)


FIRM_AND_OPEN = FIRM.model_copy(update={"points_first": 12})
DEAR = FIRM.model_copy(update={"scarcity_permille_medium": 100, "scarcity_permille_low": 300})


@cache
def transport() -> Technology:
    return config.technology(config.load(GERMANY / "transport.toml"))


@cache
def capacities() -> Mapping[str, int]:
    return transport().capacities()


def free(resource: str) -> int:
    return capacities()[resource]


def little(permille: int) -> Free:
    """So many thousandths are left of everything."""
    return lambda resource: free(resource) * permille // 1_000


def agent(policy: Policy = FIRM, secret: bytes = SECRET) -> Agent:
    return Agent(transport(), policy, secret)


def first(of: Agent, profile: SliceProfile = PIPE, now_s: float = NOW_S) -> Menu:
    (found,) = of.bids([profile], CLINIC, free, now_s, False)
    return found


async def answer(
    of: Agent, counter: Counter | None, profile: SliceProfile = PIPE, left: Free = free
) -> Menu:
    (found,) = await of.answers([profile], CLINIC, left, NOW_S, False, [counter])
    return found


def costs() -> dict[tuple[int, int], int]:
    """What each point of the whole frontier costs."""
    at_cost = menu(transport(), PIPE, free)
    return {
        (o.metrics.latency_us, o.metrics.availability_ppb): o.metrics.price_micros
        for o in at_cost.offers
    }


def margin(found: Menu) -> int:
    """The one margin of a menu, which every point of it has."""
    cost = costs()
    margins = {
        margin_for(cost[o.metrics.latency_us, o.metrics.availability_ppb], o.metrics.price_micros)
        for o in found.offers
    }
    assert len(margins) == 1
    return margins.pop()


# -- disclosing -------------------------------------------------------------------------------


def test_the_first_menu_has_the_opening_margin_and_as_many_points_as_the_policy_says() -> None:
    found = first(agent())
    assert margin(found) == 200
    assert len(found.offers) == 3
    assert found.offers[0].exact
    assert found.negotiable == (Attribute.LATENCY, Attribute.AVAILABILITY, Attribute.PRICE)
    assert found.rationale


def test_few_points_are_the_useful_ones() -> None:
    whole = menu(transport(), PIPE, free).offers
    metrics = [o.metrics for o in first(agent()).offers]
    assert min(o.metrics.latency_us for o in whole) == min(m.latency_us for m in metrics)
    assert max(o.metrics.availability_ppb for o in whole) == max(
        m.availability_ppb for m in metrics
    )


async def test_later_rounds_show_what_earlier_ones_showed_and_more() -> None:
    bargainer, before = agent(), first(agent())
    for round_ in range(1, 5):
        counter = Counter(round_, before.offers[0], before.offers[0].metrics.price_micros // 2)
        after = await answer(bargainer, counter)
        places = [
            {(o.metrics.latency_us, o.metrics.availability_ppb) for o in m.offers}
            for m in (before, after)
        ]
        assert places[0] <= places[1]
        assert after.round == round_
        before = after
    assert len(before.offers) == min(12, len(costs()))
    assert before.negotiable == ()


# -- conceding --------------------------------------------------------------------------------


def price_at(offer: Offer, margin_permille: int) -> int:
    """What an offer would cost with another margin."""
    cost = costs()[offer.metrics.latency_us, offer.metrics.availability_ppb]
    return price_of(cost, margin_permille)


async def test_what_is_scarce_is_conceded_by_the_published_formula() -> None:
    bargainer, told = agent(), first(agent())
    margins = [margin(told)]
    for round_ in range(1, 5):
        counter = Counter(round_, told.offers[0], price_at(told.offers[0], 50))
        told = await answer(bargainer, counter, left=little(500))
        margins.append(margin(told))
    # 50 + (1 - (r / 4) ** 2) * 150, rounded up
    assert margins == [200, 191, 163, 116, 50]


@pytest.mark.parametrize("wanted", [50, 51, 120, 199, 200])
async def test_where_there_is_plenty_what_is_asked_for_is_conceded_at_once(wanted: int) -> None:
    offer = first(agent()).offers[0]
    after = await answer(agent(), Counter(1, offer, price_at(offer, wanted)))
    assert margin(after) == wanted


@pytest.mark.parametrize("left", [1_000, 500, 100])
async def test_what_is_asked_for_below_the_floor_gets_the_last_word_at_once(left: int) -> None:
    offer = first(agent()).offers[0]
    counter = Counter(1, offer, price_at(offer, 49))
    after = await answer(agent(FIRM_AND_OPEN), counter, left=little(left))
    assert margin(after) == 50
    assert after.negotiable == (), "there is nothing left to talk about"
    assert "last word" in after.rationale


async def test_no_more_is_conceded_than_is_asked_for() -> None:
    offer = first(agent()).offers[0]
    after = await answer(agent(), Counter(1, offer, price_at(offer, 197)), left=little(500))
    assert margin(after) == 197
    still = await answer(agent(), Counter(1, offer, None))
    assert margin(still) == 200, "the price was not what stood in the way"


@given(
    opening=st.integers(0, 1_000),
    floor=st.integers(0, 1_000),
    rounds_max=st.integers(0, 4),
    patience=st.integers(50, 20_000),
    targets=st.lists(st.none() | st.integers(-200, 1_500), max_size=4),
    plenty=st.booleans(),
)
def test_a_margin_never_rises_and_never_is_below_the_floor(
    opening: int,
    floor: int,
    rounds_max: int,
    patience: int,
    targets: list[int | None],
    plenty: bool,
) -> None:
    opening = max(opening, floor)
    last = opening
    for round_, wanted in enumerate(targets, start=1):
        of_round = margin_of_round(opening, floor, round_, rounds_max, patience)
        assert (
            floor <= of_round <= margin_of_round(opening, floor, round_ - 1, rounds_max, patience)
        )
        after = conceded(last, of_round, floor, wanted, plenty)
        assert floor <= after <= last
        if wanted is not None:
            assert after >= min(wanted, last), "no more than is asked for"
            if plenty or wanted < floor:
                assert after == max(min(wanted, last), floor), "no round for show"
        last = after


@given(cost=st.integers(1, 10**9), margin_permille=st.integers(0, 10_000))
def test_a_margin_is_found_again_in_its_price(cost: int, margin_permille: int) -> None:
    price = price_of(cost, margin_permille)
    found = margin_for(cost, price)
    assert price_of(cost, found) == price or cost < 1_000
    assert found >= margin_permille
    if cost > 1_000:
        assert found == margin_permille


# -- never beyond the policy ------------------------------------------------------------------

policies = st.builds(
    lambda opening, floor, scarce, least, points, more, rounds, latency: Policy.model_validate(
        {
            "margin_permille_open": max(opening, floor),
            "margin_permille_min": floor,
            "scarcity_permille_medium": scarce,
            "scarcity_permille_low": 2 * scarce,
            "price_micros_min": least,
            "points_first": points,
            "points_max": min(points + more, 24),
            "rounds_max": rounds,
            "relax": {"latency_permille": latency},
        }
    ),
    st.integers(0, 500),
    st.integers(0, 500),
    st.integers(0, 300),
    st.sampled_from([0, 0, 500_000, 50_000_000]),
    st.integers(3, 24),
    st.integers(0, 10),
    st.integers(0, 4),
    st.none() | st.integers(0, 2_000),
)


@settings(max_examples=40, deadline=None)
@given(
    policy=policies,
    latency_us=st.integers(3_000, 12_000),
    share=st.integers(0, 1_200),
    left=st.sampled_from([1_000, 500, 200]).map(little),
)
async def test_nothing_is_disclosed_below_the_floor_or_beyond_the_policy(
    policy: Policy, latency_us: int, share: int, left: Free
) -> None:
    wanted, bargainer, cost = replace(PIPE, latency_us_max=latency_us), agent(policy), costs()
    (told,), last = bargainer.bids([wanted], CLINIC, left, NOW_S, False), None
    for round_ in range(1, 6):
        for offer in told.offers:
            price = offer.metrics.price_micros
            at = cost[offer.metrics.latency_us, offer.metrics.availability_ppb]
            assert price >= price_of(at, policy.margin_permille_min, policy.price_micros_min)
            assert all(map(policy.relax.allows, offer.relaxations))
        assert len(told.offers) <= policy.points_max
        if not told.offers:
            assert told.refusal
            assert told.refusal_text
            return
        if last is not None and told.round:
            common = {o.metrics.latency_us: o.metrics.price_micros for o in last.offers}
            for offer in told.offers:
                before = common.get(offer.metrics.latency_us)
                assert before is None or offer.metrics.price_micros <= before
        last = told
        offer = told.offers[0]
        target = offer.metrics.price_micros * share // 1_000
        told = await answer(bargainer, Counter(round_, offer, target), wanted, left)
        assert told.round in (0, round_)
        assert told.round <= policy.rounds_max


# -- what scarce capacity is worth ------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "charge"), [(1_000, 0), (600, 0), (599, 100), (250, 100), (249, 300), (100, 300)]
)
def test_a_price_says_of_the_load_what_the_topology_says_and_no_more(
    left: int, charge: int
) -> None:
    (found,) = agent(DEAR).bids([PIPE], CLINIC, little(left), NOW_S, False)
    for offer in found.offers:
        cost = costs()[offer.metrics.latency_us, offer.metrics.availability_ppb]
        assert offer.metrics.price_micros == price_of(price_of(cost, charge), 200)


def test_what_an_offer_would_take_does_not_move_its_price() -> None:
    """Or asking for a little more each time would tell to the kilobit what is left."""
    bargainer = agent(DEAR)
    per_mbps = set()
    for mbps in (200, 2_000, 8_000, 10_000):
        wanted = replace(PIPE, downlink_kbps=mbps * 1_000, uplink_kbps=mbps * 1_000)
        at_cost = menu(transport(), wanted, little(620))
        (found,) = bargainer.bids([wanted], CLINIC, little(620), NOW_S, False)
        for offer in found.offers:
            point = offer.metrics.latency_us, offer.metrics.availability_ppb
            (cost,) = {
                o.metrics.price_micros
                for o in at_cost.offers
                if (o.metrics.latency_us, o.metrics.availability_ppb) == point
            }
            per_mbps.add(margin_for(cost, offer.metrics.price_micros))
    assert per_mbps == {200}


def test_what_is_scarce_on_one_way_only_is_gone_around() -> None:
    """What nobody would have taken before may be the cheapest now."""
    cheapest, second, *_ = transport().candidates(PIPE, free)
    scarce = set(cheapest.demand) - set(second.demand)
    assert scarce

    def left(resource: str) -> int:
        return free(resource) // (10 if resource in scarce else 1)

    priced = Scarce(transport(), 0, 9_000)
    before, after = priced.options(PIPE, free), priced.options(PIPE, left)
    assert before[0] == cheapest
    assert second not in before
    assert after[0] == second
    (dearer,) = (option for option in after if option.key == cheapest.key)
    assert dearer.metrics.price_micros == 10 * cheapest.metrics.price_micros


async def test_the_floor_rises_with_the_load_and_an_offer_that_was_made_stands() -> None:
    bargainer, offer = agent(DEAR), first(agent(DEAR)).offers[0]
    after = await answer(bargainer, Counter(1, offer, 1), left=little(200))
    cheapest = after.offers[0].metrics
    cost = costs()[cheapest.latency_us, cheapest.availability_ppb]
    assert cheapest.price_micros == price_of(price_of(cost, 300), 50)
    bargainer.award(PIPE, offer, CLINIC, little(200), NOW_S, False)


# -- sealed -----------------------------------------------------------------------------------


async def test_an_offer_is_awarded_at_the_price_it_was_made_at_and_at_no_other() -> None:
    bargainer = agent()
    for told in (
        first(bargainer),
        await answer(bargainer, Counter(1, first(agent()).offers[0], 0)),
    ):
        for offer in told.offers:
            bargainer.award(PIPE, offer, CLINIC, free, NOW_S, False)
            for price in (offer.metrics.price_micros - 1, offer.metrics.price_micros + 1):
                forged = replace(offer, metrics=replace(offer.metrics, price_micros=price))
                with pytest.raises(OfferChanged):
                    bargainer.award(PIPE, forged, CLINIC, free, NOW_S, False)


def test_an_offer_is_for_its_tenant_its_domain_and_its_time() -> None:
    bargainer, offer = agent(), first(agent()).offers[0]
    bargainer.award(PIPE, offer, CLINIC, free, NOW_S + FIRM.offer_valid_s, False)
    for elsewhere, tenant, now_s in (
        (bargainer, OTHER, NOW_S),
        (agent(secret=b"another domain's"), CLINIC, NOW_S),
        (bargainer, CLINIC, NOW_S + 2 * FIRM.offer_valid_s),
        (bargainer, CLINIC, NOW_S + 32 * FIRM.offer_valid_s),  # the mark comes round again
    ):
        with pytest.raises(OfferChanged):
            elsewhere.award(PIPE, offer, tenant, free, now_s, False)


def test_a_floor_that_rose_meanwhile_is_kept() -> None:
    offer = first(agent()).offers[0]
    risen = FIRM.model_copy(update={"margin_permille_open": 300, "margin_permille_min": 250})
    with pytest.raises(OfferChanged):
        agent(risen).award(PIPE, offer, CLINIC, free, NOW_S, False)


@pytest.mark.parametrize("round_", [2, 3, 4, 5])
async def test_a_round_cannot_be_skipped(round_: int) -> None:
    told = first(agent())
    after = await answer(agent(), Counter(round_, told.offers[0], 0))
    assert after == told, "whoever skips gets the first terms again"


async def test_a_counter_to_an_offer_of_ones_own_making_gets_the_first_terms() -> None:
    told = first(agent())
    metrics = replace(told.offers[0].metrics, price_micros=1)
    forged = replace(told.offers[0], metrics=metrics)
    assert await answer(agent(), Counter(1, forged, 0)) == told
    assert await answer(agent(), None) == told


# -- who and when -----------------------------------------------------------------------------


def test_whom_a_policy_excludes_gets_no_offer_and_no_award() -> None:
    offer = first(agent()).offers[0]
    closed = agent(FIRM.model_copy(update={"deny": ("clinic",)}))
    refused = first(closed)
    assert not refused.offers
    assert "does not serve this tenant" in refused.refusal_text
    with pytest.raises(OfferChanged):
        closed.award(PIPE, offer, CLINIC, free, NOW_S, False)


def test_during_maintenance_nothing_new_begins() -> None:
    window = {"maintenance": [{"at": "00:00:00", "minutes": 1_440}]}
    closed = agent(Policy.model_validate(window))
    assert "maintenance until" in first(closed).refusal_text


def test_headroom_is_for_slices_that_grow() -> None:
    most = max(transport().capacities().values())
    whole = replace(PIPE, downlink_kbps=40_000_000, uplink_kbps=40_000_000)
    kept = agent(Policy(headroom_permille=500))
    (new,) = kept.bids([replace(whole)], CLINIC, free, NOW_S, False)
    (grows,) = kept.bids([replace(whole)], CLINIC, free, NOW_S, True)
    best = [max((o.metrics.downlink_kbps for o in m.offers), default=0) for m in (new, grows)]
    assert 0 < best[0] < best[1] <= most


# -- the rules --------------------------------------------------------------------------------

situations = st.builds(
    lambda points, last, floor, wanted, round_, most, plenty: Situation(
        round=round_,
        rounds_max=4,
        margin_permille_open=max(last, floor),
        margin_permille_floor=floor,
        margin_permille_last=max(last, floor),
        margin_permille_wanted=wanted,
        patience_permille=1_000,
        plenty=plenty,
        latency_us_max=50,
        availability_ppb_min=50,
        points=tuple(Point(t, a, c, t <= 50 <= a) for t, a, c in points),
        points_max=most,
    ),
    st.lists(st.tuples(*[st.integers(0, 100)] * 3), min_size=1, max_size=30),
    st.integers(0, 300),
    st.integers(0, 300),
    st.none() | st.integers(0, 400),
    st.integers(1, 4),
    st.integers(3, 24),
    st.booleans(),
)


@given(situation=situations)
def test_what_the_rules_decide_is_within_policy_and_solver(situation: Situation) -> None:
    assert fault(situation, decide(situation)) is None


@given(situation=situations)
def test_whoever_may_show_more_shows_the_same_and_more(situation: Situation) -> None:
    fewer = shown(situation.points, situation.points_max)
    more = shown(situation.points, situation.points_max + 1)
    assert set(fewer) <= set(more)


@given(
    situation=situations,
    margin_permille=st.integers(-10, 400),
    points=st.lists(st.integers(-1, 31), max_size=26),
    rationale=st.text(max_size=210),
)
def test_a_stance_without_fault_is_within_policy_and_solver(
    situation: Situation, margin_permille: int, points: list[int], rationale: str
) -> None:
    stance = Stance(margin_permille, tuple(points), rationale)
    if fault(situation, stance) is None:
        assert situation.margin_permille_floor <= margin_permille
        assert margin_permille <= situation.margin_permille_last
        assert set(points) <= set(range(len(situation.points)))
        assert 0 < len(points) <= situation.points_max
        assert rationale.isprintable()
