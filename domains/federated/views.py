"""What the controllers show, watched for as long as the domain is open, and the one view of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from domains.errors import EntenteError, Unreachable
from domains.federated.stitch import Path, link_of, outward, paths
from domains.model import AbstractTopology, DomainKind, SliceProfile
from domains.port import Domain
from domains.technologies import Free, Option, Reach, Technology

log = logging.getLogger(__name__)

RETRY_S: Final = 0.5
"""After a controller fell silent, before it is watched again."""


class Views:
    """The newest topology of each controller that answers.

    Args:
        changed: called when what the domain shows may be another.
    """

    def __init__(self, controllers: Mapping[str, Domain], changed: Callable[[], None]) -> None:
        self._controllers = controllers
        self._changed = changed
        self._seen: dict[str, AbstractTopology] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._all = asyncio.Event()
        self.paths: Mapping[tuple[str, str], Sequence[Path]] = {}
        self.border_points: tuple[str, ...] = ()

    async def start(self, within_s: float) -> None:
        """Watch every controller; returns when all have been seen, or `within_s` has passed."""
        self._tasks = [
            asyncio.create_task(self._watch(name), name=f"watch-{name}")
            for name in self._controllers
        ]
        try:
            await asyncio.wait_for(self._all.wait(), within_s)
        except TimeoutError:
            silent = sorted(self._controllers.keys() - self._seen.keys())
            log.warning("controllers that do not answer yet: %s", ", ".join(silent))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def abstract(
        self, name: str, operator: str, epoch: int, price: Callable[[int], int]
    ) -> AbstractTopology:
        """The whole as one transport domain; nothing that is between controllers is in it."""
        links = [link_of(*pair, found, price) for pair, found in sorted(self.paths.items())]
        return AbstractTopology(
            domain=name,
            kind=DomainKind.TRANSPORT,
            operator=operator,
            epoch=epoch,
            border_points=self.border_points,
            links=tuple(links),
        )

    async def _watch(self, name: str) -> None:
        while True:
            try:
                async for view in self._controllers[name].watch_topology():
                    self._seen[name] = view
                    self._redraw()
            except EntenteError as error:
                level = logging.WARNING if isinstance(error, Unreachable) else logging.ERROR
                log.log(level, "controller %s: %s", name, error.message)
            if self._seen.pop(name, None) is not None:
                self._redraw()
            await asyncio.sleep(RETRY_S)

    def _redraw(self) -> None:
        self.border_points = outward(self._seen.values())
        self.paths = paths(self._seen)
        if len(self._seen) == len(self._controllers):
            self._all.set()
        self._changed()


class Network(Technology):
    """The technology of a domain that has none of its own: segments per controller, counted."""

    kind: ClassVar[DomainKind] = DomainKind.TRANSPORT

    def __init__(self, room: Mapping[str, int]) -> None:
        self._room = room

    @property
    def border_points(self) -> tuple[str, ...]:
        return ()

    def capacities(self) -> Mapping[str, int]:
        return self._room

    def reaches(self) -> Sequence[Reach]:
        return ()

    def candidates(self, profile: SliceProfile, free: Free) -> Sequence[Option]:
        return ()
