"""What runs follows what is confirmed: the network functions of a domain, through its driver.

Level-triggered: `want` and `unwant` only note what shall be, after the ledger's answer has left;
a task then makes it so and tries again, later and later, what the driver could not do. At an
opening everything confirmed is wanted, so a restart needs no memory of its own. The path of a
reservation pays for an entry in a dictionary.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from domains.errors import DriverFailed, EntenteError, NotFound, Overloaded, Unmeasured
from domains.measurement import Condition, Measurement, Reading
from domains.model import PPB, Hold
from domains.southbound.driver import Deployment, Driver, deployment_of
from domains.southbound.turns import Turns

log = logging.getLogger(__name__)

T = TypeVar("T")

BATCH_MAX, BLOCKING_BATCH_MAX = 64, 8
"""Segments that a driver works on before others get their turn; of one that blocks, fewer."""
DRIVER_S_MAX: Final = 60.0
"""One batch of a driver that blocks; after that it hangs, and its segments are UNMEASURED."""
RETRY_S: Final = 1.0
RETRY_S_MAX: Final = 60.0
"""First and longest pause after the driver failed; doubled in between."""
WATCHERS_MAX: Final = 64
"""Open measurement watches of all callers together."""
REASON_CHARACTERS_MAX: Final = 200
"""Of why a segment is as it is; one that is not taken would cost its owner the whole round."""
ROUNDS_WAITING_MAX: Final = 4
"""Rounds that a slow watcher may be behind; then it loses the oldest, and sees the gap."""


@dataclass(slots=True)
class _Wanted:
    """A segment that shall run, or be there and stand still."""

    owner: str
    deployment: Deployment
    active: bool
    condition: Condition = Condition.STARTING
    reason: str = ""
    failures: int = 0
    retry_at_s: float = 0.0
    latest: Measurement | None = field(default=None, repr=False)


class Functions:
    """The segments of one domain as its network runs them. Belongs to one event loop.

    Args:
        driver: None where nothing runs: then every segment is UNMEASURED and says why.
        now: the domain's clock. every_s: one interval, while anybody watches.
    """

    def __init__(self, driver: Driver | None, now: Callable[[], float], every_s: float) -> None:
        self._driver = driver
        self._now = now
        self._every_s = every_s
        self._wanted: dict[str, _Wanted] = {}
        self._dirty: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._watchers: dict[asyncio.Queue[Sequence[Reading] | None], str] = {}
        self._watched = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._leaving: set[str] = set()
        """Segments that shall go and that the driver did not remove yet."""
        blocks = driver is not None and driver.blocks
        self._turns = Turns(DRIVER_S_MAX) if blocks else None
        self._batch = BLOCKING_BATCH_MAX if blocks else BATCH_MAX

    def open(self, confirmed: Iterable[tuple[str, Hold]]) -> None:
        """Begin to run what is confirmed."""
        for owner, hold in confirmed:
            self.want(owner, hold)
        self._tasks = [
            asyncio.create_task(self._work(), name="functions"),
            asyncio.create_task(self._measure(), name="measurements"),
        ]

    async def close(self) -> None:
        """Stop working, end all watches, remove everything from the network. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for waiting in self._watchers:
            _put(waiting, None)
        if self._driver is not None:
            try:
                await self._do(self._driver.close)
            except EntenteError as error:
                log.warning("the network is left as it is: %s", error.message)
        if self._turns is not None:
            self._turns.close()

    # -- what shall be -----------------------------------------------------------------------

    def want(self, owner: str, hold: Hold) -> None:
        """A confirmed hold shall run, or stand still with its capacity kept."""
        known = self._wanted.get(hold.hold_id)
        if known is not None and known.active == hold.active:
            return
        self._wanted[hold.hold_id] = _Wanted(owner, deployment_of(hold), hold.active)
        self._note(hold.hold_id)

    def unwant(self, hold_id: str) -> None:
        """A segment shall go."""
        if self._wanted.pop(hold_id, None) is not None:
            self._note(hold_id)

    def again(self) -> None:
        """Try what failed and has waited long enough; the sweeper calls it."""
        now_s = self._now()
        for segment_id, wanted in self._wanted.items():
            # A clock that has gone back makes nobody wait for longer than the longest pause.
            if wanted.failures and not 0 < wanted.retry_at_s - now_s <= RETRY_S_MAX:
                self._note(segment_id)
        for segment_id in self._leaving:
            self._note(segment_id)

    async def settled(self) -> None:
        """Wait until everything noted so far was tried."""
        await self._settled.wait()

    def _note(self, segment_id: str) -> None:
        if self._driver is not None:
            self._dirty[segment_id] = None
            self._settled.clear()
            self._wake.set()

    # -- the operator's own hand -------------------------------------------------------------

    async def activate(self, segment_id: str, active: bool) -> None:
        """Let the functions of a segment run or stand still, now.

        Raises:
            NotFound: no such segment. DriverFailed: the network did not obey; it is tried again.
        """
        wanted = self._one(segment_id)
        wanted.active = active
        wanted.latest = wanted.latest if active else None
        self._note(segment_id)
        await self.settled()
        if wanted.failures:
            raise DriverFailed(wanted.reason, segment=segment_id)

    def stopped(self, segment_id: str) -> None:
        """The operator has removed the functions of a segment: they stay away until started."""
        wanted = self._one(segment_id)
        wanted.active, wanted.latest = False, None
        wanted.condition, wanted.reason = Condition.STOPPED, ""

    async def by_hand(self, work: Callable[[Driver], T]) -> T:
        """Something that the operator wants of the driver, in turn with everything else.

        Raises:
            NotFound: this domain runs no driver.
        """
        driver = self._driver
        if driver is None:
            raise NotFound("this domain runs no driver")
        return await self._do(lambda: work(driver))

    def everything(self) -> list[Reading]:
        """Every segment of every owner."""
        return [self._reading(segment_id, one) for segment_id, one in self._wanted.items()]

    def _one(self, segment_id: str) -> _Wanted:
        wanted = self._wanted.get(segment_id)
        if wanted is None:
            raise NotFound("no such segment is here", segment=segment_id)
        return wanted

    # -- making it so ------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._dirty:
                batch = list(self._dirty)[: self._batch]
                for segment_id in batch:
                    del self._dirty[segment_id]
                await self._apply(batch)
            self._settled.set()

    async def _apply(self, batch: Sequence[str]) -> None:
        wanted = [(segment_id, self._wanted.get(segment_id)) for segment_id in batch]
        errors: Sequence[EntenteError | None]
        try:
            errors = await self._do(lambda: [self._make(*one) for one in wanted])
        except DriverFailed as hangs:
            errors = [hangs] * len(wanted)
        for (segment_id, one), error in zip(wanted, errors, strict=True):
            if one is None or self._wanted.get(segment_id) is not one:
                self._left(segment_id, error)
                continue
            if error is None:
                one.failures, one.reason = 0, ""
                one.condition = Condition.STARTING if one.active else Condition.STOPPED
                continue
            pause_s = min(RETRY_S * 2**one.failures, RETRY_S_MAX)
            one.failures, one.retry_at_s = one.failures + 1, self._now() + pause_s
            one.condition, one.reason = Condition.FAILED, _told(error)
            log.warning("a segment of %s cannot run: %s", one.deployment.slice_id, error.message)

    def _left(self, segment_id: str, error: EntenteError | None) -> None:
        """A segment that shall go is gone, or is tried again until it is."""
        if error is None:
            self._leaving.discard(segment_id)
        elif segment_id not in self._leaving and segment_id not in self._wanted:
            self._leaving.add(segment_id)
            log.warning("a segment that shall go stays for now: %s", error.message)

    def _make(self, segment_id: str, wanted: _Wanted | None) -> EntenteError | None:
        """One segment as it shall be. In the driver's thread, if that has one."""
        assert self._driver is not None
        try:
            if wanted is None:
                self._driver.delete(segment_id)
            else:
                self._driver.start(wanted.deployment)
                if not wanted.active:
                    self._driver.stop(segment_id)
                else:  # its first interval begins now, not with the next round
                    self._look(segment_id, self._now())
        except EntenteError as error:
            return error
        except Exception as error:
            log.exception("the driver failed unexpectedly")
            return EntenteError(f"the driver failed: {type(error).__name__}")
        return None

    async def _do(self, work: Callable[[], T]) -> T:
        if self._turns is None:
            return work()
        return await self._turns.do(work)

    # -- measuring ---------------------------------------------------------------------------

    async def watch(self, owner: str) -> AsyncGenerator[Sequence[Reading], None]:
        """The caller's own segments now and after every interval; empty rounds are sent too.

        Raises:
            Overloaded: `WATCHERS_MAX` are watching.
        """
        if len(self._watchers) >= WATCHERS_MAX:
            raise Overloaded("too many measurement watches", limit="WATCHERS_MAX")
        waiting: asyncio.Queue[Sequence[Reading] | None] = asyncio.Queue(ROUNDS_WAITING_MAX)
        self._watchers[waiting] = owner
        self._watched.set()
        try:
            yield self.readings(owner)
            while (readings := await waiting.get()) is not None:
                yield readings
        finally:
            del self._watchers[waiting]
            if not self._watchers:
                self._watched.clear()

    def readings(self, owner: str) -> list[Reading]:
        """Every segment of an owner, as last measured: none is left out, whatever happened."""
        return [
            self._reading(segment_id, wanted)
            for segment_id, wanted in self._wanted.items()
            if wanted.owner == owner
        ]

    async def measure(self) -> None:
        """Measure every running segment once."""
        running = [(key, one) for key, one in self._wanted.items() if self._runs(one)]
        for first in range(0, len(running), self._batch):
            batch = running[first : first + self._batch]
            now_s = self._now()
            found: Sequence[Measurement | EntenteError]
            try:
                found = await self._do(lambda b=batch, t=now_s: [self._look(k, t) for k, _ in b])  # type: ignore[misc]
            except DriverFailed as hangs:
                found = [hangs] * len(batch)
            for (_, wanted), measured in zip(batch, found, strict=True):
                _judge(wanted, measured)
            await asyncio.sleep(0)

    def _runs(self, wanted: _Wanted) -> bool:
        return self._driver is not None and wanted.active and not wanted.failures

    def _look(self, segment_id: str, now_s: float) -> Measurement | EntenteError:
        assert self._driver is not None
        try:
            return self._driver.measure(segment_id, now_s)
        except EntenteError as error:
            return error
        except Exception as error:
            log.exception("the driver failed unexpectedly")
            return Unmeasured(f"the driver failed: {type(error).__name__}")

    def _reading(self, segment_id: str, wanted: _Wanted) -> Reading:
        slice_id = wanted.deployment.slice_id
        if self._driver is None:
            reason = "this domain runs no driver"
            return Reading(segment_id, slice_id, Condition.UNMEASURED, reason)
        return Reading(segment_id, slice_id, wanted.condition, wanted.reason, wanted.latest)

    async def _measure(self) -> None:
        while True:
            await self._watched.wait()
            await self.measure()
            self.publish()
            await asyncio.sleep(self._every_s)

    def publish(self) -> None:
        """Give every watcher the round; whoever is too slow loses its oldest."""
        for waiting, owner in self._watchers.items():
            _put(waiting, self.readings(owner))


def _put(
    waiting: asyncio.Queue[Sequence[Reading] | None], readings: Sequence[Reading] | None
) -> None:
    if waiting.full():
        waiting.get_nowait()
    waiting.put_nowait(readings)


def _told(error: EntenteError) -> str:
    """Why, as it may be sent: what a driver says may be long, or come from another program."""
    shown = "".join(c if c.isprintable() else " " for c in error.message)
    return shown[:REASON_CHARACTERS_MAX]


def _judge(wanted: _Wanted, measured: Measurement | EntenteError) -> None:
    """What a measurement says about the domain's own promise."""
    promised = wanted.deployment.shaping
    if isinstance(measured, EntenteError):
        if wanted.condition is not Condition.STARTING:
            wanted.condition, wanted.reason = Condition.UNMEASURED, _told(measured)
        wanted.latest = None
        return
    wanted.latest = measured
    if measured.availability_ppb == 0:
        wanted.condition, wanted.reason = Condition.FAILED, "nothing passes"
    elif measured.availability_ppb < PPB:
        wanted.condition, wanted.reason = Condition.DEGRADED, "it did not answer all the time"
    elif measured.latency_us > promised.latency_us:
        wanted.condition = Condition.DEGRADED
        wanted.reason = "slower than promised"
    else:
        wanted.condition, wanted.reason = Condition.HEALTHY, ""
