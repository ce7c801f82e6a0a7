"""A tenant's words for the tiers of a slice of the case study, composed by a seed.

Three of five phrases state a number, the others say it in words only; attributes come in either
order, and that money does not matter is often not said at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from envs.sliceorch.profiles import COST_TIERS, LATENCY_TIERS_MS, SHARING_TIERS


@dataclass(frozen=True, slots=True)
class Tiers:
    """latency_ms, sharing (how many may share a function) and cost: one of the profile's each."""

    latency_ms: float
    sharing: float
    cost: float


APPLICATIONS: Final = (
    "closed loop control of the press",
    "motion control on line 3",
    "the packaging robots",
    "machine monitoring in hall B",
    "process automation in the refinery",
    "remote operation of the cranes",
    "predictive maintenance of the turbines",
    "the automated guided vehicles in the warehouse",
    "video inspection of the weld seams",
    "sensor readings from the boilers",
)
OPENINGS: Final = (
    "We need a slice for {}",
    "Please connect {}",
    "Provide connectivity for {}",
    "A slice for {}",
    "I would like to run {} over 5G",
)
# The first so many phrases of a tier state a number, or, for functions of one's own, isolation.
STATED: Final = 3
LATENCY: Final[Mapping[float, tuple[str, ...]]] = {
    30.0: (
        "within 30 ms",
        "with a latency of at most 30 milliseconds",
        "end to end in 30 ms or less",
        "with ultra low latency",
        "in hard real time",
    ),
    100.0: (
        "within 100 ms",
        "with a latency of at most 100 milliseconds",
        "end to end in 0.1 s or less",
        "with moderate latency",
        "in soft real time",
    ),
    150.0: (
        "within 150 ms",
        "with a latency of up to 150 milliseconds",
        "end to end in 0.15 s or less",
        "where latency is not critical",
        "that tolerates delay",
    ),
}
SHARING: Final[Mapping[float, tuple[str, ...]]] = {
    1.0: (
        "99.999 % availability",
        "five nines",
        "resources of its own, isolated from everybody",
        "the highest reliability",
        "a mission critical guarantee",
    ),
    2.0: (
        "99.9 % availability",
        "three nines",
        "reliability of 99.9 percent",
        "medium reliability",
        "normal reliability",
    ),
    4.0: (
        "99 % availability",
        "two nines",
        "reliability of 99 percent",
        "best effort reliability",
        "reliability that hardly matters",
    ),
}
COST: Final[Mapping[float, tuple[str, ...]]] = {
    25.0: (
        "at the lowest cost",
        "on a tight budget",
        "as cheap as possible",
        "and keep the price low",
        "we have to save money",
    ),
    40.0: ("", "", "whatever it costs", "money is no object", "the price is secondary"),
}


def drawn(generator: np.random.Generator) -> Tiers:
    """Independent and uniform, as in the case study."""
    return Tiers(
        *(float(generator.choice(tiers)) for tiers in (LATENCY_TIERS_MS, SHARING_TIERS, COST_TIERS))
    )


def sentence(tiers: Tiers, generator: np.random.Generator, numbers: bool = False) -> str:
    """One way to say it; the same generator state, the same words. `numbers`: latency and
    reliability are stated as numbers."""
    opening = _one(OPENINGS, generator).format(_one(APPLICATIONS, generator))
    latency = _one(LATENCY[tiers.latency_ms][: STATED if numbers else None], generator)
    sharing = _one(SHARING[tiers.sharing][: STATED if numbers else None], generator)
    cost = _one(COST[tiers.cost], generator)
    order = (f" {latency}, with {sharing}", f", with {sharing}, {latency}")
    said = opening + order[int(generator.integers(2))]
    return f"{said}, {cost}." if cost else f"{said}."


def _one(among: tuple[str, ...], generator: np.random.Generator) -> str:
    return among[int(generator.integers(len(among)))]
