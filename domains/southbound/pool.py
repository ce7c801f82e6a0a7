"""Functions that many segments share: one process each, as long as anybody uses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from domains.southbound.driver import FunctionSpec
from domains.southbound.processes import AgentProcess


@dataclass(slots=True)
class _Pooled:
    copy: AgentProcess
    port: int
    users: set[str] = field(default_factory=set)


class Pool:
    """The shared functions of one domain, in the domain's own namespace.

    Args:
        prefix: of the names that `ps` shows. home: the agent whose namespace they share.
        ports: where they answer probes.
    """

    def __init__(self, prefix: str, home: AgentProcess, ports: Iterator[int]) -> None:
        self._prefix, self._home, self._ports = prefix, home, ports
        self._running: dict[str, _Pooled] = {}

    def join(self, spec: FunctionSpec, segment_id: str) -> None:
        """Use a function; the first user starts it."""
        pooled = self._running.get(spec.name)
        if pooled is None:
            port = next(self._ports)
            pooled = self._running[spec.name] = _Pooled(self._start(spec.name, port), port)
        pooled.users.add(segment_id)

    def leave(self, name: str, segment_id: str) -> None:
        """Use it no longer; the last one ends it. Idempotent."""
        pooled = self._running.get(name)
        if pooled is not None:
            pooled.users.discard(segment_id)
            if not pooled.users:
                self._running.pop(name).copy.end()

    def restart(self, name: str) -> None:
        """For all who use it."""
        pooled = self._running[name]
        pooled.copy.end()
        pooled.copy = self._start(name, pooled.port)

    def port(self, name: str) -> int:
        return self._running[name].port

    def _start(self, name: str, port: int) -> AgentProcess:
        return AgentProcess(f"{self._prefix}-{name}", inside=self._home, port=port)
