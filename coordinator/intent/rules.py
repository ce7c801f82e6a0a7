"""The rules engine: phrases name services, patterns own numbers, the catalogue fills the rest.

Where the sentence encoder is installed, small heads on it judge the words that no phrase holds:
which clause is a service, of which slice type, and whether a text is a request at all. They never
touch a number, a unit, an action or an authority. Without it the rules read alone and say so.
No network, no state; a sentence takes about a millisecond alone, some ten with the heads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from coordinator.intent import requests
from coordinator.intent.admission import (
    FORBIDDEN,
    NO_REQUEST,
    clarify,
    is_trap,
    refusal,
    rejected,
)
from coordinator.intent.background import own_size, without_background
from coordinator.intent.clauses import gather
from coordinator.intent.doubts import doubts
from coordinator.intent.guard import Text
from coordinator.intent.heads import Heads
from coordinator.intent.heads import found as found_heads
from coordinator.intent.language import ENGLISH_CODE, language, question
from coordinator.intent.numbers import quantities
from coordinator.intent.opening import Group
from coordinator.intent.pieces import Piece, pieces
from coordinator.intent.places import Place, places
from coordinator.intent.quantity import Quantity
from coordinator.intent.readable import readable
from coordinator.intent.reading import Reading, read
from coordinator.limits import SERVICES_MAX
from coordinator.model import Action, Evidence, Interpretation, Service, Source

ALONE = "rules alone, without heads: the sentence encoder is not installed"


class RulesInterpreter:
    """An `Interpreter` made of rules and the service catalogue; it reads English.

    Args:
        heads: gives what says of which service words speak that the phrase book does not hold,
            or None: then the rules read alone. By default the shipped heads; where these cannot
            be had, every answer says so (`ALONE`).
    """

    def __init__(self, heads: Callable[[], Heads | None] = found_heads) -> None:
        self._heads = heads

    def interpret(self, text: str, areas: Sequence[str]) -> Interpretation:
        """See `Interpreter.interpret`."""
        heads = self._heads()
        said = _interpreted(text, areas, heads)
        if heads is None and self._heads is found_heads:
            return replace(said, explanation="; ".join(filter(None, (said.explanation, ALONE))))
        return said


def _interpreted(text: str, areas: Sequence[str], heads: Heads | None) -> Interpretation:
    benign, cut = readable(text, heads)
    blank = not benign.folded.strip()
    if blank and cut:
        return rejected(FORBIDDEN)
    code = language(text)
    if blank and code == ENGLISH_CODE and requests.is_gibberish(text.lower()):
        return rejected(NO_REQUEST)
    if blank or code != ENGLISH_CODE:
        return clarify([question(code)], "this engine reads English only")
    command = requests.lifecycle(benign.folded)
    if command is not None and not is_trap(benign, command, heads):
        return _command(benign, command)
    stated = quantities(benign, heads.counted if heads else None)
    told = own_size(benign.folded, stated)
    found = [item for item in stated if item not in told]
    spots = places(benign, areas)
    parts = without_background(pieces(benign.folded, found, _pairs(spots), heads), told)
    refused = refusal(benign, parts, found, cut, heads)
    if refused is not None:
        return refused
    return _creation(benign, parts, found, spots, cut, heads)


def _creation(
    text: Text,
    parts: Sequence[Piece],
    found: list[Quantity],
    spots: list[Place],
    cut: int,
    heads: Heads | None,
) -> Interpretation:
    """A request for new slices: one service for each group of pieces."""
    groups, shared = gather(text.folded, parts, heads)
    odd = list(doubts(text, found))
    common = _at(shared, found)
    readings = [
        read(text, group.pieces, shared, _at(group.pieces, found), common, rest=group.rest)
        for group in groups
    ]
    if len(readings) > SERVICES_MAX:
        return Interpretation(
            Action.CLARIFY,
            (),
            (f"At most {SERVICES_MAX} services can be asked for at once. Which first?",),
            f"{len(readings)} services in one request",
        )
    services = _distinct(
        [
            _located(text, group, shared, spots, item)
            for group, item in zip(groups, readings, strict=True)
        ]
    )
    questions = [doubt.question for doubt in odd]
    questions += [question for item in readings for question in item.questions]
    action = Action.CLARIFY if questions else Action.CREATE
    explanation = "a part that no tenant may ask for was left out" if cut else ""
    if odd:
        explanation = "some numbers cannot be meant"
    elif questions:
        explanation = "some words contradict each other"
    return Interpretation(action, services, tuple(questions), explanation)


def _at(parts: Sequence[Piece], found: Sequence[Quantity]) -> list[Quantity]:
    return [item for item in found if any(part.holds(item.start) for part in parts)]


def _pairs(spots: Sequence[Place]) -> list[tuple[int, int]]:
    """Stretches between neighbouring places: "Berlin and Munich" is one thing."""
    reach = 8
    return [
        (left.start, right.end)
        for left, right in pairwise(spots)
        if right.start - left.end <= reach
    ]


def _located(
    text: Text, group: Group, shared: Sequence[Piece], spots: list[Place], reading: Reading
) -> Service:
    """Add where devices are (the first place) and where the application runs (the last)."""
    own = [spot for spot in spots if group.holds(spot.start)]
    common = [spot for spot in spots if any(part.holds(spot.start) for part in shared)]
    areas = [spot for spot in own if not spot.spot] or [spot for spot in common if not spot.spot]
    areas = areas or [spot for spot in spots if not spot.spot]
    evidence = list(reading.service.evidence)
    if areas:
        evidence.append(_stated(text, "origin", areas[0]))
        if areas[-1].area != areas[0].area:
            evidence.append(_stated(text, "destination", areas[-1]))
    evidence.extend(_stated(text, "location", spot) for spot in (*own, *common) if spot.spot)
    service = reading.service
    return Service(service.name, service.slice_type, service.preference, tuple(evidence))


def _stated(text: Text, key: str, place: Place) -> Evidence:
    start, end = text.span(place.start, place.end)
    return Evidence(key, place.area, Source.STATED, text.original[start:end], start, end)


def _distinct(services: Sequence[Service]) -> tuple[Service, ...]:
    """Two services of one kind get different names: "video surveillance", "... 2"."""
    seen: dict[str, int] = {}
    named = []
    for service in services:
        count = seen[service.name] = seen.get(service.name, 0) + 1
        name = service.name if count == 1 else f"{service.name} {count}"
        named.append(Service(name, service.slice_type, service.preference, service.evidence))
    return tuple(named)


def _command(text: Text, command: requests.Kind) -> Interpretation:
    """A change, a question or an end; which slice it means is said, its values are not guessed."""
    if odd := list(doubts(text, quantities(text))):
        return clarify([doubt.question for doubt in odd], "some numbers cannot be meant")
    named = text.original[slice(*text.span(*command.target))] if command.target else "a slice"
    return Interpretation(command.action, (), (), f"to {command.action} {named}")
