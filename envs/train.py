"""Trains a policy: python -m envs.train --env sliceorch --config tuned --seed 0 --out runs/first

Runs as it stands, or as a job: ray job submit --working-dir . -- python -m envs.train ...
"""

import argparse
import base64
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from domains.errors import EntenteError
from envs.learning.plan import Plan, plan_of, shipped

if TYPE_CHECKING:
    from envs.learning.training import Iteration

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0, or 1 with a line on stderr for what stopped it."""
    asked = _parser().parse_args(arguments)
    for name in THREADS:
        os.environ.setdefault(name, "1")
    try:
        changes = dict(_pair(text) for text in asked.set)
        if asked.seeds > 1 or asked.sweep:
            return _sweep(asked, changes)
        return _train(plan_of(asked.config, asked.env, changes), asked)
    except EntenteError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return 1


def _train(plan: Plan, asked: argparse.Namespace) -> int:
    from envs.learning.cluster import cluster

    def tell(now: "Iteration") -> None:
        print(json.dumps(asdict(now)) if asked.json else line_of(now), flush=True)

    def say(text: str) -> None:
        print(json.dumps({"say": text}) if asked.json else text, flush=True)

    out = _absolute(asked.out or Path("runs") / f"{plan.name}-{asked.seed}")
    with cluster(workers=plan.runners):
        from envs.learning.training import Training  # imports Ray, which `cluster` has prepared

        Training(plan, asked.seed, out, tell, say).run(resume=asked.resume)
    say(f"policies in {out / 'policies'}")
    if asked.send:
        _send(out)
    return 0


def _sweep(asked: argparse.Namespace, changes: dict[str, str]) -> int:
    from envs.learning.cluster import cluster
    from envs.learning.sweep import Sweep, line_of, run

    plan = plan_of(asked.config, asked.env, changes)
    values = {key: text.split(";") for key, text in map(_pair, asked.sweep)}
    out = asked.out or Path("runs") / f"{plan.name}-sweep"
    sweep = Sweep(asked.config, asked.env, changes, asked.seeds, values, _absolute(out))
    at_once = min(len(sweep.trials()), os.cpu_count() or 1)

    def say(text: str) -> None:
        print(json.dumps({"say": text}) if asked.json else text, flush=True)

    with cluster(workers=at_once * (plan.runners + 1) - 1):
        rows = run(sweep, say)
    for row in rows:
        print(json.dumps(row) if asked.json else line_of(row), flush=True)
    if asked.send:
        _send(sweep.out)
    return 1 if any(row["failed"] for row in rows) else 0


def _send(out: Path) -> None:
    """The policies below a folder, a file a line: a log is all that leaves a cluster."""
    for file in sorted(out.rglob("policies/*")):
        if file.suffix in (".npz", ".json"):
            body = base64.b64encode(file.read_bytes()).decode()
            name = file.relative_to(out).as_posix()
            print(json.dumps({"file": name, "base64": body}), flush=True)


def _absolute(out: Path) -> Path:
    return out.expanduser().resolve()


def line_of(now: "Iteration") -> str:
    """An iteration as people read it."""
    figures = ", ".join(f"{key} {value:.3f}" for key, value in now.ended.items())
    return (
        f"{now.iteration:4d}/{now.iterations}  {now.steps:>9,} steps  reward {now.reward:8.3f}"
        f"  {figures}  {now.eta_s:5.0f} s left"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m envs.train", description=__doc__)
    parser.add_argument("--env", help="what to learn in, if the plan does not say")
    parser.add_argument("--config", required=True, help=f"FILE.toml, or {', '.join(shipped())}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for everything; runs/NAME-SEED if absent")
    parser.add_argument("--set", action="append", default=[], help="steps=1000, ppo.lr=1e-4, ..")
    parser.add_argument("--seeds", type=int, default=1, help="so many trainings, seeds 0, 1, ..")
    parser.add_argument(
        "--sweep", action="append", default=[], help="a grid: ppo.lr=1e-3;3e-4, with every seed"
    )
    parser.add_argument("--resume", action="store_true", help="go on from --out's last checkpoint")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--send", action="store_true", help="print the policies too, in base64")
    return parser


def _pair(text: str) -> tuple[str, str]:
    from envs.learning.errors import PlanInvalid

    key, equals, value = text.partition("=")
    if not equals:
        raise PlanInvalid(f"--set takes KEY=VALUE, not {text!r}")
    return key, value


if __name__ == "__main__":
    sys.exit(main())
