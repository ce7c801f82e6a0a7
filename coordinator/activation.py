"""Step 8, deploy: confirmed holds become the segments of an active slice.

Works from the holds alone, so that an order that was decided before a crash ends the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from coordinator import story
from coordinator.model import ServiceProfile, SliceState
from coordinator.negotiate import end_to_end
from coordinator.records import Order, OrderKind, Part, Segment
from coordinator.registry import Registry
from coordinator.scribe import Scribe
from domains.model import Hold


def activate(registry: Registry, scribe: Scribe, order: Order, holds: Mapping[str, Hold]) -> None:
    """Every slice of the order is active from here on, with `order.services` as agreed.

    What assurance ordered changes what is held, never what is agreed.
    """
    for slice_id, service in zip(order.slices, order.services, strict=True):
        parts = [part for part in order.parts if part.slice_id == slice_id]
        segments = tuple(_segment(part, holds[part.hold_id]) for part in parts)
        _activate(registry, order, slice_id, service, segments)
        for segment in segments:
            told = story.deployed(segment)
            scribe.note(
                order, "deploy", "deployed", *told, slice_id=slice_id, domain=segment.domain
            )


def _activate(
    registry: Registry,
    order: Order,
    slice_id: str,
    service: ServiceProfile,
    segments: tuple[Segment, ...],
) -> None:
    record = registry.slice_of(order.tenant, slice_id)
    changed = order.kind is OrderKind.UPDATE
    assured = order.kind is OrderKind.ASSURE
    registry.put_slice(
        replace(
            record,
            state=SliceState.ACTIVATED,
            requested=order.requested[0] if changed else record.requested,
            agreed=record.agreed if assured else service,
            metrics=end_to_end([segment.metrics for segment in segments]),
            segments=segments,
            revision=record.revision + 1,
        )
    )


def _segment(part: Part, hold: Hold) -> Segment:
    return Segment(
        domain=part.domain,
        hold_id=hold.hold_id,
        ingress=hold.profile.ingress,
        egress=hold.profile.egress,
        metrics=hold.offer.metrics,
        attachments=hold.attachments,
        functions=hold.functions,
    )
