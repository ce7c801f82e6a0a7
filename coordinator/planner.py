"""Steps 3 to 6 for one order: route, split, ask every domain at once, settle exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coordinator import bargain
from coordinator.bargain import Round
from coordinator.limits import NEGOTIATION_ROUNDS_MAX
from coordinator.model import (
    Agreement,
    Chain,
    MenuKey,
    Proposal,
    Refusal,
    ServiceProfile,
)
from coordinator.negotiate import settle, worth_it
from coordinator.placement import chains
from coordinator.resources import ResourceDatabase
from coordinator.split import split
from domains.errors import EntenteError, Refused, Unreachable
from domains.model import Counter, Menu, SliceProfile
from domains.port import Domain


@dataclass(frozen=True, slots=True)
class Task:
    """One service to plan; for a change: where it runs, what it holds there, what to go around.

    Attributes:
        without: domains to leave out where others can take their place.
        trades: whether the tenant gives up quality for what that saves (`negotiate`).
    """

    service: ServiceProfile
    pinned: Chain | None = None
    holds: Mapping[str, str] | None = None
    avoid: frozenset[MenuKey] = frozenset()
    without: frozenset[str] = frozenset()
    trades: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What came of it, with everything that it was decided on.

    Attributes:
        rounds: counters after the first menus, and what each came to.
    """

    service: ServiceProfile
    chains: Sequence[Chain]
    budgets: Mapping[MenuKey, SliceProfile]
    menus: Mapping[MenuKey, Menu]
    result: Agreement | Proposal | Refusal
    rounds: tuple[Round, ...] = ()
    trades: bool = False


@dataclass(frozen=True, slots=True)
class _Ask:
    """One question to one domain: which task it is for, and the counter it comes with, if any."""

    task: int
    key: MenuKey
    profile: SliceProfile
    counter: Counter | None = None


_To = tuple[str, str | None]
"""A domain, and the hold there that counts as free."""


class Planner:
    """Asks domains for menus and settles; it holds nothing and remembers nothing.

    Args:
        rounds_max: counters after the first menus; 0 takes what is offered first or nothing.
    """

    def __init__(
        self,
        resources: ResourceDatabase,
        domains: Mapping[str, Domain],
        rounds_max: int = NEGOTIATION_ROUNDS_MAX,
    ) -> None:
        self._resources = resources
        self._domains = domains
        self._rounds_max = rounds_max

    async def plan(self, tasks: Sequence[Task], tenant: str) -> list[Plan]:
        """One plan per task; every domain is called once for all of them.

        Where menus do not settle, or only above the tenant's ceiling, the domains that have left
        something open get a counter: in at most `rounds_max` rounds, as long as it helps.

        Raises:
            InvalidRequest: an unknown area.
            Refused: no chain of domains leads there.
            Unreachable: the only domains that could serve did not answer.
        """
        routed = [self._route(task) for task in tasks]
        call = [
            _Ask(index, key, profile)
            for index, (_, budgets) in enumerate(routed)
            for key, profile in budgets.items()
        ]
        bids, silent = await self._asked(tasks, call, tenant)
        menus: list[dict[MenuKey, Menu]] = [{} for _ in tasks]
        for ask, menu in bids:
            menus[ask.task][ask.key] = menu
        plans = [
            self._settled(task, *route, menus[index], silent)
            for index, (task, route) in enumerate(zip(tasks, routed, strict=True))
        ]
        for number in range(1, self._rounds_max + 1):
            asks = [
                _Ask(index, key, profile, counter)
                for index, plan in enumerate(plans)
                for key, (profile, counter) in counters(plan, number).items()
            ]
            if not asks:
                break
            bids, _ = await self._asked(tasks, asks, tenant)
            plans = [
                countered(plan, number, {a.key: (a.profile, m) for a, m in bids if a.task == index})
                for index, plan in enumerate(plans)
            ]
        return plans

    def can_do_without(self, task: Task, domains: frozenset[str]) -> bool:
        """Whether some chain for a task leaves these domains out."""
        found: Sequence[Chain] = (task.pinned,) if task.pinned else self._chains(task)
        return bool(_around(found, domains))

    def _route(self, task: Task) -> tuple[Sequence[Chain], dict[MenuKey, SliceProfile]]:
        found: Sequence[Chain] = (task.pinned,) if task.pinned else self._chains(task)
        found = _around(found, task.without) or found
        budgets: dict[MenuKey, SliceProfile] = {}
        for chain in found:
            for hop, profile in zip(chain, split(task.service, chain), strict=True):
                # Chains share hops; whichever comes first (the best bound) sets the budget that
                # an offer is called "exact" against. The menu shows the whole frontier anyway.
                budgets.setdefault((hop.domain, hop.ingress, hop.egress), profile)
        return found, budgets

    async def _asked(
        self, tasks: Sequence[Task], asks: Sequence[_Ask], tenant: str
    ) -> tuple[list[tuple[_Ask, Menu]], dict[str, EntenteError]]:
        """One call per domain, all at once; the answers, and why others have none.

        To a first question silence is an empty menu; a counter without an answer changes nothing.
        """
        grouped: dict[_To, list[_Ask]] = {}
        for ask in asks:
            holds = tasks[ask.task].holds
            to = (ask.key[0], holds.get(ask.key[0]) if holds else None)
            grouped.setdefault(to, []).append(ask)
        calls = [
            (domain, group, asyncio.ensure_future(self._ask(domain, held, group, tenant)))
            for (domain, held), group in grouped.items()
        ]
        bids: list[tuple[_Ask, Menu]] = []
        silent: dict[str, EntenteError] = {}
        for domain, group, call in calls:
            try:
                bids += zip(group, await call, strict=True)
            except EntenteError as error:
                silent[domain] = error
                bids += [
                    (ask, Menu(ask.profile, (), None, error.message))
                    for ask in group
                    if ask.counter is None
                ]
        return bids, silent

    def _chains(self, task: Task) -> Sequence[Chain]:
        """Raises `Refused` where no chain goes around what is to be avoided."""
        found = chains(self._resources, task.service)
        around = [
            chain
            for chain in found
            if task.avoid.isdisjoint((hop.domain, hop.ingress, hop.egress) for hop in chain)
        ]
        if not around:
            raise Refused(
                "no other chain of domains leads there",
                avoided=", ".join(sorted(domain for domain, _, _ in task.avoid)),
            )
        return around

    async def _ask(
        self, domain: str, held: str | None, group: Sequence[_Ask], tenant: str
    ) -> Sequence[Menu]:
        profiles = [ask.profile for ask in group]
        counters = [ask.counter for ask in group]
        answer = await self._domains[domain].offers(
            profiles, tenant, held, counters if any(counters) else ()
        )
        if len(answer) != len(profiles):
            raise Unreachable(
                f"{domain} answered {len(answer)} menus to {len(profiles)} profiles",
                domain=domain,
            )
        return answer

    @staticmethod
    def _settled(
        task: Task,
        found: Sequence[Chain],
        budgets: Mapping[MenuKey, SliceProfile],
        menus: Mapping[MenuKey, Menu],
        silent: Mapping[str, EntenteError],
    ) -> Plan:
        service = task.service
        result = settle(service, found, menus, budgets, task.trades)
        if isinstance(result, Refusal):
            for chain in found:
                for hop in chain:
                    if hop.domain in silent:
                        raise silent[hop.domain]
        return Plan(service, found, budgets, menus, result, (), task.trades)


def _around(found: Sequence[Chain], without: frozenset[str]) -> Sequence[Chain]:
    if not without:
        return found
    return [chain for chain in found if without.isdisjoint(hop.domain for hop in chain)]


def counters(plan: Plan, number: int) -> Mapping[MenuKey, tuple[SliceProfile, Counter]]:
    """What to answer in this round; nothing where it settled, or the last round changed nothing."""
    if not isinstance(plan.result, Proposal) or (plan.rounds and not plan.rounds[-1].moved):
        return {}
    if plan.trades and worth_it(plan.service, plan.result):
        return {}
    return bargain.counters(plan.service, plan.result, plan.menus, plan.budgets, number)


def countered(plan: Plan, number: int, bids: Mapping[MenuKey, tuple[SliceProfile, Menu]]) -> Plan:
    """The plan after a round: what it came to, or what stood before where that is better."""
    if not bids:
        return plan
    budgets = {**plan.budgets, **{key: profile for key, (profile, _) in bids.items()}}
    menus = {**plan.menus, **{key: menu for key, (_, menu) in bids.items()}}
    result = settle(plan.service, plan.chains, menus, budgets, plan.trades)
    moved = tuple(
        key[0] for key, (_, menu) in bids.items() if menu.offers != plan.menus[key].offers
    )
    done = Round(number, tuple((key[0], menu.rationale) for key, (_, menu) in bids.items()), moved)
    rounds = (*plan.rounds, done)
    if bargain.better(plan.service, result, plan.result, plan.trades):
        return replace(plan, budgets=budgets, menus=menus, result=result, rounds=rounds)
    return replace(plan, rounds=rounds)
