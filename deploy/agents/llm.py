"""The engine with a language model: it names a tool, by a tool call of any OpenAI-compatible URL.

What it is told are the prompt and goal of the file and the names of things; what it may answer is
the name of a tool, and an action where the tool has some. So a model can be wrong, never creative.
All of a run shares one budget of calls, tokens and seconds.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from coordinator.intent.settings import LlmSettings
from deploy.agents.planning import Choice, EngineFailed, EngineName, Situation
from domains.errors import NotFound

CALLS_MAX: Final = 24
TOKENS_MAX: Final = 24_000
SECONDS_MAX: Final = 90.0
"""Of waiting for the model; tools take the time they take."""
ANSWER_TOKENS_MAX: Final = 200


class ModelEngine:
    """One run's engine.

    Args:
        actions: tool -> what it may be told to do besides the usual.
    """

    name = EngineName.LLM

    def __init__(self, settings: LlmSettings, actions: Mapping[str, frozenset[str]]) -> None:
        try:
            import openai
        except ImportError:
            raise NotFound(
                "the language model engine needs the openai package: pip install openai"
            ) from None
        self._model = settings.model
        self._actions = actions
        self._calls = self._tokens = 0
        self._left_s = SECONDS_MAX
        self._client = openai.AsyncOpenAI(
            base_url=settings.url,
            api_key=settings.api_key or "none",
            max_retries=0,
            timeout=settings.deadline_s,
        )

    async def choose(self, situation: Situation) -> Choice:
        """See `Engine.choose`."""
        if self._calls >= CALLS_MAX or self._tokens >= TOKENS_MAX or self._left_s <= 0:
            raise EngineFailed("it has used up its budget for this run")
        began_s = time.monotonic()
        self._calls += 1
        try:
            async with asyncio.timeout(self._left_s):
                reply = await self._client.chat.completions.create(**self._request(situation))
        except Exception as error:  # whatever an engine does, the rules can go on
            raise EngineFailed(f"it gave no answer ({type(error).__name__})") from error
        finally:
            self._left_s -= time.monotonic() - began_s
        if reply.usage is not None:
            self._tokens += reply.usage.total_tokens
        return _choice(reply)

    def _request(self, situation: Situation) -> dict[str, Any]:
        agent = situation.agent
        told = {
            "wanted": situation.wanted or "as much as the tools lead to",
            "there": list(situation.there),
            "used": list(situation.done),
        }
        return {
            "model": self._model,
            "temperature": 0,
            "max_tokens": ANSWER_TOKENS_MAX,
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": f"{tool.description}. {tool.input} -> {tool.output}",
                        "parameters": _parameters(self._actions.get(tool.name, frozenset())),
                    },
                }
                for tool in agent.tools
            ],
            "messages": [
                {"role": "system", "content": f"{agent.prompt}\n\nThe goal: {agent.goal}"},
                {"role": "user", "content": json.dumps(told)},
            ],
        }


def _parameters(actions: frozenset[str]) -> dict[str, Any]:
    action = {"type": "string", "enum": sorted(actions)}
    return {
        "type": "object",
        "properties": {"action": action} if actions else {},
        "additionalProperties": False,
    }


def _choice(reply: Any) -> Choice:
    """The first tool call of a reply; without one the model thinks that it is done.

    Raises:
        EngineFailed: it is no tool call that can be read.
    """
    try:
        calls = reply.choices[0].message.tool_calls or ()
        if not calls:
            return Choice("")
        given = json.loads(calls[0].function.arguments or "{}")
        if not isinstance(given, dict) or set(given) - {"action"}:
            raise ValueError
        return Choice(str(calls[0].function.name), str(given.get("action", "")))
    except (AttributeError, IndexError, TypeError, ValueError):
        raise EngineFailed("its answer is no tool call that can be read") from None
