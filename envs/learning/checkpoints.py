"""Checkpoints that say what they are of and are there in full or not at all.

A checkpoint is RLlib's folder and a `checkpoint.json` that has the SHA-256 of each of its files. It
is written under another name and renamed. RLlib's files are pickles: resume from folders that you
trust only.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from envs.learning.errors import CheckpointUnusable
from envs.learning.plan import Plan
from envs.learning.tasks import Task

FORMAT: Final = 1
NOTE: Final = "checkpoint.json"
KEPT: Final = 2  # the newest, and one more should it be lost
_PREFIX: Final = "iteration-"


class Note(BaseModel):
    """What a checkpoint says of itself. schemas: digest per agent; files: SHA-256 per path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    environment: str
    schemas: dict[str, str]
    iteration: int
    steps: int
    seed: int
    plan: Plan
    files: dict[str, str]


def save(
    folder: Path,
    plan: Plan,
    task: Task,
    seed: int,
    at: tuple[int, int],
    write: Callable[[Path], object],
) -> Path:
    """Writes a checkpoint `at` (iteration, steps) into `folder` and forgets old ones."""
    iteration, steps = at
    place = folder / f"{_PREFIX}{iteration:06d}"
    growing = folder / f".{place.name}-{os.getpid()}"
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir(parents=True)
    write(growing)
    files = {
        str(path.relative_to(growing)): _digest(path)
        for path in sorted(growing.rglob("*"))
        if path.is_file()
    }
    note = Note(
        environment=task.environment,
        schemas=_schemas(task),
        iteration=iteration,
        steps=steps,
        seed=seed,
        plan=plan,
        files=files,
    )
    (growing / NOTE).write_text(note.model_dump_json(indent=1))
    shutil.rmtree(place, ignore_errors=True)
    growing.rename(place)
    for old in _all(folder)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return place


def newest(folder: Path) -> Path:
    """The last checkpoint in `folder`, or `folder` if it is one; CheckpointUnusable if there is
    none."""
    if (folder / NOTE).is_file():
        return folder
    for place in (folder, folder / "checkpoints"):
        if found := _all(place):
            return found[-1]
    raise CheckpointUnusable(f"there is no checkpoint in {folder}")


def inspect(place: Path) -> Note:
    """What a checkpoint says of itself, once all its files are as it says.

    Raises:
        CheckpointUnusable: a file is missing, cut off or changed, or it is no checkpoint of ours.
    """
    try:
        note = Note.model_validate_json((place / NOTE).read_bytes())
    except OSError:
        raise CheckpointUnusable(f"{place} is no checkpoint: it has no {NOTE}") from None
    except ValidationError as wrong:
        raise CheckpointUnusable(f"{place / NOTE} is damaged: {wrong.errors()[0]['msg']}") from None
    if note.format != FORMAT:
        raise CheckpointUnusable(f"{place} has format {note.format}, not {FORMAT}")
    for name, digest in note.files.items():
        path = place / name
        if not path.is_file():
            raise CheckpointUnusable(f"the checkpoint {place} lacks {name}")
        if _digest(path) != digest:
            raise CheckpointUnusable(
                f"the checkpoint {place} is damaged: {name} was cut or changed"
            )
    return note


def require(note: Note, place: Path, task: Task, plan: Plan | None = None) -> None:
    """CheckpointUnusable unless it is of this version of this environment, and with a `plan`, of
    its network."""
    if note.environment != task.environment:
        raise CheckpointUnusable(f"{place} is of {note.environment}, not of {task.environment}")
    if note.schemas != _schemas(task):
        raise CheckpointUnusable(
            f"{place} is of another version of {note.environment}: what is seen or done has changed"
        )

    for part in ("network", "agents"):
        if plan is not None and getattr(plan, part) != getattr(note.plan, part):
            raise CheckpointUnusable(f"{place} was trained with another [{part}]")


def _schemas(task: Task) -> dict[str, str]:
    return {agent: task.schema(agent).digest for agent in task.agents}


def _all(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"{_PREFIX}*") if (path / NOTE).is_file())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
