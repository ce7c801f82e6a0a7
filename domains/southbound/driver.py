"""The seam between a domain and its network: what a driver does for one segment.

Calls block until done and come from one thread at a time. Each one is idempotent, and either done
or taken back as a whole: after an error nothing of what it began is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domains.errors import InvalidRequest, NotFound
from domains.measurement import Measurement
from domains.model import FunctionInstance, Hold, Isolation, SliceProfile

REPLICAS_MAX = 16
"""Copies of one network function of one segment."""


class DriverName(StrEnum):
    """`[southbound] driver` in a domain's configuration."""

    SIMULATED = "simulated"
    NETNS = "netns"
    OPENFLOW = "openflow"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A network function to run. One that is not dedicated is the pool's: many segments share it.

    `cpu_millicores` and `memory_mib` are what it may use, 0 where the domain did not say.
    """

    name: str
    function_type: str
    dedicated: bool
    cpu_millicores: int = 0
    memory_mib: int = 0


@dataclass(frozen=True, slots=True)
class Shaping:
    """What a segment is entitled to.

    With `exclusive` it never uses more than its rates; otherwise it may borrow what others leave.
    """

    downlink_kbps: int
    uplink_kbps: int
    latency_us: int
    exclusive: bool


@dataclass(frozen=True, slots=True)
class Deployment:
    """A confirmed hold as the network has to run it."""

    segment_id: str
    slice_id: str
    ingress: str
    egress: str
    functions: tuple[FunctionSpec, ...]
    shaping: Shaping


class RunState(StrEnum):
    """STOPPED: the functions do not run; shaping, and with it the capacity, stays."""

    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a driver runs for a segment now; `replicas` is in the order of the functions."""

    deployment: Deployment
    state: RunState
    replicas: tuple[int, ...]


class Driver(Protocol):
    """Runs segments on some kind of network.

    Every method raises `DriverFailed` (the network did not do as told, and nothing is left of the
    attempt) or `NotFound` (an unknown segment or function) and nothing else of its own.
    """

    @property
    def blocks(self) -> bool:
        """Whether calls wait for a kernel or a process: those get a thread."""
        ...

    def start(self, deployment: Deployment) -> None:
        """Set up a segment, shape it and start its functions; for a stopped one, start them."""
        ...

    def stop(self, segment_id: str) -> None:
        """Stop the functions of a segment and keep its capacity."""
        ...

    def scale(self, segment_id: str, function: str, replicas: int) -> None:
        """Run so many copies of a dedicated function, 1 to `REPLICAS_MAX`.

        Raises:
            InvalidRequest: another number, or a function that the segment shares.
        """
        ...

    def restart(self, segment_id: str, function: str) -> None:
        """Stop and start one function of a running segment."""
        ...

    def delete(self, segment_id: str) -> None:
        """Remove a segment with all that belongs to it; an unknown one is gone already."""
        ...

    def shape(self, segment_id: str, shaping: Shaping) -> None:
        """Give a segment other rates without touching its traffic."""
        ...

    def measure(self, segment_id: str, now_s: float) -> Measurement:
        """The interval since the last measurement of this segment (or its start) until `now_s`.

        Raises:
            Unmeasured: there is no interval, or the network told nothing.
        """
        ...

    def deployed(self) -> Sequence[Deployed]:
        """Everything that this driver runs, in order of segment id."""
        ...

    def close(self) -> None:
        """Remove everything. Idempotent."""
        ...


def deployment_of(hold: Hold) -> Deployment:
    """What the network has to run for a confirmed hold."""
    profile, promised = hold.profile, hold.offer.metrics
    return Deployment(
        segment_id=hold.hold_id,
        slice_id=hold.slice_id,
        ingress=profile.ingress,
        egress=profile.egress,
        functions=tuple(_spec(instance, profile) for instance in hold.functions),
        shaping=Shaping(
            downlink_kbps=promised.downlink_kbps,
            uplink_kbps=promised.uplink_kbps,
            latency_us=promised.latency_us,
            exclusive=profile.isolation is Isolation.ISOLATED,
        ),
    )


def check_replicas(deployment: Deployment, index: int, replicas: int) -> None:
    """Raise `InvalidRequest` where a function cannot run in so many copies."""
    if not 1 <= replicas <= REPLICAS_MAX:
        raise InvalidRequest(
            f"a function runs in 1 to {REPLICAS_MAX} copies",
            field="replicas",
            requested=replicas,
            achievable=REPLICAS_MAX,
        )
    if not deployment.functions[index].dedicated:
        raise InvalidRequest(
            "the pool's own functions are not this segment's to scale", field="function"
        )


def index_of(deployment: Deployment, function: str) -> int:
    """Which of its functions that is; raises `NotFound`."""
    for index, spec in enumerate(deployment.functions):
        if spec.name == function:
            return index
    raise NotFound("the segment has no such function", function=function)


def _spec(instance: FunctionInstance, profile: SliceProfile) -> FunctionSpec:
    wanted = next((f for f in profile.functions if f.function_type == instance.function_type), None)
    return FunctionSpec(
        name=instance.name,
        function_type=instance.function_type,
        dedicated=instance.dedicated,
        cpu_millicores=wanted.cpu_millicores if wanted else 0,
        memory_mib=wanted.memory_mib if wanted else 0,
    )
