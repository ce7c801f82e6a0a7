"""Trains the policies that ship: `python -m envs.embedding.evolve --seed 0 --out FILE.npz`.

Every generation draws one of the training networks and requests for it, and plays all samples of
CMA-ES on the same requests in one batch. The score is the share of requests accepted plus the share
of their revenue. This loop is our own: an episode's score is all it needs.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import track

from envs.arrays import Floats
from envs.embedding.core import Embedding, Mask, Reward, domains_of
from envs.embedding.features import NODE_NAMES, REQUEST_NAMES
from envs.embedding.files import read
from envs.embedding.generate import FIRST_SEED, slices_on, training_network
from envs.embedding.learned import WEIGHTS, Learned, actions
from envs.embedding.model import Substrate, Workload
from envs.embedding.traces import Trace, Traces
from envs.evolution import Evolution

GENERATIONS: Final = 80
POPULATION: Final = 24
NETWORKS: Final = 12
STEP: Final = 0.2


class Load(StrEnum):
    """What there is to learn from: networks that have long been busy, or that are filling up."""

    BUSY = "busy"
    FILLING = "filling"


@dataclass(frozen=True, slots=True)
class Drawn:
    """So many traces of so many requests, each at a rate between two, in requests per time."""

    requests: int
    rates: tuple[float, float]
    traces: int


DRAWN: Final = {
    Load.BUSY: Drawn(requests=300, rates=(0.5, 0.5), traces=6),
    Load.FILLING: Drawn(requests=60, rates=(0.75, 3.0), traces=12),
}


@dataclass(frozen=True, slots=True)
class Played:
    """What each sample made of each trace, all [M, T]: shares of requests and of revenue, and the
    revenue itself."""

    acceptance: Floats
    revenue_share: Floats
    revenue: Floats


@dataclass(frozen=True, slots=True)
class Generation:
    """number: from 1. acceptance and revenue_share: mean of the samples. cpu_s: since the start."""

    number: int
    acceptance: float
    revenue_share: float
    mean: Floats
    cpu_s: float


def start() -> Floats:
    """Short routes, and nothing taken that stays three times as long as the mean: a request for
    ever is the one thing that samples near zero would hardly ever refuse. All else is learned."""
    weights = np.zeros(WEIGHTS)
    weights[NODE_NAMES.index("hops")] = -1.0
    weights[len(NODE_NAMES) + REQUEST_NAMES.index("life")], weights[-1] = 1.0, -0.75
    return weights


def play(substrate: Substrate, traces: Sequence[Trace], weights: Floats) -> Played:
    """Every sample on every trace, in one batch."""
    samples, rows = len(weights), len(weights) * len(traces)
    held = Traces(
        len(traces),
        max(trace.requests for trace in traces),
        max(len(trace.cpu) for trace in traces),
        max(len(trace.to) for trace in traces),
    )
    for place, trace in enumerate(traces):
        held.fill(place, trace)
    core = Embedding(
        substrate,
        held,
        rows,
        Mask.LINKS,
        Reward.ACCEPTANCE,
        max(trace.functions_max for trace in traces),
        max(trace.links_max for trace in traces),
    )
    member, room = np.divmod(np.arange(rows), len(traces))
    core.start(np.arange(rows), room, np.array([trace.requests for trace in traces])[room])
    while core.active.any():
        core.step(actions(core, weights, member))
    asked = np.array([trace.revenue.sum() for trace in traces])
    revenue = core.revenue.reshape(samples, -1)
    acceptance = (core.accepted / core.requests).reshape(samples, -1)
    return Played(acceptance, revenue / asked, revenue)


def evolve(
    seed: int,
    ageless: bool = False,
    workload: Workload | None = None,
    load: Load = Load.BUSY,
) -> Iterator[Generation]:
    """Generations without end; the same seed, the same ones.

    ageless: never looks at how long a request stays. workload: train on that one's requests alone.
    """
    generator = np.random.default_rng((seed, FIRST_SEED))
    if workload is None:
        networks = [training_network(seed, number).substrate for number in range(NETWORKS)]
    else:
        networks = [workload.substrate]
    search = Evolution(start(), STEP, POPULATION, generator)
    blind = [len(NODE_NAMES) + place for place, name in enumerate(REQUEST_NAMES) if "life" in name]
    started = time.process_time()
    while True:
        network = networks[int(generator.integers(len(networks)))]
        domains = domains_of(network)
        traces = (
            _traces(network, DRAWN[load], generator)
            if workload is None
            else [Trace.of(workload.requests, domains)]
        )
        samples = search.ask()
        if ageless:
            samples[:, blind] = 0.0
        played = play(network, traces, samples)
        search.tell((played.acceptance + played.revenue_share).mean(axis=1))
        mean = search.mean.copy()
        if ageless:
            mean[blind] = 0.0
        yield Generation(
            search.generation,
            float(played.acceptance.mean()),
            float(played.revenue_share.mean()),
            mean,
            time.process_time() - started,
        )


def _traces(network: Substrate, drawn: Drawn, generator: np.random.Generator) -> list[Trace]:
    # All at one rate are drawn as they always were: a seed keeps its policy.
    low, high = drawn.rates
    rates = [low] * drawn.traces
    if high > low:
        rates = generator.uniform(low, high, drawn.traces).tolist()
    return [
        Trace.of(slices_on(network, generator, drawn.requests, rate), domains_of(network))
        for rate in rates
    ]


def reach(seed: int, workload: Workload, revenue: float) -> Generation:
    """Trains on a workload alone until the policy makes that revenue on it: how long it takes."""
    trace = Trace.of(workload.requests, domains_of(workload.substrate))
    for one in evolve(seed, workload=workload):
        if play(workload.substrate, [trace], one.mean[None]).revenue[0, 0] >= revenue:
            return one
    raise AssertionError("generations never end")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m envs.embedding.evolve", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--generations", type=int, default=GENERATIONS)
    parser.add_argument("--load", type=Load, choices=list(Load), default=Load.BUSY)
    parser.add_argument("--ageless", action="store_true", help="do not look at how long they stay")
    parser.add_argument("--out", type=Path, help="where the policy goes")
    parser.add_argument("--reach", type=float, help="stop at that revenue on --workload")
    parser.add_argument("--workload", type=Path, help="train on this file's requests alone")
    asked = parser.parse_args(arguments)
    console = Console(stderr=True)
    workload = None if asked.workload is None else read(asked.workload)
    if asked.reach is not None:
        if workload is None:
            parser.error("--reach needs --workload")
        last = reach(asked.seed, workload, asked.reach)
        print(f"revenue {asked.reach:,.0f} after {last.number} generations, {last.cpu_s:.1f} CPU-s")
        return 0
    generations = evolve(asked.seed, asked.ageless, workload, asked.load)
    for _ in track(range(asked.generations), "evolving", console=console):
        last = next(generations)
        if last.number % 10 == 0 or last.number == asked.generations:
            console.print(
                f"generation {last.number}: acceptance {last.acceptance:.4f}, revenue "
                f"{last.revenue_share:.4f} of all, {last.cpu_s:.0f} CPU-s"
            )
            if asked.out is not None:
                made = {
                    "how": f"python -m envs.embedding.evolve --seed {asked.seed}"
                    f" --generations {asked.generations} --load {asked.load}"
                    + " --ageless"
                    * asked.ageless,
                    "generation": last.number,
                    "cpu_s": round(last.cpu_s, 1),
                }
                Learned(last.mean, made, asked.out.stem).save(asked.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
