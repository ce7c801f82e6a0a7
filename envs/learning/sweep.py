"""One plan with several seeds, and several values of its settings, with Ray Tune."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

from envs.learning.errors import TrainingFailed
from envs.learning.plan import Plan, plan_of

TRIALS_MAX: Final = 256
RESULT: Final = "sweep.json"


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is tried: every combination of `values` with seeds 0 .. seeds - 1.

    changes: hold for all; values: key -> the texts that `--set` would take. Plans are read here,
    not where a training runs: that may be a machine without the file.
    """

    config: str
    env: str | None
    changes: Mapping[str, str]
    seeds: int
    values: Mapping[str, Sequence[str]]
    out: Path

    def variants(self) -> list[dict[str, str]]:
        combined = itertools.product(*self.values.values())
        return [dict(zip(self.values, chosen, strict=True)) for chosen in combined]

    def plan(self, variant: Mapping[str, str]) -> Plan:
        return plan_of(self.config, self.env, {**self.changes, **variant})

    def trials(self) -> list[dict[str, Any]]:
        """In the order in which they start."""
        trials = [
            {"variant": variant, "seed": seed}
            for variant in self.variants()
            for seed in range(self.seeds)
        ]
        if not 1 <= len(trials) <= TRIALS_MAX:
            raise TrainingFailed(f"a sweep has 1..{TRIALS_MAX} trainings, not {len(trials)}")
        return trials

    def folder(self, trial: Mapping[str, Any]) -> Path:
        parts = [f"{key}={value}" for key, value in trial["variant"].items()]
        named = ",".join(parts).replace("/", "_").replace(" ", "")
        return self.out / named / f"seed-{trial['seed']}"


def run(sweep: Sweep, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Runs all, as many at once as the cluster has processors; one row per variant, the best first.

    A row: variant, scores of each seed, and per figure mean and standard deviation. A training that
    failed is a row's `failed`, with its reason. All is in OUT/sweep.json as well. Raises:
        PlanInvalid: a variant is no plan; says which field and why.
    """
    from ray import tune

    trials = sweep.trials()
    plans = {_key(variant): sweep.plan(variant) for variant in sweep.variants()}
    processes = 1 + max(plan.runners for plan in plans.values())
    say(f"{len(trials)} trainings")
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(_trial, sweep=sweep, plans=plans),
            tune.PlacementGroupFactory([{"CPU": 1.0}] * processes),
        ),
        param_space={"trial": tune.grid_search(trials)},
        tune_config=tune.TuneConfig(
            trial_name_creator=_name,
            trial_dirname_creator=_name,
            reuse_actors=True,  # what a process imports takes longer than a short training
        ),
        run_config=tune.RunConfig(name="tune", storage_path=str(sweep.out.resolve()), verbose=0),
    )
    found: dict[str, dict[str, Any]] = {}
    for one in tuner.fit():
        trial: dict[str, Any] = one.config["trial"] if one.config else {"variant": {}, "seed": -1}
        row = found.setdefault(
            _key(trial["variant"]), {"variant": trial["variant"], "scores": {}, "failed": {}}
        )
        if one.error is not None:
            row["failed"][trial["seed"]] = (str(one.error).strip().splitlines() or [""])[-1]
        else:
            row["scores"][trial["seed"]] = one.metrics["scores"]
    rows = [_summed(row) for row in found.values()]
    rows.sort(key=lambda row: -max(row["means"].values(), default=float("-inf")))
    (sweep.out / RESULT).write_text(json.dumps(rows, indent=2) + "\n")
    return rows


def line_of(row: Mapping[str, Any]) -> str:
    """A row as people read it."""
    what = ", ".join(f"{key}={value}" for key, value in row["variant"].items()) or "as planned"
    figures = ", ".join(
        f"{key} {mean:.4f} ± {row['deviations'][key]:.4f}" for key, mean in row["means"].items()
    )
    failed = "".join(f"; seed {seed} failed: {why}" for seed, why in row["failed"].items())
    return f"{what}: {figures or 'no figures'}, {len(row['scores'])} seeds{failed}"


def _trial(config: Mapping[str, Any], sweep: Sweep, plans: Mapping[str, Plan]) -> None:
    from ray import tune

    from envs.learning.training import Iteration, Training

    def tell(now: Iteration) -> None:
        tune.report({key: value for key, value in asdict(now).items() if key != "ended"})

    trial = config["trial"]
    plan = plans[_key(trial["variant"])]
    policies = Training(plan, trial["seed"], sweep.folder(trial), tell).run()
    scores = next(iter(policies.values())).manifest.scores
    tune.report({"scores": scores, "iteration": -1})


def _key(variant: Mapping[str, str]) -> str:
    return json.dumps(variant)


def _name(trial: Any) -> str:
    return str(trial.trial_id)


def _summed(row: dict[str, Any]) -> dict[str, Any]:
    keys = list(next(iter(row["scores"].values()), {}))
    columns = {key: [scores[key] for scores in row["scores"].values()] for key in keys}
    row["means"] = {key: fmean(values) for key, values in columns.items()}
    row["deviations"] = {
        key: stdev(values) if len(values) > 1 else 0.0 for key, values in columns.items()
    }
    return row
