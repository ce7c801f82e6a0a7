"""Steps per CPU-second of the environments: `python -m envs.bench`."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from envs.sliceorch.env import SliceOrchVectorEnv
from envs.sliceorch.profiles import PROFILES

WARM_UP_STEPS = 20


@dataclass(frozen=True, slots=True)
class Speed:
    """Random legal actions; observations, masks, resets and the choice of actions included."""

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
    generator = np.random.default_rng(0)
    _, info = env.reset(seed=0)
    steps, started = -WARM_UP_STEPS, time.process_time()
    while steps < 1 or time.process_time() - started < seconds:
        if steps == 0:
            started = time.process_time()
        mask = info["action_mask"]
        draws = generator.random(mask.shape, dtype=np.float32)
        info = env.step((draws * mask).argmax(axis=1))[-1]
        steps += 1
    name = f"entente/SliceOrch-v{2 if departures else 1}"
    cpu_s = time.process_time() - started
    return Speed(name, env.task.profile.name, num_envs, steps * num_envs, cpu_s)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m envs.bench", description=__doc__)
    parser.add_argument("--num-envs", type=int, nargs="+", default=[1, 64, 256])
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU time per figure")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    speeds = [
        sliceorch(profile, num_envs, asked.seconds, departures)
        for departures in (False, True)
        for profile in PROFILES
        for num_envs in asked.num_envs
    ]
    if asked.json:
        figures = [asdict(speed) | {"steps_per_cpu_s": speed.steps_per_cpu_s} for speed in speeds]
        print(json.dumps(figures, indent=2))
        return 0
    table = Table("environment", "profile", "envs", "steps per CPU-second")
    for speed in speeds:
        figure = f"{speed.steps_per_cpu_s:,.0f}"
        table.add_row(speed.environment, speed.profile, str(speed.num_envs), figure)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
