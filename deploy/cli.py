"""The `entente` command. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from deploy.commands import (
    evaluate,
    inspect,
    intents,
    plan,
    policies,
    report,
    request,
    run,
    serve,
    train,
)
from deploy.session import Asker, fail, fault


class Entente(TyperGroup):
    """A refusal ends here: a line or two and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        from domains.errors import EntenteError

        try:
            return super().invoke(ctx)
        except EntenteError as error:
            fail(error, as_json="--json" in ctx.meta["arguments"])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta["arguments"] = tuple(args)
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="entente",
    cls=Entente,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Network slices across operators: ask in a sentence, confirmed in every domain or in "
    "none.\n\nExit codes: 0 done, 1 refused, 2 usage, 3 unreachable.",
)


@app.callback()
def options(
    context: typer.Context,
    tenant: Annotated[
        str, typer.Option(envvar="ENTENTE_TENANT", help="Who asks; sees its own slices only.")
    ] = "local",
    coordinator: Annotated[
        str | None, typer.Option(help="host:port of a coordinator elsewhere.")
    ] = None,
    identity: Annotated[
        Path | None, typer.Option(help="Folder with svid.pem, key.pem and bundle/, for that.")
    ] = None,
    trust_domain: Annotated[
        str | None, typer.Option(help="Whose certificate that coordinator must show.")
    ] = None,
) -> None:
    context.obj = Asker(tenant, coordinator, identity, trust_domain)


run.register(app)
request.register(app)
inspect.register(app)
report.register(app)
intents.register(app)
plan.register(app)
evaluate.register()
serve.register(app)
train.register(app)
policies.register(app)


def main() -> None:
    """The entry point of the installed command: never a traceback."""
    try:
        app(prog_name="entente")
    except Exception as error:
        sys.exit(fault(error))
