"""The joint optimum: what could be served if every domain's inside and the whole episode were
known, by CP-SAT, with the bound that it proved.

Latency, price and resources are sums. Availability is a product: the model bounds the sum of the
unavailabilities by the largest one with which the product can still reach the target, and a
combination that misses it after all is forbidden and the model solved again. So the bound holds
and what is reported as served was served: the plan is played in the environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod
from typing import Any, Final

import numpy as np
from ortools.sat.python import cp_model

from coordinator.routes import unavailable_ppb_max
from domains.model import PPB
from envs.arrays import Bools, Ints
from envs.crossdomain.core import REFUSED, CrossDomain
from envs.crossdomain.tables import PLENTY, Tables

WORK_MAX: Final = 10.0
"""In CP-SAT's deterministic unit, about a second: the same answer on every machine."""
ROUNDS_MAX: Final = 8
"""Times that combinations are forbidden before the rest is left out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with each request of one episode: chain, [n], `REFUSED` where it is refused, and
    options of its hops, [n, L]. served <= optimum <= bound."""

    chain: Ints
    picks: Ints
    bound: int

    @property
    def served(self) -> int:
        return int((self.chain != REFUSED).sum())

    @property
    def proven(self) -> bool:
        return self.served == self.bound


class Optimum:
    """Follows a plan per episode, made when the episode begins."""

    name = "optimum"

    def __init__(self, work_max: float = WORK_MAX) -> None:
        self._work_max = work_max
        self.plans: list[Plan] = []
        self._here: list[Plan] = []

    def begin(self, core: CrossDomain) -> None:
        plenty = core.tables.plenty
        self._here = [
            planned(core.tables, core.kinds[row], core.free[row, :plenty], self._work_max)
            for row in range(core.rows)
        ]
        self.plans += self._here

    def act(self, core: CrossDomain) -> Bools:
        tables = core.tables
        shown = np.zeros((core.rows, tables.hops, tables.options), dtype=np.bool_)
        for row, plan in enumerate(self._here):
            turn = int(core.turn[row])
            if turn < core.requests and plan.chain[turn] != REFUSED:
                hops = tables.chain[core.kinds[row, turn], plan.chain[turn]]
                for hop, option in zip(hops.tolist(), plan.picks[turn].tolist(), strict=True):
                    if hop < tables.hops:
                        shown[row, hop, option] = True
        return shown


class _Model:
    """One episode: a variable per request and chain, and per request, hop and option."""

    def __init__(self, tables: Tables, kinds: Ints, free: Ints) -> None:
        self._tables, self._kinds = tables, kinds.tolist()
        self.model = cp_model.CpModel()
        self._chains: list[list[Any]] = []
        self._options: list[list[dict[int, Any]]] = []
        takes: dict[int, list[tuple[Any, int]]] = {}
        for kind in self._kinds:
            self._request(kind, takes)
        for resource, terms in sorted(takes.items()):
            self._limit(terms, int(free[resource]))
        self._alike()
        self.model.maximize(sum(var for chains in self._chains for var in chains))

    def _request(self, kind: int, takes: dict[int, list[tuple[Any, int]]]) -> None:
        tables, model = self._tables, self.model
        present = np.flatnonzero(tables.chain_present[kind]).tolist()
        chains = [model.new_bool_var("") for _ in present]
        model.add_at_most_one(chains)
        members: dict[int, list[Any]] = {}
        for var, number in zip(chains, present, strict=True):
            for hop in tables.chain[kind, number].tolist():
                if hop < tables.hops:
                    members.setdefault(hop, []).append(var)
        options: list[dict[int, Any]] = [{} for _ in range(tables.hops)]
        latency, unavailable, price = [], [], []
        for hop, through in members.items():
            row = int(tables.row[kind, hop])
            for option in np.flatnonzero(tables.hopeful[kind, hop]).tolist():
                var = options[hop][option] = model.new_bool_var("")
                latency.append((var, int(tables.latency_us[row, option])))
                unavailable.append((var, PPB - int(tables.availability_ppb[row, option])))
                price.append((var, int(tables.price_micros[row, option])))
                needs = zip(
                    tables.resource[row, option].tolist(),
                    tables.units[row, option].tolist(),
                    strict=True,
                )
                for resource, units in needs:
                    if units:
                        takes.setdefault(resource, []).append((var, units))
            model.add(sum(options[hop].values()) == sum(through))
        self._limit(latency, int(tables.latency_us_max[kind]))
        self._limit(unavailable, unavailable_ppb_max(int(tables.availability_ppb_min[kind])))
        if (ceiling := int(tables.price_micros_max[kind])) < PLENTY:
            self._limit(price, ceiling)
        self._chains.append(chains)
        self._options.append(options)

    def _limit(self, terms: list[tuple[Any, int]], most: int) -> None:
        """sum of var * units <= most, in the largest unit that divides them all."""
        unit = gcd(*(units for _, units in terms)) or 1
        self.model.add(sum(var * (units // unit) for var, units in terms) <= most // unit)

    def _alike(self) -> None:
        """Requests of one class are interchangeable: the earlier ones are served first."""
        last: dict[int, int] = {}
        for index, kind in enumerate(self._kinds):
            if kind in last:
                self.model.add(sum(self._chains[last[kind]]) >= sum(self._chains[index]))
            last[kind] = index

    def solution(self, solver: cp_model.CpSolver) -> tuple[Ints, Ints]:
        tables = self._tables
        longest = tables.chain.shape[2]
        chain = np.full(len(self._kinds), REFUSED)
        picks = np.zeros((len(self._kinds), longest), dtype=np.int64)
        for index, kind in enumerate(self._kinds):
            present = np.flatnonzero(tables.chain_present[kind]).tolist()
            for var, number in zip(self._chains[index], present, strict=True):
                if solver.boolean_value(var):
                    chain[index] = number
            if chain[index] == REFUSED:
                continue
            for place, hop in enumerate(tables.chain[kind, chain[index]].tolist()):
                if hop < tables.hops:
                    taken = [o for o, v in self._options[index][hop].items() if solver.value(v)]
                    picks[index, place] = taken[0]
        return chain, picks

    def forbid(self, kind: int, hops: list[int], picks: list[int]) -> None:
        """No request of this class may take this combination."""
        for index, other in enumerate(self._kinds):
            if other == kind:
                taken = [
                    self._options[index][hop][pick]
                    for hop, pick in zip(hops, picks, strict=True)
                    if hop < self._tables.hops
                ]
                self.model.add(sum(taken) < len(taken))


def planned(tables: Tables, kinds: Ints, free: Ints, work_max: float = WORK_MAX) -> Plan:
    """The best plan found for requests of these classes, [n], with that much free, [resources]."""
    model, bound = _Model(tables, kinds, free), len(kinds)
    for _ in range(ROUNDS_MAX):
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.max_deterministic_time = work_max
        status = solver.solve(model.model)
        assert status in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN), status
        bound = min(bound, int(np.floor(solver.best_objective_bound + 1e-6)))
        if status == cp_model.UNKNOWN:
            break
        chain, picks = model.solution(solver)
        wrong = [i for i in range(len(kinds)) if not _available(tables, kinds, chain, picks, i)]
        if not wrong:
            return Plan(chain, picks, bound)
        for index in wrong:
            hops = tables.chain[kinds[index], chain[index]].tolist()
            model.forbid(int(kinds[index]), hops, picks[index].tolist())
    nothing = np.zeros((len(kinds), tables.chain.shape[2]), dtype=np.int64)
    return Plan(np.full(len(kinds), REFUSED), nothing, bound)


def _available(tables: Tables, kinds: Ints, chain: Ints, picks: Ints, index: int) -> bool:
    """Whether a request's combination keeps its availability, exactly."""
    if chain[index] == REFUSED:
        return True
    rows = tables.row[kinds[index], tables.chain[kinds[index], chain[index]]]
    factors = tables.availability_ppb[rows, picks[index]].tolist()
    least = int(tables.availability_ppb_min[kinds[index]])
    return bool(prod(factors) >= least * PPB ** (len(factors) - 1))
