"""slicenet experiments: one for each size that the slice could have.

slicenet is a flow-level simulator: clouds host network functions, a slice takes a share of each
function, a service takes a share of its slices, and sessions ("slicelets") come and go in real
time. Here one session stands for a `PEAK`th of what the slice is asked for in its busiest moment.
They arrive around the busy hour as slicenet's `normal` pattern has it, with a standard deviation
of one second; what is observed is the busy hour, one deviation to both sides.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from coordinator.model import ServiceProfile
from deploy.agents.errors import ToolFailed
from deploy.child import importable
from domains.descriptors.tosca import symbol
from domains.descriptors.vnf import FOOTPRINTS

LEVELS_PERMILLE: Final = (700, 800, 900, 1_000, 1_150)
"""Capacities that are tried, of what was asked for."""
SEEDS: Final = (1, 2)
PEAK: Final = 20
"""Sessions at once in the busiest moment."""
SESSION_S: Final = 0.2
DEVIATION_S: Final = 1.0
"""Fixed in slicenet's `normal` pattern."""
THRESHOLD_S: Final = 4.0
"""slicenet centres the arrivals on half of it."""
BEGIN_S: Final = THRESHOLD_S / 2 - DEVIATION_S
END_S: Final = THRESHOLD_S / 2 + DEVIATION_S
RUN_S_MAX: Final = 40.0
"""For one experiment, its imports included."""
AT_ONCE: Final = 4
SHARE_PCT_MAX: Final = 99.0
"""slicenet refuses a slice that takes all of a function."""
_SIMULATOR: Final = Path(__file__).with_name("simulator.py")


Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Experiment:
    """One file: the slice with so much capacity, of what was asked for."""

    level_permille: int
    path: Path


@dataclass(frozen=True, slots=True)
class Observation:
    """What slicenet showed, averaged over seeds.

    Attributes:
        utilisation_pct: mean over the busy hour; peak_pct: the highest.
        waited_pct: sessions that were not admitted at once.
    """

    utilisation_pct: float
    peak_pct: float
    waited_pct: float
    sessions: int


def body(service: ServiceProfile, level_permille: int) -> dict[str, Any]:
    """An experiment as slicenet's YAML has it: ram in MiB, cpu in cores, hdd in GiB."""
    functions = (*service.functions, FOOTPRINTS["UPF"])
    slots = max(1, round(PEAK * level_permille / 1_000))
    arrivals = round(PEAK * DEVIATION_S * math.sqrt(2 * math.pi) / SESSION_S)
    sizes: list[dict[str, Any]] = [
        {
            "name": symbol(function.name),
            "ram": function.memory_mib,
            "cpu": function.cpu_millicores / 1_000,
            "hdd": function.storage_gib,
        }
        for function in functions
    ]
    share = min(SHARE_PCT_MAX, 100 * level_permille / max(LEVELS_PERMILLE))
    cloud = {key: sum(size[key] for size in sizes) for key in ("ram", "cpu", "hdd")}
    name = symbol(service.name)
    return {
        "name": f"{name}-{level_permille}",
        "description": f"{level_permille / 10:g} % of the capacity that was asked for",
        "epoch": 1,
        "delay_pattern": "normal",
        "delay_pattern_threshold": THRESHOLD_S,
        "clouds": [{"name": symbol(service.destination or "anywhere"), **cloud}],
        "nfs": sizes,
        "policies": [{"type": "NfMgr", "policy": "first-available-method"}],
        "slices": [
            {
                "name": name,
                "composition": [{"nf": size["name"], "weight": share} for size in sizes],
            }
        ],
        # A hair less than a slot: slicenet compares with "more than", so the last would not fit.
        "services": [
            {
                "name": name,
                "composition": [{"slice": name, "weight": 100 / slots * (1 - 1e-6)}],
            }
        ],
        "slicelets": [
            {"name": f"session-{number}", "service": name, "duration": SESSION_S}
            for number in range(arrivals)
        ],
    }


def prepare(
    service: ServiceProfile, folder: Path, levels: Sequence[int] = LEVELS_PERMILLE
) -> tuple[Experiment, ...]:
    """Write an experiment for each level."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for level in levels:
        path = folder / f"experiment-{level}.yaml"
        path.write_text(yaml.safe_dump(body(service, level), sort_keys=False))
        made.append(Experiment(level, path))
    return tuple(made)


async def run(
    experiments: Sequence[Experiment],
    seeds: Sequence[int] = SEEDS,
    progress: Progress = lambda done, of: None,
) -> list[Observation]:
    """Run every experiment with every seed, `AT_ONCE` at once; one observation each.

    Args:
        progress: called with how many runs have ended, of how many.

    Raises:
        ToolFailed: slicenet ended with an error, is not installed, or did not end.
    """
    turn, ended = asyncio.Semaphore(AT_ONCE), 0
    of = len(experiments) * len(seeds)

    async def one(path: Path, seed: int) -> dict[str, Any]:
        nonlocal ended
        async with turn:
            seen = await _simulated(path, seed)
        ended += 1
        progress(ended, of)
        return seen

    progress(0, of)
    try:
        async with asyncio.TaskGroup() as group:
            running = [
                [group.create_task(one(experiment.path, seed)) for seed in seeds]
                for experiment in experiments
            ]
    except* ToolFailed as failed:
        raise failed.exceptions[0] from None
    return [_mean([task.result() for task in tasks]) for tasks in running]


def _mean(seen: Sequence[dict[str, Any]]) -> Observation:
    count = len(seen)
    sessions = sum(one["sessions"] for one in seen)
    return Observation(
        utilisation_pct=sum(one["utilisation_pct"] for one in seen) / count,
        peak_pct=max(one["peak_pct"] for one in seen),
        waited_pct=100 * sum(one["waited"] for one in seen) / max(1, sessions),
        sessions=sessions,
    )


async def _simulated(path: Path, seed: int) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_SIMULATOR),
        str(path),
        str(BEGIN_S),
        str(END_S),
        str(seed),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=importable(os.environ),
    )
    try:
        async with asyncio.timeout(RUN_S_MAX):
            said, errors = await process.communicate()
    except TimeoutError:
        raise ToolFailed(f"slicenet did not end within {RUN_S_MAX:g} s", tool="slicenet") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()  # to the end of its pipes, which closes them as well
    if process.returncode:
        last = (errors.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        raise ToolFailed(f"slicenet failed: {_reason(last)}", tool="slicenet")
    found: dict[str, Any] = json.loads(said)
    return found


def _reason(last: str) -> str:
    if "No module named 'slicenet'" in last:
        return (
            "it is not installed; `make run` installs it, or: pip install --no-deps "
            "slicenet==0.1.2 readerwriterlock tabulate"
        )
    return last[:200]
