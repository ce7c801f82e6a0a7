"""`domains.ranking` for B environments and M policies at once: the same numbers, the same menus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domains.model import PPB
from domains.observation import OPTIONS_MAX, SCHEMA
from domains.offers import MENU_MAX
from domains.policy_network import Array
from domains.ranking import DRAIN_MIN, PICKED_MAX
from envs.arrays import Bools, Floats, Ints
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.policies.rules import ruled
from envs.crossdomain.tables import Tables

WIDTH: Final = 4
SHARED: Final = len(SCHEMA.shared)
EACH: Final = len(SCHEMA.each)
DRAIN: Final = SCHEMA.each.index("drain")
# node [W, EACH], start [SHARED, W], its bias [W], query [W], withhold.
WEIGHTS: Final = WIDTH * (EACH + SHARED + 2) + 1


@dataclass(frozen=True, slots=True)
class Weights:
    """Of M policies: node [M, W, EACH], start [M, SHARED, W], bias and query [M, W], withhold [M].

    The score of an option x under g is query . tanh(node x + start g + bias).
    """

    node: Array
    start: Array
    bias: Array
    query: Array
    withhold: Array

    @classmethod
    def of(cls, flat: Floats) -> Weights:
        """From [M, WEIGHTS]."""
        values = flat.astype(np.float32)
        ends = np.cumsum([WIDTH * EACH, SHARED * WIDTH, WIDTH, WIDTH])
        node, start, bias, query, withhold = np.split(values, ends, axis=1)
        return cls(
            node.reshape(-1, WIDTH, EACH),
            start.reshape(-1, SHARED, WIDTH),
            bias,
            query,
            withhold[:, 0],
        )

    def exported(self) -> Mapping[str, Array]:
        """The first policy as a `policy_network.Pointer`; its context is there and says nothing."""
        zeros = np.zeros((WIDTH, 1), dtype=np.float32)
        return {
            "node": self.node[0],
            "start": np.concatenate([self.start[0], np.zeros((SHARED, 1), np.float32)], axis=1),
            "start_bias": np.append(self.bias[0], np.float32(0)),
            "mean": zeros,
            "out": np.zeros((1, WIDTH + 1), dtype=np.float32),
            "out_bias": np.append(self.query[0], self.withhold[0]),
        }


class Offers:
    """A policy of `envs.crossdomain.policies`: row b shows what policy `member[b]` would."""

    name = "offers"

    def __init__(self, weights: Weights, member: Ints) -> None:
        self.weights, self.member = weights, member
        self._better: Bools = np.zeros((0, 0, 0), dtype=np.bool_)
        self._finer = self._better

    def begin(self, core: CrossDomain) -> None:
        self._better, self._finer = _better(core.tables)

    def act(self, core: CrossDomain) -> Bools:
        """[B, H, M], what is shown."""
        open_ = self.front(core)
        shared, each = observe(core, open_)
        mine, weights = self.member, self.weights
        hidden = np.einsum("bhmx,bwx->bhmw", each, weights.node[mine])
        hidden += (np.einsum("bhg,bgw->bhw", shared, weights.start[mine]))[:, :, None]
        hidden += weights.bias[mine][:, None, None]
        scores = np.einsum("bhmw,bw->bhm", np.tanh(hidden), weights.query[mine])
        always = ~(open_[..., :, None] & self._finer[core.row()]).any(axis=2)
        always |= each[..., DRAIN] < DRAIN_MIN
        found = shown(scores, open_, always, weights.withhold[mine])
        for row, hop in np.argwhere(found.sum(axis=2) > MENU_MAX).tolist():
            found[row, hop] = ruled(core.tables, int(core.kind()[row]), hop, open_[row, hop])
        return found

    def front(self, core: CrossDomain) -> Bools:
        """[B, H, M]: `technologies.front`, what fits and nothing that fits betters."""
        room = core.room()
        bettered = (room[..., :, None] & self._better[core.row()]).any(axis=2)
        found: Bools = room & ~bettered
        return found


def _better(tables: Tables) -> tuple[Bools, Bools]:
    """[rows, M, M] each: whether the first option is no worse in latency and availability, and
    comes before the second; or after it, and so costs more."""
    latency, available = tables.latency_us, tables.availability_ppb
    places = np.arange(tables.options)
    no_worse = (
        (latency[:, :, None] <= latency[:, None, :])
        & (available[:, :, None] >= available[:, None, :])
        & tables.present[:, :, None]
    )
    return no_worse & (places[:, None] < places), no_worse & (places[:, None] > places)


def observe(core: CrossDomain, open_: Bools) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """`domains.ranking.observe` of every hop: [B, H, SHARED] and [B, H, M, EACH]; of no meaning
    where there is no option."""
    tables, kind = core.tables, core.kind()
    row = tables.row[kind, : tables.hops]
    budget_us = tables.share_us[kind, : tables.hops]
    allowed_ppb = PPB - tables.share_ppb[kind, : tables.hops]
    latency = tables.latency_us[row] / np.maximum(budget_us, 1)[..., None]
    missing = (PPB - tables.availability_ppb[row]) / np.maximum(allowed_ppb, 1)[..., None]
    price = tables.price_micros[row]
    cheapest = np.where(open_, price, np.iinfo(np.int64).max).min(axis=2, keepdims=True)
    left = core.free[np.arange(core.rows)[:, None, None, None], tables.resource[row]]
    drain = (tables.units[row] / np.maximum(left, 1)).max(axis=3)
    count = open_.sum(axis=2)
    place = (open_.cumsum(axis=2) - 1) / np.maximum(count - 1, 1)[..., None]
    exact = open_ & (latency <= 1) & (missing <= 1)
    columns = (
        exact,
        latency,
        missing,
        np.maximum(cheapest, 1) / np.maximum(price, 1),
        drain,
        place,
    )
    each = np.minimum(np.stack(columns, axis=3), 1.0).astype(np.float32)
    downlink, uplink, devices, isolated = tables.load[kind].T
    whole = np.stack(
        [_decades(np.maximum(downlink, uplink), 8), _decades(devices, 7), isolated], axis=1
    )
    shared = np.concatenate(
        [
            _decades(budget_us, 7)[..., None],
            _decades(allowed_ppb, 9)[..., None],
            np.repeat(whole[:, None], tables.hops, axis=1),
            (count / OPTIONS_MAX)[..., None],
            (exact.sum(axis=2) / np.maximum(count, 1))[..., None],
        ],
        axis=2,
    )
    return shared.astype(np.float32), each


def shown(scores: Array, open_: Bools, always: Bools, withhold: Array) -> Bools:
    """What `Ranking` and `offers.menu` make of the scores, [B, H, M]."""
    order = np.argsort(np.where(open_, -scores, np.inf), axis=2, kind="stable")
    place = np.argsort(order, axis=2, kind="stable")
    picked = (place < PICKED_MAX) & (scores >= withhold[:, None, None])
    ranked = open_.sum(axis=2, keepdims=True) > 1
    found: Bools = open_ & (picked | always | ~ranked)
    return found


def _decades(values: Ints, span: int) -> Floats:
    found: Floats = np.minimum(np.log10(1.0 + np.maximum(values, 0)) / span, 1.0)
    return found
