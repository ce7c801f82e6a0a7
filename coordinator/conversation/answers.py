"""What short answers mean. A yes is a yes only when it is nothing but a yes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import Enum, auto

from coordinator.intent.guard import fold
from coordinator.intent.numbers import quantities
from coordinator.intent.numerals import NUMBER, Reading, value_of
from coordinator.intent.places import places
from coordinator.intent.services import BY_NAME, GENERIC
from coordinator.model import Action, Evidence, Interpretation, Service, Source
from coordinator.profile import entry_of

_END = r"[\s,.!]*"
_POLITE = r"(?:[\s,]+(?:please|thanks|thank you|bitte|danke))?"
_YES = re.compile(
    r"(?:yes|y|yep|yeah|sure|ok|okay|agreed|i agree|accept|i accept|accepted|go ahead|do it"
    r"|order it|confirm|confirmed|ja|einverstanden|gern|yes,? (?:do it|go ahead|order it|i agree|i"
    rf" accept)){_POLITE}{_END}"
)
_NO = re.compile(
    r"(?:no|n|nope|nein|not like that|do not|don't|reject|decline|cancel|no,? (?:do not|don't)"
    rf"(?: order(?: it)?)?){_POLITE}{_END}"
)
_SKIP = re.compile(
    r"(?:skip|default|the default|any|anywhere|whatever|i don't know|don't know|no idea"
    rf"|you choose|egal|weiss nicht){_POLITE}{_END}"
)
_CHANGE = re.compile(
    r"^\W*(?:no|ok|okay|and|but|then|please|can you|could you|,|\s)*"
    r"(?:make|change|increase|reduce|lower|raise|set|rather|instead)\b"
)
_MORE = re.compile(r"^\W*(?:also|and also|additionally|in addition|plus|add|another|besides)\b")
_NUMBER_ANSWER = re.compile(
    r"^(?:about|around|some|roughly|only|just|maybe|approximately|etwa|circa|ca\.?)?\s*$"
)
_UNNAMED = frozenset(entry.name for entry in GENERIC.values())


class Answer(Enum):
    """A short answer that stands by itself."""

    YES = auto()
    NO = auto()
    SKIP = auto()


def short_answer(text: str) -> Answer | None:
    """Yes, no or skip; None for everything that says more, or less, than that."""
    folded = fold(text).folded.strip()
    for pattern, answer in ((_YES, Answer.YES), (_NO, Answer.NO), (_SKIP, Answer.SKIP)):
        if pattern.fullmatch(folded):
            return answer
    return None


def bare_number(text: str) -> float | None:
    """The number of an answer that is little more than one: "200", "about two hundred"."""
    folded = fold(text).folded.strip()
    match = NUMBER.search(folded)
    if match is None or not _NUMBER_ANSWER.match(folded[: match.start()]):
        return None
    rest = folded[match.end() :].strip(" .!,")
    value = value_of(match, Reading.COUNT)
    return value if not rest or rest.isalpha() else None


def named_place(text: str, areas: Sequence[str]) -> str | None:
    """The coverage area that an answer names, with or without an "in" before it."""
    found = [place.area for place in places(fold(text), areas) if place.area in areas]
    return found[0] if found else None


def is_addition(text: str) -> bool:
    """ "Also ...": a further service beside the draft."""
    return bool(_MORE.match(fold(text).folded))


def is_change(text: str, heard: Interpretation, draft: Sequence[Service]) -> bool:
    """Whether a message with values is about the draft, and not a request of its own."""
    if not draft:
        return False
    names = {entry_of(service).name for service in draft}
    named = {entry_of(service).name for service in heard.services}
    return named <= (names | _UNNAMED) or bool(_CHANGE.match(fold(text).folded))


def is_free(service: Service) -> bool:
    """Whether no entry of the catalogue fits: only its type is known."""
    return entry_of(service).name in _UNNAMED or entry_of(service).name not in BY_NAME


def stated(services: Iterable[Service]) -> tuple[Evidence, ...]:
    """Every value that these words state, each once."""
    found = {
        (item.key, item.value): item
        for service in services
        for item in service.evidence
        if item.source is Source.STATED
    }
    return tuple(found.values())


def unnamed_values(text: str, heard: Interpretation) -> tuple[Evidence, ...]:
    """The quantities of words that name no service: "make it 40 people"."""
    if heard.services or heard.action is Action.REJECT:
        return ()
    folded = fold(text)
    found = []
    for item in quantities(folded):
        start, end = folded.span(item.start, item.end)
        words = text[start:end]
        found.append(Evidence(item.key, item.value, Source.STATED, words, start, end))
    return tuple(found)


def shifted(services: Iterable[Service], by: int) -> tuple[Service, ...]:
    """The services with their spans moved to where their words now stand."""
    return tuple(replace(service, evidence=moved(service.evidence, by)) for service in services)


def moved(evidence: Iterable[Evidence], by: int) -> tuple[Evidence, ...]:
    """Evidence with the spans of stated values moved."""
    return tuple(
        replace(item, start=item.start + by, end=item.end + by)
        if item.source is Source.STATED
        else item
        for item in evidence
    )


def amended(service: Service, values: Iterable[Evidence]) -> Service:
    """The service with new values, which take the place of what they contradict."""
    values = tuple(values)
    kept = [
        item for item in service.evidence if not any(_contradicts(value, item) for value in values)
    ]
    return replace(service, evidence=(*values, *kept))


_SAME = ({"latency_ms", "rtt_ms"}, {"availability_pct", "reliability_pct"})


def same_family(one: str, other: str) -> bool:
    """Whether two keys say the same: latency and round trip, availability and reliability."""
    return one == other or any({one, other} <= family for family in _SAME)


def _contradicts(new: Evidence, old: Evidence) -> bool:
    if same_family(new.key, old.key):
        return True
    rates = new.key.endswith("mbps") and old.key.endswith("mbps")
    return rates and old.source is Source.STATED and bool(_ways(new.key) & _ways(old.key))


def _ways(key: str) -> set[str]:
    named = {"dl", "ul"} & set(key.split("_"))
    return named or {"dl", "ul"}
