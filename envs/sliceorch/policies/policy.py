"""What a policy is: something that names an action for every row of a batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from envs.arrays import Bools, Floats, Ints
from envs.sliceorch.core import SliceOrchestration
from envs.sliceorch.observation import Observations, observe
from envs.sliceorch.profiles import Mask


class Policy(Protocol):
    """A way to act. `mask` is the one it is evaluated under."""

    @property
    def name(self) -> str: ...
    @property
    def mask(self) -> Mask: ...

    def begin(self, core: SliceOrchestration) -> None:
        """A new batch of episodes starts."""

    def act(self, core: SliceOrchestration) -> Ints:
        """An action per row, [B]; what it says of a finished row is ignored."""
        ...


@dataclass(frozen=True, slots=True)
class Learned:
    """A policy that sees what an agent sees: observations [B, D] and mask [B, K + 2] in."""

    name: str
    choose: Callable[[Observations, Bools], NDArray[np.integer]]
    mask: Mask = Mask.SLA
    qoe: bool = True

    def begin(self, core: SliceOrchestration) -> None:
        pass

    def act(self, core: SliceOrchestration) -> Ints:
        return np.asarray(self.choose(observe(core, self.qoe), core.legal), dtype=np.int64)


def best_node(core: SliceOrchestration, allowed: Bools, score: Floats) -> Ints:
    """The allowed node of least score per row, [B]; refuse where none is allowed."""
    scores = np.where(allowed, score, np.inf)
    nodes = scores.argmin(axis=1)
    chosen: Ints = np.where(allowed.any(axis=1), nodes, core.refuse)
    return chosen


def legal_nodes(core: SliceOrchestration) -> Bools:
    return core.legal[:, : core.nodes]
