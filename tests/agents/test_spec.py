"""The YAML of agents: what is shipped, and every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.agents.errors import AgentsInvalid
from deploy.agents.plan import RECOMMENDATIONS, REQUIREMENTS
from deploy.agents.planning import leading_to
from deploy.agents.spec import AGENTS_MAX, FILE_BYTES_MAX, SHIPPED, load, parse
from deploy.agents.toolbox import NAMES
from tests.agents.files import BARISTA, BREW, GRIND, INSTANT, KNOWN, SERVE, agent, content, tool


def test_the_shipped_file_has_the_four_agents_and_every_tool_once() -> None:
    found = load(SHIPPED, NAMES)
    assert [one.name for one in found.agents] == [
        "On-Device Agent",
        "Slice Modelling Agent",
        "Slice Deployment Agent",
        "Resource Management Agent",
    ]
    own = [tool.name for one in found.agents for tool in one.tools if tool.agent is None]
    assert sorted(own) == sorted(NAMES)
    first = found.first.tools
    assert first[0].input == REQUIREMENTS
    assert first[0].output == RECOMMENDATIONS
    assert set(leading_to(first, "network function monitoring information")) == {
        tool.name for tool in first
    }


LOOP = (tool("grind", "beans", "powder"), tool("boil", "powder", "beans"))
LIKE = "llm-assisted-slice-agents"
WRONG = {
    "a tool that nobody has": (
        content(agent("Barista", tool("toast", "bread", "toast"))),
        rf"agents.yaml: {LIKE}\[0\].tools\[0\].name: no tool is named 'toast'; there are: boil",
    ),
    "an agent that nobody is": (
        content(agent("Barista", tool("x", "a", "b", agent="Miller"))),
        rf"{LIKE}\[0\].tools\[0\].agent: no agent is named 'Miller'; there are: Barista",
    ),
    "two agents of one name": (
        content(BARISTA, BARISTA),
        rf"{LIKE}\[1\].name: a second agent named 'Barista'",
    ),
    "two tools of one name": (
        content(agent("Barista", GRIND, GRIND)),
        rf"{LIKE}\[0\].tools\[1\].name: a second tool named 'grind'",
    ),
    "tools that feed each other": (
        content(agent("Barista", *LOOP)),
        rf"{LIKE}\[0\].tools: tools that feed each other in a loop: (grind|boil) -> ",
    ),
    "a tool that feeds itself": (
        content(agent("Barista", tool("grind", "beans", "BEANS "))),
        r"loop: grind -> grind",
    ),
    "agents that call each other": (
        content(
            agent("A", tool("x", "p", "q", agent="B")), agent("B", tool("y", "q", "r", agent="A"))
        ),
        r"agents that call each other in a loop: (A -> B -> A|B -> A -> B)",
    ),
    "no output": (
        content(agent("A", {"name": "grind", "description": "d", "input": "x"})),
        rf"{LIKE}\[0\].tools\[0\].output: Field required",
    ),
    "a key that is none": (
        content({**BARISTA, "temperature": 2}),
        rf"{LIKE}\[0\].temperature: Extra inputs",
    ),
    "no tools": (content(agent("A")), rf"{LIKE}\[0\].tools: Tuple should have at least 1"),
    "nothing": (b"", "the whole file"),
    "a list": (b"- a\n- b\n", "the whole file"),
    "no YAML": (b"{unclosed: [", "not YAML"),
    "no text": (b"\x80\x81", "not YAML"),
    "an object of Python": (b"!!python/object/apply:os.system ['true']", "not YAML"),
    "a key twice": (b"llm-assisted-slice-agents: []\nllm-assisted-slice-agents: []\n", "twice"),
    "too deep": (b"[" * 400, "not YAML"),
    "a list as a key": (b"? [a]\n: b\n", "not YAML"),
    "a date in no calendar": (b"a: 2024-13-45\n", "not YAML"),
    "too many": (
        content(*(agent(f"A{i}", GRIND) for i in range(AGENTS_MAX + 1))),
        "at most 16 items",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case: str) -> None:
    text, message = WRONG[case]
    with pytest.raises(AgentsInvalid, match=message):
        parse(text, "agents.yaml", KNOWN)


def test_a_file_that_is_not_there_or_too_large_says_so(tmp_path: Path) -> None:
    with pytest.raises(AgentsInvalid, match="No such file"):
        load(tmp_path / "none.yaml", KNOWN)
    (tmp_path / "large.yaml").write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(AgentsInvalid, match="larger than"):
        load(tmp_path / "large.yaml", KNOWN)


def test_names_of_things_are_compared_without_case_and_spaces() -> None:
    spaced = tool("brew", "  POWDER ", "Coffee")
    found = parse(content(agent("A", GRIND, spaced, INSTANT, SERVE)), "a", KNOWN)
    assert found.first.tools[1].input == "powder"
    assert leading_to(found.first.tools, "cup") == {"grind", "brew", "instant", "serve"}
    assert BREW["input"] == "powder"
