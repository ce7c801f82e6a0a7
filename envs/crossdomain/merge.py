"""The coordinator's choice among what is on offer, for many environments at once.

`choose` gives what `coordinator.merge.cheapest` gives: over all chains the cheapest combination
that keeps latency, availability and price; of equals the faster, the more available, the chain
that comes first by name, the earlier options. All of it in integers. It looks at every combination
and is meant for a few offers per hop; `settled` calls the coordinator itself, for whole menus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from coordinator.merge import Need, Route, cheapest
from coordinator.merge import Option as Offered
from domains.model import PPB, Metrics, Offer
from envs.arrays import Bools, Ints
from envs.crossdomain.tables import Tables

COMBINATIONS_MAX = 4_096
"""Per chain; beyond, the coordinator's own search is quicker."""


def choose(tables: Tables, kind: Ints, shown: Bools, open_: Bools) -> tuple[Ints, Ints]:
    """What is agreed in B environments.

    Args:
        kind: [B], class of the request.
        shown: [B, H, M], the offers of each hop.
        open_: [B, K], chains that may be taken.

    Returns:
        The chain, [B], -1 where nothing keeps the request; and the option of each of its hops,
        [B, L], 0 where it has none.
    """
    per_hop = max(int(shown.sum(axis=2).max()), 1)
    longest = tables.chain.shape[2]
    if per_hop**longest > COMBINATIONS_MAX:
        return settled(tables, kind, shown, open_)
    picks, there = _first(shown, per_hop)
    chain = tables.chain[kind]  # [B, K, L]
    batch = np.arange(len(kind))[:, None, None]
    picks, there = picks[batch, chain], there[batch, chain]  # [B, K, L, P]
    row = tables.row[kind[:, None, None], chain]  # [B, K, L]
    combinations = np.array(list(product(range(per_hop), repeat=longest)))  # [N, L]
    hop = np.arange(longest)
    taken = picks[:, :, hop, combinations]  # [B, K, N, L]
    offered = np.all(there[:, :, hop, combinations], axis=3)
    rows = row[:, :, None, :]
    latency = tables.latency_us[rows, taken].sum(axis=3)
    price = tables.price_micros[rows, taken].sum(axis=3)
    limbs = product_of(tables.availability_ppb[rows, taken])
    keeps: Bools = (
        offered
        & open_[:, :, None]
        & (latency <= tables.latency_us_max[kind][:, None, None])
        & (price <= tables.price_micros_max[kind][:, None, None])
        & (limbs[0] >= tables.availability_ppb_min[kind][:, None, None])
    )
    best = _least(keeps, [price, latency, *(-limb for limb in limbs)], axis=2).argmax(axis=2)
    within = np.take_along_axis(keeps, best[:, :, None], axis=2)[:, :, 0]  # [B, K]

    def at_best(values: Ints) -> Ints:
        found: Ints = np.take_along_axis(values, best[:, :, None], axis=2)[:, :, 0]
        return found

    order = [at_best(price), at_best(latency), -at_best(limbs[0])]
    which = _least(within, order, axis=1).argmax(axis=1)
    agreed: Bools = np.any(within, axis=1)
    rows_b = np.arange(len(kind))
    options = taken[rows_b, which, best[rows_b, which]]
    return np.where(agreed, which, -1), np.where(agreed[:, None], options, 0)


def _first(shown: Bools, count: int) -> tuple[Ints, Bools]:
    """The first `count` offers of each hop, [B, H + 1, P], and which of them there are; the absent
    hop always offers its one option."""
    batch, _, options = shown.shape
    absent = np.zeros((batch, 1, options), dtype=np.bool_)
    absent[:, :, 0] = True
    with_absent = np.concatenate([shown, absent], axis=1)
    picks = np.argsort(~with_absent, axis=2, kind="stable")[:, :, :count]
    return picks, np.take_along_axis(with_absent, picks, axis=2)


def product_of(factors: Ints) -> list[Ints]:
    """prod(factors) over the last axis, exactly, in limbs of base PPB, the highest first.

    The first limb is floor(product / PPB ** (n - 1)) of n factors, none of them above PPB: the
    availability of the whole in parts per billion.
    """
    count = factors.shape[-1]
    limbs = [factors[..., 0]]  # lowest first
    for index in range(1, count):
        factor, carry = factors[..., index], np.zeros_like(limbs[0])
        for place, limb in enumerate(limbs):
            carry, limbs[place] = np.divmod(limb * factor + carry, PPB)
        limbs.append(carry)
    return limbs[::-1]


def _least(among: Bools, keys: list[Ints], axis: int) -> Bools:
    """Which of `among` have the least keys, compared one after the other."""
    for key in keys:
        lowest = np.where(among, key, np.iinfo(np.int64).max).min(axis=axis, keepdims=True)
        among = among & (key == lowest)
    return among


def settled(
    tables: Tables, kind: Ints, shown: Bools, open_: Bools, bids: Ints | None = None
) -> tuple[Ints, Ints]:
    """As `choose`, by the coordinator's own merge, one environment after the other.

    `bids`: [B, H, M], what to minimise the sum of in place of the price, without any ceiling.
    """
    longest = tables.chain.shape[2]
    chains = np.full(len(kind), -1)
    options = np.zeros((len(kind), longest), dtype=np.int64)
    for index, class_ in enumerate(kind.tolist()):
        if not shown[index].any():
            continue
        price = tables.price_micros[tables.row[class_, :-1]] if bids is None else bids[index]
        need = Need.of(tables.asked[class_].service)
        if bids is not None:
            need = replace(need, price_micros=None)
        found = _settled(tables, class_, need, shown[index], open_[index], price)
        if found is not None:
            chains[index], taken = found
            options[index, : len(taken)] = taken
    return chains, options


def _settled(
    tables: Tables, class_: int, need: Need, shown: Bools, open_: Bools, price: Ints
) -> tuple[int, list[int]] | None:
    asked = tables.asked[class_]
    hops = [hop for hop in range(tables.hops) if hop < len(asked.budgets)]
    links = {(hop.domain, hop.ingress, hop.egress): hop for c in asked.chains for hop in c}
    found = list(links.values())
    menus = [_menu(tables, need, int(tables.row[class_, at]), shown[at], price[at]) for at in hops]
    routes: list[tuple[int, Route]] = []
    for number in np.flatnonzero(open_ & tables.chain_present[class_]).tolist():
        at = [place for place in tables.chain[class_, number].tolist() if place < len(hops)]
        if all(menus[place] for place in at):
            chain = tuple(found[place] for place in at)
            routes.append((number, Route.of(chain, [menus[place] for place in at])))
    routes.sort(key=lambda one: (one[1].price[0], one[1].names))
    best = cheapest([route for _, route in routes], need)
    if best is None:
        return None
    number = next(number for number, route in routes if route.names == best.route.names)
    taken = zip(best.route.options, best.picks, strict=True)
    return number, [int(menu[pick][4].offer_id) for menu, pick in taken]


def _menu(tables: Tables, need: Need, row: int, shown: Bools, price: Ints) -> Sequence[Offered]:
    """A hop's offers for the coordinator, under the number of their option as their id."""
    level, found = need.level, []
    for number in np.flatnonzero(shown).tolist():
        latency = int(tables.latency_us[row, number])
        availability = int(tables.availability_ppb[row, number])
        metrics = Metrics(latency, availability, *level, int(price[number]))
        found.append(
            (int(price[number]), latency, availability, level, Offer(str(number), metrics))
        )
    return sorted(found, key=lambda one: (one[0], one[1], -one[2], int(one[4].offer_id)))
