"""Evaluates policies on fixed episodes: `python -m envs.evaluate iiot --profile C2 --policy dp`."""

import argparse
import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from envs.sliceorch.evaluation import IiotResult, evaluate_iiot
from envs.sliceorch.policies import NAMES
from envs.sliceorch.profiles import PROFILES
from envs.statistics import Estimate

__all__ = ["IiotResult", "evaluate_iiot", "iiot", "main"]


def iiot(
    profile: str,
    requests: int | None,
    policy: str,
    episodes: int,
    seed: int,
    against: str | None = None,
    departures: bool = False,
    as_json: bool = False,
) -> None:
    """Evaluates with a progress bar on stderr, and prints a table or one JSON object."""
    names = [policy] if against is None else [policy, against]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    results = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        for name in names:
            task = bar.add_task(name, total=episodes)

            def show(done: int, total: int, task: object = task) -> None:
                bar.update(task, completed=done, total=total)  # type: ignore[arg-type]

            results.append(evaluate_iiot(profile, requests, name, episodes, seed, departures, show))
    difference = results[0].against(results[1]) if against is not None else None
    if as_json:
        values = results[0].as_json()
        if difference is not None:
            values["against"] = {"result": results[1].as_json(), "gain": difference.as_json()}
        print(json.dumps(values, indent=2))
    else:
        Console().print(_table(results, difference))


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
    study.add_argument("--policy", required=True, help=", ".join(NAMES))
    study.add_argument("--against", help="another policy, for the paired gain over it")
    study.add_argument("--episodes", type=int, default=1000)
    study.add_argument("--seed", type=int, default=0)
    study.add_argument("--departures", action="store_true", help="v2: slices come and go")
    study.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        iiot(
            asked.profile,
            asked.requests,
            asked.policy,
            asked.episodes,
            asked.seed,
            asked.against,
            asked.departures,
            asked.json,
        )
    except ValueError as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
