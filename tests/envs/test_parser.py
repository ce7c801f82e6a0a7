"""The parser in the loop: what is read, what that costs, and that nothing is read for free."""

import numpy as np
import pytest

from coordinator.intent.rules import RulesInterpreter
from coordinator.model import Action, Interpretation
from envs.parser.loop import evaluate_parser, misread, parsed, played
from envs.parser.sentences import COST, LATENCY, SHARING, Tiers, drawn, sentence
from envs.parser.tiers import SILENT, tiers_of
from envs.sliceorch.evaluation import evaluate_iiot, fixed_episodes
from envs.sliceorch.instances import COST as COST_COLUMN
from envs.sliceorch.instances import LATENCY_MS
from envs.sliceorch.instances import SHARING as SHARING_COLUMN
from envs.sliceorch.profiles import PROFILES

TIER_COLUMNS = [LATENCY_MS, SHARING_COLUMN, COST_COLUMN]
MEANT = fixed_episodes(PROFILES["C1"], 20, 0, 0, 30)


def test_a_sentence_says_one_phrase_of_each_tier_and_a_seed_says_the_same() -> None:
    generator = np.random.default_rng(3)
    for _ in range(50):
        tiers = drawn(generator)
        text = sentence(tiers, generator)
        assert any(phrase in text for phrase in LATENCY[tiers.latency_ms])
        assert any(phrase in text for phrase in SHARING[tiers.sharing])
        assert any(phrase in text for phrase in COST[tiers.cost])
    tiers = Tiers(30.0, 1.0, 25.0)
    words = [sentence(tiers, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert words[0] == words[1] != words[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "A slice for motion control within 30 ms with 99.999 % availability at the lowest cost",
            Tiers(30.0, 1.0, 25.0),
        ),
        (
            "Connect the packaging robots with a latency of at most 100 milliseconds, three nines",
            Tiers(100.0, 2.0, 40.0),
        ),
        (
            "A slice for motion control, isolated from everybody, within 150 ms",
            Tiers(150.0, 1.0, 40.0),
        ),
        ("A slice for motion control within 120 ms with two nines", Tiers(100.0, 4.0, 40.0)),
    ],
)
def test_stated_bounds_become_the_tier_that_keeps_them(text: str, expected: Tiers) -> None:
    assert tiers_of(RulesInterpreter().interpret(text, ())) == expected


def test_of_what_is_not_understood_the_middle_is_taken() -> None:
    assert tiers_of(Interpretation(Action.CLARIFY, (), ("What?",), "")) == SILENT


def test_perfect_reading_is_the_case_study_itself() -> None:
    reference = evaluate_iiot("C1", 20, "greedy", 30, 0)
    assert np.array_equal(played(PROFILES["C1"], MEANT, MEANT.slices), reference.by_episode)


def test_bounds_that_were_read_too_loosely_are_not_kept() -> None:
    """Everybody seems to tolerate everything: what needs 30 ms, or is dear, goes unserved."""
    loose = MEANT.slices.copy()
    loose[..., TIER_COLUMNS] = 150.0, 4.0, 40.0
    blind = played(PROFILES["C1"], MEANT, loose).mean()
    assert blind < played(PROFILES["C1"], MEANT, MEANT.slices).mean() - 0.1


@pytest.mark.parametrize("chance", [0.0, 0.1, 1.0])
def test_attributes_are_misread_as_often_as_asked_and_always_as_another_tier(chance: float) -> None:
    read = misread(MEANT.slices, chance, np.random.default_rng(0))
    wrong = (read != MEANT.slices)[..., TIER_COLUMNS].mean()
    assert wrong == pytest.approx(chance, abs=0.02)
    untouched = np.delete(read, [*TIER_COLUMNS, 6, 7, 8], axis=2)
    assert np.array_equal(untouched, np.delete(MEANT.slices, [*TIER_COLUMNS, 6, 7, 8], axis=2))


def test_what_is_read_lies_between_no_errors_and_many() -> None:
    result = evaluate_parser("C1", 20, 6)
    assert result.true_labels.mean == result.injected[0.0].mean
    assert result.injected[0.3].mean < result.parsed.mean < result.true_labels.mean
    assert result.stated_accuracy["reliability"] == 1.0
    assert all(0.6 < share < 1.0 for share in result.accuracy.values())
    assert 0.4 < result.per_error_per_cent < 1.5
    assert result.as_json()["sentences"] == 120


def test_the_same_generator_reads_the_same() -> None:
    few = MEANT.slices[:2]
    reads = [parsed(few, np.random.default_rng(5), RulesInterpreter()) for _ in range(2)]
    assert np.array_equal(reads[0], reads[1])
