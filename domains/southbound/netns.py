"""A network of Linux namespaces: real processes, real queues, measured by real packets.

Each segment has a near namespace (towards the devices) and a far one (towards the application);
all segments of the domain share one trunk, on which HTB gives each what it is promised. Dedicated
functions run in the segment's far namespace, those of the pool in the domain's own. Namespaces
have no name in the file system: each lives as long as the processes in it, and those end with
this process, however it ends.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import cycle
from statistics import median

from domains.errors import DriverFailed, NotFound, Unmeasured
from domains.measurement import Measurement
from domains.model import PPB
from domains.southbound.driver import (
    Deployed,
    Deployment,
    FunctionSpec,
    RunState,
    Shaping,
    check_replicas,
    index_of,
)
from domains.southbound.plumbing import Namespace
from domains.southbound.pool import Pool
from domains.southbound.processes import AgentProcess
from domains.southbound.state import Function, Mark, Segment
from domains.southbound.trunk import (
    HOME,
    INNER,
    REFLECTOR_PORT,
    RoutedTrunk,
    Trunk,
    far_address,
)

SEGMENTS_MAX = 64
"""Two namespaces and at least two processes each."""
FUNCTION_PORT = 9_000
PROBES, PROBE_GAP_S, PATIENCE_S = 20, 0.002, 0.25
TRUNK_KBPS = 100_000
COUNTED_SHARE, COUNTED_BYTES = 0.1, 32_768
"""What two counters of the same traffic may differ by: they are not read at one instant."""


class NetnsDriver:
    """`driver.Driver` over network namespaces of this machine.

    Args:
        name: of the domain; part of what `ps` shows.
        trunk_kbps: what all segments together can carry, each way.
        trunk: what connects, shapes and counts them.

    Raises:
        DriverMissing: what this machine lacks for that trunk.
    """

    blocks = True

    def __init__(
        self,
        name: str,
        trunk_kbps: int = TRUNK_KBPS,
        trunk: Callable[[str, int], Trunk] = RoutedTrunk,
    ) -> None:
        self.prefix = f"ent-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
        self._segments: dict[str, Segment] = {}
        self._ports = cycle(range(FUNCTION_PORT, 65_000))  # long free again when their turn comes
        self._trunk = trunk(self.prefix, trunk_kbps)
        self._pool = Pool(self.prefix, self._trunk.home, self._ports)

    # -- the protocol -----------------------------------------------------------------------

    def start(self, deployment: Deployment) -> None:
        known = self._segments.get(deployment.segment_id)
        if known is not None:
            if known.state is RunState.STOPPED:
                self._start_functions(known)
            return
        taken = {segment.number for segment in self._segments.values()}
        number = next((n for n in range(SEGMENTS_MAX) if n not in taken), None)
        if number is None:
            raise DriverFailed("no room for another segment", limit=SEGMENTS_MAX)
        with ExitStack() as undo:
            segment = self._connect(number, deployment, undo)
            self._start_functions(segment)
            undo.callback(self._end_functions, segment)
            segment.undo = undo.pop_all()
        self._segments[deployment.segment_id] = segment

    def stop(self, segment_id: str) -> None:
        self._end_functions(self._segment(segment_id))

    def scale(self, segment_id: str, function: str, replicas: int) -> None:
        segment = self._segment(segment_id)
        index = index_of(segment.deployment, function)
        check_replicas(segment.deployment, index, replicas)
        scaled = self._running(segment)[index]
        before = len(scaled.copies)
        try:
            while len(scaled.copies) < replicas:
                scaled.copies.append(self._copy(segment, scaled.spec))
        except DriverFailed:
            _end(scaled.copies[before:])
            del scaled.copies[before:]
            raise
        _end(scaled.copies[replicas:])
        del scaled.copies[replicas:]

    def restart(self, segment_id: str, function: str) -> None:
        segment = self._segment(segment_id)
        restarted = self._running(segment)[index_of(segment.deployment, function)]
        if not restarted.spec.dedicated:
            self._pool.restart(restarted.spec.name)
            return
        fresh = [self._copy(segment, restarted.spec) for _ in restarted.copies]
        _end(restarted.copies)
        restarted.copies = fresh

    def delete(self, segment_id: str) -> None:
        segment = self._segments.pop(segment_id, None)
        if segment is not None:
            segment.undo.close()

    def shape(self, segment_id: str, shaping: Shaping) -> None:
        segment = self._segment(segment_id)
        before = segment.deployment.shaping
        try:
            self._trunk.shape(segment.number, shaping, new=False)
        except DriverFailed:
            self._trunk.shape(segment.number, before, new=False)
            raise
        segment.deployment = replace(segment.deployment, shaping=shaping)

    def measure(self, segment_id: str, now_s: float) -> Measurement:
        segment = self._segment(segment_id)
        before, mark = segment.mark, self._mark(segment, now_s)
        if before is None or now_s <= before.at_s:
            segment.mark = mark
            raise Unmeasured("no interval to measure yet", segment=segment_id)
        answered, sent, latency_us = self._probed(segment)
        segment.mark = mark
        _check_counted(before, mark)
        # Rates by our own monotonic clock: the domain's may have been set meanwhile.
        passed_s = max(mark.monotonic_s - before.monotonic_s, 1e-6)
        packets = dropped = 0
        for now, then in ((mark.up, before.up), (mark.down, before.down)):
            packets += now.packets - then.packets
            dropped += now.dropped - then.dropped
        offered = packets + dropped
        return Measurement(
            segment_id=segment_id,
            begin_s=before.at_s,
            end_s=now_s,
            downlink_kbps=_kbps(mark.down.bytes - before.down.bytes, passed_s),
            uplink_kbps=_kbps(mark.up.bytes - before.up.bytes, passed_s),
            latency_us=latency_us,
            loss_ppb=PPB * dropped // offered if offered else 0,
            availability_ppb=PPB * answered // sent if sent else 0,
            cpu_millicores=max(0, round(1_000 * (mark.cpu_s - before.cpu_s) / passed_s)),
            memory_mib=round(sum(copy.used().memory_mib for copy in self._copies(segment))),
        )

    def deployed(self) -> Sequence[Deployed]:
        return [
            Deployed(
                segment.deployment,
                segment.state,
                tuple(
                    len(function.copies) if function.spec.dedicated else 1
                    for function in segment.functions
                )
                or (1,) * len(segment.deployment.functions),
            )
            for _, segment in sorted(self._segments.items())
        ]

    def close(self) -> None:
        for segment_id in list(self._segments):
            self.delete(segment_id)
        self._trunk.close()

    # -- beyond the protocol: what experiments do to a network ------------------------------

    def pull_trunk(self, pulled: bool) -> None:
        """The cable of the trunk, out or in again."""
        self._trunk.pull(pulled)

    def send(self, segment_id: str, kbps: int, seconds: float) -> None:
        """Let a segment's near end send to its far end, in the background."""
        segment = self._segment(segment_id)
        if segment.sender is None:  # a process of its own: probes must not wait for it
            name = f"{segment.near.name}-load"
            segment.sender = segment.undo.enter_context(AgentProcess(name, inside=segment.near))
        segment.sender.ask(
            do="load",
            host=far_address(segment.number),
            port=REFLECTOR_PORT,
            kbps=kbps,
            seconds=seconds,
        )

    def arrived_bytes(self, segment_id: str) -> tuple[int, float]:
        """What has arrived at the far end, and when that was read (monotonic seconds there)."""
        answer = self._segment(segment_id).far.ask(do="arrived")
        return answer["bytes"], answer["at_s"]

    def round_trips_us(
        self, segment_id: str, count: int = PROBES, gap_s: float = PROBE_GAP_S
    ) -> list[int]:
        """Round trips of probes from the near to the far end; the lost ones are missing."""
        segment = self._segment(segment_id)
        return self._probe(segment, far_address(segment.number), REFLECTOR_PORT, count, gap_s)

    def shaped(self) -> int:
        """Segments with rates on the trunk: for tests of what is left behind."""
        return self._trunk.shaped()

    # -- one segment ------------------------------------------------------------------------

    def _connect(self, number: int, deployment: Deployment, undo: ExitStack) -> Segment:
        """Namespaces, links, routes and queues; each step puts its own undoing on the stack."""
        name = f"{self.prefix}-{number}"
        near_agent = undo.enter_context(AgentProcess(f"{name}-near"))
        far_agent = undo.enter_context(AgentProcess(f"{name}-far", port=REFLECTOR_PORT))
        near, far = Namespace(near_agent.pid), Namespace(far_agent.pid)
        undo.callback(near.close)
        undo.callback(far.close)
        self._trunk.connect(number, near, far, undo)
        undo.callback(self._trunk.unshape, number)
        self._trunk.shape(number, deployment.shaping, new=True)
        self._trunk.classify(number)
        return Segment(number, deployment, near_agent, far_agent, near, far, undo)

    def _start_functions(self, segment: Segment) -> None:
        """All functions, or none."""
        started: list[Function] = []
        segment.functions = started
        try:
            for spec in segment.deployment.functions:
                function = Function(spec)
                started.append(function)
                if spec.dedicated:
                    function.copies.append(self._copy(segment, spec))
                else:
                    self._pool.join(spec, segment.deployment.segment_id)
        except DriverFailed:
            self._end_functions(segment)
            raise
        segment.state, segment.mark = RunState.RUNNING, None

    def _end_functions(self, segment: Segment) -> None:
        for function in segment.functions:
            _end(function.copies)
            if not function.spec.dedicated:
                self._pool.leave(function.spec.name, segment.deployment.segment_id)
        segment.functions, segment.state = [], RunState.STOPPED

    def _copy(self, segment: Segment, spec: FunctionSpec) -> tuple[AgentProcess, int]:
        port = next(self._ports)
        name = f"{self.prefix}-{segment.number}-{spec.name}"
        return AgentProcess(name, inside=segment.far, port=port), port

    # -- measuring --------------------------------------------------------------------------

    def _mark(self, segment: Segment, now_s: float) -> Mark:
        near = segment.near_links.carried(INNER)  # read first: what arrived has passed before
        far = segment.far_links.carried(INNER)
        return Mark(
            now_s,
            time.monotonic(),
            *self._trunk.counters(segment.number),
            near,
            far,
            sum(copy.used().cpu_s for copy in self._copies(segment)),
        )

    def _probed(self, segment: Segment) -> tuple[int, int, int]:
        """Probes answered and sent, and the median one-way latency to the far end.

        One probe more for each function: one that has died makes the segment less available.
        """
        trips = self._probe(
            segment, far_address(segment.number), REFLECTOR_PORT, PROBES, PROBE_GAP_S
        )
        answered, sent = len(trips), PROBES
        for function in segment.functions:
            if function.spec.dedicated:
                at = [(far_address(segment.number), port) for _, port in function.copies]
            else:
                at = [(HOME, self._pool.port(function.spec.name))]
            for host, port in at:
                answered += PROBES * len(self._probe(segment, host, port, 1, 0.0))
                sent += PROBES
        return answered, sent, round(median(trips) / 2) if trips else 0

    @staticmethod
    def _probe(segment: Segment, host: str, port: int, count: int, gap_s: float) -> list[int]:
        trips: list[int] = segment.near.ask(
            do="probe", host=host, port=port, count=count, gap_s=gap_s, patience_s=PATIENCE_S
        )["round_trips_us"]
        return trips

    def _copies(self, segment: Segment) -> list[AgentProcess]:
        """The processes that work for this segment alone."""
        own = [copy for function in segment.functions for copy, _ in function.copies]
        return [segment.far, *own]

    def _running(self, segment: Segment) -> list[Function]:
        if segment.state is not RunState.RUNNING:
            raise DriverFailed("the segment is stopped", segment=segment.deployment.segment_id)
        return segment.functions

    def _segment(self, segment_id: str) -> Segment:
        segment = self._segments.get(segment_id)
        if segment is None:
            raise NotFound("no such segment runs here", segment=segment_id)
        return segment


def _end(copies: Sequence[tuple[AgentProcess, int]]) -> None:
    for copy, _ in copies:
        copy.end()


def _kbps(sent_bytes: int, seconds: float) -> int:
    return max(0, round(sent_bytes / 125 / seconds))


def _check_counted(before: Mark, now: Mark) -> None:
    """Nothing may arrive at an end that the trunk did not count; raises `Unmeasured`."""
    for way, passed, arrived in (
        ("down", now.down.bytes - before.down.bytes, now.near[0] - before.near[0]),
        ("up", now.up.bytes - before.up.bytes, now.far[0] - before.far[0]),
    ):
        if arrived > passed * (1 + COUNTED_SHARE) + COUNTED_BYTES:
            raise Unmeasured(
                f"counters disagree: {arrived} bytes arrived {way}, the trunk counted {passed}"
            )
