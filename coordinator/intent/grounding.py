"""A model's proposal, checked value by value against the tenant's words: what fails is dropped.

The rules' reading stands: its action, its numbers, its places, and every service that words name.
A proposal can add a number only where the rules found none, if its words stand in the benign part
of the text, hold one number in a unit of the key, and the number is possible. It can move a
preference half-way, name a service that no word named, and make the tenant be asked. That is all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coordinator.intent import portions, units
from coordinator.intent.catalogue import Quality
from coordinator.intent.doubts import possible
from coordinator.intent.guard import Text, fold
from coordinator.intent.numbers import quantities
from coordinator.intent.numerals import NUMBER, Reading, value_of
from coordinator.intent.outcomes import normalised
from coordinator.intent.proposal import Proposal, ProposedService, Quote
from coordinator.intent.quantity import Quantity, tidy
from coordinator.intent.reading import complete
from coordinator.intent.services import BY_NAME
from coordinator.model import Action, Evidence, Interpretation, Preference, Service, Source

Match = re.Match[str]

QUESTIONS_MAX = 3
INVENTED_MAX = 0.5
"""The share of quotes that may be missing in the text; beyond, the whole answer is nonsense."""

_UNIT_OF = {
    "ms": units.Unit.TIME,
    "pct": units.Unit.SHARE,
    "mbps": units.Unit.RATE,
    "ues": None,
    "km2": units.Unit.DENSITY,
    "kmh": units.Unit.SPEED,
    "h": units.Unit.SPAN,
    "years": units.Unit.SPAN,
}


class Nonsense(ValueError):
    """A proposal that does not speak of this text."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """A proposed service, its quotes judged: kept as evidence, or put as questions."""

    kept: tuple[Evidence, ...]
    doubted: tuple[str, ...]
    invented: int


def ground(
    text: str, areas: Sequence[str], said: Interpretation, proposal: Proposal
) -> Interpretation:
    """What remains of `proposal` beside what the rules said.

    Raises:
        Nonsense: most of what it quotes is not in the text, or it finds nothing at all.
    """
    kept = portions.benign(text)
    owned = quantities(kept)
    checked = [_check(kept, owned, item) for item in proposal.services]
    quotes = sum(len(item.values) for item in proposal.services)
    invented = sum(item.invented for item in checked)
    if not proposal.services and not proposal.question:
        raise Nonsense("it finds no service and has no question")
    if quotes and invented > INVENTED_MAX * quotes:
        raise Nonsense(f"{invented} of {quotes} quotes are not in the text")
    doubted = [question for item in checked for question in item.doubted]
    if said.action is Action.CREATE:
        merged = _agreed(text, areas, said, proposal, checked)
    else:
        merged = _asked(said, proposal, checked)
    questions = tuple(dict.fromkeys((*merged.questions, *doubted)))[:QUESTIONS_MAX]
    return replace(
        merged,
        action=Action.CLARIFY if questions else merged.action,
        questions=questions,
        engine="llm"
        if (merged.services, questions) != (said.services, said.questions)
        else said.engine,
    )


def _agreed(
    text: str,
    areas: Sequence[str],
    said: Interpretation,
    proposal: Proposal,
    checked: Sequence[_Checked],
) -> Interpretation:
    """A request that the rules understood too: theirs, refined where both see the same."""
    parts = portions.portions(text, areas)
    sure = [part.named or part.typed for part in parts]
    if len(proposal.services) != len(said.services):
        return _counted(said, proposal, all(sure))
    sure = sure if len(sure) == len(said.services) else [True] * len(said.services)
    services, questions, notes = [], list(said.questions), [said.explanation]
    pairs = _paired(said.services, proposal.services)
    for service, certain, index in zip(said.services, sure, pairs, strict=True):
        other, check = proposal.services[index], checked[index]
        if other.kind() is service.slice_type:
            services.append(_refined(service, other, check.kept, named=certain))
            continue
        services.append(_with(service, check.kept))
        if certain:
            notes.append(f"the model would have said {other.slice_type} for {service.name}")
        else:
            questions.append(f"Do you mean {service.name} or {other.name}?")
    return replace(
        said,
        services=tuple(services),
        questions=tuple(questions),
        explanation="; ".join(note for note in notes if note),
    )


def _counted(said: Interpretation, proposal: Proposal, sure: bool) -> Interpretation:
    """The two disagree on how many services there are."""
    theirs = ", ".join(item.name for item in proposal.services) or "none"
    if sure or not proposal.services:
        note = f"the model sees other services: {theirs}"
        return replace(said, explanation=f"{said.explanation}; {note}".strip("; "))
    ours = ", ".join(item.name for item in said.services)
    question = f"Do you ask for {ours}, or for {theirs}?"
    return replace(said, questions=(*said.questions, question))


def _asked(said: Interpretation, proposal: Proposal, checked: Sequence[_Checked]) -> Interpretation:
    """A text that the rules do not see as a clear request: the tenant has to say yes first."""
    if said.services:
        return said  # the rules know what is unclear, and have numbers that are not ours to drop
    services = tuple(
        _refined(_blank(item), item, check.kept, named=False)
        for item, check in zip(proposal.services, checked, strict=True)
    )
    understood = [_described(service) for service in services]
    questions = [f"Do you mean: {', and '.join(understood)}?"] if understood else []
    if spoken := _spoken(proposal.question):
        questions.append(spoken)
    return replace(
        said,
        action=Action.CLARIFY,
        services=services,
        questions=tuple(questions) or said.questions,
    )


def _described(service: Service) -> str:
    stated = [item.words for item in service.evidence if item.source is Source.STATED]
    return f"{service.name} ({', '.join(stated)})" if stated else service.name


def _blank(item: ProposedService) -> Service:
    return Service(item.name, item.kind(), Preference(), ())


def _paired(services: Sequence[Service], proposed: Sequence[ProposedService]) -> list[int]:
    """For each service the proposed one of its type, else the first that is left."""
    left = list(range(len(proposed)))
    found: dict[int, int] = {}
    for fits in (True, False):
        for place, service in enumerate(services):
            if place in found:
                continue
            for index in left:
                if not fits or proposed[index].kind() is service.slice_type:
                    found[place] = index
                    left.remove(index)
                    break
    return [found[place] for place in range(len(services))]


def _refined(
    service: Service, other: ProposedService, kept: Sequence[Evidence], *, named: bool
) -> Service:
    """The service with the proposed name, if no word named it, and a preference half-way."""
    theirs = other.preference.preference()
    both = {q: getattr(service.preference, q.value) + getattr(theirs, q.value) for q in Quality}
    entry = BY_NAME[other.name]
    if not named and entry.slice_type is service.slice_type:
        named_so = complete(replace(service, evidence=(*service.evidence, *kept)), entry)
        return replace(named_so, preference=normalised(both), words=service.words)
    return replace(_with(service, kept), preference=normalised(both))


def _with(service: Service, kept: Sequence[Evidence]) -> Service:
    """The service with more stated values, and what they make superfluous taken away."""
    entry = BY_NAME.get(service.name.rstrip(" 0123456789"))
    if not kept or entry is None:
        return service
    known = {item.key for item in service.evidence if item.source is Source.STATED}
    more = tuple(item for item in kept if item.key not in known)
    grown = replace(service, evidence=(*service.evidence, *more))
    stated = complete(grown, entry).evidence
    return replace(service, evidence=stated)


def _check(text: Text, owned: Sequence[Quantity], item: ProposedService) -> _Checked:
    kept: dict[str, Evidence] = {}
    doubted, invented = [], 0
    for quote in item.values:
        words = fold(quote.words).folded.strip()
        start = text.folded.find(words) if words else -1
        if start < 0:
            invented += 1
            doubted.append(f"Is there a {_spelled(quote.key)} that you need? The text states none.")
            continue
        end = start + len(words)
        if any(own.start < end and start < own.end for own in owned):
            continue  # the rules own this number, whatever key the model gives it
        value = read(text, quote, start, end)
        span = text.span(start, end)
        quoted = text.original[slice(*span)]
        if value is None:
            doubted.append(f'What does "{quoted}" say: is it a {_spelled(quote.key)}?')
        else:
            kept.setdefault(quote.key, Evidence(quote.key, value, Source.STATED, quoted, *span))
    return _Checked(tuple(kept.values()), tuple(dict.fromkeys(doubted)), invented)


def read(text: Text, quote: Quote, start: int, end: int) -> float | None:
    """The one number in `text.folded[start:end]` in the unit of the key, if it is possible."""
    numbers = list(NUMBER.finditer(text.folded, start, end))
    if len(numbers) != 1:
        return None
    (number,) = numbers
    wanted = _UNIT_OF[quote.key.rsplit("_", 1)[-1]]
    unit = units.PATTERN.match(text.folded, number.end(), end)
    if wanted is None:
        behind = text.folded[number.end() : end].strip()
        value = value_of(number, Reading.COUNT) if unit is None and behind else None
    elif unit is None or unit[wanted.value] is None:
        return None
    else:
        value = _measured(text, wanted, quote.key, number, unit)
    if value is None or not possible(quote.key, value):
        return None
    return tidy(value)


def _measured(text: Text, wanted: units.Unit, key: str, number: Match, unit: Match) -> float:
    """A number times its unit's factor, in the unit of the key."""
    share = wanted is units.Unit.SHARE
    value = value_of(number, Reading.SHARE if share else Reading.MEASURE)
    match wanted:
        case units.Unit.RATE:
            return value * units.mbps(unit, text.original[slice(*text.span(*unit.span()))])
        case units.Unit.TIME:
            return value * units.time_ms(unit["time"])
        case units.Unit.SPEED:
            return value * units.kmh(unit["speed"])
        case units.Unit.DENSITY:
            return value * units.per_km2(unit["area"])
        case units.Unit.SPAN:
            hours = value * units.span_h(unit["span"])
            return hours / units.span_h("years") if key == "battery_years" else hours
        case _:
            return value


def _spoken(question: str) -> str:
    """A model's own question, if it is one and nothing else: no digits, links or markup."""
    said = " ".join(question.split())
    plain = all(letter.isalpha() or letter in " ,;:'’?¿-()." for letter in said)  # noqa: RUF001
    return said if plain and said.endswith("?") and "www." not in said else ""


def _spelled(key: str) -> str:
    names = {"num_ues": "number of devices", "mbps": "throughput", "rtt_ms": "round trip time"}
    return names.get(key, key.rsplit("_", 1)[0].replace("_", " "))
