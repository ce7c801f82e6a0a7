"""Named tasks: a network, what is wanted of it, and how much of it is still free.

How scarce things are does not depend on the network: where an episode begins, each resource has
room for a drawn share of what the episode's requests are expected to want of it if they spread
evenly over the options that could serve them (and never more than the domain has).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

import domains
from domains.errors import InvalidRequest
from envs.arrays import Floats
from envs.crossdomain.core import Episodes
from envs.crossdomain.demand import PERMILLE, Demand, Wanted
from envs.crossdomain.network import Network
from envs.crossdomain.options import ask
from envs.crossdomain.tables import Tables, tables

CONFIGS: Final = Path(domains.__file__).parents[1] / "deploy" / "configs"
"""Where the shipped networks are, for who names one and no folder."""
REQUESTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """See above.

    Attributes:
        network: a folder of domain files, or the name of a shipped one.
        requests: per episode.
        room_permille: lowest and highest share of the expected demand that there is room for.
    """

    name: str
    network: str
    demand: Demand
    requests: int
    room_permille: tuple[int, int]

    def task(
        self, configs: Path = CONFIGS, requests: int | None = None, network: Network | None = None
    ) -> Task:
        """The scenario on its network, or on another one, ready to draw episodes.

        Raises:
            InvalidRequest: no such network, or one that cannot serve what is wanted.
        """
        count = self.requests if requests is None else requests
        if type(count) is not int or not 1 <= count <= REQUESTS_MAX:
            raise InvalidRequest(f"requests must be an integer in 1..{REQUESTS_MAX}, not {count!r}")
        low, high = self.room_permille
        if not 0 <= low <= high:
            raise InvalidRequest(f"{self.name}: room of {low}..{high} permille is none")
        if network is None:
            folder = Path(self.network)
            network = Network.read(folder if folder.is_dir() else configs / folder)
        asked = ask(network, self.demand.classes())
        return Task(replace(self, requests=count), network, tables(network, asked))


@dataclass(frozen=True)
class Task:
    """A scenario with its tables."""

    scenario: Scenario
    network: Network
    tables: Tables

    @property
    def requests(self) -> int:
        return self.scenario.requests

    @cached_property
    def expected(self) -> Floats:
        """[resources], units that one request wants on average if hopeful options are equally
        likely."""
        found = self.tables
        total = np.zeros(found.nothing + 1)
        for class_, probability in enumerate(found.probability.tolist()):
            for at in range(found.hops):
                options = np.flatnonzero(found.hopeful[class_, at])
                for option in options.tolist():
                    row = found.row[class_, at]
                    np.add.at(
                        total,
                        found.resource[row, option],
                        found.units[row, option] * probability / len(options),
                    )
        return total[: found.plenty]

    @cached_property
    def room_max(self) -> Floats:
        """[resources], the most units that an episode begins with."""
        high = self.scenario.room_permille[1]
        capacity = self.tables.capacity[: self.tables.plenty]
        return np.minimum(self.expected * self.requests * high / PERMILLE, capacity)

    def draw(self, generators: Sequence[np.random.Generator]) -> Episodes:
        """An episode per generator: classes by their probability, room per resource."""
        found, low, high = self.tables, *self.scenario.room_permille
        kinds = np.empty((len(generators), self.requests), dtype=np.int64)
        share = np.empty((len(generators), found.plenty))
        for index, generator in enumerate(generators):
            kinds[index] = generator.choice(len(found.asked), self.requests, p=found.probability)
            share[index] = generator.uniform(low, high, found.plenty) / PERMILLE
        room = np.floor(self.expected * self.requests * share).astype(np.int64)
        return Episodes(kinds, np.minimum(room, found.capacity[: found.plenty]))


URGENT: Final = (
    Wanted("surgical robot control", (2, 6), (99.999, 99.98, 99.97), (1250, None)),
    Wanted("remote machine operation", (10, 30), (99.99, 99.98, 99.97), (1250, None)),
    Wanted("closed loop control", (10, 30), (99.99, 99.98, 99.97), (1250, None)),
)
BROAD: Final = (
    Wanted("video conferencing", (20, 40), (99.9, 99.98), (1250, None), 1.5),
    Wanted("smart metering", (500, 1500), (99.9, 99.98), (1250, None), 1.5),
)

SCENARIOS: Final[Mapping[str, Scenario]] = {
    one.name: one
    for one in (
        Scenario(
            "headline",
            "germany",
            Demand((*URGENT, *BROAD), (("berlin/mitte", "berlin"), ("munich/altstadt", "munich"))),
            20,
            (700, 1300),
        ),
    )
}


def scenario_of(name: str) -> Scenario:
    """The scenario of that name, in any case. Raises InvalidRequest, naming all that there are."""
    found = SCENARIOS.get(name.lower())
    if found is None:
        raise InvalidRequest(f"no scenario {name!r}: one of {', '.join(SCENARIOS)}")
    return found
