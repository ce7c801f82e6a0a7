"""Requests as arrays: what a batch of episodes reads while it steps.

A trace is a sequence of requests, a request a run of steps (one per network function, in the order
of their numbers), a step a run of links to functions of the same request that come before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from envs.arrays import Floats, Ints
from envs.embedding.model import Request, adjacency

# Behind the last request time stands still: its episode's last state stays to be looked at.
FOREVER: Final = 1e300
TINY: Final = 1e-9
# Numbers of a step that an agent sees.
SHOWN: Final = 7


@dataclass(frozen=True, slots=True)
class Trace:
    """R requests with S functions and E links in all; behind the last of each stands one that asks
    for nothing and never fits, so that a finished episode has something to look at.

    Per request [R + 1]: arrival, ends, revenue, first (step). Per step [S + 1]: cpu, pin (index of
    the domain it must be in, or their number for anywhere), first_link, and `shown`, [S + 1, 7]:
    cpu, bandwidth of its links to functions that come before it, of those to later ones, functions
    left with it, life / (life + the mean life); CPU and bandwidth of the whole request. Per link
    [E + 1]: to (number of the earlier function), ordinal (which link of its request), bandwidth.
    """

    arrival: Floats
    ends: Floats
    revenue: Floats
    first: Ints
    cpu: Floats
    pin: Ints
    first_link: Ints
    shown: Floats
    to: Ints
    ordinal: Ints
    bandwidth: Floats

    @property
    def requests(self) -> int:
        return len(self.arrival) - 1

    @property
    def functions_max(self) -> int:
        """Functions of the largest request."""
        return int(np.diff(self.first).max())

    @property
    def links_max(self) -> int:
        """Virtual links of the request with most."""
        return int(np.diff(self.first_link[self.first]).max())

    @classmethod
    def of(cls, requests: Sequence[Request], domains: Sequence[str]) -> Self:
        """The trace of requests in order of arrival; `domains` are the ones that a pin can name.

        A pin to any other domain fits nowhere.
        """
        number = {domain: index for index, domain in enumerate(domains)}
        anywhere, nowhere = len(domains), len(domains) + 1
        first, first_link = [0], [0]
        pin: list[int] = []
        to: list[int] = []
        ordinal: list[int] = []
        cpu: list[float] = []
        shown: list[tuple[float, ...]] = []
        bandwidth: list[float] = []
        mean_life = sum(one.life for one in requests) / len(requests)
        for request in requests:
            share = request.life / max(request.life + mean_life, TINY)
            whole = sum(request.cpu), sum(bw for _, _, bw in request.links)
            before_it = len(to)
            near = adjacency(len(request.cpu), tuple((a, b) for a, b, _ in request.links))
            asked = {pair: bw for a, b, bw in request.links for pair in ((a, b), (b, a))}
            for function, others in enumerate(near):
                before = [other for other in others if other < function]
                ordinal += range(len(to) - before_it, len(to) - before_it + len(before))
                to += before
                bandwidth += [asked[function, other] for other in before]
                earlier = sum(asked[function, other] for other in before)
                later = sum(asked[function, other] for other in others if other > function)
                left = len(near) - function
                shown.append((request.cpu[function], earlier, later, float(left), share, *whole))
                first_link.append(len(to))
            cpu += request.cpu
            pin += [
                anywhere if name is None else number.get(name, nowhere) for name in request.domains
            ]
            first.append(len(cpu))
        return cls(
            arrival=np.array([*(one.time for one in requests), -FOREVER]),
            ends=np.array([*(one.ends for one in requests), 0.0]),
            revenue=np.array([*(one.revenue for one in requests), 0.0]),
            first=np.array(first),
            cpu=np.array([*cpu, np.inf]),
            pin=np.array([*pin, anywhere]),
            first_link=np.array([*first_link, first_link[-1]]),
            shown=np.array([*shown, (np.inf, *(SHOWN - 1) * (0.0,))]),
            to=np.array([*to, 0]),
            ordinal=np.array([*ordinal, 0]),
            bandwidth=np.array([*bandwidth, 0.0]),
        )


class Traces:
    """Several traces in flat arrays, each in a room of its own that can be refilled.

    Value i of the trace in room r stands at r * size + i, where size is `requests`, `steps` or
    `links` according to what the value belongs to.
    """

    def __init__(self, rooms: int, requests: int, steps: int, links: int) -> None:
        self.requests, self.steps, self.links = requests + 1, steps + 2, links + 1
        # Whether any function of any trace so far must be in some domain.
        self.pinned = False
        self.arrival = np.zeros(rooms * self.requests)
        self.ends = np.zeros(rooms * self.requests)
        self.revenue = np.zeros(rooms * self.requests)
        self.first = np.zeros(rooms * self.requests, dtype=np.int64)
        self.cpu = np.zeros(rooms * self.steps)
        self.pin = np.zeros(rooms * self.steps, dtype=np.int64)
        self.first_link = np.zeros(rooms * self.steps, dtype=np.int64)
        self.shown = np.zeros((rooms * self.steps, SHOWN))
        self.to = np.zeros(rooms * self.links, dtype=np.int64)
        self.ordinal = np.zeros(rooms * self.links, dtype=np.int64)
        self.bandwidth = np.zeros(rooms * self.links)
        # How long the requests up to each one stay, on average.
        self.mean_life = np.zeros(rooms * self.requests)
        self.mean_revenue = np.ones(rooms)
        self.horizon = np.ones(rooms)

    def fill(self, room: int, trace: Trace) -> None:
        """Puts a trace there; it must not be larger than the room."""
        self.pinned = self.pinned or bool((trace.pin != trace.pin[-1]).any())
        lives = trace.ends - trace.arrival
        so_far = lives.cumsum() / np.arange(1, len(lives) + 1)
        _put(self.mean_life, room * self.requests, so_far, self.requests)
        self.mean_revenue[room] = trace.revenue[:-1].mean() or 1.0
        self.horizon[room] = trace.ends[:-1].max() or 1.0
        _put(self.arrival, room * self.requests, trace.arrival, self.requests)
        _put(self.ends, room * self.requests, trace.ends, self.requests)
        _put(self.revenue, room * self.requests, trace.revenue, self.requests)
        _put(self.first, room * self.requests, trace.first, self.requests)
        _put(self.cpu, room * self.steps, trace.cpu, self.steps)
        _put(self.pin, room * self.steps, trace.pin, self.steps)
        _put(self.first_link, room * self.steps, trace.first_link, self.steps)
        _put(self.shown, room * self.steps, trace.shown, self.steps)
        _put(self.ordinal, room * self.links, trace.ordinal, self.links)
        _put(self.to, room * self.links, trace.to, self.links)
        _put(self.bandwidth, room * self.links, trace.bandwidth, self.links)


def _put(into: NDArray[Any], start: int, values: NDArray[Any], size: int) -> None:
    assert len(values) <= size, f"{len(values)} values in a room for {size}"
    into[start : start + len(values)] = values
