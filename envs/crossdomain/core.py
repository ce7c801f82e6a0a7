"""B environments at once: what is left of every resource, whose request it is, what was agreed.

A step is one request: offers go in, the coordinator's merge takes the cheapest combination that
keeps the request, its resources are taken. Nothing here is per environment but `merge.settled`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domains.model import PPB
from domains.technologies import PERMILLE
from domains.topology import LOW_PERMILLE, MEDIUM_PERMILLE
from envs.arrays import Bools, Floats, Ints
from envs.crossdomain.agreements import Agreements
from envs.crossdomain.tables import PLENTY, Tables

REFUSED = -1


@dataclass(frozen=True, slots=True)
class Episodes:
    """What B episodes are about: classes of their requests, [B, n], and the units that are free
    when they begin, [B, resources]."""

    kinds: Ints
    free: Ints

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, rows: Ints) -> Episodes:
        return Episodes(self.kinds[rows], self.free[rows])


class CrossDomain:
    """The state of B episodes of n requests.

    Attributes:
        kinds: [B, n]; turn: [B], requests decided so far.
        free: [B, resources + 2] units, the last two as in `Tables`.
        chain: [B, n], what was agreed, `REFUSED` where nothing was; picks: [B, n, L].
        latency_us, unavailable_ppb, price_micros: [B, n], of what was agreed, else 0.
        cost: [B, n], J: preference-weighted shares of the bounds that were used up, 0..1.
    """

    def __init__(
        self,
        tables: Tables,
        rows: int,
        requests: int,
        size: Ints | None = None,
        agreements: Agreements | None = None,
    ) -> None:
        """`size`: [resources], what buckets are shares of; what the domains have if None.
        `agreements`: of these tables, to share the lists between cores."""
        self.agreements = Agreements(tables) if agreements is None else agreements
        self._size = np.maximum(tables.capacity[: tables.plenty] if size is None else size, 1)
        self.tables, self.rows, self.requests = tables, rows, requests
        self.kinds = np.zeros((rows, requests), dtype=np.int64)
        self.turn = np.full(rows, requests)
        self.free = np.zeros((rows, tables.nothing + 1), dtype=np.int64)
        self.free[:, tables.plenty] = PLENTY
        self.chain = np.full((rows, requests), REFUSED)
        self.picks = np.zeros((rows, requests, tables.chain.shape[2]), dtype=np.int64)
        self.latency_us = np.zeros((rows, requests), dtype=np.int64)
        self.unavailable_ppb = np.zeros((rows, requests), dtype=np.int64)
        self.price_micros = np.zeros((rows, requests), dtype=np.int64)
        self.cost = np.zeros((rows, requests))
        self._every = np.arange(rows)
        # The shortest axis first: reductions along it are then of whole arrays.
        self._units = np.ascontiguousarray(np.moveaxis(tables.units, 2, 0))
        self._resource = np.ascontiguousarray(np.moveaxis(tables.resource, 2, 0))
        self._room: Bools | None = None
        self._left: Ints | None = None

    def start(self, rows: Ints, episodes: Episodes) -> None:
        """New episodes in `rows`, one each."""
        self._room = self._left = None
        assert episodes.kinds.shape == (len(rows), self.requests)
        self.kinds[rows], self.turn[rows] = episodes.kinds, 0
        self.free[rows, : self.tables.plenty] = episodes.free
        self.chain[rows], self.picks[rows] = REFUSED, 0
        for told in (self.latency_us, self.unavailable_ppb, self.price_micros, self.cost):
            told[rows] = 0

    @property
    def done(self) -> Bools:
        """[B]."""
        return self.turn >= self.requests

    @property
    def served(self) -> Ints:
        """[B], requests that were agreed on."""
        agreed: Ints = (self.chain != REFUSED).sum(axis=1)
        return agreed

    def kind(self) -> Ints:
        """[B], class of the request that waits; the last one's where an episode is over."""
        found: Ints = self.kinds[self._every, np.minimum(self.turn, self.requests - 1)]
        return found

    def room(self) -> Bools:
        """[B, H, M], options that there is room for: `technologies.fits`."""
        if self._room is None:
            kept = np.all(self.left() >= self.units(), axis=0)
            self._room = kept & self.tables.present[self.row()]
        return self._room

    def row(self) -> Ints:
        """[B, H], rows of the tables that the waiting request's hops are."""
        found: Ints = self.tables.row[self.kind(), : self.tables.hops]
        return found

    def units(self) -> Ints:
        """[Z, B, H, M], what each option takes; `left`: what there is of each of those."""
        found: Ints = self._units[:, self.row()]
        return found

    def left(self) -> Ints:
        if self._left is None:
            self._left = self.free[self._every[:, None, None], self.resource()]
        return self._left

    def resource(self) -> Ints:
        """[Z, B, H, M], which resources those are."""
        found: Ints = self._resource[:, self.row()]
        return found

    def left_permille(self) -> Ints:
        """[B, H], of the roomiest advertised route of each hop, as `domains.topology` reckons."""
        tables = self.tables
        route = tables.route[tables.row[self.kind(), : tables.hops]]  # [B, H, R, Zr]
        share = self.free[:, : tables.plenty] * PERMILLE // self._size
        ends = np.tile([PERMILLE, -1], (self.rows, 1))  # of plenty, of nothing
        share = np.concatenate([share, ends], axis=1)
        left: Ints = share[self._every[:, None, None, None], route].min(axis=3).max(axis=2)
        return left

    def buckets(self) -> Ints:
        """[B, H]: 0 none, 1 low, 2 medium, 3 high."""
        left = self.left_permille()
        found: Ints = (left > 0).astype(np.int64) + (left >= LOW_PERMILLE)
        return found + (left >= MEDIUM_PERMILLE)

    def open_chains(self) -> Bools:
        """[B, K]: `placement.chains`, links advertised as sold out only where nothing else is."""
        tables, kind = self.tables, self.kind()
        some = np.concatenate(
            [self.left_permille() > 0, np.ones((self.rows, 1), dtype=np.bool_)], axis=1
        )
        there = tables.chain_present[kind]
        found = some[self._every[:, None, None], tables.chain[kind]]
        unsold: Bools = np.all(found, axis=2) & there
        return np.where(np.any(unsold, axis=1, keepdims=True), unsold, there)

    def step(self, shown: Bools) -> tuple[Bools, Floats]:
        """Decides the request of every episode that is not over.

        Args:
            shown: [B, H, M], offers; what there is no room for is not on offer.

        Returns:
            Which were agreed, and J of those, [B] each; False and 0 where the episode was over.
        """
        tables, kind, live = self.tables, self.kind(), ~self.done
        shown = shown & self.room() & live[:, None, None]
        chain, picks = self.agreements.choose(kind, shown, self.open_chains())
        agreed = chain != REFUSED
        row = tables.row[kind[:, None], tables.chain[kind, chain]]  # [B, L]
        self.free = self.left_after(self._every, chain, picks)
        assert (self.free[:, : tables.plenty] >= 0).all(), "more was taken than there was"
        latency, unavailable, price = self._totals(row, picks)
        cost = self._weighted(kind, latency, unavailable, price)
        at = self._every[live], self.turn[live]
        self.chain[at], self.picks[at] = chain[live], picks[live]
        for told, value in (
            (self.latency_us, latency),
            (self.unavailable_ppb, unavailable),
            (self.price_micros, price),
            (self.cost, cost),
        ):
            told[at] = np.where(agreed, value, 0)[live]
        self.turn[live] += 1
        self._room = self._left = None
        return agreed, np.where(agreed, cost, 0.0)

    def left_after(self, rows: Ints, chain: Ints, picks: Ints) -> Ints:
        """[N, resources + 2], what would be free in `rows`, [N], some of them perhaps more than
        once, after these agreements on the request that waits there: `merge.choose`."""
        tables, kind = self.tables, self.kind()[rows]
        row = tables.row[kind[:, None], tables.chain[kind, chain]]  # [N, L]
        resource = tables.resource[row, picks].reshape(len(rows), -1)
        units = tables.units[row, picks].reshape(len(rows), -1)
        free: Ints = self.free[rows]
        each = np.arange(len(rows))[:, None]
        np.subtract.at(free, (each, resource), np.where(chain[:, None] != REFUSED, units, 0))
        return free

    def cost_of(self, kind: Ints, chain: Ints, picks: Ints) -> Floats:
        """[B], J of an agreement; of no meaning where there is none."""
        row = self.tables.row[kind[:, None], self.tables.chain[kind, chain]]
        return self._weighted(kind, *self._totals(row, picks))

    def _totals(self, row: Ints, picks: Ints) -> tuple[Ints, Ints, Ints]:
        """Latency, unavailability and price of what was agreed, [B] each."""
        tables = self.tables
        return (
            tables.latency_us[row, picks].sum(axis=1),
            (PPB - tables.availability_ppb[row, picks]).sum(axis=1),
            tables.price_micros[row, picks].sum(axis=1),
        )

    def _weighted(self, kind: Ints, latency: Ints, unavailable: Ints, price: Ints) -> Floats:
        tables, weights = self.tables, self.tables.preference[kind]
        allowed = np.maximum(PPB - tables.availability_ppb_min[kind], 1)
        shares = (
            latency / np.maximum(tables.latency_us_max[kind], 1),
            unavailable / allowed,
            np.zeros(self.rows),  # throughput is never less than asked for
            price / tables.price_scale[kind],
        )
        total: Floats = sum(
            weights[:, index] * np.minimum(share, 1.0) for index, share in enumerate(shares)
        )
        return total
