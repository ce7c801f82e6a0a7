"""What an agent sees: its own domain in full, the others only as they show themselves.

One flat vector of numbers in [0, 1] per agent, in this order:

    request     `REQUEST_NAMES`: how far the episode is, what is asked end to end, the preference
    resources   of its own domain, `RESOURCE_NAMES` of each
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
from envs.arrays import Array32, Bools, Floats, Ints
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.scenarios import Task
from envs.crossdomain.tables import PLENTY, Tables

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
    "scarcity",  # the sum of such shares over resources, as `policies.prices` has it
    "pressure",  # of the resource that it takes and that is most in demand
    "again",  # for how many such requests there is room
)
RESOURCE_NAMES: Final = (
    "left",  # relative to the most that an episode begins with
    "left_here",  # the same where the waiting request may take some of it, else 0
    "pressure_here",  # demand still expected of it as a share of that and what is left; likewise
)
PEER_NAMES: Final = ("asked", "latency", "unavailability", "price", "residual", "ways")
BUCKETS: Final = 3.0
SCARCITY_MAX: Final = 2.0
AGAIN_MAX: Final = 8.0
WAYS_MAX: Final = 4.0
# Decades that logarithmic numbers span: 10 s in microseconds; all of PPB; 100 Gbit/s; 10 million.
LATENCY_DECADES, PPB_DECADES, KBPS_DECADES, DEVICE_DECADES = 7.0, 9.0, 8.0, 7.0

Observations = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Agent:
    """One domain's place in the tables.

    Attributes:
        slots: [C, S], its hops per class, the absent one where it has fewer; there: which are
            not absent.
        options: M, the most options of a hop of its; resources: places of those it owns.
        known: [C, O, S, M], the options as far as they do not depend on what is left.
        shown: [C, 6], what others see of it, likewise.
    """

    name: str
    slots: Ints
    there: Bools
    options: int
    resources: Ints
    known: Array32
    shown: Array32

    @property
    def actions(self) -> int:
        """An option of every hop that it is asked for, or none, which comes last."""
        return self.options + 1


@dataclass(frozen=True, slots=True)
class Common:
    """What the observations of all agents are made of, once per step.

    options: [B, H + 1, M] of each of `OPTION_NAMES` that depends on what is left; pressure:
    [B, resources], demand that is still expected as a share of that and what is left; residual:
    [B, agents].
    """

    kind: Ints
    options: Mapping[str, Array32]
    pressure: Floats
    residual: Array32


class Observer:
    """Agents of a task in the order of `Tables.domains`."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.tables = task.tables
        self._room_max = np.maximum(task.room_max, 1.0)
        self._request = _request(self.tables)
        self._touched = _touched(self.tables)
        shares = _shares(self.tables)
        self.agents = tuple(self._agent(at, shares) for at in range(len(self.tables.domains)))

    def _agent(self, index: int, shares: Floats) -> Agent:
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
        there = slots < tables.hops
        every = np.arange(len(slots))[:, None]
        known = np.where(there[:, :, None], shares[:, every, slots], 0.0)[..., :options]
        return Agent(
            name,
            slots,
            there,
            options,
            np.array(owned, dtype=np.int64),
            known.transpose(1, 0, 2, 3).astype(np.float32),
            self._shown(slots, there),
        )

    def _shown(self, slots: Ints, there: Bools) -> Array32:
        """[C, 6], the best that a domain advertises for any hop that it is asked for."""
        tables = self.tables
        row = tables.row[np.arange(len(slots))[:, None], slots]
        least = [
            np.where(there, floor, 1.0).min(axis=1)
            for floor in (
                _share(tables.floor_us[row], np.maximum(tables.latency_us_max, 1)[:, None]),
                _share(PPB - tables.floor_ppb[row], _allowed(tables)[:, None]),
                _share(tables.floor_micros[row], tables.price_scale[:, None]),
            )
        ]
        ways = np.minimum(there.sum(axis=1) / WAYS_MAX, 1.0)
        nothing_yet = np.zeros(len(slots))
        asked = np.any(there, axis=1)
        return np.column_stack([asked, *least, nothing_yet, ways]).astype(np.float32)

    def size(self, agent: Agent) -> int:
        options = len(OPTION_NAMES) * agent.slots.shape[1] * agent.options
        others = len(PEER_NAMES) * (len(self.agents) - 1)
        owned = len(RESOURCE_NAMES) * len(agent.resources)
        return int(len(REQUEST_NAMES) + owned + options + others)

    def schema(self, agent: Agent) -> Schema:
        """Names of what it sees and does, in order; M candidates, then the offer of nothing."""
        names = [":".join(self.tables.resources[at]) for at in agent.resources.tolist()]
        owned = [f"{name}:{what}" for what in RESOURCE_NAMES for name in names]
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
        kind = core.kind()
        at = np.minimum(agent.slots[kind], self.tables.hops - 1)
        mine: Bools = legal[np.arange(core.rows)[:, None], at] & agent.there[kind][:, :, None]
        mask = np.ones((core.rows, agent.actions), dtype=np.bool_)
        mask[:, :-1] = np.any(mine[:, :, : agent.options], axis=1)
        return mask

    def offers(
        self, core: CrossDomain, legal: Bools, actions: Mapping[str, Ints], bids: int = 1
    ) -> Bools:
        """[B, H, M], what legal actions put on offer: see `envs.crossdomain.env`."""
        tables, kind = self.tables, core.kind()
        shown = np.zeros((core.rows, tables.hops + 1, tables.options), dtype=np.bool_)
        for agent in self.agents:
            self.offer(agent, kind, legal, actions[agent.name], bids, shown)
        return shown[:, : tables.hops]

    def offer(
        self, agent: Agent, kind: Ints, legal: Bools, action: Ints, bids: int, shown: Bools
    ) -> None:
        """Puts on `shown`, [B, H + 1, M], what one agent's actions do, in place of what it had."""
        slots, every = agent.slots[kind], np.arange(len(kind))[:, None]
        number, first = np.arange(self.tables.options), action[:, None, None]
        allowed = legal[every, np.minimum(slots, self.tables.hops - 1)]
        from_here = allowed & (number >= first) & (first < agent.options)
        offered = from_here & (from_here.cumsum(axis=2) <= bids)
        # Without the option itself nothing is offered on a hop: it is what was meant.
        offered &= (from_here & (number == first)).any(axis=2, keepdims=True)
        shown[every, slots] = offered

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
        every = np.arange(core.rows)[:, None]
        pressure = self._pressure(core)
        takes = core.units() > 0  # [Z, B, H, M]
        shares = core.units() / np.maximum(core.left(), 1)
        most = shares.max(axis=0)
        pressed = np.where(takes, pressure[every[:, :, None], core.resource()], 0.0).max(axis=0)
        options = {
            "legal": legal,
            "drain": np.minimum(most, 1.0),
            "scarcity": np.minimum(shares.sum(axis=0) / SCARCITY_MAX, 1.0),
            "pressure": pressed,
            "again": np.minimum(np.floor(1.0 / np.maximum(most, 1e-9)) / AGAIN_MAX, 1.0),
        }
        buckets = np.zeros((core.rows, tables.hops + 1), dtype=np.float32)
        buckets[:, :-1] = core.buckets() / BUCKETS
        residual = np.stack(
            [
                np.where(agent.there[kind], buckets[every, agent.slots[kind]], 0.0).max(axis=1)
                for agent in self.agents
            ],
            axis=1,
        )
        return Common(
            kind,
            {name: _with_absent(values) for name, values in options.items()},
            pressure[:, : tables.plenty],
            residual.astype(np.float32),
        )

    def _pressure(self, core: CrossDomain) -> Floats:
        """[B, resources + 2], 0 of what there is plenty of."""
        to_go = (core.requests - core.turn)[:, None]
        need = to_go * np.concatenate([self.task.expected, [0.0, 0.0]])
        found: Floats = need / np.maximum(need + core.free, 1.0)
        return found

    def observe(self, core: CrossDomain, agent: Agent, common: Common) -> Observations:
        """[B, size(agent)]."""
        kind, request = common.kind, len(REQUEST_NAMES)
        seen = np.empty((core.rows, self.size(agent)), dtype=np.float32)
        seen[:, 0] = 1.0 - core.turn / core.requests
        seen[:, 1] = core.served / core.requests
        seen[:, 2 : request - 1] = self._request[kind]
        seen[:, request - 1] = agent.shown[kind, 0] * ~core.done
        at = request + len(RESOURCE_NAMES) * len(agent.resources)
        left = core.free[:, agent.resources] / self._room_max[agent.resources]
        here = self._touched[kind][:, agent.resources]
        pressure = common.pressure[:, agent.resources]
        owned = [np.minimum(left, 1.0), np.minimum(left, 1.0) * here, pressure * here]
        seen[:, request:at] = np.concatenate(owned, axis=1)
        for index, one in enumerate(self.agents):
            if one is not agent:
                seen[:, at : at + len(PEER_NAMES)] = one.shown[kind]
                seen[:, at + PEER_NAMES.index("residual")] = common.residual[:, index]
                at += len(PEER_NAMES)
        every, slots, there = np.arange(core.rows)[:, None], agent.slots[kind], agent.there[kind]
        options = seen[:, at:].reshape(core.rows, len(OPTION_NAMES), -1, agent.options)
        options[:] = agent.known[kind]
        for name, values in common.options.items():
            mine = values[every, slots][:, :, : agent.options]
            options[:, OPTION_NAMES.index(name)] = mine * there[:, :, None]
        return seen


def _shares(tables: Tables) -> Floats:
    """[O, C, H + 1, M], in the order of `OPTION_NAMES`, zero where it depends on what is left."""
    row = tables.row
    unavailable = PPB - tables.availability_ppb[row]
    latency = tables.latency_us[row]
    found = {
        "latency": _share(latency, np.maximum(tables.latency_us_max, 1)[:, None, None]),
        "unavailability": _share(unavailable, _allowed(tables)[:, None, None]),
        "price": _share(tables.price_micros[row], tables.price_scale[:, None, None]),
        "exact": (latency <= tables.share_us[:, :, None])
        & (unavailable <= (PPB - tables.share_ppb)[:, :, None]),
    }
    nothing = np.zeros(latency.shape)
    return np.stack([found.get(name, nothing) for name in OPTION_NAMES])


def _with_absent(values: Bools | Floats) -> Array32:
    """[B, H + 1, M] of [B, H, M], 0 for the absent hop."""
    rows, _, options = values.shape
    absent = np.zeros((rows, 1, options), dtype=np.float32)
    return np.concatenate([values.astype(np.float32), absent], axis=1)


def _touched(tables: Tables) -> Bools:
    """[C, resources], what some hopeful option of a class takes."""
    found = np.zeros((len(tables.row), tables.plenty + 2), dtype=np.bool_)
    class_, hop, option = np.nonzero(tables.hopeful)
    row = tables.row[class_, hop]
    found[class_[:, None], tables.resource[row, option]] = True
    return found[:, : tables.plenty]


def _request(tables: Tables) -> Array32:
    """[C, ...], what `REQUEST_NAMES` names from "latency_bound" to "prefers_economics"."""
    downlink, uplink, devices, isolated = tables.load.T
    return np.column_stack(
        [
            _decades(tables.latency_us_max, LATENCY_DECADES),
            _decades(PPB - tables.availability_ppb_min, PPB_DECADES),
            tables.price_micros_max < PLENTY,
            _decades(downlink, KBPS_DECADES),
            _decades(uplink, KBPS_DECADES),
            _decades(devices, DEVICE_DECADES),
            isolated,
            tables.preference,
        ]
    ).astype(np.float32)


def _allowed(tables: Tables) -> Ints:
    """[C], unavailability that is allowed, never 0."""
    found: Ints = np.maximum(PPB - tables.availability_ppb_min, 1)
    return found


def _share(values: Ints, of: Ints | Floats) -> Floats:
    found: Floats = np.minimum(values / of, 1.0)
    return found


def _decades(values: Ints, span: float) -> Floats:
    found: Floats = np.minimum(np.log10(1.0 + values) / span, 1.0)
    return found
