"""What the next function of every row asks, where it may go, and on which paths its links would."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from envs.arrays import Bools, Floats, Ints
from envs.embedding.paths import PATHS

if TYPE_CHECKING:
    from envs.embedding.core import Embedding


class Mask(StrEnum):
    """Which nodes are legal; refusing always is."""

    LINKS = "links"  # also: each link, on its own, has a path with room
    NODES = "nodes"  # enough CPU, in the domain asked for, not used by this request


NO_PATH: Final = -1
# Where the best path is full the others are looked at in these groups, as long as any are left;
# all at once where there are so few that calls cost more than what they do.
GROUPS: Final = ((1, 2), (2, 4), (4, PATHS))
FEW: Final = 256

Ranks = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Pairs:
    """The P links of this step to functions already placed, row after row.

    rows: whose; targets: node at the other end; ordinal: which of its request's links; starts: the
    first link of each row that has any, and owners: those rows. best: [P, n], rank of the first
    path from a node to the target with room for that link, NO_PATH if it has none; hops: of that
    path, or of the shortest. Under the mask of nodes alone nobody has looked at paths: best is
    None, and hops are the shortest path's.
    """

    rows: Ints
    targets: Ints
    bandwidth: Floats
    ordinal: Ints
    starts: Ints
    owners: Ints
    best: Ranks | None
    hops: Floats


@dataclass(frozen=True, slots=True)
class Survey:
    """cpu: of the function to place, [B]. candidates: nodes with enough of it, in the domain asked
    for and not used by this request; linked: those of them from which every link, on its own, has
    a path, as far as the mask asks for that; both [B, n + 1], the last for refusing. pairs: None
    where no row has a link to route.
    """

    cpu: Floats
    candidates: Bools
    linked: Bools
    pairs: Pairs | None


def survey(core: "Embedding") -> Survey:
    """The survey of all rows."""
    traces, cursor = core.traces, core.cursor
    cpu = traces.cpu.take(cursor)
    candidates = np.ones((core.rows, core.nodes + 1), dtype=np.bool_)
    nodes = candidates[:, : core.nodes]
    np.greater_equal(core.free[:, : core.nodes], cpu[:, None], out=nodes)
    if traces.pinned:
        nodes &= core.allowed.take(traces.pin.take(cursor), axis=0)
    nodes &= core.unused
    first_link = traces.first_link.take(cursor)
    degree = traces.first_link.take(cursor + 1) - first_link
    if not degree.any():
        return Survey(cpu, candidates, candidates, None)
    pairs = _pairs(core, first_link, degree, nodes)
    if pairs.best is None:
        return Survey(cpu, candidates, candidates, pairs)
    linked = candidates.copy()
    linked[pairs.owners, : core.nodes] &= np.minimum.reduceat(pairs.best, pairs.starts) >= 0
    return Survey(cpu, candidates, linked, pairs)


def route_costs(core: "Embedding") -> Floats:
    """Bandwidth times hops of this step's links from each node, each link on its own best path,
    [B, n]; too little where a link has none."""
    costs = np.zeros((core.rows, core.nodes))
    if (pairs := core.survey.pairs) is not None:
        carried = pairs.hops * pairs.bandwidth[:, None]
        costs[pairs.owners] = np.add.reduceat(carried, pairs.starts)
    return costs


def best_of(core: "Embedding", pairs: Pairs, nodes: Ints, between: Ints) -> Ranks:
    """Rank of the best path of each link, [P], from where its row's function goes: `nodes`."""
    if pairs.best is not None:
        found: Ranks = pairs.best[np.arange(len(pairs.rows)), nodes.take(pairs.rows)]
        return found
    places = core.table.ranked.take(between, axis=2)
    places += pairs.rows * core.width
    room = (core.flat.take(places) >= pairs.bandwidth).all(axis=1)
    return np.where(room.any(axis=0), room.argmax(axis=0), NO_PATH).astype(np.int8)


def _pairs(core: "Embedding", first_link: Ints, degree: Ints, candidates: Bools) -> Pairs:
    traces = core.traces
    rows = np.repeat(core.index, degree)
    behind = degree.cumsum() - degree
    place = (first_link + core.link_base - behind).take(rows) + np.arange(len(rows))
    targets = core.slots[rows, traces.to.take(place)]
    owners = degree.nonzero()[0]
    asked, ordinal = traces.bandwidth.take(place), traces.ordinal.take(place)
    best, hops = None, core.table.first_hops.take(targets, axis=0)
    if core.mask is Mask.LINKS:
        best = _best_paths(core, rows, targets, asked, candidates, hops)
    return Pairs(rows, targets, asked, ordinal, behind[owners], owners, best, hops)


def _best_paths(
    core: "Embedding", rows: Ints, targets: Ints, asked: Floats, candidates: Bools, hops: Floats
) -> Ranks:
    """Looks at the best path of every candidate, and then at the others where it is full; corrects
    their `hops`.

    What varies most stands last in every array: numpy is slow where it is a handful of hops.
    """
    table, flat, nodes = core.table, core.flat, core.nodes
    base = rows * core.width
    places = table.first.take(targets, axis=1)
    places += base[:, None]
    full = ~(flat.take(places) >= asked[:, None]).all(axis=0)
    full &= candidates.take(rows, axis=0)
    best = np.zeros(full.shape, dtype=np.int8)
    left = full.reshape(-1).nonzero()[0]
    pair = left // nodes
    between = (targets - np.arange(len(targets))).take(pair) * nodes + left
    base, asked = base.take(pair), asked.take(pair)
    for low, high in GROUPS if len(left) > FEW else ((1, PATHS),):
        if not len(left):
            break
        places = table.ranked[low:high].take(between, axis=2)
        places += base
        room = (flat.take(places) >= asked).all(axis=1)
        found = np.logical_or.reduce(room, axis=0)
        got, missed = found.nonzero()[0], (~found).nonzero()[0]
        rank, at = room.take(got, axis=1).argmax(axis=0) + low, left.take(got)
        best.reshape(-1)[at] = rank
        hops.reshape(-1)[at] = table.hops.reshape(-1).take(between.take(got) * PATHS + rank)
        left, between = left.take(missed), between.take(missed)
        base, asked = base.take(missed), asked.take(missed)
    best.reshape(-1)[left] = NO_PATH
    return best
