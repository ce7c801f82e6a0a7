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
from envs.embedding.survey import NO_PATH, Mask, Pairs, Survey, best_of, survey
from envs.embedding.traces import Traces

__all__ = ["Embedding", "Mask", "Reward", "domains_of", "pins"]

LIVE_ROOMS: Final = 16
# Of so many rows with links to route, each is routed by itself: calls cost more than what they do.
ONE_BY_ONE: Final = 6


class Reward(StrEnum):
    """What an accepted request is worth; anything else is worth nothing."""

    ACCEPTANCE = "acceptance"  # 1
    REVENUE = "revenue"  # its revenue over the trace's mean revenue per request
    RATIO = "r2c"  # its revenue over its cost
    BOTH = "acceptance+revenue"  # 1, and its revenue over the mean


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
        # The same memory, a number at a time.
        self._free: memoryview[float] = self.flat.data  # type: ignore[assignment]
        self._near: memoryview[float] = self._around.data  # type: ignore[assignment]
        self._end_list: list[tuple[int, int]] = [(u, v) for u, v in self._ends.tolist()]
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
        if rows.size <= ONE_BY_ONE:
            for row in rows.tolist():
                self._take_node(row, int(nodes[row]), float(seen.cpu[row]))
        else:
            self._take_nodes(rows, nodes[rows], seen.cpu[rows])
        if (pairs := seen.pairs) is None:
            return placing
        lost = np.zeros(self.rows, dtype=np.bool_)
        if len(pairs.owners) <= ONE_BY_ONE:
            in_turn = placing
        else:
            in_turn = self._route_at_once(pairs, nodes, placing, lost)
        ends = [*pairs.starts[1:].tolist(), len(pairs.rows)]
        for row, first, last in zip(
            pairs.owners.tolist(), pairs.starts.tolist(), ends, strict=True
        ):
            if in_turn[row] and not self._route_in_turn(
                row,
                int(nodes[row]),
                pairs.targets[first:last].tolist(),
                pairs.bandwidth[first:last].tolist(),
                pairs.ordinal[first:last].tolist(),
            ):
                lost[row] = True
        return placing & ~lost

    def _take_node(self, row: int, node: int, cpu: float) -> None:
        position = self.position[row]
        self._free[row * self.width + node] -= cpu
        self.slots[row, position] = node
        self.unused[row, node] = False
        self._at[row, position], self._taken[row, position] = node, cpu
        self.spent[row] += cpu

    def _take_nodes(self, rows: Ints, nodes: Ints, cpu: Floats) -> None:
        position = self.position[rows]
        self.flat[self._base[rows] + nodes] -= cpu
        self.slots[rows, position] = nodes
        self.unused[rows, nodes] = False
        self._at[rows, position], self._taken[rows, position] = nodes, cpu
        self.spent[rows] += cpu

    def _route_at_once(self, pairs: Pairs, nodes: Ints, placing: Bools, lost: Bools) -> Bools:
        """Takes the best path of every link of the rows where these do not compete.

        Marks in `lost` rows with a link that has no path; returns those left to be routed in turn,
        because paths that each have room together have not.
        """
        between = pairs.targets * self.nodes + nodes.take(pairs.rows)
        rank = best_of(self, pairs, nodes, between)
        lost[pairs.rows[rank == NO_PATH]] = True
        mine = (placing & ~lost).take(pairs.rows).nonzero()[0]
        of, asked, ranks = pairs.rows[mine], pairs.bandwidth[mine], rank[mine].astype(np.int64)
        paths = self.table.links[between[mine], ranks]
        where = paths + self._base[of][:, None]
        before = self.flat.take(where)
        # In one dimension this is an order of magnitude faster.
        np.subtract.at(self.flat, where.reshape(-1), asked.repeat(paths.shape[1]))
        crowded = np.zeros(self.rows, dtype=np.bool_)
        if (short := (self.flat.take(where) < 0).any(axis=1)).any():
            crowded[of[short]] = True
            undone = crowded[of]
            self.flat[where[undone]] = before[undone]
            kept = ~undone
            mine, of, asked, ranks, paths = (
                mine[kept],
                of[kept],
                asked[kept],
                ranks[kept],
                paths[kept],
            )
        longest = paths.shape[1]
        self._change_around(of, paths, -asked.repeat(2 * longest))
        columns = (pairs.ordinal[mine] * longest + self.functions_max)[:, None] + self._hops
        self._at[of[:, None], columns] = paths
        self._taken[of[:, None], columns] = asked[:, None]
        hops = self.table.hops[between[mine], ranks]
        self.spent += np.bincount(of, weights=asked * hops, minlength=self.rows)
        return crowded

    def _route_in_turn(
        self, row: int, node: int, targets: list[int], asked: list[float], ordinals: list[int]
    ) -> bool:
        """Takes a path for one link after the other, each seeing what those before it took; or
        none at all, if one of them finds none.

        Plain Python: for a handful of rows that is several times as fast as arrays are.
        """
        free, base, found = self._free, row * self.width, list[tuple[int, ...]]()
        before: list[tuple[int, float]] = []
        for target, needed in zip(targets, asked, strict=True):
            for path in self.table.places(target * self.nodes + node):
                for place in path:
                    if free[base + place] < needed:
                        break
                else:
                    break
            else:
                for place, amount in reversed(before):
                    free[place] = amount
                return False
            found.append(path)
            for place in path:
                before.append((base + place, free[base + place]))
                free[base + place] -= needed
        around, ends, near = self._near, self._end_list, row * (self.nodes + 1)
        at, taken, longest = self._at, self._taken, self.table.longest
        spent = 0.0
        for path, needed, ordinal in zip(found, asked, ordinals, strict=True):
            for place in path:
                u, v = ends[place]
                around[near + u] -= needed
                around[near + v] -= needed
            column = self.functions_max + ordinal * longest
            at[row, column : column + len(path)] = path
            taken[row, column : column + len(path)] = needed
            spent += needed * len(path)
        self.spent[row] += spent
        return True

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
        if self.reward is not Reward.RATIO:
            share: Floats = revenue / self.traces.mean_revenue[self.room[rows]]
            return share + 1.0 if self.reward is Reward.BOTH else share
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
