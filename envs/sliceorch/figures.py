"""Figures 4 and 5 of arXiv:2512.20997 with our policies and bounds, as data and as pictures.

Figure 4: reward while training, QAPPO and PPO. Figure 5: latency, cost, nodes shared and
availability against the number of requests. Both on profile C1, the paper-like one.
"""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from envs.sliceorch.evaluation import IiotResult, evaluate_iiot

PROFILE: Final = "C1"
REQUESTS: Final = (4, 8, 12, 16, 20)
OPTIMUM_EPISODES: Final = 200  # each is solved to a closed bound; more would not show
POLICIES: Final = ("qappo", "ppo", "local-first", "cloud-only", "optimum")
LABELS: Final = {
    "qappo": "QAPPO",
    "ppo": "PPO, not told bounds",
    "local-first": "Local-First",
    "cloud-only": "Cloud-Only",
    "optimum": "clairvoyant optimum",
    "blind ceiling": "most that a blind policy can reach",
}
BLIND_CEILING: Final = 2 / 3  # cloud, where it never fails for lack of nodes
PANELS: Final = {
    "latency_ms": "latency per placed slice (ms)",
    "cost": "cost per placed slice",
    "sharing": "nodes shared per placed slice",
    "availability": "availability",
}
COLOURS: Final = {
    "qappo": "#0072b2",
    "ppo": "#d55e00",
    "local-first": "#009e73",
    "cloud-only": "#cc79a7",
    "optimum": "#555555",
}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Point:
    """One policy at one number of requests; half of a 95 % interval beside the availability."""

    policy: str
    requests: int
    availability: float
    half_interval: float
    latency_ms: float
    cost: float
    sharing: float
    episodes: int

    @classmethod
    def of(cls, policy: str, found: IiotResult) -> "Point":
        def mean(name: str) -> float:
            value = getattr(found, name)
            return float("nan") if value is None else float(value.mean)

        interval = found.availability.interval_95
        half = 0.0 if interval is None else interval[1] - found.availability.mean
        means = (mean("latency_ms"), mean("cost"), mean("sharing"))
        return cls(policy, found.requests, mean("availability"), half, *means, found.episodes)


def write(out: Path, episodes: int, seed: int, runs: Path | None, say: Say) -> list[Path]:
    """Evaluates, and writes figure5.csv and .png, and with the folder of trainings figure4 too.

    runs: has a folder per training, of plans whose names end in -qappo or -ppo, then -SEED.
    """
    out.mkdir(parents=True, exist_ok=True)
    points = []
    for policy in POLICIES:
        for requests in REQUESTS:
            say(f"{policy}, {requests} requests")
            count = min(episodes, OPTIMUM_EPISODES) if policy == "optimum" else episodes
            points.append(Point.of(policy, evaluate_iiot(PROFILE, requests, policy, count, seed)))
    made = [_table(out / "figure5.csv", points), _figure5(out / "figure5.png", points)]
    if runs is not None and (curves := read_curves(runs)):
        made.append(_curves_table(out / "figure4.csv", curves))
        made.append(_figure4(out / "figure4.png", curves, points))
    return made


Curves = Mapping[str, Sequence[Sequence[tuple[int, float]]]]  # by method, per seed (steps, reward)


def read_curves(runs: Path) -> Curves:
    """Rewards while training, from what trainings log; methods that nobody trained are absent."""
    curves: dict[str, list[list[tuple[int, float]]]] = {}
    for log in sorted(runs.glob("*/progress.jsonl")):
        plan = log.parent.name.rpartition("-")[0]
        method = plan.rpartition("-")[2]
        if method not in ("qappo", "ppo") or "c1" not in plan:
            continue
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        curve = [(line["steps"], line["reward"]) for line in lines if np.isfinite(line["reward"])]
        curves.setdefault(method, []).append(curve)
    return curves


def _table(path: Path, points: Iterable[Point]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Point.__slots__)
        for one in points:
            values = [getattr(one, name) for name in Point.__slots__]
            writer.writerow(
                [f"{value:.5g}" if isinstance(value, float) else value for value in values]
            )
    return path


def _curves_table(path: Path, curves: Curves) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "training", "steps", "reward"])
        for method, trainings in curves.items():
            for number, curve in enumerate(trainings):
                for steps, reward in curve:
                    writer.writerow([method, number, steps, f"{reward:.4f}"])
    return path


LEGEND: Final[dict[str, Any]] = {"loc": "outside lower center", "ncols": 3, "frameon": False}


def _figure4(path: Path, curves: Curves, points: Sequence[Point]) -> Path:
    figure, (axes,) = _figure(1, (6.0, 4.0))
    for method, trainings in curves.items():
        length = min(len(curve) for curve in trainings)
        steps = [at for at, _ in trainings[0][:length]]
        rewards = np.array([[reward for _, reward in curve[:length]] for curve in trainings])
        low, high = rewards.min(axis=0), rewards.max(axis=0)
        axes.fill_between(steps, low, high, alpha=0.2, color=COLOURS[method], linewidth=0)
        label = f"{LABELS[method]} ({len(trainings)} trained)"
        axes.plot(steps, rewards.mean(axis=0), color=COLOURS[method], label=label)
    for policy in ("optimum", "local-first", "cloud-only"):
        served = [one.availability * one.requests for one in points if one.policy == policy]
        axes.axhline(np.mean(served), color=COLOURS[policy], linestyle="--", label=LABELS[policy])
    axes.set_xlabel("steps")
    axes.set_ylabel("slices served per episode")
    figure.legend(**LEGEND)
    return _saved(figure, path)


def _figure5(path: Path, points: Sequence[Point]) -> Path:
    figure, panels = _figure(4, (9.0, 6.4))
    for axes, (name, label) in zip(panels, PANELS.items(), strict=True):
        for policy in POLICIES:
            mine = [one for one in points if one.policy == policy]
            if policy == "optimum" and name != "availability":
                continue  # it serves the most; among plans that do, any may be found
            style = {"linestyle": "--"} if policy == "optimum" else {"marker": "o", "markersize": 4}
            values = [getattr(one, name) for one in mine]
            requests = [one.requests for one in mine]
            axes.plot(requests, values, color=COLOURS[policy], label=LABELS[policy], **style)
        axes.set_xlabel("slice requests")
        axes.set_ylabel(label)
        axes.set_xticks(REQUESTS)
    panels[-1].axhline(BLIND_CEILING, color="#999999", linestyle=":", label=LABELS["blind ceiling"])
    figure.legend(*panels[-1].get_legend_handles_labels(), **LEGEND)
    return _saved(figure, path)


def _figure(panels: int, inches: tuple[float, float]) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained")
    side = 1 if panels == 1 else 2
    grid = figure.subplots(side, side, squeeze=False)
    axes = [one for row in grid for one in row]
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(alpha=0.25)
    return figure, axes


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=90, metadata={"Software": None})
    return path
