"""The case study for one episode, in plain Python: slow, and obviously right."""

from dataclasses import dataclass, field
from typing import Any

from envs.sliceorch.instances import (
    CHAIN,
    COST,
    CPU,
    LATENCY_MS,
    MEMORY,
    SHARING,
    WEIGHTS,
    Instances,
)


@dataclass
class Placed:
    slice: Any
    kind: str
    nodes: set[int]
    latency_ms: float
    cost: float
    ends: float
    alive: bool = True
    broken: bool = False
    met: set[int] = field(default_factory=set)

    @property
    def served(self) -> bool:
        within = self.latency_ms <= self.slice[LATENCY_MS] and self.cost <= self.slice[COST]
        return bool(within and not self.broken)

    @property
    def weighted_cost(self) -> float:
        latency, reliability, economics = self.slice[WEIGHTS]
        return float(
            latency * self.latency_ms / 100
            + reliability * len(self.met) / 3
            + economics * self.cost / 40
        )


class ByHand:
    def __init__(self, instances: Instances, row: int) -> None:
        self.instances, self.row = instances, row
        self.count = int(instances.requests[row])
        self.nodes = instances.cost.shape[1]
        self.turn = 0
        self.chain: list[int] = []
        self.slices: list[Placed | None] = []

    @property
    def current(self) -> Any:
        return self.instances.slices[self.row, self.turn]

    def living(self, kind: str) -> list[Placed]:
        return [one for one in self.slices if one is not None and one.alive and one.kind == kind]

    def served(self) -> int:
        return sum(one is not None and one.served for one in self.slices)

    def on(self, node: int) -> list[Placed]:
        return [one for one in self.living("cloud") if node in one.nodes]

    def fits(self) -> bool:
        local = self.living("local")
        cpu = sum(one.slice[CPU] for one in local) + self.current[CPU]
        memory = sum(one.slice[MEMORY] for one in local) + self.current[MEMORY]
        return bool(cpu <= 40 and memory <= 30)

    def can(self, action: int) -> bool:
        if action < self.nodes:
            return action not in self.chain
        return action > self.nodes or (not self.chain and self.fits())

    def step(self, action: int) -> float:
        before, weighted = self.served(), 0.0
        ends = self.instances.arrival[self.row, self.turn]
        ends += self.instances.holding[self.row, self.turn]
        if action < self.nodes:
            self.chain.append(action)
            if len(self.chain) == self.current[CHAIN]:
                weighted = self.cloud(ends)
                self.next()
        elif action == self.nodes:
            placed = Placed(self.current, "local", set(), 30.0, 30.0, ends)
            self.slices.append(placed)
            weighted = placed.weighted_cost
            self.next()
        else:
            self.slices.append(None)
            self.next()
        return self.served() - before - 0.5 * weighted

    def cloud(self, ends: float) -> float:
        delay = sum(self.instances.delay_ms[self.row, node] for node in self.chain)
        cost = sum(self.instances.cost[self.row, node] for node in self.chain)
        placed = Placed(self.current, "cloud", set(self.chain), 30 + delay, 10 + cost, ends)
        self.slices.append(placed)
        for node in self.chain:
            together = self.on(node)
            for one in together:
                if len(together) > 1:
                    one.met.add(node)
                if len(together) > one.slice[SHARING]:
                    one.broken = True
        return placed.weighted_cost

    def next(self) -> None:
        self.turn, self.chain = self.turn + 1, []
        if self.turn < self.count:
            now = self.instances.arrival[self.row, self.turn]
            for one in self.slices:
                if one is not None and one.ends <= now:
                    one.alive = False
