"""A real engine for the whole session: vLLM on this machine's processor, with a tiny Llama.

It runs as it runs for users, on Ray Serve. To start one takes a minute of processor time, so all
tests share it, and the test that kills it comes last.
"""

from __future__ import annotations

import importlib.util
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coordinator.intent.llm import OpenAiModel
from coordinator.intent.settings import LlmSettings
from deploy.home import Home
from deploy.hosts import start_ray
from deploy.processes import free_addresses
from deploy.vllm_engine import EngineSettings

OPTIONS = ("--enforce-eager", "--dtype", "float32")
PATIENCE_S = 300.0
"""For an answer where its time is not what is tested: other work may have the processor."""
TOKENS_MAX = 2_000
LAST = "zz"
"""In the name of the test that ends the engine which the others share."""


@dataclass(frozen=True, slots=True)
class Served:
    """An engine behind Ray Serve: where it answers, what opens it, who it is."""

    url: str
    key: str
    handle: Any

    @property
    def pid(self) -> int:
        """Of the engine's process group."""
        return int(self.handle.pid.remote().result(timeout_s=PATIENCE_S))

    def asked(self, deadline_s: float = PATIENCE_S, tokens: int = TOKENS_MAX) -> OpenAiModel:
        return OpenAiModel(LlmSettings(self.url, "entente", self.key, deadline_s, tokens))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without vLLM there is nothing to test here: `make test-llm` has it."""
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    if importlib.util.find_spec("vllm") is None:
        skip = pytest.mark.skip(reason="vLLM is not installed here; make test-llm runs these")
        for item in ours:
            item.add_marker(skip)
    items.sort(key=lambda item: item in ours and LAST in item.name)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.llm.tiny import make

    return make(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def engine(model: Path) -> Iterator[Served]:
    home = Home(model / "home").prepare()
    with tempfile.TemporaryDirectory(prefix="llm") as folder:
        ray = start_ray(Path(folder), home.ray_token(), 2)
        try:
            yield from served(model)
        finally:
            ray.shutdown()


def served(model: Path) -> Iterator[Served]:
    """On the Ray that runs here."""
    from ray import serve

    from deploy.llm import application
    from deploy.serving import start_serve

    log, key = model / "engine.log", secrets.token_urlsafe(24)
    (address,) = free_addresses(1)
    try:
        start_serve(address)
        settings = EngineSettings(str(model), log=log, options=OPTIONS)
        handle = serve.run(application(settings, key), name="llm", route_prefix="/llm")
        yield Served(f"http://{address}/llm/v1", key, handle)
    except BaseException:
        print(log.read_text(errors="replace")[-4_000:] if log.exists() else "no engine")
        raise
    finally:
        serve.shutdown()
