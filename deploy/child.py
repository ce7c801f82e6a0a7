"""A child process that lives as long as its parent: lines in, lines out, end of input means stop.

    parent -> child   one JSON object: what to serve
    child -> parent   {"ready": true}, or {"error": "..."} and it ends
    parent -> child   further lines are questions, each answered by one line of JSON
    end of input      the parent wants it to stop, or is no more: either way, it drains and ends

A child starts at once and imports what it needs; it serves when it is told what. So the time that
imports take passes while something else starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from domains import collector
from domains.errors import EntenteError

log = logging.getLogger(__name__)

STOP_S = 10.0
"""How long a child may take to drain before it is killed."""

ROOT = Path(__file__).resolve().parent.parent

Answer = Callable[[str], object]
Stop = Callable[[], Awaitable[None]]
Serve = Callable[[Mapping[str, Any]], Awaitable[tuple[Answer, Stop]]]


class Child:
    """The parent's end.

    Args:
        module: started with `python -m`; its main calls `run`.
        log: where its stderr goes, appended.
        lock: an open file that it keeps open, so that a lock on it outlives a parent that was
            killed for as long as the child still drains.
    """

    def __init__(self, module: str, log: Path, lock: int | None = None) -> None:
        self._module = module
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=importable(os.environ),
                pass_fds=() if lock is None else (lock,),
                start_new_session=True,  # Ctrl-C is for the parent, which then ends the child
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def serve(self, body: Mapping[str, Any]) -> None:
        """Tell it what to serve and wait until it does.

        Raises:
            EntenteError: it cannot, and why.
        """
        reply = self.ask(json.dumps(body))
        if "error" in reply:
            raise EntenteError(str(reply["error"]), log=self._log)

    def ask(self, line: str) -> dict[str, Any]:
        """One line of question, one JSON object of answer.

        Raises:
            EntenteError: it has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            reply = self._process.stdout.readline()
        except BrokenPipeError:
            reply = ""
        if not reply:
            raise EntenteError(f"{self._module} has ended{self._last_words()}; see {self._log}")
        answer: dict[str, Any] = json.loads(reply)
        return answer

    def _last_words(self) -> str:
        said = self._log.read_text(errors="replace").strip().splitlines()
        return f": {said[-1][:200]}" if said else ""

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does, as a crash would."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def stop(self) -> None:
        """Close its input and wait; kill it if it does not end. Idempotent."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # it has ended with our words unread
                self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def importable(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with our packages importable, installed or run from a checkout."""
    path = environment.get("PYTHONPATH", "")
    if str(ROOT) in path.split(os.pathsep):
        return dict(environment)
    return {**environment, "PYTHONPATH": str(ROOT) + (os.pathsep + path if path else "")}


def run(serve: Serve) -> None:
    """The child's end: what the main of a module calls."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        import uvloop
    except ImportError:
        asyncio.run(_run(serve))
    else:
        uvloop.run(_run(serve))


async def _run(serve: Serve) -> None:
    first = await asyncio.to_thread(sys.stdin.readline)
    if not first:
        return
    try:
        answer, stop = await serve(json.loads(first))
    except EntenteError as error:
        _reply({"error": error.message})
        return
    except Exception as error:
        log.exception("could not start")
        _reply({"error": str(error) or type(error).__name__})
        return
    collector.serving()
    _reply({"ready": True})
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            _reply(answer(line.strip()))
    finally:
        await stop()


def _reply(body: object) -> None:
    print(json.dumps(body), flush=True)
