"""With policies in every domain, whatever they leave out, a tenant is asked to give what the rule's
menus would have had it give, and not more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from coordinator.limits import NEGOTIATION_ROUNDS_MAX
from coordinator.model import Agreement, Preference, Proposal, ServiceProfile
from coordinator.negotiate import penalty
from coordinator.planner import Plan
from domains.agents.agent import Ranker
from domains.agents.policy import Policy
from domains.domain import AdministrativeDomain
from domains.model import PPB, Relaxation, SliceProfile
from domains.technologies import Free, Option
from tests.coordinator.test_bargain import CONCEDING, VIDEO, Market

SERVICES = 40
AT_COST = Policy()


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    async with AsyncExitStack() as stack:
        yield Market(stack, tmp_path)


class Hostile:
    """Shows what it likes, often nothing; the same again for the same question."""

    said = "a hostile policy"

    def __init__(self, seed: int) -> None:
        self.seed, self.left_out = seed, 0

    def __call__(
        self, profile: SliceProfile, options: Sequence[Option], free: Free
    ) -> Sequence[int] | None:
        random = Random(f"{self.seed} {profile}")
        found = random.sample(range(len(options)), random.randint(0, min(len(options), 3)))
        self.left_out += len(found) < len(options)
        return found


def services(seed: int, ceiling: bool) -> list[ServiceProfile]:
    """Some can be had, most not: within too little time, too surely, or for too little money."""
    random = Random(seed)
    return [
        replace(
            VIDEO,
            latency_us_max=random.randint(2_000, 20_000),
            availability_ppb_min=PPB - 10 ** random.randint(3, 7),
            downlink_kbps=random.randint(1_000, 900_000),
            uplink_kbps=random.randint(1_000, 500_000),
            preference=Preference(*random.choice(WEIGHTS)),
            price_micros_max=random.randint(1_000_000, 30_000_000) if ceiling else None,
        )
        for _ in range(SERVICES)
    ]


WEIGHTS = ((0.25, 0.25, 0.25, 0.25), (0.7, 0.1, 0.1, 0.1), (0.1, 0.7, 0.1, 0.1), (0, 0, 0, 1))


def rank_by(market: Market, rank: Ranker | None) -> None:
    for heard in market.heard.values():
        domain: AdministrativeDomain = heard.domain.domain  # type: ignore[attr-defined]
        domain._agent._rank = rank


async def plans(
    market: Market, asked: Sequence[ServiceProfile], rounds_max: int, rank: Ranker | None
) -> list[Plan]:
    rank_by(market, rank)
    return [await market.plan(service, rounds_max) for service in asked]


def gives(plan: Plan) -> list[Relaxation]:
    """What the tenant is to give up end to end; nothing in an agreement."""
    assert isinstance(plan.result, Agreement | Proposal)
    if isinstance(plan.result, Agreement):
        return []
    return [relaxation.relaxation for relaxation in plan.result.relaxations]


@pytest.mark.parametrize("rounds_max", [0, NEGOTIATION_ROUNDS_MAX])
async def test_without_a_ceiling_the_first_menus_hold_the_rules_relaxation(
    market: Market, rounds_max: int
) -> None:
    await market.open(CONCEDING)
    asked, hostile = services(1, ceiling=False), Hostile(1)
    rule = await plans(market, asked, rounds_max, None)
    told = await plans(market, asked, rounds_max, hostile)
    assert [gives(plan) for plan in told] == [gives(plan) for plan in rule]
    assert not any(plan.rounds for plan in told)
    assert hostile.left_out > SERVICES
    menus = [menu for plan in told for menu in plan.menus.values()]
    assert any(menu.rationale.endswith("picked by a hostile policy") for menu in menus)
    assert 5 < sum(not gives(plan) for plan in rule) < SERVICES - 10


async def test_under_a_ceiling_one_counter_brings_it_back_at_its_price(market: Market) -> None:
    await market.open(AT_COST)
    asked, hostile = services(2, ceiling=True), Hostile(2)
    rule = await plans(market, asked, NEGOTIATION_ROUNDS_MAX, None)
    told = await plans(market, asked, NEGOTIATION_ROUNDS_MAX, hostile)
    assert [gives(plan) for plan in told] == [gives(plan) for plan in rule]
    first = await plans(market, asked, 0, hostile)
    assert [gives(plan) for plan in first] != [gives(plan) for plan in rule], "it matters"
    assert max(len(plan.rounds) for plan in told) == 1
    for plan, ruled in zip(told, rule, strict=True):
        if gives(plan):
            assert isinstance(plan.result, Proposal)
            assert isinstance(ruled.result, Proposal)
            assert plan.result.agreement.metrics == ruled.result.agreement.metrics


async def test_under_a_ceiling_concessions_never_come_to_more_than_the_rules_first_menus(
    market: Market,
) -> None:
    await market.open(CONCEDING)
    asked, hostile = services(3, ceiling=True), Hostile(3)
    rule = await plans(market, asked, 0, None)
    told = await plans(market, asked, NEGOTIATION_ROUNDS_MAX, hostile)
    assert any(plan.rounds for plan in told)
    for service, plan, first in zip(asked, told, rule, strict=True):
        assert lost(service, plan) <= lost(service, first)


def lost(service: ServiceProfile, plan: Plan) -> float:
    match plan.result:
        case Agreement():
            return 0.0
        case Proposal(agreement=agreement):
            return penalty(service, agreement.metrics)
    raise AssertionError(plan.result)
