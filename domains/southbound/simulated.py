"""A network that is computed: what it would carry, how long that takes and when it fails.

The instant is an argument and all chance comes from a seed, so a day passes in a second and twice
the same. What is measured is an average of `SAMPLES` instants of the interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from domains.errors import DriverFailed, NotFound, Unmeasured
from domains.measurement import Measurement
from domains.model import PPB
from domains.southbound.driver import (
    Deployed,
    Deployment,
    RunState,
    Shaping,
    check_replicas,
    index_of,
)
from domains.southbound.traffic import TrafficModel, queueing

SAMPLES = 4
SEGMENTS_MAX = 1 << 17
"""More than a ledger holds live."""

IDLE_MILLICORES = 50
MILLICORES_PER_GBPS = 2_000
"""Of one software data plane; a planning assumption."""
IDLE_MIB = 64
MIB_PER_GBPS = 256


@dataclass(slots=True)
class _Segment:
    deployment: Deployment
    entitled: Shaping
    measured_s: float | None
    replicas: list[int]
    state: RunState = RunState.RUNNING


class SimulatedDriver:
    """`driver.Driver` over a `TrafficModel`.

    Args:
        latency_permille: what an idle path takes of the promised latency; above 1000 the domain
            does not keep what it promises.
        refuse: types of functions that cannot be started, as on a host that lacks their image.
        name: of the domain: its links fail by themselves, whatever they connect.
    """

    blocks = False

    def __init__(
        self,
        model: TrafficModel | None = None,
        latency_permille: int = 700,
        refuse: frozenset[str] = frozenset(),
        name: str = "",
    ) -> None:
        self._name = name
        self._model = model or TrafficModel()
        self._latency_permille = latency_permille
        self._refuse = refuse
        self._segments: dict[str, _Segment] = {}
        self._entitled: dict[str, Shaping] = {}
        self._users: Counter[str] = Counter()

    def start(self, deployment: Deployment) -> None:
        known = self._segments.get(deployment.segment_id)
        if known is None and len(self._segments) >= SEGMENTS_MAX:
            raise DriverFailed("no room for another segment", limit=SEGMENTS_MAX)
        for function in deployment.functions:
            if function.function_type in self._refuse:
                raise DriverFailed(
                    f"{function.function_type} cannot be started", function=function.name
                )
        if known is not None:
            known.state = RunState.RUNNING
            return
        # A segment that takes over from another carries the same users: they do not come to want
        # more because more is there.
        entitled = self._entitled.setdefault(deployment.slice_id, deployment.shaping)
        self._users[deployment.slice_id] += 1
        self._segments[deployment.segment_id] = _Segment(
            deployment, entitled, None, [1] * len(deployment.functions)
        )

    def stop(self, segment_id: str) -> None:
        self._segment(segment_id).state = RunState.STOPPED

    def scale(self, segment_id: str, function: str, replicas: int) -> None:
        segment = self._segment(segment_id)
        index = index_of(segment.deployment, function)
        check_replicas(segment.deployment, index, replicas)
        segment.replicas[index] = replicas

    def restart(self, segment_id: str, function: str) -> None:
        segment = self._segment(segment_id)
        index_of(segment.deployment, function)
        if segment.state is not RunState.RUNNING:
            raise DriverFailed("the segment is stopped", segment=segment_id)

    def delete(self, segment_id: str) -> None:
        gone = self._segments.pop(segment_id, None)
        if gone is None:
            return
        slice_id = gone.deployment.slice_id
        self._users[slice_id] -= 1
        if not self._users[slice_id]:
            del self._users[slice_id], self._entitled[slice_id]

    def shape(self, segment_id: str, shaping: Shaping) -> None:
        segment = self._segment(segment_id)
        segment.deployment = replace(segment.deployment, shaping=shaping)

    def measure(self, segment_id: str, now_s: float) -> Measurement:
        segment = self._segment(segment_id)
        since_s = segment.measured_s
        segment.measured_s = now_s
        if since_s is None or now_s <= since_s:
            raise Unmeasured("no interval to measure yet", segment=segment_id)
        step_s = (now_s - since_s) / SAMPLES
        instants = [since_s + step_s * (index + 0.5) for index in range(SAMPLES)]
        return self._measured(segment, since_s, now_s, instants)

    def deployed(self) -> Sequence[Deployed]:
        return [
            Deployed(segment.deployment, segment.state, tuple(segment.replicas))
            for _, segment in sorted(self._segments.items())
        ]

    def close(self) -> None:
        self._segments.clear()
        self._entitled.clear()
        self._users.clear()

    def _measured(
        self, segment: _Segment, begin_s: float, end_s: float, instants: Sequence[float]
    ) -> Measurement:
        deployment, entitled = segment.deployment, segment.entitled
        shaping = deployment.shaping
        link = f"{self._name}/{deployment.ingress}>{deployment.egress}"
        running = segment.state is RunState.RUNNING
        up = [t for t in instants if running and self._model.link_up(link, t)]
        offered_down = offered_up = carried_down = carried_up = 0.0
        latencies = []
        for at_s in instants:
            share = self._model.load_permille(deployment.slice_id, at_s) / 1_000
            down, back = entitled.downlink_kbps * share, entitled.uplink_kbps * share
            offered_down, offered_up = offered_down + down, offered_up + back
            if at_s in up:
                carried_down += min(down, shaping.downlink_kbps)
                carried_up += min(back, shaping.uplink_kbps)
                load = max(_load(down, shaping.downlink_kbps), _load(back, shaping.uplink_kbps))
                latencies.append(queueing(load) * shaping.latency_us)
        offered, carried = offered_down + offered_up, carried_down + carried_up
        loss_ppb = round((1 - carried / offered) * PPB) if offered else 0
        gbps = carried / SAMPLES / 1e6
        copies = sum(segment.replicas)
        return Measurement(
            segment_id=deployment.segment_id,
            begin_s=begin_s,
            end_s=end_s,
            downlink_kbps=round(carried_down / SAMPLES),
            uplink_kbps=round(carried_up / SAMPLES),
            latency_us=round(median(latencies) * self._latency_permille / 1_000) if up else 0,
            loss_ppb=max(0, loss_ppb),
            availability_ppb=PPB * len(up) // SAMPLES,
            cpu_millicores=round(IDLE_MILLICORES * copies + MILLICORES_PER_GBPS * gbps),
            memory_mib=round(IDLE_MIB * copies + MIB_PER_GBPS * gbps),
        )

    def _segment(self, segment_id: str) -> _Segment:
        segment = self._segments.get(segment_id)
        if segment is None:
            raise NotFound("no such segment runs here", segment=segment_id)
        return segment


def _load(offered: float, rate: int) -> float:
    return 1_000 * offered / rate if rate else 0.0
