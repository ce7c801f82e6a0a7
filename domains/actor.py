"""Domains as a Ray actor: one operator's process, with as many domains as it likes to host.

gRPC runs in an event loop of its own, in its own thread: Ray stops an actor's loop before
`__ray_shutdown__`, which would cut calls in progress and leave the port taken for the successor.
Ray is imported only by `remote_host`; `Host` itself is a plain class.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

from domains import collector
from domains.rpc import BIND_S_MAX, STOP_GRACE_S
from domains.server import Dial, DomainServer, Hosted, run_domains, start_all, stop_all

__all__ = ["Host", "Hosted", "remote_host", "run_domains"]

START_S_MAX: Final = 60.0
"""To open the stores and bind the ports of all hosted domains."""
CONCURRENCY_MAX: Final = 4
"""So that `drain` and `endpoints` are answered while another call waits."""

_T = TypeVar("_T")


class Host:
    """Serves one or more domains from construction on; Ray reruns it after a crash."""

    def __init__(self, hosted: Sequence[Hosted], dial: Dial | None = None) -> None:
        assert hosted, "a host without domains has no purpose"
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="grpc", daemon=True)
        self._thread.start()
        self._servers: list[DomainServer] = []
        try:
            self._servers = self._run(start_all(hosted, dial), START_S_MAX + BIND_S_MAX)
            collector.serving()
        except BaseException:
            self._end_loop()
            raise

    def endpoints(self) -> dict[str, str]:
        """Address (host:port) of each domain, by name; answers once all of them serve."""
        return {server.domain.name: server.address for server in self._servers}

    def usage(self) -> dict[str, dict[str, int]]:
        """Units in use of every resource, by domain: for the operator itself, over no network."""

        async def look() -> dict[str, dict[str, int]]:
            return {server.domain.name: dict(server.domain.usage()) for server in self._servers}

        return self._run(look(), START_S_MAX)

    def pid(self) -> int:
        """The process, so that an operator can tell which is which."""
        return os.getpid()

    def drain(self, grace_s: float = STOP_GRACE_S) -> bool:
        """Finish calls in progress, close stores and ports. Call it before ending the actor."""
        servers, self._servers = self._servers, []
        if servers:
            self._run(stop_all(servers, grace_s), grace_s + BIND_S_MAX)
            self._end_loop()
        return True

    def __ray_shutdown__(self) -> None:
        self.drain()

    def _run(self, work: Coroutine[Any, Any, _T], timeout_s: float) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def remote_host() -> Any:
    """`Host` as a Ray actor class: `remote_host().options(name=...).remote([Hosted(...)])`.

    It waits for no CPU slot (num_cpus=0: it mostly waits for the network) and comes back after
    every crash, on the same ports, with what its stores remember.
    """
    import ray

    actor_class: Any = ray.remote(Host)
    return actor_class.options(num_cpus=0, max_restarts=-1, max_concurrency=CONCURRENCY_MAX)


def _new_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it is installed: 10 to 14 % less CPU per call."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
