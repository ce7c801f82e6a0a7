"""An episode as a workload file, so that other solvers can be run on it.

A projection: schema vne-workload/1 knows one amount per node and no alternatives. A node is a pool:
the resource that an option takes the largest part of, its CPU what is free, in percent of the
largest pool of that hop. A request is the cheapest agreement of the empty network: a function per
hop, pinned to the pools of that hop, that asks for what the agreed option takes. Links join the
pools of hops that meet and have bandwidth (Mbit/s) for everybody. Latency bounds are carried;
availability and prices are not. A plan for the file is none for the episode; acceptance compares
solvers with each other.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import Final

import numpy as np

from envs.crossdomain.core import Episodes
from envs.crossdomain.merge import settled
from envs.crossdomain.scenarios import Task
from envs.embedding.model import Request, Substrate, Workload

PERCENT: Final = 100.0
KBPS_PER_MBPS: Final = 1_000
US_PER_MS: Final = 1_000
NOTE: Final = "One amount per pool, in percent of the largest pool of a hop; nothing departs."

Label = str
"""domain/ingress/egress: where a function is pinned to."""
Pool = tuple[Label, int]
"""A resource, as one hop sees it."""


class Projection:
    """What of a task does not depend on the episode."""

    def __init__(self, task: Task) -> None:
        self._task = task
        tables = task.tables
        self._labels = [["/".join(key) for key in one.budgets] for one in tables.asked]
        every = np.arange(len(tables.asked))
        present = tables.present[tables.row[:, : tables.hops]]
        self._chain, self._picks = settled(tables, every, present, tables.chain_present)
        pools: dict[Pool, None] = {}
        pairs: dict[tuple[Label, Label], None] = {}
        for class_, labels in enumerate(self._labels):
            for hop, label in enumerate(labels):
                for option in np.flatnonzero(tables.hopeful[class_, hop]).tolist():
                    pools[label, self._takes(class_, hop, option)[0]] = None
            for chain in tables.chain[class_, tables.chain_present[class_]].tolist():
                met = [labels[hop] for hop in chain if hop < tables.hops]
                pairs.update(dict.fromkeys(pairwise(met)))
        self._pools = list(pools)
        self._scale: dict[Label, float] = {}
        for label, at in self._pools:
            largest = max(self._scale.get(label, 1.0), float(task.room_max[at]))
            self._scale[label] = largest
        self._links = [
            (a, b) for first, second in pairs for a, b in product(self._of(first), self._of(second))
        ]

    def workload(self, episodes: Episodes, row: int, name: str) -> Workload:
        """The episode in that row: requests arrive one per unit of time and stay to the end."""
        kinds = episodes.kinds[row].tolist()
        free = episodes.free[row]
        everybody = sum(self._mbps(kind) for kind in kinds)
        substrate = Substrate(
            ids=tuple(range(len(self._pools))),
            domains=tuple(label for label, _ in self._pools),
            cpu=tuple(PERCENT * float(free[at]) / self._scale[label] for label, at in self._pools),
            links=tuple(self._links),
            bandwidth=(everybody,) * len(self._links),
            latency_ms=(0.0,) * len(self._links),
        )
        requests = tuple(self._request(number, kind) for number, kind in enumerate(kinds))
        return Workload(name, NOTE, substrate, requests)

    def _of(self, label: Label) -> list[int]:
        """Places of a hop's pools."""
        return [place for place, (one, _) in enumerate(self._pools) if one == label]

    def _takes(self, class_: int, hop: int, option: int) -> tuple[int, float]:
        """The resource that an option takes the largest part of, and how many units."""
        tables = self._task.tables
        at = tables.row[class_, hop], option
        resource, units = tables.resource[at], tables.units[at]
        real = units > 0
        parts = units[real] / np.maximum(self._task.room_max[resource[real]], 1.0)
        most = int(parts.argmax())
        return int(resource[real][most]), float(units[real][most])

    def _mbps(self, kind: int) -> float:
        return float(self._task.tables.load[kind, :2].max()) / KBPS_PER_MBPS

    def _request(self, number: int, kind: int) -> Request:
        tables, labels = self._task.tables, self._labels[kind]
        chain = tables.chain[kind, self._chain[kind]].tolist()
        hops = [hop for hop in chain if hop < tables.hops]
        taken = zip(hops, self._picks[kind].tolist(), strict=False)
        units = [self._takes(kind, hop, option)[1] for hop, option in taken]
        service = tables.asked[kind].service
        return Request(
            id=number,
            time=float(number),
            life=float(self._task.requests),
            kind=service.slice_type.label,
            latency_ms_max=service.latency_us_max / US_PER_MS,
            cpu=tuple(
                PERCENT * amount / self._scale[labels[hop]]
                for hop, amount in zip(hops, units, strict=True)
            ),
            domains=tuple(labels[hop] for hop in hops),
            links=tuple((at, at + 1, self._mbps(kind)) for at in range(len(hops) - 1)),
        )
