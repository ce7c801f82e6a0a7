"""Commands that change slices: request, augment, terminate."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.session import Exit, ask, console, error_body, error_text, exit_code, print_json

if TYPE_CHECKING:
    from deploy.client import Order, Show, Tenant

Json = Annotated[bool, typer.Option("--json", help="One JSON document with stable keys.")]
Accept = Annotated[
    bool | None,
    typer.Option("--accept/--reject", help="Answer a proposal without being asked."),
]
Positive = Annotated[float | None, typer.Option(min=0)]

KBPS = 1_000
US = 1_000
PPB_OF_PERCENT = 10_000_000
WIRE_MAX = 1 << 53
"""Beyond that a float is no exact integer; the coordinator's own limits are far below."""


def register(app: typer.Typer) -> None:
    app.command("request")(request)
    app.command("augment")(augment)
    app.command("change")(change)
    app.command("deactivate")(deactivate)
    app.command("activate")(activate)
    app.command("terminate")(terminate)


def request(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What you need, in a sentence.")],
    accept: Accept = None,
    trade: Annotated[
        bool,
        typer.Option("--trade", help="Say yes to what saves more than it gives up."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask for slices in a sentence. A relaxation is asked about, never taken, but for --trade."""
    if not text.strip():
        raise typer.BadParameter("say what you need", param_hint="TEXT")
    order = ask(context, lambda tenant: _requested(tenant, text, trade, accept, as_json))
    _end(order, as_json)


def augment(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A slice, from `entente slices`.")],
    latency_ms: Positive = None,
    downlink_mbps: Positive = None,
    uplink_mbps: Positive = None,
    devices: Annotated[int | None, typer.Option(min=1, max=WIRE_MAX)] = None,
    availability_pct: Annotated[float | None, typer.Option(min=0, max=100)] = None,
    accept: Accept = None,
    as_json: Json = False,
) -> None:
    """Change an active slice in place, up or down, without a gap in service."""
    wanted = {
        "latency_us_max": _units(latency_ms, US, "--latency-ms"),
        "downlink_kbps": _units(downlink_mbps, KBPS, "--downlink-mbps"),
        "uplink_kbps": _units(uplink_mbps, KBPS, "--uplink-mbps"),
        "devices": devices,
        "availability_ppb_min": _units(availability_pct, PPB_OF_PERCENT, "--availability-pct"),
    }
    changes = {field: value for field, value in wanted.items() if value is not None}
    if not changes:
        raise typer.BadParameter("name at least one thing to change, e.g. --latency-ms 8")
    order = ask(context, lambda tenant: _augmented(tenant, name, changes, accept, as_json))
    _end(order, as_json)


def change(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A slice, from `entente slices`.")],
    words: Annotated[str, typer.Argument(help='"make it cheaper, latency is not critical"')],
    accept: Accept = None,
    as_json: Json = False,
) -> None:
    """Change your mind in words: what shall be different, and the slice follows, or asks."""

    async def work(tenant: Tenant) -> Order:
        changed = await tenant.change(slice_name(name), words)
        return await _answered(tenant, changed, accept, as_json)

    _end(ask(context, work), as_json)


def deactivate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A slice, from `entente slices`.")],
    reason: Annotated[str, typer.Option(help="Kept in the decision record.")] = "",
    as_json: Json = False,
) -> None:
    """Stop a slice's network functions and keep its capacity."""

    async def work(tenant: Tenant) -> Order:
        return await tenant.settle(await tenant.deactivate(slice_name(name), reason))

    _end(ask(context, work), as_json)


def activate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A slice, from `entente slices`.")],
    as_json: Json = False,
) -> None:
    """Let the network functions of a deactivated slice run again."""

    async def work(tenant: Tenant) -> Order:
        return await tenant.settle(await tenant.activate(slice_name(name)))

    _end(ask(context, work), as_json)


def terminate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A slice, from `entente slices`.")],
    reason: Annotated[str, typer.Option(help="Kept in the decision record.")] = "",
    drain_s: Annotated[
        int, typer.Option(min=0, max=100, help="Let finish what is under way, for so long.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """End a slice: every domain gets its capacity back."""

    async def work(tenant: Tenant) -> Order:
        return await tenant.settle(await tenant.terminate(slice_name(name), reason, drain_s))

    _end(ask(context, work), as_json)


def slice_name(name: str) -> str:
    """`slices/ID` from either form."""
    return name if name.startswith("slices/") else f"slices/{name}"


def _units(value: float | None, factor: int, option: str) -> int | None:
    if value is None:
        return None
    if not math.isfinite(value) or not 1 <= value * factor <= WIRE_MAX:
        raise typer.BadParameter(
            f"must be a number from {1 / factor:g} to {WIRE_MAX / factor:g}", param_hint=option
        )
    return round(value * factor)


async def _requested(
    tenant: Tenant, text: str, trade: bool, accept: bool | None, as_json: bool
) -> Order:
    return await _answered(tenant, await tenant.create(text, trade), accept, as_json)


async def _augmented(
    tenant: Tenant, name: str, changes: dict[str, int], accept: bool | None, as_json: bool
) -> Order:
    order = await tenant.update(slice_name(name), changes)
    return await _answered(tenant, order, accept, as_json)


async def _answered(tenant: Tenant, order: Order, accept: bool | None, as_json: bool) -> Order:
    """Follow an order to its end, with the tenant's answer where one is asked for."""
    from deploy.client import Follower
    from deploy.render import Story

    show: Show | None = None if as_json else Follower(Story(console()))
    order = await tenant.settle(order, show)
    while order.state == "proposed":
        order = await tenant.answer(order, _agrees(order, accept, as_json), show)
    return order


def _agrees(order: Order, accept: bool | None, as_json: bool) -> bool:
    """The tenant's answer: the flag, else the keyboard, else no."""
    from deploy.render import proposal

    assert order.proposal is not None, "a proposed order has a proposal"
    if not as_json:
        console().print(proposal(order.proposal))
    if accept is not None:
        return accept
    if as_json or not sys.stdin.isatty():
        typer.echo(
            "not agreed: nobody is here to ask; say --accept or --reject beforehand", err=True
        )
        return False
    return typer.confirm("Accept?")


def _end(order: Order, as_json: bool) -> None:
    """Show how an order ended, and exit with the code that says so."""
    if as_json:
        print_json(_body(order))
    elif order.error is None and order.slices:
        from deploy.render import slices

        console().print(slices(order.slices))
    if order.error is not None:
        if not as_json:
            for question in order.questions:
                typer.echo(f"  ? {question}", err=True)
            typer.echo(f"refused: {error_text(order.error)}", err=True)
        raise typer.Exit(exit_code(order.error))
    raise typer.Exit(Exit.DONE)


def _body(order: Order) -> dict[str, Any]:
    return {
        "operation": order.name,
        "state": order.state,
        "slices": order.slices,
        "proposal": order.proposal,
        "price_micros": order.price_micros,
        "questions": order.questions,
        "reason": None,
        "message": None,
        "metadata": {},
        **(error_body(order.error) if order.error else {}),
    }
