"""The published language to protobuf and back, one explicit pair per type.

`*_to_proto` is total over valid values; `*_from_proto` is strict (see `strict`). This module holds
the types of `domain.proto` and gives out those of `types.proto` and the errors' statuses as well:
whoever speaks to a domain needs only this one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from domains.model import Counter, Hold, HoldRequest, HoldState, Menu, Offer, SliceProfile
from domains.status import (
    STATUS,
    abort,
    abort_unknown,
    decode,
    error_from_proto,
    error_to_proto,
    from_rpc_error,
    has_details,
    incident,
    status_of,
)
from domains.strict import (
    OFFERS_MAX,
    REPEATED_MAX,
    SENTENCE_CHARACTERS_MAX,
    availability,
    counter,
    duration_from_proto,
    duration_to_proto,
    every,
    hold_name,
    identifier,
    member,
    parse_hold_name,
    parse_slice_name,
    quantity,
    refuse,
    slice_name,
    text,
    timestamp_from_proto,
    timestamp_to_proto,
)
from domains.wire_types import (
    ISOLATION_TO,
    attachment_from_proto,
    attachment_to_proto,
    attribute_from_proto,
    attribute_to_proto,
    function_from_proto,
    function_to_proto,
    instance_from_proto,
    instance_to_proto,
    isolation_from_proto,
    isolation_to_proto,
    metrics_from_proto,
    metrics_to_proto,
    relaxation_from_proto,
    relaxation_to_proto,
    topology_from_proto,
    topology_to_proto,
    turned,
)
from protos.slicing.v1 import domain_pb2

__all__ = [
    "OFFERS_MAX",
    "REPEATED_MAX",
    "SENTENCE_CHARACTERS_MAX",
    "STATUS",
    "abort",
    "abort_unknown",
    "attachment_from_proto",
    "attachment_to_proto",
    "attribute_from_proto",
    "attribute_to_proto",
    "availability",
    "counter",
    "counter_from_proto",
    "counter_to_proto",
    "decode",
    "duration_from_proto",
    "duration_to_proto",
    "error_from_proto",
    "error_to_proto",
    "every",
    "from_rpc_error",
    "function_from_proto",
    "function_to_proto",
    "has_details",
    "hold_from_proto",
    "hold_name",
    "hold_request_from_proto",
    "hold_request_to_proto",
    "hold_to_proto",
    "identifier",
    "incident",
    "instance_from_proto",
    "instance_to_proto",
    "isolation_from_proto",
    "isolation_to_proto",
    "member",
    "menu_from_proto",
    "menu_to_proto",
    "metrics_from_proto",
    "metrics_to_proto",
    "offer_from_proto",
    "offer_to_proto",
    "parse_hold_name",
    "parse_slice_name",
    "profile_from_proto",
    "profile_to_proto",
    "quantity",
    "refuse",
    "relaxation_from_proto",
    "relaxation_to_proto",
    "slice_name",
    "status_of",
    "text",
    "timestamp_from_proto",
    "timestamp_to_proto",
    "topology_from_proto",
    "topology_to_proto",
    "turned",
]

_STATE_TO: Final = {
    HoldState.HELD: domain_pb2.HOLD_STATE_HELD,
    HoldState.CONFIRMED: domain_pb2.HOLD_STATE_CONFIRMED,
    HoldState.RELEASED: domain_pb2.HOLD_STATE_RELEASED,
    HoldState.LAPSED: domain_pb2.HOLD_STATE_LAPSED,
}
_STATE_OF: Final = turned(_STATE_TO)

PROFILES_REMEMBERED_MAX: Final = 512
OFFERS_REMEMBERED_MAX: Final = 4_096
"""Decoded values kept by their bytes: menu, hold and confirm carry the same ones again."""


def profile_to_proto(profile: SliceProfile) -> domain_pb2.SliceProfile:
    return domain_pb2.SliceProfile(
        ingress=profile.ingress,
        egress=profile.egress,
        latency_us_max=profile.latency_us_max,
        availability_ppb_min=profile.availability_ppb_min,
        downlink_kbps=profile.downlink_kbps,
        uplink_kbps=profile.uplink_kbps,
        devices=profile.devices,
        isolation=ISOLATION_TO[profile.isolation],
        functions=[function_to_proto(function) for function in profile.functions],
        fabric_kbps=profile.fabric_kbps,
    )


def profile_from_proto(message: domain_pb2.SliceProfile) -> SliceProfile:
    return _profile(message.SerializeToString())


@lru_cache(PROFILES_REMEMBERED_MAX)
def _profile(raw: bytes) -> SliceProfile:
    message = domain_pb2.SliceProfile.FromString(raw)
    return SliceProfile(
        text(message.ingress, "profile.ingress"),
        text(message.egress, "profile.egress"),
        quantity(message.latency_us_max, "profile.latency_us_max"),
        availability(message.availability_ppb_min, "profile.availability_ppb_min"),
        quantity(message.downlink_kbps, "profile.downlink_kbps"),
        quantity(message.uplink_kbps, "profile.uplink_kbps"),
        quantity(message.devices, "profile.devices"),
        isolation_from_proto(message.isolation, "profile.isolation"),
        every(function_from_proto, message.functions, "profile.functions"),
        quantity(message.fabric_kbps, "profile.fabric_kbps"),
    )


def offer_to_proto(offer: Offer) -> domain_pb2.Offer:
    return domain_pb2.Offer(
        offer_id=offer.offer_id,
        metrics=metrics_to_proto(offer.metrics),
        relaxations=[relaxation_to_proto(relaxation) for relaxation in offer.relaxations],
    )


def offer_from_proto(message: domain_pb2.Offer) -> Offer:
    return _offer(message.SerializeToString())


@lru_cache(OFFERS_REMEMBERED_MAX)
def _offer(raw: bytes) -> Offer:
    message = domain_pb2.Offer.FromString(raw)
    return Offer(
        text(message.offer_id, "offer.offer_id"),
        metrics_from_proto(message.metrics),
        every(relaxation_from_proto, message.relaxations, "offer.relaxations"),
    )


def menu_to_proto(menu: Menu) -> domain_pb2.Menu:
    """The profile is left out: whoever asked has it."""
    return domain_pb2.Menu(
        offers=[offer_to_proto(offer) for offer in menu.offers],
        refusal=relaxation_to_proto(menu.refusal) if menu.refusal else None,
        refusal_text=menu.refusal_text,
        round=menu.round,
        negotiable=[attribute_to_proto(attribute) for attribute in menu.negotiable],
        rationale=menu.rationale,
    )


def menu_from_proto(message: domain_pb2.Menu, profile: SliceProfile) -> Menu:
    """The answer to `profile`. An empty one that does not say why is refused."""
    refusal = relaxation_from_proto(message.refusal) if message.HasField("refusal") else None
    if refusal is None and not message.offers:
        refuse("menu.refusal", "nothing", "set where there is no offer")
    return Menu(
        profile,
        every(offer_from_proto, message.offers, "menu.offers", OFFERS_MAX),
        refusal,
        text(message.refusal_text, "menu.refusal_text", 0, SENTENCE_CHARACTERS_MAX),
        quantity(message.round, "menu.round"),
        every(attribute_from_proto, message.negotiable, "menu.negotiable"),
        text(message.rationale, "menu.rationale", 0),
    )


def counter_to_proto(countered: Counter | None) -> domain_pb2.Counter:
    """None, for a profile that is not countered, is an empty message."""
    if countered is None:
        return domain_pb2.Counter()
    return domain_pb2.Counter(
        round=countered.round,
        offer=offer_to_proto(countered.offer),
        price_micros_target=countered.price_micros_target,
    )


def counter_from_proto(message: domain_pb2.Counter) -> Counter | None:
    if not message.round:
        return None
    target = None
    if message.HasField("price_micros_target"):
        target = quantity(message.price_micros_target, "counter.price_micros_target")
    return Counter(
        quantity(message.round, "counter.round"), offer_from_proto(message.offer), target
    )


def hold_request_to_proto(request: HoldRequest) -> domain_pb2.CreateHoldRequest:
    return domain_pb2.CreateHoldRequest(
        request_id=request.hold_id,
        slice=slice_name(request.slice_id),
        tenant=request.tenant,
        profile=profile_to_proto(request.profile),
        offer=offer_to_proto(request.offer),
        attachments=[attachment_to_proto(attachment) for attachment in request.attachments],
        ttl=duration_to_proto(request.ttl_s, "ttl"),
        epoch=request.epoch,
        replaces=request.replaces or "",
    )


def hold_request_from_proto(message: domain_pb2.CreateHoldRequest) -> HoldRequest:
    return HoldRequest(
        identifier(message.request_id, "request_id"),
        parse_slice_name(message.slice),
        text(message.tenant, "tenant"),
        profile_from_proto(message.profile),
        offer_from_proto(message.offer),
        every(attachment_from_proto, message.attachments, "attachments"),
        duration_from_proto(message.ttl, "ttl"),
        counter(message.epoch, "epoch"),
        identifier(message.replaces, "replaces") if message.replaces else None,
    )


def hold_to_proto(hold: Hold, domain: str) -> domain_pb2.Hold:
    return domain_pb2.Hold(
        name=hold_name(domain, hold.hold_id),
        slice=slice_name(hold.slice_id),
        tenant=hold.tenant,
        state=_STATE_TO[hold.state],
        profile=profile_to_proto(hold.profile),
        offer=offer_to_proto(hold.offer),
        attachments=[attachment_to_proto(attachment) for attachment in hold.attachments],
        expire_time=timestamp_to_proto(hold.expire_time_s, "expire_time"),
        replaces=hold.replaces or "",
        functions=[instance_to_proto(instance) for instance in hold.functions],
        deactivated=not hold.active,
    )


def hold_from_proto(message: domain_pb2.Hold, domain: str) -> Hold:
    """A hold of `domain`; one that is named as another domain's is refused."""
    return Hold(
        parse_hold_name(message.name, domain),
        parse_slice_name(message.slice),
        text(message.tenant, "hold.tenant"),
        member(_STATE_OF, message.state, "hold.state"),
        profile_from_proto(message.profile),
        offer_from_proto(message.offer),
        every(attachment_from_proto, message.attachments, "hold.attachments"),
        timestamp_from_proto(message.expire_time, "hold.expire_time"),
        identifier(message.replaces, "hold.replaces") if message.replaces else None,
        every(instance_from_proto, message.functions, "hold.functions"),
        not message.deactivated,
    )
