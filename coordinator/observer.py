"""Keeps the resource database fresh: one watcher per domain, for as long as the server runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from coordinator.clock import Clock
from coordinator.resources import ResourceDatabase
from domains.errors import EntenteError
from domains.port import Domain

log = logging.getLogger(__name__)

RETRY_S = 0.2
RETRY_S_MAX = 5.0


class Observer:
    """Watches every domain's topology; a silent domain is marked, and watched again.

    Args:
        greet: run once each time a domain becomes reachable: the place to finish what an earlier
            incarnation left there.
    """

    def __init__(
        self,
        resources: ResourceDatabase,
        domains: Mapping[str, Domain],
        clock: Clock,
        greet: Callable[[str], Awaitable[None]],
    ) -> None:
        self._resources = resources
        self._domains = domains
        self._clock = clock
        self._greet = greet
        self._tasks: list[asyncio.Task[None]] = []
        self._seen: dict[str, asyncio.Event] = {name: asyncio.Event() for name in domains}

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._watch(name, domain), name=f"watch-{name}")
            for name, domain in self._domains.items()
        ]

    async def first_views(self, timeout_s: float) -> None:
        """Wait until every domain has been seen once, or for `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                for event in self._seen.values():
                    await event.wait()
        except TimeoutError:
            missing = [name for name, event in self._seen.items() if not event.is_set()]
            log.warning("starting without %s: no answer yet", ", ".join(missing))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self, name: str, domain: Domain) -> None:
        pause_s = RETRY_S
        while True:
            greeting: asyncio.Task[None] | None = None
            try:
                async for topology in domain.watch_topology():
                    self._resources.update(topology, self._clock.now_s())
                    self._seen[name].set()
                    greeting = greeting or asyncio.create_task(self._welcome(name))
                    pause_s = RETRY_S
            except EntenteError as error:
                if pause_s == RETRY_S:
                    log.warning("%s is silent: %s", name, error.message)
            except Exception:  # a defect of ours must not end the watch for good
                log.exception("the topology of %s cannot be followed", name)
            finally:
                if greeting:
                    greeting.cancel()
            self._resources.mark_silent(name, self._clock.now_s())
            await asyncio.sleep(pause_s * (0.5 + self._clock.jitter() / 2))
            pause_s = min(pause_s * 2, RETRY_S_MAX)

    async def _welcome(self, name: str) -> None:
        """Until it succeeds: it is cancelled when the domain falls silent, and begun anew then."""
        pause_s = RETRY_S
        while True:
            try:
                await self._greet(name)
            except EntenteError as error:
                if pause_s == RETRY_S:
                    log.warning("%s shows itself and does not answer: %s", name, error.message)
            except Exception:
                log.exception("%s could not be greeted", name)
            else:
                return
            await asyncio.sleep(pause_s * (0.5 + self._clock.jitter() / 2))
            pause_s = min(pause_s * 2, RETRY_S_MAX)
