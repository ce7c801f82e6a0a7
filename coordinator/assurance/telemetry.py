"""What may be believed of a stream of measurements: every fault has a name, none is skipped over.

A stream is one segment's. A measurement that is not believed is not used for anything; a segment
of which nothing believable was heard for `STALE_INTERVALS` is unmeasured, and that is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import mul

from domains.measurement import Condition, Measurement, Reading

STALE_INTERVALS = 3
"""So many intervals without a believable measurement, and the segment is unmeasured."""
FUTURE_S_MAX = 60.0
"""How far a domain's clock may be ahead of ours between one measurement and the next."""
INTERVAL_S_MAX = 7_200.0
KBPS_MAX = 10**12
LATENCY_US_MAX = 600_000_000


class Fault(StrEnum):
    """Why a measurement is not believed, or what its absence is called."""

    MISSING = "missing"
    DUPLICATE = "duplicate"
    CLOCK_WENT_BACK = "clock went back"
    CLOCK_JUMPED = "clock jumped"
    EMPTY_INTERVAL = "empty interval"
    GAP = "gap"
    NOT_A_NUMBER = "not a number"
    IMPLAUSIBLE = "implausible"


@dataclass(frozen=True, slots=True)
class Stream:
    """What was heard of one segment.

    Attributes:
        last: the last believable measurement, on the domain's clock.
        heard_s: when that was, on ours. began_s: when we began to listen, on ours.
        faults: since the last believable one.
    """

    began_s: float
    last: Measurement | None = None
    heard_s: float | None = None
    faults: int = 0

    def stale(self, now_s: float, interval_s: float) -> bool:
        """Whether nothing believable was heard for too long."""
        since_s = self.began_s if self.heard_s is None else self.heard_s
        return now_s - since_s > STALE_INTERVALS * interval_s


def hear(
    stream: Stream, reading: Reading, now_s: float
) -> tuple[Stream, Measurement | None, Fault | None]:
    """The stream after a reading, the measurement if it may be used, and what is wrong if not.

    A GAP is told, and the measurement used: it is true, only not the whole story. After a jump of
    the domain's clock the measurement is dropped and the next one counts from there.
    """
    measured = reading.measurement
    if measured is None:
        return replace(stream, faults=stream.faults + 1), None, Fault.MISSING
    fault = _implausible(measured) or _misplaced(stream, measured, now_s)
    if fault is None or fault is Fault.GAP:
        heard = replace(stream, last=measured, heard_s=now_s, faults=0)
        return heard, measured, fault
    faulty = replace(stream, faults=stream.faults + 1)
    if fault is Fault.CLOCK_JUMPED or fault is Fault.CLOCK_WENT_BACK:
        faulty = replace(faulty, last=measured)
    return faulty, None, fault


def _implausible(measured: Measurement) -> Fault | None:
    numbers = (
        measured.begin_s,
        measured.end_s,
        measured.downlink_kbps,
        measured.uplink_kbps,
        measured.latency_us,
        measured.loss_ppb,
        measured.availability_ppb,
        measured.cpu_millicores,
        measured.memory_mib,
    )
    if not all(math.isfinite(number) for number in numbers):
        return Fault.NOT_A_NUMBER
    if min(numbers[2:]) < 0 or measured.throughput_kbps > KBPS_MAX:
        return Fault.IMPLAUSIBLE
    if measured.latency_us > LATENCY_US_MAX or max(measured.loss_ppb, 0) > 10**9:
        return Fault.IMPLAUSIBLE
    if measured.availability_ppb > 10**9:
        return Fault.IMPLAUSIBLE
    if measured.loss_ppb == 10**9 and measured.throughput_kbps:
        return Fault.IMPLAUSIBLE  # everything was lost, and something arrived
    if measured.end_s <= measured.begin_s:
        return Fault.EMPTY_INTERVAL
    return Fault.IMPLAUSIBLE if measured.end_s - measured.begin_s > INTERVAL_S_MAX else None


def _misplaced(stream: Stream, measured: Measurement, now_s: float) -> Fault | None:
    last = stream.last
    if last is None:
        return None
    if (measured.begin_s, measured.end_s) == (last.begin_s, last.end_s):
        return Fault.DUPLICATE
    if measured.end_s <= last.end_s:
        return Fault.CLOCK_WENT_BACK
    heard_s = stream.heard_s if stream.heard_s is not None else stream.began_s
    # Both clocks have seen the same time pass, whatever each of them says it is.
    if measured.end_s - last.end_s > now_s - heard_s + FUTURE_S_MAX:
        return Fault.CLOCK_JUMPED
    gap_s = measured.begin_s - last.end_s
    return Fault.GAP if gap_s > (measured.end_s - measured.begin_s) / 2 else None


def merged(earlier: Measurement | None, later: Measurement) -> Measurement:
    """Two measurements of one segment in a row as one: a round may be longer than an interval.

    Rates, latency (of what passed) and availability are weighted by time, loss by what was offered.
    """
    if earlier is None:
        return later
    both = (earlier, later)
    lasted_s = [one.end_s - one.begin_s for one in both]
    offered = [one.offered_kbps * s for one, s in zip(both, lasted_s, strict=True)]
    passed = [s * (one.availability_ppb > 0) for one, s in zip(both, lasted_s, strict=True)]

    def mean(values: Sequence[int], weights: Sequence[float]) -> int:
        total = sum(weights)
        return round(sum(map(mul, values, weights)) / total) if total else values[-1]

    return Measurement(
        segment_id=later.segment_id,
        begin_s=later.end_s - sum(lasted_s),
        end_s=later.end_s,
        downlink_kbps=mean([one.downlink_kbps for one in both], lasted_s),
        uplink_kbps=mean([one.uplink_kbps for one in both], lasted_s),
        latency_us=mean([one.latency_us for one in both], passed),
        loss_ppb=mean([one.loss_ppb for one in both], offered),
        availability_ppb=mean([one.availability_ppb for one in both], lasted_s),
        cpu_millicores=mean([one.cpu_millicores for one in both], lasted_s),
        memory_mib=later.memory_mib,
    )


def believed_condition(reading: Reading, measured: Measurement | None) -> Condition:
    """What the segment is by its measurement; what its domain says, where there is none."""
    if measured is None or reading.condition in (Condition.STOPPED, Condition.STARTING):
        return reading.condition
    if measured.availability_ppb == 0:
        return Condition.FAILED
    return reading.condition
