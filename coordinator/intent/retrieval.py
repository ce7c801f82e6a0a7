"""Retrieval-augmented interpretation: what is nearest in meaning grounds what rules are unsure of.

Rules read the sentence first and keep what is theirs: numbers, units, actions, authority, and
every service that its words name. Neighbours do three things only: they name the service where
no word did, they move the preference towards what came of intents like this one, and they make
a question concrete. Where they disagree with each other, or with what is sure, the tenant is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from coordinator.intent import Interpreter, portions
from coordinator.intent.catalogue import Entry, Quality
from coordinator.intent.encoder import Encoder
from coordinator.intent.memory import Memory, essence, preference_of, tidy
from coordinator.intent.outcomes import normalised
from coordinator.intent.phrases import encoded
from coordinator.intent.portions import Portion
from coordinator.intent.privacy import mask
from coordinator.intent.reading import complete, usual
from coordinator.intent.requests import NETWORK
from coordinator.intent.services import ENTRIES, GENERIC
from coordinator.intent.store import Collection, Point, VectorStore
from coordinator.model import Action, Interpretation, Neighbour, Preference, Service, SliceType
from domains.errors import EntenteError

log = logging.getLogger(__name__)

NEIGHBOURS = 8
CITED = 5
EARLIER = 2
"""Readings of the past that are cited where nothing is known of outcomes."""
NEAR = 0.5
"""A neighbour below this cosine says nothing; unrelated sentences reach 0.3."""
AGREED = 0.6
"""The share of the neighbours' votes that one slice type needs."""
SURE = 0.65
"""The cosine from which a vague text is taken for what it is nearest to, unless that is a phrase
about networks as such ("connectivity for users"), to which any request is near."""
OTHERWISE = 0.55
"""The cosine from which neighbours overrule the slice type that the rules took."""
_CONVINCED = 0.25
"""How much similar experience weighs as much as the rules' own preference."""
_MOVED_MAX = 0.85
FORGETFUL = "read without the tenant's experience, which cannot be had now"


Recall = Callable[[str, str, int], Sequence[Neighbour]]
"""A tenant, words and a limit -> what the tenant lived through that is nearest in meaning."""


class Experience(Protocol):
    """What one tenant lived through."""

    def recall(self, text: str, limit: int) -> Sequence[Neighbour]:
        """What is nearest in meaning, best first.

        Raises:
            EntenteError: it cannot be had now.
        """
        ...

    def earlier(self, text: str, limit: int) -> Sequence[Neighbour]:
        """The same of how intents were read, before anything came of them."""
        ...


class RetrievalInterpreter:
    """Interpreters that remember, one per tenant; seeds the catalogue when made.

    Args:
        memory: whose experience the answers are seen in the light of; or `recall`, which asks
            somebody else for it; or neither.
    """

    def __init__(
        self,
        rules: Interpreter,
        store: VectorStore,
        encoder: Encoder,
        memory: Memory | None = None,
        recall: Recall | None = None,
    ) -> None:
        self._rules, self._store, self._encoder = rules, store, encoder
        self._memory, self._recall = memory, recall
        seed(store, encoder)
        self._catalogue = Catalogue(store.public().held(Collection.CATALOGUE), encoder)

    def of(self, tenant: str) -> TenantInterpreter:
        """Reads what `tenant` writes, in the light of its own experience."""
        experience: Experience | None = None
        if self._memory is not None:
            experience = self._memory.of(tenant)
        elif self._recall is not None:
            experience = _Asked(self._recall, tenant)
        return TenantInterpreter(self._rules, self._catalogue, experience)


@dataclass(frozen=True, slots=True)
class _Asked:
    """An `Experience` that somebody else keeps."""

    ask: Recall
    tenant: str

    def recall(self, text: str, limit: int) -> Sequence[Neighbour]:
        return self.ask(self.tenant, text, limit)

    def earlier(self, text: str, limit: int) -> Sequence[Neighbour]:
        return ()


class Catalogue:
    """The catalogue's phrases as one matrix: it does not change while a process lives."""

    def __init__(self, points: Sequence[Point], encoder: Encoder) -> None:
        self._points, self._encoder = points, encoder
        self._vectors = np.stack([point.vector for point in points])

    def nearest(self, words: str) -> list[Neighbour]:
        """The phrases nearest to `words`, one per entry, best first."""
        said = essence(words)
        if not said:
            return []
        cosines = self._vectors @ self._encoder.encode([said])[0]
        found: dict[str, Neighbour] = {}
        for index in np.argsort(-cosines)[: 3 * NEIGHBOURS]:
            payload, similarity = self._points[index].payload, round(float(cosines[index]), 4)
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


class TenantInterpreter:
    """An `Interpreter` for one tenant."""

    def __init__(
        self, rules: Interpreter, catalogue: Catalogue, experience: Experience | None
    ) -> None:
        self._rules, self._catalogue, self._experience = rules, catalogue, experience

    def interpret(self, text: str, areas: Sequence[str]) -> Interpretation:
        """See `Interpreter.interpret`; without its store it does without experience."""
        said = self._rules.interpret(text, areas)
        if said.action not in (Action.CREATE, Action.CLARIFY):
            return said
        return self._grounded(said, text, areas)

    def nearest(self, words: str) -> list[Neighbour]:
        """What the catalogue has that is nearest to `words`."""
        return self._catalogue.nearest(words)

    def _grounded(self, said: Interpretation, text: str, areas: Sequence[str]) -> Interpretation:
        # Masked first: masks look for capitals, and portions are lower case.
        masked = mask(text)
        parts = portions.portions(masked, areas)
        if len(parts) != len(said.services):
            parts = [Portion(masked, named=True, typed=True) for _ in said.services]
        readings = [
            self._service(service, part) for service, part in zip(said.services, parts, strict=True)
        ]
        questions = [*said.questions, *(r.question for r in readings if r.question)]
        cited = [item for reading in readings for item in reading.neighbours]
        if not readings:
            cited = self.nearest(masked)
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
        near = [
            item
            for item in known
            if item.similarity >= SURE and not NETWORK.search(item.text.lower())
        ]
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
            services=(replace(service, evidence=own, words=tidy(start)),),
            explanation=_joined(said.explanation, _by_likeness(_entry_of(near[0]), near[0])),
            engine="retrieval",
            neighbours=tuple(known[:CITED]),
        )

    def _service(self, service: Service, part: Portion) -> _Reading:
        known = self.nearest(part.words)
        reading = _Reading(service)
        if not part.named:
            reading = _named(service, part, known)
        past = self._recalled(part.words)
        lived = [
            item
            for item in past or ()
            if item.similarity >= NEAR and item.slice_type is reading.service.slice_type
        ]
        outcomes = [item for item in lived if item.outcome]
        preference = moved(reading.service.preference, outcomes)
        if preference != reading.service.preference:
            reading = replace(
                reading,
                service=replace(reading.service, preference=preference),
                explanation=_joined(reading.explanation, "preference moved by experience"),
            )
        return replace(
            reading,
            service=replace(reading.service, words=tidy(part.words)),
            explanation=_joined(reading.explanation, "" if past is not None else FORGETFUL),
            neighbours=(*lived[:CITED], *known[:CITED]),
        )

    def _recalled(self, words: str) -> Sequence[Neighbour] | None:
        """The tenant's experience; None where it cannot be had, and the catalogue still helps."""
        if self._experience is None:
            return ()
        try:
            lived = self._experience.recall(words, NEIGHBOURS)
            # Cited, and an example for a model; only what came of an intent moves a preference.
            return lived or self._experience.earlier(words, EARLIER)
        except EntenteError as error:
            log.warning("read without the tenant's experience: %s", error.reason)
            return None


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
        vectors = encoded([wanted[key][1] for key in missing], encoder)
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
    if kind is not service.slice_type and best.similarity < OTHERWISE:
        return _Reading(service)
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
