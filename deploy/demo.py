"""The demonstration: a tenant's sentence, confirmed in every domain, and everything given back.

It starts its own federation on free ports in a state folder of its own, so that it can neither
meet nor disturb one that runs. The tenant's side is a gRPC client like any other.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from coordinator.intent.settings import EngineSettings
from deploy import render
from deploy.account import DEFAULT_TENANT, account
from deploy.client import Follower, Order, Tenant
from deploy.federation import Federation
from deploy.home import Home
from deploy.hosts import Launcher, Usage
from deploy.plain import Plain
from deploy.runtime import DEFAULT_ENGINE, Runtime
from deploy.session import Exit, error_text, exit_code
from domains.errors import EntenteError

SENTENCE = (
    "I run a telemedicine service between Berlin and Munich: high-quality video consultations for "
    "200 patients, and remote control of a surgical robot that needs 10 ms end to end. "
    "Health data, so keep it isolated."
)
RECORD_LINES = 4
"""The last lines of a decision record; all of it is what `entente why` shows."""


class Demonstration:
    """One run of it."""

    def __init__(
        self,
        console: Console,
        federation: Federation,
        launcher: Launcher,
        engine: EngineSettings = DEFAULT_ENGINE,
    ) -> None:
        self._console = console
        self._federation = federation.on_free_ports()
        self._launcher = launcher
        self._engine = engine
        self._phases: list[tuple[str, float]] = []

    def run(self, home: Home, text: str) -> Exit:
        """All of it, in order.

        Returns:
            DONE only if the slices were deployed, terminated, and all capacity came back.
        """
        with ExitStack() as running:
            with self._phase("start"):
                runtime = self._started(running, home)
                before = runtime.usage()
            self._console.print(Panel(Text(text), title="A tenant asks", border_style="cyan"))
            try:
                asyncio.run(self._ask(home, runtime, text))
                outcome = Exit.DONE
            except EntenteError as error:
                self._console.print(Text(f"refused: {error_text(error)}", "red"))
                outcome = exit_code(error)
            with self._phase("check capacity"):
                whole = self._compared(before, runtime.usage())
            with self._phase("stop"), self._console.status("stopping"):
                running.close()
        self._console.print(self._times())
        return outcome if whole else Exit.REFUSED

    def _started(self, running: ExitStack, home: Home) -> Runtime:
        with self._console.status("starting") as status:
            runtime = Runtime(
                home,
                self._federation,
                self._launcher,
                tell=lambda what: status.update(f"starting {what}"),
                engine=self._engine,
            )
            running.enter_context(runtime)
        rows = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("domain", "kind", "operator", "gRPC", "database"):
            rows.add_column(heading)
        for member in self._federation.members:
            config = member.config
            database = f"{member.name}.sqlite"
            rows.add_row(
                Text(member.name, "bold"),
                config.kind.value,
                Text(config.operator),
                member.address,
                database,
            )
        section = self._federation.coordinator
        rows.add_row("coordinator", "", "", section.listen, "coordinator.sqlite")
        self._console.print(Rule(f"{len(self._federation.members)} operators, mutual TLS"), rows)
        if note := runtime.run.note:
            self._console.print(Text(note, "yellow"))
        return runtime

    async def _ask(self, home: Home, runtime: Runtime, text: str) -> None:
        """Ask, agree, look at what came of it, and end it, as a tenant."""
        async with Tenant(account(home, runtime.run, DEFAULT_TENANT)) as tenant:
            with self._phase("negotiate and deploy"):
                order = await self._ordered(tenant, text)
            await self._show(tenant, order)
            with self._phase("terminate"):
                await self._ended(tenant, order)

    async def _ordered(self, tenant: Tenant, text: str) -> Order:
        """Follow the order to the end; the demonstration's tenant accepts what is proposed.

        Raises:
            EntenteError: why it was refused.
        """
        show = Follower(render.Story(self._console))
        order = await tenant.settle(await tenant.create(text), show)
        while order.state == "proposed":
            assert order.proposal is not None, "a proposed order has a proposal"
            self._console.print(Padding(render.proposal(order.proposal), (0, 0, 0, 3)))
            self._console.print(Text("   the tenant accepts", "green"))
            order = await tenant.answer(order, True, show)
        if order.error is not None:
            raise order.error
        return order

    async def _show(self, tenant: Tenant, order: Order) -> None:
        for found in order.slices:
            self._console.print(Rule("deployed", style="green"), render.slice_(found))
        record = await tenant.record(order.name)
        shown = {**record, "events": record["events"][-RECORD_LINES:]}
        title = f"decision record, the last {RECORD_LINES} of {len(record['events'])} lines"
        self._console.print(Rule(title), render.record(shown))
        if not record["verified"]:
            raise EntenteError("the decision record does not verify")

    async def _ended(self, tenant: Tenant, order: Order) -> None:
        self._console.print(Rule("terminate"))
        ended: list[Plain] = []
        for found in order.slices:
            ending = await tenant.terminate(found["name"], "demonstration over")
            settled = await tenant.settle(ending)
            if settled.error is not None:
                raise settled.error
            ended += settled.slices
        self._console.print(render.slices(ended))

    def _compared(self, before: Usage, after: Usage) -> bool:
        """Whether every resource of every domain is as it was; shows what each domain says."""
        self._console.print(Rule("every domain's capacity, from its own ledger"))
        whole = before.keys() == after.keys()
        width = max(map(len, before))
        for name, was in before.items():
            now = after.get(name, {})
            changed = sorted(key for key in {*was, *now} if was.get(key) != now.get(key))
            whole = whole and not changed
            in_use = sum(1 for units in now.values() if units)
            verdict = (
                Text(f"{len(changed)} of {len(was)} resources differ from the start", "bold red")
                if changed
                else Text(f"back where it started: {len(was)} resources, {in_use} in use", "green")
            )
            self._console.print(Text.assemble((f"{name:<{width}}  ", "bold"), verdict))
        return whole

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began_s = time.perf_counter()
        yield
        self._phases.append((name, time.perf_counter() - began_s))

    def _times(self) -> Text:
        parts = [f"{name} {took_s:.1f} s" for name, took_s in self._phases]
        total_s = sum(took_s for _, took_s in self._phases)
        return Text.assemble("\n", (f"{total_s:.1f} s in all", "bold"), f": {', '.join(parts)}")


def run(
    console: Console,
    federation: Federation,
    launcher: Launcher,
    text: str | None,
    engine: EngineSettings = DEFAULT_ENGINE,
) -> Exit:
    """The demonstration in a state folder that exists only for it.

    Raises:
        EntenteError: something could not start; its logs stay where the message says.
    """
    home = Home(Path(tempfile.mkdtemp(prefix="entente-demo-"))).prepare()
    outcome = Demonstration(console, federation, launcher, engine).run(home, text or SENTENCE)
    shutil.rmtree(home.root, ignore_errors=True)
    return outcome
