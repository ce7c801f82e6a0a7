"""Posted prices: what agreement can come to when domains know their own insides and nothing else.

Lagrangian relaxation of the end-to-end rows decomposes by domain. The coordinator posts what a
share of the latency bound and of the allowed unavailability are worth; every domain answers with
the option of least scarcity plus those prices, and says how scarce that option is: the sum, over
resources, of the part that it takes of what is left. Of all answers to a grid of prices that keep
the request, the coordinator takes the one of least total scarcity. Nothing is ever held back for
requests to come.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np

from domains.model import PPB
from envs.arrays import Bools, Floats, Ints
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.merge import settled

GRID: Final = (0.0, *(4.0**power for power in range(-6, 3)))
"""Scarcity that a whole latency bound, or all of the allowed unavailability, is worth."""
MICRO: Final = 10**6
"""Scarcity as an integer, for the coordinator."""
SURE: Final = 1.0 - 1e-9
"""Part of a bound that may be used, so that rounding never decides."""


class Scarcity:
    """The same price of scarcity without the relaxation: domains show whole menus with it, and the
    coordinator's own merge takes the agreement of least total scarcity. Where that is above the
    tenant's ceiling, the cheapest one."""

    name = "scarcity"

    def begin(self, core: CrossDomain) -> None:
        pass

    def act(self, core: CrossDomain) -> Bools:
        tables, kind = core.tables, core.kind()
        room = core.room() & ~core.done[:, None, None]
        bids = np.rint(scarcity(core)[:, : tables.hops] * MICRO).astype(np.int64)
        chain, picks = settled(tables, kind, room, core.open_chains(), bids)
        row = tables.row[kind[:, None], tables.chain[kind, chain]]
        price = tables.price_micros[row, picks].sum(axis=1)
        found = (chain >= 0) & (price <= tables.price_micros_max[kind])
        shown = np.zeros((core.rows, tables.hops + 1, tables.options), dtype=np.bool_)
        shown[np.arange(core.rows)[:, None], tables.chain[kind, chain], picks] = True
        return np.where(found[:, None, None], shown[:, : tables.hops], room)


def scarcity(core: CrossDomain) -> Floats:
    """[B, H + 1, M], the sum over resources of the part that an option takes of what is left."""
    tables = core.tables
    row = tables.row[core.kind()]
    every = np.arange(core.rows)[:, None, None, None]
    left = np.maximum(core.free[every, tables.resource[row]], 1)
    parts: Floats = (tables.units[row] / left).sum(axis=3)
    return parts


class Prices:
    """See above."""

    name = "prices"

    def __init__(self) -> None:
        pairs = np.array(list(product(GRID, GRID)))
        self._latency_price, self._unavailability_price = pairs[:, 0], pairs[:, 1]  # [G]

    def begin(self, core: CrossDomain) -> None:
        pass

    def act(self, core: CrossDomain) -> Bools:
        tables, kind = core.tables, core.kind()
        every = np.arange(core.rows)
        answer, totals = self._answers(core)
        shown = np.zeros((core.rows, tables.hops + 1, tables.options), dtype=np.bool_)
        best = np.full(core.rows, np.inf)
        for number in range(tables.chain.shape[1]):
            chain = tables.chain[kind, number]  # [B, L]
            scarce, latency, unavailability, price = (
                total[every[:, None], chain].sum(axis=1) for total in totals
            )  # [B, G]
            keeps = (latency <= SURE) & (unavailability <= SURE) & (price <= 1.0)
            scarce = np.where(keeps & core.open_chains()[:, [number]], scarce, np.inf)
            at = scarce.argmin(axis=1)
            better = scarce[every, at] < best
            best = np.where(better, scarce[every, at], best)
            mine = np.zeros_like(shown)
            mine[every[:, None], chain, answer[every[:, None], chain, at[:, None]]] = True
            shown = np.where(better[:, None, None], mine, shown)
        return shown[:, : tables.hops]

    def _answers(self, core: CrossDomain) -> tuple[Ints, list[Floats]]:
        """Per hop and prices, [B, H + 1, G], the option; and what it adds to scarcity, latency,
        unavailability (shares of the bounds) and price (share of the ceiling)."""
        tables, kind = core.tables, core.kind()
        row = tables.row[kind]
        absent = np.ones((core.rows, 1, tables.options), dtype=np.bool_)
        room = np.concatenate([core.room(), absent], axis=1) & tables.present[row]
        bound_us = np.maximum(tables.latency_us_max[kind], 1)[:, None, None]
        allowed = np.maximum(PPB - tables.availability_ppb_min[kind], 1)[:, None, None]
        latency = tables.latency_us[row] / bound_us
        unavailability = (PPB - tables.availability_ppb[row]) / allowed
        ceiling = np.maximum(tables.price_micros_max[kind], 1)[:, None, None]
        price = tables.price_micros[row] / ceiling
        scarce = np.where(room, scarcity(core), np.inf)
        worth = (
            scarce[:, :, None]
            + self._latency_price[:, None] * latency[:, :, None]
            + self._unavailability_price[:, None] * unavailability[:, :, None]
        )  # [B, H + 1, G, M]
        answer: Ints = worth.argmin(axis=3)
        taken = [
            np.take_along_axis(values, answer, axis=2)
            for values in (scarce, latency, unavailability, price)
        ]
        return answer, taken
