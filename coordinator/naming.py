"""Ids and labels, derived and never drawn: after a crash the same request has the same name."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable

from coordinator.model import Agreement, Chain
from domains.model import LABEL_MAX, LABEL_MIN, Attachment

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://entente.example/slicing/v1")


def _derived(*parts: object) -> str:
    """A UUID of version 5 (RFC 9562, 5.5), at a fifth of what the library's object costs."""
    name = "/".join(map(str, parts))
    hexa = hashlib.sha1(_NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(hexa[16], 16) & 3]
    return f"{hexa[:8]}-{hexa[8:12]}-5{hexa[13:16]}-{variant}{hexa[17:20]}-{hexa[20:32]}"


def order_id(tenant: str, request_id: str) -> str:
    """One order per tenant and request id, whatever happens in between."""
    return _derived("order", tenant, request_id)


def slice_id(order: str, index: int) -> str:
    return _derived("slice", order, index)


def hold_id(slice_: str, order: str, attempt: int, domain: str) -> str:
    return _derived("hold", slice_, order, attempt, domain)


def proposal_id(order: str, attempt: int, revision: int) -> str:
    return _derived("proposal", order, attempt, revision)


def assurance_id(slice_: str, revision: int, at_s: float) -> str:
    """The request id of an order of the coordinator's own."""
    return _derived("assure", slice_, revision, at_s)


def nsi(slice_: str, tenant: str, sst: int, shared: bool, where: Iterable[str]) -> str:
    """The network slice instance that serves a slice.

    Services of one tenant that may share, are of one type and run over the same stretches of the
    same domains share one; what must be isolated has its own. Instances are never shared between
    tenants: a name in common would tell each of the other.
    """
    return _derived("nsi", tenant, sst, *where) if shared else _derived("nsi", slice_)


def label(slice_: str, attempt: int, border_point: str) -> int:
    """The MPLS label on which both neighbours meet.

    Spread over the 20 bits by a hash: where one is taken the domain says so, and the next attempt
    has another. With 10,000 slices at one border point about 1 in 100 needs that second attempt.
    """
    digest = hashlib.sha256(f"{slice_}/{attempt}/{border_point}".encode()).digest()
    return LABEL_MIN + int.from_bytes(digest[:8], "big") % (LABEL_MAX - LABEL_MIN + 1)


def attachments(chain: Chain, index: int, slice_: str, attempt: int) -> tuple[Attachment, ...]:
    """Where the hop at `index` meets its neighbours: both of them derive the same label."""
    borders = []
    if index > 0:
        borders.append(chain[index].ingress)
    if index < len(chain) - 1:
        borders.append(chain[index].egress)
    return tuple(Attachment(border, label(slice_, attempt, border)) for border in borders)


def chain_of(agreement: Agreement) -> Chain:
    return tuple(choice.hop for choice in agreement.choices)
