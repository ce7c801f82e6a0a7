"""What is left of the network, valued by one who sees all of it: how many more requests could still
be served on average, with the best choices and without knowing which requests are to come.

Fitted value iteration on `entente/CrossDomain-v0`'s own numbers. The expectation over what is asked
next is exact; a network per part of the substrate stands for the value of what is left of that
part. Domains do not see this. They are told what their choices come to while they learn.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from envs.arrays import Array32, Bools, Floats, Ints
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.scenarios import Task

EPISODES: Final = 1024
"""Whose states the networks are fitted to, played at random."""
STEPS: Final = 2500
BATCH: Final = 192
RENEWED: Final = 25
"""Steps after which the values to come are those of the newer network."""
LR: Final = 3e-3
WIDTH: Final = 64
SMALL: Final = 0.015
"""Takes of a smaller share of a resource than this are not counted one by one."""
_STATES: Final = 0xF04E
"""Keeps these episodes apart from those of trainings and evaluations."""


@dataclass(frozen=True, slots=True)
class Part:
    """Classes that share no resource with any other class.

    takes: [c, K, r], shares of the most that an episode begins with, above 1 where there are
    fewer than K ways to serve. odds: [c], of all requests.
    """

    classes: Ints
    resources: Ints
    takes: Tensor
    odds: Tensor


class _Value(nn.Module):
    """[B] of to_go [B] and free [B, r]: between 0 and the requests of this part that are due."""

    def __init__(self, part: Part, requests: int) -> None:
        super().__init__()
        takes = part.takes.reshape(-1, part.takes.shape[2]).round(decimals=5)
        takes = takes[(takes <= 1).all(dim=1)]
        pairs = [
            (resource, amount)
            for resource in range(takes.shape[1])
            for amount in torch.unique(takes[:, resource]).tolist()
            if amount > SMALL
        ]
        self.resource = torch.tensor([resource for resource, _ in pairs])
        self.amount = torch.tensor([amount for _, amount in pairs])
        self.requests, self.share = requests, float(part.odds.sum())
        inputs = 1 + takes.shape[1] + 2 * len(pairs)
        self.layers = nn.Sequential(
            nn.Linear(inputs, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH // 2),
            nn.ReLU(),
            nn.Linear(WIDTH // 2, 1),
        )

    def forward(self, to_go: Tensor, free: Tensor) -> Tensor:
        fits = free[:, self.resource] / self.amount
        whole = torch.floor(fits + 1e-4).clamp(max=12) / 6
        seen = [to_go[:, None] / self.requests, free, whole, torch.exp(-0.3 * fits)]
        part: Tensor = torch.sigmoid(self.layers(torch.cat(seen, dim=1))[:, 0])
        return part * to_go * self.share


class Foresight:
    """Fitted to a task; as a policy it shows what is worth most. Requests `to_go` do not count the
    one that waits."""

    name = "foresight"

    def __init__(self, task: Task, seed: int) -> None:
        self.task, self._scale = task, np.maximum(task.room_max, 1.0)
        self._ways = [task.agreements.frugal(class_) for class_ in range(len(task.tables.asked))]
        self._frugal = [ways.units for ways in self._ways]
        self.parts = [self._part(classes) for classes in self._apart()]
        self._part_of = np.zeros(len(self._frugal), dtype=np.int64)
        for number, part in enumerate(self.parts):
            self._part_of[part.classes] = number
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            to_go, free = self._states(seed)
            self._values = [_Value(part, task.requests) for part in self.parts]
            for part, value in zip(self.parts, self._values, strict=True):
                _fit(value, part, to_go, torch.from_numpy(self._shares(free, part)))

    def worth(self, to_go: int, free: Ints) -> Floats:
        """[B], requests that can still be served, with free [B, resources]."""
        parts = zip(self.parts, self._values, strict=True)
        found = np.zeros(len(free))
        for part, value in parts:
            found += self._value(value, part, to_go, free)
        return found

    def gains(self, to_go: int, kind: Ints, before: Ints, after: Ints, agreed: Bools) -> Array32:
        """[N], what an outcome brings, the request itself included, above refusing it.

        kind, agreed: [N]; before, after: [N, resources].
        """
        found = agreed.astype(np.float32)
        for number, (part, value) in enumerate(zip(self.parts, self._values, strict=True)):
            rows = np.flatnonzero((self._part_of[kind] == number) & agreed)
            kept = self._value(value, part, to_go, before[rows])
            found[rows] += self._value(value, part, to_go, after[rows]) - kept
        return found

    def begin(self, core: CrossDomain) -> None:
        pass

    def act(self, core: CrossDomain) -> Bools:
        """[B, H, M], the agreement worth most, option by option. What is better refused is left to
        the coordinator: no domain could tell by itself, and all would learn to withhold."""
        tables, kind = core.tables, core.kind()
        free, room = core.free[:, : tables.plenty], core.room()
        shown = np.zeros((core.rows, tables.hops + 1, tables.options), dtype=np.bool_)
        row, way = self._possible(core)
        ways = [self._ways[class_] for class_ in kind.tolist()]
        units = np.array([ways[r].units[w] for r, w in zip(row, way, strict=True)])
        gains = np.full((core.rows, int(way.max(initial=0)) + 1), -np.inf)
        if len(row):
            to_go = core.requests - 1 - int(core.turn[0])
            yes = np.ones(len(row), dtype=np.bool_)
            gains[row, way] = self.gains(to_go, kind[row], free[row], free[row] - units, yes)
        for index in np.flatnonzero(gains.max(axis=1) > 0).tolist():
            best = int(gains[index].argmax())
            hops = tables.chain[kind[index], ways[index].chain[best]]
            shown[index, hops, ways[index].picks[best]] = True
        found: Bools = shown[:, : tables.hops]
        some = np.any(found, axis=(1, 2), keepdims=True)
        return np.where(some, found, room)

    def _possible(self, core: CrossDomain) -> tuple[Ints, Ints]:
        """Rows and ways to serve what waits there that there is room for, [N] each."""
        found = [
            (row, way)
            for row, class_ in enumerate(core.kind().tolist())
            for way in np.flatnonzero(
                np.all(self._frugal[class_] <= core.free[row, : core.tables.plenty], axis=1)
            ).tolist()
        ]
        pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    @torch.no_grad()
    def _value(self, value: _Value, part: Part, to_go: int, free: Ints) -> Array32:
        shares = torch.from_numpy(self._shares(free, part))
        found: Array32 = value(torch.full((len(free),), float(to_go)), shares).numpy()
        return found

    def _shares(self, free: Ints, part: Part) -> Array32:
        found: Array32 = (free[:, part.resources] / self._scale[part.resources]).astype(np.float32)
        return found

    def _apart(self) -> list[Ints]:
        """Classes by the resources that they share, directly or by way of others."""
        uses = np.array([units.any(axis=0) for units in self._frugal])
        group = np.arange(len(uses))
        for resource in uses.T:
            joined = np.isin(group, group[resource])
            group[joined] = group[joined].min(initial=len(uses))
        return [np.flatnonzero(group == one) for one in np.unique(group)]

    def _part(self, classes: Ints) -> Part:
        mine = [self._frugal[class_] for class_ in classes.tolist()]
        resources = np.flatnonzero(np.any([units.any(axis=0) for units in mine], axis=0))
        shape = len(mine), max(map(len, mine)), len(resources)
        takes = np.full(shape, 2.0, dtype=np.float32)
        for index, units in enumerate(mine):
            takes[index, : len(units)] = units[:, resources] / self._scale[resources]
        odds = torch.from_numpy(self.task.tables.probability[classes].astype(np.float32))
        return Part(classes, resources, torch.from_numpy(takes), odds)

    def _states(self, seed: int) -> tuple[Tensor, Ints]:
        """What is to go and free, [N] and [N, resources], while ways to serve are drawn at random,
        those that take little of what is left more often."""
        generator = np.random.default_rng((seed, _STATES))
        episodes = self.task.draw(
            [np.random.default_rng((seed, one, _STATES)) for one in range(EPISODES)]
        )
        free, to_go, seen = episodes.free.copy(), [], []
        noise = generator.choice([0.0, 0.3, 1.0], EPISODES)
        for turn in range(self.task.requests):
            to_go.append(np.full(EPISODES, self.task.requests - turn, dtype=np.float32))
            seen.append(free.copy())
            for row, class_ in enumerate(episodes.kinds[:, turn].tolist()):
                units = self._frugal[class_]
                fits = np.all(units <= free[row], axis=1)
                if fits.any() and generator.random() > 0.05:
                    draws = np.exp(noise[row] * generator.standard_normal(len(units)))
                    scarce = (units / np.maximum(free[row], 1)).sum(axis=1) * draws
                    free[row] -= units[np.where(fits, scarce, np.inf).argmin()]
        return torch.from_numpy(np.concatenate(to_go)), np.concatenate(seen)


def _fit(value: _Value, part: Part, to_go: Tensor, free: Tensor) -> None:
    """Values of few requests to go first, those of more when these are known."""
    older = _Value(part, value.requests)
    older.load_state_dict(value.state_dict())
    optimizer = torch.optim.Adam(value.parameters(), lr=LR)
    for step in range(STEPS):
        done = step / STEPS
        optimizer.param_groups[0]["lr"] = LR * (1 - done) + 1e-5
        most = 1 + int((value.requests - 1) * min(1.0, 2 * done))
        chosen = torch.randint(len(free), (BATCH,))
        drawn = torch.randint(1, most + 1, (BATCH,)).float()
        played = (to_go[chosen] <= most) & (torch.rand(BATCH) < 0.7)
        ahead = torch.where(played, to_go[chosen], drawn)
        error = (value(ahead, free[chosen]) - _backed_up(older, part, ahead, free[chosen])).square()
        optimizer.zero_grad(set_to_none=True)
        error.mean().backward()
        optimizer.step()
        if step % RENEWED == RENEWED - 1:
            older.load_state_dict(value.state_dict())


@torch.no_grad()
def _backed_up(value: _Value, part: Part, to_go: Tensor, free: Tensor) -> Tensor:
    """[B], Bellman's backup: the mean over classes of the best that can be done with one more."""
    later = to_go - 1
    kept = value(later, free)
    after = free[:, None, None] - part.takes  # [B, c, K, r]
    row, class_, way = torch.nonzero((after >= -1e-6).all(dim=3), as_tuple=True)
    best = torch.full(after.shape[:3], -1.0)
    best[row, class_, way] = 1 + value(later[row], after[row, class_, way])
    served = torch.maximum(best.amax(dim=2), kept[:, None])
    refused: Tensor = (1 - part.odds.sum()) * kept
    return refused + served @ part.odds
