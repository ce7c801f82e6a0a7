"""Evaluation: fixed episodes, paired intervals, and what the command prints."""

import json
from typing import Any

import numpy as np
import pytest

from envs.evaluate import evaluate_iiot, main
from envs.sliceorch.evaluation import EPISODES_PER_BATCH, fixed_episodes
from envs.sliceorch.policies import Learned
from envs.sliceorch.profiles import PROFILES
from envs.statistics import mean_of, paired_difference, ratio_of


def test_an_episode_is_the_same_in_whatever_batch_it_is_drawn() -> None:
    profile = PROFILES["C3"]
    all_ = fixed_episodes(profile, 7, seed=3, first=0, count=10, load=5.0)
    some = fixed_episodes(profile, 7, seed=3, first=4, count=2, load=5.0)
    for key in ("delay_ms", "cost", "slices", "arrival", "holding"):
        assert np.array_equal(getattr(all_, key)[4:6], getattr(some, key))
    other = fixed_episodes(profile, 7, seed=4, first=4, count=2)
    assert not np.array_equal(other.slices, some.slices)


def test_more_episodes_begin_with_the_same_ones() -> None:
    few = evaluate_iiot("C2", 8, "greedy", 5, seed=0)
    many = evaluate_iiot("C2", 8, "greedy", EPISODES_PER_BATCH + 3, seed=0)
    assert np.array_equal(many.by_episode[:5], few.by_episode)


def test_progress_is_told_up_to_the_last_episode() -> None:
    told: list[tuple[int, int]] = []
    episodes = 2 * EPISODES_PER_BATCH + 1
    evaluate_iiot("C2", 2, "greedy", episodes, 0, progress=lambda *step: told.append(step))
    assert told == [(250, episodes), (500, episodes), (episodes, episodes)]


def test_pairing_is_tighter_than_two_separate_means() -> None:
    dp = evaluate_iiot("C2", 20, "dp", 300, seed=0)
    fill = evaluate_iiot("C2", 20, "greedyfill", 300, seed=0)
    gain = dp.against(fill)
    assert gain.mean == pytest.approx(dp.availability.mean - fill.availability.mean)
    errors = [one.availability.standard_error for one in (dp, fill)]
    assert gain.standard_error is not None
    assert errors[0] is not None
    assert errors[1] is not None
    assert gain.standard_error < 0.8 * np.hypot(errors[0], errors[1])


def test_different_episodes_cannot_be_paired() -> None:
    one = evaluate_iiot("C2", 4, "greedy", 3, seed=0)
    two = evaluate_iiot("C2", 4, "greedy", 3, seed=1)
    with pytest.raises(ValueError, match="seed 0 and 1"):
        one.against(two)


def test_intervals_cover_the_true_mean_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        interval = mean_of(generator.normal(2.0, 3.0, 60)).interval_95
        assert interval is not None
        covered += interval[0] <= 2.0 <= interval[1]
    assert 0.92 < covered / 400 < 0.975


def test_a_mean_per_item_weighs_episodes_by_their_items() -> None:
    ratio = ratio_of(np.array([30.0, 10.0]), np.array([3, 1]))
    assert ratio is not None
    assert ratio.mean == 10.0
    assert ratio.standard_error == 0.0
    assert ratio_of(np.zeros(2), np.zeros(2, dtype=np.int64)) is None
    assert mean_of(np.array([1.0])).interval_95 is None
    assert paired_difference(np.array([3.0, 5.0]), np.array([1.0, 1.0])).mean == 3.0


def test_a_learned_policy_sees_observations_and_masks_and_nothing_else() -> None:
    shapes = set()

    def choose(observations: Any, mask: Any) -> Any:
        shapes.add((observations.shape, mask.shape))
        return mask.argmax(axis=1)

    result = evaluate_iiot("C2", 5, Learned("first-legal", choose), 4, seed=0)
    assert shapes == {((4, 113), (4, 18))}
    assert result.policy == "first-legal"
    assert result.availability.mean > 0.5


def test_the_command_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    asked = "iiot --profile c2 --requests 20 --policy dp --against greedyfill --episodes 50 --json"
    assert main(asked.split()) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["profile"], said["requests"], said["policy"]) == ("C2", 20, "dp")
    assert 0.7 < said["availability"]["mean"] < 0.85
    low, high = said["availability"]["interval_95"]
    assert low < said["availability"]["mean"] < high
    assert said["against"]["result"]["policy"] == "greedyfill"
    gain = said["availability"]["mean"] - said["against"]["result"]["availability"]["mean"]
    assert said["against"]["gain"]["mean"] == pytest.approx(gain)


def test_the_command_prints_a_table_with_an_interval(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["iiot", "--policy", "greedy", "--episodes", "20", "--departures"]) == 0
    said = capsys.readouterr().out
    assert "SliceOrch-v2 C2, 20 requests" in said
    assert "±" in said


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("--policy gready", "gready"),
        ("--policy greedy --profile C7", "C7"),
        ("--policy greedy --requests 0", "requests"),
        ("--policy greedy --episodes 0", "episodes"),
        ("--policy greedy --seed -1", "seed"),
        ("--policy dp --profile C1", "dp needs"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line_and_status_2(
    asked: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["iiot", *asked.split()]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert "Traceback" not in said.err
