"""Policies on live domains: what a batch says of them is what really happens."""

from pathlib import Path

import numpy as np
import pytest

from domains.observation import SCHEMA
from domains.policy import write
from envs.crossdomain.policies.rules import Menus
from envs.crossdomain.scenarios import scenario_of
from envs.offers.evolve import export, play
from envs.offers.live import RULE, evaluate_live, main
from envs.offers.policy import WEIGHTS, Offers, Weights
from tests.domains.test_ranking import manifest, weights

SEEDS = (0, 1, 2)


def test_live_domains_serve_what_the_batched_core_serves(tmp_path: Path) -> None:
    """The rule and a random policy, request by request: agent, ledger, planner and all."""
    task = scenario_of("small").task()
    drawn = np.random.default_rng(5).normal(0.0, 1.0, WEIGHTS)
    export(drawn, tmp_path / "drawn.npz", 5, "", {})
    policies = [RULE, str(tmp_path / "drawn.npz")]
    rule, random = evaluate_live(task, policies, len(SEEDS), rounds_max=0)
    episodes = task.draw([np.random.default_rng(seed) for seed in SEEDS])
    of_one = np.zeros(len(SEEDS), dtype=np.int64)
    batched = play(task, Offers(Weights.of(drawn[None]), of_one), episodes)
    assert rule.acceptance.tolist() == play(task, Menus(), episodes).availability.tolist()
    assert random.acceptance.tolist() == batched.availability.tolist()
    assert set(rule.ranked_by.values()) == {"rule"}
    assert all(said.startswith("policy drawn") for said in random.ranked_by.values())
    assert ((rule.utility > 0) & (rule.utility <= rule.acceptance)).all()


def test_the_worst_policy_that_is_legal_costs_acceptance_and_nothing_else(tmp_path: Path) -> None:
    """Dearest first, and all but that withheld: every slice that is served still is one."""
    dearest = weights(SCHEMA.each.index("place"), 3.0, 0.99)
    write(tmp_path / "dearest.npz", dearest, manifest())
    task = scenario_of("small").task(requests=5)
    rule, worst = evaluate_live(task, [RULE, str(tmp_path / "dearest.npz")], 2)
    assert worst.acceptance.mean() <= rule.acceptance.mean()
    assert worst.acceptance.sum() == 0 or worst.price_eur.mean() >= rule.price_eur.mean()


def test_a_policy_that_is_not_there_leaves_the_rule_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    task = scenario_of("small").task(requests=2)
    rule, missing = evaluate_live(task, [RULE, "no-such-policy"], 1)
    assert missing.acceptance.tolist() == rule.acceptance.tolist()
    assert all(said.startswith("rule: cannot read") for said in missing.ranked_by.values())
    assert main(["--scenario", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
