"""One trace played through one way of negotiating, and what came of it for everybody."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import prod
from pathlib import Path
from typing import Final

from coordinator import naming
from coordinator.distrust import Distrust
from coordinator.limits import ATTEMPTS_MAX, NEGOTIATION_ROUNDS_MAX
from coordinator.merge import TRADED_PENALTY_MAX
from coordinator.model import Agreement, Choice, Proposal
from coordinator.negotiate import keeps, penalty, relaxed
from coordinator.planner import Plan, Planner, Task
from deploy.bench.negotiation.market import ME, START_S, Manner, Market, technologies
from deploy.bench.negotiation.trace import TENANTS, Wish
from domains.errors import EntenteError
from domains.model import PPB, Attribute, HoldRequest, HoldState, Metrics, Offer
from domains.port import Domain

TENANT: Final = "spiffe://entente.example/tenant/{}"
TTL_S: Final = 30.0
PENALTY_MAX: Final = TRADED_PENALTY_MAX
"""A tenant says yes to a relaxation up to this penalty, which costs it that share of the worth."""


AT_COST: Final = {
    "margin_permille_open": 0,
    "margin_permille_min": 0,
    "scarcity_permille_medium": 0,
    "scarcity_permille_low": 0,
}
DEARER: Final = {"scarcity_permille_medium": 100, "scarcity_permille_low": 200}


class Mode(StrEnum):
    """How much is negotiated."""

    OFF = "off"
    """The first chain, its first exact offers, or nothing."""
    ONE_SHOT = "one shot"
    """All menus once, settled exactly; a small relaxation is accepted where one is needed."""
    TRADES = "one shot, trades"
    """And where what it saves is worth more to the tenant than what it gives up."""
    FULL = "full"
    """And with rounds of counters where that does not settle."""
    DEARER = "full, scarce is dearer"
    """And every domain charges for what is scarce."""
    INFORMED = "informed"
    """One shot with trades where every domain bids at cost, as if all knew all costs."""

    @property
    def trades(self) -> bool:
        return self not in (Mode.OFF, Mode.ONE_SHOT)

    @property
    def rounds_max(self) -> int:
        return NEGOTIATION_ROUNDS_MAX if self in (Mode.FULL, Mode.DEARER) else 0

    @property
    def policy(self) -> Mapping[str, int]:
        """What is different in every domain's."""
        return {Mode.DEARER: DEARER, Mode.INFORMED: AT_COST}.get(self, {})


@dataclass
class Outcome:
    """What a trace came to. Money in micro-euros per hour of each slice, summed over slices."""

    wishes: int = 0
    agreed: int = 0
    relaxed: int = 0
    worth: int = 0
    rounds: int = 0
    messages: int = 0
    lost: int = 0
    utility: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    profit: Counter[str] = field(default_factory=Counter)
    why_not: Counter[str] = field(default_factory=Counter)

    @property
    def welfare(self) -> int:
        return sum(self.utility.values()) + sum(self.profit.values())


@dataclass(slots=True)
class _Kept:
    """A slice that runs: its tenant, its holds by domain."""

    slice_id: str
    holds: Mapping[str, str]


async def play(
    trace: Sequence[Wish],
    folder: Path,
    mode: Mode,
    manners: Mapping[str, Manner] | None = None,
) -> Outcome:
    """Every wish in its turn: negotiate, hold everywhere, confirm everywhere, or nothing."""
    folder.mkdir(parents=True)  # noqa: ASYNC240  # once, before anything runs
    async with AsyncExitStack() as stack:
        market = await Market.open(stack, folder, manners or {}, mode.policy)
        domains: dict[str, Domain] = dict(market.met)  # type: ignore[arg-type]
        table = _Table(market, Planner(market.resources, domains, mode.rounds_max), mode)
        for wish in trace:
            await table.serve(wish)
        await table.count()
        return table.outcome


class _Table:
    """Where one trace is played."""

    def __init__(self, market: Market, planner: Planner, mode: Mode) -> None:
        self.outcome = Outcome()
        self._market, self._planner, self._mode = market, planner, mode
        self._running: list[tuple[float, int, _Kept]] = []

    async def serve(self, wish: Wish) -> None:
        outcome, market = self.outcome, self._market
        market.clock.now_s = START_S + wish.at_s
        await self._end_until(wish.at_s)
        await market.look()
        worth = wish.service.price_micros_max or 0
        outcome.wishes += 1
        outcome.asked[wish.tenant] += worth
        before = market.messages
        distrust = Distrust()
        for attempt in range(ATTEMPTS_MAX):
            try:
                if await self._tried(wish, worth, attempt, distrust):
                    break
            except EntenteError as error:
                if not distrust.note(error) or attempt + 1 == ATTEMPTS_MAX:
                    outcome.why_not[error.reason] += 1
                    break
        outcome.messages += market.messages - before

    async def _tried(self, wish: Wish, worth: int, attempt: int, distrust: Distrust) -> bool:
        """Negotiate and reserve once; True where there is no point in trying again.

        Raises:
            EntenteError: a domain's, with nothing held.
        """
        tenant = TENANT.format(wish.tenant)
        task = Task(wish.service, without=distrust.without, trades=self._mode.trades)
        (plan,) = await self._planner.plan([task], tenant)
        self.outcome.rounds += len(plan.rounds)
        agreement, share = self._taken(plan)
        if agreement is None:
            self.outcome.why_not[_reason(plan)] += 1
            return True
        kept = await self._secured(wish, agreement, tenant, attempt)
        heapq.heappush(self._running, (wish.until_s, wish.number, kept))
        self._booked(wish, agreement, int(worth * share))
        self.outcome.relaxed += share < 1
        return True

    def _taken(self, plan: Plan) -> tuple[Agreement | None, float]:
        """What the tenant takes of a plan, and the share of the worth that it keeps."""
        if self._mode is Mode.OFF:
            return _first_exact(plan), 1.0
        match plan.result:
            case Agreement() as agreement:
                return agreement, 1.0
            case Proposal() as proposal:
                attributes = {r.relaxation.attribute for r in proposal.relaxations}
                given = penalty(plan.service, proposal.agreement.metrics)
                left = (plan.service.price_micros_max or 0) * (1 - given)
                price = proposal.agreement.metrics.price_micros
                if Attribute.PRICE in attributes or given > PENALTY_MAX or price > left:
                    return None, 0.0
                service = relaxed(plan.service, proposal)
                return replace(proposal.agreement, service=service), 1 - given
        return None, 0.0

    async def _secured(self, wish: Wish, agreement: Agreement, tenant: str, attempt: int) -> _Kept:
        """Hold all, confirm all; or release all and raise why."""
        assert keeps(agreement.service, agreement)
        slice_id = naming.slice_id("bench", wish.number)
        chain = naming.chain_of(agreement)
        held: dict[str, str] = {}
        try:
            for index, choice in enumerate(agreement.choices):
                domain = choice.hop.domain
                hold_id = naming.hold_id(slice_id, "bench", attempt, domain)
                held[domain] = hold_id
                await self._market.met[domain].hold(
                    HoldRequest(
                        hold_id=hold_id,
                        slice_id=slice_id,
                        tenant=tenant,
                        profile=choice.profile,
                        offer=choice.offer,
                        attachments=naming.attachments(chain, index, slice_id, attempt),
                        ttl_s=TTL_S,
                        epoch=1,
                    )
                )
            for domain, hold_id in held.items():
                await self._market.met[domain].confirm(hold_id, 1)
        except EntenteError:
            for domain, hold_id in held.items():
                await self._market.met[domain].release(hold_id, 1, "not all could")
            raise
        return _Kept(slice_id, held)

    def _booked(self, wish: Wish, agreement: Agreement, worth: int) -> None:
        outcome, price = self.outcome, agreement.metrics.price_micros
        outcome.agreed += 1
        outcome.worth += worth
        outcome.utility[wish.tenant] += worth - price
        for choice in agreement.choices:
            gain = choice.offer.metrics.price_micros - cost_of(choice)
            outcome.profit[choice.hop.domain] += gain

    async def _end_until(self, at_s: float) -> None:
        while self._running and self._running[0][0] <= at_s:
            _, _, kept = heapq.heappop(self._running)
            self.outcome.lost += await self._missing(kept)
            for domain, hold_id in kept.holds.items():
                await self._market.inner[domain].as_seen_by(ME).release(hold_id, 1, "over")

    async def count(self) -> None:
        """What was agreed and still should be there, but is not."""
        for _, _, kept in self._running:
            self.outcome.lost += await self._missing(kept)
        for name in self._market.inner:
            self.outcome.profit.setdefault(name, 0)
        for tenant in TENANTS:
            self.outcome.utility.setdefault(tenant, 0)

    async def _missing(self, kept: _Kept) -> int:
        for domain, hold_id in kept.holds.items():
            held = await self._market.inner[domain].as_seen_by(ME).holds(kept.slice_id)
            confirmed = {h.hold_id for h in held if h.state is HoldState.CONFIRMED}
            if hold_id not in confirmed:
                return 1
        return 0


def cost_of(choice: Choice) -> int:
    """What an offer costs its domain: the cheapest way to keep what it promises for that load."""
    inner, promised = technologies()[choice.hop.domain], choice.offer.metrics
    served = replace(
        choice.profile,
        downlink_kbps=promised.downlink_kbps,
        uplink_kbps=promised.uplink_kbps,
        devices=promised.devices,
    )
    keeps_it = [
        option.metrics.price_micros
        for option in inner.candidates(served, inner.capacities().__getitem__)
        if option.metrics.latency_us <= promised.latency_us
        and option.metrics.availability_ppb >= promised.availability_ppb
    ]
    return min(keeps_it, default=promised.price_micros)


def _first_exact(plan: Plan) -> Agreement | None:
    """Without negotiation: the first chain's first exact offers, if they are within the ceiling."""
    choices = []
    for hop in plan.chains[0]:
        key = (hop.domain, hop.ingress, hop.egress)
        offers = plan.menus[key].offers
        if not offers or not offers[0].exact:
            return None
        choices.append(Choice(hop, plan.budgets[key], offers[0]))
    metrics = together([choice.offer for choice in choices])
    agreement = Agreement(plan.service, tuple(choices), metrics)
    return agreement if keeps(plan.service, agreement) else None


def together(offers: Sequence[Offer]) -> Metrics:
    """What offers along a chain promise together."""
    found = [offer.metrics for offer in offers]
    return Metrics(
        latency_us=sum(m.latency_us for m in found),
        availability_ppb=prod(m.availability_ppb for m in found) // PPB ** (len(found) - 1),
        downlink_kbps=min(m.downlink_kbps for m in found),
        uplink_kbps=min(m.uplink_kbps for m in found),
        devices=min(m.devices for m in found),
        price_micros=sum(m.price_micros for m in found),
    )


def _reason(plan: Plan) -> str:
    match plan.result:
        case Proposal() as proposal:
            return f"{proposal.relaxations[0].relaxation.attribute} relaxed too far"
        case Agreement():
            return "no exact first offers"
    return f"no {plan.result.attribute}"
