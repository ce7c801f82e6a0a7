"""Between the tenants' protobuf messages and the coordinator's own values: total and strict."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import asdict

from google.longrunning import operations_pb2
from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2

from coordinator import limits, naming
from coordinator.assurance.history import Kept
from coordinator.chain import Entry
from coordinator.counterfactual import Alternative
from coordinator.model import (
    Neighbour,
    Proposal,
    ServiceProfile,
    SliceState,
)
from coordinator.negotiate import relaxed
from coordinator.records import OnRelaxation, Order, OrderState, Segment, SliceRecord
from coordinator.resources import DomainView
from coordinator.wire_services import (
    printable,
    service_to_proto,
)
from domains import wire
from domains.errors import InvalidRequest
from domains.model import Isolation
from domains.wire_measurements import condition_to_proto, measurement_to_proto
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
    slices_pb2.RELAXATION_POLICY_TRADE: OnRelaxation.TRADE,
}


# -- checks --------------------------------------------------------------------------------


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
    return min(seconds(message), limits.WAIT_S_MAX)


def seconds(message: duration_pb2.Duration | timestamp_pb2.Timestamp) -> float:
    """What is before the beginning counts as the beginning."""
    return max(message.seconds + message.nanos / 1e9, 0.0)


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
        nsi=f"nsis/{_nsi(record)}" if record.segments else "",
    )


def _nsi(record: SliceRecord) -> str:
    """By what was agreed and where it runs: services that may share come to the same one."""
    agreed = record.agreed
    shared = agreed.isolation is Isolation.SHARED
    where = [f"{s.domain}:{s.ingress}:{s.egress}" for s in record.segments]
    return naming.nsi(record.slice_id, record.tenant, int(agreed.slice_type), shared, where)


def sample_to_proto(kept: Kept) -> slices_pb2.Sample:
    measured = kept.measurement
    return slices_pb2.Sample(
        domain=kept.domain,
        condition=condition_to_proto(kept.condition),
        reason=kept.reason,
        time=timestamp(kept.at_s),
        measurement=measurement_to_proto(measured) if measured else None,
        promised=wire.metrics_to_proto(kept.promised),
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


def alternative_to_proto(found: Alternative) -> slices_pb2.ExplainAlternativeResponse:
    binding = None
    if found.binding is not None:
        binding = slices_pb2.ProposedRelaxation(
            service=found.binding.service,
            relaxation=wire.relaxation_to_proto(found.binding.relaxation),
            domain=found.binding.domain,
            at_domain=wire.relaxation_to_proto(found.binding.at_domain),
        )
    return slices_pb2.ExplainAlternativeResponse(
        feasible=found.feasible,
        binding=binding,
        metrics=wire.metrics_to_proto(found.metrics) if found.metrics else None,
        price_micros_now=found.price_micros_now or 0,
        text=found.text,
    )


def view_to_proto(view: DomainView, address: str, now_s: float) -> slices_pb2.DomainView:
    return slices_pb2.DomainView(
        topology=wire.topology_to_proto(view.topology),
        reachable=view.reachable,
        age_s=max(0.0, now_s - view.seen_s),
        address=address,
    )


def reason(text: str) -> str:
    """Why a tenant ends a slice: kept with the tombstone, so short and printable."""
    return printable("reason", text)


def page(token: str, size: int) -> tuple[int, int]:
    """First and last index of a page.

    Raises:
        InvalidRequest: a token that we did not give, or a negative size.
    """
    given = token.isascii() and token.isdigit() and len(token) <= limits.NAME_CHARACTERS_MAX
    if (token and not given) or size < 0:
        raise InvalidRequest("page_token comes from the page before", field="page_token")
    start = int(token or 0)
    return start, start + min(size or limits.PAGE_SIZE_MAX, limits.PAGE_SIZE_MAX)


def recalled_to_proto(item: Neighbour) -> slices_pb2.RecalledIntent:
    return slices_pb2.RecalledIntent(
        text=item.text,
        sst=int(item.slice_type),
        preference=slices_pb2.Preference(**asdict(item.preference)),
        similarity=item.similarity,
        weight=item.weight,
        outcome=item.outcome,
    )
