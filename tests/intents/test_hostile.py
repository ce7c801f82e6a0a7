"""Hostile text is refused, and behind an honest request it changes nothing that was stated."""

from __future__ import annotations

import pytest

from coordinator.intent.rules import RulesInterpreter
from coordinator.model import Action
from tests.intents.hostile import CARRIERS, Class, Line, corpus
from tests.intents.sentences import labelled, translated

LINES = corpus()
REFUSED_MIN = 0.97
"""Just under what was measured."""
HONEST_REFUSED_MAX = 0.02


@pytest.fixture(scope="module")
def engine() -> RulesInterpreter:
    return RulesInterpreter()


def test_the_corpus_has_every_class_and_is_the_same_each_time() -> None:
    assert len(LINES) >= 200
    assert {line.aim for line in LINES} == set(Class)
    assert corpus() == LINES
    assert corpus(seed=8) != LINES


def test_hostile_texts_are_refused(engine: RulesInterpreter) -> None:
    alone = [line for line in LINES if not line.carrier]
    refused = [line for line in alone if _is_refused(engine, line)]
    assert len(refused) >= REFUSED_MIN * len(alone), [
        line.text for line in alone if line not in refused
    ]


def _is_refused(engine: RulesInterpreter, line: Line) -> bool:
    answer = translated(engine, line.text)
    return answer.action in (Action.REJECT, Action.CLARIFY) and not answer.services


def test_no_injection_changes_a_stated_value(engine: RulesInterpreter) -> None:
    honest = {text: _stated(engine, text) for text in CARRIERS}
    for line in LINES:
        if line.carrier:
            stated = _stated(engine, line.text)
            assert stated in (honest[line.carrier], []), line.text


def _stated(engine: RulesInterpreter, text: str) -> list[object]:
    return [item.constraints for item in translated(engine, text).services if item.constraints]


def test_honest_requests_are_not_taken_for_hostile_ones(engine: RulesInterpreter) -> None:
    honest = [
        row
        for name in ("tune", "tune2", "held")
        for row in labelled(name)
        if row.expected.action != "reject"
    ]
    refused = [r.text for r in honest if translated(engine, r.text).action is Action.REJECT]
    assert len(refused) <= HONEST_REFUSED_MAX * len(honest), refused
