"""What slicenet showed for an experiment, kept: the same question twice has the same answer.

slicenet runs in real time, so two runs differ by a per cent or so; kept observations make the
second look at a plan the same as the first, and immediate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from deploy.agents.experiments import BEGIN_S, END_S, Experiment, Observation, Progress, run
from deploy.home import Home

KEPT_MAX: Final = 256


async def observations(
    home: Home,
    experiments: Sequence[Experiment],
    seeds: Sequence[int],
    progress: Progress = lambda done, of: None,
) -> list[Observation]:
    """One for each experiment, from slicenet or from an earlier run of the very same file.

    Raises:
        ToolFailed: as `experiments.run`.
    """
    folder = home.root / "plans" / "observed"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = [folder / f"{_key(experiment, seeds)}.json" for experiment in experiments]
    known = [_read(path) for path in paths]
    new = [one for one, seen in zip(experiments, known, strict=True) if seen is None]
    fresh = iter(await run(new, seeds, progress) if new else ())
    found = []
    for path, seen in zip(paths, known, strict=True):
        if seen is None:
            seen = next(fresh)
            path.write_text(json.dumps(asdict(seen)))
        found.append(seen)
    _forget(folder)
    return found


def _key(experiment: Experiment, seeds: Sequence[int]) -> str:
    asked = f"{BEGIN_S} {END_S} {list(seeds)}".encode()
    return hashlib.sha256(experiment.path.read_bytes() + asked).hexdigest()[:24]


def _read(path: Path) -> Observation | None:
    try:
        return Observation(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _forget(folder: Path) -> None:
    kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[KEPT_MAX:]:
        path.unlink(missing_ok=True)
