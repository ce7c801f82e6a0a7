"""What the trainer asks of an environment: B episodes of several agents stepped at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from envs.arrays import Array32, Bools, Floats, Ints

Agent = str


@dataclass(frozen=True, slots=True)
class View:
    """What everyone sees of B rows: observations [B, D] and masks [B, A] per agent, and the state
    [B, S] that a centralised critic may use; None where there is none."""

    observations: Mapping[Agent, Array32]
    masks: Mapping[Agent, Bools]
    state: Array32 | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a step brought. Rows whose episode is over have begun the next one already.

    view: of the present. rewards: [B] per agent. terminated, truncated: [B]; final: the view of the
    truncated rows before they began anew, [n, ..], needed only if there are some. ended: figures of
    the episodes that are over, [m] each, by name. idle: [B], rows that only began anew in this step
    and did nothing; None if there are none.
    """

    view: View
    rewards: Mapping[Agent, Floats]
    terminated: Bools
    truncated: Bools
    final: View | None = None
    ended: Mapping[str, Floats] = field(default_factory=dict)
    idle: Bools | None = None


class BatchedEnv(Protocol):
    """Independent rows; the same seed gives the same episodes."""

    @property
    def rows(self) -> int: ...
    def reset(self, seed: int) -> View: ...
    def step(self, actions: Mapping[Agent, Ints]) -> Step: ...
