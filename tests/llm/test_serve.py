"""vLLM as a Ray Serve application: it answers, and comes back after its engine was killed."""

from __future__ import annotations

import os
import signal
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coordinator.intent.llm import Breaker, LlmEngine, ModelFailed, OpenAiModel
from coordinator.intent.prompt import messages
from coordinator.intent.proposal import parse
from coordinator.intent.rules import RulesInterpreter
from coordinator.intent.settings import LlmSettings
from deploy.vllm_engine import EngineSettings
from tests.asking import at_last
from tests.llm.conftest import OPTIONS

pytestmark = [pytest.mark.timeout(1_200), pytest.mark.ray]

ROBOTS = "Control of welding robots in Berlin within 10 ms, for 40 devices"
BACK_S = 600.0


@pytest.fixture(scope="module")
def served(model: Path) -> Iterator[tuple[str, Any]]:
    """The URL, and a handle on the deployment."""
    import ray
    from ray import serve

    from deploy.llm import application
    from deploy.vllm_engine import _free_port

    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="llm") as folder:
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            _temp_dir=folder,
            log_to_driver=False,
        )
        try:
            serve.start(http_options={"host": "127.0.0.1", "port": port})
            settings = EngineSettings(str(model), log=model / "served.log", options=OPTIONS)
            handle = serve.run(application(settings), name="llm", route_prefix="/llm")
            yield f"http://127.0.0.1:{port}/llm/v1", handle
        finally:
            serve.shutdown()
            ray.shutdown()


def asked(url: str) -> OpenAiModel:
    return OpenAiModel(LlmSettings(url, "entente", deadline_s=60, answer_tokens_max=2_000))


def test_it_answers_streams_refuses_and_recovers(served: tuple[str, Any]) -> None:
    url, handle = served
    model = asked(url)
    pieces = [p for p in model._pieces(messages(ROBOTS, ()), time.monotonic() + 60) if p]
    assert len(pieces) > 10
    parse("".join(pieces))
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(url + "/completions", data=b"{}")
    with pytest.raises(urllib.error.HTTPError, match="413"):
        urllib.request.urlopen(url + "/chat/completions", data=b" " * 300_000)

    first = handle.pid.remote().result()
    os.killpg(first, signal.SIGKILL)
    rules = RulesInterpreter()
    said = LlmEngine(model, Breaker()).over(rules).interpret(ROBOTS, ["berlin"])
    before = rules.interpret(ROBOTS, ["berlin"])
    assert (said.action, said.services, said.engine) == (before.action, before.services, "rules")
    assert "the language model was left out" in said.explanation

    assert first != _again(model, handle)


def _again(model: OpenAiModel, handle: Any) -> int:
    """The process of the engine that Serve started in place of the dead one."""

    def back() -> int | None:
        try:
            parse(model.answer(messages(ROBOTS, ())))
        except ModelFailed:
            return None
        return int(handle.pid.remote().result())

    return at_last(back, BACK_S, "an engine in its place")
