"""What somebody could have reached who knew every tenant's worth, every cost and the whole trace.

A clairvoyant joint optimum by CP-SAT: which wishes to serve, over which chain, by which options, so
that the sum of worth less cost is greatest and no resource of any domain is ever oversubscribed.
Per wish and chain the `COMBINATIONS_MAX` combinations of most surplus in the empty network, from
`OFFERS_MAX` offers per hop; what they relax costs worth, as it does the tenant. Margins divide a
surplus and so play no part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final

from coordinator.model import Agreement, Chain, Choice, Proposal, ServiceProfile
from coordinator.negotiate import penalty
from coordinator.planner import Plan, Planner, Task
from deploy.bench.negotiation.market import Market, technologies
from deploy.bench.negotiation.play import AT_COST, PENALTY_MAX, TENANT, together
from deploy.bench.negotiation.trace import Wish
from domains.model import Offer, SliceProfile
from domains.port import Domain

COMBINATIONS_MAX: Final = 12
OFFERS_MAX: Final = 6
"""Per hop: the cheapest, the fastest, the most available."""
SOLVER_S_MAX: Final = 60.0
CORES: Final = 2

Resource = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to serve a wish: worth less cost, and what it takes."""

    surplus_micros: int
    demand: Mapping[Resource, int]


@dataclass(frozen=True, slots=True)
class Valued:
    """A wish with its worth as the ceiling, the ways to serve it within that, and what they are
    from: everything that all domains of all chains can do in the empty network."""

    wish: Wish
    ways: tuple[Way, ...]
    plan: Plan

    @property
    def worth(self) -> int:
        """In micro-euros per hour."""
        return self.wish.service.price_micros_max or 0


@dataclass(frozen=True, slots=True)
class Optimum:
    """Surplus in micro-euros per hour; no schedule has more than `bound`, of these ways."""

    surplus: int
    bound: int
    agreed: int


async def valued(trace: Sequence[Wish], folder: Path) -> list[Valued]:
    """Every wish, priced by what it would cost in the empty network at least."""
    folder.mkdir(parents=True)  # noqa: ASYNC240  # once, before anything runs
    async with AsyncExitStack() as stack:
        market = await Market.open(stack, folder, {}, AT_COST)
        domains: dict[str, Domain] = dict(market.met)  # type: ignore[arg-type]
        planner = Planner(market.resources, domains, 0)
        found = []
        for wish in trace:
            (plan,) = await planner.plan([Task(wish.service)], TENANT.format(wish.tenant))
            match plan.result:
                case Agreement(metrics=metrics):
                    least = metrics.price_micros
                case Proposal(agreement=agreement):
                    least = agreement.metrics.price_micros
                case _:
                    continue
            worth = least * wish.worth_permille // 1_000
            found.append(Valued(wish.worth(worth), tuple(_ways(plan, worth)), plan))
        return found


def with_more(found: Sequence[Valued], combinations_max: int) -> list[Valued]:
    """The same wishes with another number of combinations per chain to choose from."""
    return [replace(one, ways=tuple(_ways(one.plan, one.worth, combinations_max))) for one in found]


def _ways(plan: Plan, worth: int, combinations_max: int = COMBINATIONS_MAX) -> list[Way]:
    best = [plan.result] if isinstance(plan.result, Agreement) else []
    if isinstance(plan.result, Proposal):
        best = [plan.result.agreement]
    ways = [way for one in best if (way := _way(plan.service, list(one.choices), worth))]
    for chain in plan.chains:
        ways += _on(chain, plan, worth, combinations_max)
    return ways


def _on(chain: Chain, plan: Plan, worth: int, combinations_max: int) -> list[Way]:
    keys = [(hop.domain, hop.ingress, hop.egress) for hop in chain]
    menus = [_useful(plan.menus[key].offers) for key in keys]
    found = []
    for offers in product(*menus):
        price = sum(offer.metrics.price_micros for offer in offers)
        if price >= worth:
            continue
        share = share_kept(plan.service, offers)
        surplus = int(worth * share) - price
        if share > 0 and surplus > 0:
            found.append((surplus, offers))
    found.sort(key=lambda one: -one[0])
    ways = []
    for _, offers in found[:combinations_max]:
        choices = [
            Choice(hop, plan.budgets[key], offer)
            for hop, key, offer in zip(chain, keys, offers, strict=True)
        ]
        if way := _way(plan.service, choices, worth):
            ways.append(way)
    return ways


def share_kept(service: ServiceProfile, offers: Sequence[Offer]) -> float:
    """What a tenant keeps of the worth when this is what it gets; 0 where it says no."""
    given = penalty(replace(service, price_micros_max=None), together(offers))
    return 1 - given if given <= PENALTY_MAX else 0.0


def _way(service: ServiceProfile, choices: list[Choice], worth: int) -> Way | None:
    offers = [choice.offer for choice in choices]
    price = sum(offer.metrics.price_micros for offer in offers)
    surplus = int(worth * share_kept(service, offers)) - price
    return Way(surplus, _demand(choices)) if surplus > 0 else None


def _useful(offers: Sequence[Offer]) -> list[Offer]:
    """The cheapest, and the fastest and most available of what else there is."""
    menu = sorted(offers, key=lambda offer: offer.metrics.price_micros)
    if len(menu) <= OFFERS_MAX:
        return menu
    fastest = min(menu, key=lambda o: o.metrics.latency_us)
    surest = max(menu, key=lambda o: o.metrics.availability_ppb)
    return list(dict.fromkeys([*menu[: OFFERS_MAX - 2], fastest, surest]))


def _demand(choices: Sequence[Choice]) -> dict[Resource, int]:
    demand: dict[Resource, int] = {}
    for choice in choices:
        taken = _taken(choice.hop.domain, choice.profile, choice)
        for resource, units in taken.items():
            demand[choice.hop.domain, resource] = units
    return demand


def _taken(domain: str, profile: SliceProfile, choice: Choice) -> Mapping[str, int]:
    inner, promised = technologies()[domain], choice.offer.metrics
    served = replace(
        profile,
        downlink_kbps=promised.downlink_kbps,
        uplink_kbps=promised.uplink_kbps,
        devices=promised.devices,
    )
    return next(
        option.demand
        for option in inner.candidates(served, inner.capacities().__getitem__)
        if option.metrics == promised
    )


def solve(found: Sequence[Valued], headroom_permille: int) -> Optimum:
    """The best schedule of these ways.

    Raises:
        ImportError: ortools is not installed (extra `learn`).
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    picks = {
        (i, j): model.new_bool_var(f"{i}.{j}")
        for i, one in enumerate(found)
        for j, _ in enumerate(one.ways)
    }
    for i, one in enumerate(found):
        model.add_at_most_one(picks[i, j] for j, _ in enumerate(one.ways))
    capacities = {
        (name, resource): units - units * headroom_permille // 1_000
        for name, inner in technologies().items()
        for resource, units in inner.capacities().items()
    }
    users: dict[Resource, list[tuple[int, int, int]]] = {}
    for i, one in enumerate(found):
        for j, way in enumerate(one.ways):
            for resource, units in way.demand.items():
                users.setdefault(resource, []).append((i, j, units))
    for resource, claims in users.items():
        most: dict[int, int] = {}
        for i, _, units in claims:
            most[i] = max(most.get(i, 0), units)
        if sum(most.values()) <= capacities[resource]:
            continue
        for moment in sorted({found[i].wish.at_s for i in most}):
            now = [
                (picks[i, j], units)
                for i, j, units in claims
                if found[i].wish.at_s <= moment < found[i].wish.until_s
            ]
            model.add(sum(pick * units for pick, units in now) <= capacities[resource])
    model.maximize(sum(pick * found[i].ways[j].surplus_micros for (i, j), pick in picks.items()))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = SOLVER_S_MAX
    solver.parameters.num_workers = CORES
    solver.parameters.random_seed = 1
    solver.solve(model)
    agreed_count = sum(solver.value(pick) for pick in picks.values())
    return Optimum(int(solver.objective_value), int(solver.best_objective_bound), agreed_count)
