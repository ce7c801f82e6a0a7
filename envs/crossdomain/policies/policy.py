"""What a policy is, and what most of them share."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from domains.model import PPB
from envs.arrays import Bools, Ints
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.tables import Tables


class Policy(Protocol):
    """Decides which options of each hop are on offer."""

    @property
    def name(self) -> str: ...

    def begin(self, core: CrossDomain) -> None:
        """New episodes have been started in every row."""
        ...

    def act(self, core: CrossDomain) -> Bools:
        """[B, H, M]; what there is no room for may be among them."""
        ...


def cheapest_of(options: Bools) -> Bools:
    """[..., M], of each hop only the first: options come cheapest first."""
    found: Bools = options & (options.cumsum(axis=-1) == 1)
    return found


def rows_of(core: CrossDomain) -> Ints:
    """[B, H], the rows of the tables that the waiting request's hops are."""
    found: Ints = core.tables.row[core.kind(), : core.tables.hops]
    return found


def nearest(
    tables: Tables, row: Ints, room: Bools, latency_us: Ints, unavailable_ppb: Ints
) -> Bools:
    """[..., M], of each hop the cheapest option with room that keeps its budgets, or else the one
    that exceeds them by the least factor.

    Args:
        row: [...], the hops' rows; room: [..., M]; latency_us, unavailable_ppb: [...].
    """
    over = np.maximum(
        tables.latency_us[row] / np.maximum(latency_us, 1)[..., None],
        (PPB - tables.availability_ppb[row]) / np.maximum(unavailable_ppb, 1)[..., None],
    )
    over = np.where(room, np.maximum(over, 1.0), np.inf)
    found: Bools = room & (over == over.min(axis=-1, keepdims=True))
    return cheapest_of(found)


def lengths(core: CrossDomain) -> Ints:
    """[B, K], hops of each chain of the waiting request; 0 where there is no such chain."""
    found: Ints = (core.tables.chain[core.kind()] < core.tables.hops).sum(axis=2)
    return np.where(core.tables.chain_present[core.kind()], found, 0)
