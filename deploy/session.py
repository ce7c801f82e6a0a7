"""What a command runs in: who asks, how to show it, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from deploy.account import Account
    from deploy.client import Tenant
    from domains.errors import EntenteError

_T = TypeVar("_T")


class Exit(IntEnum):
    """How a command ends; the README promises these."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3


PIPE_COLUMNS = 120
"""Where there is no terminal to ask for its width."""

ADVICE: Mapping[str, str] = {
    "CAPACITY_INSUFFICIENT": "ask for what is achievable, or elsewhere, or later",
    "RELAXATION_NEEDED": "accept the relaxation (--accept) or ask for less",
    "PROPOSAL_REJECTED": "nothing is held; --accept would have taken it",
    "NOT_A_SLICE_REQUEST": "say where, for how many devices, and what they do",
    "NEEDS_CLARIFICATION": "answer the questions in the sentence itself",
    "NOT_FOUND": "entente slices lists what is yours",
    "WRONG_STATE": "entente slices shows the state it is in",
    "OVERLOADED": "try again in a few seconds",
    "OVERTAKEN": "try again: others took the capacity meanwhile",
    "UNREACHABLE": "is it running? entente up --detach",
}
"""What to do, by reason, where the message itself cannot know."""
ABOUT_SLICES = frozenset({"NOT_FOUND", "WRONG_STATE"})
"""Reasons whose advice helps only where the error names a slice."""


@dataclass(frozen=True, slots=True)
class Asker:
    """The options before the command's name.

    Attributes:
        coordinator: host:port of a coordinator elsewhere; None for the one that `up` started.
        identity: folder with our certificate, for a coordinator elsewhere.
        trust_domain: whose certificate that coordinator must show.
    """

    tenant: str
    coordinator: str | None = None
    identity: Path | None = None
    trust_domain: str | None = None

    def account(self) -> Account:
        """Who we are and whom we ask.

        Raises:
            Unreachable: nothing runs here and no other coordinator is named.
        """
        from deploy.account import Account, account
        from deploy.home import Home, Run
        from domains.errors import InvalidRequest, Unreachable
        from domains.security import Identity

        if self.coordinator is not None:
            if self.identity is None or self.trust_domain is None:
                raise InvalidRequest("--coordinator needs --identity and --trust-domain as well")
            identity = Identity.load(self.identity)
            return Account(self.coordinator, self.trust_domain, identity)
        home = Home.of_environment()
        run = Run.read(home)
        if run is None or not run.ready:
            raise Unreachable(f"no federation runs in {home.root}")
        return account(home, run, self.tenant)


def ask(context: typer.Context, work: Callable[[Tenant], Awaitable[_T]]) -> _T:
    """Do something as a tenant, over a connection that lives for this command."""

    async def connected() -> _T:
        from deploy.client import Tenant

        async with Tenant(asker.account()) as tenant:
            return await work(tenant)

    asker: Asker = context.obj
    return asyncio.run(connected())


def console() -> Console:
    """Where people read: stdout, without any meaning given to brackets in the text."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_COLUMNS
    return Console(highlight=False, markup=False, width=width)


def print_json(body: object) -> None:
    """The machine's view, one JSON document on stdout."""
    typer.echo(json.dumps(body, indent=2))


def error_body(error: EntenteError) -> dict[str, Any]:
    """The keys that every failure has under --json."""
    return {"reason": error.reason, "message": error.message, "metadata": error.metadata}


def exit_code(error: EntenteError) -> Exit:
    """Which exit code an error stands for."""
    from domains.errors import Unreachable

    return Exit.UNREACHABLE if isinstance(error, Unreachable) else Exit.REFUSED


def error_text(error: EntenteError) -> str:
    """An error in two lines: what happened; where, requested, achievable and what to do."""
    told = error.metadata
    facts = (
        [f"domain: {told['domain']}"] if told.get("domain", "coordinator") != "coordinator" else []
    )
    facts += [f"{key}: {_said(told, key)}" for key in ("requested", "achievable") if told.get(key)]
    about_a_slice = error.reason not in ABOUT_SLICES or "slice" in told
    if (advice := ADVICE.get(error.reason)) and about_a_slice:
        facts.append(advice)
    return error.message + (f"\n  {'; '.join(facts)}" if facts else "")


def _said(told: Mapping[str, str], key: str) -> str:
    """A value as people say it, where it is one of an attribute; else as it stands."""
    from coordinator.words import said
    from domains.model import Attribute

    try:
        return said(Attribute(told.get("attribute", "")), int(told[key]))
    except ValueError:
        unit = told.get("unit", "")
        return f"{told[key]} {unit}".rstrip()


def fail(error: EntenteError, as_json: bool) -> NoReturn:
    """Say why, and end with the code that stands for it."""
    code = exit_code(error)
    if as_json:
        print_json({"slices": [], "proposal": None, **error_body(error)})
    else:
        typer.echo(f"{code.name.lower()}: {error_text(error)}", err=True)
    raise typer.Exit(code)


def fault(error: Exception) -> int:
    """A defect of ours: one line for people, the traceback for the log."""
    from deploy.home import Home

    if os.environ.get("ENTENTE_DEBUG"):
        traceback.print_exception(error)
    try:
        log = Home.of_environment().prepare().logs / "cli.log"
        with log.open("a") as file:
            traceback.print_exception(error, file=file)
        where = f"the traceback is in {log}"
    except Exception as second:
        where = f"no log could be written ({type(second).__name__}); ENTENTE_DEBUG=1 shows more"
    typer.echo(f"defect: {type(error).__name__}: {str(error)[:200]}; {where}", err=True)
    return Exit.REFUSED
