"""`python -m deploy.bench.negotiation`: play the traces, show the figures, write them down."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.bench.negotiation.measure import Figures, measure

FIGURES = Path(__file__).with_name("FIGURES.md")
FULL = ((1, 2, 3), 120)
QUICK = ((1,), 60)
"""Seeds, and wishes of a trace."""


def main(
    quick: Annotated[bool, typer.Option("--quick", help="One short trace.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON.")] = False,
    write: Annotated[bool, typer.Option("--write", help=f"Also into {FIGURES.name}.")] = False,
) -> None:
    """How good negotiation is, on one trace: off, one shot, in rounds, and the optimum."""
    err = Console(stderr=True, highlight=False)
    seeds, count = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="entente-market-") as folder:
        figures: Figures = asyncio.run(measure(Path(folder), seeds, count, err.print))
    if as_json:
        typer.echo(json.dumps(figures.plain, indent=2))
    else:
        out = Console(width=None if sys.stdout.isatty() else 120)
        for table in figures.tables:
            out.print(table.rich())
    if write:
        FIGURES.write_text(figures.markdown(), encoding="utf-8")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app(prog_name="python -m deploy.bench.negotiation")
