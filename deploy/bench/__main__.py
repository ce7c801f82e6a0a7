"""`python -m deploy.bench`: measure, show, and write down when asked."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from deploy.bench import (
    assurance,
    growth,
    hosts,
    isolation,
    plan,
    setup,
    southbound,
    translate,
)
from deploy.bench.effort import FULL, QUICK, Effort, Tell
from deploy.bench.report import Report
from deploy.bench.sections import rewritten
from domains.errors import EntenteError

FIGURES = Path(__file__).with_name("FIGURES.md")
LONG_FIGURES = Path(__file__).with_name("ASSURANCE.md")
FIGURE_S_MAX, LONG_S_MAX = 600, 7_200
"""A measurement that takes longer hangs: it is ended, with everything it started."""
BLOCKED_S_MAX = 15
LOG_LINES = 20
"""Of each process, shown where a measurement fails."""
PROFILED = ("coordinator", "access-north")
PROFILED_TENANTS = 16

out = Console(width=None if sys.stdout.isatty() else 120)
err = Console(stderr=True, highlight=False)


class Name(StrEnum):
    """What can be measured."""

    SETUP = "setup"
    DOMAINS = "domains"
    STANDING = "standing"
    HOSTS = "hosts"
    PLAN = "plan"
    TRANSLATE = "translate"
    ASSURANCE = "assurance"
    ISOLATION = "isolation"
    SOUTHBOUND = "southbound"


_T = TypeVar("_T")
_Async = Callable[[Path, Effort, Tell], Coroutine[Any, Any, Report]]
ASYNC: dict[Name, _Async] = {
    Name.PLAN: plan.measure,
    Name.SETUP: setup.measure,
    Name.DOMAINS: growth.with_domains,
    Name.STANDING: growth.with_standing,
    Name.TRANSLATE: translate.measure,
}
LONG: dict[Name, _Async] = {
    Name.ASSURANCE: assurance.measure,
    Name.ISOLATION: isolation.measure,
    Name.SOUTHBOUND: southbound.measure,
}
"""Measured only when asked for; each has a section in a file that has words of ours as well."""
SHOWN = (*ASYNC, Name.HOSTS)
"""In the order in which they are measured; Ray last, which leaves threads behind."""


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Under a minute, and rougher.")] = False,
    only: Annotated[list[Name] | None, typer.Option(help="Only these; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Also into the file of figures.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Instead: where a set-up spends its time.")
    ] = False,
) -> None:
    """Measure what a slice costs. Ratios hold on a busy machine; milliseconds do not."""
    if write and only and any(name not in LONG for name in only) and not set(SHOWN) <= set(only):
        raise typer.BadParameter("the file of figures is written whole: all of them, or none")
    try:
        if profile:
            _profile()
            return
        reports = []
        for name in only or SHOWN:
            reports.append(_measured(name, QUICK if quick else FULL))
            if not as_json:
                reports[-1].show(out)
    except EntenteError as error:
        err.print(f"[red]{error}[/]")
        raise typer.Exit(1) from None
    if as_json:
        out.print_json(json.dumps({report.name: report.json() for report in reports}))
    if write:
        _write(reports)


def _measured(name: Name, effort: Effort) -> Report:
    with tempfile.TemporaryDirectory(prefix="entente-bench-") as folder, _ended_in_time(name):
        try:
            if name is Name.HOSTS:
                return hosts.measure(Path(folder), effort, _tell(name))
            work = (ASYNC | LONG)[name](Path(folder), effort, _tell(name))
            return _run(work, _bound_s(name))
        except Exception:
            _show_logs(Path(folder))
            raise


def _show_logs(folder: Path) -> None:
    """What the processes said last, before their folder goes."""
    for log in sorted(folder.rglob("*.log")):
        for line in log.read_text(errors="replace").splitlines()[-LOG_LINES:]:
            err.print(f"{log.name}: {line}", markup=False)


def _profile() -> None:
    with tempfile.TemporaryDirectory(prefix="entente-bench-") as folder, _ended_in_time("profile"):
        work = setup.profile(Path(folder), PROFILED_TENANTS, _tell("profile"))
        threads, profiles = _run(work, FIGURE_S_MAX)
    out.print(threads.rich())
    for process in PROFILED:
        out.rule(process)
        out.out(profiles[process], highlight=False)


def _bound_s(name: str) -> int:
    return LONG_S_MAX if name in LONG else FIGURE_S_MAX


def _run(work: Coroutine[Any, Any, _T], bound_s: int) -> _T:
    async def bounded() -> _T:
        async with asyncio.timeout(bound_s):
            return await work

    try:
        import uvloop
    except ImportError:
        return asyncio.run(bounded())
    return uvloop.run(bounded())


@contextmanager
def _ended_in_time(name: str) -> Iterator[None]:
    """For what blocks, a process that never says that it serves, where no loop can time out."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(_bound_s(name) + BLOCKED_S_MAX)
    try:
        yield
    except TimeoutError:
        raise EntenteError(f"{name}: not done within {_bound_s(name)} s") from None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _tell(name: str) -> Tell:
    def tell(text: str) -> None:
        line = f"{name}: {text}"
        if err.is_terminal:
            err.print(f"\r{line:<78.78}", end="\r")
        else:
            err.print(line)

    return tell


def _write(reports: Sequence[Report]) -> None:
    """Those that take long into their sections; the others make up their whole file."""
    long = [report for report in reports if report.name in LONG]
    if long:
        text = LONG_FIGURES.read_text(encoding="utf-8")
        LONG_FIGURES.write_text(rewritten(text, long, _machine()), encoding="utf-8")
    if short := [report for report in reports if report.name not in LONG]:
        FIGURES.write_text(_markdown(short), encoding="utf-8")


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    when = date.today().isoformat()
    return f"{when}, {cores} cores ({platform.machine()}), Python {platform.python_version()}."


def _markdown(reports: Sequence[Report]) -> str:
    cores = len(os.sched_getaffinity(0))
    machine = (
        f"Measured with `make bench` on {cores} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, grpcio {version('grpcio')}. "
        "The processes measured share these cores, so look at the ratios."
    )
    return "\n".join([f"# Figures\n\n{machine}\n", *(report.markdown() for report in reports)])


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app(prog_name="python -m deploy.bench")
