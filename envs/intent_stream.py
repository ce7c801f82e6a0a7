"""Does memory help? A stream of intents whose outcomes contradict the catalogue, systematically.

In this world reliability matters as much as the catalogue thinks the first quality of a service
does, and the other way round. Nobody is told; each intent is interpreted, its slice is measured,
and the pressures of the measurement (noisy) are written back. Three acts:

    1  eight services, asked for in many words            the error of the preference falls
    2  eight others, while four months pass               it falls for these too
    3  the first eight again                              what was learned is still there

    entente evaluate memory --out DIR     writes memory.csv and memory.png

The last figures are in `INTENT_STREAM.md` beside this file.
"""

from __future__ import annotations

import csv
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from coordinator.intent.catalogue import Quality
from coordinator.intent.encoder import Encoder
from coordinator.intent.memory import Memory, TenantMemory
from coordinator.intent.outcomes import Outcome, OutcomeKind, normalised
from coordinator.intent.retrieval import RetrievalInterpreter, TenantInterpreter
from coordinator.intent.rules import RulesInterpreter
from coordinator.intent.store import Collection, open_store
from coordinator.model import Preference

TENANT = "acme"
DAY_S = 86_400.0
ACTS = (240, 160, 80)
"""Intents of each act."""
NOISE = 0.15
GAIN = 6.0
"""Pressure for each unit of weight that was too little; 1/6 too little presses fully."""

FIRST = (
    "welding robots on the assembly line",
    "video surveillance of the car park",
    "soil moisture sensors in the fields",
    "augmented reality glasses for technicians",
    "cloud gaming for our subscribers",
    "automated guided vehicles in the warehouse",
    "smart electricity meters in the district",
    "live broadcast from the football stadium",
)
SECOND = (
    "remote surgery between two hospitals",
    "trucks in a platoon on the motorway",
    "video calls with patients at home",
    "wind turbine control offshore",
    "asset tracking of containers",
    "holographic meetings of the board",
    "drone inspection of power lines",
    "wifi like broadband for hotel guests",
)
_OPENINGS = (
    "We need a slice for {}",
    "Please set up connectivity for {}",
    "Our company wants to run {}",
    "Provide a network for {}",
    "I am asking for {}",
    "{}, as a dedicated slice",
)
_ENDINGS = (
    "", " in Berlin", " from next month on", " as soon as possible", " for a pilot",
    " in the new building",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One intent: total variation between the preference used and the true one, 0 to 1."""

    act: int
    text: str
    with_memory: float
    without: float
    entries: int


def stream(
    encoder: Encoder,
    seed: int = 1,
    acts: Sequence[int] = ACTS,
    done: Callable[[], None] = lambda: None,
) -> list[Step]:
    """Run the three acts in a store that goes with them.

    Args:
        done: called after each intent.
    """
    drawn = random.Random(seed)  # noqa: S311  # a simulation
    clock = [0.0]
    store = open_store(encoder.dimension)
    rules = RulesInterpreter(lambda: None)  # whose preference does not move
    memory = Memory(store, encoder, lambda: clock[0])
    tenant = RetrievalInterpreter(rules, store, encoder, memory).of(TENANT)
    own = memory.of(TENANT)
    steps = []
    for act, (length, services) in enumerate(zip(acts, (FIRST, SECOND, FIRST), strict=True), 1):
        sentences = _sentences(services, drawn)
        for _ in range(length):
            clock[0] += DAY_S / 2 if act == 1 else DAY_S * 120 / length
            text = next(sentences)
            plain = rules.interpret(text, ()).services
            if len(plain) == 1:
                steps.append(_step(tenant, own, act, text, plain[0].preference, drawn.gauss))
            done()
    store.close()
    return steps


def _step(
    tenant: TenantInterpreter,
    own: TenantMemory,
    act: int,
    text: str,
    usual: Preference,
    gauss: Callable[[float, float], float],
) -> Step:
    """Interpret, deploy, measure, learn."""
    said = tenant.interpret(text, ())
    (service,) = said.services
    used, true = service.preference, truth(usual)
    pressures = {
        quality: max(-1.0, min(1.0, GAIN * gap + gauss(0, NOISE)))
        for quality in Quality
        if (gap := _weight(true, quality) - _weight(used, quality))
    }
    outcome = Outcome(OutcomeKind.MEASURED, pressures)
    own.learn(service.words, service.slice_type, service.preference, outcome)
    error, without = distance(used, true), distance(usual, true)
    return Step(act, text, error, without, own.size(Collection.OUTCOMES))


def truth(usual: Preference) -> Preference:
    """What the services of this world need: reliability and the first quality change places."""
    weights = {quality: _weight(usual, quality) for quality in Quality}
    first = max(weights, key=lambda quality: weights[quality])
    other = Quality.ECONOMICS if first is Quality.RELIABILITY else Quality.RELIABILITY
    weights[first], weights[other] = weights[other], weights[first]
    return normalised(weights)


def distance(one: Preference, other: Preference) -> float:
    """Total variation: how much weight would have to be moved, 0 to 1."""
    return sum(abs(_weight(one, q) - _weight(other, q)) for q in Quality) / 2


def _weight(preference: Preference, quality: Quality) -> float:
    weight: float = getattr(preference, quality.value)
    return weight


def _sentences(services: Sequence[str], drawn: random.Random) -> Iterator[str]:
    """Every service in every wording, shuffled, again and again."""
    wordings = list(product(services, _OPENINGS, _ENDINGS))
    while True:
        drawn.shuffle(wordings)
        for service, opening, ending in wordings:
            yield opening.format(service) + ending


def summary(steps: Sequence[Step]) -> dict[str, float]:
    """Mean errors at the telling moments."""

    def mean(found: Sequence[Step]) -> float:
        return round(statistics.mean(step.with_memory for step in found), 4)

    acts = {act: [step for step in steps if step.act == act] for act in (1, 2, 3)}
    return {
        "intents": len(steps),
        "without memory": round(statistics.mean(step.without for step in steps), 4),
        "act 1, first 20": mean(acts[1][:20]),
        "act 1, last 40": mean(acts[1][-40:]),
        "act 2, first 20": mean(acts[2][:20]),
        "act 2, last 40": mean(acts[2][-40:]),
        "act 3, first 20": mean(acts[3][:20]),
        "entries at the end": steps[-1].entries,
    }


def write(steps: Sequence[Step], folder: Path) -> None:
    """Every step as memory.csv, and the figure as memory.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "memory.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["intent", "act", "error_with_memory", "error_without", "entries"])
        for number, step in enumerate(steps, 1):
            rows.writerow([number, step.act, step.with_memory, step.without, step.entries])
    _plot(steps, folder / "memory.png")


def _plot(steps: Sequence[Step], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6))
    errors, sizes = figure.subplots(2, 1, sharex=True)
    errors.plot(_smooth([step.without for step in steps]), label="catalogue and rules only")
    errors.plot(_smooth([step.with_memory for step in steps]), label="with memory")
    errors.set_ylabel("error of the preference\n(total variation, mean of 20)")
    errors.set_ylim(bottom=0)
    errors.legend()
    sizes.plot([step.entries for step in steps])
    sizes.set_ylabel("entries kept")
    sizes.set_xlabel("intents")
    for axis in (errors, sizes):
        for place, step in enumerate(steps[1:], 1):
            if step.act != steps[place - 1].act:
                axis.axvline(place, color="grey", linestyle=":")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def _smooth(values: Sequence[float], over: int = 20) -> list[float]:
    return [statistics.mean(values[max(0, i - over + 1) : i + 1]) for i in range(len(values))]
