"""Two policies on the same live requests: `python -m envs.offers.live --policies rule FILE.npz`.

Each episode of a scenario is played once per policy by real domains in this process (their agent,
ledger and database) and the coordinator's planner: menus, negotiation, hold everywhere, confirm
everywhere. Domains begin with the room that the episode draws, the same for every policy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from coordinator import naming
from coordinator.model import Agreement, ServiceProfile
from coordinator.planner import Planner
from coordinator.planner import Task as Order
from coordinator.resources import ResourceDatabase
from domains.config import DomainConfig, RankingSection, technology
from domains.domain import AdministrativeDomain
from domains.errors import EntenteError
from domains.model import PPB, HoldRequest
from domains.port import Domain
from domains.store import Store
from envs.arrays import Floats
from envs.crossdomain.scenarios import Task, scenario_of
from envs.statistics import Estimate, mean_of, paired_difference

RULE: Final = "rule"
TENANT: Final = "spiffe://entente.example/tenant/trial"
CALLER: Final = "spiffe://entente.example/coordinator/main"
TTL_S: Final = 30.0
EPISODES: Final = 10
ROUNDS_MAX: Final = 4

Tell = Callable[[], None]


@dataclass(frozen=True, slots=True)
class LiveResult:
    """One policy on E episodes, [E] each: share of requests agreed on and confirmed, price per
    hour of those (EUR), and utility per request: 1 less J for one that is served, 0 for the rest,
    where J is the preference-weighted share of the bounds that is used up."""

    policy: str
    ranked_by: Mapping[str, str]
    acceptance: Floats
    price_eur: Floats
    utility: Floats

    def as_json(self) -> dict[str, Any]:
        return {
            "policy": self.policy,
            "ranked_by": dict(self.ranked_by),
            "episodes": len(self.acceptance),
            "acceptance": mean_of(self.acceptance).as_json(),
            "price_eur_per_h": mean_of(self.price_eur).as_json(),
            "utility": mean_of(self.utility).as_json(),
        }


@dataclass(slots=True)
class _Sums:
    served: int = 0
    price_eur: float = 0.0
    utility: float = 0.0


def evaluate_live(
    task: Task,
    policies: Sequence[str],
    episodes: int = EPISODES,
    seed: int = 0,
    rounds_max: int = ROUNDS_MAX,
    tell: Tell = lambda: None,
) -> list[LiveResult]:
    """Every policy on the same episodes: "rule", a policy's file, or a packaged one's name.

    `tell` is called after every episode of a policy.
    """
    found = []
    for policy in policies:
        played = []
        ranked_by: Mapping[str, str] = {}
        for episode in range(episodes):
            sums, ranked_by = asyncio.run(_episode(task, policy, seed + episode, rounds_max))
            played.append((sums.served, sums.price_eur, sums.utility))
            tell()
        served, price, utility = np.array(played, dtype=np.float64).T
        found.append(
            LiveResult(
                policy,
                ranked_by,
                served / task.requests,
                price / np.maximum(served, 1),
                utility / task.requests,
            )
        )
    return found


async def _episode(
    task: Task, policy: str, seed: int, rounds_max: int
) -> tuple[_Sums, Mapping[str, str]]:
    drawn = task.draw([np.random.default_rng(seed)])
    room: dict[str, dict[str, int]] = {}
    for (domain, resource), units in zip(task.tables.resources, drawn.free[0], strict=True):
        room.setdefault(domain, {})[resource] = int(units)
    with TemporaryDirectory(prefix="entente-live-") as folder:
        opened = [
            await _open(config, policy, room.get(name, {}), Path(folder))
            for name, config in task.network.configs.items()
        ]
        try:
            domains = {one.name: one.as_seen_by(CALLER) for one in opened}
            sums = _Sums()
            for number, kind in enumerate(drawn.kinds[0].tolist()):
                resources = ResourceDatabase()
                for one in opened:
                    resources.update(one.topology(), now_s=0.0)
                service = task.tables.asked[kind].service
                planner = Planner(resources, domains, rounds_max)
                await _serve(planner, domains, service, number, sums)
            for one in opened:
                assert one.verify_audit() is None
            return sums, {one.name: one.ranked_by() for one in opened}
        finally:
            for one in opened:
                await one.close()


async def _open(
    config: DomainConfig, policy: str, room: Mapping[str, int], folder: Path
) -> AdministrativeDomain:
    """A domain of that configuration with less of some resources, which nothing else knows, and
    nothing kept back for slices that grow."""
    ranking = None if policy == RULE else RankingSection(file=policy)
    terms = config.policy.model_copy(update={"headroom_permille": 0})
    config = config.model_copy(update={"ranking": ranking, "policy": terms})
    inner = technology(config)
    capacities = {**inner.capacities(), **room}
    store = await Store.open(folder / f"{config.name}.sqlite", capacities, config.ledger_limits)
    return AdministrativeDomain(config, inner, store, lambda: 0.0, None)


async def _serve(
    planner: Planner,
    domains: Mapping[str, Domain],
    service: ServiceProfile,
    number: int,
    sums: _Sums,
) -> None:
    """One request: agreed on exactly and confirmed everywhere, or nothing of it is held."""
    (plan,) = await planner.plan([Order(service)], TENANT)
    if not isinstance(agreement := plan.result, Agreement):
        return
    chain, held = naming.chain_of(agreement), []
    try:
        for index, choice in enumerate(agreement.choices):
            request = HoldRequest(
                hold_id=f"hold-{number}-{index}",
                slice_id=f"slice-{number}",
                tenant=TENANT,
                profile=choice.profile,
                offer=choice.offer,
                attachments=naming.attachments(chain, index, f"slice-{number}", 0),
                ttl_s=TTL_S,
                epoch=1,
            )
            await domains[choice.hop.domain].hold(request)
            held.append((choice.hop.domain, request.hold_id))
    except EntenteError:
        for domain, hold_id in held:
            await domains[domain].release(hold_id, 1, "aborted")
        return
    for domain, hold_id in held:
        await domains[domain].confirm(hold_id, 1)
    sums.served += 1
    sums.price_eur += agreement.metrics.price_micros / 1e6
    sums.utility += 1.0 - _cost(service, agreement)


def _cost(service: ServiceProfile, agreement: Agreement) -> float:
    """J, 0..1: shares of the bounds on latency, unavailability and price, by preference; without a
    ceiling the price is no part of it."""
    metrics, preference = agreement.metrics, service.preference
    allowed_ppb = max(PPB - service.availability_ppb_min, 1)
    parts = [
        (preference.latency, metrics.latency_us / service.latency_us_max),
        (preference.reliability, (PPB - metrics.availability_ppb) / allowed_ppb),
    ]
    if service.price_micros_max is not None:
        parts.append((preference.economics, metrics.price_micros / service.price_micros_max))
    weight = sum(part for part, _ in parts)
    return sum(part * min(share, 1.0) for part, share in parts) / max(weight, 1e-9)


def live(
    scenario: str, policies: Sequence[str], episodes: int, seed: int, as_json: bool = False
) -> None:
    """Prints a table of policies, and the paired gain of each over the first; or JSON."""
    task = scenario_of(scenario).task()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task("playing live", total=episodes * len(policies))
        results = evaluate_live(task, policies, episodes, seed, tell=lambda: bar.advance(row))
    gains = [paired_difference(one.acceptance, results[0].acceptance) for one in results]
    if as_json:
        rows = [
            one.as_json() | {"gain": gain.as_json()}
            for one, gain in zip(results, gains, strict=True)
        ]
        print(json.dumps(rows, indent=2))
        return
    table = Table(title=f"{scenario}, {task.requests} requests, {episodes} episodes, live")
    for label in ("ranked by", "acceptance", "gain, paired", "EUR/h", "utility"):
        table.add_column(label, justify="left" if label == "ranked by" else "right")
    for one, gain in zip(results, gains, strict=True):
        means = [mean_of(v) for v in (one.acceptance, one.price_eur, one.utility)]
        said = next(iter(one.ranked_by.values()), one.policy)
        table.add_row(
            said,
            f"{means[0].mean:.4f}",
            _shown(gain),
            f"{means[1].mean:.2f}",
            f"{means[2].mean:.4f}",
        )
    Console().print(table)


def _shown(gain: Estimate) -> str:
    if (interval := gain.interval_95) is None:
        return f"{gain.mean:+.4f}"
    return f"{gain.mean:+.4f} ± {interval[1] - gain.mean:.4f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0, or 2 with a line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m envs.offers.live", description=__doc__)
    parser.add_argument("--scenario", default="headline")
    parser.add_argument("--policies", nargs="+", default=[RULE, "offers"])
    parser.add_argument("--episodes", type=int, default=EPISODES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        live(asked.scenario, asked.policies, asked.episodes, asked.seed, asked.json)
    except (EntenteError, OSError) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
