"""Every error that crosses a boundary, as one small tree of nouns.

    EntenteError
      x InvalidRequest            the caller must change the request       INVALID_ARGUMENT
          x RequestIdReused       same id, another body                    INVALID_ARGUMENT
          x PolicyContradiction   two fields of a policy file disagree     INVALID_ARGUMENT
      x NotFound                  unknown, or not yours: the same answer   NOT_FOUND
      x NotPermitted              who you are may not do this              PERMISSION_DENIED
      x Refused                   well formed, cannot be had now           FAILED_PRECONDITION
          x CapacityInsufficient  some resource is too small
          x OfferChanged          what was offered is not on offer now
          x LabelInUse            the transport identifier is taken
          x HoldLapsed            too late: the TTL ran out
          x HoldReleased          too late: it was released
          x HoldNotReplaceable    only one live successor per confirmed hold
          x WrongState            the slice or operation is past this
          x DriverFailed          the network did not do as told; taken back as a whole
              x DriverMissing     this machine cannot run such a network, and what it lacks
          x Unmeasured            nobody knows how this segment is
          x PolicyUnusable        not a policy, or made for something else
      x StaleEpoch                a newer coordinator has taken over       ABORTED
      x Overloaded                a named limit is reached                 RESOURCE_EXHAUSTED
      x Unreachable               no answer: the outcome is unknown        UNAVAILABLE
          x StoreFailed           the disk refused; nothing was done

Each carries `metadata`: what, where, requested, achievable. Messages are for people and never
contain an inner name or a stack trace. `domains.wire.STATUS` maps the tree to gRPC, once.
"""

from __future__ import annotations

from typing import ClassVar

from domains.model import Relaxation


class EntenteError(Exception):
    """The base: a message for people, a `reason` for programs and typed metadata for both."""

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: dict[str, str] = {
            key: str(value) for key, value in metadata.items() if value is not None
        }


class InvalidRequest(EntenteError):
    reason = "INVALID_REQUEST"


class RequestIdReused(InvalidRequest):
    reason = "REQUEST_ID_REUSED"


class PolicyContradiction(InvalidRequest):
    reason = "POLICY_CONTRADICTION"


class NotFound(EntenteError):
    reason = "NOT_FOUND"


class NotPermitted(EntenteError):
    reason = "NOT_PERMITTED"


class Refused(EntenteError):
    reason = "REFUSED"


class CapacityInsufficient(Refused):
    reason = "CAPACITY_INSUFFICIENT"


class OfferChanged(Refused):
    reason = "OFFER_CHANGED"


class LabelInUse(Refused):
    reason = "LABEL_IN_USE"


class HoldLapsed(Refused):
    reason = "HOLD_LAPSED"


class HoldReleased(Refused):
    reason = "HOLD_RELEASED"


class HoldNotReplaceable(Refused):
    reason = "HOLD_NOT_REPLACEABLE"


class WrongState(Refused):
    reason = "WRONG_STATE"


class DriverFailed(Refused):
    reason = "DRIVER_FAILED"


class DriverMissing(DriverFailed):
    reason = "DRIVER_MISSING"


class Unmeasured(Refused):
    reason = "UNMEASURED"


class PolicyUnusable(Refused):
    reason = "POLICY_UNUSABLE"


class StaleEpoch(EntenteError):
    reason = "STALE_EPOCH"


class Overloaded(EntenteError):
    reason = "OVERLOADED"


class Unreachable(EntenteError):
    reason = "UNREACHABLE"


class StoreFailed(Unreachable):
    reason = "STORE_FAILED"


def metadata_of(relaxation: Relaxation) -> dict[str, object]:
    """The four words every refusal has to say, from the relaxation that would cure it."""
    return {
        "attribute": relaxation.attribute.value,
        "requested": relaxation.requested,
        "achievable": relaxation.achievable,
        "unit": relaxation.unit,
    }
