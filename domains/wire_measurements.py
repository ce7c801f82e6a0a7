"""Readings and measurements to protobuf and back. See `wire` for the rules."""

from __future__ import annotations

from typing import Final

from domains.measurement import Condition, Measurement, Reading
from domains.strict import (
    availability,
    hold_name,
    member,
    parse_hold_name,
    parse_slice_name,
    quantity,
    slice_name,
    text,
    timestamp_from_proto,
    timestamp_to_proto,
)
from domains.wire_types import turned
from protos.slicing.v1 import domain_pb2, types_pb2

_CONDITION_TO: Final = {
    Condition.STARTING: types_pb2.CONDITION_STARTING,
    Condition.HEALTHY: types_pb2.CONDITION_HEALTHY,
    Condition.STOPPED: types_pb2.CONDITION_STOPPED,
    Condition.DEGRADED: types_pb2.CONDITION_DEGRADED,
    Condition.FAILED: types_pb2.CONDITION_FAILED,
    Condition.UNMEASURED: types_pb2.CONDITION_UNMEASURED,
}
_CONDITION_OF: Final = turned(_CONDITION_TO)


def condition_to_proto(condition: Condition) -> types_pb2.Condition.ValueType:
    return _CONDITION_TO[condition]


def measurement_to_proto(measured: Measurement) -> types_pb2.Measurement:
    return types_pb2.Measurement(
        begin_time=timestamp_to_proto(measured.begin_s, "measurement.begin_time"),
        end_time=timestamp_to_proto(measured.end_s, "measurement.end_time"),
        downlink_kbps=measured.downlink_kbps,
        uplink_kbps=measured.uplink_kbps,
        latency_us=measured.latency_us,
        loss_ppb=measured.loss_ppb,
        availability_ppb=measured.availability_ppb,
        cpu_millicores=measured.cpu_millicores,
        memory_mib=measured.memory_mib,
    )


def measurement_from_proto(message: types_pb2.Measurement, segment_id: str) -> Measurement:
    return Measurement(
        segment_id,
        timestamp_from_proto(message.begin_time, "measurement.begin_time"),
        timestamp_from_proto(message.end_time, "measurement.end_time"),
        quantity(message.downlink_kbps, "measurement.downlink_kbps"),
        quantity(message.uplink_kbps, "measurement.uplink_kbps"),
        quantity(message.latency_us, "measurement.latency_us"),
        availability(message.loss_ppb, "measurement.loss_ppb"),
        availability(message.availability_ppb, "measurement.availability_ppb"),
        quantity(message.cpu_millicores, "measurement.cpu_millicores"),
        quantity(message.memory_mib, "measurement.memory_mib"),
    )


def reading_to_proto(reading: Reading, domain: str) -> domain_pb2.Reading:
    measured = reading.measurement
    return domain_pb2.Reading(
        name=hold_name(domain, reading.segment_id),
        slice=slice_name(reading.slice_id),
        condition=_CONDITION_TO[reading.condition],
        reason=reading.reason,
        measurement=measurement_to_proto(measured) if measured else None,
    )


def reading_from_proto(message: domain_pb2.Reading, domain: str) -> Reading:
    """A reading of `domain`; one that is named as another domain's is refused."""
    segment_id = parse_hold_name(message.name, domain)
    measured = message.HasField("measurement")
    return Reading(
        segment_id,
        parse_slice_name(message.slice),
        member(_CONDITION_OF, message.condition, "reading.condition"),
        text(message.reason, "reading.reason", 0),
        measurement_from_proto(message.measurement, segment_id) if measured else None,
    )
