"""What an agent sees: its own domain in full, the others only as they show themselves.

One flat vector of numbers in [0, 1] per agent, in this order:

    request     `REQUEST_NAMES`: how far the episode is, what is asked end to end, the preference
    resources   of its own domain: units left, relative to the most that an episode begins with
    others      per other domain, by name: `PEER_NAMES`
    options     `OPTION_NAMES`, each of every hop that it may be asked for, each M numbers

`Observer.schema` names them all, as a policy file does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domains.model import PPB
from domains.policy import Schema
from envs.arrays import Bools, Floats, Ints
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.scenarios import Task
from envs.crossdomain.tables import PLENTY

ENVIRONMENT: Final = "entente/CrossDomain-v0"
REQUEST_NAMES: Final = (
    "remaining",
    "served",
    "latency_bound",
    "unavailability_bound",
    "ceiling",
    "downlink",
    "uplink",
    "devices",
    "isolated",
    "prefers_latency",
    "prefers_reliability",
    "prefers_throughput",
    "prefers_economics",
    "asked",
)
OPTION_NAMES: Final = (
    "legal",  # there is room, and some agreement could hold it
    "latency",  # share of the end-to-end bound
    "unavailability",  # the same
    "price",  # share of the ceiling
    "drain",  # the largest share that it takes of what is left of a resource
    "exact",  # keeps the budgets that the coordinator's split gives this hop
)
PEER_NAMES: Final = ("asked", "latency", "unavailability", "price", "residual", "ways")
BUCKETS: Final = 3.0
WAYS_MAX: Final = 4.0
# Decades that logarithmic numbers span: 10 s in microseconds; all of PPB; 100 Gbit/s; 10 million.
LATENCY_DECADES, PPB_DECADES, KBPS_DECADES, DEVICE_DECADES = 7.0, 9.0, 8.0, 7.0

Observations = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Agent:
    """One domain's place in the tables.

    Attributes:
        slots: [C, S], its hops per class, the absent one where it has fewer.
        options: M, the most options of a hop of its; resources: places of those it owns.
    """

    name: str
    slots: Ints
    options: int
    resources: Ints

    @property
    def actions(self) -> int:
        """An option of every hop that it is asked for, or none, which comes last."""
        return self.options + 1


@dataclass(frozen=True, slots=True)
class Common:
    """What the observations of all agents are made of, once per step."""

    kind: Ints
    request: Floats
    legal: Bools  # [B, H + 1, M]
    latency: Floats
    unavailability: Floats
    price: Floats
    drain: Floats
    exact: Bools
    floors: Floats  # [B, H + 1, 4]: latency, unavailability, price, residual


class Observer:
    """Agents of a task in the order of `Tables.domains`."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.tables = task.tables
        self._room_max = np.maximum(task.room_max, 1.0)
        self.agents = tuple(self._agent(index) for index in range(len(self.tables.domains)))

    def _agent(self, index: int) -> Agent:
        tables = self.tables
        mine = tables.domain_of[tables.row[:, : tables.hops]] == index
        width = max(int(mine.sum(axis=1).max()), 1)
        slots = np.full((len(mine), width), tables.hops)
        for class_, hops in enumerate(mine):
            found = np.flatnonzero(hops)
            slots[class_, : len(found)] = found
        rows = np.flatnonzero(tables.domain_of == index)
        options = int(tables.present[rows].sum(axis=1).max()) if len(rows) else 1
        name = tables.domains[index]
        owned = [at for at, (domain, _) in enumerate(tables.resources) if domain == name]
        return Agent(name, slots, options, np.array(owned, dtype=np.int64))

    def size(self, agent: Agent) -> int:
        options = len(OPTION_NAMES) * agent.slots.shape[1] * agent.options
        others = len(PEER_NAMES) * (len(self.agents) - 1)
        return int(len(REQUEST_NAMES) + len(agent.resources) + options + others)

    def schema(self, agent: Agent) -> Schema:
        """Names of what it sees and does, in order; M candidates, then the offer of nothing."""
        owned = [":".join(self.tables.resources[at]) for at in agent.resources.tolist()]
        others = [one.name for one in self.agents if one is not agent]
        return Schema(
            ENVIRONMENT,
            (*REQUEST_NAMES, *owned, *(f"{o}:{name}" for o in others for name in PEER_NAMES)),
            tuple(f"{name}:{s}" for name in OPTION_NAMES for s in range(agent.slots.shape[1])),
            ("none",),
        )

    def legal(self, core: CrossDomain) -> Bools:
        """[B, H, M], options with room that some agreement could hold; none once it is over."""
        hopeful = self.tables.hopeful[core.kind(), : self.tables.hops]
        found: Bools = core.room() & hopeful & ~core.done[:, None, None]
        return found

    def mask(self, core: CrossDomain, agent: Agent, legal: Bools) -> Bools:
        """[B, actions]: an option that is legal for some hop; to offer none always is."""
        slots = agent.slots[core.kind()]
        at = np.minimum(slots, self.tables.hops - 1)
        every = np.arange(core.rows)[:, None]
        mine: Bools = legal[every, at] & (slots < self.tables.hops)[:, :, None]
        always = np.ones((core.rows, 1), dtype=np.bool_)
        return np.concatenate([np.any(mine, axis=1)[:, : agent.options], always], axis=1)

    def offers(
        self, core: CrossDomain, legal: Bools, actions: Mapping[str, Ints], bids: int = 1
    ) -> Bools:
        """[B, H, M], what legal actions put on offer: see `envs.crossdomain.env`."""
        tables, kind = self.tables, core.kind()
        shown = np.zeros((core.rows, tables.hops + 1, tables.options), dtype=np.bool_)
        every = np.arange(core.rows)[:, None]
        number = np.arange(tables.options)
        for agent in self.agents:
            slots = agent.slots[kind]
            first = actions[agent.name][:, None, None]
            allowed = legal[every, np.minimum(slots, tables.hops - 1)]
            from_here = allowed & (number >= first) & (first < agent.options)
            offered = from_here & (from_here.cumsum(axis=2) <= bids)
            # Without the option itself nothing is offered on a hop: it is what was meant.
            offered &= (from_here & (number == first)).any(axis=2, keepdims=True)
            shown[every, slots] |= offered
        return shown[:, : tables.hops]

    def actions(self, core: CrossDomain, shown: Bools) -> dict[str, Ints]:
        """The actions that offer what a reference policy does, [B] by agent: of each agent the
        first option that is shown on any hop of its, or none."""
        found: dict[str, Ints] = {}
        every = np.arange(core.rows)[:, None]
        for agent in self.agents:
            slots = agent.slots[core.kind()]
            mine = shown[every, np.minimum(slots, self.tables.hops - 1)]
            mine = np.any(mine & (slots < self.tables.hops)[:, :, None], axis=1)
            last = np.ones((core.rows, 1), dtype=np.bool_)
            choices = np.concatenate([mine[:, : agent.options], last], axis=1)
            found[agent.name] = choices.argmax(axis=1)
        return found

    def common(self, core: CrossDomain, legal: Bools) -> Common:
        tables, kind = self.tables, core.kind()
        row = tables.row[kind]  # [B, H + 1]
        bound_us = np.maximum(tables.latency_us_max[kind], 1)[:, None]
        bound_ppb = np.maximum(PPB - tables.availability_ppb_min[kind], 1)[:, None]
        scale = tables.price_scale[kind][:, None]
        unavailable = PPB - tables.availability_ppb[row]
        left = core.free[np.arange(core.rows)[:, None, None, None], tables.resource[row]]
        exact = (tables.latency_us[row] <= tables.share_us[kind][:, :, None]) & (
            unavailable <= (PPB - tables.share_ppb[kind])[:, :, None]
        )
        over = np.ones((core.rows, 1), dtype=np.int64)
        floors = np.stack(
            [
                tables.floor_us[row] / bound_us,
                (PPB - tables.floor_ppb[row]) / bound_ppb,
                tables.floor_micros[row] / scale,
                np.concatenate([core.buckets(), over], axis=1) / BUCKETS,
            ],
            axis=2,
        )
        absent = np.zeros((core.rows, 1, tables.options), dtype=np.bool_)
        return Common(
            kind,
            self._request(core, kind),
            np.concatenate([legal, absent], axis=1),
            _share(tables.latency_us[row], bound_us[:, :, None]),
            _share(unavailable, bound_ppb[:, :, None]),
            _share(tables.price_micros[row], scale[:, :, None]),
            _share(tables.units[row], np.maximum(left, 1)).max(axis=3),
            exact,
            np.minimum(floors, 1.0),
        )

    def observe(self, core: CrossDomain, agent: Agent, common: Common) -> Observations:
        """[B, size(agent)]."""
        tables = self.tables
        slots = agent.slots[common.kind]
        every = np.arange(core.rows)[:, None]
        there = slots < tables.hops
        asked = there.any(axis=1, keepdims=True) & ~core.done[:, None]
        free = core.free[:, agent.resources] / self._room_max[agent.resources]
        options = np.stack(
            [
                np.where(there[:, :, None], values[every, slots], 0.0)[:, :, : agent.options]
                for values in (
                    common.legal,
                    common.latency,
                    common.unavailability,
                    common.price,
                    common.drain,
                    common.exact,
                )
            ],
            axis=1,
        )
        others = [self._other(common, one) for one in self.agents if one is not agent]
        parts = [
            common.request,
            asked,
            np.minimum(free, 1.0),
            *others,
            options.reshape(core.rows, -1),
        ]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def _other(self, common: Common, agent: Agent) -> Floats:
        """[B, 6]: the best that a domain advertises for any hop that it is asked for."""
        slots = agent.slots[common.kind]
        there = slots < self.tables.hops
        every = np.arange(len(slots))[:, None]
        floors = common.floors[every, slots]  # [B, S, 4]
        least = np.where(there[:, :, None], floors[:, :, :3], 1.0).min(axis=1)
        most = np.where(there, floors[:, :, 3], 0.0).max(axis=1)
        ways = np.minimum(there.sum(axis=1) / WAYS_MAX, 1.0)
        return np.column_stack([there.any(axis=1), least, most, ways])

    def _request(self, core: CrossDomain, kind: Ints) -> Floats:
        tables = self.tables
        ceiling = np.where(tables.price_micros_max[kind] < PLENTY, 1.0, 0.0)
        downlink, uplink, devices, isolated = tables.load[kind].T
        return np.column_stack(
            [
                1.0 - core.turn / core.requests,
                core.served / core.requests,
                _decades(tables.latency_us_max[kind], LATENCY_DECADES),
                _decades(PPB - tables.availability_ppb_min[kind], PPB_DECADES),
                ceiling,
                _decades(downlink, KBPS_DECADES),
                _decades(uplink, KBPS_DECADES),
                _decades(devices, DEVICE_DECADES),
                isolated,
                tables.preference[kind],
            ]
        )


def _share(values: Ints, of: Ints | Floats) -> Floats:
    found: Floats = np.minimum(values / of, 1.0)
    return found


def _decades(values: Ints, span: float) -> Floats:
    found: Floats = np.minimum(np.log10(1.0 + values) / span, 1.0)
    return found
