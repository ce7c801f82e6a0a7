"""A real engine for the whole session: vLLM on this machine's processor, with a tiny Llama."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.vllm_engine import EngineSettings, VllmEngine

OPTIONS = ("--enforce-eager", "--dtype", "float32")
READY_S = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without vLLM there is nothing to test here: `make test-llm` has it."""
    if importlib.util.find_spec("vllm") is None:
        skip = pytest.mark.skip(reason="vLLM is not installed here; make test-llm runs these")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.llm.tiny import make

    return make(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def engine(model: Path) -> Iterator[VllmEngine]:
    settings = EngineSettings(str(model), log=model / "engine.log", options=OPTIONS)
    with VllmEngine(settings) as running:
        try:
            yield running.wait(READY_S)
        except Exception:
            print((model / "engine.log").read_text(errors="replace")[-4_000:])
            raise
