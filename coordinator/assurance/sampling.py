"""From what a domain measured of one segment to the sample that is decided on. Pure."""

from __future__ import annotations

from dataclasses import replace

from coordinator.assurance.decide import Sample
from coordinator.assurance.telemetry import Fault, believed_condition
from coordinator.model import ServiceProfile
from coordinator.records import Segment, SliceRecord
from domains.measurement import Condition, Measurement, Reading
from domains.model import PPB

LOSS_PPB_MAX = 1_000_000
"""Of what is offered, in one interval; above it the segment is too narrow."""
BUSY_PERMILLE = 800
"""Of what is held: a segment that is fuller than this may well be slow."""


def held_permille(record: SliceRecord) -> int:
    """What a slice has of what is agreed, in the direction that has least."""
    held, agreed = record.metrics, record.agreed
    assert held is not None, "an active slice has metrics"
    shares = [
        1_000 * have // want
        for have, want in (
            (held.downlink_kbps, agreed.downlink_kbps),
            (held.uplink_kbps, agreed.uplink_kbps),
        )
        if want
    ]
    return min(shares, default=1_000)


def load_permille(measured: Measurement, agreed: ServiceProfile) -> float:
    """What users offered, of what is agreed, in the direction that is fuller."""
    passed = max(PPB - measured.loss_ppb, 1)
    shares = [
        1_000 * carried * PPB / passed / want
        for carried, want in (
            (measured.downlink_kbps, agreed.downlink_kbps),
            (measured.uplink_kbps, agreed.uplink_kbps),
        )
        if want
    ]
    return max(shares, default=0.0)


def sample(
    segment: Segment,
    record: SliceRecord,
    reading: Reading | None,
    measured: Measurement | None,
    fault: Fault | None,
    stale: bool,
    silence: str = "",
) -> Sample:
    """One segment in one round.

    Args:
        measured: what may be believed of this round; `fault` what may not, and why.
        stale: nothing believable was heard for too long. silence: why its domain sends nothing.
    """
    where = (segment.domain, segment.ingress, segment.egress)
    if reading is None and not stale:
        return Sample(*where, Condition.STARTING)
    if reading is None or stale:
        reason = silence or _unheard(reading, fault)
        return Sample(*where, Condition.UNMEASURED, reason=reason)
    condition = believed_condition(reading, measured)
    if measured is None:
        # One round without is not yet unmeasured, unless the domain itself says so.
        return Sample(*where, condition, reason=reading.reason)
    load = load_permille(measured, record.agreed)
    lossy = measured.loss_ppb > LOSS_PPB_MAX
    full = lossy or load > held_permille(record) * BUSY_PERMILLE / 1_000
    promised_us = segment.metrics.latency_us
    worse = 1_000 * (measured.latency_us - promised_us) // max(promised_us, 1)
    return Sample(
        *where,
        condition,
        load_permille=load,
        worse_permille=0 if full else max(0, worse),
        lossy=lossy,
        reason=reading.reason,
    )


def _unheard(reading: Reading | None, fault: Fault | None) -> str:
    """Why a segment is unmeasured whose domain is heard: as that says, where it says so itself."""
    measured = (Condition.HEALTHY, Condition.DEGRADED)
    if reading is not None and reading.reason and reading.condition not in measured:
        return reading.reason
    return f"its measurements cannot be believed: {fault}" if fault else "it is not heard"


def provisioned(
    agreed: ServiceProfile, permille: int, cheaper_than_micros: int | None = None
) -> ServiceProfile:
    """The service profile that so much of what is agreed is asked for with.

    Less capacity is not always cheaper: packets take longer to leave at a lower rate, and what
    makes up for that may cost more. What shrinks a slice therefore names the price to beat.
    """
    price_micros = agreed.price_micros_max
    if cheaper_than_micros is not None:
        price_micros = min(price_micros or cheaper_than_micros, max(cheaper_than_micros - 1, 1))
    return replace(
        agreed,
        downlink_kbps=-(-agreed.downlink_kbps * permille // 1_000),
        uplink_kbps=-(-agreed.uplink_kbps * permille // 1_000),
        price_micros_max=price_micros,
    )
