"""The trained policies, how they are trained, and the clairvoyant optimum."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.embedding import heuristics
from envs.embedding.core import Mask, domains_of
from envs.embedding.evaluation import Policy, evaluate_workload
from envs.embedding.evolve import evolve, play, start
from envs.embedding.features import NODE_NAMES, REQUEST_NAMES, candidates, network_of, requests
from envs.embedding.generate import cross_domain, waxman
from envs.embedding.heuristics import Verdict
from envs.embedding.learned import (
    FEATURES,
    FILLING_STAYS,
    SHIPPED,
    WEIGHTS,
    CheckpointError,
    Learned,
    ageless,
    is_busy,
    shipped,
)
from envs.embedding.model import Request, Substrate, Workload
from envs.embedding.traces import Trace
from envs.evolution import Evolution
from tests.envs.test_embedding_core import core_of

pytest.importorskip("ortools", reason="the learn extra is not installed")

from envs.embedding.optimum import fits, plan

UNSEEN = (1,)


def test_evolution_finds_the_lowest_point_of_a_stretched_bowl() -> None:
    target = np.array([3.0, -2.0, 0.5, 1.0])
    search = Evolution(np.zeros(4), 0.5, 12, np.random.default_rng(0))
    for _ in range(150):
        away = search.ask() - target
        search.tell(-(away**2 * np.array([1.0, 10.0, 100.0, 1000.0])).sum(axis=1))
    assert np.abs(search.mean - target).max() < 1e-3
    with pytest.raises(ValueError, match="even"):
        Evolution(np.zeros(4), 0.5, 7, np.random.default_rng(0))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_beats_every_ranking_rule_where_it_was_not_trained(name: str) -> None:
    rules = [rule for rule in heuristics.NAMES if rule not in ("random", "pl-paths")]
    for seed in UNSEEN:
        workload = cross_domain(seed)
        ours = evaluate_workload(workload, name)
        others = [evaluate_workload(workload, rule) for rule in rules]
        assert ours.acceptance > max(one.acceptance for one in others)
        assert ours.revenue > max(one.revenue for one in others)
        assert ours.bound is None


def test_a_policy_serves_on_a_network_of_another_kind() -> None:
    meshed = Workload("", "", cross_domain(3).substrate, waxman(3, 30).requests)
    assert 0 < evaluate_workload(meshed, "learned").accepted <= 30


def test_the_ageless_policy_does_the_same_however_long_requests_stay() -> None:
    known = cross_domain(2, 40, 3.0)
    for_ever = replace(
        known, requests=tuple(replace(one, life=one.life + 1e6) for one in known.requests)
    )
    twice = replace(
        known, requests=tuple(replace(one, life=2.0 * one.life + 1e6) for one in known.requests)
    )
    told = [verdicts(one, ageless()) for one in (for_ever, twice)]
    assert told[0] == told[1]
    assert not all(told[0])


@pytest.mark.parametrize(("rate", "seed"), [(0.5, 27), (1.0, 28)])
def test_where_a_network_only_fills_nobody_who_finds_room_is_refused(
    rate: float, seed: int
) -> None:
    assert evaluate_workload(cross_domain(seed, 60, rate), "learned").accepted == 60


def test_what_is_decided_does_not_depend_on_who_comes_later() -> None:
    known = cross_domain(4, 120)
    last = known.requests[59].time

    def later(one: Request) -> Request:
        return replace(one, time=last + 3.0 * (one.time - last), life=9.0 * one.life)

    other = replace(known, requests=(*known.requests[:60], *map(later, known.requests[60:])))
    told = [verdicts(one, shipped("learned")) for one in (known, other)]
    assert told[0][:60] == told[1][:60]
    assert told[0][60:] != told[1][60:]


def test_a_network_is_busy_once_requests_have_come_for_longer_than_they_stay() -> None:
    workload = cross_domain(4, 120)
    core, busy = core_of(workload, 1), []
    lives = np.array([one.life for one in workload.requests])
    while core.active[0]:
        turn = int(core.turn[0])
        age = workload.requests[turn].time - workload.requests[0].time
        assert is_busy(core).tolist() == [age > FILLING_STAYS * lives[: turn + 1].mean()]
        busy += is_busy(core).tolist()
        core.step(np.array([core.refuse]))
    assert busy.index(True) > 40
    assert all(busy[80:])
    by_age = shipped("learned")
    acted = [
        one.act(core_of(workload, 1)).tolist() for one in (by_age, by_age.filling, by_age.busy)
    ]
    assert acted[0] == acted[1]


def verdicts(workload: Workload, policy: Policy) -> list[bool]:
    core = core_of(workload, 1)
    while core.active[0]:
        core.step(policy.act(core))
    accepted: list[bool] = core.verdicts[0].tolist()
    return accepted


def test_features_are_finite_and_have_their_names() -> None:
    core = core_of(cross_domain(6, 60, 2.0), 2)
    network, generator = network_of(core.substrate), np.random.default_rng(0)
    while not core.done.all():
        seen = candidates(core, network)
        assert seen.x.shape == (np.count_nonzero(core.legal[:, :-1]), len(NODE_NAMES))
        assert np.isfinite(seen.x).all()
        of_requests = requests(core, network, np.flatnonzero(core.active))
        assert of_requests.shape[1] == len(REQUEST_NAMES)
        assert np.isfinite(of_requests).all()
        core.step((generator.random(core.legal.shape) * core.legal).argmax(axis=1))


def test_the_hops_of_a_candidate_are_those_its_links_would_take() -> None:
    core = core_of(cross_domain(6, 5), 1)
    network = network_of(core.substrate)
    while core.turn[0] == 0:
        seen, before = candidates(core, network), float(core.spent[0])
        shown = core.traces.shown[core.cursor[0]]
        hops = seen.x[0, NODE_NAMES.index("hops")] * 4.0
        core.step(np.array([seen.nodes[0]]))
        if core.turn[0] == 0:
            assert core.spent[0] - before == pytest.approx(shown[0] + shown[1] * hops)


def test_training_depends_on_its_seed_alone_and_samples_on_nothing_else() -> None:
    workload = cross_domain(3, 25, 2.0)
    means = [next(evolve(seed, workload=workload)).mean for seed in (1, 1, 2)]
    assert np.array_equal(means[0], means[1])
    assert not np.array_equal(means[0], means[2])
    trace = Trace.of(workload.requests, domains_of(workload.substrate))
    together = play(workload.substrate, [trace, trace], np.stack([start(), means[0]]))
    alone = play(workload.substrate, [trace], means[0][None])
    assert together.revenue[1].tolist() == [alone.revenue[0, 0]] * 2


def test_an_ageless_policy_never_looks_at_how_long_a_request_stays() -> None:
    looks = [
        next(evolve(0, ageless=ageless, workload=cross_domain(3, 10))).mean[
            len(NODE_NAMES) + REQUEST_NAMES.index("life")
        ]
        for ageless in (True, False)
    ]
    assert looks[0] == 0.0 != looks[1]


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    Learned(start(), {"how": "by hand"}).save(tmp_path / "one.npz")
    kept = Learned.load(tmp_path / "one.npz")
    assert np.array_equal(kept.weights, start())
    assert (kept.made["how"], kept.name, kept.mask) == ("by hand", "one", Mask.LINKS)
    by_path = evaluate_workload(cross_domain(3, 20), str(tmp_path / "one.npz"))
    assert by_path.policy == "one"
    for one in (shipped("learned").filling, shipped("learned").busy):
        assert one.made["how"].startswith("python -m envs.embedding.evolve")


def _kept(path: Path, weights: Any, **about: Any) -> None:
    Learned(weights, {"env": "entente/Embedding-v0", "features": FEATURES, **about}).save(path)


@pytest.mark.parametrize("wrong", ["torn", "empty", "other env", "other features", "nan", "short"])
def test_a_file_that_is_no_policy_is_refused_by_name(tmp_path: Path, wrong: str) -> None:
    path, nan = tmp_path / "odd.npz", start()
    nan[3] = np.nan
    match wrong:
        case "other env":
            _kept(path, start(), env="entente/Embedding-v9")
        case "other features":
            _kept(path, start(), features="0123")
        case "nan":
            _kept(path, nan)
        case "short":
            _kept(path, start()[: WEIGHTS - 1])
        case _:
            _kept(path, start())
            path.write_bytes(path.read_bytes()[: 200 if wrong == "torn" else 0])
    with pytest.raises(CheckpointError, match=r"odd\.npz"):
        evaluate_workload(cross_domain(3, 5), str(path))
    with pytest.raises(OSError, match=r"no\.npz"):
        evaluate_workload(cross_domain(3, 5), str(tmp_path / "no.npz"))


# -- the optimum ---------------------------------------------------------------------------


def _line(requests: tuple[Request, ...]) -> Workload:
    links = tuple(pairwise(range(3)))
    network = Substrate(
        (0, 1, 2), (None,) * 3, (4.0, 4.0, 4.0), links, (5.0, 5.0), (0.0,) * len(links)
    )
    return Workload("line", "", network, requests)


def _one(number: int, time: float, life: float, cpu: tuple[float, ...], asked: float) -> Request:
    links = ((0, 1, asked),) if len(cpu) == 2 else ()
    return Request(number, time, life, None, None, cpu, (None,) * len(cpu), links)


def test_the_optimum_refuses_the_one_that_would_keep_two_others_out() -> None:
    greedy = (
        _one(0, 0.0, 9.0, (4.0, 4.0), 5.0),
        _one(1, 1.0, 5.0, (4.0, 4.0), 1.0),
        _one(2, 7.0, 1.0, (4.0, 4.0), 1.0),
    )
    best = plan(_line(greedy))
    assert (best.accepted, best.bound, best.proven) == (2, 2, True)
    assert [verdict.accepted for verdict in best.verdicts] == [False, True, True]
    assert sum(v.accepted for v in heuristics.replay(_line(greedy), heuristics.rule_of("pl"))) == 1
    result = evaluate_workload(_line(greedy), "optimum")
    assert (result.accepted, result.bound, result.revenue) == (2, 2, 18.0)


def test_a_plan_that_does_not_fit_is_seen() -> None:
    request = _one(0, 0.0, 1.0, (4.0, 4.0), 5.0)
    workload = _line((request, _one(1, 0.5, 1.0, (4.0,), 0.0)))
    good = (Verdict(request, (0, 1), ((0,),)), Verdict(workload.requests[1], (2,), ()))
    assert fits(workload, good)
    for bad in (
        (Verdict(request, (0, 0), ((0,),)), good[1]),  # one node for two functions
        (good[0], Verdict(workload.requests[1], (1,), ())),  # no CPU left there
        (Verdict(request, (0, 2), ((0, 1, 1),)), good[1]),  # the second link twice
    ):
        assert not fits(workload, bad)


def test_the_bound_is_above_what_anything_accepts() -> None:
    workload = cross_domain(31, 14, 5.0)
    best = plan(workload, work_max=5.0)
    assert fits(workload, best.verdicts)
    for name in ("grc", "nearest", "learned"):
        assert evaluate_workload(workload, name).accepted <= best.bound
    with pytest.raises(ValueError, match="out of reach"):
        plan(cross_domain(0, 121))
