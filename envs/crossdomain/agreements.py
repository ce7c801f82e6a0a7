"""All agreements that keep a class of requests, in the order in which the coordinator prefers them.

That order depends on nothing that changes. Where the list is short enough to keep, merging is to
take the first agreement whose options are all on offer, for all environments at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from domains.errors import InvalidRequest
from envs.arrays import Bools, Ints
from envs.crossdomain.merge import choose, product_of
from envs.crossdomain.tables import Tables

LISTED_MAX: Final = 1 << 15
"""Combinations of one class that are looked at to list its agreements."""
KEPT_MAX: Final = 1 << 11
"""Agreements of one class; a longer list takes longer to search than to merge anew."""


@dataclass(frozen=True, slots=True)
class Frugal:
    """N ways to serve a class. units: [N, resources]; chain: [N] and picks: [N, L], of each the one
    that the coordinator prefers."""

    units: Ints
    chain: Ints
    picks: Ints


class Agreements:
    """`merge.choose` for one set of tables; the lists are made when they are first needed."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._listed: tuple[Ints, Ints, Ints] | None = None
        self._short = self._combinations() <= LISTED_MAX

    def choose(self, kind: Ints, shown: Bools, open_: Bools) -> tuple[Ints, Ints]:
        """As `merge.choose`."""
        if self._short and self._listed is None:
            self._list()
        if self._listed is None or shown.sum(axis=2).max() <= 1:
            return choose(self._tables, kind, shown, open_)
        chain, cell, picks = self._listed
        rows, _, options = shown.shape
        every = np.arange(rows)[:, None]
        absent = np.ones((rows, 1, options), dtype=np.bool_)
        offered = np.concatenate([shown, absent], axis=1).reshape(rows, -1)
        none = np.zeros((rows, 1), dtype=np.bool_)
        keeps: Bools = np.concatenate([open_, none], axis=1)[every, chain[kind]]
        for hop in range(cell.shape[0]):
            keeps &= offered[every, cell[hop, kind]]
        first, found = keeps.argmax(axis=1), np.any(keeps, axis=1)
        agreed = np.where(found, chain[kind, first], -1)
        return agreed, np.where(found[:, None], picks[kind, first], 0)

    def frugal(self, class_: int) -> Frugal:
        """The agreements of a class without those that another one undercuts or equals in all.

        Raises:
            InvalidRequest: there are too many agreements to list.
        """
        if not self._short:
            raise InvalidRequest(f"more than {KEPT_MAX} agreements of one class: too many to list")
        tables = self._tables
        chain, picks = self._of(class_)
        row = tables.row[class_, tables.chain[class_, chain]]  # [N, L]
        units = np.zeros((len(chain), tables.plenty + 2), dtype=np.int64)
        each = np.arange(len(chain))[:, None]
        resource = tables.resource[row, picks].reshape(len(chain), -1)
        np.add.at(units, (each, resource), tables.units[row, picks].reshape(len(chain), -1))
        units, first = np.unique(units[:, : tables.plenty], axis=0, return_index=True)
        undercut = (units[:, None] >= units).all(axis=2).sum(axis=1) > 1  # each equals itself
        kept = first[~undercut]
        return Frugal(units[~undercut], chain[kept], picks[kept])

    def _combinations(self) -> int:
        tables = self._tables
        options = tables.present[tables.row].sum(axis=2)  # [C, H + 1]
        each = options[np.arange(len(options))[:, None, None], tables.chain].prod(axis=2)
        return int(np.where(tables.chain_present, each, 0).sum(axis=1).max())

    def _list(self) -> None:
        found = [self._of(class_) for class_ in range(len(self._tables.chain))]
        longest = max(len(chain) for chain, _ in found)
        if longest > KEPT_MAX:
            self._short = False
            return
        tables = self._tables
        size = (len(found), longest)
        # No chain: the one after the last, which is never open.
        chains = np.full(size, tables.chain.shape[1])
        picks = np.zeros((*size, tables.chain.shape[2]), dtype=np.int64)
        for class_, (chain, taken) in enumerate(found):
            chains[class_, : len(chain)], picks[class_, : len(chain)] = chain, taken
        hops = tables.chain[
            np.arange(size[0])[:, None], np.minimum(chains, tables.chain.shape[1] - 1)
        ]
        cell = np.ascontiguousarray(np.moveaxis(hops * tables.options + picks, 2, 0))
        self._listed = chains, cell, picks

    def _of(self, class_: int) -> tuple[Ints, Ints]:
        """Chains [N] and options of their hops [N, L], the coordinator's first choice first."""
        tables, lines = self._tables, []
        longest = tables.chain.shape[2]
        for number in np.flatnonzero(tables.chain_present[class_]).tolist():
            row = tables.row[class_, tables.chain[class_, number]]
            options = [np.flatnonzero(tables.present[one]).tolist() for one in row.tolist()]
            taken = np.array(list(product(*options))).reshape(-1, longest)
            latency = tables.latency_us[row, taken].sum(axis=1)
            price = tables.price_micros[row, taken].sum(axis=1)
            limbs = product_of(tables.availability_ppb[row, taken])
            keeps = (
                (latency <= tables.latency_us_max[class_])
                & (price <= tables.price_micros_max[class_])
                & (limbs[0] >= tables.availability_ppb_min[class_])
            )
            order = np.arange(len(taken))
            chain = np.full(len(taken), number)
            keys = [price, latency, -limbs[0], chain, *(-limb for limb in limbs[1:]), order]
            lines.append(np.column_stack([*keys, taken])[keeps])
        every = np.concatenate(lines)
        keys_count = every.shape[1] - longest
        every = every[np.lexsort(every[:, :keys_count].T[::-1])]
        return every[:, 3], every[:, keys_count:]
