"""What is measured of one segment over one interval: published language, integers with units."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domains.model import PPB


class Condition(StrEnum):
    """How a segment is, as its domain says.

    STARTING: its network functions are not all up yet. STOPPED: deactivated, capacity kept.
    DEGRADED: it runs, below its promise. FAILED: nothing passes, or its functions cannot be
    started. UNMEASURED: nobody knows, which is never the same as well.
    """

    STARTING = "starting"
    HEALTHY = "healthy"
    STOPPED = "stopped"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One interval of one segment, as the network itself counts it.

    Attributes:
        segment_id: the hold that became the segment.
        begin_s, end_s: the interval, seconds since the epoch on the domain's clock.
        downlink_kbps, uplink_kbps: carried, averaged over the interval.
        latency_us: one way, median of what was sent.
        loss_ppb: of what was offered, both directions together.
        availability_ppb: the part of the interval in which the segment answered.
        cpu_millicores, memory_mib: of the segment's own network functions.
    """

    segment_id: str
    begin_s: float
    end_s: float
    downlink_kbps: int
    uplink_kbps: int
    latency_us: int
    loss_ppb: int
    availability_ppb: int
    cpu_millicores: int
    memory_mib: int

    @property
    def throughput_kbps(self) -> int:
        """Both directions together."""
        return self.downlink_kbps + self.uplink_kbps

    @property
    def offered_kbps(self) -> int:
        """What wanted to pass; what was carried, where nothing passed at all."""
        if self.loss_ppb >= PPB:
            return self.throughput_kbps
        return self.throughput_kbps * PPB // (PPB - self.loss_ppb)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a domain tells of a segment: its condition, why, and the measurement if there is one."""

    segment_id: str
    slice_id: str
    condition: Condition
    reason: str = ""
    measurement: Measurement | None = None
