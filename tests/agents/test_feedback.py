"""Feedback in words, and the ranking that follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.agents.errors import FeedbackUnclear
from deploy.agents.feedback import WEIGHT_MAX, Memory, Quality, Weights, understood
from deploy.agents.recommending import LEAST, SHOWN_MAX, Candidate, Recommendation, ranked
from deploy.home import Home
from domains.errors import EntenteError
from tests.agents.services import SERVICE

COST, RISK, USE = Quality.COST, Quality.RISK, Quality.UTILISATION


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("too expensive", {COST: True}),
        ("That is WAY too expensive!", {COST: True}),
        ("I want less risk", {RISK: True}),
        ("cheaper and less risk please", {COST: True, RISK: True}),
        ("price does not matter, but it has to be safer", {COST: False, RISK: True}),
        ("more expensive is fine", {COST: False}),
        ("some risk is fine as long as it is cheaper", {RISK: False, COST: True}),
        ("price doesn\u2019t matter", {COST: False}),
        ("higher utilisation", {USE: True}),
        ("lower the price", {COST: True}),
    ],
)
def test_what_people_say_is_understood(text: str, said: dict[Quality, bool]) -> None:
    assert understood(text) == said


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("too expensive, but price does not matter", "both that cost matters"),
        ("less risk and more risk", "both that risk matters"),
        ("make it blue", "what shall count"),
        ("", "what shall count"),
        ("it is not too expensive", "without a negation"),
        ("no more risk", "without a negation"),
    ],
)
def test_what_contradicts_itself_or_says_nothing_is_asked_about(text: str, question: str) -> None:
    with pytest.raises(FeedbackUnclear, match=question):
        understood(text)


def test_feedback_is_remembered_for_its_operator_and_bounded(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert Memory(home, "north").weights() == Weights()
    Memory(home, "north").add("too expensive")
    Memory(home, "north").add("risk is fine")
    assert Memory(home, "north").weights() == Weights(cost=2, risk=0.5)
    assert Memory(home, "south").weights() == Weights()
    for _ in range(40):
        Memory(home, "north").add("cheaper")
    assert Memory(home, "north").weights().cost == WEIGHT_MAX
    before = Memory(home, "north").weights()
    with pytest.raises(FeedbackUnclear):
        Memory(home, "north").add("cheaper, and price does not matter")
    assert Memory(home, "north").weights() == before
    (kept,) = (tmp_path / "plans").glob("feedback-north.json")
    assert kept.stat().st_mode & 0o077 == 0
    kept.write_text('{"cost": 1e99}')
    with pytest.raises(EntenteError, match="cannot be read"):
        Memory(home, "north").weights()


def recommendation(cost: int, use: float, risk: float, keeps: bool = True) -> Recommendation:
    candidate = Candidate(SERVICE, 1_000, cost, 10_000)
    return Recommendation(candidate, use, 100.0, risk, keeps)


CHEAP, SAFE, FULL = (
    recommendation(1_000_000, 85, 30),
    recommendation(2_000_000, 82, 2),
    recommendation(1_500_000, 99, 16),
)


def test_feedback_changes_the_ranking() -> None:
    everything = [SAFE, FULL, CHEAP]
    assert ranked(everything, Weights(cost=8, risk=1))[0] is CHEAP
    assert ranked(everything, Weights(cost=1, risk=8))[0] is SAFE
    assert ranked(everything, Weights(cost=0.125, risk=0.125, utilisation=8))[0] is FULL


def test_what_keeps_the_constraint_comes_first_and_one_that_does_not_is_shown() -> None:
    below = [recommendation(1, 50, 0, keeps=False), recommendation(2, 40, 0, keeps=False)]
    order = ranked([*below, CHEAP, SAFE, FULL], Weights())
    assert [one.keeps for one in order] == [True, True, True, False]
    assert order[-1] is below[0]
    assert len(ranked([*below, CHEAP], Weights())) == LEAST
    assert len(ranked([CHEAP] * 9 + below, Weights())) == SHOWN_MAX
