"""Retrieval-augmented interpretation: what is nearest in meaning grounds what rules are unsure of.

Rules read the sentence first and keep what is theirs: numbers, units, actions, authority, and
every service that its words name. Neighbours do three things only: they name the service where
no word did, they move the preference towards what came of intents like this one, and they make
a question concrete. Where they disagree with each other, or with what is sure, the tenant is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coordinator.intent import Interpreter, portions
from coordinator.intent.catalogue import Entry, Quality
from coordinator.intent.encoder import Encoder
from coordinator.intent.memory import Memory, TenantMemory, essence, preference_of
from coordinator.intent.outcomes import Outcome, normalised
from coordinator.intent.portions import Portion
from coordinator.intent.privacy import mask
from coordinator.intent.reading import complete, usual
from coordinator.intent.services import ENTRIES, GENERIC
from coordinator.intent.store import Collection, Point, Shelf, VectorStore
from coordinator.model import Action, Interpretation, Neighbour, Preference, Service, SliceType
from domains.errors import EntenteError

log = logging.getLogger(__name__)

NEIGHBOURS = 8
CITED = 5
NEAR = 0.5
"""A neighbour below this cosine says nothing; unrelated sentences reach 0.3."""
AGREED = 0.6
"""The share of the neighbours' votes that one slice type needs."""
SURE = 0.65
"""The cosine from which a vague text is taken for what it is nearest to."""
_CONVINCED = 0.25
"""How much similar experience weighs as much as the rules' own preference."""
_MOVED_MAX = 0.85


Outcomes = Mapping[int, Outcome]


class RetrievalInterpreter:
    """Interpreters that remember, one per tenant; seeds the catalogue when made."""

    def __init__(
        self, rules: Interpreter, store: VectorStore, encoder: Encoder, memory: Memory
    ) -> None:
        self._rules, self._store, self._encoder, self._memory = rules, store, encoder, memory
        seed(store, encoder)

    def of(self, tenant: str) -> TenantInterpreter:
        """Reads what `tenant` writes, in the light of its own experience."""
        return TenantInterpreter(
            self._rules, self._store.of(tenant), self._encoder, self._memory.of(tenant)
        )


class TenantInterpreter:
    """An `Interpreter` for one tenant."""

    def __init__(
        self, rules: Interpreter, shelf: Shelf, encoder: Encoder, memory: TenantMemory
    ) -> None:
        self._rules, self._shelf, self._encoder, self.memory = rules, shelf, encoder, memory

    def interpret(self, text: str, areas: Sequence[str]) -> Interpretation:
        """See `Interpreter.interpret`; without its store it answers as the rules do."""
        said = self._rules.interpret(text, areas)
        if said.action not in (Action.CREATE, Action.CLARIFY):
            return said
        try:
            return self._grounded(said, text, areas)
        except EntenteError as error:
            log.warning("retrieval gave way to rules: %s", error.reason)
            return replace(said, explanation=_joined(said.explanation, "without memory"))

    def learn(
        self, text: str, areas: Sequence[str], services: Sequence[Service], outcomes: Outcomes
    ) -> None:
        """Write back what came of the services of one intent.

        Args:
            services: as they were interpreted, all of them; outcomes: by their place in it.
        """
        parts = portions.portions(mask(text), areas)
        for index, outcome in outcomes.items():
            service = services[index]
            words = parts[index].words if len(parts) == len(services) else text
            self.memory.learn(words, service.slice_type, service.preference, outcome)

    def nearest(self, words: str) -> list[Neighbour]:
        """What the catalogue has that is nearest to `words`."""
        return _catalogue(self._shelf, self._encoder, words)

    def _grounded(self, said: Interpretation, text: str, areas: Sequence[str]) -> Interpretation:
        # Masked first: masks look for capitals, and portions are lower case.
        parts = portions.portions(mask(text), areas)
        if len(parts) != len(said.services):
            parts = [Portion(text, named=True, typed=True) for _ in said.services]
        readings = [
            self._service(service, part) for service, part in zip(said.services, parts, strict=True)
        ]
        questions = [*said.questions, *(r.question for r in readings if r.question)]
        cited = [item for reading in readings for item in reading.neighbours]
        if not readings:
            cited = self.nearest(text)
            found = self._guessed(text, areas, cited)
            if found is not None:
                return found
            questions = _concrete(said.questions, cited)
        return replace(
            said,
            action=Action.CLARIFY if questions else said.action,
            services=tuple(reading.service for reading in readings),
            questions=tuple(questions),
            explanation=_joined(said.explanation, *(r.explanation for r in readings)),
            engine="retrieval",
            neighbours=tuple(cited),
        )

    def _guessed(
        self, text: str, areas: Sequence[str], known: Sequence[Neighbour]
    ) -> Interpretation | None:
        """A vague request read again with the catalogue's own word for it, where that is clear."""
        near = [item for item in known if item.similarity >= SURE]
        if not near or len({item.slice_type for item in near}) > 1:
            return None
        start = text.rstrip(" \n.!?")
        said = self._rules.interpret(f"{start} for {near[0].text}", areas)
        if said.action is not Action.CREATE or len(said.services) != 1:
            return None
        (service,) = said.services
        own = tuple(item for item in service.evidence if item.end <= len(start))
        return replace(
            said,
            services=(replace(service, evidence=own),),
            explanation=_joined(said.explanation, _by_likeness(_entry_of(near[0]), near[0])),
            engine="retrieval",
            neighbours=tuple(known[:CITED]),
        )

    def _service(self, service: Service, part: Portion) -> _Reading:
        known = self.nearest(part.words)
        lived = [
            item
            for item in self.memory.recall(part.words, NEIGHBOURS)
            if item.similarity >= NEAR and item.slice_type is service.slice_type
        ]
        reading = _Reading(service)
        if not part.named:
            reading = _named(service, part, known)
        preference = moved(reading.service.preference, lived)
        if preference != reading.service.preference:
            reading = replace(
                reading,
                service=replace(reading.service, preference=preference),
                explanation=_joined(reading.explanation, "preference moved by experience"),
            )
        return replace(reading, neighbours=(*lived[:CITED], *known[:CITED]))


@dataclass(frozen=True, slots=True)
class _Reading:
    service: Service
    question: str = ""
    explanation: str = ""
    neighbours: tuple[Neighbour, ...] = ()


def seed(store: VectorStore, encoder: Encoder) -> None:
    """Put the catalogue's phrases into the store, those that are not there yet."""
    shelf = store.public()
    with shelf.alone():
        there = {point.key for point in shelf.held(Collection.CATALOGUE)}
        wanted = {
            f"{encoder.name}/{entry.name}/{phrase}": (entry, phrase)
            for entry in ENTRIES
            if not entry.sector
            for phrase in (entry.name, *entry.phrases)
        }
        shelf.remove(Collection.CATALOGUE, sorted(there - wanted.keys()))
        missing = [key for key in wanted if key not in there]
        vectors = encoder.encode([wanted[key][1] for key in missing]) if missing else ()
        points = [
            Point(key, vector, _payload(*wanted[key]))
            for key, vector in zip(missing, vectors, strict=True)
        ]
        shelf.put(Collection.CATALOGUE, points)


def moved(preference: Preference, lived: Sequence[Neighbour]) -> Preference:
    """The rules' preference drawn towards what similar intents turned out to need."""
    strengths = [((item.similarity - NEAR) / (1 - NEAR)) ** 2 * _age(item) for item in lived]
    total = sum(strengths)
    if total <= 0:
        return preference
    share = min(total / (total + _CONVINCED), _MOVED_MAX)
    weights = {
        quality: (1 - share) * getattr(preference, quality.value)
        + share
        * sum(
            s * getattr(n.preference, quality.value) for s, n in zip(strengths, lived, strict=True)
        )
        / total
        for quality in Quality
    }
    return normalised(weights)


def _age(item: Neighbour) -> float:
    return item.weight / item.similarity


def _named(service: Service, part: Portion, known: Sequence[Neighbour]) -> _Reading:
    """The service that the neighbours agree on, where no word named one."""
    near = [item for item in known if item.similarity >= NEAR]
    if not near:
        return _Reading(service)
    votes: dict[SliceType, float] = {}
    for item in near:
        votes[item.slice_type] = votes.get(item.slice_type, 0.0) + (item.similarity - NEAR / 2) ** 2
    kind = max(votes, key=lambda candidate: votes[candidate])
    best = next(item for item in near if item.slice_type is kind)
    if part.typed and kind is not service.slice_type:
        return _Reading(service)
    if votes[kind] < AGREED * sum(votes.values()):
        return _Reading(service, question=_which(near))
    entry = _entry_of(best)
    both = {
        quality: getattr(service.preference, quality.value) + getattr(usual(entry), quality.value)
        for quality in Quality
    }
    completed = replace(complete(service, entry), preference=normalised(both))
    return _Reading(completed, explanation=_by_likeness(entry, best))


def _concrete(questions: Sequence[str], known: Sequence[Neighbour]) -> list[str]:
    """A vague text is asked about with what it comes nearest to."""
    near = [item for item in known if item.similarity >= NEAR]
    return [_which(near), *questions] if near else list(questions)


def _which(near: Sequence[Neighbour]) -> str:
    names = list(dict.fromkeys(_entry_of(item).name for item in near))[:3]
    return f"Do you mean {' or '.join(names)}, or something else?"


def _entry_of(item: Neighbour) -> Entry:
    return next((e for e in ENTRIES if item.text in (e.name, *e.phrases)), GENERIC[item.slice_type])


def _catalogue(shelf: Shelf, encoder: Encoder, words: str) -> list[Neighbour]:
    """The nearest phrases, one per entry."""
    said = essence(words)
    if not said:
        return []
    found: dict[str, Neighbour] = {}
    matches = shelf.nearest(Collection.CATALOGUE, encoder.encode([said])[0], 3 * NEIGHBOURS)
    for match in matches:
        payload = match.point.payload
        similarity = round(match.similarity, 4)
        found.setdefault(
            str(payload["name"]),
            Neighbour(
                str(payload["text"]),
                Collection.CATALOGUE.value,
                SliceType(int(payload["slice_type"])),
                preference_of(payload),
                similarity,
                similarity,
            ),
        )
    return list(found.values())[:NEIGHBOURS]


def _payload(entry: Entry, phrase: str) -> dict[str, str | int | float]:
    preference = usual(entry)
    return {
        "text": phrase,
        "name": entry.name,
        "slice_type": entry.slice_type.value,
        **{quality.value: getattr(preference, quality.value) for quality in Quality},
    }


def _by_likeness(entry: Entry, best: Neighbour) -> str:
    return f'"{entry.name}" by likeness to "{best.text}" ({best.similarity:.2f})'


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
