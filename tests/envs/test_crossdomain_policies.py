"""References, the optimum they are measured by, and what the evaluation makes of them."""

from __future__ import annotations

import json
from itertools import product
from math import prod

import numpy as np
import pytest

from domains.errors import InvalidRequest
from domains.model import PPB
from envs.arrays import Ints
from envs.crossdomain.core import Episodes
from envs.crossdomain.demonstrations import demonstrate
from envs.crossdomain.env import CrossDomainVector
from envs.crossdomain.evaluation import CrossDomainResult, evaluate_crossdomain, fixed_episodes
from envs.crossdomain.policies import NAMES, Learned, policy_of
from envs.crossdomain.policies.optimum import planned
from envs.crossdomain.scenarios import Task
from envs.evaluate import main
from envs.vector_multi import Masks, Observations
from tests.envs.crossdomain_by_hand import task

EPISODES = 20


@pytest.fixture(scope="module")
def results() -> dict[str, CrossDomainResult]:
    return {name: evaluate_crossdomain(task(), name, EPISODES, seed=0) for name in NAMES}


def test_nobody_serves_more_than_the_proven_optimum(results: dict[str, CrossDomainResult]) -> None:
    optimum = results["optimum"]
    assert optimum.proven == EPISODES
    assert optimum.bound == pytest.approx(optimum.availability.mean)
    for result in results.values():
        assert (result.by_episode <= optimum.by_episode).all(), result.policy


def test_rules_leave_something_to_learn_and_it_can_be_had(
    results: dict[str, CrossDomainResult],
) -> None:
    """What the headline scenario was calibrated to."""
    shares = {name: result.share_of(results["optimum"]) for name, result in results.items()}
    told = {name: share.mean for name, share in shares.items() if share is not None}
    assert 0.88 < told["proportional-split"] < 0.95
    assert 0.88 < told["greedy"] < 0.95
    assert told["scarcity"] > 0.94
    assert told["random"] < told["equal-split"] < told["proportional-split"]
    gain = results["scarcity"].against(results["proportional-split"])
    assert gain.interval_95 is not None
    assert gain.interval_95[0] > 0, "more than chance"


def _combinations(found: Task, kind: int) -> Ints:
    """What each agreement of a class takes, [N, resources], the needless ones left out."""
    tables = found.tables
    takes = []
    for chain in tables.chain[kind, tables.chain_present[kind]]:
        rows = tables.row[kind, chain]
        for picks in product(*(np.flatnonzero(tables.present[row]) for row in rows)):
            at = rows, np.array(picks)
            keeps = (
                tables.latency_us[at].sum() <= tables.latency_us_max[kind]
                and prod(tables.availability_ppb[at].tolist())
                >= int(tables.availability_ppb_min[kind]) * PPB ** (len(rows) - 1)
                and tables.price_micros[at].sum() <= tables.price_micros_max[kind]
            )
            if keeps:
                one = np.zeros(tables.nothing + 1, dtype=np.int64)
                np.add.at(one, tables.resource[at].ravel(), tables.units[at].ravel())
                takes.append(one[: tables.plenty])
    unique = np.unique(np.array(takes), axis=0)
    less = [((unique <= one).all(axis=1) & (unique < one).any(axis=1)).any() for one in unique]
    needed: Ints = unique[~np.array(less)]
    return needed


def _by_brute_force(takes: list[Ints], free: Ints) -> int:
    if not takes:
        return 0
    best = _by_brute_force(takes[1:], free)
    for one in takes[0][(takes[0] <= free).all(axis=1)]:
        if best == len(takes):
            break
        best = max(best, 1 + _by_brute_force(takes[1:], free - one))
    return best


def test_the_optimum_is_what_brute_force_finds() -> None:
    found = task("small", 3)
    known: dict[int, Ints] = {}
    served = []
    for episode in range(15):
        drawn = fixed_episodes(found, 5, episode, 1)
        kinds, free = drawn.kinds[0], drawn.free[0]
        for kind in kinds.tolist():
            known.setdefault(kind, _combinations(found, kind))
        best = _by_brute_force([known[kind] for kind in kinds.tolist()], free)
        plan = planned(found.tables, kinds, free)
        assert plan.served == plan.bound == best
        served.append(best)
    assert len(set(served)) > 1, "all alike shows little"


def test_a_policy_of_agents_gets_what_the_environment_gives_it() -> None:
    """The evaluation and the vector play the same episodes the same way, observations included."""

    def first_legal(seen: Observations, masks: Masks) -> dict[str, Ints]:
        return {
            agent: np.where(seen[agent][:, 1] > 0.3, mask.argmax(axis=1), (mask * 1).argmax(axis=1))
            for agent, mask in masks.items()
        }

    env = CrossDomainVector(8, task(), episodes=fixed_episodes(task(), 3, 0, 8))
    seen, masks = env.reset()
    for _ in range(task().requests):
        found = env.step(first_legal(seen, masks))
        seen, masks = found.observations, found.masks
    learned = Learned("first legal", first_legal, env.observer)
    result = evaluate_crossdomain(task(), learned, 8, seed=3)
    assert np.array_equal(result.by_episode, found.infos["availability"])
    assert result.illegal == 0


@pytest.mark.parametrize("name", ["proportional-split", "scarcity", "prices"])
def test_what_a_reference_offers_can_be_told_as_actions(name: str) -> None:
    """So it can be imitated: one chain, one option per hop."""
    policy, found = policy_of(name), task()
    env = CrossDomainVector(10, found, episodes=fixed_episodes(found, 0, 0, 10))
    _, masks = env.reset()
    for _ in range(found.requests):
        actions = env.observer.actions(env.core, policy.act(env.core))
        legal = {
            agent: np.where(masks[agent][np.arange(10), action], action, masks[agent].shape[1] - 1)
            for agent, action in actions.items()
        }
        step = env.step(legal)
        masks = step.masks
    told = step.infos["availability"]
    straight = evaluate_crossdomain(found, name, 10, seed=0).by_episode
    assert told.mean() == pytest.approx(straight.mean(), abs=0.03)


def test_an_episode_is_the_same_in_whatever_batch_it_is_drawn() -> None:
    many, some = fixed_episodes(task(), 3, 0, 6), fixed_episodes(task(), 3, 4, 2)
    assert np.array_equal(many.kinds[4:], some.kinds)
    assert np.array_equal(many.free[4:], some.free)
    assert isinstance(many[np.array([0])], Episodes)


def test_different_episodes_cannot_be_paired(results: dict[str, CrossDomainResult]) -> None:
    other = evaluate_crossdomain(task(), "greedy", EPISODES, seed=1)
    with pytest.raises(InvalidRequest, match="seed 1 and 0"):
        other.against(results["greedy"])


def test_the_command_prints_json_and_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    asked = "crossdomain --scenario small --policy greedy --against optimum --episodes 10"
    assert main([*asked.split(), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["scenario"], said["policy"], said["episodes"]) == ("small", "greedy", 10)
    assert 0 < said["against"]["share"]["mean"] <= 1
    assert main(asked.split()) == 0
    assert "proven in 10 of 10" in capsys.readouterr().out


@pytest.mark.parametrize(
    "asked",
    ["--policy wise", "--policy greedy --scenario mars", "--policy greedy --episodes 0"],
)
def test_the_command_says_what_is_wrong_in_a_line(
    asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["crossdomain", *asked.split()]) == 2
    assert "error: " in capsys.readouterr().err


def test_a_demonstration_is_legal_and_its_returns_are_what_was_served() -> None:
    shown = demonstrate(policy_of("scarcity"), task(), 6, seed=0)
    for one in shown.values():
        steps = 6 * task().requests
        assert len(one.observations) == len(one.masks) == len(one.actions) == steps
        assert one.masks[np.arange(steps), one.actions].all()
        assert one.returns.reshape(task().requests, 6)[0].mean() > 10
        assert (np.diff(one.returns.reshape(task().requests, 6), axis=0) <= 0).all()


def test_a_schema_names_every_number_that_an_agent_sees() -> None:
    env = CrossDomainVector(1, task())
    seen, _ = env.reset(seed=0)
    for agent in env.observer.agents:
        schema = env.observer.schema(agent)
        assert schema.size(agent.options) == seen[agent.name].shape[1]
        assert schema.actions(agent.options) == env.action_count[agent.name]
        options = seen[agent.name][0, len(schema.shared) :].reshape(-1, agent.options)
        assert len(options) == len(schema.each)
        legal = options[[name.startswith("legal") for name in schema.each]].any(axis=0)
        assert np.array_equal(legal, env.observer.mask(env.core, agent, env._legal)[0, :-1])
