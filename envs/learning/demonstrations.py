"""What a policy can be shown before it learns by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from envs.arrays import Array32, Bools, Ints

COLUMNS: Final = ("observations", "masks", "actions", "returns", "states")


@dataclass(frozen=True, slots=True)
class Demonstrations:
    """What a teacher saw, did and got from there on: observations [N, D], masks [N, A], actions
    [N], returns [N], and states [N, S] for a central critic, S = 0 where there are none."""

    observations: Array32
    masks: Bools
    actions: Ints
    returns: Array32
    states: Array32

    def __len__(self) -> int:
        return len(self.actions)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Those of several agents who follow one policy."""
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in COLUMNS))
