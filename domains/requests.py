"""What a caller may ask of a domain at all. Every refusal names the field, the value, the limit.

The limits are far above anything that a network has, and low enough that no sum of permitted
values overflows or takes noticeable time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NoReturn

from domains.errors import InvalidRequest
from domains.model import (
    LABEL_MAX,
    LABEL_MIN,
    PPB,
    Attachment,
    Counter,
    HoldRequest,
    NetworkFunction,
    Offer,
    SliceProfile,
)

LATENCY_US_MAX = 60_000_000
KBPS_MAX = 100_000_000_000
DEVICES_MAX = 1_000_000_000
COMPUTE_MAX = 1_000_000_000
"""Of millicores, MiB or GiB, for one function."""
PRICE_MICROS_MAX = 10**15

PROFILES_MAX = 128
ROUNDS_MAX = 99
"""Rounds that may be claimed at all; how many are answered is the policy's (`agents.policy`)."""
FUNCTIONS_MAX = 64
RELAXATIONS_MAX = 16
TEXT_CHARACTERS_MAX = 256
EPOCH_MAX = (1 << 63) - 1


def check_profiles(profiles: Sequence[SliceProfile], tenant: str) -> None:
    """Raises `InvalidRequest` unless every profile could be answered with a menu."""
    check_number("profiles", len(profiles), PROFILES_MAX)
    check_text("tenant", tenant)
    for profile in profiles:
        check_profile(profile)


def check_counters(counters: Sequence[Counter | None], profiles: int) -> None:
    """Raises `InvalidRequest` unless there is none, or one (or None) per profile."""
    if counters and len(counters) != profiles:
        _refuse("counters", len(counters), f"none, or one for each of the {profiles} profiles")
    for counter in counters:
        if counter is not None:
            check_number("counter.round", counter.round, ROUNDS_MAX, 1)
            _check_offer(counter.offer)
            target = counter.price_micros_target
            check_number("counter.price_micros_target", target or 0, PRICE_MICROS_MAX)


def check_profile(profile: SliceProfile) -> None:
    check_text("profile.ingress", profile.ingress)
    check_text("profile.egress", profile.egress)
    check_number("profile.latency_us_max", profile.latency_us_max, LATENCY_US_MAX)
    check_number("profile.availability_ppb_min", profile.availability_ppb_min, PPB)
    check_number("profile.downlink_kbps", profile.downlink_kbps, KBPS_MAX)
    check_number("profile.uplink_kbps", profile.uplink_kbps, KBPS_MAX)
    check_number("profile.devices", profile.devices, DEVICES_MAX)
    check_number("profile.fabric_kbps", profile.fabric_kbps, KBPS_MAX)
    check_number("profile.functions", len(profile.functions), FUNCTIONS_MAX)
    for function in profile.functions:
        _check_function(function)
    if len({function.name for function in profile.functions}) < len(profile.functions):
        _refuse("profile.functions", "one name twice", "named apart")


def check_hold(request: HoldRequest, border_points: Collection[str]) -> None:
    """Raises `InvalidRequest` unless `request` is one that this domain could grant.

    Args:
        border_points: the domain's own; a segment is attached where it begins or ends at one.
    """
    check_text("hold_id", request.hold_id)
    check_text("slice_id", request.slice_id)
    check_text("tenant", request.tenant)
    check_number("epoch", request.epoch, EPOCH_MAX)
    if request.replaces is not None:
        check_text("replaces", request.replaces)
    check_profile(request.profile)
    _check_offer(request.offer)
    _check_attachments(request.profile, request.attachments, border_points)


def check_number(field: str, value: int, most: int, least: int = 0) -> None:
    if type(value) is not int or not least <= value <= most:
        _refuse(field, value, f"a whole number from {least} to {most}")


def check_text(field: str, value: str, least: int = 1) -> None:
    if not least <= len(value) <= TEXT_CHARACTERS_MAX or not value.isprintable():
        achievable = f"{least} to {TEXT_CHARACTERS_MAX} printable characters"
        _refuse(field, f"{len(value)} characters", achievable)


def _check_function(function: NetworkFunction) -> None:
    check_text("function.name", function.name)
    check_text("function.function_type", function.function_type)
    check_number("function.cpu_millicores", function.cpu_millicores, COMPUTE_MAX)
    check_number("function.memory_mib", function.memory_mib, COMPUTE_MAX)
    check_number("function.storage_gib", function.storage_gib, COMPUTE_MAX)


def _check_offer(offer: Offer) -> None:
    metrics = offer.metrics
    check_text("offer.offer_id", offer.offer_id)
    check_number("offer.latency_us", metrics.latency_us, LATENCY_US_MAX)
    check_number("offer.availability_ppb", metrics.availability_ppb, PPB)
    check_number("offer.downlink_kbps", metrics.downlink_kbps, KBPS_MAX)
    check_number("offer.uplink_kbps", metrics.uplink_kbps, KBPS_MAX)
    check_number("offer.devices", metrics.devices, DEVICES_MAX)
    check_number("offer.price_micros", metrics.price_micros, PRICE_MICROS_MAX)
    check_number("offer.relaxations", len(offer.relaxations), RELAXATIONS_MAX)
    for relaxation in offer.relaxations:
        check_number("relaxation.requested", relaxation.requested, PRICE_MICROS_MAX)
        check_number("relaxation.achievable", relaxation.achievable, PRICE_MICROS_MAX)


def _check_attachments(
    profile: SliceProfile, attachments: Sequence[Attachment], border_points: Collection[str]
) -> None:
    expected = {end for end in (profile.ingress, profile.egress) if end in border_points}
    given = [attachment.border_point for attachment in attachments]
    if len(given) != len(expected) or set(given) != expected:
        achievable = "exactly one each at " + (", ".join(sorted(expected)) or "no border point")
        _refuse("attachments", ", ".join(given[:4]) or "none", achievable)
    for attachment in attachments:
        check_number("attachment.label", attachment.label, LABEL_MAX, LABEL_MIN)


def _refuse(field: str, requested: object, achievable: str) -> NoReturn:
    raise InvalidRequest(
        f"{field} has to be {achievable}",
        field=field,
        requested=str(requested)[:TEXT_CHARACTERS_MAX],
        limit=achievable,
    )
