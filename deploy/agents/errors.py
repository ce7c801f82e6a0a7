"""What can go wrong with agents, on the tree of `domains.errors`."""

from __future__ import annotations

from domains.errors import InvalidRequest, Refused, Unreachable


class AgentsInvalid(InvalidRequest):
    """The YAML of agents says something impossible; the message begins with the place."""

    reason = "AGENTS_INVALID"


class ToolFailed(Refused):
    """A tool gave an error; what the run had done is taken back."""

    reason = "TOOL_FAILED"


class ToolTimedOut(Unreachable):
    """A tool did not return in time; what the run had done is taken back."""

    reason = "TOOL_TIMED_OUT"


class NotDelivered(Refused):
    """The tools that there are do not lead to what was asked for."""

    reason = "NOT_DELIVERED"


class FeedbackUnclear(InvalidRequest):
    """Feedback that contradicts itself, or that says nothing we can rank by: a question back."""

    reason = "FEEDBACK_UNCLEAR"
