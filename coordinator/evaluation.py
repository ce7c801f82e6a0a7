"""How well sentences are translated: seven figures over labelled sentences, each in 0..1.

    refuse          of what should be refused: no service was given
    accept          of real requests: not refused
    count           of creations: as many services as labelled
    type            of labelled services: the right slice type; half for a coarser one
    dominant_top2   of labelled services: what matters most is among the two heaviest weights
    recall          of labelled numbers: found, within 1 %
    precision       of the numbers given: labelled as well

`quality` is their mean. What is another way of saying the same (latency or round trip) is one
family of keys. Pure: who answers, and how fast, is somebody else's concern.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from coordinator.model import Action, TypeLabel
from coordinator.translation import TranslatedService, Translation

DIGITS = 4
TOLERANCE = 0.01
_DUST = 1e-9
"""What binary fractions may be off by."""

_FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("latency_ms", "rtt_ms"), "latency"),
    **dict.fromkeys(("availability_pct", "reliability_pct"), "assurance"),
}
_COARSER: Mapping[TypeLabel, frozenset[TypeLabel]] = {
    "HDLLC": frozenset({"URLLC", "eMBB"}),
    "V2X": frozenset({"URLLC"}),
}
"""Types of the first three releases that stand for a later one: worth half."""


class LabelledSlice(BaseModel):
    """What one service of a sentence should be understood as."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    slice_type: TypeLabel
    dominant_qoe: str | None = None
    constraints: dict[str, Any] = {}


class Expected(BaseModel):
    """What a sentence should be understood as."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    action: str
    slices: tuple[LabelledSlice, ...] | None = None


class Labelled(BaseModel):
    """One line of a file of labelled sentences; further keys say where it came from."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = Field(min_length=1)
    text: str
    group: str = ""
    expected: Expected


@dataclass(frozen=True, slots=True)
class Figures:
    """The seven, and their mean; None where no sentence asks for it."""

    refuse: float | None
    accept: float | None
    count: float | None
    type: float | None
    dominant_top2: float | None
    recall: float | None
    precision: float | None
    quality: float


@dataclass(frozen=True, slots=True)
class Mark:
    """What one question of one sentence was worth: 0, a half or 1."""

    figure: str
    worth: float


_Number = tuple[str, float]
"""A family of keys and a value."""


def figures(labelled: Iterable[Labelled], answers: Mapping[str, Translation]) -> Figures:
    """The figures of `answers`, by the id of the sentence; no answer counts as a wrong one."""
    marks: dict[str, list[float]] = {
        name: [] for name in Figures.__dataclass_fields__ if name != "quality"
    }
    for row in labelled:
        for mark in graded(row.expected, answers.get(row.id)):
            marks[mark.figure].append(mark.worth)
    means = {
        name: round(sum(worth) / len(worth), DIGITS) if worth else None
        for name, worth in marks.items()
    }
    quality = round(sum(mean or 0.0 for mean in means.values()) / len(means), DIGITS)
    return Figures(**means, quality=quality)


def graded(expected: Expected, answer: Translation | None) -> Iterator[Mark]:
    """Every mark of one sentence."""
    services = answer.services if answer else []
    refused = answer is None or answer.action is Action.REJECT
    if expected.action == Action.REJECT:
        empty = answer is not None and answer.action in (Action.REJECT, Action.CLARIFY)
        yield Mark("refuse", float(empty and not services))
        return
    yield Mark("accept", float(not refused))
    wanted = expected.slices or ()
    if expected.action != Action.CREATE or not wanted:
        return
    yield Mark("count", float(len(services) == len(wanted)))
    yield from _types(wanted, services)
    yield from _numbers(wanted, services)


def _types(
    wanted: Sequence[LabelledSlice], services: Sequence[TranslatedService]
) -> Iterator[Mark]:
    """Each labelled slice takes the best service that is left."""
    left = list(services)
    for label in wanted:
        match, worth = _best(label, left)
        yield Mark("type", worth)
        if match is not None:
            left.remove(match)
        if label.dominant_qoe:
            yield Mark("dominant_top2", float(label.dominant_qoe in _heaviest(match)))


def _best(
    label: LabelledSlice, left: Sequence[TranslatedService]
) -> tuple[TranslatedService | None, float]:
    coarser = _COARSER.get(label.slice_type, frozenset())
    for types, worth in (({label.slice_type}, 1.0), (coarser, 0.5)):
        for service in left:
            if service.slice_type in types:
                return service, worth
    return (left[0] if left else None), 0.0


def _heaviest(service: TranslatedService | None) -> list[str]:
    if service is None:
        return []
    weights = service.preference.model_dump()
    return sorted(weights, key=weights.__getitem__, reverse=True)[:2]


def _numbers(
    wanted: Sequence[LabelledSlice], services: Sequence[TranslatedService]
) -> Iterator[Mark]:
    asked = list(_of(label.constraints for label in wanted))
    given = list(_of(service.constraints for service in services))
    yield from (Mark("recall", found) for found in _found(asked, given))
    yield from (Mark("precision", found) for found in _found(given, asked))


def _of(constraints: Iterable[Mapping[str, Any]]) -> Iterator[_Number]:
    for values in constraints:
        for key, value in values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                family = "throughput" if key.endswith("mbps") else _FAMILIES.get(key, key)
                yield family, float(value)


def _found(these: Sequence[_Number], among: Sequence[_Number]) -> Iterator[float]:
    """For each of `these` whether it is `among` the others, each of which counts once."""
    left = list(among)
    for family, value in these:
        near = next(
            (other for other in left if other[0] == family and _near(other[1], value)), None
        )
        if near is not None:
            left.remove(near)
        yield float(near is not None)


def _near(one: float, other: float) -> bool:
    """Within the tolerance of `other`, the one that is looked for."""
    return abs(one - other) <= TOLERANCE * abs(other) + _DUST
