"""Commands that only look: slices, show, why, topology, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.request import Json, slice_name
from deploy.session import ask, console, print_json

if TYPE_CHECKING:
    from deploy.client import Tenant
    from deploy.plain import Plain


def register(app: typer.Typer) -> None:
    app.command("slices")(slices)
    app.command("show")(show)
    app.command("why")(why)
    app.command("topology")(topology)
    app.command("export")(export)


def slices(
    context: typer.Context,
    ended: Annotated[bool, typer.Option("--all", help="Terminated ones as well.")] = False,
    as_json: Json = False,
) -> None:
    """Your slices."""
    found = ask(context, lambda tenant: tenant.slices(ended))
    if as_json:
        print_json({"slices": found})
    elif not found:
        typer.echo('no slices; ask for one: entente request "..."')
    else:
        from deploy import render

        console().print(render.slices(found))


def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID")],
    as_json: Json = False,
) -> None:
    """One slice: what was asked, agreed and promised, and its segment in every domain."""
    found = ask(context, lambda tenant: tenant.slice(slice_name(name)))
    if as_json:
        print_json(found)
    else:
        from deploy import render

        console().print(render.slice_(found))


def why(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A slice, or operations/ID.")],
    otherwise: Annotated[
        str | None,
        typer.Option(
            "--not", metavar="VALUE", help='Why not otherwise? For example "latency 5 ms".'
        ),
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="Event by event.")] = False,
    as_json: Json = False,
) -> None:
    """The decision record: everything that happened to a slice and why; or why not otherwise."""
    full = name if name.startswith("operations/") else slice_name(name)
    if otherwise is not None:
        _why_not(context, full, otherwise, as_json)
        return
    found = ask(context, lambda tenant: tenant.record(full))
    if as_json:
        print_json(found)
    else:
        from deploy import render

        console().print(render.record(found) if table else render.account(found))


def _why_not(context: typer.Context, name: str, otherwise: str, as_json: bool) -> None:
    from deploy.otherwise import changes

    wanted = changes(otherwise)
    if wanted is None:
        raise typer.BadParameter(
            'one attribute and its value, for example "latency 5 ms", "availability 99.999 %", '
            '"downlink 100 Mbit/s", "devices 500" or "price 2 EUR/h"',
            param_hint="--not",
        )
    if name.startswith("operations/"):
        raise typer.BadParameter("name the slice, not the operation", param_hint="ID")
    found = ask(context, lambda tenant: tenant.alternative(name, wanted))
    if as_json:
        print_json(found)
    else:
        typer.echo(found["text"])


def topology(
    context: typer.Context,
    domain: Annotated[str | None, typer.Argument(help="One domain, in full.")] = None,
    as_json: Json = False,
) -> None:
    """What the domains show of themselves: links, coverage and zones, never the inside."""
    views = ask(context, lambda tenant: tenant.domains())
    if domain is not None:
        known = ", ".join(view["topology"]["domain"] for view in views)
        views = [view for view in views if view["topology"]["domain"] == domain]
        if not views:
            raise typer.BadParameter(f"no domain {domain!r}; there are: {known}")
    if as_json:
        print_json({"domains": views})
    else:
        from deploy import render

        console().print(render.domain(views[0]) if domain else render.domains(views))


def export(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A slice, from `entente slices`.")],
    out: Annotated[Path, typer.Option(help="A folder that is new or empty.")],
    as_json: Json = False,
) -> None:
    """Write a slice's descriptors: TS 28.541 profiles, SOL001 NSDs and VNFDs in archives."""
    from coordinator.descriptors import files
    from deploy.export import described, write

    async def read(tenant: Tenant) -> tuple[Plain, list[Plain]]:
        return await tenant.slice(slice_name(name)), await tenant.domains()

    made = files(described(*ask(context, read)))
    write(made, out)
    if as_json:
        print_json({"folder": str(out), "files": sorted(made)})
        return
    for path in sorted(made):
        typer.echo(f"{out / path}  {len(made[path]):,} bytes")
