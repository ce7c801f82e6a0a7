"""What a learned policy knows of every legal node, and of a request before it is begun: ratios
that mean the same on every network, so that what was learned on some serves on others."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from envs.arrays import Floats, Ints
from envs.embedding.core import Embedding, domains_of
from envs.embedding.model import Substrate
from envs.embedding.paths import table_of

NODE_NAMES: Final = (
    "free_after",  # share of the node's CPU that is left
    "room_after",  # the same, in mean nodes of its domain
    "tight_after",  # near 1 where less is left than was asked
    "bandwidth_around",  # share that is free
    "bandwidth_short",  # what later functions will carry, over what is free around
    "hops",  # of the routes to functions placed before, over 4
    "congestion",  # used shares of their links, squared and summed
    "narrowest",  # the smallest share left on any of their links
    "domain_load",
    "hops_ahead",  # to where the next function could go, over 4
    "room_ahead",  # share of CPU free there
    "capacity",  # of the node, in mean nodes of its domain
    "unpinned_load",  # the load of its domain, where the function may be anywhere
    "degree",
)
REQUEST_NAMES: Final = (
    "cpu_first",  # of the first function, in mean nodes it may be on
    "cpu",
    "bandwidth",
    "functions",
    "life",  # life / (life + mean life so far)
    "load_first",  # of the nodes that the first function may be on
    "load",
    "load_largest",  # of the fullest domain
    "bandwidth_load",
    "bandwidth_load_first",  # around those nodes
    "free_first",  # the largest share free on one of them
    "cpu_first_loaded",
    "cpu_loaded",
    "bandwidth_loaded",
    "life_loaded",
    "life_cpu_first",
    "life_bandwidth",
    "load_first_squared",
)
HOPS_SCALE: Final = 4.0
TINY: Final = 1e-9
NETWORKS_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Candidates:
    """The C legal nodes of all rows, row after row: rows and nodes, [C], and x, [C, N]."""

    rows: Ints
    nodes: Ints
    x: Floats


class Network:
    """What features need of a substrate, worked out once."""

    def __init__(self, substrate: Substrate) -> None:
        nodes, domains, table = substrate.nodes, domains_of(substrate), table_of(substrate)
        self.cpu = np.maximum(np.array(substrate.cpu), TINY)
        number = {name: index for index, name in enumerate(domains)}
        # One more for nodes in no domain.
        self.domain = np.array([number.get(name or "", len(domains)) for name in substrate.domains])
        self.member = np.zeros((nodes, len(domains) + 1))
        self.member[np.arange(nodes), self.domain] = 1.0
        self.populated = self.member.any(axis=0)
        self.domain_cpu = np.maximum(self.cpu @ self.member, TINY)
        self.mean_cpu = self.domain_cpu / np.maximum(self.member.sum(axis=0), 1.0)
        around, degree = np.zeros(nodes), np.zeros(nodes)
        for end in np.array(substrate.links, dtype=np.int64).reshape(-1, 2).T:
            np.add.at(around, end, substrate.bandwidth)
            np.add.at(degree, end, 1.0)
        self.around = np.maximum(around, TINY)
        self.degree = degree / max(float(degree.max(initial=1.0)), 1.0)
        self.bandwidth = max(sum(substrate.bandwidth), TINY)
        self.mean_bandwidth = self.bandwidth / max(len(substrate.links), 1)
        # Of every place that paths name; what is behind the links is never used.
        self.per_place = 1.0 / np.maximum(np.array([*substrate.cpu, *substrate.bandwidth]), TINY)
        self.by_hop = np.ascontiguousarray(table.ranked.transpose(1, 0, 2)).reshape(
            table.longest, -1
        )
        hops = table.first_hops
        self.near = np.where(hops > 0, np.exp(-hops), 0.0)


@lru_cache(maxsize=NETWORKS_KEPT)
def network_of(substrate: Substrate) -> Network:
    return Network(substrate)


def candidates(core: Embedding, network: Network) -> Candidates:
    """The legal nodes, and what there is to say of each."""
    nodes, traces, linked = core.nodes, core.traces, core.survey.linked
    rows, at = linked[:, : core.nodes].nonzero()
    shown = traces.shown.take(core.cursor, axis=0).take(rows, axis=0)
    asked, later = shown[:, 0], shown[:, 2]
    flat = rows * nodes + at
    domain, own = network.domain[at], network.cpu[at]
    mean = network.mean_cpu[domain]
    after = core.flat.take(rows * core.width + at) - asked
    around = core.around[rows, at]
    load = _loads(core, network)[rows, domain]
    anywhere = traces.pin.take(core.cursor).take(rows) == len(core.allowed) - 2
    ahead, room = _ahead(core, network)
    hops, congestion, narrowest = _routes(core, network)
    columns = (
        after / own,
        after / mean,
        np.exp(-4.0 * after / np.maximum(asked, 1.0)),
        around / network.around[at],
        np.minimum(later / np.maximum(around, TINY), 2.0),
        hops.take(flat),
        congestion.take(flat),
        narrowest.take(flat),
        load,
        ahead.take(flat),
        room.take(flat),
        own / mean,
        load * anywhere,
        network.degree[at],
    )
    return Candidates(rows, at, np.stack(columns, axis=1))


def requests(core: Embedding, network: Network, rows: Ints) -> Floats:
    """What there is to say of the requests of these rows, [len(rows), R]."""
    nodes, traces = core.nodes, core.traces
    cursor = core.cursor[rows]
    shown = traces.shown.take(cursor, axis=0)
    allowed = core.allowed.take(traces.pin.take(cursor), axis=0)
    everything = core.free[rows]
    free, loads = everything[:, :nodes], _loads(core, network)[rows][:, network.populated]
    capacity = np.maximum(allowed @ network.cpu, TINY)
    cpu_first = np.minimum(shown[:, 0] * allowed.sum(axis=1) / capacity, 2.0)
    cpu = shown[:, 5] / (2.0 * network.cpu.mean())
    bandwidth, life = shown[:, 6] / network.mean_bandwidth, _stay(core, rows)
    load_first = 1.0 - (free * allowed).sum(axis=1) / capacity
    load = loads.mean(axis=1)
    left = everything[:, nodes : core.table.ample].sum(axis=1)
    bandwidth_load = 1.0 - left / network.bandwidth
    around = (core.around[rows][:, :nodes] * allowed).sum(axis=1)
    columns = (
        cpu_first,
        cpu,
        bandwidth,
        core.size[rows] / core.functions_max,
        life,
        load_first,
        load,
        loads.max(axis=1),
        bandwidth_load,
        1.0 - around / np.maximum(allowed @ network.around, TINY),
        np.where(allowed, free / network.cpu, 0.0).max(axis=1),
        cpu_first * load_first,
        cpu * load,
        bandwidth * bandwidth_load,
        life * load_first,
        life * cpu_first,
        life * bandwidth,
        load_first * load_first,
    )
    return np.stack(columns, axis=1)


def _stay(core: Embedding, rows: Ints) -> Floats:
    """Near 1 for requests that stay much longer than those that have come so far did."""
    traces, request = core.traces, core.request[rows]
    life = traces.ends.take(request) - traces.arrival.take(request)
    share: Floats = life / np.maximum(life + traces.mean_life.take(request), TINY)
    return share


def _loads(core: Embedding, network: Network) -> Floats:
    """The share of CPU in use, [B, domains + 1]."""
    loads: Floats = 1.0 - (core.free[:, : core.nodes] @ network.member) / network.domain_cpu
    return loads


def _routes(core: Embedding, network: Network) -> tuple[Floats, Floats, Floats]:
    """Of the routes from each legal node, [B n]: hops (over 4) and congestion, each link by its
    share of the bandwidth, and the smallest share left anywhere; 0, 0 and 1 where none leads."""
    nodes, table, cells = core.nodes, core.table, core.rows * core.nodes
    if (pairs := core.survey.pairs) is None:
        return np.zeros(cells), np.zeros(cells), np.ones(cells)
    assert pairs.best is not None
    pair, at = core.survey.linked[:, :nodes].take(pairs.rows, axis=0).nonzero()
    of = pairs.rows.take(pair)
    rank = pairs.best[pair, at].astype(np.int64)
    where = rank * nodes**2 + pairs.targets.take(pair) * nodes + at
    places = network.by_hop.take(where, axis=1)
    places += of * core.width
    used = np.zeros((core.rows, core.width))
    used[:, : table.ample] = 1.0 - core.free[:, : table.ample] * network.per_place
    crossed = used.reshape(-1).take(places)
    total = np.zeros(core.rows)
    total[pairs.owners] = np.add.reduceat(pairs.bandwidth, pairs.starts)
    share = pairs.bandwidth.take(pair) / np.maximum(total.take(of), TINY)
    cell = of * nodes + at
    hops, congestion, narrowest = np.zeros(cells), np.zeros(cells), np.ones(cells)
    np.add.at(hops, cell, share * pairs.hops[pair, at] / HOPS_SCALE)
    np.add.at(congestion, cell, share * (crossed * crossed).sum(axis=0))
    np.minimum.at(narrowest, cell, 1.0 - crossed.max(axis=0))
    return hops, congestion, narrowest


def _ahead(core: Embedding, network: Network) -> tuple[Floats, Floats]:
    """Hops (over 4) from each node to where the next function could go, and the share of CPU free
    there, near nodes counting most, [B, n]; zeros where this function is the last."""
    nodes, traces, following = core.nodes, core.traces, core.cursor + 1
    more = (core.position + 1 < core.size)[:, None]
    free = core.free[:, :nodes]
    fits = (free >= traces.cpu.take(following)[:, None]) & more
    fits &= core.allowed.take(traces.pin.take(following), axis=0)
    fits &= core.unused
    weight = fits @ network.near
    room = ((free / network.cpu) * fits) @ network.near / np.maximum(weight, TINY)
    hops = np.minimum(-np.log(np.maximum(weight, TINY)) / HOPS_SCALE, 2.0) * more
    return hops, room
