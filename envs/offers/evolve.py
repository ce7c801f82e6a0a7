"""Trains the policy that ranks offers: `python -m envs.offers.evolve --seed 0 --out FILE`.

Every generation of CMA-ES plays all samples on the same fresh episodes of the scenario in one batch
of `entente/CrossDomain-v0`'s core. One policy serves every domain; each sees only its own options.
The score is the share of requests that are served, less a little of what they pay: room for later
slices is not to be had at any price.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import track

from domains.observation import SCHEMA
from domains.policy import Architecture, Manifest, write
from domains.policy_network import Activation
from envs.arrays import Floats
from envs.crossdomain.core import Episodes
from envs.crossdomain.policies.rules import Menus
from envs.crossdomain.scenarios import Task, scenario_of
from envs.evolution import Evolution
from envs.offers.policy import EACH, SHARED, WEIGHTS, WIDTH, Offers, Weights

GENERATIONS: Final = 80
POPULATION: Final = 20
EPISODES: Final = 8
STEP: Final = 0.3
PRICE_WEIGHT: Final = 0.2
"""A tenth more on every bill is worth one request in a hundred."""
# Of the generators that training draws from; evaluation counts from 0.
FIRST_SEED: Final = 1_000_000
EVALUATED: Final = 200


@dataclass(frozen=True, slots=True)
class Served:
    """Of E episodes, [E] each: share of requests served, and the mean price of what was, in
    `Tables.price_scale`."""

    availability: Floats
    price: Floats


def start() -> Floats:
    """Cheapest first, exact before others, nothing withheld."""
    weights = np.zeros(WEIGHTS)
    node = weights[: WIDTH * EACH].reshape(WIDTH, EACH)
    node[0, SCHEMA.each.index("exact")], node[0, SCHEMA.each.index("place")] = 0.5, -1.0
    query = WIDTH * (EACH + SHARED + 1)
    weights[query], weights[-1] = 1.0, -2.0
    return weights


def play(task: Task, policy: Offers | Menus, episodes: Episodes) -> Served:
    core = task.core(len(episodes))
    core.start(np.arange(len(episodes)), episodes)
    policy.begin(core)
    while not core.done.all():
        core.step(policy.act(core))
    served = core.served
    price = (core.price_micros / core.tables.price_scale[core.kinds]).sum(axis=1)
    return Served(served / task.requests, price / np.maximum(served, 1))


def evolve(seed: int, task: Task) -> Iterator[tuple[Evolution, float]]:
    """The search after every generation, and the mean availability of its samples; without end."""
    generator = np.random.default_rng((seed, FIRST_SEED))
    search = Evolution(start(), STEP, POPULATION, generator)
    member = np.repeat(np.arange(POPULATION), EPISODES)
    while True:
        episodes = task.draw(generator.spawn(EPISODES))[np.tile(np.arange(EPISODES), POPULATION)]
        result = play(task, Offers(Weights.of(search.ask()), member), episodes)
        scores = result.availability - PRICE_WEIGHT * result.price * result.availability
        search.tell(scores.reshape(POPULATION, EPISODES).mean(axis=1))
        yield search, float(result.availability.mean())


def evaluated(task: Task, weights: Floats | None, count: int = EVALUATED) -> Served:
    """On fixed episodes; without weights, whole menus as the rule shows them."""
    episodes = task.draw([np.random.default_rng(number) for number in range(count)])
    if weights is None:
        return play(task, Menus(), episodes)
    return play(task, Offers(Weights.of(weights[None]), np.zeros(count, dtype=np.int64)), episodes)


def export(weights: Floats, path: Path, seed: int, made_by: str, scores: dict[str, float]) -> None:
    """As a policy file that a domain loads."""
    manifest = Manifest(
        name=path.stem,
        environment=SCHEMA.environment,
        shared=SCHEMA.shared,
        each=SCHEMA.each,
        extras=SCHEMA.extras,
        schema_digest=SCHEMA.digest,
        candidates=0,
        architecture=Architecture.POINTER,
        activation=Activation.TANH,
        weights_sha256="",
        seed=seed,
        made_by=made_by,
        scores=scores,
    )
    write(path, Weights.of(weights[None]).exported(), manifest)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m envs.offers.evolve", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenario", default="headline")
    parser.add_argument("--generations", type=int, default=GENERATIONS)
    parser.add_argument("--out", type=Path, required=True, help="FILE.npz; FILE.json beside it")
    asked = parser.parse_args(arguments)
    console, task = Console(stderr=True), scenario_of(asked.scenario).task()
    generations, started = evolve(asked.seed, task), time.process_time()
    for number in track(range(1, asked.generations + 1), "evolving", console=console):
        search, availability = next(generations)
        if number % 10 == 0 or number == asked.generations:
            spent = time.process_time() - started
            console.print(f"generation {number}: {availability:.4f} served, {spent:.0f} CPU-s")
    ours, rule = evaluated(task, search.mean), evaluated(task, None)
    scores = {
        "availability": float(ours.availability.mean()),
        "availability_of_the_rule": float(rule.availability.mean()),
        "price": round(float(ours.price.mean()), 4),
        "price_of_the_rule": round(float(rule.price.mean()), 4),
        "cpu_s": round(time.process_time() - started, 1),
    }
    made_by = (
        f"python -m envs.offers.evolve --seed {asked.seed} --scenario {asked.scenario}"
        f" --generations {asked.generations} --out {asked.out.name}"
    )
    export(search.mean, asked.out, asked.seed, made_by, scores)
    print(f"served {scores['availability']:.4f}, the rule {scores['availability_of_the_rule']:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
