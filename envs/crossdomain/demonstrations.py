"""What a reference policy sees, does and serves from then on: material for agents to learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from envs.arrays import Array32, Bools, Ints
from envs.crossdomain.observation import Observer
from envs.crossdomain.policies import Policy
from envs.crossdomain.scenarios import Task

_DEMONSTRATION: Final = 0xDE40
"""Keeps these episodes apart from those of trainings and evaluations."""
ROWS_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Shown:
    """One agent's part, of all N steps of all episodes.

    observations: [N, D], as `Observer.schema` names them; masks: [N, A]; actions: [N], legal;
    returns: [N], requests that the team served from this step to the end.
    """

    observations: Array32
    masks: Bools
    actions: Ints
    returns: Array32


def demonstrate(teacher: Policy, task: Task, episodes: int, seed: int) -> Mapping[str, Shown]:
    """Plays the teacher on episodes of its own, by agent. It must offer one option per hop."""
    observer = Observer(task)
    kept: dict[str, list[Shown]] = {agent.name: [] for agent in observer.agents}
    for first in range(0, episodes, ROWS_MAX):
        rows = range(first, min(first + ROWS_MAX, episodes))
        for agent, shown in _play(teacher, task, observer, seed, rows).items():
            kept[agent].append(shown)
    return {
        agent: Shown(
            np.concatenate([one.observations for one in parts]),
            np.concatenate([one.masks for one in parts]),
            np.concatenate([one.actions for one in parts]),
            np.concatenate([one.returns for one in parts]),
        )
        for agent, parts in kept.items()
    }


def _play(
    teacher: Policy, task: Task, observer: Observer, seed: int, episodes: range
) -> dict[str, Shown]:
    core = task.core(len(episodes))
    generators = [np.random.default_rng((seed, one, _DEMONSTRATION)) for one in episodes]
    core.start(np.arange(core.rows), task.draw(generators))
    teacher.begin(core)
    steps: dict[str, list[tuple[Array32, Bools, Ints]]] = {a.name: [] for a in observer.agents}
    served = []
    while not core.done.all():
        legal = observer.legal(core)
        common = observer.common(core, legal)
        shown = teacher.act(core)
        actions = observer.actions(core, shown & legal)
        for agent in observer.agents:
            seen = observer.observe(core, agent, common)
            mask = observer.mask(core, agent, legal)
            steps[agent.name].append((seen, mask, actions[agent.name]))
        served.append(core.step(shown)[0])
    to_go = np.cumsum(np.array(served)[::-1], axis=0)[::-1].astype(np.float32).ravel()
    return {
        agent: Shown(
            np.concatenate([seen for seen, _, _ in found]),
            np.concatenate([mask for _, mask, _ in found]),
            np.concatenate([action for _, _, action in found]),
            to_go,
        )
        for agent, found in steps.items()
    }
