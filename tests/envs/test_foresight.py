"""What is left is worth what it can still serve."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from tests.envs.crossdomain_by_hand import task

if find_spec("torch") is None:
    pytest.skip("the learn extra is not installed", allow_module_level=True)

import torch

from envs.learning import foresight
from envs.learning.foresight import Foresight


@pytest.fixture(scope="module")
def known() -> Foresight:
    """Of three requests, so that little has to be learned."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foresight, "STEPS", 200)
        patch.setattr(foresight, "BATCH", 64)
        patch.setattr(foresight, "EPISODES", 256)
        return Foresight(task("headline", 3), 0)


def test_parts_share_nothing_and_leave_no_class_out(known: Foresight) -> None:
    assert len(known.parts) == 2, "Berlin and Munich"
    classes = np.concatenate([part.classes for part in known.parts])
    assert sorted(classes.tolist()) == list(range(20))
    resources = np.concatenate([part.resources for part in known.parts])
    assert len(set(resources.tolist())) == len(resources)


def test_with_one_request_to_go_it_is_the_odds_that_it_can_be_served(known: Foresight) -> None:
    """Exactly, before anything is learned, and about, after it."""
    one = known.task
    to_go, free = known._states(seed=1)
    free = free[to_go.numpy() == 1]
    odds, backed_up = np.zeros(len(free)), np.zeros(len(free))
    for class_, probability in enumerate(one.tables.probability.tolist()):
        units = one.agreements.frugal(class_).units
        odds += probability * (units <= free[:, None]).all(axis=2).any(axis=1)
    ahead = torch.ones(len(free))
    for part, value in zip(known.parts, known._values, strict=True):
        shares = torch.from_numpy(known._shares(free, part))
        backed_up += foresight._backed_up(value, part, ahead, shares).numpy()
    assert backed_up == pytest.approx(odds, abs=1e-5)
    assert np.corrcoef(known.worth(1, free), odds)[0, 1] > 0.4


def test_nothing_to_go_is_worth_nothing_and_serving_the_last_is_worth_one(known: Foresight) -> None:
    free = known.task.draw([np.random.default_rng(0)]).free
    after = free - known.task.agreements.frugal(3).units[:1]
    kind, yes = np.array([3]), np.array([True])
    assert known.worth(0, free).tolist() == [0.0]
    assert known.gains(0, kind, free, after, yes).tolist() == [1.0]
    assert known.gains(2, kind, free, free, ~yes).tolist() == [0.0]
    assert known.gains(2, kind, free, after, yes)[0] < 1.0


def test_it_shows_one_agreement_that_can_be_kept(known: Foresight) -> None:
    core = known.task.core(16)
    core.start(np.arange(16), known.task.draw([np.random.default_rng(seed) for seed in range(16)]))
    for _ in range(3):
        shown, room = known.act(core), core.room()
        one = (shown.sum(axis=2) == 1).all(axis=1)
        assert (one | (shown == room).all(axis=(1, 2))).all()
        assert one.any()
        agreed, _ = core.step(shown)
        assert agreed[one].all()
