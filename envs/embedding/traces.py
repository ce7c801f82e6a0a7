"""Requests as arrays: what a batch of episodes reads while it steps.

A trace is a sequence of requests, a request a run of steps (one per network function, in the order
of their numbers), a step a run of links to functions of the same request that come before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from envs.arrays import Floats, Ints
from envs.embedding.model import Request, adjacency


@dataclass(frozen=True, slots=True)
class Trace:
    """R requests with S functions and E links in all; behind the last of each stands one that asks
    for nothing and never fits, so that a finished episode has something to look at.

    Per request [R + 1]: arrival, ends, revenue, first (step). Per step [S + 1]: cpu, pin (index of
    the domain it must be in, or their number for anywhere), first_link, later (bandwidth of its
    links to functions that come after it). Per link [E + 1]: to (number of the earlier function),
    bandwidth.
    """

    arrival: Floats
    ends: Floats
    revenue: Floats
    first: Ints
    cpu: Floats
    pin: Ints
    first_link: Ints
    later: Floats
    to: Ints
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
    def of(cls, requests: Sequence[Request], domains: Sequence[str | None]) -> Self:
        """The trace of requests in order of arrival; `domains` are the ones that a pin can name.

        A pin to any other domain fits nowhere.
        """
        number = {domain: index for index, domain in enumerate(domains)}
        anywhere, nowhere = len(domains), len(domains) + 1
        first, cpu, pin, later = [0], [], [], []
        first_link, to, bandwidth = [0], [], []
        for request in requests:
            near = adjacency(len(request.cpu), tuple((a, b) for a, b, _ in request.links))
            asked = {pair: bw for a, b, bw in request.links for pair in ((a, b), (b, a))}
            for function, others in enumerate(near):
                before = [other for other in others if other < function]
                to += before
                bandwidth += [asked[function, other] for other in before]
                later.append(sum(asked[function, other] for other in others if other > function))
                first_link.append(len(to))
            cpu += request.cpu
            pin += [
                anywhere if name is None else number.get(name, nowhere) for name in request.domains
            ]
            first.append(len(cpu))
        return cls(
            arrival=np.array([*(one.time for one in requests), np.inf]),
            ends=np.array([*(one.ends for one in requests), np.inf]),
            revenue=np.array([*(one.revenue for one in requests), 0.0]),
            first=np.array(first),
            cpu=np.array([*cpu, np.inf]),
            pin=np.array([*pin, anywhere]),
            first_link=np.array([*first_link, first_link[-1]]),
            later=np.array([*later, 0.0]),
            to=np.array([*to, 0]),
            bandwidth=np.array([*bandwidth, 0.0]),
        )


class Traces:
    """Several traces as flat arrays, each in a room of its own; a room can be refilled."""

    def __init__(self, rooms: int, requests: int, steps: int, links: int) -> None:
        sizes = {"requests": requests + 1, "steps": steps + 2, "links": links + 1}
        self.sizes = sizes
        size_of = {
            "arrival": "requests",
            "ends": "requests",
            "revenue": "requests",
            "first": "requests",
            "to": "links",
            "bandwidth": "links",
        }
        self._room = {one.name: sizes[size_of.get(one.name, "steps")] for one in fields(Trace)}
        whole = {"first", "pin", "first_link", "to"}
        self.flat: dict[str, Floats | Ints] = {
            name: np.zeros(rooms * size, dtype=np.int64 if name in whole else np.float64)
            for name, size in self._room.items()
        }

    def fill(self, room: int, trace: Trace) -> None:
        """Puts a trace there; it must not be larger than the room."""
        for name, size in self._room.items():
            values = getattr(trace, name)
            assert len(values) <= size, f"{name}: {len(values)} in a room for {size}"
            self.flat[name][room * size : room * size + len(values)] = values
