"""What a policy can be shown or told before it learns by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Protocol, Self

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


Choose = Callable[[Array32, Bools], Ints]
"""Observations [N, D] and masks [N, A] in, actions [N] out."""


@dataclass(frozen=True, slots=True)
class Advised:
    """One agent's part of N steps.

    observations: [N, D]; masks: [N, A]; gains: [N, A], what each legal action is worth above doing
    nothing, 0 for others; worth: [N], what was still to be had in all; states: [N, S].
    """

    observations: Array32
    masks: Bools
    gains: Array32
    worth: Array32
    states: Array32

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Of several steps."""
        names = (field.name for field in fields(cls))
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))


class Adviser(Protocol):
    def advise(
        self, policies: Mapping[str, Choose], episodes: int, seed: tuple[int, ...]
    ) -> tuple[Mapping[str, Advised], float]:
        """By agent, of that many fresh episodes that these policies play; and their mean score."""
        ...
