"""The Gymnasium faces: conformance, determinism, and one batch = many single environments."""

from typing import Any

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="the learn extra is not installed")

from gymnasium.utils.env_checker import check_env  # noqa: E402
from gymnasium.vector import AutoresetMode  # noqa: E402

import envs  # noqa: E402, F401, registers the ids
from envs.sliceorch.observation import GLOBALS, QOE_GLOBALS, QOE_NODE  # noqa: E402

# Gymnasium takes -v2, which adds departures, for a newer -v1.
pytestmark = pytest.mark.filterwarnings("ignore:.*out of date:DeprecationWarning")

IDS = ["entente/SliceOrch-v1", "entente/SliceOrch-v2"]


def legal(mask: Any, generator: np.random.Generator) -> Any:
    return (generator.random(mask.shape) * mask).argmax(axis=-1)


@pytest.mark.parametrize("mask", ["sla", "basic", None])
@pytest.mark.parametrize("profile", ["C1", "C2", "C3", "C4"])
@pytest.mark.parametrize("name", IDS)
def test_gymnasium_finds_nothing_to_complain_about(
    name: str, profile: str, mask: str | None
) -> None:
    env = gymnasium.make(name, profile=profile, requests=6, mask=mask, lam=0.5)
    check_env(env.unwrapped)


def test_made_as_the_readme_says_an_episode_ends_after_its_last_slice() -> None:
    env = gymnasium.make("entente/SliceOrch-v1", profile="C2", requests=20, mask="sla")
    _, info = env.reset(seed=0)
    generator, total, ended = np.random.default_rng(0), 0.0, False
    while not ended:
        assert info["action_mask"].any()
        assert "served" not in info
        _, reward, ended, truncated, info = env.step(legal(info["action_mask"], generator))
        assert not truncated
        total += float(reward)
    assert total == info["served"] == info["kept"].sum()
    assert info["availability"] == info["served"] / 20
    placed = info["placement"] > 1
    for key in ("latency", "cost", "sharing", "weighted_cost"):
        assert info[key].shape == (20,)
        assert (np.isfinite(info[key]) == placed).all()
    assert info["latency"][placed].min() == 30.0
    with pytest.raises(RuntimeError, match="over"):
        env.unwrapped.step(0)


@pytest.mark.parametrize("name", IDS)
def test_the_same_seed_is_the_same_episodes_and_another_seed_is_not(name: str) -> None:
    def play(seed: int) -> list[Any]:
        env = gymnasium.make(name, profile="C3", requests=5).unwrapped
        generator, seen = np.random.default_rng(7), []
        for episode in range(2):
            observation, info = env.reset(seed=seed if episode == 0 else None)
            seen.append(observation)
            ended = False
            while not ended:
                observation, reward, ended, _, info = env.step(
                    legal(info["action_mask"], generator)
                )
                seen += [observation, np.float64(reward)]
        return seen

    first, again, other = play(1), play(1), play(2)
    assert len(first) == len(again)
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize(
    "asked",
    [
        {"profile": "C2", "requests": 5},
        {"profile": "C3", "requests": (2, 4), "mask": "basic", "lam": 0.5},
        {"profile": "C1", "requests": 6, "mask": None, "qoe": False},
    ],
    ids=["C2", "C3 mixed lengths", "C1 unmasked, blind"],
)
@pytest.mark.parametrize("name", IDS)
def test_a_batch_gives_exactly_what_single_environments_give(
    name: str, asked: dict[str, Any], mode: AutoresetMode
) -> None:
    """Gymnasium's own vector of single environments is the yardstick, infos included."""
    options = {"num_envs": 3, "vector_kwargs": {"autoreset_mode": mode}}
    single = gymnasium.make_vec(name, vectorization_mode="sync", **options, **asked)
    batch = gymnasium.make_vec(
        name, num_envs=3, vectorization_mode="vector_entry_point", autoreset_mode=mode, **asked
    )
    generator = np.random.default_rng(3)
    pair = [env.reset(seed=11) for env in (single, batch)]
    endings = 0
    for _ in range(120):
        same(pair[0], pair[1])
        endings += int(np.count_nonzero(pair[0][2])) if len(pair[0]) == 5 else 0
        actions = legal(pair[0][-1]["action_mask"], generator)
        pair = [env.step(actions) for env in (single, batch)]
    assert endings > 3


def same(one: Any, two: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == two.keys()
        for key in one:
            same(one[key], two[key])
    elif isinstance(one, tuple):
        assert len(one) == len(two)
        for left, right in zip(one, two, strict=True):
            same(left, right)
    elif isinstance(one, np.ndarray) and one.dtype == object:
        for left, right in zip(one, two, strict=True):
            same(left, right)
    else:
        np.testing.assert_array_equal(one, two)


def test_a_blind_agent_sees_no_bound_preference_or_who_shares() -> None:
    told = gymnasium.make("entente/SliceOrch-v1", requests=4).unwrapped
    blind = gymnasium.make("entente/SliceOrch-v1", requests=4, qoe=False).unwrapped
    (seen, _), (hidden, _) = told.reset(seed=0), blind.reset(seed=0)
    assert seen[QOE_GLOBALS].all()
    assert not hidden[QOE_GLOBALS].any()
    assert seen[GLOBALS:].reshape(6, -1)[QOE_NODE].all()
    assert not hidden[GLOBALS:].reshape(6, -1)[QOE_NODE].any()
    rest = np.arange(QOE_GLOBALS.start)
    assert (seen[rest] == hidden[rest]).all()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"profile": "C9"}, "C1, C2, C3, C4"),
        ({"mask": "hard"}, "sla, basic, none"),
        ({"requests": 0}, "requests"),
        ({"requests": 1001}, "requests"),
        ({"requests": 2.5}, "requests"),
        ({"requests": ()}, "requests"),
        ({"lam": float("nan")}, "lam"),
        ({"lam": -1.0}, "lam"),
        ({"load_erlang": 5.0}, "v2"),
        ({"departures": True, "load_erlang": 0.0}, "load_erlang"),
        ({"departures": True, "load_erlang": float("inf")}, "load_erlang"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused_by_name(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        gymnasium.make("entente/SliceOrch-v1", **asked)


def test_long_episodes_and_crowded_nodes_stay_within_the_observation_space() -> None:
    env = gymnasium.make("entente/SliceOrch-v1", profile="C1", requests=120, mask=None).unwrapped
    observation, _ = env.reset(seed=0)
    ended = False
    while not ended:
        assert observation in env.observation_space
        observation, _, ended, _, _ = env.step(0)
    observation, _ = env.reset(seed=0)
    for step in range(200):
        observation, _, ended, _, _ = env.step(step % 2)
        assert observation in env.observation_space
        if ended:
            break
