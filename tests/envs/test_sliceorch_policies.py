"""The reference policies: their known scores, their bounds, and exactness where it is claimed."""

import numpy as np
import pytest

from envs.sliceorch.evaluation import evaluate_iiot, fixed_episodes
from envs.sliceorch.policies import policy_of
from envs.sliceorch.policies.dynamic import OnlineOptimum
from envs.sliceorch.profiles import PROFILES, Profile

# Scores of an independent implementation on other episodes; tolerances are 3 of its standard
# errors and ours together, about .006 and .0055 at 200 episodes each.
KNOWN = [
    ("C1", 20, "local-first", 0.477),
    ("C1", 20, "cloud-only", 0.423),
    ("C1", 20, "blind", 0.632),
    ("C1", 20, "masked-random", 0.831),
    ("C1", 20, "greedy", 0.831),
    ("C2", 20, "local-first", 0.423),
    ("C2", 20, "cloud-only", 0.221),
    ("C2", 20, "random", 0.278),
    ("C2", 20, "blind", 0.405),
    ("C2", 20, "masked-random", 0.719),
    ("C2", 20, "greedy", 0.714),
    ("C2", 20, "greedyfill", 0.759),
    ("C2", 20, "dp", 0.785),
    ("C3", 20, "masked-random", 0.806),
    ("C3", 20, "greedyfill", 0.794),
    ("C4", 30, "greedyfill", 0.573),
    ("C4", 40, "masked-random", 0.443),
]


@pytest.mark.parametrize(("profile", "requests", "policy", "known"), KNOWN)
def test_known_scores_come_out_again(
    profile: str, requests: int, policy: str, known: float
) -> None:
    result = evaluate_iiot(profile, requests, policy, episodes=250, seed=0)
    assert result.availability.mean == pytest.approx(known, abs=0.025)
    assert result.illegal == 0


def test_the_online_optimum_scores_what_its_tables_expect() -> None:
    expected = OnlineOptimum().expected(PROFILES["C2"], 20)
    played = evaluate_iiot("C2", 20, "dp", episodes=1000, seed=5).availability
    assert played.standard_error is not None
    assert abs(played.mean - expected) < 3 * played.standard_error


def test_looking_ahead_gains_over_the_rule_it_looks_ahead_with() -> None:
    ahead = evaluate_iiot("C4", 30, "lookahead", episodes=12, seed=0)
    gain = ahead.against(evaluate_iiot("C4", 30, "greedyfill", episodes=12, seed=0))
    assert gain.interval_95 is not None
    assert gain.interval_95[0] > 0


@pytest.mark.parametrize("policy", ["greedy", "masked-random", "greedyfill", "lookahead"])
def test_departures_are_played_by_every_policy_that_covers_them(policy: str) -> None:
    result = evaluate_iiot("C2", 30, policy, episodes=2, seed=0, departures=True)
    assert result.environment == "entente/SliceOrch-v2"
    # Room comes back, so more is served than of as many slices that stay.
    staying = evaluate_iiot("C2", 30, policy, episodes=2, seed=0)
    assert result.availability.mean > staying.availability.mean


@pytest.mark.parametrize("policy", ["dp", "optimum"])
def test_bounds_that_do_not_cover_departures_say_so(policy: str) -> None:
    if policy == "optimum":
        pytest.importorskip("ortools", reason="ortools is not installed")
    with pytest.raises(ValueError, match="departures"):
        evaluate_iiot("C2", 5, policy, episodes=1, seed=0, departures=True)


def test_dp_refuses_what_its_blocks_do_not_describe() -> None:
    for profile in ("C1", "C3"):
        with pytest.raises(ValueError, match="dp needs"):
            evaluate_iiot(profile, 5, "dp", episodes=1, seed=0)
    with pytest.raises(ValueError, match="blocks"):
        evaluate_iiot(Profile("wide", 21, 3, 3, 5, 5.0), 5, "dp", episodes=1, seed=0)


@pytest.mark.parametrize(("profile", "requests"), [("C1", 20), ("C2", 20), ("C3", 12), ("C4", 30)])
def test_no_policy_beats_the_optimum_and_its_plans_are_served(profile: str, requests: int) -> None:
    pytest.importorskip("ortools", reason="ortools is not installed")
    episodes = 8
    best = evaluate_iiot(profile, requests, "optimum", episodes, seed=0)
    assert best.bound is not None
    assert best.proven == episodes
    assert best.availability.mean == pytest.approx(best.bound)
    for name in ("greedyfill", "masked-random", "local-first", "lookahead"):
        other = evaluate_iiot(profile, requests, name, episodes, seed=0)
        assert (other.by_episode <= best.by_episode).all()


def test_counting_nodes_gives_the_optimum_of_placing_on_each() -> None:
    """Two models of the same instances, tight ones: chains mixed, three to six nodes."""
    pytest.importorskip("ortools", reason="ortools is not installed")
    from envs.sliceorch.policies.optimum import counted, placed

    for nodes in (3, 4, 6):
        profile = Profile("tight", nodes, 1, 3, 14, 5.0)
        instances = fixed_episodes(profile, 14, seed=nodes, first=0, count=8)
        for row in range(8):
            slices = instances.slices[row]
            counting = counted(slices, nodes, work_max=5.0)
            placing = placed(slices, instances.delay_ms[row], instances.cost[row], work_max=5.0)
            assert counting.proven
            assert placing.proven
            assert counting.served == placing.served


def test_an_optimum_without_time_is_a_plan_and_a_bound_and_says_it_is_not_proven() -> None:
    pytest.importorskip("ortools", reason="ortools is not installed")
    from envs.sliceorch.policies.optimum import Optimum

    result = evaluate_iiot("C2", 20, Optimum(work_max=0.0), episodes=2, seed=0)
    assert result.bound is not None
    assert result.bound >= result.availability.mean
    assert result.proven == 0


def test_a_policy_that_draws_numbers_draws_the_same_for_the_same_seed() -> None:
    scores = [evaluate_iiot("C2", 10, "random", 5, seed).by_episode for seed in (0, 0, 1)]
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_an_unknown_policy_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match="greedyfill"):
        policy_of("gready")
