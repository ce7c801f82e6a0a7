"""What a policy sees, does and is rewarded with in placement: material to learn from."""

from typing import Final

import numpy as np

from envs.arrays import Array32, Bools, Floats, Ints
from envs.embedding.env import Task
from envs.embedding.evaluation import acting

_DEMONSTRATION: Final = 0xDE40  # keeps these episodes apart from those of trainings
ROWS_MAX: Final = 64


def demonstrate(
    teacher: str, task: Task, episodes: int, seed: tuple[int, ...]
) -> tuple[Array32, Bools, Ints, Array32, Array32]:
    """Observations [N, D], masks [N, A], actions [N], returns [N] and states [N, 0] of all steps.

    ValueError for a teacher that does not act in the environment.
    """
    policy = acting(teacher, seed[0])
    if policy is None or policy.mask is not task.mask:
        raise ValueError(f"no teacher {teacher!r} acts under the mask of {task.mask}")
    kept = []
    for first in range(0, episodes, ROWS_MAX):
        rows = np.arange(min(ROWS_MAX, episodes - first))
        core = task.core(len(rows))
        numbers = range(first, first + len(rows))
        generators = [np.random.default_rng((*seed, one, _DEMONSTRATION)) for one in numbers]
        task.start(core, rows, generators)
        seen, rewards = [], list[Floats]()
        while core.active.any():
            active, actions = core.active.copy(), policy.act(core)
            seen.append((task.observe(core), core.legal, actions, active))
            rewards.append(core.step(actions))
        took_part = np.array([one[3] for one in seen])
        to_go = np.cumsum(np.array(rewards)[::-1], axis=0)[::-1].astype(np.float32)
        columns = [np.array([one[part] for one in seen])[took_part] for part in range(3)]
        kept.append((*columns, to_go[took_part]))
    observations, masks, actions, returns = (
        np.concatenate(part) for part in zip(*kept, strict=True)
    )
    return observations, masks, actions, returns, np.zeros((len(actions), 0), dtype=np.float32)
