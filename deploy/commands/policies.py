"""Commands about what trainings came to: policy show, policy export, evaluate figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.evaluate import usage
from deploy.commands.intents import evaluations
from deploy.commands.request import Json
from deploy.session import console, print_json

policy = typer.Typer(no_args_is_help=True, help="Trained policies as files: show, export.")


def register(app: typer.Typer) -> None:
    evaluations.command("figures")(figures)
    policy.command("show")(show)
    policy.command("export")(export)
    app.add_typer(policy, name="policy")


def show(
    file: Annotated[Path, typer.Argument(help="A policy's .npz or .json.")], as_json: Json = False
) -> None:
    """What a policy was made for, how, and what it scored; checks that it is whole."""
    from rich.table import Table

    from domains.policy import read

    made = read(file).manifest
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    table = Table(show_header=False, title=made.name)
    sees = f"{len(made.shared)} numbers, and {len(made.each)} of each candidate"
    rows = {
        "environment": made.environment,
        "sees": sees,
        "schema": made.schema_digest[:12],
        "network": f"{made.architecture.value}, {made.activation.value}",
        "weights": made.weights_sha256[:12],
        "made by": made.made_by,
        "seed": str(made.seed),
        "commit": made.commit[:12] or "not known",
        **{name: f"{value:.4f}" for name, value in made.scores.items()},
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console().print(table)


def export(
    checkpoint: Annotated[Path, typer.Argument(help="A training's folder, or one checkpoint.")],
    out: Annotated[Path, typer.Option(help="Folder for AGENT.npz and AGENT.json.")],
    as_json: Json = False,
) -> None:
    """Policy files from a checkpoint, for domains and evaluations. Pickles: of your own only."""
    from envs.learning.export import of_checkpoint

    made = of_checkpoint(checkpoint, out)
    files = {agent: str(out / f"{agent}.npz") for agent in made}
    if as_json:
        print_json(files)
    else:
        for name in files.values():
            typer.echo(name)


def figures(
    out: Annotated[Path, typer.Option(help="Folder for tables and pictures.")],
    runs: Annotated[
        Path | None, typer.Option(help="Folder of trainings, for the reward curves.")
    ] = None,
    episodes: Annotated[int, typer.Option(help="Fixed ones, the same for every policy.")] = 1000,
    seed: int = 0,
) -> None:
    """The case study's figures: what trained policies, rules and bounds reach, and how fast."""
    with usage():
        from envs.figures import draw

        draw(out, runs, episodes, seed)
