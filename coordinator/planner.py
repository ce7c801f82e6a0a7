"""Steps 3 to 6 for one order: route, split, ask every domain at once, settle exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coordinator.model import (
    Agreement,
    Chain,
    MenuKey,
    Proposal,
    Refusal,
    ServiceProfile,
)
from coordinator.negotiate import settle
from coordinator.placement import chains
from coordinator.resources import ResourceDatabase
from coordinator.split import split
from domains.errors import EntenteError, Unreachable
from domains.model import Menu, SliceProfile
from domains.port import Domain


@dataclass(frozen=True, slots=True)
class Task:
    """One service to plan, and for a change in place: where it runs and what it holds there."""

    service: ServiceProfile
    pinned: Chain | None = None
    holds: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What came of it, with everything that it was decided on."""

    service: ServiceProfile
    chains: Sequence[Chain]
    budgets: Mapping[MenuKey, SliceProfile]
    menus: Mapping[MenuKey, Menu]
    result: Agreement | Proposal | Refusal


class Planner:
    """Asks domains for menus and settles; it holds nothing and remembers nothing."""

    def __init__(self, resources: ResourceDatabase, domains: Mapping[str, Domain]) -> None:
        self._resources = resources
        self._domains = domains

    async def plan(self, tasks: Sequence[Task], tenant: str) -> list[Plan]:
        """One plan per task; every domain is asked once for all of them.

        Raises:
            InvalidRequest: an unknown area.
            Refused: no chain of domains leads there.
            Unreachable: the only domains that could serve did not answer.
        """
        routed = [self._route(task) for task in tasks]
        asks: dict[tuple[str, str | None], list[tuple[int, MenuKey, SliceProfile]]] = {}
        for index, (task, (_, budgets)) in enumerate(zip(tasks, routed, strict=True)):
            for key, profile in budgets.items():
                held = task.holds.get(key[0]) if task.holds else None
                asks.setdefault((key[0], held), []).append((index, key, profile))
        menus: list[dict[MenuKey, Menu]] = [{} for _ in tasks]
        silent: dict[str, EntenteError] = {}
        calls = [
            (domain, ask, asyncio.ensure_future(self._ask(domain, held, ask, tenant)))
            for (domain, held), ask in asks.items()
        ]
        for domain, ask, call in calls:
            try:
                answer = await call
            except EntenteError as error:
                silent[domain] = error
                answer = [Menu(profile, (), None, error.message) for _, _, profile in ask]
            for (index, key, _), menu in zip(ask, answer, strict=True):
                menus[index][key] = menu
        return [
            self._settled(task.service, *route, menus[index], silent)
            for index, (task, route) in enumerate(zip(tasks, routed, strict=True))
        ]

    def _route(self, task: Task) -> tuple[Sequence[Chain], dict[MenuKey, SliceProfile]]:
        found = (task.pinned,) if task.pinned else chains(self._resources, task.service)
        budgets: dict[MenuKey, SliceProfile] = {}
        for chain in found:
            for hop, profile in zip(chain, split(task.service, chain), strict=True):
                # Chains share hops; whichever comes first (the best bound) sets the budget that
                # an offer is called "exact" against. The menu shows the whole frontier anyway.
                budgets.setdefault((hop.domain, hop.ingress, hop.egress), profile)
        return found, budgets

    async def _ask(
        self,
        domain: str,
        held: str | None,
        ask: Sequence[tuple[int, MenuKey, SliceProfile]],
        tenant: str,
    ) -> Sequence[Menu]:
        profiles = [profile for _, _, profile in ask]
        answer = await self._domains[domain].offers(profiles, tenant, held)
        if len(answer) != len(profiles):
            raise Unreachable(
                f"{domain} answered {len(answer)} menus to {len(profiles)} profiles",
                domain=domain,
            )
        return answer

    @staticmethod
    def _settled(
        service: ServiceProfile,
        found: Sequence[Chain],
        budgets: Mapping[MenuKey, SliceProfile],
        menus: Mapping[MenuKey, Menu],
        silent: Mapping[str, EntenteError],
    ) -> Plan:
        result = settle(service, found, menus, budgets)
        if isinstance(result, Refusal):
            for chain in found:
                for hop in chain:
                    if hop.domain in silent:
                        raise silent[hop.domain]
        return Plan(service, found, budgets, menus, result)
