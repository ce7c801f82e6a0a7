"""Processes by pid and start time: never end one that is not ours."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.05
FREE_PORTS = range(20_000, 32_768)
"""Where a free port is looked for; Linux takes those of outgoing connections above."""


def started(pid: int) -> str | None:
    """When a process began, as an opaque text that no later process of that pid has."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        # Field 3 is the state and field 22 the start in clock ticks since boot (proc(5)).
        return None if fields[0] == "Z" else fields[19]
    if Path("/proc/self/stat").exists():
        return None
    listed = subprocess.run(  # noqa: S603  # a number, no shell
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip() or None


def is_same(pid: int, began: str) -> bool:
    """Whether `pid` is still the process that began then."""
    return started(pid) == began


def end(pid: int, began: str, grace_s: float) -> bool:
    """Ask a process to stop, and make it after `grace_s`. False where it was gone already."""
    if not is_same(pid, began):
        return False
    os.kill(pid, signal.SIGTERM)
    if not wait_until(lambda: not is_same(pid, began), grace_s):
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_same(pid, began), grace_s)
    return True


def wait_until(holds: Callable[[], bool], timeout_s: float) -> bool:
    """Poll a condition; whether it held in time."""
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(POLL_S)
    return True


def is_free(address: str) -> bool:
    """Whether nobody listens on host:port now."""
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
    return True


def free_addresses(count: int, host: str = "127.0.0.1") -> list[str]:
    """Addresses that nobody listens on, all different.

    Below the range from which the kernel takes the ports of outgoing connections, so that none of
    those can have one before it is bound.

    Raises:
        OSError: fewer than `count` are free.
    """
    found: list[str] = []
    for port in random.sample(FREE_PORTS, len(FREE_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        found.append(f"{host}:{port}")
        if len(found) == count:
            return found
    raise OSError(f"only {len(found)} of {count} ports are free on {host}")
