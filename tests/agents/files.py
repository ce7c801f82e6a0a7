"""Files of agents for tests, and tools that note when they run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from deploy.agents.runner import Tool
from deploy.agents.spec import Agents, parse

KNOWN = ("boil", "grind", "brew", "instant", "serve")


def tool(name: str, given: str, made: str, agent: str | None = None) -> dict[str, Any]:
    row = {"name": name, "description": f"makes {made}", "input": given, "output": made}
    return row | ({"agent": agent} if agent else {})


def agent(name: str, *tools: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "goal": "coffee", "prompt": "You make coffee.", "tools": list(tools)}


def content(*agents: dict[str, Any]) -> bytes:
    return yaml.safe_dump({"llm-assisted-slice-agents": list(agents)}, sort_keys=False).encode()


def agents(*rows: dict[str, Any]) -> Agents:
    return parse(content(*rows), "agents.yaml", KNOWN)


GRIND = tool("grind", "beans", "powder")
BREW = tool("brew", "powder", "coffee")
INSTANT = tool("instant", "beans", "coffee")
SERVE = tool("serve", "coffee", "cup")
BARISTA = agent("Barista", GRIND, BREW, SERVE)


class Kitchen:
    """Tools whose output says how it was made, and the order in which they ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, str]] = []

    def tools(self, **instead: Tool) -> dict[str, Tool]:
        return {name: self._tool(name) for name in KNOWN} | instead

    def names(self) -> list[str]:
        return [name for name, _ in self.ran]

    def _tool(self, name: str) -> Tool:
        async def run(value: object, action: str) -> object:
            self.ran.append((name, action))
            return f"{name}({value})"

        return Tool(run, 5.0, frozenset({"gently"}))


def nested(names: Iterable[str], start: str) -> str:
    """What comes out of running tools in that order."""
    for name in names:
        start = f"{name}({start})"
    return start
