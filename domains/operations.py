"""What an operator does by hand to the network functions of its own domain, and what it sees.

For the operator alone. Capacity is the ledger's and the coordinator's: here functions start, stop,
scale, restart and go, and capacity stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from domains.domain import AdministrativeDomain
from domains.errors import InvalidRequest, NotFound
from domains.measurement import Reading
from domains.southbound.driver import (
    REPLICAS_MAX,
    Deployed,
    Driver,
    FunctionSpec,
    RunState,
    Shaping,
)


class Action(StrEnum):
    """Life cycle management (ETSI GS NFV-IFA 007) in an operator's words."""

    MONITOR = "monitor"
    START = "start"
    STOP = "stop"
    SCALE = "scale"
    RESTART = "restart"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do to the segments of a slice.

    Attributes:
        function: one function by name, for SCALE and RESTART; "" is every dedicated one.
        replicas: for SCALE, 1 to `REPLICAS_MAX`.
    """

    action: Action
    slice_id: str
    function: str = ""
    replicas: int = 0


@dataclass(frozen=True, slots=True)
class RunningSegment:
    """A segment as the network runs it now.

    Attributes:
        functions: with their replicas; none where the driver runs nothing of it.
        running: whether they do; shaping: what the segment is entitled to, where it is there.
    """

    reading: Reading
    functions: tuple[tuple[FunctionSpec, int], ...] = ()
    running: bool = False
    shaping: Shaping | None = None


async def operate(domain: AdministrativeDomain, operation: Operation) -> list[RunningSegment]:
    """Do it to every segment of the slice here, then say how each one is.

    Raises:
        InvalidRequest: SCALE without a number, or of what others share.
        NotFound: this domain runs no driver. DriverFailed: the network did not obey.
    """
    if operation.action is Action.SCALE and not 1 <= operation.replicas <= REPLICAS_MAX:
        raise InvalidRequest(
            f"say how many copies: 1 to {REPLICAS_MAX}",
            field="replicas",
            requested=operation.replicas,
            achievable=REPLICAS_MAX,
        )
    functions = domain.functions
    await functions.settled()
    mine = [r.segment_id for r in functions.everything() if r.slice_id == operation.slice_id]
    for segment_id in mine:
        await _act(domain, segment_id, operation)
    if not mine:
        return []
    await functions.measure()
    told = {reading.segment_id: reading for reading in functions.everything()}
    runs = {d.deployment.segment_id: d for d in await functions.by_hand(lambda d: d.deployed())}
    return [_running(told[segment_id], runs.get(segment_id)) for segment_id in mine]


async def _act(domain: AdministrativeDomain, segment_id: str, operation: Operation) -> None:
    functions, copies = domain.functions, operation.replicas
    match operation.action:
        case Action.MONITOR:
            return
        case Action.START | Action.STOP:
            await functions.activate(segment_id, operation.action is Action.START)
        case Action.DELETE:
            await functions.by_hand(lambda driver: driver.delete(segment_id))
            functions.stopped(segment_id)
        case Action.SCALE:
            await _each(domain, segment_id, operation, lambda d, f: d.scale(segment_id, f, copies))
        case Action.RESTART:
            await _each(domain, segment_id, operation, lambda d, f: d.restart(segment_id, f))


async def _each(
    domain: AdministrativeDomain,
    segment_id: str,
    operation: Operation,
    work: Callable[[Driver, str], None],
) -> None:
    """The named function, if this segment has it; or every one that is the segment's own."""

    def do(driver: Driver) -> None:
        runs = next((d for d in driver.deployed() if d.deployment.segment_id == segment_id), None)
        if runs is None:
            raise NotFound("the segment does not run; start it first", segment=segment_id)
        for spec in runs.deployment.functions:
            if spec.name == operation.function or (not operation.function and spec.dedicated):
                work(driver, spec.name)

    await domain.functions.by_hand(do)


def _running(reading: Reading, runs: Deployed | None) -> RunningSegment:
    if runs is None:
        return RunningSegment(reading)
    return RunningSegment(
        reading=reading,
        functions=tuple(zip(runs.deployment.functions, runs.replicas, strict=True)),
        running=runs.state is RunState.RUNNING,
        shaping=runs.deployment.shaping,
    )
