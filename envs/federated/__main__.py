"""Federated against isolated and pooled training: `python -m envs.federated`.

Each domain is a Ray actor with its own network and requests, on this machine or on the cluster of
RAY_ADDRESS; with --here an object in this process, which exchanges the same messages. Rewards are
on requests that nobody trained on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from domains.errors import EntenteError
from envs.arrays import Floats
from envs.embedding.evolve import start
from envs.federated.client import Client, Own, own_of
from envs.federated.message import BYTES
from envs.federated.rounds import (
    GENERATIONS,
    ROUNDS,
    Privacy,
    Train,
    federated,
    isolated,
    pooled,
    reward,
)
from envs.learning.cluster import cluster
from envs.statistics import Estimate, mean_of

DOMAINS: Final = 4
STRANGERS: Final = 2
SEEDS: Final = 3
PRIVATE: Final = Privacy(clip=0.5, noise=0.2)
# A round trains for seconds; an actor that takes this long is gone.
ROUND_S_MAX: Final = 600.0


@dataclass(frozen=True, slots=True)
class Row:
    """Rewards per seed, [S]: on the domains' own held-out requests, and on domains that had no part
    in the training."""

    training: str
    own: Floats
    strangers: Floats

    def as_json(self) -> dict[str, Any]:
        return {
            "training": self.training,
            "own": mean_of(self.own).as_json(),
            "strangers": mean_of(self.strangers).as_json(),
        }


Start = Callable[[Sequence[Own], int], Train]
"""The domains of one seed, ready to train."""


def in_this_process(owns: Sequence[Own], seed: int) -> Train:
    clients = [Client(own, 100 * seed + number) for number, own in enumerate(owns)]
    return lambda message, count: [client.train(message, count) for client in clients]


@contextmanager
def as_actors() -> Iterator[Start]:
    """Each domain a Ray actor of its own."""
    with cluster(DOMAINS) as ray:
        actor = ray.remote(Client)

        def start_all(owns: Sequence[Own], seed: int) -> Train:
            actors = [
                actor.options(num_cpus=0).remote(own, 100 * seed + number)
                for number, own in enumerate(owns)
            ]

            def train(message: bytes, count: int) -> Sequence[bytes]:
                calls = [one.train.remote(message, count) for one in actors]
                answers: list[bytes] = ray.get(calls, timeout=ROUND_S_MAX)
                return answers

            return train

        yield start_all


def compared(
    seeds: Sequence[int], rounds: int, generations: int, start_all: Start, console: Console
) -> list[Row]:
    """Every way of training with every seed."""
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in seeds:
        owns = [own_of(seed, number) for number in range(DOMAINS)]
        strangers = [own_of(seed, DOMAINS + number) for number in range(STRANGERS)]
        train = start_all(owns, seed)

        def note(name: str, own: float, other: float, seed: int = seed) -> None:
            found.setdefault(name, []).append((own, other))
            console.print(f"seed {seed}, {name}: {own:.4f} own, {other:.4f} strangers")

        note("none", reward(owns, start()), reward(strangers, start()))
        alone = [isolated(own, seed, rounds, generations) for own in owns]
        mine = np.mean([reward([o], w) for o, w in zip(owns, alone, strict=True)])
        others = np.mean([reward(strangers, weights) for weights in alone])
        note("isolated", float(mine), float(others))
        for name, privacy in (
            ("federated", Privacy()),
            (f"federated, clip {PRIVATE.clip}, noise {PRIVATE.noise}", PRIVATE),
        ):
            weights = federated(train, privacy, seed, rounds, generations)
            note(name, reward(owns, weights), reward(strangers, weights))
        weights = pooled(owns, seed, rounds, generations)
        note("pooled", reward(owns, weights), reward(strangers, weights))
    return [Row(name, *np.array(values).T) for name, values in found.items()]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0, or 2 with a line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m envs.federated", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--generations", type=int, default=GENERATIONS, help="of a domain, a round")
    parser.add_argument("--here", action="store_true", help="all in this process, without Ray")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    console, started = Console(stderr=True), time.process_time()
    try:
        with nullcontext(in_this_process) if asked.here else as_actors() as start_all:
            seeds = range(asked.seeds)
            rows = compared(seeds, asked.rounds, asked.generations, start_all, console)
    except (EntenteError, OSError) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    if asked.json:
        print(json.dumps([row.as_json() for row in rows], indent=2))
        return 0
    table = Table(
        title=f"{DOMAINS} domains, {asked.rounds} rounds of {asked.generations} generations, "
        f"{asked.seeds} seeds",
        caption=f"acceptance + revenue share; a message is {BYTES} bytes: weights and a count; "
        f"{time.process_time() - started:.0f} CPU-s here",
    )
    for label in ("training", "own requests", "a domain that had no part"):
        table.add_column(label, justify="left" if label == "training" else "right")
    for row in rows:
        table.add_row(row.training, _shown(mean_of(row.own)), _shown(mean_of(row.strangers)))
    Console().print(table)
    return 0


def _shown(value: Estimate) -> str:
    if value.standard_error is None:
        return f"{value.mean:.4f}"
    return f"{value.mean:.4f} ± {value.standard_error:.4f}"


if __name__ == "__main__":
    sys.exit(main())
