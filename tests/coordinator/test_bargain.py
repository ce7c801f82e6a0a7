"""Rounds between the first menus and a proposal, with the shipped domains in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from coordinator.limits import NEGOTIATION_ROUNDS_MAX
from coordinator.model import Agreement, Proposal, ServiceProfile, SliceType
from coordinator.negotiate import keeps
from coordinator.planner import Plan, Planner, Task
from coordinator.resources import ResourceDatabase
from domains.agents.policy import Policy
from domains.config import load
from domains.domain import AdministrativeDomain
from domains.errors import Unreachable
from domains.model import PPB, Attribute, Counter, Isolation, Menu, Offer, SliceProfile
from domains.port import Domain

GERMANY = Path(__file__).parents[2] / "deploy" / "configs" / "germany"
NOW_S = 1_800_000_000.0
ME = "spiffe://e2e.example/coordinator/c1"
CLINIC = "spiffe://e2e.example/tenant/clinic"

VIDEO = ServiceProfile(
    name="video",
    slice_type=SliceType.EMBB,
    latency_us_max=40_000,
    availability_ppb_min=PPB - 5_000_000,
    downlink_kbps=50_000,
    uplink_kbps=20_000,
    devices=20,
    isolation=Isolation.SHARED,
    origin="berlin",
    destination="munich",
)


@dataclass
class Overheard:
    """A domain, and what it was asked and answered.

    Attributes:
        mute: silent from this round on; greed: times which it asks in a round instead of less.
    """

    domain: Domain
    calls: list[tuple[Sequence[Counter | None], Sequence[Menu]]]
    mute: int = 99
    greed: int = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.domain, name)

    async def offers(
        self,
        profiles: Sequence[SliceProfile],
        tenant: str,
        replaces: str | None = None,
        counters: Sequence[Counter | None] = (),
    ) -> Sequence[Menu]:
        if any(counter and counter.round >= self.mute for counter in counters):
            raise Unreachable("gone")
        menus = await self.domain.offers(profiles, tenant, replaces, counters)
        if self.greed and any(counters):
            menus = [replace(menu, offers=tuple(map(self._dearer, menu.offers))) for menu in menus]
        self.calls.append((counters, menus))
        return menus

    def _dearer(self, offer: Offer) -> Offer:
        price_micros = offer.metrics.price_micros * self.greed
        return replace(offer, metrics=replace(offer.metrics, price_micros=price_micros))


class Market:
    """The four domains of Germany, each with the policy that a test gives it."""

    def __init__(self, stack: AsyncExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self.heard: dict[str, Overheard] = {}
        self.resources = ResourceDatabase()

    async def open(self, policy: Policy) -> None:
        for kind in ("access", "transport", "core", "cloud"):
            config = load(GERMANY / f"{kind}.toml").model_copy(update={"policy": policy})
            database = self._folder / f"{kind}.sqlite"
            domain = await AdministrativeDomain.open(config, database, lambda: NOW_S)
            self._stack.push_async_callback(domain.close)
            seen = domain.as_seen_by(ME)
            self.heard[config.name] = Overheard(seen, [])
            self.resources.update(await seen.topology(), NOW_S)

    async def plan(self, service: ServiceProfile, rounds_max: int = NEGOTIATION_ROUNDS_MAX) -> Plan:
        for heard in self.heard.values():
            heard.calls.clear()
        domains: dict[str, Domain] = dict(self.heard)  # type: ignore[arg-type]
        (plan,) = await Planner(self.resources, domains, rounds_max).plan([Task(service)], CLINIC)
        return plan

    @property
    def calls(self) -> list[int]:
        return [len(heard.calls) for heard in self.heard.values()]


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    async with AsyncExitStack() as stack:
        yield Market(stack, tmp_path)


CONCEDING = Policy(margin_permille_open=200, margin_permille_min=50)


def price(plan: Plan) -> int:
    result = plan.result
    assert not isinstance(result, Proposal)
    assert isinstance(result, Agreement)
    return result.metrics.price_micros


async def test_a_feasible_request_is_one_call_per_domain(market: Market) -> None:
    await market.open(CONCEDING)
    plan = await market.plan(VIDEO)
    assert isinstance(plan.result, Agreement)
    assert plan.rounds == ()
    assert market.calls == [1, 1, 1, 1]


async def test_what_is_above_the_ceiling_is_bargained_down_to_it(market: Market) -> None:
    await market.open(CONCEDING)
    opening = price(await market.plan(VIDEO))
    ceiling = opening * 97 // 100
    bounded = replace(VIDEO, price_micros_max=ceiling)
    assert isinstance((await market.plan(bounded, rounds_max=0)).result, Proposal)
    plan = await market.plan(bounded)
    assert isinstance(plan.result, Agreement)
    assert keeps(bounded, plan.result)
    assert ceiling * 99 // 100 <= price(plan) <= ceiling, "no more is conceded than is asked for"
    assert [r.number for r in plan.rounds] == list(range(1, len(plan.rounds) + 1))
    assert all(why for r in plan.rounds for _, why in r.said)


async def test_what_is_below_every_floor_is_proposed_at_the_floors(market: Market) -> None:
    await market.open(CONCEDING)
    opening = price(await market.plan(VIDEO))
    plan = await market.plan(replace(VIDEO, price_micros_max=opening // 2))
    assert isinstance(plan.result, Proposal)
    assert len(plan.rounds) == 1, "every domain says at once that this is its last word"
    assert max(market.calls) == 2
    (gives,) = plan.result.relaxations
    assert gives.relaxation.attribute is Attribute.PRICE
    floors = sum(
        -(-(o.offer.metrics.price_micros * 1_000) // 1_000) for o in plan.result.agreement.choices
    )
    assert abs(floors - opening * 1_050 // 1_200) <= 8, "cost and 50 thousandths in each domain"


async def test_a_point_that_was_kept_back_is_shown_when_it_is_needed(market: Market) -> None:
    """Between the cheapest and the fastest, at a price that neither makes possible."""
    await market.open(Policy(points_first=3))
    wanted, cheaper = replace(VIDEO, downlink_kbps=500_000, uplink_kbps=300_000), 0
    for latency_us in range(8_000, 24_000, 2_000):
        bounded = replace(wanted, latency_us_max=latency_us)
        first = (await market.plan(bounded, rounds_max=0)).result
        if not isinstance(first, Agreement):
            continue
        below = replace(bounded, price_micros_max=first.metrics.price_micros - 1)
        plan = await market.plan(below)
        if isinstance(plan.result, Agreement):
            assert keeps(below, plan.result)
            assert plan.rounds
            cheaper += 1
    assert cheaper


async def test_nobody_is_asked_again_who_has_nothing_left_to_give(market: Market) -> None:
    await market.open(Policy())
    plan = await market.plan(replace(VIDEO, latency_us_max=3_000))
    assert isinstance(plan.result, Proposal)
    assert plan.rounds == ()
    assert market.calls == [1, 1, 1, 1]


async def test_a_domain_that_falls_silent_in_a_round_costs_only_its_own_concession(
    market: Market,
) -> None:
    await market.open(CONCEDING)
    opening = price(await market.plan(VIDEO))
    market.heard["core-central"].mute = 1
    plan = await market.plan(replace(VIDEO, price_micros_max=opening * 97 // 100))
    assert isinstance(plan.result, Agreement)
    core = next(c for c in plan.result.choices if c.hop.domain == "core-central")
    before = market.heard["core-central"].calls[0][1][0].offers
    assert core.offer in before, "at its first terms, which still stand"


async def test_a_round_that_makes_it_worse_changes_nothing(market: Market) -> None:
    """A domain that is greedy asks more when it is asked for less."""
    await market.open(CONCEDING)
    opening = price(await market.plan(VIDEO))
    market.heard["core-central"].greed = 3
    below = replace(VIDEO, price_micros_max=opening // 2)
    first = (await market.plan(below, rounds_max=0)).result
    assert isinstance(first, Proposal)
    for heard in market.heard.values():
        heard.mute = 1 if heard.domain.name != "core-central" else 99
    plan = await market.plan(below)
    assert plan.rounds
    assert plan.result == first
