"""Between a typed `ServiceProfile` message and the coordinator's own: total and strict."""

from __future__ import annotations

import math
from collections.abc import Sequence

from coordinator import limits
from coordinator.model import Preference, ServiceLink, ServiceProfile, SliceType, Typed
from domains import wire
from domains.errors import InvalidRequest
from domains.model import PPB, Isolation
from protos.slicing.v1 import slices_pb2

UNBOUNDED_LATENCY_US = 300_000
"""Where no latency is asked for: the delay budget of 5QI 9, the default bearer (TS 23.501)."""

CHANGEABLE = {
    "latency_us_max",
    "availability_ppb_min",
    "downlink_kbps",
    "uplink_kbps",
    "devices",
    "isolation",
    "price_micros_max",
}


def _within(field: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise InvalidRequest(
            f"{field} is {value:,}; it must be between {least:,} and {most:,}",
            field=field,
            requested=value,
            achievable=most if value > most else least,
        )
    return value


def printable(field: str, value: str) -> str:
    if len(value) > limits.NAME_CHARACTERS_MAX or not all(c.isprintable() for c in value):
        raise InvalidRequest(
            f"{field} must be at most {limits.NAME_CHARACTERS_MAX} printable characters",
            field=field,
            achievable=limits.NAME_CHARACTERS_MAX,
        )
    return value


def _preference(message: slices_pb2.Preference) -> Preference:
    weights = (message.latency, message.reliability, message.throughput, message.economics)
    if not all(math.isfinite(w) and 0 <= w <= 1 for w in weights) or abs(sum(weights) - 1) > 1e-6:
        raise InvalidRequest(
            "the four weights of a preference lie in 0..1 and sum to 1",
            field="preference",
            requested=weights,
        )
    return Preference(*weights)


def service_from_proto(message: slices_pb2.ServiceProfile, default_area: str) -> ServiceProfile:
    """A typed request; zero and "" mean "not asked for".

    Raises:
        InvalidRequest: naming the field, what was requested and the limit.
    """
    _within("functions", len(message.functions), 0, limits.FUNCTIONS_MAX)
    _within("links", len(message.links), 0, limits.LINKS_MAX)
    functions = tuple(wire.function_from_proto(f) for f in message.functions)
    names = {"devices", *(f.name for f in functions)}
    if len(names) != len(functions) + 1:
        raise InvalidRequest('function names differ, and none is "devices"', field="functions")
    for link in message.links:
        if not {getattr(link, "from"), link.to} <= names:
            raise InvalidRequest(
                f"a link joins functions of this service or devices, not {link.to!r}",
                field="links",
                requested=link.to[: limits.NAME_CHARACTERS_MAX],
            )
    sst = _within("sst", message.sst, 0, max(SliceType)) or int(SliceType.EMBB)
    return ServiceProfile(
        name=printable("name", message.name) or SliceType(sst).label,
        slice_type=SliceType(sst),
        latency_us_max=_within("latency_us_max", message.latency_us_max, 0, limits.LATENCY_US_MAX)
        or UNBOUNDED_LATENCY_US,
        availability_ppb_min=_within(
            "availability_ppb_min", message.availability_ppb_min, 0, PPB - 1
        ),
        downlink_kbps=_within("downlink_kbps", message.downlink_kbps, 0, limits.KBPS_MAX) or 1,
        uplink_kbps=_within("uplink_kbps", message.uplink_kbps, 0, limits.KBPS_MAX) or 1,
        devices=_within("devices", message.devices, 0, limits.DEVICES_MAX) or 1,
        isolation=wire.isolation_from_proto(message.isolation)
        if message.isolation
        else Isolation.SHARED,
        origin=printable("origin", message.origin).lower() or default_area,
        destination=printable("destination", message.destination).lower(),
        price_micros_max=_within(
            "price_micros_max", message.price_micros_max, 0, limits.PRICE_MICROS_MAX
        )
        or None,
        preference=_preference(message.preference)
        if message.HasField("preference")
        else Preference(),
        functions=functions,
        links=tuple(
            ServiceLink(
                getattr(link, "from"),
                link.to,
                _within("capacity_kbps", link.capacity_kbps, 0, limits.KBPS_MAX),
            )
            for link in message.links
        ),
    )


def changes_from_proto(
    message: slices_pb2.ServiceProfile, paths: Sequence[str]
) -> dict[str, object]:
    """The fields of an UpdateSlice, checked as in a new request."""
    for path in paths:
        if path not in CHANGEABLE:
            raise InvalidRequest(
                f"{path!r} cannot be changed in place; these can: {', '.join(sorted(CHANGEABLE))}",
                field="update_mask",
                requested=path[: limits.NAME_CHARACTERS_MAX],
            )
    checked = service_from_proto(message, "")
    return {path: getattr(checked, path) for path in paths}


def _preference_to_proto(preference: Preference) -> slices_pb2.Preference:
    return slices_pb2.Preference(
        latency=preference.latency,
        reliability=preference.reliability,
        throughput=preference.throughput,
        economics=preference.economics,
    )


def service_to_proto(service: ServiceProfile) -> slices_pb2.ServiceProfile:
    message = slices_pb2.ServiceProfile(
        name=service.name,
        sst=int(service.slice_type),
        latency_us_max=service.latency_us_max,
        availability_ppb_min=service.availability_ppb_min,
        downlink_kbps=service.downlink_kbps,
        uplink_kbps=service.uplink_kbps,
        devices=service.devices,
        isolation=wire.isolation_to_proto(service.isolation),
        origin=service.origin,
        destination=service.destination,
        price_micros_max=service.price_micros_max or 0,
        preference=_preference_to_proto(service.preference),
        functions=[wire.function_to_proto(f) for f in service.functions],
    )
    for link in service.links:
        message.links.add(
            **{"from": link.source, "to": link.target}
        ).capacity_kbps = link.capacity_kbps
    return message


def typed_from_proto(message: slices_pb2.ServiceProfile, default_area: str) -> Typed:
    """Typed fields that go on top of words: those that the message sets.

    Raises:
        InvalidRequest: as for a service of its own.
    """
    stated = {field.name for field, _ in message.ListFields()} - {"sst", "functions", "links"}
    if message.sst:
        stated.add("slice_type")
    if message.functions:
        stated |= {"functions", "links"}
    return Typed(message.name, service_from_proto(message, default_area), tuple(sorted(stated)))
