"""The options that say what reads sentences: the same for every command that reads any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from coordinator.intent.engine import Engine
    from coordinator.intent.retrieval import Recall
    from coordinator.intent.settings import EngineSettings
    from deploy.llm_service import OwnModel

EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        envvar="ENTENTE_ENGINE",
        help="rules, retrieval or llm; else the best that can be had.",
    ),
]
LlmUrl = Annotated[
    str | None, typer.Option(help="A language model's OpenAI-compatible URL; ends in /v1.")
]
LlmModel = Annotated[str | None, typer.Option(help="The model's name at that URL.")]
LlmKeyFile = Annotated[
    Path | None, typer.Option(help="A file with the key that opens that URL.", exists=True)
]
QdrantUrl = Annotated[
    str | None, typer.Option(help="A Qdrant server, instead of the embedded memory.")
]
EncoderName = Annotated[
    str | None, typer.Option("--encoder", help="A sentence-transformers model, by name.")
]
Llm = Annotated[
    str | None,
    typer.Option(help="Run this model with vLLM on Ray Serve: a folder, or a name it can fetch."),
]
LlmOption = Annotated[
    list[str] | None, typer.Option(help="A further argument of vLLM's server; repeat for several.")
]
LlmPython = Annotated[
    Path | None, typer.Option(help="The interpreter that has vLLM; else one that is found.")
]


def engine_settings(
    engine: str | None,
    llm_url: str | None,
    llm_model: str | None,
    llm_key_file: Path | None,
    qdrant_url: str | None,
    encoder: str | None,
    llm: str | None = None,
) -> EngineSettings:
    """What the options say; what does not go together is wrong usage.

    Args:
        llm: a model to be run here, whose URL is not known yet.
    """
    from coordinator.intent.settings import (
        DEFAULT_ENCODER,
        EngineName,
        EngineSettings,
        LlmSettings,
    )

    if engine is not None and engine not in list(EngineName):
        raise typer.BadParameter(f"one of: {', '.join(EngineName)}", param_hint="--engine")
    if (llm_url is None) != (llm_model is None):
        raise typer.BadParameter("goes with --llm-model", param_hint="--llm-url")
    if llm is not None and llm_url is not None:
        raise typer.BadParameter("run one here, or name one elsewhere", param_hint="--llm")
    if engine == EngineName.LLM and llm is None and llm_url is None:
        raise typer.BadParameter("llm needs --llm-url and --llm-model", param_hint="--engine")
    model = None
    if llm_url is not None and llm_model is not None:
        key = llm_key_file.read_text().strip() if llm_key_file else ""
        model = LlmSettings(llm_url, llm_model, key)
    return EngineSettings(
        name=EngineName(engine) if engine else None,
        qdrant_url=qdrant_url or "",
        encoder=encoder or DEFAULT_ENCODER,
        llm=model,
    )


def own_model(
    llm: str | None, options: list[str] | None, python: Path | None, launcher: str
) -> OwnModel | None:
    """The model to be run here, if one is named."""
    if llm is None:
        if options or python:
            raise typer.BadParameter("goes with --llm", param_hint="--llm-option, --llm-python")
        return None
    if launcher != "ray":
        raise typer.BadParameter("a model runs on Ray Serve: --launcher ray", param_hint="--llm")
    from deploy.llm_service import OwnModel

    return OwnModel(llm, python, tuple(options or ()))


def opened(
    context: typer.Context, settings: EngineSettings, recall: Recall | None = None
) -> Engine:
    """The engine, open until the command ends; what it lacks is said once, on the side.

    Args:
        recall: asks for the past of whoever asks; without it nobody has one.
    """
    from coordinator.intent.engine import open_engine

    engine = open_engine(settings, recall)
    context.call_on_close(engine.close)
    if engine.note:
        typer.echo(engine.note, err=True)
    return engine
