"""One-step lookahead: try each way to place the slice at hand, play sampled futures to the end."""

from typing import Final

import numpy as np

from envs.arrays import Bools, Floats, Ints
from envs.sliceorch.core import SliceOrchestration
from envs.sliceorch.instances import slices
from envs.sliceorch.policies.policy import best_node, legal_nodes
from envs.sliceorch.policies.rules import GreedyFill, packing
from envs.sliceorch.profiles import Mask

FUTURES: Final = 16
# Rows simulated at once: bounds memory (about 2 kB a row at 40 requests) and stays in cache.
ROWS_MAX: Final = 8192


class Lookahead:
    """Chooses local, cloud or refusal by the mean number served over sampled futures.

    All choices of a slice see the same futures. What is not known is drawn anew: the coming
    slices, and where slices depart, when they come and how long those alive still stay (stays are
    exponential, so the time already spent tells nothing).
    """

    name = "lookahead"
    mask = Mask.SLA

    def __init__(
        self, seed: int = 0, futures: int = FUTURES, load_erlang: float | None = None
    ) -> None:
        self.futures, self.load_erlang = futures, load_erlang
        self.base = GreedyFill(load_erlang=load_erlang)
        self._generator = np.random.default_rng(seed)

    def begin(self, core: SliceOrchestration) -> None:
        if core.departs.any() and self.load_erlang is None:
            raise ValueError("lookahead needs to know the offered load where slices depart")

    def act(self, core: SliceOrchestration) -> Ints:
        nodes = best_node(core, legal_nodes(core), packing(core))
        actions = nodes.copy()
        # Ways to start a slice, the preferred first: the best mean wins, ties go to the left.
        ways = np.stack([np.full(core.rows, core.local), nodes, np.full(core.rows, core.refuse)])
        possible = np.stack([core.legal[:, core.local], nodes != core.refuse, nodes == nodes])
        deciding = np.flatnonzero((core.picked == 0) & ~core.done & possible[:2].any(axis=0))
        step = max(1, ROWS_MAX // (len(ways) * self.futures))
        for start in range(0, len(deciding), step):
            rows = deciding[start : start + step]
            worth = self._worth(core, rows, ways[:, rows], possible[:, rows])
            actions[rows] = ways[worth.argmax(axis=0), rows]
        return actions

    def _worth(self, core: SliceOrchestration, rows: Ints, ways: Ints, possible: Bools) -> Floats:
        """Mean number served after each way to start, [ways, rows]; -inf where impossible."""
        way, row = np.nonzero(possible)
        trial = core.fork(np.repeat(rows[row], self.futures))
        future = (row[:, None] * self.futures + np.arange(self.futures)).ravel()
        self._redraw(trial, future, len(rows) * self.futures)
        trial.step(np.repeat(ways[way, row], self.futures))
        while not trial.done.all():
            trial.step(self.base.act(trial))
        worth = np.full(possible.shape, -np.inf)
        worth[way, row] = trial.served.reshape(-1, self.futures).mean(axis=1)
        return worth

    def _redraw(self, trial: SliceOrchestration, future: Ints, futures: int) -> None:
        """Gives every row the future of that number, among `futures` of them."""
        generator = self._generator
        slots = trial.slots
        coming = np.arange(slots) > trial.turn[:, None]
        drawn = slices(trial.profile, generator.random((futures, slots, 7)))[future]
        trial.slices[:, :slots] = np.where(coming[..., None], drawn, trial.slices[:, :slots])
        if self.load_erlang is None:
            return
        now = np.take_along_axis(trial.arrival, trial.turn[:, None], axis=1)
        gaps = np.where(coming, generator.exponential(1.0, (futures, slots))[future], 0.0)
        arrival = np.where(coming, now + np.cumsum(gaps, axis=1), trial.arrival[:, :slots])
        left = generator.exponential(self.load_erlang or 1.0, (futures, slots))[future]
        trial.arrival[:, :slots] = arrival
        trial.holding[:, :slots] = np.where(coming, left, np.maximum(now - arrival, 0.0) + left)
