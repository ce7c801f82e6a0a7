"""What a reference policy sees, does and is rewarded with: material to learn from."""

from collections.abc import Sequence

import numpy as np

from envs.arrays import Array32, Bools, Floats, Ints
from envs.sliceorch.core import SliceOrchestration
from envs.sliceorch.instances import draw
from envs.sliceorch.observation import observe
from envs.sliceorch.policies import Policy
from envs.sliceorch.profiles import Mask, Profile

_DEMONSTRATION = 0xDE40  # keeps these episodes apart from those of trainings and evaluations
ROWS_MAX = 512


def demonstrate(
    teacher: Policy,
    profile: Profile,
    requests: Sequence[int],
    mask: Mask,
    episodes: int,
    seed: int,
    load_erlang: float | None = None,
) -> tuple[Array32, Bools, Ints, Array32]:
    """Observations [N, D], masks [N, A], actions [N] and undiscounted returns [N], of all steps."""
    kept: list[tuple[Array32, Bools, Ints, Array32]] = []
    for first in range(0, episodes, ROWS_MAX):
        rows = min(ROWS_MAX, episodes - first)
        generators = [
            np.random.default_rng((seed, first + row, _DEMONSTRATION)) for row in range(rows)
        ]
        core = SliceOrchestration(profile, max(requests), rows, mask)
        core.load_instances(np.arange(rows), draw(profile, requests, generators, load_erlang))
        kept.append(_play(teacher, core))
    observations, masks, actions, returns = zip(*kept, strict=True)
    return (
        np.concatenate(observations),
        np.concatenate(masks),
        np.concatenate(actions),
        np.concatenate(returns),
    )


def _play(teacher: Policy, core: SliceOrchestration) -> tuple[Array32, Bools, Ints, Array32]:
    seen: list[tuple[Array32, Bools, Ints, Bools]] = []
    rewards: list[Floats] = []
    teacher.begin(core)
    while not core.done.all():
        active, actions = ~core.done, teacher.act(core)
        seen.append((observe(core), core.legal.copy(), actions, active))
        rewards.append(core.step(actions))
    to_go = np.cumsum(np.array(rewards)[::-1], axis=0)[::-1].astype(np.float32)
    active = np.array([one[3] for one in seen])
    columns = (np.array([one[part] for one in seen])[active] for part in range(3))
    observations, masks, actions = columns
    return observations, masks, actions, to_go[active]
