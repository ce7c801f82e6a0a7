"""Agents at work: the graph decides the order, and what fails leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from deploy.agents.errors import NotDelivered, ToolFailed, ToolTimedOut
from deploy.agents.planning import Choice, Engine, EngineFailed, EngineName, Situation
from deploy.agents.runner import Runner, Tool
from domains.errors import CapacityInsufficient
from tests.agents.files import (
    BARISTA,
    BREW,
    GRIND,
    INSTANT,
    SERVE,
    Kitchen,
    agent,
    agents,
    nested,
    tool,
)

BEANS = {"beans": "beans"}


async def test_the_graph_decides_the_order_whatever_the_file_says() -> None:
    for rows in ((GRIND, BREW, SERVE), (SERVE, BREW, GRIND), (BREW, SERVE, GRIND)):
        kitchen = Kitchen()
        there = await Runner(agents(agent("Barista", *rows)), kitchen.tools()).start(BEANS)
        assert kitchen.names() == ["grind", "brew", "serve"]
        assert there["cup"] == nested(kitchen.names(), "beans")


async def test_of_two_tools_for_one_thing_the_first_in_the_file_is_used() -> None:
    for rows, used in (
        ((INSTANT, GRIND, BREW, SERVE), ["instant", "grind", "serve"]),
        ((GRIND, BREW, INSTANT, SERVE), ["grind", "brew", "serve"]),
    ):
        kitchen = Kitchen()
        await Runner(agents(agent("Barista", *rows)), kitchen.tools()).start(BEANS)
        assert kitchen.names() == used


async def test_only_what_leads_to_what_is_wanted_runs() -> None:
    kitchen = Kitchen()
    runner = Runner(agents(agent("Barista", GRIND, INSTANT, SERVE)), kitchen.tools())
    await runner.start(BEANS, wanted="cup")
    assert kitchen.names() == ["instant", "serve"]


async def test_a_tool_less_changes_what_comes_out() -> None:
    kitchen = Kitchen()
    there = await Runner(agents(agent("Barista", GRIND, SERVE)), kitchen.tools()).start(BEANS)
    assert set(there) == {"beans", "powder"}
    runner = Runner(agents(agent("Barista", GRIND, SERVE)), kitchen.tools())
    with pytest.raises(NotDelivered, match="Barista has no tools that lead from 'beans' to 'cup'"):
        await runner.start(BEANS, wanted="cup")


async def test_an_agent_is_a_tool_and_gives_only_what_it_promised() -> None:
    waiter = agent("Waiter", tool("order", "beans", "coffee", agent="Barista"), SERVE)
    kitchen = Kitchen()
    runner = Runner(agents(waiter, agent("Barista", GRIND, BREW)), kitchen.tools())
    there = await runner.start(BEANS)
    assert set(there) == {"beans", "coffee", "cup"}
    assert [(step.agent, step.tool) for step in runner.run.steps] == [
        ("Barista", "grind"),
        ("Barista", "brew"),
        ("Waiter", "serve"),
    ]
    broken = Runner(agents(waiter, agent("Barista", GRIND)), kitchen.tools())
    with pytest.raises(NotDelivered, match="Barista"):
        await broken.start(BEANS)


# -- tools that fail -------------------------------------------------------------------------------


class Undone:
    """A tool that does something, and what is taken back, in order."""

    def __init__(self) -> None:
        self.taken_back: list[str] = []
        self.runner: Runner | None = None

    def tool(self, name: str) -> Tool:
        async def undo() -> None:
            self.taken_back.append(name)

        async def run(value: object, action: str) -> object:
            assert self.runner is not None
            self.runner.undo_with(undo)
            return name

        return Tool(run, 5.0)


async def failing(value: object, action: str) -> object:
    raise RuntimeError("no water")


async def refused(value: object, action: str) -> object:
    raise CapacityInsufficient("no cups", requested=1, achievable=0)


async def never(value: object, action: str) -> object:
    await asyncio.Event().wait()
    return None


@pytest.mark.parametrize(
    ("serve", "error", "message"),
    [
        (Tool(failing, 5.0), ToolFailed, "serve failed: RuntimeError: no water"),
        (Tool(never, 0.05), ToolTimedOut, r"serve did not return within 0.05 s"),
        (Tool(refused, 5.0), CapacityInsufficient, "no cups"),
    ],
)
async def test_what_earlier_tools_did_is_taken_back_last_first(
    serve: Tool, error: type[Exception], message: str
) -> None:
    undone = Undone()
    tools = {"grind": undone.tool("grind"), "brew": undone.tool("brew"), "serve": serve}
    undone.runner = Runner(agents(BARISTA), tools)
    with pytest.raises(error, match=message):
        await undone.runner.start(BEANS)
    assert undone.taken_back == ["brew", "grind"]


async def test_what_cannot_be_taken_back_is_told_and_the_rest_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    taken: list[str] = []

    async def refused() -> None:
        raise OSError("the door is shut")

    async def beans() -> None:
        taken.append("beans")

    made = Runner(agents(BARISTA), {})
    made.undo_with(beans)
    made.undo_with(refused)
    with pytest.raises(NotDelivered):
        await made.start({}, "espresso")
    assert taken == ["beans"]
    assert "the door is shut" in caplog.text


async def test_a_run_that_is_cancelled_is_taken_back_as_well() -> None:
    undone = Undone()
    tools = {"grind": undone.tool("grind"), "brew": Tool(never, 60.0), "serve": Tool(never, 60.0)}
    undone.runner = Runner(agents(BARISTA), tools)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await undone.runner.start(BEANS)
    assert undone.taken_back == ["grind"]


# -- engines that are wrong ------------------------------------------------------------------------


class Says(Engine):
    """An engine with prepared choices."""

    name = EngineName.LLM

    def __init__(self, *choices: Choice | Exception) -> None:
        self._choices = list(choices)
        self.asked: list[Situation] = []

    async def choose(self, situation: Situation) -> Choice:
        self.asked.append(situation)
        choice = self._choices.pop(0)
        if isinstance(choice, Exception):
            raise choice
        return choice


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        (Choice("toaster"), "'toaster' is not a tool of this agent"),
        (Choice("serve"), "'serve' cannot run now"),
        (Choice("grind", "violently"), "grind may not be told to 'violently'"),
        (Choice(""), "it stopped before there was 'cup'"),
        (EngineFailed("it gave no answer"), "it gave no answer"),
    ],
)
async def test_an_engine_that_is_wrong_is_refused_and_the_rules_go_on(
    choice: Choice | Exception, why: str
) -> None:
    kitchen, engine = Kitchen(), Says(choice)
    runner = Runner(agents(BARISTA), kitchen.tools(), engine)
    there = await runner.start(BEANS, wanted="cup")
    assert there["cup"] == nested(["grind", "brew", "serve"], "beans")
    assert len(engine.asked) == 1  # it is not asked again in this run
    first, *others = runner.run.steps
    assert (first.engine, first.text) == (EngineName.LLM, f"refused: {why}")
    assert {step.engine for step in others} == {EngineName.RULES}


async def test_an_engine_that_is_right_is_followed_and_sees_names_only() -> None:
    kitchen = Kitchen()
    engine = Says(Choice("instant"), Choice("serve", "gently"), Choice("grind"), Choice(""))
    rows = agent("Barista", GRIND, BREW, INSTANT, SERVE)
    runner = Runner(agents(rows), kitchen.tools(), engine)
    await runner.start(BEANS)
    assert kitchen.ran == [("instant", ""), ("serve", "gently"), ("grind", "")]
    assert {step.engine for step in runner.run.steps} == {EngineName.LLM}
    assert engine.asked[1].there == ("beans", "coffee")
    assert engine.asked[1].done == ("instant",)
