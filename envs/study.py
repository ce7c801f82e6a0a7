"""Trains the case study's policies on several seeds and holds them against their goals.

python -m envs.study --out runs/study --seeds 5 --ship

What is trained already in --out is only evaluated. Every seed counts: one that collapses is in the
mean. The first seed's policies are the ones that ship.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

from domains.errors import EntenteError
from domains.policy import read
from envs.sliceorch.evaluation import evaluate_iiot
from envs.sliceorch.policies.learned import SHIPPED
from envs.sliceorch.profiles import Mask

EPISODES: Final = 1000
EPISODE_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Goal:
    """A plan's policies on one profile and length; `ships` is the name of the shipped file.

    goal: least mean availability, or with `at_most` the most. mask: of the evaluation, if not the
    training's. known: figures to see it by.
    """

    plan: str
    ships: str
    profile: str
    requests: int
    goal: float
    known: str
    at_most: bool = False
    mask: Mask | None = None


GOALS: Final = (
    Goal("sliceorch-c1-qappo", "c1-qappo", "C1", 20, 0.82, "optimum .831", mask=Mask.SLA),
    Goal("sliceorch-c1-qappo", "c1-qappo", "C1", 20, 0.77, "tuned before .775"),
    Goal("sliceorch-c1-ppo", "c1-ppo", "C1", 20, 0.667, "best blind rule .632", at_most=True),
    Goal("sliceorch-c2-imitated", "c2-qappo", "C2", 20, 0.775, "optimum .802, online DP .789"),
    Goal("sliceorch-c4-imitated", "c4-qappo", "C4", 30, 0.65, "optimum .702, online DP .669"),
    Goal("sliceorch-c4-imitated", "c4-qappo", "C4", 40, 0.555, "optimum .603, online DP .572"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """availability: of each seed, on the same episodes. met: whether the mean meets the goal."""

    goal: Goal
    availability: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.availability)

    @property
    def met(self) -> bool:
        return self.mean <= self.goal.goal if self.goal.at_most else self.mean >= self.goal.goal

    def as_markdown(self) -> str:
        goal = self.goal
        mask = goal.mask or ("none" if goal.plan.startswith("sliceorch-c1") else Mask.SLA)
        spread = stdev(self.availability) if len(self.availability) > 1 else 0.0
        seeds = ", ".join(f"{one:.4f}" for one in self.availability)
        asked = f"{'≤' if goal.at_most else '≥'} {goal.goal}"
        return (
            f"| {goal.profile} n={goal.requests}, mask {mask} | `{goal.plan}` | {asked} "
            f"| {self.mean:.4f} ± {spread:.4f} | {'yes' if self.met else 'no'} | {seeds} "
            f"| {goal.known} |"
        )


HEAD: Final = """| episodes | plan | goal | mean ± sd over seeds | met | seeds | known |
|---|---|---|---|---|---|---|"""


def train(out: Path, seeds: int) -> None:
    """Whatever of the goals' plans and seeds has no policy in `out` yet, one after another."""
    missing = [
        (plan, seed)
        for seed in range(seeds)
        for plan in dict.fromkeys(goal.plan for goal in GOALS)
        if not policy_file(out, plan, seed).exists()
    ]
    if not missing:
        return
    from envs.learning.cluster import cluster
    from envs.learning.plan import plan_of
    from envs.train import line_of

    with cluster():
        from envs.learning.training import Iteration, Training

        for plan, seed in missing:
            print(f"{plan}, seed {seed}", flush=True)

            def tell(now: Iteration) -> None:
                print(line_of(now), flush=True)

            Training(plan_of(plan), seed, folder(out, plan, seed), tell).run()


def folder(out: Path, plan: str, seed: int) -> Path:
    return out / f"{plan}-{seed}"


def policy_file(out: Path, plan: str, seed: int) -> Path:
    return folder(out, plan, seed) / "policies" / "agent.json"


def evaluate(out: Path, seeds: int) -> list[Row]:
    """All goals whose plans have a policy at all."""
    rows = []
    for goal in GOALS:
        files = [policy_file(out, goal.plan, seed) for seed in range(seeds)]
        found = tuple(
            evaluate_iiot(
                goal.profile, goal.requests, str(file), EPISODES, EPISODE_SEED, mask=goal.mask
            ).availability.mean
            for file in files
            if file.exists()
        )
        if found:
            rows.append(Row(goal, found))
    return rows


def ship(out: Path, rows: Sequence[Row]) -> None:
    """The first seed's policies, with their figures in the manifest, into the package."""
    from envs.learning.source import commit

    SHIPPED.mkdir(exist_ok=True)
    for name in dict.fromkeys(row.goal.ships for row in rows):
        mine = [row for row in rows if row.goal.ships == name]
        source = policy_file(out, mine[0].goal.plan, 0)
        manifest = read(source).manifest
        scores = {
            f"availability {row.goal.profile} n={row.goal.requests}"
            + (f" mask={row.goal.mask}" if row.goal.mask else ""): row.availability[0]
            for row in mine
        }
        changes = {"name": name, "scores": scores, "commit": manifest.commit or commit()}
        text = manifest.model_copy(update=changes).model_dump_json(indent=2)
        (SHIPPED / f"{name}.npz").write_bytes(source.with_suffix(".npz").read_bytes())
        (SHIPPED / f"{name}.json").write_text(text + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; 0, or 1 with a line on stderr for what stopped it."""
    parser = argparse.ArgumentParser(prog="python -m envs.study", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ship", action="store_true", help="the first seed's, into the package")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        train(asked.out, asked.seeds)
        rows = evaluate(asked.out, asked.seeds)
        if asked.ship:
            ship(asked.out, rows)
    except (ValueError, OSError, EntenteError) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 1
    if asked.json:
        print(json.dumps([_as_json(row) for row in rows], indent=2))
    else:
        print("\n".join([HEAD, *(row.as_markdown() for row in rows)]))
    return 0


def _as_json(row: Row) -> dict[str, Any]:
    found = {"availability": row.availability, "mean": row.mean, "met": row.met}
    return asdict(row.goal) | found


if __name__ == "__main__":
    sys.exit(main())
