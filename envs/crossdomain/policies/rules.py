"""Rules without learning: what domains do today, and ways to share a bound between them."""

from __future__ import annotations

import numpy as np

from domains.model import PPB
from domains.offers import MENU_MAX, thinned
from domains.technologies import front
from envs.arrays import Bools, Ints
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.policies.policy import cheapest_of, lengths, nearest, rows_of
from envs.crossdomain.tables import PLENTY, Tables


class Menus:
    """Every domain shows all that it has room for, as without a policy; the coordinator takes the
    cheapest agreement. It sees whole menus, which a domain's policy does not."""

    name = "menus"

    def begin(self, core: CrossDomain) -> None:
        pass

    def act(self, core: CrossDomain) -> Bools:
        room = core.room()
        for row, hop in np.argwhere(room.sum(axis=2) > MENU_MAX).tolist():
            room = room.copy()
            room[row, hop] = ruled(core.tables, int(core.kind()[row]), hop, room[row, hop])
        return room


def ruled(tables: Tables, class_: int, hop: int, room: Bools) -> Bools:
    """What of more options than a menu holds `domains.offers` puts on it, [M]."""
    asked = tables.asked[class_]
    key = list(asked.budgets)[hop]
    fitting = [asked.options[key][number] for number in np.flatnonzero(room).tolist()]
    best = front(fitting, lambda _: PLENTY)
    kept = {id(option) for option in thinned(asked.budgets[key], best)}
    return np.array(
        [
            number < len(asked.options[key]) and id(asked.options[key][number]) in kept
            for number in range(len(room))
        ]
    )


class Cheapest:
    """Every domain offers its cheapest, whatever is asked for end to end."""

    name = "cheapest"

    def begin(self, core: CrossDomain) -> None:
        pass

    def act(self, core: CrossDomain) -> Bools:
        return cheapest_of(core.room())


class EqualSplit:
    """Every hop may use the same part of each bound, and offers the cheapest that keeps it, or what
    comes nearest."""

    name = "equal-split"

    def begin(self, core: CrossDomain) -> None:
        pass

    def act(self, core: CrossDomain) -> Bools:
        tables, kind = core.tables, core.kind()
        hops = np.maximum(lengths(core).max(axis=1), 1)
        latency = tables.latency_us_max[kind] // hops
        unavailable = (PPB - tables.availability_ppb_min[kind]) // hops
        shape = core.rows, tables.hops
        return nearest(
            tables,
            rows_of(core),
            core.room(),
            np.broadcast_to(latency[:, None], shape),
            np.broadcast_to(unavailable[:, None], shape),
        )


class ProportionalSplit:
    """The same with the budgets of `coordinator.split`: in proportion to what a hop's domain
    advertises."""

    name = "proportional-split"

    def begin(self, core: CrossDomain) -> None:
        pass

    def act(self, core: CrossDomain) -> Bools:
        tables, kind = core.tables, core.kind()
        latency = tables.share_us[kind, : tables.hops]
        unavailable = PPB - tables.share_ppb[kind, : tables.hops]
        return nearest(tables, rows_of(core), core.room(), latency, unavailable)


class BudgetPassing:
    """From hop to hop: the cheapest that leaves the rest of the chain what it advertises at best;
    what is left over is passed on. Of several chains, the cheapest that comes through."""

    name = "greedy"

    def begin(self, core: CrossDomain) -> None:
        pass

    def act(self, core: CrossDomain) -> Bools:
        tables, kind = core.tables, core.kind()
        chains = tables.chain.shape[1]
        shown = np.zeros((core.rows, chains, tables.hops + 1, tables.options), dtype=np.bool_)
        price = np.full((core.rows, chains), PLENTY)
        for number in range(chains):
            offers, price[:, number] = self._along(core, tables.chain[kind, number])
            at = np.arange(core.rows)[:, None], number, tables.chain[kind, number]
            shown[at] = offers
        price = np.where(core.open_chains(), price, PLENTY)
        found: Bools = shown[np.arange(core.rows), price.argmin(axis=1), : tables.hops]
        return found

    def _along(self, core: CrossDomain, chain: Ints) -> tuple[Bools, Ints]:
        """Offers of the hops of one chain each, [B, L, M], and what they cost, [B]."""
        tables, kind = core.tables, core.kind()
        every = np.arange(core.rows)
        row = tables.row[kind[:, None], chain]
        room = (
            np.concatenate(
                [core.room(), np.ones((core.rows, 1, tables.options), dtype=np.bool_)], axis=1
            )[every[:, None], chain]
            & tables.present[row]
        )
        floor_us, floor_ppb = tables.floor_us[row], PPB - tables.floor_ppb[row]
        left_us = tables.latency_us_max[kind] - floor_us.sum(axis=1)
        left_ppb = PPB - tables.availability_ppb_min[kind] - floor_ppb.sum(axis=1)
        price = np.zeros(core.rows, dtype=np.int64)
        offers = np.zeros(room.shape, dtype=np.bool_)
        for hop in range(chain.shape[1]):
            latency = tables.latency_us[row[:, hop]]
            unavailable = PPB - tables.availability_ppb[row[:, hop]]
            budget_us, budget_ppb = left_us + floor_us[:, hop], left_ppb + floor_ppb[:, hop]
            offers[:, hop] = nearest(tables, row[:, hop], room[:, hop], budget_us, budget_ppb)
            taken, found = offers[:, hop].argmax(axis=1), offers[:, hop].any(axis=1)
            left_us = budget_us - latency[every, taken]
            left_ppb = budget_ppb - unavailable[every, taken]
            more = tables.price_micros[row[every, hop], taken]
            price = np.where(found, np.minimum(price + more, PLENTY), PLENTY)
        return offers, price


class RandomLegal:
    """Every hop offers one option that has room and that some agreement could hold."""

    name = "random"

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng((seed, 0xCD))

    def begin(self, core: CrossDomain) -> None:
        pass

    def act(self, core: CrossDomain) -> Bools:
        legal = core.room() & core.tables.hopeful[core.kind(), : core.tables.hops]
        draws = np.where(legal, self._generator.random(legal.shape), -1.0)
        chosen = np.arange(legal.shape[2]) == draws.argmax(axis=2)[:, :, None]
        found: Bools = legal & chosen
        return found
