"""Between the tenants' protobuf messages and the coordinator's own values: total and strict."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from google.longrunning import operations_pb2
from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2

from coordinator import limits
from coordinator.chain import Entry
from coordinator.model import (
    Preference,
    Proposal,
    ServiceLink,
    ServiceProfile,
    SliceState,
    SliceType,
)
from coordinator.negotiate import relaxed
from coordinator.records import OnRelaxation, Order, OrderState, Segment, SliceRecord
from coordinator.resources import DomainView
from domains import wire
from domains.errors import InvalidRequest
from domains.model import PPB, Isolation
from protos.slicing.v1 import slices_pb2

_SLICE_STATE = {
    state: slices_pb2.SliceState.Value(f"SLICE_STATE_{state.name}") for state in SliceState
}
_ORDER_STATE = {
    state: slices_pb2.OrderState.Value(f"ORDER_STATE_{state.name}") for state in OrderState
}
_ON_RELAXATION = {
    slices_pb2.RELAXATION_POLICY_UNSPECIFIED: OnRelaxation.ASK,
    slices_pb2.RELAXATION_POLICY_ASK: OnRelaxation.ASK,
    slices_pb2.RELAXATION_POLICY_ACCEPT: OnRelaxation.ACCEPT,
    slices_pb2.RELAXATION_POLICY_REJECT: OnRelaxation.REJECT,
}
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


# -- checks --------------------------------------------------------------------------------


def _within(field: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise InvalidRequest(
            f"{field} is {value:,}; it must be between {least:,} and {most:,}",
            field=field,
            requested=value,
            achievable=most if value > most else least,
        )
    return value


def _name(field: str, value: str) -> str:
    if len(value) > limits.NAME_CHARACTERS_MAX or not all(c.isprintable() for c in value):
        raise InvalidRequest(
            f"{field} must be at most {limits.NAME_CHARACTERS_MAX} printable characters",
            field=field,
            achievable=limits.NAME_CHARACTERS_MAX,
        )
    return value


def request_id(value: str) -> str:
    """A UUID, in its canonical form.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise InvalidRequest("request_id must be a UUID", field="request_id") from None


def digest(message: object) -> str:
    """Tells a repetition from another body; `wait` may differ between the two."""
    copy = type(message)()
    copy.CopyFrom(message)  # type: ignore[attr-defined]
    for field in ("wait", "request_id"):
        if field in copy.DESCRIPTOR.fields_by_name:  # type: ignore[attr-defined]
            copy.ClearField(field)  # type: ignore[attr-defined]
    body: bytes = copy.SerializeToString(deterministic=True)  # type: ignore[attr-defined]
    return hashlib.sha256(type(message).__name__.encode() + body).hexdigest()


def wait_s(message: duration_pb2.Duration) -> float:
    return min(max(message.seconds + message.nanos / 1e9, 0.0), limits.WAIT_S_MAX)


def on_relaxation(value: int) -> OnRelaxation:
    policy = _ON_RELAXATION.get(value)  # type: ignore[call-overload]
    if policy is None:
        raise InvalidRequest("unknown relaxation policy", field="on_relaxation", requested=value)
    return policy  # type: ignore[no-any-return]


def name_of(collection: str, name: str) -> str:
    """The id in `slices/{id}` or `operations/{id}`.

    Raises:
        InvalidRequest: another form.
    """
    found, _, key = name.partition("/")
    if found != collection or not key or "/" in key or len(key) > limits.NAME_CHARACTERS_MAX:
        raise InvalidRequest(
            f"a name here is {collection}/{{id}}", field="name", requested=name[:100]
        )
    return key


# -- service profiles ----------------------------------------------------------------------


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
        name=_name("name", message.name) or SliceType(sst).label,
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
        origin=_name("origin", message.origin).lower() or default_area,
        destination=_name("destination", message.destination).lower(),
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


# -- slices, proposals, operations ---------------------------------------------------------


def timestamp(at_s: float) -> timestamp_pb2.Timestamp:
    nanos = round(at_s * 1e9)
    return timestamp_pb2.Timestamp(seconds=nanos // 10**9, nanos=nanos % 10**9)


def _segment(segment: Segment) -> slices_pb2.Segment:
    return slices_pb2.Segment(
        domain=segment.domain,
        hold=f"domains/{segment.domain}/holds/{segment.hold_id}",
        ingress=segment.ingress,
        egress=segment.egress,
        metrics=wire.metrics_to_proto(segment.metrics),
        attachments=[wire.attachment_to_proto(a) for a in segment.attachments],
        functions=[wire.instance_to_proto(f) for f in segment.functions],
    )


def slice_to_proto(record: SliceRecord) -> slices_pb2.Slice:
    return slices_pb2.Slice(
        name=f"slices/{record.slice_id}",
        tenant=record.tenant,
        state=_SLICE_STATE[record.state],
        reason=record.reason,
        requested=service_to_proto(record.requested),
        agreed=service_to_proto(record.agreed),
        segments=[_segment(segment) for segment in record.segments],
        metrics=wire.metrics_to_proto(record.metrics) if record.metrics else None,
        create_time=timestamp(record.created_at_s),
        revision=record.revision,
    )


def _proposal(order: Order) -> slices_pb2.Proposal:
    given = [proposal for proposal in order.proposals if proposal is not None]
    message = slices_pb2.Proposal(
        proposal_id=order.proposal_id,
        services=[_relaxed(s, p) for s, p in zip(order.services, order.proposals, strict=True)],
        price_micros=sum(p.agreement.metrics.price_micros for p in given),
        expire_time=timestamp(order.proposal_expires_at_s),
    )
    for proposal in given:
        for item in proposal.relaxations:
            message.relaxations.add(
                service=item.service,
                relaxation=wire.relaxation_to_proto(item.relaxation),
                domain=item.domain,
                at_domain=wire.relaxation_to_proto(item.at_domain),
            )
    return message


def _relaxed(service: ServiceProfile, proposal: Proposal | None) -> slices_pb2.ServiceProfile:
    return service_to_proto(relaxed(service, proposal) if proposal else service)


def operation_to_proto(order: Order, slices: Sequence[SliceRecord]) -> operations_pb2.Operation:
    """The order as a long-running operation (AIP-151)."""
    metadata = slices_pb2.OrderMetadata(
        state=_ORDER_STATE[order.state],
        slices=[f"slices/{slice_id}" for slice_id in order.slices],
        questions=order.questions,
        revision=order.revision,
    )
    if any(order.proposals):
        metadata.proposal.CopyFrom(_proposal(order))
    operation = operations_pb2.Operation(
        name=f"operations/{order.order_id}", done=order.state.final
    )
    operation.metadata.Pack(metadata)
    if order.failure is not None:
        operation.error.CopyFrom(wire.error_to_proto(order.failure.error()))
    elif order.state is OrderState.DONE:
        shown = order.quote or slices
        operation.response.Pack(
            slices_pb2.OrderResponse(
                slices=[slice_to_proto(record) for record in shown],
                price_micros=sum(r.metrics.price_micros for r in shown if r.metrics),
            )
        )
    return operation


def event_to_proto(entry: Entry) -> slices_pb2.Event:
    detail = struct_pb2.Struct()
    detail.update(entry.detail)
    return slices_pb2.Event(
        sequence=entry.sequence,
        time=timestamp(entry.at_s),
        operation=f"operations/{entry.order_id}" if entry.order_id else "",
        slice=f"slices/{entry.slice_id}" if entry.slice_id else "",
        step=entry.step,
        event=entry.event,
        domain=entry.domain,
        text=entry.text,
        detail=detail,
        hash=entry.hash,
    )


def view_to_proto(view: DomainView, address: str, now_s: float) -> slices_pb2.DomainView:
    return slices_pb2.DomainView(
        topology=wire.topology_to_proto(view.topology),
        reachable=view.reachable,
        age_s=max(0.0, now_s - view.seen_s),
        address=address,
    )


def _overlaid(found: ServiceProfile, typed: slices_pb2.ServiceProfile) -> ServiceProfile:
    stated = {field.name for field, _ in typed.ListFields()} - {"sst", "functions", "links"}
    checked = service_from_proto(typed, found.origin)
    changes: dict[str, object] = {name: getattr(checked, name) for name in stated}
    if typed.sst:
        changes["slice_type"] = checked.slice_type
    if typed.functions:
        changes.update(functions=checked.functions, links=checked.links)
    return replace(found, **changes)  # type: ignore[arg-type]


def overlay(
    typed: Sequence[slices_pb2.ServiceProfile],
) -> Callable[[Sequence[ServiceProfile]], tuple[ServiceProfile, ...]]:
    """What puts typed fields on top of what the words say: typed fields win.

    Services are paired by name, or else in order.
    """
    by_name = {message.name: message for message in typed}

    def lay(found: Sequence[ServiceProfile]) -> tuple[ServiceProfile, ...]:
        if set(by_name) <= {service.name for service in found}:
            return tuple(_overlaid(s, by_name[s.name]) if s.name in by_name else s for s in found)
        if len(typed) != len(found):
            raise InvalidRequest(
                f"{len(typed)} services are typed and {len(found)} are described, "
                "under names that do not match",
                field="services",
                requested=len(typed),
                achievable=len(found),
            )
        return tuple(_overlaid(s, message) for s, message in zip(found, typed, strict=True))

    return lay


def reason(text: str) -> str:
    """Why a tenant ends a slice: kept with the tombstone, so short and printable."""
    return _name("reason", text)


def page(token: str, size: int) -> tuple[int, int]:
    """First and last index of a page.

    Raises:
        InvalidRequest: a token that we did not give, or a negative size.
    """
    if not token.isascii() or (token and not token.isdigit()) or size < 0:
        raise InvalidRequest("page_token comes from the page before", field="page_token")
    start = int(token or 0)
    return start, start + min(size or limits.PAGE_SIZE_MAX, limits.PAGE_SIZE_MAX)
