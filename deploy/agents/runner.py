"""Runs an agent: one tool after the other, each with a deadline, all of it or nothing.

A tool that is another agent runs that agent with what it is given. Where an engine chooses what
cannot be, the rules take over for the rest of the run, and the record says so. Where a tool fails,
what earlier tools have done is taken back, last first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from deploy.agents.errors import NotDelivered, ToolFailed, ToolTimedOut
from deploy.agents.planning import Choice, Engine, EngineFailed, EngineName, Rules, Situation
from deploy.agents.spec import Agents, AgentSpec, ToolSpec
from domains.errors import EntenteError

log = logging.getLogger(__name__)

STEPS_MAX: Final = 32
"""Tool calls of one agent; the graph has no loops, so the rules never need as many."""
UNDO_S_MAX: Final = 30.0
"""For taking back one thing."""

Undo = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Tool:
    """What a tool's name stands for.

    Attributes:
        run: value of the input, action ("" for the usual one) -> value of the output.
        actions: what it may be told to do besides the usual; a model may name no other.
    """

    run: Callable[[object, str], Awaitable[object]]
    deadline_s: float
    actions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the record."""

    agent: str
    tool: str
    engine: EngineName
    took_s: float
    text: str


@dataclass(slots=True)
class Run:
    """What a run has done so far."""

    steps: list[Step] = field(default_factory=list)
    undo: list[Undo] = field(default_factory=list)
    rules_only: bool = False


class Runner:
    """Runs agents of one file with one set of tools.

    Args:
        told: called with each step as it ends.
    """

    def __init__(
        self,
        agents: Agents,
        tools: Mapping[str, Tool],
        engine: Engine | None = None,
        told: Callable[[Step], None] = lambda _: None,
    ) -> None:
        self._agents = agents
        self._tools = tools
        self._engine = engine or Rules()
        self._told = told
        self.run = Run()

    def undo_with(self, undo: Undo) -> None:
        """A tool says how to take back what it does; called if a later tool fails, or it itself."""
        self.run.undo.append(undo)

    async def start(self, given: Mapping[str, object], wanted: str = "") -> Mapping[str, object]:
        """Run the first agent of the file.

        Args:
            given: name of a thing -> its value.
            wanted: "" to go as far as the tools lead.

        Returns:
            Everything that is there at the end.

        Raises:
            ToolFailed, ToolTimedOut, NotDelivered: what was done is taken back.
            EntenteError: a tool's own; the same.
        """
        try:
            return await self._agent(self._agents.first, given, wanted)
        except BaseException:
            await self._take_back()
            raise

    async def _agent(
        self, agent: AgentSpec, given: Mapping[str, object], wanted: str
    ) -> dict[str, object]:
        there, done = dict(given), list[str]()
        while len(done) < STEPS_MAX and (not wanted or wanted not in there):
            situation = Situation(agent, wanted, tuple(there), tuple(done))
            choice, engine = await self._choice(situation)
            if not choice.tool:
                break
            spec = next(tool for tool in agent.tools if tool.name == choice.tool)
            there[spec.output] = await self._use(agent, spec, there[spec.input], choice, engine)
            done.append(spec.name)
        if wanted and wanted not in there:
            raise NotDelivered(
                f"{agent.name} has no tools that lead from {_list(given)} to {wanted!r}",
                agent=agent.name,
                requested=wanted,
            )
        return there

    async def _choice(self, situation: Situation) -> tuple[Choice, EngineName]:
        """A choice that can be, whoever made it."""
        if not self.run.rules_only and self._engine.name is not EngineName.RULES:
            try:
                choice = await self._engine.choose(situation)
                if not (problem := self._problem(situation, choice)):
                    return choice, self._engine.name
            except EngineFailed as error:
                problem = str(error)
            self.run.rules_only = True
            self._note(Step(situation.agent.name, "", self._engine.name, 0, f"refused: {problem}"))
        return await Rules().choose(situation), EngineName.RULES

    def _problem(self, situation: Situation, choice: Choice) -> str:
        """What is wrong with a choice, or ""."""
        if not choice.tool:
            missing = situation.wanted or ("more" if situation.possible() else "")
            return f"it stopped before there was {missing!r}" if missing else ""
        possible = {tool.name: tool for tool in situation.possible()}
        if choice.tool not in possible:
            there = {tool.name for tool in situation.agent.tools}
            why = "cannot run now" if choice.tool in there else "is not a tool of this agent"
            return f"{choice.tool[:80]!r} {why}"
        inner = possible[choice.tool].agent is not None
        if choice.action and (inner or choice.action not in self._tools[choice.tool].actions):
            return f"{choice.tool} may not be told to {choice.action[:80]!r}"
        return ""

    async def _use(
        self, agent: AgentSpec, spec: ToolSpec, value: object, choice: Choice, engine: EngineName
    ) -> object:
        began_s = time.perf_counter()
        if spec.agent is not None:
            inner = await self._agent(
                self._agents.agent(spec.agent), {spec.input: value}, spec.output
            )
            return inner[spec.output]
        made = await self._called(spec, value, choice.action)
        took_s = time.perf_counter() - began_s
        self._note(Step(agent.name, spec.name, engine, took_s, f"{spec.input} -> {spec.output}"))
        return made

    async def _called(self, spec: ToolSpec, value: object, action: str) -> object:
        tool = self._tools[spec.name]
        try:
            async with asyncio.timeout(tool.deadline_s) as limit:
                return await tool.run(value, action)
        except EntenteError:
            raise
        except Exception as error:
            if limit.expired():
                raise ToolTimedOut(
                    f"{spec.name} did not return within {tool.deadline_s:g} s; nothing is kept",
                    tool=spec.name,
                ) from None
            log.exception("a tool failed unexpectedly")
            raise ToolFailed(
                f"{spec.name} failed: {type(error).__name__}: {str(error)[:200]}", tool=spec.name
            ) from error

    async def _take_back(self) -> None:
        while self.run.undo:
            undo = self.run.undo.pop()
            try:
                async with asyncio.timeout(UNDO_S_MAX):
                    await undo()
            except Exception:
                log.exception("something that was done could not be taken back")

    def _note(self, step: Step) -> None:
        self.run.steps.append(step)
        self._told(step)


def _list(given: Mapping[str, object]) -> str:
    return ", ".join(repr(name) for name in given) or "nothing"
