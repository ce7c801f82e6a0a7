"""The clairvoyant optimum: what could be accepted if the whole workload were known, by CP-SAT.

Every virtual link is one unsplit path, any of the network's, so the bound holds for whatever way
of routing there is. The plan found is checked as it is replayed: what is reported fitted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ortools.sat.python import cp_model

from envs.embedding import heuristics
from envs.embedding.heuristics import Free, Verdict, replay, rule_of
from envs.embedding.model import Request, Substrate, Workload, adjacency, link_order
from envs.embedding.paths import table_of

# In CP-SAT's deterministic unit of work, about a second each: the same answer on every machine.
WORK_MAX: Final = 120.0
# Above this the model takes minutes to build and hours to solve.
REQUESTS_MAX: Final = 120
# Amounts are counted in thousandths: what is asked rounds down and what there is up, so that the
# bound stays one; a plan that relies on such a thousandth does not pass the replay.
SCALE: Final = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """accepted <= optimum <= bound, all requests; verdicts as a replay yields them."""

    verdicts: tuple[Verdict, ...]
    accepted: int
    bound: int

    @property
    def proven(self) -> bool:
        return self.accepted == self.bound


class _Model:
    """Variables per request: whether it is accepted, where its functions are, where links run."""

    def __init__(self, workload: Workload) -> None:
        self.workload, self.network = workload, workload.substrate
        self.solver_model = cp_model.CpModel()
        self.arcs = [arc for u, v in self.network.links for arc in ((u, v), (v, u))]
        self.near = adjacency(self.network.nodes, self.network.links)
        new = self.solver_model.new_bool_var
        self.accepted = [new("") for _ in workload.requests]
        self.at: list[list[dict[int, cp_model.IntVar]]] = []
        self.runs: list[list[dict[tuple[int, int], cp_model.IntVar]]] = []
        for request, accepted in zip(workload.requests, self.accepted, strict=True):
            at = [
                {node: new("") for node in _homes(request, function, self.network)}
                for function in range(len(request.cpu))
            ]
            runs = [{arc: new("") for arc in self.arcs} for _ in link_order(request)]
            self.at.append(at)
            self.runs.append(runs)
            self._one_place_each(at, accepted)
            for (a, b, _), run in zip(link_order(request), runs, strict=True):
                self._one_path(at[a], at[b], run)
        for live in _together(workload.requests):
            self._fit(live)
        self.solver_model.maximize(sum(self.accepted))

    def _one_place_each(
        self, at: Sequence[dict[int, cp_model.IntVar]], accepted: cp_model.IntVar
    ) -> None:
        for homes in at:
            self.solver_model.add(sum(homes.values()) == accepted)
        for node in range(self.network.nodes):
            if len(sharing := [homes[node] for homes in at if node in homes]) > 1:
                self.solver_model.add_at_most_one(sharing)

    def _one_path(
        self,
        source: dict[int, cp_model.IntVar],
        target: dict[int, cp_model.IntVar],
        run: dict[tuple[int, int], cp_model.IntVar],
    ) -> None:
        for node, others in enumerate(self.near):
            out = sum(run[node, other] for other in others)
            into = sum(run[other, node] for other in others)
            self.solver_model.add(out - into == source.get(node, 0) - target.get(node, 0))
            self.solver_model.add_at_most_one([run[node, other] for other in others])

    def _fit(self, live: Sequence[int]) -> None:
        """What these requests hold at one time fits together."""
        network, requests = self.network, self.workload.requests
        for node, capacity in enumerate(network.cpu):
            held = [
                int(cpu * SCALE) * homes[node]
                for number in live
                for cpu, homes in zip(requests[number].cpu, self.at[number], strict=True)
                if node in homes
            ]
            self.solver_model.add(sum(held) <= -int(-capacity * SCALE // 1))
        for (u, v), capacity in zip(network.links, network.bandwidth, strict=True):
            carried = [
                int(asked * SCALE) * (run[u, v] + run[v, u])
                for number in live
                for (_, _, asked), run in zip(
                    link_order(requests[number]), self.runs[number], strict=True
                )
            ]
            self.solver_model.add(sum(carried) <= -int(-capacity * SCALE // 1))

    def hint(self, verdicts: Sequence[Verdict]) -> None:
        """Starts from a plan that is known to fit."""
        for number, verdict in enumerate(verdicts):
            self.solver_model.add_hint(self.accepted[number], verdict.accepted)
            for function, homes in enumerate(self.at[number]):
                for node, here in homes.items():
                    there = verdict.accepted and verdict.nodes[function] == node
                    self.solver_model.add_hint(here, there)
            for place, run in enumerate(self.runs[number]):
                used = self._arcs_of(verdict, place) if verdict.accepted else set()
                for arc, runs in run.items():
                    self.solver_model.add_hint(runs, arc in used)

    def _arcs_of(self, verdict: Verdict, place: int) -> set[tuple[int, int]]:
        a, _, _ = link_order(verdict.request)[place]
        node, used = verdict.nodes[a], set[tuple[int, int]]()
        for link in verdict.paths[place]:
            u, v = self.network.links[link]
            other = v if node == u else u
            used.add((node, other))
            node = other
        return used

    def verdict(self, number: int, solver: cp_model.CpSolver) -> Verdict:
        request = self.workload.requests[number]
        if not solver.boolean_value(self.accepted[number]):
            return Verdict(request)
        nodes = tuple(
            next(node for node, here in homes.items() if solver.boolean_value(here))
            for homes in self.at[number]
        )
        links = {frozenset(link): index for index, link in enumerate(self.network.links)}
        paths = []
        for (a, b, _), run in zip(link_order(request), self.runs[number], strict=True):
            follow = {u: v for (u, v), runs in run.items() if solver.boolean_value(runs)}
            walk = [nodes[a]]
            while walk[-1] != nodes[b]:
                walk.append(follow[walk[-1]])
            paths.append(tuple(links[frozenset(step)] for step in pairwise(walk)))
        return Verdict(request, nodes, tuple(paths))


def plan(workload: Workload, work_max: float = WORK_MAX) -> Plan:
    """The best plan found within `work_max`, starting from the best ranking rule's.

    ValueError above REQUESTS_MAX requests.
    """
    if len(workload.requests) > REQUESTS_MAX:
        raise ValueError(
            f"the optimum of {len(workload.requests)} requests is out of reach: "
            f"{REQUESTS_MAX} at most"
        )
    known = best_rule(workload)
    model = _Model(workload)
    model.hint(known)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = work_max
    solver.parameters.linearization_level = 2
    status = solver.solve(model.solver_model)
    bound = int(solver.best_objective_bound + 1e-6)
    verdicts = known
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        found = tuple(model.verdict(number, solver) for number in range(len(workload.requests)))
        if _accepted(found) > _accepted(known) and fits(workload, found):
            verdicts = found
    return Plan(verdicts, _accepted(verdicts), min(bound, len(workload.requests)))


def best_rule(workload: Workload) -> tuple[Verdict, ...]:
    """The verdicts of the ranking rule that accepts most."""
    replays = (
        tuple(replay(workload, rule_of(name))) for name in heuristics.NAMES if name != "random"
    )
    return max(replays, key=_accepted)


def fits(workload: Workload, verdicts: Sequence[Verdict]) -> bool:
    """Whether everything is where it may be, and there is room for all of it at every moment."""
    network = workload.substrate
    free = Free(network, table_of(network))
    for number, verdict in enumerate(verdicts):
        free.leave(verdict.request.time)
        if not verdict.accepted:
            continue
        homes = [_homes(verdict.request, place, network) for place in range(len(verdict.nodes))]
        if len(set(verdict.nodes)) < len(homes) or not all(map(_among, verdict.nodes, homes)):
            return False
        free.take(verdict)
        if min(free.cpu) < 0 or min(free.bandwidth, default=0.0) < 0:
            return False
        free.hold(verdict, number)
    return True


def _among(node: int, homes: Sequence[int]) -> bool:
    return node in homes


def _accepted(verdicts: Sequence[Verdict]) -> int:
    return sum(verdict.accepted for verdict in verdicts)


def _homes(request: Request, function: int, network: Substrate) -> list[int]:
    pin, asked = request.domains[function], request.cpu[function]
    return [
        node
        for node, (domain, cpu) in enumerate(zip(network.domains, network.cpu, strict=True))
        if cpu >= asked and (pin is None or domain == pin)
    ]


def _together(requests: Sequence[Request]) -> Iterator[list[int]]:
    """The largest sets of requests that are there at one time: each ends with an arrival after
    which somebody leaves before the next."""
    for number, request in enumerate(requests):
        live = [other for other in range(number + 1) if requests[other].ends >= request.time]
        after = requests[number + 1].time if number + 1 < len(requests) else float("inf")
        if any(requests[other].ends < after for other in live):
            yield live
