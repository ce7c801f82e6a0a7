"""One service from the pieces that speak of it: type, catalogue entry, preference, evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coordinator.intent.catalogue import Entry, Figure, Quality
from coordinator.intent.guard import Text
from coordinator.intent.heads import Opinion, Role
from coordinator.intent.pieces import Piece
from coordinator.intent.quantity import Quantity, unit_of
from coordinator.intent.services import ASSUMED, BY_NAME, DELAY_BUDGET, GENERIC
from coordinator.model import Evidence, Preference, Service, SliceType, Source
from domains.model import Isolation

_EXPLICIT = 6.0
_CONTEXT = 0.4
"""What a heading or a line of business weighs against a service that is named."""
_BASE = {0: 1.0, 1: 0.65}
_OTHER = 0.3
_HEADS_SHARE = 2.0
"""A sure head weighs like two words that name a service."""
_WORDS_ENOUGH = 4
"""A piece of so many words of its own is heard fully, a shorter one less."""
_HEADS_QUALITY = 0.9
_CUE_SHARE = 0.35
_DENIED_SHARE = 0.3
_RATES = ("mbps", "dl_mbps", "ul_mbps", "per_ue_mbps", "per_ue_dl_mbps", "per_ue_ul_mbps")
_RATES_EACH = tuple(key for key in _RATES if key.startswith("per_ue"))
_ASSURANCE = ("availability_pct", "reliability_pct")

_ISOLATED = re.compile(
    r"\b(?:keep (?:it|them|this|both|everything|all) (?:strictly |fully |completely )?(?:isolated"
    r"|separate\w*|private|apart)|(?:fully |strictly |completely |physically"
    r" |logically )?isolat(?:ed"
    r"|ion)(?: slices?)?|dedicated (?:slice|network|resources?|core|instances?|capacity|upf)"
    r"|not (?:be )?shared|non-?shared|exclusive(?:ly)?(?: use| slice)?|private slice|own network"
    r" functions?|separate from (?:other|public|all)[\w ]{0,20}?(?:traffic|users|tenants|slices|"
    r"networks?))\b"
)
_NOT_ISOLATED = re.compile(
    r"\b(?:no|without|not|n'?t)(?: \w+){0,3} (?:isolat\w+|dedicated|exclusive)"
    r"|\bisolation (?:is not|isn't|does not|doesn't|not)"
)
_PRIORITY = re.compile(
    r"\b(?:(?P<level>highest|high|top|maximum|emergency|urgent|absolute|low|lowest|normal)"
    r" priority|priority (?:access|treatment)|(?P<now>immediately|urgently|asap))\b"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A service and what has to be asked about it."""

    service: Service
    questions: tuple[str, ...]


def read(
    text: Text,
    parts: Sequence[Piece],
    context: Sequence[Piece],
    own: Sequence[Quantity],
    common: Sequence[Quantity],
    *,
    rest: bool,
) -> Reading:
    """Make one service of its own pieces and those that all services share.

    Args:
        own, common: the numbers in `parts`, and those in `context`.
        rest: "everything else", for which the tenant asks little.
    """
    numbers = [*own, *common]
    item, kind = _recognise(parts, context, numbers)
    if rest:
        item = BY_NAME["best effort traffic"]
        kind = item.slice_type
    stated = [_evidence(text, number) for number in numbers]
    stated.extend(_manner(text, [*parts, *context]))
    evidence = (*stated, *_assumed(item, kind, stated))
    preference = _preference(item, kind, [*parts, *context], numbers)
    service = Service(item.name, kind, preference, evidence)
    return Reading(service, tuple(_contradictions(stated)))


def complete(service: Service, item: Entry) -> Service:
    """`service` as the catalogue's `item`: what was stated stays, what was assumed is renewed."""
    stated = [evidence for evidence in service.evidence if evidence.source is Source.STATED]
    evidence = (*stated, *_assumed(item, item.slice_type, stated))
    return Service(item.name, item.slice_type, service.preference, evidence)


def usual(item: Entry) -> Preference:
    """The preference of a service about which nothing more is said."""
    return _preference(item, item.slice_type, (), ())


def _recognise(
    parts: Sequence[Piece], context: Sequence[Piece], numbers: Sequence[Quantity]
) -> tuple[Entry, SliceType]:
    """The catalogue entry and the slice type, which an explicit word can overrule."""
    named: dict[str, float] = {}
    types: dict[SliceType, float] = {}
    leanings: dict[SliceType, float] = {}
    for share, pieces in ((1.0, parts), (_CONTEXT, context)):
        for piece in pieces:
            _add(types, [(kind, _EXPLICIT) for kind in piece.speech.explicit], share)
            for hit in piece.speech.entries:
                if not hit.negated:
                    weight = hit.weight * share * (_CONTEXT if hit.meaning.sector else 1.0)
                    named[hit.meaning.name] = named.get(hit.meaning.name, 0.0) + weight
                    _add(types, [(hit.meaning.slice_type, weight)], 1.0)
            for cue in piece.speech.cues:
                if not cue.negated:
                    _add(leanings, cue.meaning.types.items(), share)
    _add(leanings, _types_by_number(numbers), 1.0)
    _add(leanings, _types_by_heads(parts), _HEADS_SHARE)
    kind = _slice_type(types, leanings)
    return _entry(named, kind), kind


def _slice_type(types: dict[SliceType, float], leanings: dict[SliceType, float]) -> SliceType:
    """The heaviest type: what is named, and what qualities and numbers lean to.

    Vehicles and other realities need low latency as well, so that leaning is theirs when they are
    named; and high throughput together with low latency, with nothing named, is HDLLC.
    """
    urgent, broad = leanings.get(SliceType.URLLC, 0.0), leanings.get(SliceType.EMBB, 0.0)
    for kind in (SliceType.V2X, SliceType.HDLLC):
        if types.get(kind, 0.0) >= max(types.get(SliceType.URLLC, 0.0), 0.5):
            _add(leanings, [(kind, urgent)], 1.0)
    if not types and min(urgent, broad) >= 1:
        _add(leanings, [(SliceType.HDLLC, urgent + broad)], 1.0)
    totals = dict(types)
    _add(totals, leanings.items(), 1.0)
    return max(totals, key=lambda kind: totals[kind]) if totals else SliceType.EMBB


def _add(
    totals: dict[SliceType, float], more: Iterable[tuple[SliceType, float]], share: float
) -> None:
    for kind, weight in more:
        totals[kind] = totals.get(kind, 0.0) + weight * share


def _entry(named: dict[str, float], kind: SliceType) -> Entry:
    """The entry named most often among those of the type; else of any type; else generic."""
    order = list(BY_NAME)
    ranked = sorted(
        named,
        key=lambda name: (
            BY_NAME[name].slice_type is not kind,
            BY_NAME[name].sector,
            -named[name],
            order.index(name),
        ),
    )
    if not ranked or (BY_NAME[ranked[0]].slice_type is not kind and BY_NAME[ranked[0]].sector):
        return GENERIC[kind]
    return BY_NAME[ranked[0]]


def _types_by_number(numbers: Sequence[Quantity]) -> list[tuple[SliceType, float]]:
    """What numbers alone suggest about the type."""
    votes = []
    delay = min(_values(numbers, "latency_ms", "rtt_ms"), default=None)
    rate = max(_values(numbers, *_RATES), default=0.0)
    if delay is not None and delay <= 20:
        votes.append((SliceType.URLLC, 1.3 if delay <= 5 else 0.9 if delay <= 10 else 0.6))
        if rate >= 50:
            votes.append((SliceType.HDLLC, 0.7))
    if delay is not None and delay >= 50:
        votes.append((SliceType.URLLC, -2.0 if delay >= 500 else -0.8))
    if rate >= 10:
        votes.append((SliceType.EMBB, 1.3 if rate >= 1000 else 0.9 if rate >= 100 else 0.6))
    elif max(_values(numbers, *_RATES_EACH), default=0.0) >= 2:
        votes.append((SliceType.EMBB, 0.6))
    if any(value >= 99.999 for value in _values(numbers, *_ASSURANCE)):
        votes.append((SliceType.URLLC, 0.8))
    if (
        _values(numbers, "battery_years")
        or max(_values(numbers, "density_per_km2"), default=0) > 1e4
    ):
        votes.append((SliceType.MIOT, 1.5))
    return votes


def _types_by_heads(parts: Sequence[Piece]) -> list[tuple[SliceType, float]]:
    """What the heads make of the pieces that name a service."""
    return [
        (kind, share * likely)
        for share, opinion in _opinions(parts)
        for kind, likely in opinion.types.items()
    ]


def _opinions(parts: Sequence[Piece]) -> list[tuple[float, Opinion]]:
    """Opinions of the pieces, each with its share; those of clear services count more."""
    known = [
        (part.opinion.roles[Role.SERVICE] * min(part.own_words, _WORDS_ENOUGH), part.opinion)
        for part in parts
        if part.opinion
    ]
    total = sum(share for share, _ in known)
    return [(share / total, opinion) for share, opinion in known] if total else []


def _values(numbers: Sequence[Quantity], *keys: str) -> list[float]:
    return [number.value for number in numbers if number.key in keys]


def _preference(
    item: Entry, kind: SliceType, parts: Sequence[Piece], numbers: Sequence[Quantity]
) -> Preference:
    """Weights from the service, moved by the qualities that the words ask for or dismiss."""
    source = item if item.slice_type is kind else GENERIC[kind]
    weights = dict.fromkeys(Quality, _OTHER)
    weights[source.first], weights[source.second] = _BASE[0], _BASE[1]
    denied = set()
    for piece in parts:
        for cue in piece.speech.cues:
            for quality, weight in cue.meaning.qualities.items():
                if cue.negated:
                    denied.add(quality)
                else:
                    weights[quality] += _CUE_SHARE * weight
    for quality, wanted in _qualities_by_number(numbers):
        weights[quality] += wanted
    for share, opinion in _opinions(parts):
        for quality, likely in opinion.qualities.items():
            weights[quality] += _HEADS_QUALITY * share * likely
    for quality in denied:
        weights[quality] *= _DENIED_SHARE
    total = sum(weights.values())
    shares = {quality.value: round(weight / total, 3) for quality, weight in weights.items()}
    shares[source.first.value] = round(shares[source.first.value] + 1 - sum(shares.values()), 3)
    return Preference(**shares)


def _qualities_by_number(numbers: Sequence[Quantity]) -> list[tuple[Quality, float]]:
    found = []
    if any(value <= 20 for value in _values(numbers, "latency_ms", "rtt_ms")):
        found.append((Quality.LATENCY, 0.35))
    if any(value >= 99.99 for value in _values(numbers, *_ASSURANCE)):
        found.append((Quality.RELIABILITY, 0.35))
    if any(value >= 100 for value in _values(numbers, *_RATES)):
        found.append((Quality.THROUGHPUT, 0.35))
    return found


def _evidence(text: Text, number: Quantity) -> Evidence:
    start, end = text.span(number.start, number.end)
    words = text.original[start:end]
    return Evidence(number.key, number.value, Source.STATED, words, start, end)


def _manner(text: Text, parts: Sequence[Piece]) -> list[Evidence]:
    """Isolation and priority, in the tenant's words."""
    found = []
    for piece in sorted(parts, key=lambda piece: piece.start):
        match = _ISOLATED.search(text.folded, piece.start, piece.end)
        if match and not _NOT_ISOLATED.search(text.folded, piece.start, piece.end):
            found.append(_word(text, "isolation", Isolation.ISOLATED.value, match))
        if rank := _PRIORITY.search(text.folded, piece.start, piece.end):
            level = "low" if (rank["level"] or "").startswith("low") else "high"
            found.append(_word(text, "priority", level, rank))
    return list({item.key: item for item in reversed(found)}.values())[::-1]


def _word(text: Text, key: str, value: str, match: re.Match[str]) -> Evidence:
    start, end = text.span(*match.span())
    return Evidence(key, value, Source.STATED, text.original[start:end], start, end)


def _assumed(item: Entry, kind: SliceType, stated: Sequence[Evidence]) -> list[Evidence]:
    """What the tenant left open: from the catalogue with its clause, else by our own default."""
    keys = {evidence.key for evidence in stated}
    covered = set(keys)
    if covered & set(_ASSURANCE):
        covered |= set(_ASSURANCE)
    if covered & {"latency_ms", "rtt_ms"}:
        covered.add("latency_ms")
    for way in ("dl", "ul"):
        if keys & {f"{way}_mbps", f"per_ue_{way}_mbps"}:
            covered.add(f"per_ue_{way}_mbps")
    found = [
        Evidence(figure.key, figure.value, Source.INFERRED, clause=figure.clause.text)
        for figure in (*item.figures, *_delay_budget(item, kind))
        if figure.key not in covered
    ]
    covered |= {evidence.key for evidence in found}
    if covered & set(_ASSURANCE):
        covered |= set(_ASSURANCE)
    found += [
        Evidence(key, value, Source.DEFAULT, clause=f"assumed for {kind.label}: nothing says it")
        for key, value in ASSUMED[kind].items()
        if key not in covered
    ]
    if "num_ues" not in keys:
        found.append(Evidence("num_ues", 1.0, Source.DEFAULT, clause="no number of devices given"))
    return found


def _delay_budget(item: Entry, kind: SliceType) -> tuple[Figure, ...]:
    known = any(figure.key == "latency_ms" for figure in item.figures)
    return () if known else DELAY_BUDGET[kind]


def _contradictions(stated: Sequence[Evidence]) -> list[str]:
    """Two different values for what a service can have only one of."""
    questions = []
    for key in ("latency_ms", "rtt_ms", *_ASSURANCE):
        values = {item.value: item for item in stated if item.key == key}
        if len(values) > 1:
            said = " and ".join(f'"{item.words}"' for item in values.values())
            questions.append(f"You ask for {said} ({unit_of(key)}). Which one holds?")
    return questions
