"""What `evaluate crossdomain` prints: policies on the same episodes, and how far each is from a
reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from envs.crossdomain.evaluation import CrossDomainResult, evaluate_crossdomain, fixed_episodes
from envs.crossdomain.export import Projection
from envs.crossdomain.policies import NAMES
from envs.crossdomain.scenarios import Task
from envs.embedding.files import write
from envs.statistics import Estimate

ALL = "all"


def crossdomain(
    task: Task,
    policies: Sequence[str],
    episodes: int,
    seed: int,
    against: str | None = None,
    as_json: bool = False,
) -> None:
    """Evaluates with a progress bar on stderr, and prints a table; as JSON one object for one
    policy, else a list of them.

    Args:
        policies: by name; "all" is every reference. A folder holds trained ones.
        against: another policy, for the paired gain over it and the share of what it serves.
    """
    names = list(NAMES) if ALL in policies else list(dict.fromkeys(policies))
    others = [] if against is None else [against]
    found: dict[str, CrossDomainResult] = {}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        for name in dict.fromkeys([*others, *names]):
            line = bar.add_task(name, total=episodes)

            def show(done: int, total: int, line: object = line) -> None:
                bar.update(line, completed=done, total=total)  # type: ignore[arg-type]

            found[name] = evaluate_crossdomain(task, name, episodes, seed, show)
    reference = None if against is None else found[against]
    results = [found[name] for name in names]
    if as_json:
        values = [_as_json(result, reference) for result in results]
        print(json.dumps(values[0] if len(values) == 1 else values, indent=2))
    else:
        Console().print(_table(results, reference))


def _as_json(result: CrossDomainResult, reference: CrossDomainResult | None) -> dict[str, object]:
    values = result.as_json()
    if reference is not None:
        share = result.share_of(reference)
        values["against"] = {
            "policy": reference.policy,
            "gain": result.against(reference).as_json(),
            "share": None if share is None else share.as_json(),
        }
    return values


def _table(results: Sequence[CrossDomainResult], reference: CrossDomainResult | None) -> Table:
    first = results[0]
    caption = "mean and half a 95 % interval; J and EUR/h are per served request"
    if reference is not None:
        caption += f"; gain over and share of {reference.policy}: paired"
    for one in results if reference is None else [*results, reference]:
        if one.bound is not None:
            caption += (
                f"\noptimum: at most {one.bound:.4f}, proven in {one.proven} of {one.episodes}"
            )
            break
    table = Table(
        title=f"entente/CrossDomain-v0 {first.scenario}: {first.network}, {first.requests} "
        f"requests, {first.episodes} episodes, seed {first.seed}",
        caption=caption,
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    compared = () if reference is None else ("gain", "share")
    for label in ("policy", "availability", *compared, "J", "EUR/h"):
        table.add_column(label, no_wrap=True, justify="left" if label == "policy" else "right")
    for one in results:
        cells = [one.policy, _mean(one.availability, 4)]
        if reference is not None:
            cells += [_shown(one.against(reference), 3), _shown(one.share_of(reference), 3)]
        cost, price = _mean(one.weighted_cost, 3), _mean(one.price_eur_per_h, 2)
        table.add_row(*cells, cost, price)
    return table


def _mean(value: Estimate | None, digits: int) -> str:
    return "-" if value is None else f"{value.mean:.{digits}f}"


def _shown(value: Estimate | None, digits: int) -> str:
    if value is None:
        return "-"
    if (interval := value.interval_95) is None:
        return f"{value.mean:.{digits}f}"
    return f"{value.mean:.{digits}f} ± {interval[1] - value.mean:.{digits}f}"


def write_episode(task: Task, seed: int, path: Path) -> None:
    """The first fixed episode of a seed as a workload file; see `envs.crossdomain.export`."""
    name = f"crossdomain-{task.scenario.name}-s{seed}"
    episodes = fixed_episodes(task, seed, 0, 1)
    write(Projection(task).workload(episodes, 0, name), path)
