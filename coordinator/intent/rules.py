"""The rules engine: phrases name services, patterns own numbers, the catalogue fills the rest.

No model, no network, no state; a sentence takes about a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from coordinator.intent import hostile, requests
from coordinator.intent.clauses import Group, Piece, gather, pieces, without_background
from coordinator.intent.doubts import doubts
from coordinator.intent.guard import Text, admit
from coordinator.intent.heads import Heads, Speeches, is_aside, is_request
from coordinator.intent.heads import found as found_heads
from coordinator.intent.language import ENGLISH_CODE, language, question
from coordinator.intent.numbers import quantities
from coordinator.intent.places import Place, places
from coordinator.intent.quantity import Quantity
from coordinator.intent.reading import Reading, read
from coordinator.intent.spelling import mended
from coordinator.limits import SERVICES_MAX
from coordinator.model import Action, Evidence, Interpretation, Service, Source

_EXAMPLE = 'for example "video calls for 200 users in Berlin" or "robot control within 10 ms"'


class RulesInterpreter:
    """An `Interpreter` made of rules and the service catalogue; it reads English.

    Args:
        heads: gives what says of which service words speak that the phrase book does not hold,
            or None: then the rules read alone.
    """

    def __init__(self, heads: Callable[[], Heads | None] = found_heads) -> None:
        self._heads = heads

    def interpret(self, text: str, areas: Sequence[str]) -> Interpretation:
        """See `Interpreter.interpret`."""
        heads = self._heads()
        admitted = admit(text)
        kept, cut = hostile.cut(admitted.folded)
        benign = Text(admitted.original, kept, admitted.offsets)
        if cut and not kept.strip():
            return _rejected("this asks for what no tenant may ask for")
        code = language(benign.original)
        if code != ENGLISH_CODE:
            return _clarify([question(code)], "this engine reads English only")
        if heads:
            benign = mended(benign, heads.english)
        speech = heads.speech(benign.folded) if heads else None
        command = requests.lifecycle(benign.folded)
        if command is not None and not (speech and is_aside(speech)):
            return _command(benign, command)
        found = quantities(benign, heads and heads.counted)
        spots = places(benign, areas)
        parts = without_background(pieces(benign.folded, found, _pairs(spots), heads))
        refusal = _refusal(benign, parts, found, cut, speech)
        if refusal is not None:
            return refusal
        return _creation(benign, parts, found, spots, cut)


def _creation(
    text: Text, parts: Sequence[Piece], found: list[Quantity], spots: list[Place], cut: int
) -> Interpretation:
    """A request for new slices: one service for each group of pieces."""
    groups, shared = gather(parts)
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


def _refusal(
    text: Text,
    parts: Sequence[Piece],
    found: Sequence[Quantity],
    cut: int,
    speech: Speeches | None,
) -> Interpretation | None:
    """Why a text is no request for slices, or None where it is one."""
    folded = text.folded
    named = any(part.kind is not None for part in parts)
    firm = any(part.speech.firm for part in parts)
    measured = bool(found)
    networked = [item for item in found if item.key != "num_ues"]
    known = requests.network_words(folded)
    odd_words = requests.is_gibberish(folded) and not (named or networked)
    off_topic = requests.is_off_topic(
        folded, network_words=known, measured=bool(networked), named=named
    )
    if speech is not None:
        off_topic = is_aside(speech, doubtful=off_topic) and not (
            networked and requests.asks(folded)
        )
        named = named or (is_request(speech) and any(part.hinted for part in parts))
    if off_topic or odd_words:
        return _rejected("this does not ask for a network slice")
    if cut and not named and not measured:
        return _rejected("this asks for what no tenant may ask for")
    sector = any(hit.meaning.sector for part in parts for hit in part.speech.entries)
    if named or firm or networked:
        return None
    if sector and (known or measured):
        return None
    if measured and known:
        return None
    if odd := list(doubts(text, list(found))):
        return _clarify([doubt.question for doubt in odd], "some numbers cannot be meant")
    if known or sector or requests.asks(folded) or any(part.speech.cues for part in parts):
        return _clarify([f"What is the service, and what does it need: {_EXAMPLE}?"], "too vague")
    return _rejected("this does not ask for a network slice")


def _command(text: Text, command: requests.Kind) -> Interpretation:
    """A change, a question or an end; which slice it means is said, its values are not guessed."""
    if odd := list(doubts(text, quantities(text))):
        return _clarify([doubt.question for doubt in odd], "some numbers cannot be meant")
    named = text.original[slice(*text.span(*command.target))] if command.target else "a slice"
    return Interpretation(command.action, (), (), f"to {command.action} {named}")


def _clarify(questions: Sequence[str], explanation: str) -> Interpretation:
    return Interpretation(Action.CLARIFY, (), tuple(questions), explanation)


def _rejected(explanation: str) -> Interpretation:
    return Interpretation(Action.REJECT, (), (), explanation)
