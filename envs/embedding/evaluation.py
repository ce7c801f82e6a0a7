"""How a policy does on a workload: a ranking rule, or anything that acts in the environment."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from envs.arrays import Ints
from envs.embedding import heuristics
from envs.embedding.core import Embedding, Mask, Reward, domains_of
from envs.embedding.files import read
from envs.embedding.heuristics import Verdict
from envs.embedding.learned import SHIPPED, Learned, ageless, shipped
from envs.embedding.model import Workload
from envs.embedding.paths import table_of
from envs.embedding.survey import route_costs
from envs.embedding.traces import Trace, Traces
from envs.embedding.trained import Trained

if TYPE_CHECKING:
    from envs.embedding.optimum import Plan

Progress = Callable[[int, int], None]  # requests done, of how many


class Policy(Protocol):
    """Acts on every row of a core: [B] actions; sees nothing of requests to come."""

    @property
    def name(self) -> str: ...

    @property
    def mask(self) -> Mask: ...

    def act(self, core: Embedding) -> Ints: ...


class MaskedRandom:
    """A legal node at random; refuses only where there is none."""

    name, mask = "masked-random", Mask.LINKS

    def __init__(self, seed: int = 0) -> None:
        self._generator = np.random.default_rng(seed)

    def act(self, core: Embedding) -> Ints:
        draws = self._generator.random((core.rows, core.nodes + 1), dtype=np.float32)
        draws[:, core.refuse] = 0.0
        # Refusing, which is always legal, comes before all that is not, and after the rest.
        actions: Ints = (draws + core.legal).argmax(axis=1)
        return actions


class Nearest:
    """The legal node with the cheapest routes; among these, the one with most CPU left."""

    name, mask = "nearest", Mask.LINKS

    def act(self, core: Embedding) -> Ints:
        linked = core.survey.linked[:, : core.nodes]
        cost = np.where(linked, route_costs(core), np.inf)
        cheapest = cost == cost.min(axis=1, keepdims=True)
        node = np.where(cheapest, core.free[:, : core.nodes], -np.inf).argmax(axis=1)
        return np.where(linked.any(axis=1), node, core.refuse)


@dataclass(frozen=True, slots=True)
class WorkloadResult:
    """One policy on one workload.

    acceptance: accepted / requests. revenue: CPU and bandwidth of the accepted; cost: the same with
    bandwidth on every hop; r2c: revenue / cost. long_term_revenue: revenue times stay, per unit of
    time until the last request would leave. cpu_s: deciding, without the table of paths. bound: as
    many as could be accepted at most, where that was proven.
    """

    workload: str
    policy: str
    requests: int
    accepted: int
    acceptance: float
    revenue: float
    cost: float
    r2c: float
    long_term_revenue: float
    cpu_s: float
    bound: int | None = None

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"requests_per_cpu_s": self.requests / max(self.cpu_s, 1e-9)}


_ACTING: Final[dict[str, Callable[[int], Policy]]] = {
    "masked-random": MaskedRandom,
    "nearest": lambda seed: Nearest(),
    "ageless": lambda seed: ageless(),
    **{name: lambda seed, name=name: shipped(name) for name in SHIPPED},  # type: ignore[misc]
}
OPTIMUM: Final = "optimum"
NAMES: Final = (*heuristics.NAMES, *_ACTING, OPTIMUM)


def evaluate_workload(
    workload: Workload | str | Path,
    policy: str | Policy,
    seed: int = 0,
    progress: Progress | None = None,
) -> WorkloadResult:
    """Runs a policy over a workload (or the file of one) once.

    `policy` is a name, the path of a trained one (.npz) or anything that acts; only random ones
    read the seed. ValueError for a policy that there is not or a file that is no workload; OSError
    for no file.
    """
    asked = workload if isinstance(workload, Workload) else read(workload)
    acts = acting(policy, seed) if isinstance(policy, str) else policy
    table_of(asked.substrate)
    started, bound = time.process_time(), None
    if policy == OPTIMUM:
        best = _plan(asked)
        name, bound = OPTIMUM, best.bound
        sums = _summed(asked, best.verdicts, progress)
    elif acts is None:
        name = str(policy)
        sums = _summed(asked, heuristics.replay(asked, heuristics.rule_of(name, seed)), progress)
    else:
        name = acts.name
        sums = _acted(asked, acts, progress)
    accepted, revenue, cost, held = sums
    requests = len(asked.requests)
    return WorkloadResult(
        workload=asked.name,
        policy=name,
        requests=requests,
        accepted=accepted,
        acceptance=accepted / requests,
        revenue=revenue,
        cost=cost,
        r2c=revenue / cost if cost else 0.0,
        long_term_revenue=held / asked.horizon if asked.horizon else 0.0,
        cpu_s=time.process_time() - started,
        bound=bound,
    )


Sums = tuple[int, float, float, float]


def acting(policy: str, seed: int) -> Policy | None:
    """What acts under that name or in that file; None for a ranking rule or the optimum."""
    if policy in _ACTING:
        return _ACTING[policy](seed)
    if policy.endswith(".npz"):
        # A training on RLlib leaves a manifest beside its policy.
        file = Path(policy)
        return Trained.load(file) if file.with_suffix(".json").exists() else Learned.load(file)
    if policy not in NAMES:
        raise ValueError(f"unknown policy {policy!r}: one of {', '.join(NAMES)}, or a file .npz")
    return None


def _plan(workload: Workload) -> "Plan":
    try:
        from envs.embedding.optimum import plan
    except ImportError as missing:
        raise ValueError(f"the optimum needs OR-tools: pip install '.[plan]' ({missing})") from None
    return plan(workload)


def _summed(workload: Workload, verdicts: Iterable[Verdict], progress: Progress | None) -> Sums:
    accepted, revenue, cost, held = 0, 0.0, 0.0, 0.0
    for done, verdict in enumerate(verdicts, start=1):
        if verdict.accepted:
            accepted += 1
            revenue += verdict.request.revenue
            held += verdict.request.revenue * verdict.request.life
            cost += verdict.cost
        if progress is not None:
            progress(done, len(workload.requests))
    return accepted, revenue, cost, held


def _acted(workload: Workload, policy: Policy, progress: Progress | None) -> Sums:
    trace = Trace.of(workload.requests, domains_of(workload.substrate))
    traces = Traces(1, trace.requests, len(trace.cpu), len(trace.to))
    traces.fill(0, trace)
    core = Embedding(
        workload.substrate,
        traces,
        1,
        policy.mask,
        Reward.ACCEPTANCE,
        trace.functions_max,
        trace.links_max,
    )
    row = np.zeros(1, dtype=np.int64)
    core.start(row, row, np.array([trace.requests]))
    told = 0
    while core.active[0]:
        core.step(policy.act(core))
        if progress is not None and (done := int(core.turn[0])) > told:
            progress(done, trace.requests)
            told = done
    return (
        int(core.accepted[0]),
        float(core.revenue[0]),
        float(core.cost[0]),
        float(core.held_revenue[0]),
    )
