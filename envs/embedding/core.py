"""Embedding as a batch: many episodes on one substrate stepped at once, no Python per node.

One step places one network function of the current request on a node and routes its links to the
functions placed before it, or refuses the request. Rows are independent: what happens in one never
depends on which others are beside it, so a batch of one is the same environment.
"""

from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from envs.arrays import Bools, Floats, Ints
from envs.embedding.model import Substrate
from envs.embedding.paths import table_of
from envs.embedding.survey import NO_PATH, Survey, survey
from envs.embedding.traces import Traces

LIVE_ROOMS: Final = 16


class Mask(StrEnum):
    """Which nodes are legal; refusing always is."""

    LINKS = "links"  # also: each link, on its own, has a path with room
    NODES = "nodes"  # enough CPU, in the domain asked for, not used by this request


class Reward(StrEnum):
    """What an accepted request is worth; anything else is worth nothing."""

    ACCEPTANCE = "acceptance"  # 1
    REVENUE = "revenue"  # its revenue over the trace's mean revenue per request
    RATIO = "r2c"  # its revenue over its cost


class Embedding:
    """B episodes, each with the trace in a room of its own or all with the same.

    Actions, [B]: 0..n-1 a node for the next function, n refuse the request. An action that is not
    legal, or whose links find no paths together, refuses it too. A finished row stays as it is.
    """

    def __init__(
        self,
        substrate: Substrate,
        traces: Traces,
        rows: int,
        mask: Mask,
        reward: Reward,
        functions_max: int,
        links_max: int,
    ) -> None:
        table, nodes = table_of(substrate), substrate.nodes
        self.substrate, self.table, self.traces = substrate, table, traces
        self.rows, self.nodes, self.refuse = rows, nodes, nodes
        self.mask, self.reward = mask, reward
        self.allowed = pins(substrate)
        self.index = np.arange(rows)
        # What is free: CPU of n nodes, bandwidth of L links, and the table's two that never change.
        self.capacity = np.array([*substrate.cpu, *substrate.bandwidth, np.inf, -1.0])
        self.width = len(self.capacity)
        self.free = np.tile(self.capacity, (rows, 1))
        self.flat = self.free.reshape(-1)
        self._base = self.index * self.width
        # The same bandwidth as the nodes at both ends see it, kept up to date; one more for CPU.
        self._ends = ends_of(substrate, self.width)
        self._all_around = np.zeros(nodes + 1)
        np.add.at(self._all_around, self._ends, self.capacity[:, None])
        self.around = np.tile(self._all_around, (rows, 1))
        self._around = self.around.reshape(-1)
        self._around_base = self.index * (nodes + 1)
        # What the current request took, at which places: V nodes, then H hops of each of its links.
        self.functions_max = functions_max
        self._hops = np.arange(table.longest)
        held = functions_max + links_max * table.longest
        self._at = np.full((rows, held), table.ample)
        self._taken = np.zeros((rows, held))
        # The same of accepted requests that have not left; an empty room ends never.
        self._live_at = np.full((rows, LIVE_ROOMS, held), table.ample)
        self._live_taken = np.zeros((rows, LIVE_ROOMS, held))
        self._live_ends = np.full((rows, LIVE_ROOMS), np.inf)
        # The current request, and where in the traces it and its next function stand.
        self.room, self.requests, self.turn, self.position, self.size, self.request = np.zeros(
            (6, rows), dtype=np.int64
        )
        self.cursor, self.link_base = np.zeros((2, rows), dtype=np.int64)
        self.slots = np.zeros((rows, functions_max), dtype=np.int64)
        self.unused = np.ones((rows, nodes), dtype=np.bool_)
        self.spent = np.zeros(rows)
        self.active = np.zeros(rows, dtype=np.bool_)
        # Results.
        self.accepted, self.illegal, self.unrouted = np.zeros((3, rows), dtype=np.int64)
        self.revenue, self.cost, self.held_revenue = np.zeros((3, rows))
        self.verdicts = np.zeros((rows, traces.requests - 1), dtype=np.bool_)
        self._survey: Survey | None = None

    def start(self, rows: Ints, rooms: Ints, requests: Ints) -> None:
        """Starts an episode in each of `rows`, with the trace in `rooms` of that many requests."""
        self.room[rows], self.requests[rows] = rooms, requests
        self.link_base[rows] = rooms * self.traces.links
        self.free[rows], self.around[rows] = self.capacity, self._all_around
        self._live_ends[rows] = np.inf
        for state in (self.turn, self.accepted, self.illegal, self.unrouted):
            state[rows] = 0
        for total in (self.revenue, self.cost, self.held_revenue):
            total[rows] = 0.0
        self.verdicts[rows] = False
        self._open(rows)

    @property
    def done(self) -> Bools:
        return ~self.active

    @property
    def survey(self) -> Survey:
        """What is legal in this step, and on which paths."""
        if self._survey is None:
            self._survey = survey(self)
        return self._survey

    @property
    def legal(self) -> Bools:
        """What the mask allows, [B, n + 1]; never empty: refusing is always legal."""
        return self._legal(self.survey).copy()

    def step(self, actions: NDArray[np.integer]) -> Floats:
        """Takes one action per row; returns the rewards [B]."""
        seen, active = self.survey, self.active
        placing = (actions >= 0) & (actions < self.nodes) & active
        nodes = np.where(placing, actions, 0)
        placing &= self._legal(seen)[self.index, nodes]
        routed = placing
        if (rows := placing.nonzero()[0]).size:
            routed = self._place(rows, nodes, placing, seen)
        self.position += routed
        self.cursor += routed
        self._survey = None
        complete = routed & (self.position == self.size)
        refused = active & ~routed
        rewards = np.zeros(self.rows)
        if refused.any():
            self.illegal += refused & ~placing & (actions != self.refuse)
            self.unrouted += refused & placing
            begun = (refused & (self.position + placing > 0)).nonzero()[0]
            self._give_back(begun, self._at[begun], self._taken[begun])
        elif not complete.any():
            return rewards
        if (rows := complete.nonzero()[0]).size:
            rewards[rows] = self._accept(rows)
        rows = (complete | refused).nonzero()[0]
        self.turn[rows] += 1
        self._open(rows)
        self._leave(rows)
        return rewards

    def _legal(self, seen: Survey) -> Bools:
        return seen.linked if self.mask is Mask.LINKS else seen.candidates

    def _place(self, rows: Ints, nodes: Ints, placing: Bools, seen: Survey) -> Bools:
        """Takes CPU, and paths where there are; returns which rows found all their paths."""
        chosen, position, cpu = nodes[rows], self.position[rows], seen.cpu[rows]
        self.flat[self._base[rows] + chosen] -= cpu
        self.slots[rows, position] = chosen
        self.unused[rows, chosen] = False
        self._at[rows, position], self._taken[rows, position] = chosen, cpu
        self.spent[rows] += cpu
        if (pairs := seen.pairs) is None:
            return placing
        rank = pairs.best[np.arange(len(pairs.rows)), nodes.take(pairs.rows)]
        routed = placing
        if (rank == NO_PATH).any():
            routed = placing.copy()
            routed[pairs.rows[rank == NO_PATH]] = False
        mine = routed.take(pairs.rows).nonzero()[0]
        if not mine.size:
            return routed
        of, asked = pairs.rows[mine], pairs.bandwidth[mine]
        between = pairs.targets[mine] * self.nodes + nodes[of]
        ranks = rank[mine].astype(np.int64)
        paths = self.table.links[between, ranks]
        where = paths + self._base[of][:, None]
        # In one dimension these two are an order of magnitude faster.
        np.subtract.at(self.flat, where.reshape(-1), asked.repeat(paths.shape[1]))
        if (short := (self.flat.take(where) < 0).any(axis=1)).any():
            np.add.at(self.flat, where.reshape(-1), asked.repeat(paths.shape[1]))
            tight = np.zeros(self.rows, dtype=np.bool_)
            tight[of[short]] = True
            crowded = tight[of].nonzero()[0]
            lost = self._in_turn(of, between, ranks, asked, crowded)
            routed = routed & ~lost
            kept = (~lost[of]).nonzero()[0]
            mine, of, asked, between, ranks = (
                mine[kept],
                of[kept],
                asked[kept],
                between[kept],
                ranks[kept],
            )
            paths = self.table.links[between, ranks]
            where = paths + self._base[of][:, None]
            np.subtract.at(self.flat, where.reshape(-1), asked.repeat(paths.shape[1]))
        longest = paths.shape[1]
        self._change_around(of, paths, -asked.repeat(2 * longest))
        columns = (pairs.ordinal[mine] * longest + self.functions_max)[:, None] + self._hops
        self._at[of[:, None], columns] = paths
        self._taken[of[:, None], columns] = asked[:, None]
        hops = self.table.hops[between, ranks]
        self.spent += np.bincount(of, weights=asked * hops, minlength=self.rows)
        return routed

    def _in_turn(self, rows: Ints, between: Ints, ranks: Ints, asked: Floats, pairs: Ints) -> Bools:
        """Ranks paths anew, one link after the other, each seeing what those before would take.

        For the few rows whose paths each had room and together have not; returns which of them have
        a link without a path.
        """
        lost = np.zeros(self.rows, dtype=np.bool_)
        row, free = -1, list[float]()
        for pair in pairs.tolist():
            if rows[pair] != row:
                row = int(rows[pair])
                free = self.free[row].tolist()
            needed = float(asked[pair])
            for best, path in enumerate(self.table.places(int(between[pair]))):  # noqa: B007
                if min([free[place] for place in path]) >= needed:
                    break
            else:
                lost[row] = True
                continue
            ranks[pair] = best
            for place in path:
                free[place] -= needed
        return lost

    def _accept(self, rows: Ints) -> Floats:
        request = self.request[rows]
        revenue, cost = self.traces.revenue[request], self.spent[rows]
        ends = self.traces.ends[request]
        life = ends - self.traces.arrival[request]
        room = self._live_ends[rows].argmax(axis=1)
        if np.isfinite(self._live_ends[rows, room]).any():
            self._more_rooms()
            room = self._live_ends[rows].argmax(axis=1)
        self._live_at[rows, room], self._live_taken[rows, room] = self._at[rows], self._taken[rows]
        self._live_ends[rows, room] = ends
        self.accepted[rows] += 1
        self.verdicts[rows, self.turn[rows]] = True
        self.revenue[rows] += revenue
        self.held_revenue[rows] += revenue * life
        self.cost[rows] += cost
        if self.reward is Reward.ACCEPTANCE:
            return np.ones(len(rows))
        if self.reward is Reward.REVENUE:
            return revenue / self.traces.mean_revenue[self.room[rows]]
        return np.divide(revenue, cost, out=np.ones(len(rows)), where=cost > 0)

    def _leave(self, rows: Ints) -> None:
        """Frees what ended before the next arrival; what ends at that moment stays."""
        leaving = self._live_ends[rows] < self.traces.arrival.take(self.request[rows])[:, None]
        which, room = np.nonzero(leaving)
        if not which.size:
            return
        gone = rows[which]
        self._give_back(gone, self._live_at[gone, room], self._live_taken[gone, room])
        self._live_ends[gone, room] = np.inf

    def _give_back(self, rows: Ints, places: Ints, amounts: Floats) -> None:
        where = places + self._base[rows, None]
        np.add.at(self.flat, where.reshape(-1), amounts.reshape(-1))
        self._change_around(rows, places, amounts.repeat(2))

    def _change_around(self, rows: Ints, places: Ints, amounts: Floats) -> None:
        """Adds to what both ends of the links at `places` [P, H] see; amounts: [P H 2]."""
        where = self._ends.take(places, axis=0) + self._around_base[rows][:, None, None]
        np.add.at(self._around, where.reshape(-1), amounts)

    def _open(self, rows: Ints) -> None:
        """Turns to the request whose turn it is; behind the last, to one that asks for nothing."""
        turn, room, traces = self.turn[rows], self.room[rows], self.traces
        request = room * traces.requests + turn
        first = traces.first.take(request)
        self.active[rows] = going = turn < self.requests[rows]
        self.request[rows], self.cursor[rows] = request, room * traces.steps + first
        self.size[rows] = np.where(going, traces.first.take(request + going) - first, 0)
        self.unused[rows], self.position[rows], self.spent[rows] = True, 0, 0.0
        self._at[rows], self._taken[rows] = self.table.ample, 0.0
        self._survey = None

    def _more_rooms(self) -> None:
        def doubled(old: NDArray[Any], value: float) -> NDArray[Any]:
            return np.concatenate([old, np.full_like(old, value)], axis=1)

        self._live_at = doubled(self._live_at, self.table.ample)
        self._live_taken = doubled(self._live_taken, 0.0)
        self._live_ends = doubled(self._live_ends, np.inf)


def ends_of(substrate: Substrate, width: int) -> Ints:
    """The nodes at both ends of what stands at each place, [width, 2]; n if it is no link."""
    ends = np.full((width, 2), substrate.nodes, dtype=np.int64)
    pairs = np.array(substrate.links, dtype=np.int64).reshape(-1, 2)
    ends[substrate.nodes : substrate.nodes + len(pairs)] = pairs
    return ends


def domains_of(substrate: Substrate) -> tuple[str, ...]:
    """The domains that a pin can name, in the order in which traces count them."""
    return tuple(sorted({name for name in substrate.domains if name is not None}))


def pins(substrate: Substrate) -> Bools:
    """Which nodes each pin allows, [domains + 2, n]: every domain, then anywhere, then nowhere."""
    names = domains_of(substrate)
    allowed = np.zeros((len(names) + 2, substrate.nodes), dtype=np.bool_)
    for row, domain in enumerate(names):
        allowed[row] = [name == domain for name in substrate.domains]
    allowed[len(names)] = True
    return allowed
