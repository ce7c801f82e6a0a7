"""The command that draws: report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.request import Json, slice_name
from deploy.session import ask, print_json

if TYPE_CHECKING:
    from deploy.client import Tenant
    from deploy.plain import Plain


def register(app: typer.Typer) -> None:
    app.command("report")(report)


def report(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A slice, from `entente slices`.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to; by default report-ID.html here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How a slice was lately: KPIs against the SLA, per domain, and what was done about them."""

    async def work(tenant: Tenant) -> tuple[Plain, list[Plain], Plain]:
        full = slice_name(name)
        return (
            await tenant.slice(full),
            await tenant.measurements(full),
            await tenant.record(full),
        )

    slice_, samples, record = ask(context, work)
    if as_json:
        print_json({"slice": slice_, "samples": samples, "events": record["events"]})
        return
    from deploy.picture import page

    path = out or Path(f"report-{slice_['name'].rpartition('/')[2][:8]}.html")
    try:
        path.write_text(page(slice_, samples, record["events"]), encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="--out") from None
    typer.echo(f"{path}: {len(samples)} samples")
