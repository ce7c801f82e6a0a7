"""`types.proto`: the words that the domain service and the slice service share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from domains.model import (
    LABEL_MAX,
    LABEL_MIN,
    UNIT,
    AbstractLink,
    AbstractTopology,
    Attachment,
    Attribute,
    Bucket,
    DomainKind,
    FunctionInstance,
    Isolation,
    Metrics,
    NetworkFunction,
    Relaxation,
)
from domains.strict import (
    TOPOLOGY_MAX,
    availability,
    counter,
    every,
    identifier,
    member,
    quantity,
    refuse,
    text,
    texts,
)
from protos.slicing.v1 import types_pb2

_A = TypeVar("_A")
_B = TypeVar("_B")

ISOLATION_TO: Final = {
    Isolation.SHARED: types_pb2.ISOLATION_SHARED,
    Isolation.ISOLATED: types_pb2.ISOLATION_ISOLATED,
}
_KIND_TO: Final = {
    DomainKind.ACCESS: types_pb2.DOMAIN_KIND_ACCESS,
    DomainKind.TRANSPORT: types_pb2.DOMAIN_KIND_TRANSPORT,
    DomainKind.CORE: types_pb2.DOMAIN_KIND_CORE,
    DomainKind.CLOUD: types_pb2.DOMAIN_KIND_CLOUD,
}
_ATTRIBUTE_TO: Final = {
    Attribute.LATENCY: types_pb2.ATTRIBUTE_LATENCY,
    Attribute.AVAILABILITY: types_pb2.ATTRIBUTE_AVAILABILITY,
    Attribute.DOWNLINK: types_pb2.ATTRIBUTE_DOWNLINK,
    Attribute.UPLINK: types_pb2.ATTRIBUTE_UPLINK,
    Attribute.DEVICES: types_pb2.ATTRIBUTE_DEVICES,
    Attribute.PRICE: types_pb2.ATTRIBUTE_PRICE,
    Attribute.ISOLATION: types_pb2.ATTRIBUTE_ISOLATION,
    Attribute.AREA: types_pb2.ATTRIBUTE_AREA,
    Attribute.COMPUTE: types_pb2.ATTRIBUTE_COMPUTE,
}
_BUCKET_TO: Final = {
    Bucket.NONE: types_pb2.BUCKET_NONE,
    Bucket.LOW: types_pb2.BUCKET_LOW,
    Bucket.MEDIUM: types_pb2.BUCKET_MEDIUM,
    Bucket.HIGH: types_pb2.BUCKET_HIGH,
}


def turned(table: Mapping[_A, _B]) -> dict[_B, _A]:
    return {value: key for key, value in table.items()}


_ISOLATION_OF: Final = turned(ISOLATION_TO)
_KIND_OF: Final = turned(_KIND_TO)
_ATTRIBUTE_OF: Final = turned(_ATTRIBUTE_TO)
_BUCKET_OF: Final = turned(_BUCKET_TO)


def isolation_to_proto(isolation: Isolation) -> types_pb2.Isolation.ValueType:
    return ISOLATION_TO[isolation]


def isolation_from_proto(
    number: types_pb2.Isolation.ValueType, field: str = "isolation"
) -> Isolation:
    return member(_ISOLATION_OF, number, field)


def metrics_to_proto(metrics: Metrics) -> types_pb2.Metrics:
    return types_pb2.Metrics(
        latency_us=metrics.latency_us,
        availability_ppb=metrics.availability_ppb,
        downlink_kbps=metrics.downlink_kbps,
        uplink_kbps=metrics.uplink_kbps,
        devices=metrics.devices,
        price_micros=metrics.price_micros,
    )


def metrics_from_proto(message: types_pb2.Metrics) -> Metrics:
    return Metrics(
        quantity(message.latency_us, "metrics.latency_us"),
        availability(message.availability_ppb, "metrics.availability_ppb"),
        quantity(message.downlink_kbps, "metrics.downlink_kbps"),
        quantity(message.uplink_kbps, "metrics.uplink_kbps"),
        quantity(message.devices, "metrics.devices"),
        quantity(message.price_micros, "metrics.price_micros"),
    )


def attribute_to_proto(attribute: Attribute) -> types_pb2.Attribute.ValueType:
    return _ATTRIBUTE_TO[attribute]


def attribute_from_proto(number: types_pb2.Attribute.ValueType) -> Attribute:
    return member(_ATTRIBUTE_OF, number, "attribute")


def relaxation_to_proto(relaxation: Relaxation) -> types_pb2.Relaxation:
    return types_pb2.Relaxation(
        attribute=_ATTRIBUTE_TO[relaxation.attribute],
        requested=relaxation.requested,
        achievable=relaxation.achievable,
        unit=relaxation.unit,
    )


def relaxation_from_proto(message: types_pb2.Relaxation) -> Relaxation:
    """The unit on the wire is for readers of the wire; another one than ours is refused."""
    attribute = member(_ATTRIBUTE_OF, message.attribute, "relaxation.attribute")
    if message.unit != UNIT[attribute]:
        refuse("relaxation.unit", message.unit[:64], UNIT[attribute] or "empty")
    return Relaxation(
        attribute,
        quantity(message.requested, "relaxation.requested"),
        quantity(message.achievable, "relaxation.achievable"),
    )


def function_to_proto(function: NetworkFunction) -> types_pb2.NetworkFunction:
    return types_pb2.NetworkFunction(
        name=function.name,
        function_type=function.function_type,
        cpu_millicores=function.cpu_millicores,
        memory_mib=function.memory_mib,
        storage_gib=function.storage_gib,
    )


def function_from_proto(message: types_pb2.NetworkFunction) -> NetworkFunction:
    return NetworkFunction(
        text(message.name, "function.name"),
        text(message.function_type, "function.function_type"),
        quantity(message.cpu_millicores, "function.cpu_millicores"),
        quantity(message.memory_mib, "function.memory_mib"),
        quantity(message.storage_gib, "function.storage_gib"),
    )


def attachment_to_proto(attachment: Attachment) -> types_pb2.Attachment:
    return types_pb2.Attachment(border_point=attachment.border_point, label=attachment.label)


def attachment_from_proto(message: types_pb2.Attachment) -> Attachment:
    if not LABEL_MIN <= message.label <= LABEL_MAX:
        refuse("attachment.label", message.label, f"between {LABEL_MIN} and {LABEL_MAX}")
    return Attachment(text(message.border_point, "attachment.border_point"), message.label)


def instance_to_proto(instance: FunctionInstance) -> types_pb2.FunctionInstance:
    return types_pb2.FunctionInstance(
        name=instance.name, function_type=instance.function_type, dedicated=instance.dedicated
    )


def instance_from_proto(message: types_pb2.FunctionInstance) -> FunctionInstance:
    return FunctionInstance(
        text(message.name, "function.name"),
        text(message.function_type, "function.function_type"),
        message.dedicated,
    )


def topology_to_proto(topology: AbstractTopology) -> types_pb2.AbstractTopology:
    return types_pb2.AbstractTopology(
        domain=topology.domain,
        kind=_KIND_TO[topology.kind],
        operator=topology.operator,
        epoch=topology.epoch,
        border_points=topology.border_points,
        links=[_link_to_proto(link) for link in topology.links],
        areas=topology.areas,
        zones=[types_pb2.ComputeZone(zone=z, area=a) for z, a in topology.zones.items()],
        isolation=[ISOLATION_TO[isolation] for isolation in topology.isolation],
    )


def topology_from_proto(message: types_pb2.AbstractTopology) -> AbstractTopology:
    for field, items in (
        ("border_points", message.border_points),
        ("areas", message.areas),
        ("zones", message.zones),
        ("isolation", message.isolation),
    ):
        if len(items) > TOPOLOGY_MAX:
            refuse(f"topology.{field}", len(items), f"at most {TOPOLOGY_MAX} long")
    return AbstractTopology(
        identifier(message.domain, "topology.domain"),
        member(_KIND_OF, message.kind, "topology.kind"),
        text(message.operator, "topology.operator"),
        counter(message.epoch, "topology.epoch"),
        texts(message.border_points, "topology.border_points"),
        every(_link_from_proto, message.links, "topology.links", TOPOLOGY_MAX),
        texts(message.areas, "topology.areas"),
        {
            text(zone.zone, "zone.zone"): text(zone.area, "zone.area", characters_min=0)
            for zone in message.zones
        },
        tuple([isolation_from_proto(number) for number in message.isolation]),
    )


def _link_to_proto(link: AbstractLink) -> types_pb2.AbstractLink:
    return types_pb2.AbstractLink(
        ingress=link.ingress,
        egress=link.egress,
        latency_us_min=link.latency_us_min,
        availability_ppb_max=link.availability_ppb_max,
        residual=_BUCKET_TO[link.residual],
        price_micros_from=link.price_micros_from,
    )


def _link_from_proto(message: types_pb2.AbstractLink) -> AbstractLink:
    return AbstractLink(
        text(message.ingress, "link.ingress"),
        text(message.egress, "link.egress"),
        quantity(message.latency_us_min, "link.latency_us_min"),
        availability(message.availability_ppb_max, "link.availability_ppb_max"),
        member(_BUCKET_OF, message.residual, "link.residual"),
        quantity(message.price_micros_from, "link.price_micros_from"),
    )
