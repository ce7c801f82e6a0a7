"""Trained modules to policy files that domains load without torch and Ray."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domains.policy import Manifest, Policy, Schema, read, write
from envs.learning import checkpoints
from envs.learning.algorithm import policy_names
from envs.learning.plan import Plan
from envs.learning.source import commit
from envs.learning.tasks import Task, task_of


def export(
    module: Any,
    file: Path,
    plan: Plan,
    task: Task,
    agent: str,
    seed: int,
    scores: Mapping[str, float] | None = None,
) -> Policy:
    """Writes the actor of an RLModule as FILE.npz and FILE.json and reads it again."""
    schema: Schema = task.schema(agent)
    manifest = Manifest(
        name=file.stem,
        environment=schema.environment,
        shared=schema.shared,
        each=schema.each,
        extras=schema.extras,
        schema_digest=schema.digest,
        candidates=task.candidates(agent),
        architecture=plan.network.architecture,
        activation=plan.network.activation,
        weights_sha256="",
        seed=seed,
        commit=commit(),
        made_by=f"python -m envs.train --config {plan.name} --seed {seed}",
        scores=dict(scores or {}),
        config=plan.model_dump(mode="json"),
    )
    write(file, module.pi.arrays(), manifest)
    return read(file)


def of_checkpoint(folder: Path, into: Path) -> dict[str, Policy]:
    """The policy of each agent of a checkpoint, as files in `into`; see `checkpoints.inspect`."""
    from ray.rllib.core.rl_module import RLModule

    place = checkpoints.newest(folder)
    note = checkpoints.inspect(place)
    task = task_of(note.plan.env, note.plan.settings)
    checkpoints.require(note, place, task)
    modules = place / "learner_group" / "learner" / "rl_module"
    return {
        agent: export(
            RLModule.from_checkpoint(modules / name),
            into / f"{agent}.npz",
            note.plan,
            task,
            agent,
            note.seed,
        )
        for agent, name in policy_names(note.plan, task).items()
    }
