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
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
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
from domains.southbound.plumbing import (
    RATE_KBPS_MIN,
    Namespace,
    ceiling_kbps,
)
from domains.southbound.pool import Pool
from domains.southbound.processes import AgentProcess
from domains.southbound.state import Function, Mark, Segment

SEGMENTS_MAX = 64
"""Two namespaces and at least two processes each."""
REFLECTOR_PORT = 8_620
FUNCTION_PORT = 9_000
PROBES, PROBE_GAP_S, PATIENCE_S = 20, 0.002, 0.25
TRUNK_KBPS = 100_000
NEAR_NET, FAR_NET, TRUNK_NET = "10.64", "10.65", "10.66.0"


class NetnsDriver:
    """`driver.Driver` over network namespaces of this machine.

    Args:
        name: of the domain; part of what `ps` shows.
        trunk_kbps: what all segments together can carry, each way.
        isolate: False for a trunk without classes, to see what those are good for.

    Raises:
        DriverMissing: no Linux, no root, or a kernel without HTB, u32 or veth.
    """

    blocks = True

    def __init__(self, name: str, trunk_kbps: int = TRUNK_KBPS, isolate: bool = True) -> None:
        self._isolate = isolate
        self.prefix = f"ent-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
        self._trunk_kbps = trunk_kbps
        self._segments: dict[str, Segment] = {}
        self._ports = iter(range(FUNCTION_PORT, 65_000))
        self._opened = ExitStack()
        with ExitStack() as opening:
            self._left_agent = opening.enter_context(
                AgentProcess(f"{self.prefix}-left", forward=True)
            )
            self._right_agent = opening.enter_context(
                AgentProcess(f"{self.prefix}-right", forward=True, port=REFLECTOR_PORT)
            )
            self._left, self._right = (
                Namespace(agent.pid) for agent in (self._left_agent, self._right_agent)
            )
            opening.callback(self._left.close)
            opening.callback(self._right.close)
            self._trunk = self._left.veth_to(self._right, "ent-trunk", "ent-trunk")
            for end, side, last in ((0, self._left, 1), (1, self._right, 2)):
                side.address(self._trunk[end], f"{TRUNK_NET}.{last}")
                side.up(self._trunk[end])
                side.shape_root(self._trunk[end], trunk_kbps)
            self._left.route(f"{FAR_NET}.0.0/16", f"{TRUNK_NET}.2")
            self._right.route(f"{NEAR_NET}.0.0/16", f"{TRUNK_NET}.1")
            self._opened = opening.pop_all()
        self._pool = Pool(self.prefix, self._right_agent, self._ports)

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
            self._shape(segment.number, shaping, new=False)
        except DriverFailed:
            self._shape(segment.number, before, new=False)
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
        self._opened.close()

    # -- beyond the protocol: what experiments do to a network ------------------------------

    def pull_trunk(self, pulled: bool) -> None:
        """The cable of the trunk, out or in again."""
        self._left.up(self._trunk[0], not pulled)
        if not pulled:
            self._left.route(f"{FAR_NET}.0.0/16", f"{TRUNK_NET}.2")

    def send(self, segment_id: str, kbps: int, seconds: float) -> None:
        """Let a segment's near end send to its far end, in the background."""
        segment = self._segment(segment_id)
        if segment.sender is None:  # a process of its own: probes must not wait for it
            name = f"{segment.near.name}-load"
            segment.sender = segment.undo.enter_context(AgentProcess(name, inside=segment.near))
        segment.sender.ask(
            do="load", host=_far(segment.number), port=REFLECTOR_PORT, kbps=kbps, seconds=seconds
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
        return self._probe(segment, _far(segment.number), REFLECTOR_PORT, count, gap_s)

    def shaped(self) -> int:
        """Segments with a class on both ends of the trunk: for tests of what is left behind."""
        return max(
            side.classes(index)
            for side, index in zip((self._left, self._right), self._trunk, strict=True)
        )

    # -- one segment ------------------------------------------------------------------------

    def _connect(self, number: int, deployment: Deployment, undo: ExitStack) -> Segment:
        """Namespaces, links, routes and queues; each step puts its own undoing on the stack."""
        name = f"{self.prefix}-{number}"
        near_agent = undo.enter_context(AgentProcess(f"{name}-near"))
        far_agent = undo.enter_context(AgentProcess(f"{name}-far", port=REFLECTOR_PORT))
        near, far = Namespace(near_agent.pid), Namespace(far_agent.pid)
        undo.callback(near.close)
        undo.callback(far.close)
        for inner, router, net, here in (
            (near, self._left, NEAR_NET, "near"),
            (far, self._right, FAR_NET, "far"),
        ):
            outer = f"ent-{here}{number}"
            inside, outside = inner.veth_to(router, "ent-segment", outer)
            undo.callback(router.remove_link, outer)
            inner.address(inside, f"{net}.{number}.2")
            router.address(outside, f"{net}.{number}.1")
            inner.up(inside)
            router.up(outside)
            inner.route("0.0.0.0/0", f"{net}.{number}.1")
        undo.callback(self._unshape, number)
        self._shape(number, deployment.shaping, new=True)
        if self._isolate:
            self._left.classify(self._trunk[0], number, _near(number), source=True)
            self._right.classify(self._trunk[1], number, _near(number), source=False)
        return Segment(number, deployment, near_agent, far_agent, undo)

    def _shape(self, number: int, shaping: Shaping, new: bool) -> None:
        for side, index, kbps in (
            (self._left, self._trunk[0], shaping.uplink_kbps),
            (self._right, self._trunk[1], shaping.downlink_kbps),
        ):
            rate = min(max(kbps, RATE_KBPS_MIN), self._trunk_kbps)
            side.shape(index, number, rate, ceiling_kbps(shaping, rate, self._trunk_kbps), new)

    def _unshape(self, number: int) -> None:
        self._left.unshape(self._trunk[0], number)
        self._right.unshape(self._trunk[1], number)

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
        return Mark(
            now_s,
            time.monotonic(),
            self._left.counters(self._trunk[0], segment.number),
            self._right.counters(self._trunk[1], segment.number),
            sum(copy.used().cpu_s for copy in self._copies(segment)),
        )

    def _probed(self, segment: Segment) -> tuple[int, int, int]:
        """Probes answered and sent, and the median one-way latency to the far end.

        One probe more for each function: one that has died makes the segment less available.
        """
        trips = self._probe(segment, _far(segment.number), REFLECTOR_PORT, PROBES, PROBE_GAP_S)
        answered, sent = len(trips), PROBES
        for function in segment.functions:
            if function.spec.dedicated:
                at = [(_far(segment.number), port) for _, port in function.copies]
            else:
                at = [(f"{TRUNK_NET}.2", self._pool.port(function.spec.name))]
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


def _near(number: int) -> str:
    return f"{NEAR_NET}.{number}.2"


def _far(number: int) -> str:
    return f"{FAR_NET}.{number}.2"


def _kbps(sent_bytes: int, seconds: float) -> int:
    return max(0, round(sent_bytes / 125 / seconds))
