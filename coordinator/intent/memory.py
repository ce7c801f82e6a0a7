"""Incremental memory: what was asked, how it was read, and what came of it, by meaning.

After each outcome <intent, preference, outcome> is written back. Personal data is masked first.
An entry counts less as it ages, down to `AGED_MIN`, and none is removed for its age: what is old
and alone is still found. An intent that means the same as one already kept is merged into it,
and when a tenant's memory is full the two entries nearest to each other become one. So memory is
bounded by what is different, not by how often it happens.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from coordinator.intent.catalogue import Quality
from coordinator.intent.encoder import Encoder, Vectors
from coordinator.intent.outcomes import Outcome, normalised, revised
from coordinator.intent.privacy import mask
from coordinator.intent.store import Collection, Match, Point, Shelf, VectorStore
from coordinator.model import Neighbour, Preference, SliceType

ENTRIES_MAX = 512
"""Of one tenant, in each of history and outcomes: about 1 MB."""
TEXT_CHARACTERS_MAX = 512
SAME = 0.95
"""Two intents this similar are one; "robot arm control" and "control of a robot arm" are .96."""
HALF_LIFE_S = 30 * 86_400.0
AGED_MIN = 0.25
"""What the oldest entry still counts for."""
EVIDENCE_MAX = 8.0
"""A merged entry weighs no more than this many new ones, so that it can still change its mind."""
_CANDIDATES = 4
_ASKING = re.compile(
    r"\b(?:please|we|i|us|our|my|need|needs|want|would like|set up|create|deploy|provide|give|get"
    r"|request|provision|establish|connect|connectivity for|an?|the|network|5g|slices?|services?"
    r"|connections?|links?)\b"
)
"""How people ask, which is alike in all requests and says nothing about what is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One thing remembered.

    Attributes:
        evidence: how many intents it stands for, aged ones for less.
        seen_s: when the latest of them came, on the caller's clock.
    """

    key: str
    text: str
    vector: Vectors
    slice_type: SliceType
    preference: Preference
    outcome: str
    evidence: float
    count: int
    seen_s: float

    def aged(self, now_s: float) -> float:
        """What it counts for: 1 when new, half after `HALF_LIFE_S`, never below `AGED_MIN`."""
        return aged(self.seen_s, now_s)


def aged(seen_s: float, now_s: float) -> float:
    """The soft ageing of an entry last seen at `seen_s`."""
    return float(max(AGED_MIN, 0.5 ** (max(0.0, now_s - seen_s) / HALF_LIFE_S)))


class Memory:
    """All tenants' memories over one store; `of` gives one tenant's own."""

    def __init__(self, store: VectorStore, encoder: Encoder, now: Callable[[], float]) -> None:
        self._store, self._encoder, self._now = store, encoder, now

    def of(self, tenant: str) -> TenantMemory:
        """What `tenant` said before and what came of it."""
        return TenantMemory(self._store.of(tenant), self._encoder, self._now)


class TenantMemory:
    """One tenant's history and outcomes."""

    def __init__(self, shelf: Shelf, encoder: Encoder, now: Callable[[], float]) -> None:
        self._shelf, self._encoder, self._now = shelf, encoder, now

    def remember(self, text: str, slice_type: SliceType, preference: Preference) -> None:
        """Keep how an intent was read, before anything came of it."""
        self._write(Collection.HISTORY, text, slice_type, preference, "")

    def learn(
        self, text: str, slice_type: SliceType, preference: Preference, outcome: Outcome
    ) -> Preference:
        """Keep what came of an intent; returns the preference that will be remembered for it."""
        better = revised(preference, outcome)
        return self._write(Collection.OUTCOMES, text, slice_type, better, outcome.kind.value)

    def recall(
        self, text: str, limit: int, collection: Collection = Collection.OUTCOMES
    ) -> list[Neighbour]:
        """What is nearest in meaning, best first; recent entries before old ones as near."""
        if not text.strip():
            return []
        matches = self._shelf.nearest(collection, self._vector(text), _CANDIDATES * limit)
        now_s = self._now()
        found = [_neighbour(match, collection, now_s) for match in matches]
        return sorted(found, key=lambda item: -item.weight)[:limit]

    def earlier(self, text: str, limit: int) -> list[Neighbour]:
        """How what is nearest in meaning was read before, whatever came of it."""
        return self.recall(text, limit, Collection.HISTORY)

    def size(self, collection: Collection = Collection.OUTCOMES) -> int:
        """How many entries there are, at most `ENTRIES_MAX`."""
        return self._shelf.count(collection)

    def _vector(self, text: str) -> Vectors:
        vectors = self._encoder.encode([essence(text) or tidy(text)])
        return np.asarray(vectors[0], np.float32)

    def _write(
        self,
        collection: Collection,
        text: str,
        slice_type: SliceType,
        preference: Preference,
        outcome: str,
    ) -> Preference:
        said, now_s = tidy(text), self._now()
        key = hashlib.sha256(f"{slice_type.value} {said}".encode()).hexdigest()[:32]
        new = Entry(key, said, self._vector(text), slice_type, preference, outcome, 1.0, 1, now_s)
        with self._shelf.alone():
            same = self._same(collection, new)
            if same is not None:
                self._shelf.remove(collection, [same.key])
                new = merged(same, new, now_s)
            elif self._shelf.count(collection) >= ENTRIES_MAX:
                self._make_room(collection, now_s)
            self._shelf.put(collection, [_point(new)])
        return new.preference

    def _same(self, collection: Collection, new: Entry) -> Entry | None:
        """The entry that means the same, if there is one."""
        for match in self._shelf.nearest(collection, new.vector, _CANDIDATES):
            entry = _entry(match.point)
            if match.similarity >= SAME and entry.slice_type is new.slice_type:
                return entry
        return None

    def _make_room(self, collection: Collection, now_s: float) -> None:
        """The two entries of one slice type that are nearest to each other become one."""
        entries = [_entry(point) for point in self._shelf.held(collection)]
        first, second = _closest(entries)
        older, newer = sorted((entries[first], entries[second]), key=lambda item: item.seen_s)
        kept = merged(older, newer, now_s)
        self._shelf.remove(collection, [older.key, newer.key])
        self._shelf.put(collection, [_point(replace(kept, seen_s=newer.seen_s))])


def tidy(text: str) -> str:
    """As an intent is stored and encoded: masked, one line, bounded."""
    return " ".join(mask(text).split())[:TEXT_CHARACTERS_MAX]


def essence(text: str) -> str:
    """What an intent is compared by: masked, lower case, without the words of asking."""
    return " ".join(_ASKING.sub(" ", tidy(text).lower()).split())


def merged(old: Entry, new: Entry, now_s: float) -> Entry:
    """Both as one: what is recent and what stands for many counts more."""
    shares = {
        id(entry): min(entry.evidence, EVIDENCE_MAX) * entry.aged(now_s) for entry in (old, new)
    }
    total = sum(shares.values())
    left, right = shares[id(old)] / total, shares[id(new)] / total
    weights = {
        quality: left * getattr(old.preference, quality.value)
        + right * getattr(new.preference, quality.value)
        for quality in Quality
    }
    vector = left * old.vector + right * new.vector
    return replace(
        new,
        vector=np.asarray(vector / np.linalg.norm(vector), np.float32),
        preference=normalised(weights),
        outcome=new.outcome or old.outcome,
        evidence=min(total, EVIDENCE_MAX),
        count=old.count + new.count,
    )


def _closest(entries: Sequence[Entry]) -> tuple[int, int]:
    """The nearest pair of one type; with more entries than types there always is one."""
    assert len(entries) > len(SliceType)
    vectors = np.stack([entry.vector for entry in entries])
    types = np.array([entry.slice_type.value for entry in entries])
    near = vectors @ vectors.T
    near[types[:, None] != types[None, :]] = -math.inf
    np.fill_diagonal(near, -math.inf)
    first, second = np.unravel_index(int(near.argmax()), near.shape)
    return int(first), int(second)


def _point(entry: Entry) -> Point:
    payload: dict[str, str | int | float] = {
        "text": entry.text,
        "slice_type": entry.slice_type.value,
        "outcome": entry.outcome,
        "evidence": entry.evidence,
        "count": entry.count,
        "seen_s": entry.seen_s,
    }
    payload.update({q.value: getattr(entry.preference, q.value) for q in Quality})
    return Point(entry.key, entry.vector, payload)


def _entry(point: Point) -> Entry:
    payload = point.payload
    return Entry(
        point.key,
        str(payload["text"]),
        point.vector,
        SliceType(int(payload["slice_type"])),
        preference_of(payload),
        str(payload["outcome"]),
        float(payload["evidence"]),
        int(payload["count"]),
        float(payload["seen_s"]),
    )


def preference_of(payload: Mapping[str, str | int | float]) -> Preference:
    """The preference that a stored point carries."""
    return normalised({quality: float(payload[quality.value]) for quality in Quality})


def _neighbour(match: Match, collection: Collection, now_s: float) -> Neighbour:
    payload = match.point.payload
    return Neighbour(
        text=str(payload["text"]),
        source=collection.value,
        slice_type=SliceType(int(payload["slice_type"])),
        preference=preference_of(payload),
        similarity=round(match.similarity, 4),
        weight=round(match.similarity * aged(float(payload["seen_s"]), now_s), 4),
        outcome=str(payload["outcome"]),
    )
