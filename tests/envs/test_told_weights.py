"""Who is not told the preference is not paid by it either."""

import numpy as np
import pytest

from envs.sliceorch.core import SliceOrchestration
from envs.sliceorch.evaluation import fixed_episodes
from envs.sliceorch.instances import WEIGHTS
from envs.sliceorch.profiles import PROFILES, Mask


@pytest.mark.parametrize("told", [True, False])
def test_a_local_slice_costs_its_latency_and_price_by_the_weights_in_force(told: bool) -> None:
    profile = PROFILES["C2"]
    core = SliceOrchestration(profile, 5, 8, Mask.BASIC, cost_weight=0.5, told_weights=told)
    core.load_instances(np.arange(8), fixed_episodes(profile, 5, seed=0, first=0, count=8))
    weights = core.current[:, WEIGHTS] if told else np.full((8, 3), 1 / 3)
    expected = 0.5 * (weights[:, 0] * 30 / 100 + weights[:, 2] * 30 / 40)
    reward = core.step(np.full(8, core.local))
    assert core.served - reward == pytest.approx(expected)
