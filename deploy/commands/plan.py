"""Commands of an operator: plan a slice, and look after the network functions of one."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.engine import LlmKeyFile, LlmModel, LlmUrl
from deploy.commands.request import Json, slice_name
from deploy.commands.run import GERMANY, Config, federation_of, launcher_named
from deploy.session import Asker, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from coordinator.intent.settings import LlmSettings
    from deploy.agents.plan import Chooser, Outcome
    from deploy.agents.requirements import Requirements
    from deploy.agents.runner import Step
    from deploy.agents.spec import Agents
    from deploy.agents.whereabouts import Whereabouts


def register(app: typer.Typer) -> None:
    app.command("plan")(plan)
    app.command("functions")(functions)


def plan(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What to deploy, and how well used it has to be.")],
    choose: Annotated[
        int | None, typer.Option(min=1, help="Deploy this recommendation without asking.")
    ] = None,
    feedback: Annotated[
        list[str] | None,
        typer.Option(help='Before ranking, e.g. "too expensive"; remembered. Repeat for several.'),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for picture, experiments and descriptors.")
    ] = None,
    agents: Annotated[
        Path | None, typer.Option(help="A file of agents instead of the shipped one.")
    ] = None,
    llm_url: LlmUrl = None,
    llm_model: LlmModel = None,
    llm_key_file: LlmKeyFile = None,
    config: Config = GERMANY,
    launcher: Annotated[
        str, typer.Option("--launcher", help="Where nothing runs yet: process or ray.")
    ] = "process",
    as_json: Json = False,
) -> None:
    """Plan a slice: simulate several, show what they cost, use and risk, deploy the chosen one.

    Asks the federation that `entente up` keeps running; where none runs it starts one for this
    plan and ends it afterwards.
    """
    from deploy.agents import spec
    from deploy.agents.feedback import Memory
    from deploy.agents.plan import Chooser
    from deploy.agents.toolbox import NAMES
    from deploy.home import Home

    if not text.strip():
        raise typer.BadParameter("say what to deploy", param_hint="TEXT")
    asker: Asker = context.obj
    found = spec.load(agents or spec.SHIPPED, NAMES)  # before anything starts
    settings = _settings(llm_url, llm_model, llm_key_file)
    home = Home.of_environment().prepare()
    memory = Memory(home, asker.tenant)
    for said in feedback or ():
        memory.add(said)
    shown = None if as_json else console()
    folder = out or _folder(home.root, text)
    ask = typer.prompt if sys.stdin.isatty() and not as_json else None
    chooser = Chooser(shown, memory, folder / "recommendations.png", choose, ask)
    with _whereabouts(asker, text, config, launcher, shown) as where:
        outcome = asyncio.run(_planned(where, text, found, settings, chooser, folder))
        (folder / "plan.json").write_text(json.dumps(outcome.json(), indent=2) + "\n")
        if as_json:
            print_json(outcome.json())
        else:
            _tell(console(), outcome, own=where.own)


@contextmanager
def _whereabouts(
    asker: Asker, text: str, config: Path, launcher: str, shown: Console | None
) -> Iterator[Whereabouts]:
    """The federation that runs, the one that the options name, or one of our own."""
    from coordinator.intent.rules import RulesInterpreter
    from deploy.agents import whereabouts
    from deploy.agents.requirements import read
    from deploy.home import Home
    from deploy.network import network

    if asker.coordinator is not None:
        yield whereabouts.Whereabouts(asker.account(), {})
        return
    here = whereabouts.running(Home.of_environment(), asker.tenant)
    if here is not None:
        yield here
        return
    found = federation_of(config)
    covered = network(found.folder)
    read(text, RulesInterpreter(), covered.areas, covered.default_area)  # before anything starts
    if shown is not None:
        shown.print("nothing runs here: a federation for this plan, ended with it")
    with ExitStack() as running:
        status = running.enter_context(shown.status("starting")) if shown else None
        where = running.enter_context(
            whereabouts.started(
                found,
                launcher_named(launcher),
                asker.tenant,
                lambda what: status.update(f"starting {what}") if status else None,
            )
        )
        if status is not None:
            status.stop()
        yield where


async def _planned(
    where: Whereabouts,
    text: str,
    agents: Agents,
    settings: LlmSettings | None,
    chooser: Chooser,
    folder: Path,
) -> Outcome:
    """The plan, over one connection."""
    from rich.text import Text

    from coordinator.intent.rules import RulesInterpreter
    from deploy.agents import plan as planning
    from deploy.agents.requirements import read
    from deploy.agents.toolbox import Toolbox
    from deploy.client import Follower, Tenant
    from deploy.home import Home
    from deploy.render import Story

    shown = chooser.console
    status = shown.status("slicenet") if shown else None

    def progress(done: int, of: int) -> None:
        if status is not None:
            status.update(f"slicenet: {done} of {of} runs")
            status.start() if done < of else status.stop()

    async with Tenant(where.account) as tenant:
        views = await tenant.domains()
        areas = sorted({area for view in views for area in view["topology"]["areas"]})
        default = where.default_area or next(iter(areas), "")
        wanted = read(text, RulesInterpreter(), areas, default)
        if shown is not None:
            shown.print(Text(_heard(wanted), "cyan"))
        show = Follower(Story(shown)) if shown else None
        home = Home.of_environment()
        return await planning.run(
            agents,
            wanted,
            Toolbox(tenant, home, folder, chooser, where.desks, show, progress),
            chooser,
            planning.model(settings) if settings else None,
            lambda step: _step(shown, step),
            choosing=chooser.choose is not None or chooser.ask is not None,
        )


def functions(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A slice, from `entente slices`.")],
    action: Annotated[
        str, typer.Option(help="monitor, start, stop, scale, restart or delete.")
    ] = "monitor",
    function: Annotated[
        str, typer.Option(help="One function by name, for scale and restart; else all its own.")
    ] = "",
    replicas: Annotated[int, typer.Option(min=0, max=16, help="For scale.")] = 0,
    as_json: Json = False,
) -> None:
    """Look after a slice's network functions, as the operator of the domains that run here."""
    from deploy.agents import report
    from deploy.agents.monitoring import monitored
    from deploy.home import Home
    from deploy.operator import desks
    from domains.errors import NotFound
    from domains.operations import Action

    if action not in list(Action):
        raise typer.BadParameter(f"one of: {', '.join(Action)}", param_hint="--action")
    lines = desks(Home.of_environment())
    found = asyncio.run(monitored(lines, slice_name(name), Action(action), function, replicas))
    if not found.segments:
        raise NotFound(f"no domain here runs anything of {name}", slice=name)
    if as_json:
        print_json({"segments": found.segments})
    else:
        console().print(report.functions(found))


def _settings(url: str | None, model: str | None, key_file: Path | None) -> LlmSettings | None:
    from deploy.commands.engine import engine_settings

    return engine_settings(None, url, model, key_file, None, None).llm


def _folder(root: Path, text: str) -> Path:
    """Where a plan's files go by default: the same sentence, the same folder."""
    from domains.descriptors.tosca import symbol

    return root / "plans" / symbol(" ".join(text.split()))


def _heard(wanted: Requirements) -> str:
    from coordinator.words import counted, said
    from domains.model import Attribute

    service = wanted.service
    source = "" if wanted.stated else " (nothing said about it, so the usual)"
    return (
        f"{service.name}, {counted(service.devices, 'device')} in {service.origin}, "
        f"{said(Attribute.DOWNLINK, service.downlink_kbps)} down and "
        f"{said(Attribute.UPLINK, service.uplink_kbps)} up within "
        f"{said(Attribute.LATENCY, service.latency_us_max)}; "
        f"utilisation at least {wanted.utilisation_pct_min:g} %{source}"
    )


def _step(shown: Console | None, step: Step) -> None:
    from rich.text import Text

    if shown is not None and (step.text.startswith("refused") or step.took_s):
        made = step.text.rpartition("-> ")[2]
        name = step.tool or step.agent
        shown.print(Text(f"{name} ({step.engine}, {step.took_s:.1f} s): {made}", "dim"))


def _tell(shown: Console, outcome: Outcome, own: bool) -> None:
    """What came of it, after the recommendations."""
    from rich.rule import Rule

    from deploy import render
    from deploy.agents import report

    if outcome.chosen is None:
        shown.print(
            "\nchoose one: the same command with --choose N; or say what to change: "
            '--feedback "too expensive"'
        )
        return
    if outcome.described is not None:
        described = outcome.described
        shown.print(Rule("deployed", style="green"), render.slice_(described.instance.slice))
        shown.print(f"descriptors: {described.folder} ({len(described.files)} files)")
    if outcome.monitored is not None:
        shown.print(Rule("network functions"), report.functions(outcome.monitored))
        shown.print(report.comparison(outcome.chosen.utilisation_pct, outcome.monitored))
    if own:
        shown.print("the federation of this plan ends now, and the slice with it")
    elif outcome.described is not None:
        name = outcome.described.description.slice_id
        shown.print(f"look again: entente functions {name}; end it: entente terminate {name}")
