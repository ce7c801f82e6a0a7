"""Which tool an agent uses next: two engines, one protocol.

`rules` follow the tool graph: the first tool of the file whose input is there and whose output is
still missing. The order in the file matters only between tools that make the same thing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from deploy.agents.spec import AgentSpec, ToolSpec


class EngineName(StrEnum):
    RULES = "rules"
    LLM = "llm"


@dataclass(frozen=True, slots=True)
class Choice:
    """What an engine wants: a tool by name, and what to do with it where it can do several
    things. `tool` is "" where it thinks that it is done.
    """

    tool: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What an engine may know: names of things, never what is in them.

    Attributes:
        wanted: the name of what shall come out; "" for as much as can be had.
        there: names of the things that are there, in the order in which they came.
        done: the tools that have run.
    """

    agent: AgentSpec
    wanted: str
    there: tuple[str, ...]
    done: tuple[str, ...]

    def possible(self) -> tuple[ToolSpec, ...]:
        """The tools that can run and would add something, as in the file."""
        return tuple(
            tool
            for tool in self.agent.tools
            if tool.name not in self.done
            and tool.input in self.there
            and tool.output not in self.there
        )


class Engine(Protocol):
    """Chooses; whoever runs the choice checks it first."""

    @property
    def name(self) -> EngineName: ...

    async def choose(self, situation: Situation) -> Choice:
        """The next tool.

        Raises:
            EngineFailed: no usable answer, and why.
        """
        ...


class EngineFailed(Exception):
    """An engine gave no usable answer; the message says why, for the record."""


class Rules:
    """The engine without a model."""

    name = EngineName.RULES

    async def choose(self, situation: Situation) -> Choice:
        useful = leading_to(situation.agent.tools, situation.wanted)
        for tool in situation.possible():
            if tool.name in useful:
                return Choice(tool.name)
        return Choice("")


def leading_to(tools: Sequence[ToolSpec], wanted: str) -> Collection[str]:
    """The tools from which a way leads to what is wanted; all of them where nothing is."""
    if not wanted:
        return {tool.name for tool in tools}
    needed, found = {wanted}, set[str]()
    while fresh := [t for t in tools if t.output in needed and t.name not in found]:
        found |= {tool.name for tool in fresh}
        needed |= {tool.input for tool in fresh}
    return found
