"""Refusals that only the coordinator gives; they extend the tree of `domains.errors`.

InvalidRequest
  x NotASliceRequest     the text asks for nothing that Entente provides
  x NeedsClarification   the text can be read in two ways; `questions` says what to answer
Refused
  x RelaxationNeeded     only a relaxed profile can be had and the tenant wants none
  x ProposalRejected     the tenant said no
  x ProposalExpired      the tenant said nothing in time
  x OrderCancelled       the tenant cancelled
  x Overtaken            others took the capacity, `ATTEMPTS_MAX` times in a row
"""

from __future__ import annotations

from domains.errors import InvalidRequest, Refused


class NotASliceRequest(InvalidRequest):
    reason = "NOT_A_SLICE_REQUEST"


class NeedsClarification(InvalidRequest):
    reason = "NEEDS_CLARIFICATION"


class RelaxationNeeded(Refused):
    reason = "RELAXATION_NEEDED"


class ProposalRejected(Refused):
    reason = "PROPOSAL_REJECTED"


class ProposalExpired(Refused):
    reason = "PROPOSAL_EXPIRED"


class OrderCancelled(Refused):
    reason = "CANCELLED"


class Overtaken(Refused):
    reason = "OVERTAKEN"
