"""A plan from the sentence to the instances: recommendations, a choice, a deployment, a comparison.

The agents of the file do the work; this is what they are started with and what is shown of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from coordinator.intent.settings import LlmSettings
from deploy.agents import report
from deploy.agents.errors import FeedbackUnclear
from deploy.agents.feedback import Memory
from deploy.agents.llm import ModelEngine
from deploy.agents.monitoring import Monitored
from deploy.agents.planning import Engine
from deploy.agents.recommending import LEAST, Recommendation, ranked
from deploy.agents.requirements import Requirements
from deploy.agents.runner import Runner, Step
from deploy.agents.spec import Agents
from deploy.agents.toolbox import Described, Modelled, Toolbox
from domains.errors import InvalidRequest

REQUIREMENTS: Final = "network slice modelling requirements"
"""What the first agent is given, by the name that the file has for it."""
RECOMMENDATIONS: Final = "slice topology recommendations"

Ask = Callable[[str], str]
"""A question to a person, and the answer."""


@dataclass(slots=True)
class Chooser:
    """Shows recommendations and takes a choice, or feedback first.

    Attributes:
        choose: the number of a recommendation, or None to ask.
        ask: how to ask a person; None where nobody is there.
        shown: the ranking as it was shown last; chosen: what was taken of it.
    """

    console: Console | None
    memory: Memory
    picture: Path
    choose: int | None = None
    ask: Ask | None = None
    shown: list[Recommendation] = field(default_factory=list)
    chosen: Recommendation | None = None

    async def __call__(self, modelled: Modelled) -> Recommendation:
        """The recommendation that is chosen.

        Raises:
            InvalidRequest: there is none of that number, or nobody is here to choose.
        """
        await self.show(modelled)
        if self.choose is not None:
            self.chosen = self._numbered(self.choose)
        while self.chosen is None:
            if self.ask is None:
                raise InvalidRequest("nobody is here to choose: say --choose N", field="choose")
            said = await asyncio.to_thread(
                self.ask, "A number deploys; words are feedback (q to leave)"
            )
            if said.strip().lower() in ("q", "quit", "exit"):
                raise InvalidRequest("nothing was chosen; nothing is deployed", field="choose")
            if said.strip().isdigit():
                try:
                    self.chosen = self._numbered(int(said))
                except InvalidRequest as error:
                    self._say(error.message)
                continue
            try:
                self.memory.add(said)
            except FeedbackUnclear as error:
                self._say(error.message)
                continue
            await self.show(modelled)
        return self.chosen

    async def show(self, modelled: Modelled) -> None:
        """Rank with everything that the operator has ever said, and show it."""
        wanted = modelled.wanted
        weights = self.memory.weights()
        self.shown = ranked(modelled.recommendations, weights)
        report.picture(self.shown, wanted, self.picture)
        if self.console is None:
            return
        self.console.print(Rule("recommendations"), report.table(self.shown, wanted))
        self._say(report.LEGEND)
        if len(self.shown) < LEAST:
            self._say(f"only {len(self.shown)} can be had now; {LEAST} are usual")
        if not any(one.keeps for one in self.shown):
            self._say(
                f"none keeps {wanted.utilisation_pct_min:g} %: ask for less, or choose anyway"
            )
        heard = ", ".join(
            f"{name} x {value:g}"
            for name, value in (
                ("cost", weights.cost),
                ("risk", weights.risk),
                ("utilisation", weights.utilisation),
            )
            if value != 1
        )
        self._say(f"ranked by what you said before: {heard}" if heard else "no feedback yet")
        self._say(f"picture: {self.picture}")

    def _numbered(self, number: int) -> Recommendation:
        if not 1 <= number <= len(self.shown):
            raise InvalidRequest(
                f"there is no recommendation {number}",
                field="choose",
                requested=number,
                achievable=f"1 to {len(self.shown)}",
            )
        return self.shown[number - 1]

    def _say(self, text: str) -> None:
        if self.console is not None:
            self.console.print(Text(text, "dim"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a plan came to; None for what was not reached.

    Attributes:
        steps: which tool ran when, and which engine chose it.
    """

    wanted: Requirements
    shown: tuple[Recommendation, ...]
    chosen: Recommendation | None
    described: Described | None
    monitored: Monitored | None
    steps: tuple[Step, ...]

    def json(self) -> dict[str, Any]:
        """Stable keys."""
        described, monitored = self.described, self.monitored
        measured = monitored.utilisation_pct if monitored else None
        return {
            "utilisation_pct_min": self.wanted.utilisation_pct_min,
            "constraint_stated": self.wanted.stated,
            "recommendations": [one.json() for one in self.shown],
            "chosen": self.chosen.json() if self.chosen else None,
            "slice": described.instance.slice if described else None,
            "descriptors": str(described.folder) if described else None,
            "functions": list(monitored.segments) if monitored else [],
            "measured_utilisation_pct": None if measured is None else round(measured, 1),
            "steps": [
                {
                    "agent": step.agent,
                    "tool": step.tool,
                    "engine": step.engine.value,
                    "took_s": round(step.took_s, 3),
                    "text": step.text,
                }
                for step in self.steps
            ],
        }


async def run(
    agents: Agents,
    wanted: Requirements,
    toolbox: Toolbox,
    chooser: Chooser,
    engine: Callable[[Mapping[str, frozenset[str]]], Engine] | None = None,
    told: Callable[[Step], None] = lambda _: None,
    choosing: bool = True,
) -> Outcome:
    """Everything that the file's tools lead to, or up to the recommendations only.

    Args:
        engine: made for the tools' actions; None for the rules.
        choosing: False stops at the recommendations.

    Raises:
        EntenteError: why it could not be; what was done is taken back.
    """
    tools = toolbox.tools()
    chosen_by = engine({name: tool.actions for name, tool in tools.items()}) if engine else None
    runner = Runner(agents, tools, chosen_by, told)
    toolbox.undo_with = runner.undo_with
    there = await runner.start({REQUIREMENTS: wanted}, "" if choosing else RECOMMENDATIONS)
    found = list(there.values())
    if not choosing:
        await chooser.show(next(value for value in found if isinstance(value, Modelled)))
    return Outcome(
        wanted=wanted,
        shown=tuple(chooser.shown),
        chosen=chooser.chosen,
        described=next((value for value in found if isinstance(value, Described)), None),
        monitored=next((value for value in found if isinstance(value, Monitored)), None),
        steps=tuple(runner.run.steps),
    )


def model(settings: LlmSettings) -> Callable[[Mapping[str, frozenset[str]]], Engine]:
    """The engine with a language model, for `run`."""
    return lambda actions: ModelEngine(settings, actions)
