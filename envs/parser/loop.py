"""What interpretation costs: the case study played on what was read, judged by what was meant.

python -m envs.parser.loop --profile C1 --episodes 200

Every slice of the fixed episodes gets a sentence that says its tiers. A policy plays on the tiers
read from the sentences; a slice counts as served only if the bounds that its tenant meant hold.
Beside it the same with the true tiers, and with each attribute misread at random with a chance of
epsilon: the price of one per cent of errors.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from coordinator.intent import Interpreter
from coordinator.intent.rules import RulesInterpreter
from domains.errors import EntenteError
from envs.arrays import Bools, Floats, Ints
from envs.parser.sentences import Tiers, sentence
from envs.parser.tiers import SILENT, tiers_of
from envs.sliceorch.core import REFUSED, SliceOrchestration
from envs.sliceorch.evaluation import fixed_episodes
from envs.sliceorch.instances import COST, LATENCY_MS, SHARING, WEIGHTS, Instances
from envs.sliceorch.policies import policy_of
from envs.sliceorch.profiles import (
    COST_SCORES,
    COST_TIERS,
    LATENCY_SCORES,
    LATENCY_TIERS_MS,
    SHARING_SCORES,
    SHARING_TIERS,
    Profile,
    profile_of,
)
from envs.statistics import Estimate, mean_of

EPSILONS: Final = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
POLICY: Final = "greedy"
_SENTENCES: Final = 0x5A1D
_NOISE: Final = 0xE95
_COLUMNS: Final = (LATENCY_MS, SHARING, COST)
_TIERS: Final = (LATENCY_TIERS_MS, SHARING_TIERS, COST_TIERS)
_SCORES: Final = (LATENCY_SCORES, SHARING_SCORES, COST_SCORES)
ATTRIBUTES: Final = ("latency", "reliability", "economics")

Read = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class ParserResult:
    """accuracy: share of slices whose attribute was read as meant, by attribute; stated_accuracy:
    the same of sentences that state a number for latency and reliability. Availability of the
    episodes: true_labels, parsed, stated, and injected, by epsilon. per_error_per_cent: what each
    per cent of attributes misread costs between epsilon 0 and .1, in points of availability."""

    profile: str
    requests: int
    episodes: int
    sentences: int
    accuracy: dict[str, float]
    stated_accuracy: dict[str, float]
    true_labels: Estimate
    parsed: Estimate
    stated: Estimate
    injected: dict[float, Estimate]

    @property
    def per_error_per_cent(self) -> float:
        return (self.injected[0.0].mean - self.injected[0.1].mean) * 10.0

    def as_json(self) -> dict[str, Any]:
        return {
            "profile": self.profile,
            "requests": self.requests,
            "episodes": self.episodes,
            "sentences": self.sentences,
            "accuracy": self.accuracy,
            "stated_accuracy": self.stated_accuracy,
            "true_labels": self.true_labels.as_json(),
            "parsed": self.parsed.as_json(),
            "stated": self.stated.as_json(),
            "injected": {str(key): value.as_json() for key, value in self.injected.items()},
            "per_error_per_cent": self.per_error_per_cent,
        }


def evaluate_parser(
    profile: str | Profile = "C1",
    requests: int | None = None,
    episodes: int = 200,
    seed: int = 0,
    interpreter: Interpreter | None = None,
) -> ParserResult:
    """On the fixed episodes of `envs.sliceorch.evaluation`. ValueError for no such profile."""
    found = profile_of(profile)
    count = found.requests if requests is None else requests
    meant = fixed_episodes(found, count, seed, 0, episodes)
    reader = interpreter or RulesInterpreter()
    read, stated = (
        parsed(meant.slices, np.random.default_rng((seed, _SENTENCES)), reader, numbers)
        for numbers in (False, True)
    )
    injected = {
        chance: mean_of(
            played(
                found, meant, misread(meant.slices, chance, np.random.default_rng((seed, _NOISE)))
            )
        )
        for chance in EPSILONS
    }
    return ParserResult(
        profile=found.name,
        requests=count,
        episodes=episodes,
        sentences=episodes * count,
        accuracy=_accuracy(read, meant.slices),
        stated_accuracy=_accuracy(stated, meant.slices),
        true_labels=mean_of(played(found, meant, meant.slices)),
        parsed=mean_of(played(found, meant, read)),
        stated=mean_of(played(found, meant, stated)),
        injected=injected,
    )


def _accuracy(read: Floats, meant: Floats) -> dict[str, float]:
    same = read[..., list(_COLUMNS)] == meant[..., list(_COLUMNS)]
    return dict(zip(ATTRIBUTES, same.mean(axis=(0, 1)).tolist(), strict=True))


def parsed(
    slices: Floats, generator: np.random.Generator, reader: Interpreter, numbers: bool = False
) -> Floats:
    """Slices [B, n, 9] as an interpreter reads a sentence for each; `numbers`: which state them."""

    @cache
    def tiers(text: str) -> Tiers:
        try:
            return tiers_of(reader.interpret(text, ()))
        except EntenteError:
            return SILENT

    out = slices.copy()
    for one in out.reshape(-1, out.shape[-1]):
        read = tiers(sentence(Tiers(*one[list(_COLUMNS)].tolist()), generator, numbers))
        one[list(_COLUMNS)] = read.latency_ms, read.sharing, read.cost
    return _weighed(out)


def misread(slices: Floats, chance: float, generator: np.random.Generator) -> Floats:
    """Slices [B, n, 9], each attribute replaced by another of its tiers with that chance."""
    out = slices.copy()
    for column, tiers in zip(_COLUMNS, _TIERS, strict=True):
        shape = out.shape[:-1]
        wrong, further = generator.random(shape) < chance, generator.integers(1, len(tiers), shape)
        at = _places(out[..., column], tiers)
        other = np.array(tiers)[(at + further) % len(tiers)]
        out[..., column] = np.where(wrong, other, out[..., column])
    return _weighed(out)


def played(profile: Profile, meant: Instances, read: Floats, policy: str = POLICY) -> Floats:
    """Availability of each episode, [B], if a policy sees `read` and tenants judge by `meant`."""
    acting = policy_of(policy)
    count, slots = read.shape[:2]
    core = SliceOrchestration(profile, slots, count, acting.mask)
    core.load_instances(np.arange(count), replace(meant, slices=read))
    acting.begin(core)
    while not core.done.all():
        core.step(acting.act(core))
    served = kept(core, meant.slices)
    availability: Floats = served.sum(axis=1) / slots
    return availability


def kept(core: SliceOrchestration, meant: Floats) -> Bools:
    """[B, n]: which slices were placed and keep the bounds of `meant` in the end."""
    crowded = core.chain & (core.load[:, None, :] > meant[..., SHARING, None])
    found: Bools = (
        (core.placement > REFUSED)
        & (core.latency_ms <= meant[..., LATENCY_MS])
        & (core.price <= meant[..., COST])
        & ~crowded.any(axis=2)
    )
    return found


def _weighed(slices: Floats) -> Floats:
    """With the preference that the tiers stand for."""
    scores = slices[..., WEIGHTS]
    for place, (column, tiers, score) in enumerate(zip(_COLUMNS, _TIERS, _SCORES, strict=True)):
        scores[..., place] = np.array(score)[_places(slices[..., column], tiers)]
    scores /= scores.sum(axis=-1, keepdims=True)
    return slices


def _places(values: Floats, tiers: Sequence[float]) -> Ints:
    found: Ints = (values[..., None] == np.array(tiers)).argmax(axis=-1)
    return found


def parser(profile: str, requests: int | None, episodes: int, seed: int, as_json: bool) -> None:
    """Prints a table, or one JSON object."""
    result = evaluate_parser(profile, requests, episodes, seed)
    if as_json:
        print(json.dumps(result.as_json(), indent=2))
        return
    table = Table(
        "labels",
        "read as meant: " + " / ".join(ATTRIBUTES),
        "availability",
        title=f"{result.profile}, {result.requests} slices, {result.episodes} episodes, {POLICY}",
        caption=f"rules interpreter, {result.sentences} sentences; "
        f"each per cent of errors costs {result.per_error_per_cent:.2f} points",
    )
    table.add_row("true", "", f"{result.true_labels.mean:.4f}")
    for label, accuracy, value in (
        ("read from sentences", result.accuracy, result.parsed),
        ("the same, numbers stated", result.stated_accuracy, result.stated),
    ):
        table.add_row(label, " / ".join(f"{x:.3f}" for x in accuracy.values()), f"{value.mean:.4f}")
    for chance, value in result.injected.items():
        table.add_row(f"misread with chance {chance:.2f}", "", f"{value.mean:.4f}")
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0, or 2 with a line on stderr."""
    asked = argparse.ArgumentParser(prog="python -m envs.parser.loop", description=__doc__)
    asked.add_argument("--profile", default="C1")
    asked.add_argument("--requests", type=int)
    asked.add_argument("--episodes", type=int, default=200)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args(arguments)
    try:
        parser(given.profile, given.requests, given.episodes, given.seed, given.json)
    except (ValueError, OSError) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
