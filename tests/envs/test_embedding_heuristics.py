"""Ranking rules: figures measured with virne 1.0.0 itself, and what each rule promises."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.embedding.evaluation import MaskedRandom, evaluate_workload
from envs.embedding.files import write
from envs.embedding.generate import cross_domain, waxman
from envs.embedding.heuristics import NAMES as RULES
from envs.embedding.heuristics import Free, Graph, Verdict, capacity, decide, replay, rule_of
from envs.embedding.model import Workload, link_order
from envs.embedding.paths import table_of
from envs.evaluate import main

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "workloads"

CHAINS = cross_domain(1, 60, 1.0)
MESHED = Workload("", "", CHAINS.substrate, waxman(1, 60).requests)

# accepted of 300, revenue, cost
MEASURED = {
    "order": (206, 9_609, 15_903),
    "ffd": (236, 11_174, 18_857),
    "nrm": (245, 11_789, 19_684),
    "grc": (248, 12_063, 18_787),
    "pl": (241, 11_736, 16_704),
}


def shared(name: str) -> Path:
    if not (SHARED / name).exists():
        pytest.skip(f"{SHARED / name} is not there")
    return SHARED / name


@pytest.mark.parametrize("rule", list(MEASURED))
def test_rules_decide_as_virne_does(rule: str) -> None:
    result = evaluate_workload(shared("xdomain24_s0_300.json"), rule)
    assert (result.accepted, result.revenue, result.cost) == MEASURED[rule]
    assert result.acceptance == result.accepted / 300
    assert result.r2c == result.revenue / result.cost


def test_the_best_rule_on_another_trace_is_as_measured() -> None:
    path = shared("xdomain24_s7_100.json")
    assert max(evaluate_workload(path, rule).acceptance for rule in MEASURED) == 0.9


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("workload", [CHAINS, MESHED], ids=["chains", "meshed"])
def test_no_verdict_takes_more_than_there_is(workload: Workload, rule: str) -> None:
    network = workload.substrate
    live: list[Verdict] = []
    for verdict in replay(workload, rule_of(rule)):
        now = verdict.request.time
        live = [one for one in live if one.request.ends >= now]
        if not verdict.accepted:
            assert verdict.cost == 0.0
            continue
        live.append(verdict)
        assert len(set(verdict.nodes)) == len(verdict.nodes)
        for node, pin in zip(verdict.nodes, verdict.request.domains, strict=True):
            assert pin is None or network.domains[node] == pin
        for (a, b, _), path in zip(link_order(verdict.request), verdict.paths, strict=True):
            ends = np.bincount([end for link in path for end in network.links[link]])
            assert set(np.flatnonzero(ends % 2)) == {verdict.nodes[a], verdict.nodes[b]}
        cpu, bandwidth = np.array(network.cpu), np.array(network.bandwidth)
        for one in live:
            for node, asked in zip(one.nodes, one.request.cpu, strict=True):
                cpu[node] -= asked
            for (_, _, asked), path in zip(link_order(one.request), one.paths, strict=True):
                bandwidth[list(path)] -= asked
        assert cpu.min() >= 0
        assert bandwidth.min() >= 0


def test_a_refusal_leaves_everything_as_it_was() -> None:
    workload = cross_domain(1, 200, 5.0)
    free = Free(workload.substrate, table_of(workload.substrate))
    rule, refused = rule_of("nrm"), 0
    for number, request in enumerate(workload.requests):
        before = free.cpu.tolist(), list(free.bandwidth)
        verdict = decide(request, rule, free)
        if verdict.accepted:
            free.hold(verdict, number)
        else:
            refused += 1
            assert (free.cpu.tolist(), free.bandwidth) == before
    assert refused > 20
    free.leave(1e9)
    assert (free.cpu.tolist(), free.bandwidth) == (
        list(workload.substrate.cpu),
        list(workload.substrate.bandwidth),
    )


def test_many_graphs_rank_as_each_of_them_alone() -> None:
    generator = np.random.default_rng(0)
    cpu = generator.integers(0, 20, (30, 6)).astype(float)
    cpu[3] = 0.0
    upper = np.triu(generator.integers(0, 50, (30, 6, 6)), 1).astype(float)
    bandwidth = upper + upper.swapaxes(1, 2)
    together = capacity(Graph(cpu, bandwidth))
    for one in range(30):
        alone = capacity(Graph(cpu[one], bandwidth[one]))
        np.testing.assert_allclose(together[one], alone, rtol=0, atol=1e-12)
        assert alone.sum() <= 1.0 + 1e-9


def test_a_seed_is_what_makes_random_policies_repeat() -> None:
    workload = cross_domain(1, 80, 1.0)
    for name in ("random", "masked-random"):
        first, again, other = (
            evaluate_workload(workload, name, seed).as_json() for seed in (1, 1, 2)
        )
        assert first["revenue"] == again["revenue"] != other["revenue"]


def test_going_near_costs_less_than_going_anywhere() -> None:
    workload = cross_domain(1, 150)
    near, anywhere = (evaluate_workload(workload, name) for name in ("nearest", "masked-random"))
    assert near.r2c > anywhere.r2c + 0.1


def test_progress_is_told_up_to_the_last_request() -> None:
    workload = cross_domain(1, 12)
    for policy in ("ffd", MaskedRandom(0)):
        told: list[tuple[int, int]] = []
        evaluate_workload(workload, policy, progress=lambda *step, told=told: told.append(step))
        assert told == [(done, 12) for done in range(1, 13)]


def test_the_command_prints_what_a_table_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(cross_domain(1, 30), path := tmp_path / "one.json")
    assert main(["workload", str(path), "--policy", "grc", "--json"]) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["requests"] == 30
    assert said["acceptance"] == said["accepted"] / 30
    assert {"revenue", "cost", "r2c", "cpu_s", "long_term_revenue"} <= said.keys()
    assert main(["workload", str(path), "--policy", "grc", "nearest"]) == 0
    table = capsys.readouterr().out
    assert f"{said['acceptance']:.4f}" in table
    assert "nearest" in table


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "No such file"), ("{}", "schema: Field required"), ("{", "not JSON")],
)
def test_what_cannot_be_evaluated_is_one_line_and_status_2(
    content: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "bad.json").write_text(content)
    assert main(["workload", str(tmp_path / "bad.json"), "--policy", "grc"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_an_unknown_policy_names_the_ones_there_are() -> None:
    with pytest.raises(ValueError, match="order, ffd, nrm, grc, pl, pl-paths, random"):
        evaluate_workload(cross_domain(1, 2), "gcr")
