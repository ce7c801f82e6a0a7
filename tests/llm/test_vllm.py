"""A real engine that talks nonsense, too long or too late: the caller gets the rules' answer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from coordinator.intent.llm import (
    Breaker,
    LlmEngine,
    ModelFailed,
    OpenAiModel,
)
from coordinator.intent.prompt import messages
from coordinator.intent.proposal import parse
from coordinator.intent.rules import RulesInterpreter
from coordinator.intent.settings import LlmSettings
from coordinator.model import Interpretation, Source
from tests.asking import at_last
from tests.llm.conftest import PATIENCE_S, Served

pytestmark = [pytest.mark.timeout(1_200), pytest.mark.ray]

AREAS = ("berlin", "munich")
ROBOTS = "Control of welding robots in Berlin within 10 ms, for 40 devices"
RULES = RulesInterpreter()


def interpreted(model: OpenAiModel, text: str = ROBOTS) -> Interpretation:
    return LlmEngine(model, Breaker()).over(RULES).interpret(text, AREAS)


def is_the_rules_answer(said: Interpretation) -> bool:
    before = RULES.interpret(ROBOTS, AREAS)
    return (said.action, said.services, said.engine) == (before.action, before.services, "rules")


def test_random_weights_answer_under_the_schema(engine: Served) -> None:
    model, services = engine.asked(), 0
    for number in range(5):
        answer = model.answer(messages(f"Robots in Berlin within {number} ms", ()))
        services += len(parse(answer).services)
    assert services > 0


def test_an_answer_is_streamed(engine: Served) -> None:
    model = engine.asked()
    pieces = list(model._pieces(messages(ROBOTS, ()), time.monotonic() + PATIENCE_S))
    assert len([piece for piece in pieces if piece]) > 10
    parse("".join(pieces))


def test_nonsense_under_the_schema_changes_nothing_that_was_understood(
    engine: Served,
) -> None:
    """Valid JSON about nothing: at best ignored, at worst a preference moves half-way."""
    left_out = 0
    for count in range(20, 26):
        text = f"Control of welding robots in Berlin within 10 ms, for {count} devices"
        said, before = interpreted(engine.asked(), text), RULES.interpret(text, AREAS)
        left_out += said.engine == "rules"
        assert stated(said) == stated(before)
        assert [s.slice_type for s in said.services] == [s.slice_type for s in before.services]
    assert left_out > 0


def stated(said: Interpretation) -> list[dict[str, float | str]]:
    return [
        {item.key: item.value for item in service.evidence if item.source is Source.STATED}
        for service in said.services
    ]


def test_an_answer_longer_than_its_limit_is_not_used(engine: Served) -> None:
    said = interpreted(engine.asked(tokens=5))
    assert is_the_rules_answer(said)
    assert "its answer was cut off" in said.explanation


def test_an_engine_that_is_too_slow_is_left_at_the_deadline(engine: Served) -> None:
    began = time.monotonic()
    said = interpreted(engine.asked(deadline_s=0.02))
    assert time.monotonic() - began < PATIENCE_S / 10
    assert is_the_rules_answer(said)
    assert "it did not answer in time" in said.explanation


def test_a_wrong_key_opens_nothing(engine: Served) -> None:
    stranger = OpenAiModel(LlmSettings(engine.url, "entente", "wrong"))
    with pytest.raises(ModelFailed, match="could not be asked"):
        stranger.answer(messages(ROBOTS, ()))


def test_no_stated_value_comes_from_the_model(engine: Served) -> None:
    for text in (ROBOTS, "Video for 200 users", "Wir brauchen Strom für 7 Kräne"):
        said = interpreted(engine.asked(), text)
        for service in said.services:
            for item in service.evidence:
                if item.source is Source.STATED:
                    assert text[item.start : item.end] == item.words


def test_no_engine_outlives_who_started_it(model: Path) -> None:
    program = (
        "import os, sys\n"
        "from deploy.vllm_engine import EngineSettings, VllmEngine\n"
        "print(VllmEngine(EngineSettings(sys.argv[1])).pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    root = Path(__file__).resolve().parents[2]
    died = subprocess.run(
        [sys.executable, "-c", program, str(model)], cwd=root, capture_output=True, check=False
    )
    assert died.returncode == -9
    group = int(died.stdout)

    def gone() -> bool | None:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        return None

    assert at_last(gone, PATIENCE_S, "the end of the engine")
