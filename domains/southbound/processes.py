"""Agents as child processes: started, asked one line at a time, ended with all they hold."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domains.errors import DriverFailed, DriverMissing

AGENT = Path(__file__).with_name("agent.py")
ANSWER_S = 5.0
END_S = 2.0

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Used:
    """What a process has used: processor seconds since its start, memory now."""

    cpu_s: float
    memory_mib: float


class AgentProcess:
    """One agent. It dies with this process, however that ends: its standard input closes.

    Args:
        name: what `ps` shows. inside: the agent whose namespace it shares; None for its own.

    Raises:
        DriverMissing: this machine does not let us have a namespace. DriverFailed: another cause.
    """

    def __init__(
        self,
        name: str,
        inside: AgentProcess | None = None,
        forward: bool = False,
        port: int = 0,
    ) -> None:
        self.name = name
        command = [sys.executable, "-I", "-S", str(AGENT), name, "--port", str(port)]
        if inside is not None:
            command += ["--in", str(inside.pid)]
        if forward:
            command.append("--forward")
        self._process = subprocess.Popen(  # noqa: S603  # our own program, no shell
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            self._answer(ANSWER_S)
        except DriverFailed as error:
            self.end()
            raise DriverMissing(
                f"no network namespace for {name}: {error.message}; the netns driver needs Linux "
                "and root (CAP_SYS_ADMIN and CAP_NET_ADMIN)",
                agent=name,
            ) from None
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> AgentProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, wait_s: float = ANSWER_S, **command: object) -> dict[str, Any]:
        """One command and its answer.

        Raises:
            DriverFailed: it has ended, or does not answer in time.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise DriverFailed(f"{self.name} has ended", agent=self.name) from None
        return self._answer(wait_s)

    def used(self) -> Used:
        """From `/proc` (proc(5): utime, stime of stat; resident pages of statm); 0 once ended."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return Used(0.0, 0.0)
        return Used((int(stat[11]) + int(stat[12])) / _TICKS_PER_S, pages * _PAGE_BYTES / (1 << 20))

    def end(self) -> None:
        """Close its input, then wait; kill what does not go. Idempotent."""
        process = self._process
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _answer(self, wait_s: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        descriptor, line = self._process.stdout.fileno(), b""
        deadline_s = time.monotonic() + wait_s
        while not line.endswith(b"\n"):
            left_s = max(0.0, deadline_s - time.monotonic())
            ready, _, _ = select.select([descriptor], [], [], left_s)
            read = os.read(descriptor, 1 << 16) if ready else b""
            if not read:
                said = "has ended" if ready else f"has not answered within {wait_s:g} s"
                raise DriverFailed(f"{self.name} {said}", agent=self.name)
            line += read
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise DriverFailed(answer["error"], agent=self.name)
        return answer
