"""vLLM as a Ray Serve application: what it passes on, and that it comes back after a crash."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from coordinator.intent.llm import Breaker, LlmEngine, ModelFailed, OpenAiModel
from coordinator.intent.prompt import messages
from coordinator.intent.proposal import Proposal, parse
from coordinator.intent.rules import RulesInterpreter
from coordinator.intent.settings import LlmSettings
from tests.asking import at_last
from tests.llm.conftest import PATIENCE_S, TOKENS_MAX, Served

pytestmark = [pytest.mark.timeout(1_800), pytest.mark.ray]

ROBOTS = "Control of welding robots in Berlin within 10 ms, for 40 devices"
BACK_S = 900.0
ENDLESS = {"const": "0123456789" * 1_000}
"""A schema that no answer fulfils within its limit: it cannot end well before the engine does."""


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/completions", b"{}", "404"), ("/chat/completions", b" " * 300_000, "413")],
)
def test_only_chat_of_some_size_is_passed_on(
    engine: Served, path: str, body: bytes, status: str
) -> None:
    shown = {"Authorization": f"Bearer {engine.key}"}
    request = urllib.request.Request(engine.url + path, body, shown)
    with pytest.raises(urllib.error.HTTPError, match=status):
        urllib.request.urlopen(request, timeout=PATIENCE_S)


def test_zz_an_engine_killed_in_the_middle_of_an_answer_is_replaced(
    engine: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, rules = engine.pid, RulesInterpreter()
    heard: list[str] = []

    class Killing(OpenAiModel):
        """Kills the engine as soon as the first words of its answer are here."""

        def _pieces(self, prompt: Sequence[dict[str, str]], ends: float) -> Iterator[str]:
            for piece in super()._pieces(prompt, ends):
                if piece:
                    heard.append(piece)
                    with suppress(ProcessLookupError):
                        os.killpg(first, signal.SIGKILL)
                yield piece

    model = Killing(LlmSettings(engine.url, "entente", engine.key, PATIENCE_S, TOKENS_MAX))
    with monkeypatch.context() as patched:
        patched.setattr(Proposal, "model_json_schema", lambda: ENDLESS)
        said = LlmEngine(model, Breaker()).over(rules).interpret(ROBOTS, ["berlin"])
    before = rules.interpret(ROBOTS, ["berlin"])
    begun = "".join(heard)
    assert begun
    assert begun != json.dumps(ENDLESS["const"])
    assert json.dumps(ENDLESS["const"]).startswith(begun)
    assert (said.action, said.services, said.engine) == (before.action, before.services, "rules")
    assert "the language model was left out: it" in said.explanation

    def back() -> int | None:
        """The engine that Serve started in place of the dead one, once it answers."""
        try:
            parse(engine.asked().answer(messages(ROBOTS, ())))
        except ModelFailed:
            return None
        return engine.pid

    assert at_last(back, BACK_S, "an engine in its place") != first
