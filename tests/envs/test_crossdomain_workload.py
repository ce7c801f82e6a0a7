"""Domains on a workload file: the same core as every solver's; episodes as such files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domains.errors import InvalidRequest
from envs.crossdomain.evaluation import fixed_episodes
from envs.crossdomain.export import Projection
from envs.crossdomain.workload import (
    WORKLOAD_NAMES,
    Agents,
    CrossDomainWorkloadVector,
    bidders,
)
from envs.embedding.env import EmbeddingVectorEnv
from envs.embedding.evaluation import evaluate_workload
from envs.embedding.files import read, to_json, write
from envs.embedding.generate import cross_domain
from envs.evaluate import main
from envs.vector_multi import Masks, MultiAgentVectorEnv
from tests.envs.crossdomain_by_hand import task

WORKLOAD = cross_domain(3, requests=40)


def drawn(masks: Masks, generator: np.random.Generator) -> dict[str, Any]:
    return {
        agent: (generator.random(mask.shape) * mask + 1e-9).argmax(axis=1)
        for agent, mask in masks.items()
    }


def test_a_bid_of_one_domain_is_a_placement_of_the_embedding() -> None:
    """Whatever domains offer, what is taken does what that node does to a single agent."""
    env: MultiAgentVectorEnv = CrossDomainWorkloadVector(3, WORKLOAD)
    alone = EmbeddingVectorEnv(3, workload=WORKLOAD)
    agents = Agents(WORKLOAD.substrate)
    _, masks = env.reset(seed=0)
    _, info = alone.reset(seed=0)
    generator = np.random.default_rng(0)
    while True:
        actions = drawn(masks, generator)
        offered = np.zeros((3, alone.core.nodes), dtype=np.bool_)
        for name, nodes in agents.nodes.items():
            for row, action in enumerate(actions[name].tolist()):
                if action < len(nodes):
                    offered[row, nodes[action]] = True
        node = agents.merge(alone.core, offered)
        legal = info["action_mask"].astype(np.bool_)[:, : alone.core.nodes]
        assert ((node == alone.core.refuse) == ~(offered & legal).any(axis=1)).all()
        found = env.step(actions)
        _, reward, done, _, info = alone.step(node)
        masks = found.masks
        assert np.array_equal(found.terminated, done)
        for agent in env.agents:
            assert np.array_equal(found.rewards[agent], reward.astype(np.float32))
        if done.all():
            break
    assert np.array_equal(found.infos["acceptance"], info["acceptance"])
    assert 0.5 < found.infos["acceptance"].mean() < 1


def test_only_the_domains_that_a_function_may_go_to_have_something_to_offer() -> None:
    env = CrossDomainWorkloadVector(1, WORKLOAD)
    _, masks = env.reset(seed=0)
    trace = env.core.traces
    generator = np.random.default_rng(1)
    kinds = set()
    for _ in range(60):
        allowed = env.core.allowed[trace.pin[env.core.cursor[0]]]
        asked = {name for name, mask in masks.items() if mask[0, :-1].any()}
        kinds.add(len(asked))
        for name, nodes in Agents(WORKLOAD.substrate).nodes.items():
            assert name not in asked or allowed[nodes].all()
        masks = env.step(drawn(masks, generator)).masks
    assert {1, 4} <= kinds, "pinned ones and free ones"


def test_observations_have_the_sizes_that_were_told_and_rows_do_not_mix() -> None:
    together = CrossDomainWorkloadVector(3, WORKLOAD, fresh=True)
    apart = CrossDomainWorkloadVector(1, WORKLOAD, fresh=True)
    seen, masks = together.reset(seed=5)
    mine, own = apart.reset(seed=6)
    generator = np.random.default_rng(2)
    for _ in range(50):
        for agent in together.agents:
            assert seen[agent].shape == (3, together.observation_size[agent])
            assert masks[agent].shape == (3, together.action_count[agent])
            assert np.array_equal(seen[agent][1], mine[agent][0])
            assert np.array_equal(masks[agent][1], own[agent][0])
        actions = drawn(masks, generator)
        found = together.step(actions)
        alone = apart.step({agent: action[[1]] for agent, action in actions.items()})
        seen, masks, mine, own = found.observations, found.masks, alone.observations, alone.masks


@pytest.mark.parametrize("name", WORKLOAD_NAMES)
def test_domains_with_rules_accept_about_what_one_mind_does(name: str) -> None:
    result = evaluate_workload(WORKLOAD, bidders(name))
    again = evaluate_workload(WORKLOAD, bidders(name))
    assert result.accepted == again.accepted
    assert result.acceptance > 0.5
    assert result.cost >= result.revenue > 0


def test_an_episode_goes_through_a_file_unchanged(tmp_path: Path) -> None:
    found = task("medium")
    episodes = fixed_episodes(found, 1, 0, 2)
    workload = Projection(found).workload(episodes, 1, "medium-1")
    write(workload, tmp_path / "one.json")
    assert read(tmp_path / "one.json") == workload
    assert len(workload.requests) == found.requests
    pins = {label for label in workload.substrate.domains if label}
    for request in workload.requests:
        assert set(request.domains) <= pins
        domains = [str(label).partition("/")[0] for label in request.domains]
        assert domains == ["access-north", "transport-one", "core-central", "cloud-regional"]
    accepted = {name: evaluate_workload(workload, name).acceptance for name in ("grc", "ffd")}
    assert min(accepted.values()) > 0.5


def test_the_command_takes_and_writes_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "episode.json"
    asked = f"crossdomain --scenario small --policy greedy --episodes 2 --write {file} --json"
    assert main(asked.split()) == 0
    capsys.readouterr()
    assert main(f"crossdomain --workload {file} --policy nearest --json".split()) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["requests"] == 8
    assert said["policy"] == "domains, nearest"


DAMAGED = {
    "a missing node": (("links", 0, "u"), 999, "there is no node 999"),
    "a negative demand": (("requests", 0, "nodes", 0), -1.0, "requests[0].nodes[0]"),
    "a pin to nowhere": (("requests", 0, "domains"), ["access"], "domains"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_file_is_refused_by_field(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, value, why = DAMAGED[what]
    content: Any = to_json(WORKLOAD)
    at = content
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(content))
    assert main(f"crossdomain --workload {file} --policy nearest".split()) == 2
    assert why in capsys.readouterr().err


def test_a_rule_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="one of random, roomiest, tightest, nearest"):
        bidders("wise")


def test_actions_must_be_whole_and_there() -> None:
    env = CrossDomainWorkloadVector(2, WORKLOAD)
    env.reset(seed=0)
    with pytest.raises(InvalidRequest, match="must be 2 integers"):
        env.step({})
