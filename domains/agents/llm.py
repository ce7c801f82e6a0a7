"""The model engine: it proposes a stance per deadlock, the policy and the solver dispose.

Any OpenAI-compatible endpoint. The prompt holds numbers of the domain's own and no text of anybody
else's; the answer is decoded under a JSON schema, streamed and bounded. Whatever goes wrong (late,
down, nonsense, a proposal that the policy or the solver forbids) the rules answer, and the
rationale of the menu, which the decision record keeps, says so.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domains.agents.engine import Engine as Decides
from domains.agents.engine import Situation, Stance, fault
from domains.agents.policy import POINTS_MAX, RATIONALE_CHARACTERS_MAX, Engine, LlmSection, Policy
from domains.agents.rules import decide
from domains.errors import Unreachable

ANSWER_TOKENS_MAX = 300
ANSWER_CHARACTERS_MAX = 4_096
CALLS_MAX = 8
"""Questions to the model at once, of one domain; one more is answered by the rules."""
FAILURES_MAX = 3
"""In a row; then the model is left alone for `REST_S`."""
REST_S = 30.0

SYSTEM = (
    "You concede for a network operator in a negotiation over one network segment. Answer with "
    "JSON: margin_permille, the margin on cost in thousandths, from margin_permille_floor to "
    "margin_permille_last; points, indices of `points` to show, at most points_max; rationale, "
    "one short sentence that names no cost and no margin. Concede as little as wins the order."
)


class Proposal(BaseModel):
    """What the model has to answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    margin_permille: int
    points: list[int] = Field(max_length=POINTS_MAX)
    rationale: str = Field(min_length=1, max_length=RATIONALE_CHARACTERS_MAX)


class Failed(Exception):
    """No usable answer; the message says why, in our own words."""


class Model(Protocol):
    """Answers a prompt with JSON of `Proposal`'s schema."""

    async def answer(self, messages: Sequence[dict[str, str]]) -> str:
        """The whole answer. Raises `Failed`."""
        ...


class OpenAiModel:
    """A `Model` behind an OpenAI-compatible URL."""

    def __init__(self, section: LlmSection) -> None:
        import openai

        self._model = section.model
        self._client = openai.AsyncOpenAI(
            base_url=section.url,
            api_key=os.environ.get(section.api_key_env, "") or "none",
            max_retries=0,
            timeout=section.deadline_s,
        )

    async def answer(self, messages: Sequence[dict[str, str]]) -> str:
        """See `Model.answer`."""
        asked: dict[str, Any] = {
            "model": self._model,
            "messages": list(messages),
            "temperature": 0,
            "max_tokens": ANSWER_TOKENS_MAX,
            "stream": True,
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "stance",
                    "schema": Proposal.model_json_schema(),
                    "strict": True,
                },
            },
        }
        text = ""
        async with await self._client.chat.completions.create(**asked) as stream:
            async for chunk in stream:
                text += "".join(choice.delta.content or "" for choice in chunk.choices)
                if len(text) > ANSWER_CHARACTERS_MAX:
                    raise Failed("its answer had no end")
        return text


class Llm:
    """An `Engine` that asks a model and falls back on the rules."""

    def __init__(
        self, model: Model, deadline_s: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._model, self._deadline_s, self._now = model, deadline_s, now
        self._failures, self._rests_until_s, self._asking = 0, 0.0, 0

    async def stances(self, situations: Sequence[Situation]) -> Sequence[Stance]:
        """One question per situation, all at once, all under one deadline."""
        return await asyncio.gather(*(self._stance(situation) for situation in situations))

    async def _stance(self, situation: Situation) -> Stance:
        try:
            return await self._asked(situation)
        except Failed as failed:
            ruled = decide(situation)
            said = f"by rules, as the model failed ({failed}): {ruled.rationale}"
            return replace(ruled, rationale=said[:RATIONALE_CHARACTERS_MAX])

    async def _asked(self, situation: Situation) -> Stance:
        if self._failures >= FAILURES_MAX and self._now() < self._rests_until_s:
            raise Failed("it is left alone for a while")
        if self._asking >= CALLS_MAX:
            raise Failed("too many questions at once")
        self._asking += 1
        answered = False
        try:
            async with asyncio.timeout(self._deadline_s):
                text = await self._model.answer(prompt(situation))
            stance = _checked(situation, text)
            answered = True
            return stance
        except TimeoutError:
            raise Failed("no answer in time") from None
        except Failed:
            raise
        except Exception as error:  # whatever an endpoint does, the rules can answer
            raise Failed(f"it could not be asked: {type(error).__name__}") from error
        finally:
            self._asking -= 1
            self._failures = 0 if answered else self._failures + 1
            if self._failures >= FAILURES_MAX:
                self._rests_until_s = self._now() + REST_S


def prompt(situation: Situation) -> list[dict[str, str]]:
    """Numbers only: no name, no word of a tenant or of a peer."""
    data = json.dumps(asdict(situation))
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": data}]


def _checked(situation: Situation, text: str) -> Stance:
    try:
        said = Proposal.model_validate_json(text)
    except ValidationError as error:
        raise Failed("its answer is not of the form asked for") from error
    stance = Stance(said.margin_permille, tuple(said.points), f"by the model: {said.rationale}")
    stance = replace(stance, rationale=stance.rationale[:RATIONALE_CHARACTERS_MAX])
    if wrong := fault(situation, stance):
        raise Failed(f"it proposed {wrong}")
    return stance


def engine(policy: Policy) -> Decides | None:
    """The engine that a policy names; None for the rules.

    Raises:
        Unreachable: the model engine's package is not installed.
    """
    if policy.engine is Engine.RULES or policy.llm is None:
        return None
    try:
        return Llm(OpenAiModel(policy.llm), policy.llm.deadline_s)
    except ImportError as error:
        raise Unreachable(
            "the model engine needs the openai package: pip install openai"
        ) from error
