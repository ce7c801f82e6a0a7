"""`agents.yaml`, in the schema of Listing 1: who has which tools, and what goes in and out.

    llm-assisted-slice-agents:
      - name, goal, prompt
        tools:
          - name, description, input, output
            agent            (only where the tool is another agent of the file)

`input` and `output` are names of things, compared without regard to case and spaces: a tool can
run once something of its input's name is there. Every error begins with the place in the file.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import networkx as nx
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from deploy.agents.errors import AgentsInvalid

ROOT_KEY: Final = "llm-assisted-slice-agents"
FILE_BYTES_MAX: Final = 1 << 16
AGENTS_MAX: Final = 16
TOOLS_MAX: Final = 16

SHIPPED: Final = Path(__file__).parents[1] / "agents.yaml"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Thing = Annotated[Name, AfterValidator(lambda text: " ".join(text.lower().split()))]


class ToolSpec(BaseModel):
    """One tool of an agent; with `agent`, that agent is the tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    agent: Name | None = None
    description: Text
    input: Thing
    output: Thing


class AgentSpec(BaseModel):
    """One agent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    goal: Text
    prompt: Text
    tools: tuple[ToolSpec, ...] = Field(min_length=1, max_length=TOOLS_MAX)


class Agents(BaseModel):
    """The whole file; the first agent is the one that people speak to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agents: tuple[AgentSpec, ...] = Field(alias=ROOT_KEY, min_length=1, max_length=AGENTS_MAX)

    @property
    def first(self) -> AgentSpec:
        return self.agents[0]

    def agent(self, name: str) -> AgentSpec:
        return next(agent for agent in self.agents if agent.name == name)


def load(path: Path, known: Collection[str]) -> Agents:
    """Read and check a file.

    Args:
        known: names of the tools that exist.

    Raises:
        AgentsInvalid: it cannot be read, or says something impossible.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise AgentsInvalid(f"{path}: {error.strerror}", file=path) from None
    if len(content) > FILE_BYTES_MAX:
        raise AgentsInvalid(f"{path}: larger than {FILE_BYTES_MAX} bytes", file=path)
    return parse(content, path.name, known)


def parse(content: bytes, source: str, known: Collection[str]) -> Agents:
    """The same for the file's content; `source` is what errors call it.

    Raises:
        AgentsInvalid: as `load`.
    """
    try:
        values = yaml.load(content, Loader=_Strict)  # noqa: S506  # is safe
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        # Besides its own errors: a date in no calendar, a list as a key.
        said = " ".join(str(error).split())
        raise AgentsInvalid(f"{source}: not YAML: {said[:200]}", file=source) from None
    try:
        found = Agents.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise _invalid(source, _place(first["loc"]), first["msg"]) from None
    _check_names(found, source, known)
    _check_loops(found, source)
    return found


def _check_names(found: Agents, source: str, known: Collection[str]) -> None:
    names = [agent.name for agent in found.agents]
    for index, agent in enumerate(found.agents):
        place = f"{ROOT_KEY}[{index}]"
        if agent.name in names[:index]:
            raise _invalid(source, f"{place}.name", f"a second agent named {agent.name!r}")
        tools = [tool.name for tool in agent.tools]
        for number, tool in enumerate(agent.tools):
            where = f"{place}.tools[{number}]"
            if tool.name in tools[:number]:
                raise _invalid(source, f"{where}.name", f"a second tool named {tool.name!r}")
            if tool.agent is None and tool.name not in known:
                there = ", ".join(sorted(known))
                raise _invalid(
                    source, f"{where}.name", f"no tool is named {tool.name!r}; there are: {there}"
                )
            if tool.agent is not None and tool.agent not in names:
                there = ", ".join(names)
                raise _invalid(
                    source,
                    f"{where}.agent",
                    f"no agent is named {tool.agent!r}; there are: {there}",
                )


def _check_loops(found: Agents, source: str) -> None:
    calls: nx.DiGraph[str] = nx.DiGraph(
        (a.name, t.agent) for a in found.agents for t in a.tools if t.agent
    )
    if loop := _loop(calls):
        raise _invalid(source, ROOT_KEY, f"agents that call each other in a loop: {loop}")
    for index, agent in enumerate(found.agents):
        feeds: nx.DiGraph[str] = nx.DiGraph(
            (one.name, other.name)
            for one in agent.tools
            for other in agent.tools
            if one.output == other.input
        )
        if loop := _loop(feeds):
            raise _invalid(
                source,
                f"{ROOT_KEY}[{index}].tools",
                f"tools that feed each other in a loop: {loop}",
            )


def _loop(graph: nx.DiGraph[str]) -> str:
    try:
        edges = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        return ""
    return " -> ".join([*(edge[0] for edge in edges), edges[0][0]])


def _place(location: tuple[int | str, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).lstrip(".") or "the whole file"


def _invalid(source: str, place: str, what: str) -> AgentsInvalid:
    return AgentsInvalid(f"{source}: {place}: {what}", file=source, field=place)


class _Strict(yaml.SafeLoader):
    """A key that stands twice in one mapping is an error, not the last one."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Mapping[Hashable, Any]:  # type: ignore[override]
        seen: set[object] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
