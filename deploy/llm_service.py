"""A language model of one's own: vLLM on the Ray that this process has, for coordinator and HTTP.

The engine has an environment of its own. Where the interpreter that runs us has vLLM, it is that;
else the one that `make test-llm` makes, or the one that is named.
"""

from __future__ import annotations

import importlib.util
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from coordinator.intent.settings import LlmSettings
from deploy.child import ROOT
from deploy.home import Home
from deploy.serving import start_serve
from domains.errors import EntenteError, NotFound

NAME = "entente"
PREFIX = "/llm"


@dataclass(frozen=True, slots=True)
class OwnModel:
    """Which model to run; `python` has vLLM, None looks for one."""

    model: str
    python: Path | None = None
    options: tuple[str, ...] = ()


def start_model(home: Home, model: OwnModel, listen: str) -> LlmSettings:
    """Run the model on Ray Serve at an address of this machine; on return it answers.

    Raises:
        NotFound: no vLLM here. EntenteError: it did not start; its log says why.
    """
    from ray import serve

    from deploy.llm import application
    from deploy.vllm_engine import EngineSettings

    python = str(model.python or _python())
    log = home.logs / "llm.log"
    key = secrets.token_urlsafe(24)
    settings = EngineSettings(model.model, NAME, python, log, model.options)
    start_serve(listen)
    try:
        serve.run(application(settings, key), name="llm", route_prefix=PREFIX)
    except (RuntimeError, TimeoutError) as error:
        raise EntenteError(f"the language model did not start; see {log}", log=log) from error
    return LlmSettings(f"http://{listen}{PREFIX}/v1", NAME, key)


def _python() -> str:
    if importlib.util.find_spec("vllm") is not None:
        return sys.executable
    beside = ROOT / ".venv-llm" / "bin" / "python"
    if beside.exists():
        return str(beside)
    raise NotFound(
        "--llm needs vLLM: pip install 'entente-slicing[llm]' into an environment of its own and"
        " name its interpreter with --llm-python, or use a model elsewhere with --llm-url"
    )
