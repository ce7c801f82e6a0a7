"""The three faces: vector, RLlib and PettingZoo; what they promise and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domains.errors import InvalidRequest
from envs.crossdomain.demand import Demand, Wanted
from envs.crossdomain.env import CrossDomainVector
from envs.crossdomain.scenarios import SCENARIOS, Scenario
from envs.vector_multi import Masks, MultiAgentVectorEnv
from tests.envs.crossdomain_by_hand import task

ROOT = Path(__file__).resolve().parents[2]


def vector(rows: int, **settings: Any) -> CrossDomainVector:
    return CrossDomainVector(rows, task(), **settings)


def legal(masks: Masks, generator: np.random.Generator) -> dict[str, Any]:
    """A random legal action of every agent, offering something where it can."""
    chosen = {}
    for agent, mask in masks.items():
        draws = generator.random((len(mask), mask.shape[1])) * mask
        draws[:, -1] = 1e-9
        chosen[agent] = draws.argmax(axis=1)
    return chosen


def test_a_row_is_the_same_whatever_else_is_stepped_beside_it() -> None:
    together, apart = vector(5), [vector(1) for _ in range(5)]
    seen, masks = together.reset(seed=11)
    each = [one.reset(seed=11 + row) for row, one in enumerate(apart)]
    generator = np.random.default_rng(0)
    for _ in range(45):
        for row, (alone, its_masks) in enumerate(each):
            for agent in together.agents:
                assert np.array_equal(alone[agent][0], seen[agent][row])
                assert np.array_equal(its_masks[agent][0], masks[agent][row])
        actions = legal(masks, generator)
        found = together.step(actions)
        each = []
        for row, one in enumerate(apart):
            mine = one.step({agent: action[[row]] for agent, action in actions.items()})
            assert mine.terminated[0] == found.terminated[row]
            for agent in together.agents:
                assert mine.rewards[agent][0] == found.rewards[agent][row]
            each.append((mine.observations, mine.masks))
        seen, masks = found.observations, found.masks


def test_a_seed_decides_everything() -> None:
    def played(seed: int) -> list[Any]:
        env = vector(3, reward="difference", lam=0.3)
        _, masks = env.reset(seed)
        generator, told = np.random.default_rng(5), []
        for _ in range(25):
            found = env.step(legal(masks, generator))
            masks = found.masks
            told.append((found.observations, found.rewards, found.infos["served"]))
        return told

    assert repr(played(3)) == repr(played(3))
    assert repr(played(3)) != repr(played(4))


def test_the_step_after_the_last_begins_anew_and_pays_nothing() -> None:
    env: MultiAgentVectorEnv = vector(2)
    _, masks = env.reset(seed=0)
    generator = np.random.default_rng(0)
    served = np.zeros(2)
    for _ in range(task().requests):
        found = env.step(legal(masks, generator))
        masks = found.masks
        served += found.rewards[env.agents[0]]
    assert found.terminated.all()
    assert not found.truncated.any()
    assert np.array_equal(found.infos["availability"], served / task().requests)
    assert all(not mask[:, :-1].any() and mask[:, -1].all() for mask in masks.values())
    anew = env.step(legal(masks, generator))
    assert not anew.terminated.any()
    assert all((reward == 0).all() for reward in anew.rewards.values())
    assert all((seen[:, 0] == 1).all() for seen in anew.observations.values()), "all remain"


def test_observations_are_within_bounds_and_no_mask_is_empty() -> None:
    env = vector(16, bids=3)
    seen, masks = env.reset(seed=1)
    generator = np.random.default_rng(1)
    for _ in range(45):
        for agent in env.agents:
            assert seen[agent].shape == (16, env.observation_size[agent])
            assert seen[agent].dtype == np.float32
            assert seen[agent].min() >= 0
            assert seen[agent].max() <= 1
            assert masks[agent].shape == (16, env.action_count[agent])
            assert masks[agent][:, -1].all()
        found = env.step(legal(masks, generator))
        seen, masks = found.observations, found.masks


def test_what_was_taken_is_gone_and_never_more_than_there_was() -> None:
    env = vector(8)
    _, masks = env.reset(seed=2)
    generator, tables = np.random.default_rng(2), task().tables
    for _ in range(task().requests):
        before, kind = env.core.free.copy(), env.core.kind()
        found = env.step(legal(masks, generator))
        masks = found.masks
        turn = env.core.turn - 1
        for row in range(8):
            taken = np.zeros(tables.nothing + 1, dtype=np.int64)
            chain = int(env.core.chain[row, turn[row]])
            assert (chain >= 0) == found.infos["served"][row]
            if chain >= 0:
                for place, hop in enumerate(tables.chain[kind[row], chain].tolist()):
                    if hop < tables.hops:
                        at = tables.row[kind[row], hop], env.core.picks[row, turn[row], place]
                        np.add.at(taken, tables.resource[at], tables.units[at])
            assert np.array_equal(before[row] - taken, env.core.free[row])


def test_an_illegal_action_offers_nothing_and_is_counted() -> None:
    env = vector(1)
    env.reset(seed=0)
    wrong = {agent: np.array([99]) for agent in env.agents}
    found = env.step(wrong)
    assert not found.infos["served"][0]
    assert all(found.infos["illegal"][agent][0] for agent in env.agents)
    none = {agent: np.array([count - 1]) for agent, count in env.action_count.items()}
    assert not any(env.step(none).infos["illegal"][agent][0] for agent in env.agents)


def test_whoever_nobody_could_stand_in_for_is_paid_all_of_it() -> None:
    env = vector(4, reward="difference", lam=0.5)
    _, masks = env.reset(seed=0)
    generator = np.random.default_rng(0)
    for _ in range(task().requests):
        found = env.step(legal(masks, generator))
        masks = found.masks
        team = np.where(found.infos["served"], 1 - 0.5 * found.infos["weighted_cost"], 0)
        for agent in env.agents:
            assert found.rewards[agent] == pytest.approx(team)


def test_the_parallel_face_passes_its_own_test() -> None:
    from pettingzoo.test import parallel_api_test

    from envs.crossdomain.parallel import CrossDomainParallel

    parallel_api_test(CrossDomainParallel(scenario=task()), num_cycles=60)


def test_the_rllib_face_keeps_its_contract() -> None:
    """In a process of its own: Ray reads its token at import, and other tests have another."""
    command = [sys.executable, "-m", "tests.envs.rllib_face"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_can_be_built_and_played(name: str) -> None:
    env = CrossDomainVector(2, task(name))
    _, masks = env.reset(seed=0)
    found = env.step(legal(masks, np.random.default_rng(0)))
    assert len(found.rewards) == len(env.agents) == len(task(name).network.configs)


IMPOSSIBLE = {
    "no such service": (Wanted("time travel", (1,)), "the catalogue has no 'time travel'"),
    "no such devices": (Wanted("smart metering", (0,)), "of 0 devices"),
    "too much": (Wanted("bulk data transfer", (1000,)), "even the empty network cannot serve it"),
    "too cheap": (Wanted("smart metering", (9,), (None,), (900,)), "below the cheapest agreement"),
    "no weight": (Wanted("smart metering", (9,), weight=0.0), "not all 0"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_demand_that_cannot_be_is_refused_by_name(name: str) -> None:
    wanted, why = IMPOSSIBLE[name]
    places = (("berlin/mitte", "berlin"),)
    with pytest.raises(InvalidRequest, match=why):
        Scenario("x", "germany", Demand((wanted,), places), 5, (1000, 1000)).task()


def test_devices_somewhere_in_a_city_need_a_district() -> None:
    demand = Demand((Wanted("surgical robot control", (1,)),), (("berlin", "berlin"),))
    with pytest.raises(InvalidRequest, match="name one of its districts"):
        Scenario("x", "germany", demand, 5, (1000, 1000)).task()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"scenario": "nowhere"}, "no scenario 'nowhere': one of"),
        ({"requests": 0}, "requests must be an integer"),
        ({"lam": float("nan")}, "lam must be"),
        ({"bids": 0}, "bids must be"),
        ({"reward": "selfish"}, "no reward 'selfish': one of team, difference"),
        ({"num_envs": 0}, "num_envs must be"),
        ({"configs": "/nowhere"}, "holds no domain files"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        CrossDomainVector(**({"num_envs": 1} | settings))


def test_actions_must_be_whole_and_there() -> None:
    env = vector(2)
    env.reset(seed=0)
    with pytest.raises(InvalidRequest, match="there is no action of"):
        env.step({})
    with pytest.raises(InvalidRequest, match="must be 2 integers"):
        env.step(dict.fromkeys(env.agents, np.zeros(2)))  # type: ignore[arg-type]
