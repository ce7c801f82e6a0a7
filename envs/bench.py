"""Steps and requests per CPU-second of the environments: `python -m envs.bench`."""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from rich.console import Console
from rich.table import Table

from envs.crossdomain.env import CrossDomainVector
from envs.crossdomain.scenarios import SCENARIOS
from envs.embedding import heuristics
from envs.embedding.env import EmbeddingVectorEnv
from envs.embedding.evaluation import evaluate_workload
from envs.embedding.generate import cross_domain, waxman
from envs.embedding.model import Workload
from envs.sliceorch.env import SliceOrchVectorEnv
from envs.sliceorch.profiles import PROFILES

WARM_UP_STEPS = 20
LAST_CHOICE = 1e-9


@dataclass(frozen=True, slots=True)
class Speed:
    """Random legal actions; observations, masks, resets and the choice of actions included.

    Where there are no envs (0), a rule that decides whole requests, and steps are requests.
    """

    environment: str
    profile: str
    num_envs: int
    steps: int
    cpu_s: float

    @property
    def steps_per_cpu_s(self) -> float:
        return self.steps / self.cpu_s


def sliceorch(profile: str, num_envs: int, seconds: float, departures: bool = False) -> Speed:
    """Steps a batch for that much CPU time."""
    env = SliceOrchVectorEnv(num_envs, profile, departures=departures)
    steps, cpu_s = _stepped(env, seconds)
    name = f"entente/SliceOrch-v{2 if departures else 1}"
    return Speed(name, env.task.profile.name, num_envs, steps * num_envs, cpu_s)


def embedding(workload: Workload, mask: str, num_envs: int, seconds: float) -> Speed:
    """The same on a workload; nodes only, as long as one is legal."""
    env = EmbeddingVectorEnv(num_envs, workload=workload, mask=mask)
    steps, cpu_s = _stepped(env, seconds, refuse=env.core.refuse)
    name = f"entente/Embedding-v0, {mask} mask"
    return Speed(name, workload.name, num_envs, steps * num_envs, cpu_s)


def crossdomain(scenario: str, num_envs: int, seconds: float) -> Speed:
    """The same for the agents of several domains: a step is one action of each."""
    env = CrossDomainVector(num_envs, scenario)
    generator = np.random.default_rng(0)
    _, masks = env.reset(seed=0)
    steps, started = -WARM_UP_STEPS, time.process_time()
    while steps < 1 or time.process_time() - started < seconds:
        if steps == 0:
            started = time.process_time()
        actions = {}
        for agent, mask in masks.items():
            draws = generator.random(mask.shape, dtype=np.float32) * mask
            draws[:, -1] = LAST_CHOICE
            actions[agent] = draws.argmax(axis=1)
        masks = env.step(actions).masks
        steps += 1
    cpu_s = time.process_time() - started
    return Speed("entente/CrossDomain-v0", scenario, num_envs, steps * num_envs, cpu_s)


def rule(workload: Workload, name: str) -> Speed:
    """A ranking rule once over a workload; the table of paths is there already."""
    result = evaluate_workload(workload, name)
    return Speed(f"rule {name}", workload.name, 0, result.requests, result.cpu_s)


def _stepped(
    env: "VectorEnv[Any, Any, Any]", seconds: float, refuse: int | None = None
) -> tuple[int, float]:
    generator = np.random.default_rng(0)
    _, info = env.reset(seed=0)
    steps, started = -WARM_UP_STEPS, time.process_time()
    while steps < 1 or time.process_time() - started < seconds:
        if steps == 0:
            started = time.process_time()
        mask = info["action_mask"]
        draws = generator.random(mask.shape, dtype=np.float32)
        if refuse is not None:
            draws[:, refuse] = LAST_CHOICE
        info = env.step((draws * mask).argmax(axis=1))[-1]
        steps += 1
    return steps, time.process_time() - started


def _speeds(only: str | None, counts: Sequence[int], seconds: float) -> Iterator[Speed]:
    if only in (None, "sliceorch"):
        for departures in (False, True):
            for profile in PROFILES:
                for num_envs in counts:
                    yield sliceorch(profile, num_envs, seconds, departures)
    if only in (None, "crossdomain"):
        for scenario in SCENARIOS:
            for num_envs in counts:
                yield crossdomain(scenario, num_envs, seconds)
    workloads = () if only in ("sliceorch", "crossdomain") else (waxman(0), cross_domain(0))
    for workload in workloads:
        if only in (None, "embedding"):
            for mask in ("links", "nodes"):
                for num_envs in counts:
                    yield embedding(workload, mask, num_envs, seconds)
        if only in (None, "rules"):
            for name in heuristics.NAMES:
                yield rule(workload, name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m envs.bench", description=__doc__)
    parser.add_argument("--num-envs", type=int, nargs="+", default=[1, 64, 256])
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU time per figure")
    choices = ("sliceorch", "crossdomain", "embedding", "rules", "ppo")
    parser.add_argument("--only", choices=choices)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.only == "ppo":
        return _ppo(asked.json)
    speeds = list(_speeds(asked.only, asked.num_envs, asked.seconds))
    if asked.json:
        figures = [asdict(speed) | {"steps_per_cpu_s": speed.steps_per_cpu_s} for speed in speeds]
        print(json.dumps(figures, indent=2))
        return 0
    table = Table("environment or rule", "profile", "envs", "steps or requests per CPU-second")
    for speed in speeds:
        figure = f"{speed.steps_per_cpu_s:,.0f}"
        table.add_row(speed.environment, speed.profile, str(speed.num_envs or "-"), figure)
    Console().print(table)
    return _ppo(False) if asked.only is None else 0


def _ppo(as_json: bool) -> int:
    """Training: RLlib as it comes, ours and a bare loop, in turns in one process."""
    from envs.learning.cluster import cluster

    with cluster():
        from envs.learning.bench import trainers

        found = trainers()
    if as_json:
        print(json.dumps([one.as_json() for one in found], indent=2))
        return 0
    bare = found[-1].steps_per_cpu_s
    table = Table(
        "PPO, 4 agents, an environment that costs nothing", "envs", "steps per CPU-second"
    )
    table.add_column("of the bare loop", justify="right")
    for one in found:
        figure = f"{one.steps_per_cpu_s:,.0f}"
        table.add_row(one.name, str(one.envs), figure, f"{one.steps_per_cpu_s / bare:.0%}")
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
