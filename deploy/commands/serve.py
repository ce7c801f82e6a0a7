"""Commands for the HTTP service: serve, token."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.engine import (
    EncoderName,
    EngineOption,
    Llm,
    LlmKeyFile,
    LlmModel,
    LlmOption,
    LlmPython,
    LlmUrl,
    QdrantUrl,
    engine_settings,
    own_model,
)
from deploy.commands.intents import GERMANY, Config, config_named
from deploy.commands.request import Json
from deploy.session import Asker, print_json


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)
    app.command("token")(token)


def serve(
    listen: Annotated[
        str | None, typer.Option(help="host:port, on loopback; else 127.0.0.1:50080.")
    ] = None,
    config: Config = GERMANY,
    launcher: Annotated[
        str, typer.Option("--launcher", help="ray: Ray Serve; process: uvicorn, without Ray.")
    ] = "ray",
    engine: EngineOption = None,
    llm_url: LlmUrl = None,
    llm_model: LlmModel = None,
    llm_key_file: LlmKeyFile = None,
    qdrant_url: QdrantUrl = None,
    encoder: EncoderName = None,
    llm: Llm = None,
    llm_option: LlmOption = None,
    llm_python: LlmPython = None,
    as_json: Json = False,
) -> None:
    """The HTTP service alone, until Ctrl-C: translations, the catalogue, conversations."""
    from deploy.commands.run import launcher_named
    from deploy.home import Home
    from deploy.http import alone
    from deploy.web.address import DEFAULT_LISTEN

    chosen = launcher_named(launcher)
    reading = engine_settings(engine, llm_url, llm_model, llm_key_file, qdrant_url, encoder, llm)
    model = own_model(llm, llm_option, llm_python, launcher)
    folder: Path = config_named(config)
    home = Home.of_environment().prepare()
    where = listen or DEFAULT_LISTEN
    leave = threading.Event()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with alone(home, folder, where, chosen, reading, model):
        signal.signal(signal.SIGTERM, lambda *_: leave.set())
        signal.signal(signal.SIGINT, lambda *_: leave.set())
        if as_json:
            print_json({"http": where})
        else:
            typer.echo(f"http://{where}/v1/intents:translate; end with Ctrl-C")
        sys.stdout.flush()
        leave.wait()


def token(context: typer.Context, as_json: Json = False) -> None:
    """Your bearer token for the HTTP service of this machine."""
    from deploy.home import Home
    from deploy.web.tokens import Tokens

    asker: Asker = context.obj
    found = Tokens.of(Home.of_environment().prepare()).token(asker.tenant)
    if as_json:
        print_json({"tenant": asker.tenant, "token": found})
    else:
        typer.echo(found)
