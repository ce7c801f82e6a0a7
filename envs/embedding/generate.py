"""Seeded workloads: slices across four kinds of domain, and virne's default setting."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import dist
from typing import Final

import numpy as np

from envs.embedding.model import Request, Substrate, Workload, adjacency


@dataclass(frozen=True, slots=True)
class SliceKind:
    """One kind of slice: its share of all, its chains (equally likely), and what they ask for.

    cpu and bandwidth: whole numbers from the first to the second, both included.
    """

    name: str
    share: float
    latency_ms_max: float
    chains: tuple[tuple[str | None, ...], ...]
    cpu: tuple[int, int]
    bandwidth: tuple[int, int]


SLICE_KINDS: Final = (
    SliceKind(
        "eMBB",
        0.5,
        25.0,
        (("access", None, "core", "cloud"), ("access", None, "core", "core", "cloud")),
        (4, 12),
        (8, 20),
    ),
    SliceKind("URLLC", 0.25, 6.0, (("access", "transport", "core"),), (2, 6), (2, 8)),
    SliceKind("mMTC", 0.25, 40.0, (("access", "core", "cloud"),), (2, 8), (1, 5)),
)
# How many nodes of each domain, and the CPU of each: whole numbers, both ends included.
DOMAINS: Final = (
    ("access", 8, (28, 40)),
    ("transport", 6, (16, 24)),
    ("core", 6, (60, 100)),
    ("cloud", 4, (140, 200)),
)
# Networks to train on are drawn from here on: no workload of a smaller seed is ever trained on.
FIRST_SEED: Final = 1_000_000
WAXMAN_NODES: Final = 100
WAXMAN_LINKS: Final = 528
ATTEMPTS_MAX: Final = 100_000


def slices_on(
    substrate: Substrate,
    seed: int | np.random.Generator,
    requests: int = 300,
    rate: float = 0.5,
    life: float = 100.0,
    kinds: Sequence[SliceKind] = SLICE_KINDS,
) -> tuple[Request, ...]:
    """Slices that arrive on a substrate with the domains that their kinds name.

    A Poisson process of `rate`; exponential stays of mean `life`. The same seed, the same slices.
    """
    generator = np.random.default_rng(seed)
    times = np.cumsum(generator.exponential(1.0 / rate, requests)).tolist()
    lives = generator.exponential(life, requests).tolist()
    shares = np.array([kind.share for kind in kinds])
    which = generator.choice(len(kinds), requests, p=shares / shares.sum()).tolist()
    drawn = []
    for number, (time, stay, index) in enumerate(zip(times, lives, which, strict=True)):
        kind = kinds[index]
        chain = kind.chains[int(generator.integers(len(kind.chains)))]
        cpu = _whole(generator, kind.cpu, len(chain))
        asked = _whole(generator, kind.bandwidth, len(chain) - 1)
        links = zip(pairwise(range(len(chain))), asked, strict=True)
        drawn.append(
            Request(
                id=number,
                time=time,
                life=stay,
                kind=kind.name,
                latency_ms_max=kind.latency_ms_max,
                cpu=tuple(cpu),
                domains=chain,
                links=tuple((a, b, bandwidth) for (a, b), bandwidth in links),
            )
        )
    return tuple(drawn)


def _whole(generator: np.random.Generator, bounds: tuple[int, int], count: int) -> list[float]:
    """Whole numbers, both ends included."""
    drawn: list[float] = generator.integers(*bounds, count, np.int64, True).astype(float).tolist()
    return drawn


def cross_domain(seed: int, requests: int = 300, rate: float = 0.5) -> Workload:
    """24 nodes in four domains and about 48 links, another network for every seed."""
    generator = np.random.default_rng((seed, 24))
    substrate = cross_domain_substrate(generator)
    drawn = slices_on(substrate, generator, requests, rate)
    return Workload(f"cross-domain-s{seed}-r{rate:g}", "", substrate, drawn)


def training_network(seed: int, number: int, requests: int = 300) -> Workload:
    """Network `number` of the trainings with that seed: never one of `cross_domain`'s."""
    substrate = cross_domain_substrate(np.random.default_rng((FIRST_SEED + seed, number)))
    return Workload(f"training-s{seed}-{number}", "", substrate, slices_on(substrate, 0, requests))


def cross_domain_substrate(generator: np.random.Generator) -> Substrate:
    """Access nodes with two uplinks each, a meshed ring of transport, one of core, and clouds with
    two links each into the core."""
    domains = [name for name, count, _ in DOMAINS for _ in range(count)]
    cpu = [
        float(generator.integers(low, high, endpoint=True))
        for _, count, (low, high) in DOMAINS
        for _ in range(count)
    ]
    access, transport, core, cloud = (
        [node for node, domain in enumerate(domains) if domain == name] for name, _, _ in DOMAINS
    )
    links: list[tuple[int, int, int, float]] = []

    def join(u: int, v: int, bandwidth: tuple[int, int], latency_ms: float) -> None:
        links.append((u, v, int(generator.integers(*bandwidth, endpoint=True)), latency_ms))

    for node in access:
        for other in sorted(generator.choice(transport, 2, replace=False).tolist()):
            join(node, other, (40, 60), 0.5)
    for ring, bandwidth, latency_ms in ((transport, (60, 120), 1.0), (core, (80, 140), 1.5)):
        sides = {tuple(sorted(pair)) for pair in pairwise([*ring, ring[0]])}
        chords = [pair for pair in combinations(ring, 2) if pair not in sides]
        extra = generator.choice(len(chords), 3, replace=False).tolist()
        for u, v in sorted(sides | {chords[place] for place in extra}):
            join(u, v, bandwidth, latency_ms)
    for lower, upper in zip(transport, core, strict=True):
        join(lower, upper, (80, 120), 2.0)
    for node in cloud:
        for other in sorted(generator.choice(core, 2, replace=False).tolist()):
            join(other, node, (100, 150), 5.0)
    return Substrate(
        ids=tuple(range(len(domains))),
        domains=tuple(domains),
        cpu=tuple(cpu),
        links=tuple((u, v) for u, v, _, _ in links),
        bandwidth=tuple(float(bandwidth) for _, _, bandwidth, _ in links),
        latency_ms=tuple(latency_ms for _, _, _, latency_ms in links),
    )


def waxman(seed: int, requests: int = 1000) -> Workload:
    """What virne's default setting draws: a Waxman network (alpha 0.5, beta 0.2) of 100 nodes and
    528 links, 50..100 of CPU and bandwidth each; random connected requests of 2..10 functions (CPU
    0..20, bandwidth 0..50, rate 0.04, mean stay 500).

    A network that is not connected or has fewer links is drawn again, and surplus links are left
    out, so that every seed has the same size.
    """
    generator = np.random.default_rng((seed, WAXMAN_NODES))
    links = _waxman_links(generator)
    sizes = generator.integers(50, 100, WAXMAN_NODES + WAXMAN_LINKS, endpoint=True).astype(float)
    substrate = Substrate(
        ids=tuple(range(WAXMAN_NODES)),
        domains=(None,) * WAXMAN_NODES,
        cpu=tuple(sizes[:WAXMAN_NODES].tolist()),
        links=links,
        bandwidth=tuple(sizes[WAXMAN_NODES:].tolist()),
        latency_ms=(0.0,) * WAXMAN_LINKS,
    )
    times = np.cumsum(generator.exponential(25.0, requests)).tolist()
    lives = generator.exponential(500.0, requests).tolist()
    drawn = []
    for number, (time, life) in enumerate(zip(times, lives, strict=True)):
        size = int(generator.integers(2, 10, endpoint=True))
        inner = _connected(generator, size, 0.5)
        asked = generator.integers(0, 50, len(inner), endpoint=True).astype(float).tolist()
        drawn.append(
            Request(
                id=number,
                time=time,
                life=life,
                kind=None,
                latency_ms_max=None,
                cpu=tuple(generator.integers(0, 20, size, endpoint=True).astype(float).tolist()),
                domains=(None,) * size,
                links=tuple((a, b, bw) for (a, b), bw in zip(inner, asked, strict=True)),
            )
        )
    return Workload(f"waxman-s{seed}", "", substrate, tuple(drawn))


def _waxman_links(generator: np.random.Generator) -> tuple[tuple[int, int], ...]:
    """Between nodes in the unit square, with probability 0.2 exp(-distance / (0.5 longest))."""
    for _ in range(ATTEMPTS_MAX):
        places = generator.random((WAXMAN_NODES, 2)).tolist()
        ends = list(combinations(range(WAXMAN_NODES), 2))
        away = np.array([dist(places[u], places[v]) for u, v in ends])
        joined = generator.random(len(ends)) < 0.2 * np.exp(-away / (0.5 * away.max()))
        if (found := joined.nonzero()[0]).size < WAXMAN_LINKS:
            continue
        kept = np.sort(generator.choice(found, WAXMAN_LINKS, replace=False)).tolist()
        if _is_connected(WAXMAN_NODES, links := tuple(ends[place] for place in kept)):
            return links
    raise AssertionError("no connected network was found: so many failures cannot be chance")


def _connected(
    generator: np.random.Generator, nodes: int, probability: float
) -> tuple[tuple[int, int], ...]:
    pairs = list(combinations(range(nodes), 2))
    for _ in range(ATTEMPTS_MAX):
        draws = generator.random(len(pairs)).tolist()
        chosen = tuple(p for p, draw in zip(pairs, draws, strict=True) if draw < probability)
        if _is_connected(nodes, chosen):
            return chosen
    raise AssertionError("no connected graph was found: so many failures cannot be chance")


def _is_connected(nodes: int, links: tuple[tuple[int, int], ...]) -> bool:
    near = adjacency(nodes, links)
    reached = {0}
    for node in (found := [0]):
        new = [other for other in near[node] if other not in reached]
        reached.update(new)
        found += dict.fromkeys(new)
    return len(reached) == nodes
