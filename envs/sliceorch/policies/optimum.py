"""The clairvoyant optimum: what could be served if the whole episode were known, by CP-SAT.

Where nodes are interchangeable it is enough to count them; else every node is modelled. Either
way the plan found is played in the environment, so what is reported as served was served.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from ortools.sat.python import cp_model

from envs.arrays import Bools, Floats, Ints
from envs.sliceorch.core import SliceOrchestration
from envs.sliceorch.instances import CHAIN, COST, CPU, LATENCY_MS, MEMORY, SHARING
from envs.sliceorch.policies.policy import best_node, legal_nodes
from envs.sliceorch.profiles import (
    BOOT_MS,
    CLOUD_COST,
    GRID,
    LOCAL_COST,
    LOCAL_CPU_UNITS,
    LOCAL_MEMORY_UNITS,
    SHARING_MAX,
    Mask,
)

# In CP-SAT's deterministic unit of work, about a second each: the same answer on every machine.
WORK_MAX: Final = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with each slice of one episode, and how much better it could be at most.

    local: [n]. chain: [n, K], nodes of a cloud slice. served <= optimum <= bound, all slices.
    """

    local: Bools
    chain: Bools
    served: int
    bound: int

    @property
    def proven(self) -> bool:
        return self.served == self.bound


class Optimum:
    """Follows a plan per episode. ValueError from `begin` where slices depart."""

    name = "optimum"
    mask = Mask.SLA

    def __init__(self, work_max: float = WORK_MAX) -> None:
        self.work_max = work_max
        self.plans: list[Plan] = []  # of all episodes begun
        self._local = np.zeros((0, 0), dtype=np.bool_)
        self._chain = np.zeros((0, 0, 0), dtype=np.bool_)

    def begin(self, core: SliceOrchestration) -> None:
        if core.departs.any():
            raise ValueError("the optimum does not cover departures")
        plans = [self._plan(core, row) for row in range(core.rows)]
        self.plans += plans
        self._local = np.zeros((core.rows, core.slots + 1), dtype=np.bool_)
        self._chain = np.zeros((core.rows, core.slots + 1, core.nodes), dtype=np.bool_)
        for row, plan in enumerate(plans):
            self._local[row, : len(plan.local)] = plan.local
            self._chain[row, : len(plan.chain)] = plan.chain

    def act(self, core: SliceOrchestration) -> Ints:
        rows = np.arange(core.rows)
        nodes = best_node(core, legal_nodes(core) & self._chain[rows, core.turn], core.cost)
        return np.where(self._local[rows, core.turn], core.local, nodes)

    def _plan(self, core: SliceOrchestration, row: int) -> Plan:
        slices = core.slices[row, : core.requests[row]]
        if core.profile.interchangeable:
            return counted(slices, core.nodes, self.work_max)
        return placed(slices, core.delay_ms[row], core.cost[row], self.work_max)


class _Choices:
    """Local or cloud or neither for each slice, with the limits of the local server."""

    def __init__(self, slices: Floats) -> None:
        self.model = model = cp_model.CpModel()
        self.slices = slices
        self.local = [model.new_bool_var("") for _ in slices]
        self.cloud = [model.new_bool_var("") for _ in slices]
        for one, local, cloud in zip(slices, self.local, self.cloud, strict=True):
            model.add_at_most_one(local, cloud)
            if one[COST] < LOCAL_COST:
                model.add(local == 0)
            if one[LATENCY_MS] <= BOOT_MS:
                model.add(cloud == 0)
        for column, limit in ((CPU, LOCAL_CPU_UNITS), (MEMORY, LOCAL_MEMORY_UNITS)):
            demand = slices[:, column].astype(int).tolist()
            model.add(cp_model.LinearExpr.weighted_sum(self.local, demand) <= limit)
        model.maximize(sum(self.local) + sum(self.cloud))

    def solve(self, work_max: float) -> tuple[cp_model.CpSolver, Bools, Bools, int]:
        """The solver, what it chose, and the bound it proved."""
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.max_deterministic_time = work_max
        status = solver.solve(self.model)
        # To refuse everything is a solution, so only the time for a first one can be lacking.
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            nothing = np.zeros(len(self.slices), dtype=np.bool_)
            return solver, nothing, nothing, len(self.slices)
        local = np.array([solver.boolean_value(one) for one in self.local], dtype=np.bool_)
        cloud = np.array([solver.boolean_value(one) for one in self.cloud], dtype=np.bool_)
        return solver, local, cloud, int(np.floor(solver.best_objective_bound + 1e-6))


def counted(slices: Floats, nodes: int, work_max: float) -> Plan:
    """The optimum [n] slices where only the number of nodes of each use matters.

    A node is dedicated to a slice that shares with none, or takes two slices that allow two
    (`pairs`), or four that allow four (`fours`); slices that allow four may sit among pairs too.
    Distinct nodes per chain exist exactly if every set of slices finds room (max-flow min-cut on
    slice - node): for one slice that its chain is not longer than the nodes it may use, and for
    all slices of two with the j longest of four that they fit 2 * pairs + min(j, 4) * fours.
    """
    choices = _Choices(slices)
    model = choices.model
    lengths, caps = slices[:, CHAIN].astype(int), slices[:, SHARING].astype(int)
    pairs, fours = (model.new_int_var(0, nodes, "") for _ in range(2))
    taken = {
        cap: sum(int(lengths[s]) * choices.cloud[s] for s in np.flatnonzero(caps == cap))
        for cap in (1, 2, SHARING_MAX)
    }
    model.add(taken[1] + pairs + fours <= nodes)
    model.add(taken[2] <= 2 * pairs)
    model.add(taken[2] + taken[SHARING_MAX] <= 2 * pairs + SHARING_MAX * fours)
    loose = np.flatnonzero(caps == SHARING_MAX)
    for s in np.flatnonzero(caps == 2):
        model.add(int(lengths[s]) * choices.cloud[s] <= pairs)
    for s in loose:
        model.add(int(lengths[s]) * choices.cloud[s] <= pairs + fours)
    for longest in range(1, SHARING_MAX):
        # The sum of the j largest is the least j * level + sum of what is above the level.
        level = model.new_int_var(0, int(lengths.max()), "")
        above = [model.new_int_var(0, int(lengths[s]), "") for s in loose]
        for s, excess in zip(loose, above, strict=True):
            model.add(excess >= int(lengths[s]) * choices.cloud[s] - level)
        model.add(taken[2] + longest * level + sum(above) <= 2 * pairs + longest * fours)
    solver, local, cloud, bound = choices.solve(work_max)
    served = int(local.sum() + cloud.sum())
    chain = np.zeros((len(slices), nodes), dtype=np.bool_)
    if cloud.any():
        chain = _spread(lengths, caps, cloud, nodes, solver.value(pairs), solver.value(fours))
    return Plan(local, chain, served, bound)


def _spread(lengths: Ints, caps: Ints, cloud: Bools, nodes: int, pairs: int, fours: int) -> Bools:
    """Nodes for each cloud slice: always those with the most room left, the strict slices first."""
    chain = np.zeros((len(lengths), nodes), dtype=np.bool_)
    size = np.ones(nodes, dtype=np.int64)
    size[:pairs], size[pairs : pairs + fours] = 2, SHARING_MAX
    room = size.copy()
    for s in sorted(np.flatnonzero(cloud), key=lambda s: (caps[s], -lengths[s])):
        usable = (size == caps[s]) | ((caps[s] == SHARING_MAX) & (size == 2))
        order = np.argsort(np.where(usable, -room, 1), kind="stable")[: lengths[s]]
        assert usable[order].all(), "the counts admit this chain"
        assert (room[order] > 0).all(), "the counts admit this chain"
        chain[s, order] = True
        room[order] -= 1
    return chain


def placed(slices: Floats, delay_ms: Floats, cost: Floats, work_max: float) -> Plan:
    """The optimum of [n] slices on [K] nodes that differ in delay and cost."""
    choices = _Choices(slices)
    model, nodes = choices.model, len(cost)
    caps = slices[:, SHARING].astype(int)
    on = [[model.new_bool_var("") for _ in range(nodes)] for _ in slices]
    for one, row, picked in zip(slices, on, choices.cloud, strict=True):
        model.add(sum(row) == int(one[CHAIN]) * picked)
        # The grid makes these integers exact.
        for values, budget in (
            (delay_ms, one[LATENCY_MS] - BOOT_MS),
            (cost, one[COST] - CLOUD_COST),
        ):
            units = np.rint(values * GRID).astype(int).tolist()
            model.add(cp_model.LinearExpr.weighted_sum(row, units) <= int(budget * GRID))
    for v in range(nodes):
        alone, pair = model.new_bool_var(""), model.new_bool_var("")
        model.add_at_most_one(alone, pair)
        for s, cap in enumerate(caps):
            if cap > 1:
                model.add_implication(on[s][v], alone.negated())
            if cap > 2:
                continue
            # A strict slice makes the node a strict one.
            model.add_implication(on[s][v], alone if cap == 1 else pair)
        column = [row[v] for row in on]
        model.add(sum(column) + 3 * alone + 2 * pair <= SHARING_MAX)
        # Valid and tight: a slice uses up 1/cap of a node.
        shares = [int(SHARING_MAX // cap) for cap in caps]
        model.add(cp_model.LinearExpr.weighted_sum(column, shares) <= SHARING_MAX)
    solver, local, cloud, bound = choices.solve(work_max)
    nodes_of = np.zeros((len(slices), nodes), dtype=np.bool_)
    for index in np.flatnonzero(cloud).tolist():
        nodes_of[index] = [solver.boolean_value(node) for node in on[index]]
    return Plan(local, nodes_of, int(local.sum() + cloud.sum()), bound)
