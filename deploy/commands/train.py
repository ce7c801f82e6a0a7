"""Commands about learning: train, jobs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.commands.request import Json
from deploy.session import Exit, console, print_json

if TYPE_CHECKING:
    from deploy.training import Jobs
    from envs.learning.plan import Plan

Cluster = Annotated[
    str | None,
    typer.Option("--cluster", help="http://host:8265 of a Ray cluster; else one of our own here."),
]
CLUSTER_RUNS = Path("~/entente-runs")
JobName = Annotated[str, typer.Argument(help="As `entente jobs` lists it.")]

jobs = typer.Typer(help="Trainings that run or ran: list (the default), logs, fetch, stop, end.")


def register(app: typer.Typer) -> None:
    app.command("train")(train)
    jobs.callback(invoke_without_command=True)(listed)
    jobs.command("logs")(logs)
    jobs.command("fetch")(fetch)
    jobs.command("stop")(stop)
    jobs.command("end")(end)
    app.add_typer(jobs, name="jobs")


def train(
    config: Annotated[str, typer.Argument(help="A shipped plan's name, or FILE.toml.")],
    env: Annotated[
        str | None, typer.Option(help="What to learn in, if the plan does not say.")
    ] = None,
    seed: int = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for curves, checkpoints, policies. With --cluster all of it is there, and "
            "the policies are brought to runs/NAME here too."
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE of the plan: steps=100000, ppo.lr=1e-4."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="So many trainings, seeds 0, 1, ..")] = 1,
    sweep: Annotated[
        list[str] | None, typer.Option(help="A grid: 'ppo.lr=1e-3;3e-4', with every seed.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint.")
    ] = False,
    cluster: Cluster = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it is submitted.")] = False,
    as_json: Json = False,
) -> None:
    """Train a policy as a Ray job, show how it goes, and bring home what came of it."""
    from deploy.home import Home
    from deploy.training import jobs_at
    from envs.learning.plan import plan_of
    from envs.learning.source import commit

    pairs = dict(text.partition("=")[::2] for text in changes or [])
    plan = plan_of(config, env, pairs)  # before anything starts: a mistake is said at once
    local = cluster is None
    folder = f"{plan.name}-{'sweep' if sweep or seeds > 1 else seed}"
    # A job's own folder on a cluster goes with the job.
    out = (out or Path("runs") / folder).resolve() if local else (out or CLUSTER_RUNS / folder)
    arguments = ["--seed", str(seed), "--out", str(out), "--json", "--env", plan.env]
    arguments += ["--resume"] * resume + ["--send"] * (not local)
    arguments += [word for text in changes or [] for word in ("--set", text)]
    arguments += [word for text in sweep or [] for word in ("--sweep", text)]
    arguments += ["--seeds", str(seeds), "--config", _sent(config, plan, local)]
    home = Home.of_environment().prepare()
    with jobs_at(
        home, cluster, keep=detach, cpus=max(plan.runners + 1, os.cpu_count() or 1)
    ) as place:
        name = place.submit(arguments, upload=not local, commit=commit())
        if detach:
            _say_submitted(name, place, as_json)
            return
        try:
            _follow(place, name, as_json)
        except KeyboardInterrupt:
            place.stop(name)
            typer.echo(f"stopped; to go on: entente train {config} --out {out} --resume", err=True)
            raise typer.Exit(Exit.REFUSED) from None
        _finish(place, name, as_json, None if local else Path("runs") / out.name)


def _sent(config: str, plan: Plan, local: bool) -> str:
    """How a job is told its plan: in full where our file is not."""
    if not config.endswith(".toml"):
        return config
    return str(Path(config).resolve()) if local else plan.model_dump_json(exclude_none=True)


def _say_submitted(name: str, place: Jobs, as_json: bool) -> None:
    if as_json:
        print_json({"job": name, "cluster": place.address})
    else:
        typer.echo(f"{name} runs at {place.address}; follow it: entente jobs logs --follow {name}")


def _follow(place: Jobs, name: str, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from deploy.training import told

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    figures = TextColumn("{task.fields[figures]}")
    with Progress(*columns, figures, console=Console(stderr=True), disable=as_json) as bar:
        task = bar.add_task(name, total=None, figures="starting")
        for line in place.follow(name):
            body = told(line)
            if body is not None and "file" in body:
                continue
            if as_json and body is not None:
                typer.echo(line)
            elif body is None or "iteration" not in body:
                bar.console.print(line if body is None else _said(body), markup=False, style="dim")
            else:
                bar.update(
                    task,
                    completed=body["iteration"],
                    total=body["iterations"],
                    figures=f"reward {body['reward']:.3f}  {body['eta_s']:.0f} s left",
                )


def _said(body: Any) -> str:
    if "say" in body:
        return str(body["say"])
    from envs.learning.sweep import line_of

    return line_of(body)


def _finish(place: Jobs, name: str, as_json: bool, home: Path | None) -> None:
    """Says how it ended; brings its policies to `home`, if that is where they are wanted."""
    from domains.errors import EntenteError

    job = place.one(name)
    if job.status != "SUCCEEDED":
        said = [line for line in place.log(name).splitlines() if line.startswith("error: ")]
        last = said or job.message.strip().splitlines()
        why = last[-1].removeprefix("error: ") if last else ""
        raise EntenteError(f"{name} {job.status.lower()}: {why or 'no reason given'}")
    brought = [] if home is None else _brought(place, name, home)
    if as_json:
        files = {} if home is None else {"policies": [str(file) for file in brought]}
        print_json({"job": name, "status": job.status, **files})
    for file in [] if as_json else brought:
        typer.echo(f"brought {file}")


def _brought(place: Jobs, name: str, home: Path) -> list[Path]:
    from deploy.parcel import unpacked
    from deploy.training import told

    return unpacked(filter(None, map(told, place.log(name).splitlines())), home)


def listed(context: typer.Context, cluster: Cluster = None, as_json: Json = False) -> None:
    """Trainings of our own head here, or of a cluster."""
    if context.invoked_subcommand is not None:
        return
    from dataclasses import asdict
    from datetime import datetime

    place = _existing(cluster)
    found = [] if place is None else place.all()
    if as_json:
        print_json([asdict(job) for job in found])
        return
    if not found:
        typer.echo("no trainings; entente train --detach NAME starts one")
        return
    from rich.table import Table

    table = Table("job", "status", "since", "what")
    for job in found:
        since = (
            "" if job.started_s is None else f"{datetime.fromtimestamp(job.started_s):%d %b %H:%M}"
        )
        what = job.entrypoint.partition("envs.train ")[2].partition(" --config '{")[0]
        table.add_row(job.name, job.status, since, what)
    console().print(table)


def logs(
    name: JobName,
    follow: Annotated[bool, typer.Option("--follow", help="Until it is over.")] = False,
    cluster: Cluster = None,
) -> None:
    """What a training has said."""
    place = _required(cluster)
    if follow:
        _follow(place, name, as_json=False)
    else:
        from deploy.training import told

        for line in place.log(name).splitlines():
            if "file" not in (told(line) or {}):
                typer.echo(line)


def fetch(
    name: JobName,
    out: Annotated[Path, typer.Option(help="Where to.")] = Path("runs"),
    cluster: Cluster = None,
    as_json: Json = False,
) -> None:
    """Bring the policies of a training that was sent to a cluster with --detach."""
    from domains.errors import NotFound

    brought = _brought(_required(cluster), name, out)
    if not brought:
        raise NotFound(f"{name} has sent no policies: it is not over, or was no cluster's")
    if as_json:
        print_json({"job": name, "policies": [str(file) for file in brought]})
    for file in [] if as_json else brought:
        typer.echo(f"brought {file}")


def stop(name: JobName, cluster: Cluster = None, as_json: Json = False) -> None:
    """Stop a training; what it has checkpointed stays."""
    job = _required(cluster).stop(name)
    if as_json:
        print_json({"job": job.name, "status": job.status})
    else:
        typer.echo(f"{job.name} {job.status.lower()}")


def end(as_json: Json = False) -> None:
    """End our own head here, and every training on it."""
    from deploy.home import Home
    from deploy.training import Head

    home = Home.of_environment().prepare()
    head = Head.running(home)
    if head is not None:
        head.stop(home)
    if as_json:
        print_json({"stopped": head is not None})
    else:
        typer.echo("ended" if head is not None else "nothing runs")


def _existing(cluster: str | None) -> Jobs | None:
    from deploy.home import Home
    from deploy.training import Head, Jobs, use_own_token

    if cluster is not None:
        return Jobs(cluster)
    home = Home.of_environment().prepare()
    use_own_token(home)
    head = Head.running(home)
    return None if head is None else Jobs(head.address)


def _required(cluster: str | None) -> Jobs:
    from domains.errors import NotFound

    place = _existing(cluster)
    if place is None:
        raise NotFound("no trainings run here; entente train --detach NAME starts one")
    return place
