"""The language model engine: it proposes, grounding disposes, and rules answer when it fails.

One client for everything that speaks the OpenAI API: vLLM that `deploy` runs, or a URL. The
sentence goes out masked, as data in a JSON field, behind examples made from what was retrieved;
the answer is decoded under a JSON schema and streamed, so that a stuck, endless or dying engine
is left at a deadline. Whatever goes wrong, the caller gets the answer of the engine beneath, whose
name and the reason stand in the interpretation.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from coordinator.intent import Interpreter, portions
from coordinator.intent.grounding import ground
from coordinator.intent.language import is_english
from coordinator.intent.privacy import mask
from coordinator.intent.prompt import messages
from coordinator.intent.proposal import Proposal, parse
from coordinator.intent.settings import LlmSettings
from coordinator.model import Action, Interpretation
from domains.errors import NotFound

log = logging.getLogger(__name__)

ANSWER_CHARACTERS_MAX = 16_384
CALLS_MAX = 8
"""At once; one more is answered by the rules."""
FAILURES_MAX = 3
"""In a row; then the model is left alone for `REST_S`."""
REST_S = 30.0

Ground = Callable[[str, Sequence[str], Interpretation, Proposal], Interpretation]


class ModelFailed(Exception):
    """No usable answer; the message says why, in our words, for the decision record."""


class Model(Protocol):
    """Answers a prompt with JSON of `Proposal`'s schema."""

    def answer(self, prompt: Sequence[dict[str, str]]) -> str:
        """The whole answer.

        Raises:
            ModelFailed: late, down, cut off, or too long.
        """
        ...


class OpenAiModel:
    """A `Model` behind an OpenAI-compatible URL."""

    def __init__(self, settings: LlmSettings) -> None:
        try:
            import openai
        except ImportError:
            raise NotFound(
                "the language model engine needs the openai package: pip install openai"
            ) from None
        self._settings = settings
        self._client = openai.OpenAI(
            base_url=settings.url,
            api_key=settings.api_key or "none",
            max_retries=0,
            timeout=settings.deadline_s,
        )

    def answer(self, prompt: Sequence[dict[str, str]]) -> str:
        """See `Model.answer`."""
        ends = time.monotonic() + self._settings.deadline_s
        try:
            return "".join(self._pieces(prompt, ends))
        except ModelFailed:
            raise
        except Exception as error:  # whatever an engine does, the rules can answer
            if "Timeout" in type(error).__name__:
                raise ModelFailed("it did not answer in time") from error
            raise ModelFailed(f"it could not be asked ({type(error).__name__})") from error

    def _pieces(self, prompt: Sequence[dict[str, str]], ends: float) -> Iterator[str]:
        """The answer as it comes; leaving closes the connection, and the engine stops."""
        asked: dict[str, Any] = {
            "model": self._settings.model,
            "messages": list(prompt),
            "temperature": 0,
            "max_tokens": self._settings.answer_tokens_max,
            "stream": True,
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "proposal",
                    "schema": Proposal.model_json_schema(),
                    "strict": True,
                },
            },
        }
        finished, size = "", 0
        with self._client.chat.completions.create(**asked) as stream:
            for chunk in stream:
                if time.monotonic() > ends:
                    raise ModelFailed("it did not answer in time")
                for choice in chunk.choices:
                    piece = choice.delta.content or ""
                    size += len(piece)
                    finished = choice.finish_reason or finished
                    if size > ANSWER_CHARACTERS_MAX:
                        raise ModelFailed("its answer had no end")
                    yield piece
        if finished != "stop":
            raise ModelFailed("its answer was cut off")


class Breaker:
    """Leaves a model alone that failed `FAILURES_MAX` times in a row; then one call tries it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures, self._rests_until = 0, 0.0
        self._guard = threading.Lock()

    def admits(self) -> bool:
        """Whether the model may be asked now; past the rest, one caller at a time may try."""
        with self._guard:
            if self._failures < FAILURES_MAX:
                return True
            if self._now() < self._rests_until:
                return False
            self._rests_until = self._now() + REST_S
            return True

    def tell(self, *, answered: bool) -> None:
        """What came of a call."""
        with self._guard:
            self._failures = 0 if answered else self._failures + 1
            if self._failures >= FAILURES_MAX:
                self._rests_until = self._now() + REST_S


class LlmEngine:
    """One model for all tenants: its breaker and its limit on calls at once."""

    def __init__(self, model: Model, breaker: Breaker, checked: Ground = ground) -> None:
        self._model, self._breaker, self._ground = model, breaker, checked
        self._calls = threading.BoundedSemaphore(CALLS_MAX)

    def over(self, base: Interpreter) -> LlmInterpreter:
        """An interpreter that asks the model and keeps `base` to fall back on."""
        return LlmInterpreter(self, base)

    def read(self, text: str, areas: Sequence[str], said: Interpretation) -> Interpretation:
        """What the model makes of a text beside what was `said`.

        Raises:
            ModelFailed: no usable answer.
        """
        if not self._breaker.admits():
            raise ModelFailed("it failed several times and is left alone for a while")
        if not self._calls.acquire(blocking=False):
            raise ModelFailed("too many ask it at once")
        answered = False
        try:
            answer = self._model.answer(messages(mask(text), said.neighbours))
            found = self._ground(text, areas, said, parse(answer))
            answered = True
        except ValueError as error:
            raise ModelFailed(f"its answer made no sense: {error}") from error
        finally:
            self._calls.release()
            self._breaker.tell(answered=answered)
        return found


class LlmInterpreter:
    """An `Interpreter`: the model's refinements over what the engine beneath says."""

    def __init__(self, engine: LlmEngine, base: Interpreter) -> None:
        self._engine, self._base = engine, base

    def interpret(self, text: str, areas: Sequence[str]) -> Interpretation:
        """See `Interpreter.interpret`.

        A life-cycle command and a refusal never reach the model; a refusal only because of the
        language does, and at best becomes a question.
        """
        said = self._base.interpret(text, areas)
        foreign = said.action is Action.REJECT and _only_foreign(text)
        if said.action not in (Action.CREATE, Action.CLARIFY) and not foreign:
            return said
        try:
            return self._engine.read(text, areas, said)
        except ModelFailed as failed:
            log.warning("the %s engine answered for the language model: %s", said.engine, failed)
            note = f"the language model was left out: {failed}"
            return replace(said, explanation="; ".join(filter(None, (said.explanation, note))))


def _only_foreign(text: str) -> bool:
    """Whether a refusal may be due to the language alone: nothing hostile was cut out."""
    return not is_english(text) and portions.is_benign(text)


def model_engine(settings: LlmSettings) -> LlmEngine:
    """The engine for a model at a URL.

    Raises:
        NotFound: the client package is not installed.
    """
    return LlmEngine(OpenAiModel(settings), Breaker())
