"""The Gymnasium faces: conformance, determinism, and one batch = many single environments."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="the learn extra is not installed")

from gymnasium.utils.env_checker import check_env  # noqa: E402
from gymnasium.vector import AutoresetMode  # noqa: E402

import envs  # noqa: E402, F401, registers the ids
from envs.embedding.core import Mask  # noqa: E402
from envs.embedding.evaluation import evaluate_workload  # noqa: E402
from envs.embedding.files import write  # noqa: E402
from envs.embedding.generate import cross_domain  # noqa: E402
from envs.embedding.observation import GLOBALS, NODE_NAMES  # noqa: E402

NAME = "entente/Embedding-v0"
CHAINS = cross_domain(1, 12, 2.0)
TASKS: list[dict[str, Any]] = [
    {"workload": CHAINS},
    {"workload": CHAINS, "mask": "nodes", "reward": "r2c", "requests": 5},
    {"workload": CHAINS, "fresh": True, "reward": "revenue", "requests": 7},
]
CASES = pytest.mark.parametrize("asked", TASKS, ids=["file", "unlinked", "fresh"])


def legal(mask: Any, generator: np.random.Generator) -> Any:
    draws = generator.random(mask.shape) * mask
    draws[..., -1] *= 0.2
    return draws.argmax(axis=-1)


@CASES
def test_gymnasium_finds_nothing_to_complain_about(asked: dict[str, Any]) -> None:
    check_env(gymnasium.make(NAME, **asked).unwrapped)


def test_made_from_a_file_an_episode_ends_after_its_last_request(tmp_path: Path) -> None:
    write(CHAINS, tmp_path / "one.json")
    env = gymnasium.make(NAME, workload=tmp_path / "one.json")
    observation, info = env.reset(seed=0)
    generator, total, ended = np.random.default_rng(0), 0.0, False
    while not ended:
        assert observation in env.observation_space
        assert "accepted" not in info
        action = legal(info["action_mask"], generator)
        observation, reward, ended, truncated, info = env.step(action)
        assert not truncated
        total += float(reward)
    assert total == info["accepted"] == info["verdicts"].sum()
    assert info["acceptance"] == info["accepted"] / 12
    assert info["r2c"] == info["revenue"] / info["cost"]
    accepted = [one for one, yes in zip(CHAINS.requests, info["verdicts"], strict=True) if yes]
    assert info["revenue"] == sum(one.revenue for one in accepted)
    held = sum(one.revenue * one.life for one in accepted)
    assert info["long_term_revenue"] == pytest.approx(held / CHAINS.horizon)
    with pytest.raises(RuntimeError, match="over"):
        env.unwrapped.step(0)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@CASES
def test_a_batch_gives_exactly_what_single_environments_give(
    asked: dict[str, Any], mode: AutoresetMode
) -> None:
    """Gymnasium's own vector of single environments is the yardstick, infos included."""
    options = {"num_envs": 3, "vector_kwargs": {"autoreset_mode": mode}}
    single = gymnasium.make_vec(NAME, vectorization_mode="sync", **options, **asked)
    batch = gymnasium.make_vec(
        NAME, num_envs=3, vectorization_mode="vector_entry_point", autoreset_mode=mode, **asked
    )
    generator = np.random.default_rng(3)
    pair = [env.reset(seed=11) for env in (single, batch)]
    endings = 0
    for _ in range(150):
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


def test_fresh_requests_follow_the_seed_and_a_file_does_not() -> None:
    for fresh in (True, False):
        env = gymnasium.make(NAME, workload=CHAINS, fresh=fresh, requests=6).unwrapped
        seen = [env.reset(seed=seed)[0] for seed in (1, 1, 2)]
        assert np.array_equal(seen[0], seen[1])
        assert np.array_equal(seen[0], seen[2]) != fresh


def test_the_route_cost_that_is_seen_is_the_one_that_is_paid() -> None:
    env = gymnasium.make(NAME, workload=CHAINS).unwrapped
    observation, info = env.reset(seed=0)
    spent = 0.0
    while env.core.turn[0] == 0:
        assert info["action_mask"][: env.core.nodes].any()
        node = observation[GLOBALS:].reshape(len(NODE_NAMES), -1)
        assert np.array_equal(node[NODE_NAMES.index("linked")], info["action_mask"][:-1])
        action = int(np.flatnonzero(info["action_mask"][:-1])[-1])
        asked = observation[1] * env.task.scales.around
        spent += float(node[NODE_NAMES.index("route_cost"), action]) * 4.0 * float(asked)
        observation, _, _, _, info = env.step(action)
    routed = env.core.cost[0] - sum(CHAINS.requests[0].cpu)
    assert spent == pytest.approx(routed, rel=1e-5)


def test_the_evaluation_and_the_environment_agree() -> None:
    class Last:
        name, mask = "last", Mask.LINKS

        def act(self, core: Any) -> Any:
            return np.where(core.legal[:, :-1].any(axis=1), last(core.legal), core.refuse)

    def last(mask: Any) -> Any:
        return mask.shape[1] - 2 - mask[:, :-1][:, ::-1].argmax(axis=1)

    env = gymnasium.make(NAME, workload=CHAINS).unwrapped
    _, info = env.reset()
    while "accepted" not in info:
        mask = info["action_mask"][None]
        info = env.step(int(last(mask)[0] if mask[0, :-1].any() else env.core.refuse))[-1]
    result = evaluate_workload(CHAINS, Last())
    for key in ("accepted", "acceptance", "revenue", "cost", "r2c", "long_term_revenue"):
        assert getattr(result, key) == pytest.approx(info[key])


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"mask": "hard"}, "links, nodes"),
        ({"reward": "gold"}, "acceptance, revenue, r2c"),
        ({"requests": 0}, "requests"),
        ({"requests": 13}, "1..12"),
        ({"requests": 2.5}, "requests"),
        ({"requests": 100_001, "fresh": True}, "requests"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused_by_name(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        gymnasium.make(NAME, workload=CHAINS, **asked)


def test_no_node_and_no_number_that_there_is_not_breaks_an_episode() -> None:
    env = gymnasium.make_vec(NAME, num_envs=4, workload=CHAINS)
    with pytest.raises(RuntimeError, match="reset"):
        env.step(np.zeros(4, dtype=np.int64))
    env.reset(seed=0)
    for _ in range(40):
        _, rewards, _, _, info = env.step(np.array([-1, 25, 10**12, -(10**12)]))
        assert not rewards.any()
        assert info["action_mask"][:, -1].all()
