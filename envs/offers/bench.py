"""CPU-microseconds of one decision about what to show: `python -m envs.offers.bench`.

Over the menus that a domain is asked for in the scenario "headline": everything from options to
their order. `first`: options that were not looked at before; `again`: they were.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import thread_time
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from domains.model import SliceProfile
from domains.observation import Sight
from domains.ranking import Ranking
from domains.technologies import Option
from envs.crossdomain.scenarios import scenario_of

SECONDS: Final = 1.0
"""Of CPU, for each figure."""

Question = tuple[SliceProfile, Sequence[Option], Callable[[str], int]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a domain's decisions about so many options on average, in CPU-microseconds each."""

    domain: str
    options: float
    first_us: float
    again_us: float
    seeing_us: float
    network_us: float


def questions(scenario: str = "headline") -> dict[str, list[Question]]:
    """What each domain is asked at some time, with more than one option to answer."""
    task = scenario_of(scenario).task()
    found: dict[str, list[Question]] = {}
    for asked in task.tables.asked:
        for key, profile in asked.budgets.items():
            inner = task.network.technologies[key[0]]
            free = inner.capacities().__getitem__
            options = inner.options(profile, free)
            if len(options) > 1:
                found.setdefault(key[0], []).append((profile, options, free))
    return found


def cost(domain: str, asked: Sequence[Question], seconds: float = SECONDS) -> Cost:
    """Measures one domain's decisions with the packaged policy."""
    ranking = Ranking.load("offers", thread_time)
    assert ranking.policy is not None, ranking.said
    network, sight = ranking.policy.network, ranking.sight
    seen = [sight(*question) for question in asked]

    def first() -> None:
        ranking.sight = Sight()
        for question in asked:
            ranking(*question)

    def again() -> None:
        ranking.sight = sight
        for question in asked:
            ranking(*question)

    def seeing() -> None:
        for question in asked:
            sight(*question)

    def judging() -> None:
        for one in seen:
            network(one)

    measured = [_us(what, seconds) / len(asked) for what in (first, again, seeing, judging)]
    options = float(np.mean([len(options) for _, options, _ in asked]))
    return Cost(domain, round(options, 1), *(round(us, 1) for us in measured))


def _us(what: Callable[[], None], seconds: float) -> float:
    """The least that it took: what else the machine does can only add to it."""
    least, ends = float("inf"), time.process_time() + seconds
    while (began := time.process_time()) < ends:
        what()
        least = min(least, time.process_time() - began)
    return least * 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m envs.offers.bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    costs = [cost(domain, found, asked.seconds) for domain, found in questions().items()]
    if asked.json:
        print(json.dumps([asdict(one) for one in costs], indent=2))
        return 0
    table = Table(title="CPU-microseconds a decision")
    for heading in ("domain", "options", "first", "again", "of which seeing", "network"):
        table.add_column(heading, justify="left" if heading == "domain" else "right")
    for one in costs:
        table.add_row(*(str(value) for value in asdict(one).values()))
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
