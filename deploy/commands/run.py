"""Commands that run things: up, down, domain, demo."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from deploy.commands.request import Json
from deploy.session import console, print_json

if TYPE_CHECKING:
    from deploy.federation import Federation
    from deploy.home import Home, Run
    from deploy.hosts import Launcher
    from deploy.runtime import Runtime

Config = Annotated[Path, typer.Option(help="A folder of TOML files, or the name of a shipped one.")]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="No TLS: everybody is believed. Loopback, to debug.")
]
LauncherName = Annotated[
    str, typer.Option("--launcher", help="ray: a host actor per domain; process: without Ray.")
]
FreePorts = Annotated[
    bool, typer.Option("--free-ports", help="Whatever ports are free, not those of the files.")
]

START_S = 90.0
"""How long `up --detach` waits for everything to serve."""
MODEL_START_S = 900.0
"""The same where a language model has to be loaded, or fetched."""
STOP_S = 20.0
"""How long `down` waits before it ends the process the hard way."""
GERMANY = Path("germany")
STARTING = "starting "
"""How a line begins that says which part is being started."""


def register(app: typer.Typer) -> None:
    app.command("up")(up)
    app.command("down")(down)
    app.command("domain")(domain)
    app.command("demo")(demo)


def up(
    context: typer.Context,
    detach: Annotated[bool, typer.Option("--detach", help="Return once all of it serves.")] = False,
    config: Config = GERMANY,
    insecure: Insecure = False,
    launcher: LauncherName = "ray",
    free_ports: FreePorts = False,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="The HTTP service as well.")
    ] = False,
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
    """Start domains and a coordinator, and keep them running."""
    from deploy.home import Home
    from deploy.runtime import Runtime

    found = federation_of(config)  # before anything starts: a mistake is said at once
    launcher_named(launcher)
    reading = engine_settings(engine, llm_url, llm_model, llm_key_file, qdrant_url, encoder, llm)
    model = own_model(llm, llm_option, llm_python, launcher)
    home = Home.of_environment().prepare()
    if insecure:
        typer.echo(
            "INSECURE: no TLS, every caller is taken at their word. Loopback only.", err=True
        )
    if detach:
        said = context.meta["arguments"]  # checked by now: the same, but in the foreground
        again = [word for word in said if word not in ("--detach", "--json")]
        patience_s = START_S if model is None else MODEL_START_S
        _show(_detached(home, again, patience_s, _teller(as_json)), as_json)
        return
    found = found.on_free_ports() if free_ports else found
    start = partial(
        Runtime, home, found, launcher_named(launcher), insecure,
        http=_http(serve, free_ports), engine=reading, model=model,
    )  # fmt: skip
    _foreground(start, as_json)


def down(as_json: Json = False) -> None:
    """End what `up` started here, and nothing else."""
    from deploy.home import Home, Lock, Run
    from deploy.processes import end, wait_until
    from deploy.runtime import clean
    from domains.errors import EntenteError

    home = Home.of_environment().prepare()
    run = Run.read(home)
    stopped = run is not None and end(run.pid, run.started, STOP_S)
    lock = Lock(home)
    if not wait_until(lambda: not lock.taken, STOP_S):
        raise EntenteError(f"something in {home.root} still runs or starts; try again in a while")
    with lock:
        clean(home)
    if as_json:
        print_json({"stopped": stopped})
    else:
        typer.echo("stopped" if stopped else f"nothing runs in {home.root}")


def domain(
    config: Annotated[list[Path], typer.Option(help="A domain's TOML file; repeat for several.")],
    listen: Annotated[
        str | None, typer.Option(help="host:port instead of the file's; one domain only.")
    ] = None,
    identity: Annotated[
        Path | None, typer.Option(help="Folder with svid.pem, key.pem, bundle/; else development.")
    ] = None,
    insecure: Insecure = False,
    as_json: Json = False,
) -> None:
    """Host domains alone, without Ray and without a coordinator, until Ctrl-C."""
    import asyncio
    import logging

    from deploy.alone import hosted
    from deploy.controllers import dial
    from deploy.home import Home
    from domains.errors import InvalidRequest
    from domains.server import run_domains

    if listen and len(config) > 1:
        raise typer.BadParameter("goes with one --config only", param_hint="--listen")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    home = Home.of_environment().prepare()
    try:
        places = [hosted(home, path, listen, identity, insecure) for path in config]
    except InvalidRequest as error:
        raise typer.BadParameter(error.message, param_hint="--config") from None

    def ready(addresses: dict[str, str]) -> None:
        if as_json:
            print_json({"domains": addresses})
        else:
            for name, address in addresses.items():
                typer.echo(f"{name} serves at {address}; end with Ctrl-C")
        sys.stdout.flush()

    asyncio.run(run_domains(places, ready, dial))


def demo(
    text: Annotated[str | None, typer.Argument(help="Your own sentence.")] = None,
    config: Config = GERMANY,
    launcher: LauncherName = "ray",
    engine: EngineOption = None,
    llm_url: LlmUrl = None,
    llm_model: LlmModel = None,
    llm_key_file: LlmKeyFile = None,
    qdrant_url: QdrantUrl = None,
    encoder: EncoderName = None,
) -> None:
    """Start everything, ask as a tenant, show every step, end it, and check the capacity."""
    from deploy import demo as demonstration

    found = federation_of(config)
    reading = engine_settings(engine, llm_url, llm_model, llm_key_file, qdrant_url, encoder)
    chosen = launcher_named(launcher)
    raise typer.Exit(demonstration.run(console(), found, chosen, text, reading))


def federation_of(folder: Path) -> Federation:
    """The federation in a folder; a mistake in its files is a mistake in how we were called."""
    from deploy import federation
    from domains.errors import InvalidRequest

    try:
        return federation.load(folder)
    except InvalidRequest as error:
        raise typer.BadParameter(error.message, param_hint="--config") from None


def launcher_named(name: str) -> Launcher:
    """The launcher of this name; a name that is none is wrong usage."""
    from deploy.hosts import Launcher

    if name not in list(Launcher):
        raise typer.BadParameter(f"one of: {', '.join(Launcher)}", param_hint="--launcher")
    return Launcher(name)


def _http(serve: bool, free_ports: bool) -> str | None:
    """Where the HTTP service listens, or None without one."""
    from deploy.processes import free_addresses
    from deploy.web.address import DEFAULT_LISTEN

    if not serve:
        return None
    return free_addresses(1)[0] if free_ports else DEFAULT_LISTEN


def _foreground(start: Callable[..., Runtime], as_json: bool) -> None:
    leave = threading.Event()
    # SIGTERM while starting ends it as Ctrl-C does: whatever has started is stopped again.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with start(tell=_teller(as_json)) as runtime:
        signal.signal(signal.SIGTERM, lambda *_: leave.set())
        signal.signal(signal.SIGINT, lambda *_: leave.set())
        _show(runtime.run, as_json)
        sys.stdout.flush()
        leave.wait()
        if not as_json:
            typer.echo("stopping")


def _teller(as_json: bool) -> Callable[[str], None]:
    """Says which part is being started."""
    return (lambda _: None) if as_json else (lambda what: typer.echo(f"{STARTING}{what}"))


def _detached(home: Home, arguments: list[str], start_s: float, tell: Callable[[str], None]) -> Run:
    """Start `up` in the background and wait until it serves; `tell` hears of each part.

    Raises:
        EntenteError: it ended before that; the message is its own last line.
    """
    from deploy.child import importable
    from deploy.home import Lock, Run
    from deploy.processes import wait_until
    from domains.errors import EntenteError, WrongState

    if Lock(home).taken:
        run = Run.read(home)
        where = f", with its coordinator at {run.coordinator}" if run else ""
        raise WrongState(f"one runs in {home.root} already{where}; end it first: entente down")
    log = home.logs / "up.log"
    with log.open("wb") as output:
        import os

        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", "deploy", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=importable(os.environ),
            start_new_session=True,
        )

    said = 0

    def settled() -> bool:
        nonlocal said
        parts = [line for line in _whole_lines(log) if line.startswith(STARTING)]
        for part in parts[said:]:
            tell(part.removeprefix(STARTING))
        said = len(parts)
        run = Run.read(home)
        return process.poll() is not None or (run is not None and run.ready)

    if not wait_until(settled, start_s):
        process.terminate()
        raise EntenteError(f"it does not serve after {start_s:g} s; its log is {log}")
    run = Run.read(home)
    if run is None or not run.ready:
        raise EntenteError(_reason(log, process.returncode))
    return run


def _whole_lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").rpartition("\n")[0].splitlines()


def _reason(log: Path, code: int | None) -> str:
    """Why a background `up` ended: its own reason, or else the last that it or Ray wrote."""
    said = log.read_text(errors="replace").strip()
    for word in ("refused: ", "unreachable: ", "defect: "):
        _, found, reason = said.rpartition(word)
        if found:
            return reason.strip()
    last = (said.splitlines() or ["without a word"])[-1]
    return f"it ended with {code}: {last[:200]}; see {log}"


def _show(run: Run, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "coordinator": run.coordinator,
                "domains": dict(run.domains),
                "http": run.http or None,
                "engine": run.engine,
                "note": run.note,
                "insecure": run.insecure,
                "pid": run.pid,
            }
        )
        return
    typer.echo(f"coordinator  {run.coordinator}")
    for name, address in run.domains.items():
        typer.echo(f"{name:<12} {address}")
    if run.http:
        typer.echo(f"http         {run.http}")
    typer.echo(f"words        read by {run.engine}{f': {run.note}' if run.note else ''}")
    typer.echo('ready: entente request "..."; end with entente down')
