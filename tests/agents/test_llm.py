"""The engine with a language model: a real HTTP server, right and wrong in every way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coordinator.intent.settings import LlmSettings
from deploy.agents import llm
from deploy.agents.llm import ModelEngine
from deploy.agents.planning import EngineName
from deploy.agents.runner import Runner
from tests.agents.files import BARISTA, Kitchen, agents, nested
from tests.agents.model_server import Answer, model

CUP = nested(["grind", "brew", "serve"], "beans")
ACTIONS = {name: frozenset({"gently"}) for name in ("grind", "brew", "serve")}


def first_possible(body: dict[str, Any]) -> tuple[str, str] | None:
    """A model that does well: it takes the first tool that it has not used."""
    used = json.loads(body["messages"][-1]["content"])["used"]
    names = [tool["function"]["name"] for tool in body["tools"]]
    left = [name for name in names if name not in used]
    return (left[0], '{"action": "gently"}') if left else None


async def made(answer: Answer, **settings: Any) -> tuple[Runner, Kitchen, list[dict[str, Any]]]:
    """A run with this model; whatever it does, the cup is made."""
    with model(answer) as (url, requests):
        kitchen = Kitchen()
        engine = ModelEngine(LlmSettings(url, "m", **settings), ACTIONS)
        runner = Runner(agents(BARISTA), kitchen.tools(), engine)
        there = await runner.start({"beans": "beans"}, wanted="cup")
    assert there["cup"] == CUP
    return runner, kitchen, requests


async def test_a_model_that_does_well_chooses_every_tool_and_sees_names_only() -> None:
    runner, kitchen, requests = await made(first_possible)
    assert {step.engine for step in runner.run.steps} == {EngineName.LLM}
    assert kitchen.ran == [("grind", "gently"), ("brew", "gently"), ("serve", "gently")]
    assert json.loads(requests[1]["messages"][-1]["content"]) == {
        "wanted": "cup",
        "there": ["beans", "powder"],
        "used": ["grind"],
    }
    system = requests[0]["messages"][0]["content"]
    assert system == "You make coffee.\n\nThe goal: coffee"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda _: ("launch-missiles", "{}"), "'launch-missiles' is not a tool of this agent"),
        (lambda _: ("serve", "{}"), "'serve' cannot run now"),
        (lambda _: ("grind", '{"action": "delete"}'), "grind may not be told to 'delete'"),
        (lambda _: ("grind", '{"price": 0}'), "no tool call that can be read"),
        (lambda _: ("grind", "[not json"), "no tool call that can be read"),
        (lambda _: None, "it stopped before there was 'cup'"),
        (lambda _: b"<html>", "it gave no answer"),
        (lambda _: b'{"choices": []}', "no tool call that can be read"),
    ],
)
async def test_a_model_that_does_badly_is_refused_and_the_rules_finish(
    answer: Answer, why: str
) -> None:
    runner, _, requests = await made(answer)
    assert why in runner.run.steps[0].text
    assert {step.engine for step in runner.run.steps[1:]} == {EngineName.RULES}
    assert len(requests) == 1


async def test_a_model_that_is_not_there_is_done_without() -> None:
    engine = ModelEngine(LlmSettings("http://127.0.0.1:9/v1", "m"), {})
    runner = Runner(agents(BARISTA), Kitchen().tools(), engine)
    assert (await runner.start({"beans": "beans"}))["cup"] == CUP
    assert "it gave no answer (APIConnectionError)" in runner.run.steps[0].text


@pytest.mark.parametrize(("limit", "value"), [("TOKENS_MAX", 1_500), ("CALLS_MAX", 2)])
async def test_a_budget_ends_the_models_part_of_a_run(
    limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm, limit, value)
    runner, _, requests = await made(first_possible)
    assert len(requests) == 2
    assert "used up its budget" in runner.run.steps[2].text
    assert runner.run.steps[3].engine is EngineName.RULES


async def test_a_model_that_never_answers_is_left() -> None:
    import threading

    released = threading.Event()

    def stuck(_: dict[str, Any]) -> None:
        released.wait(20)

    with model(stuck) as (url, _):
        engine = ModelEngine(LlmSettings(url, "m", deadline_s=0.2), {})
        runner = Runner(agents(BARISTA), Kitchen().tools(), engine)
        there = await runner.start({"beans": "beans"})
        released.set()
    assert there["cup"] == CUP
    assert "it gave no answer (APITimeoutError)" in runner.run.steps[0].text
