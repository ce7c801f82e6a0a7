"""Whether what the domains answered is what they were asked for: trust, but read the answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from coordinator.protocol import HoldMismatch, InterconnectMismatch
from domains.errors import EntenteError
from domains.model import Attachment, Hold, HoldRequest, HoldState, Metrics

FLOORS = ("availability_ppb", "downlink_kbps", "uplink_kbps", "devices")
CEILINGS = ("latency_us", "price_micros")


def mismatch(
    domain: str, request: HoldRequest, hold: Hold, state: HoldState
) -> EntenteError | None:
    """Why `hold` is no answer to `request`; None where it is one."""
    for name, asked, answered in (
        ("hold_id", request.hold_id, hold.hold_id),
        ("slice_id", request.slice_id, hold.slice_id),
        ("tenant", request.tenant, hold.tenant),
        ("replaces", request.replaces, hold.replaces),
        ("state", state, hold.state),
        ("profile", request.profile, hold.profile),
        ("offer", request.offer.offer_id, hold.offer.offer_id),
    ):
        if asked != answered:
            return HoldMismatch(
                f"{domain} answered another {name} than it was asked for", domain=domain, field=name
            )
    asked_metrics, metrics = request.offer.metrics, hold.offer.metrics
    if asked_metrics != metrics and (worse := _worse(asked_metrics, metrics)):
        return HoldMismatch(
            f"{domain} holds less than it offered: {worse}",
            domain=domain,
            attribute=worse,
            requested=getattr(asked_metrics, worse),
            achievable=getattr(metrics, worse),
        )
    if request.attachments != hold.attachments:
        return InterconnectMismatch(
            f"{domain} attaches elsewhere than it was asked to", domain=domain
        )
    return None


def gap(parts: Sequence[str], holds: Sequence[Hold]) -> EntenteError | None:
    """Where two neighbours of one slice do not meet under one label; None where all do.

    Neighbours stand side by side in `holds`; `parts` are the names of their domains.
    """
    for (here, one), (there, other) in pairwise(zip(parts, holds, strict=True)):
        border = one.profile.egress
        if one.slice_id != other.slice_id or border != other.profile.ingress:
            continue
        left, right = _label(one.attachments, border), _label(other.attachments, border)
        if left is None or left != right:
            return InterconnectMismatch(
                f"{here} and {there} do not meet at {border}: labels {left} and {right}",
                domain=there,
                neighbour=here,
                border_point=border,
                requested=left,
                achievable=right,
            )
    return None


def _worse(asked: Metrics, answered: Metrics) -> str:
    for name in FLOORS:
        if getattr(answered, name) < getattr(asked, name):
            return name
    for name in CEILINGS:
        if getattr(answered, name) > getattr(asked, name):
            return name
    return ""


def _label(attachments: Sequence[Attachment], border_point: str) -> int | None:
    return next((a.label for a in attachments if a.border_point == border_point), None)
