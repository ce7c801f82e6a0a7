"""Evaluates policies: on fixed episodes of the case study, on a workload file, across domains.

python -m envs.evaluate iiot --profile C2 --policy dp
python -m envs.evaluate workload FILE.json --policy grc
python -m envs.evaluate crossdomain --scenario headline --policy all --against optimum
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from domains.errors import EntenteError
from envs.crossdomain.policies import NAMES as BIDDERS
from envs.crossdomain.report import crossdomain, write_episode
from envs.crossdomain.scenarios import SCENARIOS, scenario_of
from envs.crossdomain.workload import WORKLOAD_NAMES, bidders
from envs.embedding.evaluation import NAMES as WORKLOAD_POLICIES
from envs.embedding.evaluation import Policy as WorkloadPolicy
from envs.embedding.evaluation import WorkloadResult, evaluate_workload
from envs.sliceorch.evaluation import IiotResult, evaluate_iiot
from envs.sliceorch.policies import NAMES
from envs.sliceorch.policies.learned import NAMES as TRAINED
from envs.sliceorch.policies.learned import is_learned
from envs.sliceorch.profiles import PROFILES, Mask, mask_of
from envs.statistics import Estimate

__all__ = [
    "IiotResult",
    "WorkloadResult",
    "evaluate_iiot",
    "evaluate_workload",
    "iiot",
    "main",
    "workload",
]


def iiot(
    profile: str,
    requests: int | None,
    policy: str,
    episodes: int,
    seed: int,
    against: str | None = None,
    departures: bool = False,
    as_json: bool = False,
    mask: str | None = None,
) -> None:
    """Evaluates with a progress bar on stderr, and prints a table or one JSON object."""
    names = [policy] if against is None else [policy, against]
    results = []
    with _progress() as bar:
        for name in names:
            task = bar.add_task(name, total=episodes)

            def show(done: int, total: int, task: object = task) -> None:
                bar.update(task, completed=done, total=total)  # type: ignore[arg-type]

            other = None if mask is None or not is_learned(name) else mask_of(mask)
            results.append(
                evaluate_iiot(profile, requests, name, episodes, seed, departures, show, other)
            )
    difference = results[0].against(results[1]) if against is not None else None
    if as_json:
        values = results[0].as_json()
        if difference is not None:
            values["against"] = {"result": results[1].as_json(), "gain": difference.as_json()}
        print(json.dumps(values, indent=2))
    else:
        Console().print(_table(results, difference))


def workload(
    path: Path, policies: Sequence[str | WorkloadPolicy], seed: int = 0, as_json: bool = False
) -> None:
    """Runs policies over a workload file with a progress bar on stderr, and prints a table; as JSON
    one object for one policy, else a list of them."""
    results = []
    with _progress() as bar:
        for policy in policies:
            label = policy if isinstance(policy, str) else policy.name
            task = bar.add_task(label, total=None)

            def show(done: int, total: int, task: object = task) -> None:
                bar.update(task, completed=done, total=total)  # type: ignore[arg-type]

            results.append(evaluate_workload(path, policy, seed, show))
    if as_json:
        values = [result.as_json() for result in results]
        print(json.dumps(values[0] if len(values) == 1 else values, indent=2))
        return
    labels = ("policy", "acceptance", "revenue", "cost", "r2c", "long-term revenue", "CPU (s)")
    table = Table(*labels, title=f"{results[0].workload}, {results[0].requests} requests")
    for one in results:
        figures = f"{one.revenue:,.0f}", f"{one.cost:,.0f}", f"{one.r2c:.4f}"
        rest = f"{one.long_term_revenue:,.1f}", f"{one.cpu_s:.3f}"
        table.add_row(one.policy, f"{one.acceptance:.4f}", *figures, *rest)
    Console().print(table)


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _table(results: Sequence[IiotResult], difference: Estimate | None) -> Table:
    first = results[0]
    table = Table(
        title=f"{first.environment} {first.profile}, {first.requests} requests, "
        f"{first.episodes} episodes, seed {first.seed}",
        caption="mean and half a 95 % interval; all but availability are per placed slice",
    )
    table.add_column("")
    for result in results:
        table.add_column(f"{result.policy} ({result.mask} mask)", justify="right")
    rows = {
        "availability": [_shown(result.availability, 4) for result in results],
        "latency (ms)": [_shown(result.latency_ms, 1) for result in results],
        "cost": [_shown(result.cost, 2) for result in results],
        "nodes shared": [_shown(result.sharing, 2) for result in results],
        "weighted cost J": [_shown(result.weighted_cost, 3) for result in results],
        "illegal actions": [str(result.illegal) for result in results],
        "CPU (s)": [f"{result.cpu_s:.2f}" for result in results],
    }
    for label, cells in rows.items():
        table.add_row(label, *cells)
    if any(result.bound is not None for result in results):
        table.add_row("upper bound", *(_bound(result) for result in results))
    if difference is not None:
        table.add_row("gain, paired", _shown(difference, 4))
    return table


def _shown(value: Estimate | None, digits: int) -> str:
    if value is None:
        return "-"
    if (interval := value.interval_95) is None:
        return f"{value.mean:.{digits}f}"
    return f"{value.mean:.{digits}f} ± {interval[1] - value.mean:.{digits}f}"


def _bound(result: IiotResult) -> str:
    if result.bound is None:
        return "-"
    return f"{result.bound:.4f}, proven in {result.proven} of {result.episodes}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0, or 2 with a line on stderr for what cannot be evaluated."""
    parser = argparse.ArgumentParser(prog="python -m envs.evaluate", description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    study = tasks.add_parser("iiot", help="the IIoT case study, entente/SliceOrch")
    study.add_argument("--profile", default="C2", help=", ".join(PROFILES))
    study.add_argument("--requests", type=int, help="slices per episode; the profile's if absent")
    study.add_argument(
        "--policy", required=True, help=", ".join((*NAMES, *TRAINED, "FILE.npz", "FOLDER"))
    )
    study.add_argument("--against", help="another policy, for the paired gain over it")
    study.add_argument("--episodes", type=int, default=1000)
    study.add_argument("--seed", type=int, default=0)
    study.add_argument("--departures", action="store_true", help="v2: slices come and go")
    study.add_argument("--mask", choices=list(Mask), help="of a trained policy, if another")
    study.add_argument("--json", action="store_true")
    one = tasks.add_parser("workload", help="a workload file, entente/Embedding")
    one.add_argument("file", type=Path, help="JSON of schema vne-workload/1")
    one.add_argument("--policy", required=True, nargs="+", help=", ".join(WORKLOAD_POLICIES))
    one.add_argument("--seed", type=int, default=0, help="of random policies")
    one.add_argument("--json", action="store_true")
    _add_crossdomain(tasks.add_parser("crossdomain", help="one agent per domain"))
    asked = parser.parse_args(arguments)
    try:
        if asked.task == "crossdomain":
            if asked.workload is not None:
                rules = [bidders(name, asked.seed) for name in asked.policy]
                workload(asked.workload, rules, asked.seed, asked.json)
                return 0
            task = scenario_of(asked.scenario).task(requests=asked.requests)
            if asked.write is not None:
                write_episode(task, asked.seed, asked.write)
            told = asked.policy, asked.episodes, asked.seed, asked.against, asked.json
            crossdomain(task, *told)
            return 0
        if asked.task == "workload":
            workload(asked.file, asked.policy, asked.seed, asked.json)
            return 0
        iiot(
            asked.profile,
            asked.requests,
            asked.policy,
            asked.episodes,
            asked.seed,
            asked.against,
            asked.departures,
            asked.json,
            asked.mask,
        )
    except (ValueError, OSError, EntenteError) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    return 0


def _add_crossdomain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", default="headline", help=", ".join(SCENARIOS))
    parser.add_argument("--requests", type=int, help="per episode; the scenario's if absent")
    parser.add_argument("--workload", type=Path, help="JSON of schema vne-workload/1 instead")
    rules = f"{', '.join(BIDDERS)}, a folder, or all; on a workload {', '.join(WORKLOAD_NAMES)}"
    parser.add_argument("--policy", required=True, nargs="+", help=rules)
    parser.add_argument("--write", type=Path, help="the seed's first episode as a workload file")
    parser.add_argument("--against", help="another policy, for the paired gain over it")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")


if __name__ == "__main__":
    sys.exit(main())
