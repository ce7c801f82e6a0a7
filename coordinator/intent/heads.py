"""Small heads on the frozen sentence encoder: what words that no phrase book holds speak of.

Each question has a few perceptrons of its own, whose mean counts; `python -m envs.intent_heads`
trains them on clauses and whole requests that a grammar composes. Heads never see a number's value
and never name a quantity: rules own numbers, units, actions and authority. Heads are asked where
the phrase book is silent or unsure, and which pieces of a text speak of the same service.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from coordinator.intent import encoder
from coordinator.intent.catalogue import Quality
from coordinator.intent.encoder import Encoder, Vectors
from coordinator.model import SliceType
from domains.errors import WrongState

WEIGHTS: Final = Path(__file__).with_name("heads.npz")


class Question(StrEnum):
    """What a head answers."""

    ROLE = "role"
    SLICE_TYPE = "slice_type"
    QUALITY = "quality"
    SPEECH = "speech"
    COUNTED = "counted"
    APART = "apart"


class Role(StrEnum):
    """What a clause does in a text."""

    SERVICE = "service"
    QUALIFIER = "qualifier"
    BACKGROUND = "background"
    OTHER = "other"


class Speech(StrEnum):
    """What a whole text is."""

    REQUEST = "request"
    VAGUE = "vague"
    IRRELEVANT = "irrelevant"
    HOSTILE = "hostile"
    LIFECYCLE = "lifecycle"


Speeches = Mapping[Speech, float]
"""What a whole text may be, with probabilities that sum to 1."""
_ASIDE, _ASIDE_DOUBTFUL, _ASIDE_TERSE = 0.8, 0.3, 0.95
_REQUEST = 0.6


def is_aside(speech: Speeches, *, doubtful: bool = False, terse: bool = False) -> bool:
    """Whether a text is about something else.

    Args:
        doubtful: the rules doubt it as well; terse: a few words that name a service.
    """
    aside = speech[Speech.IRRELEVANT] + speech[Speech.HOSTILE]
    return aside >= (_ASIDE_DOUBTFUL if doubtful else _ASIDE_TERSE if terse else _ASIDE)


def is_request(speech: Speeches) -> bool:
    """Whether a text asks for something in particular."""
    return speech[Speech.REQUEST] >= _REQUEST


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the heads make of one clause: probabilities, each mapping sums to 1.

    Attributes:
        vector: of the clause itself, shape (dimension).
    """

    roles: Mapping[Role, float]
    types: Mapping[SliceType, float]
    qualities: Mapping[Quality, float]
    vector: Vectors = field(repr=False, compare=False)

    @property
    def slice_type(self) -> SliceType:
        """The likeliest slice type."""
        return max(self.types, key=lambda kind: self.types[kind])


class Heads:
    """The heads and their encoder; safe to call from several threads.

    Attributes:
        english: the words that the encoder's vocabulary has as a whole.
    """

    def __init__(
        self,
        model: Encoder,
        weights: Mapping[str, NDArray[np.float16]],
        english: Collection[str] = frozenset(),
    ) -> None:
        self._encoder, self.english = model, english
        self._weights = {name: array.astype(np.float32) for name, array in weights.items()}

    def clauses(self, texts: Sequence[str]) -> list[Opinion]:
        """What each clause does, and of which service it speaks."""
        if not texts:
            return []
        vectors = self._encoder.encode(texts)
        roles = self._answers(Question.ROLE, vectors)
        types = self._answers(Question.SLICE_TYPE, vectors)
        qualities = self._answers(Question.QUALITY, vectors)
        return [
            Opinion(
                dict(zip(Role, map(float, role), strict=True)),
                dict(zip(SliceType, map(float, kind), strict=True)),
                dict(zip(Quality, map(float, quality), strict=True)),
                vector,
            )
            for role, kind, quality, vector in zip(roles, types, qualities, vectors, strict=True)
        ]

    def speech(self, text: str) -> Speeches:
        """What a whole text is."""
        (row,) = self._answers(Question.SPEECH, self._encoder.encode([text]))
        return dict(zip(Speech, map(float, row), strict=True))

    def counted(self, noun: str) -> float:
        """How likely it is that a noun counts devices or people ("12 kiosks")."""
        (row,) = self._answers(Question.COUNTED, self._encoder.encode([noun]))
        return float(row[1])

    def apart(self, met: Vectors) -> float:
        """How likely it is that pieces that meet (`apart.met`) speak of two services."""
        (row,) = self._answers(Question.APART, met)
        return float(row[1])

    def _answers(self, question: Question, vectors: Vectors) -> Vectors:
        """Probabilities, shape (clauses, answers): the mean of what each perceptron votes."""
        hidden = np.maximum(self._layer(question, "first", vectors), 0)
        scores = self._layer(question, "second", hidden)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        shares: Vectors = (scores / scores.sum(-1, keepdims=True)).mean(0)
        return shares

    def _layer(self, question: Question, name: str, x: Vectors) -> Vectors:
        """Shape (votes, clauses, width)."""
        product: Vectors = (
            x @ self._weights[f"{question}.{name}.weight"]
            + self._weights[f"{question}.{name}.bias"][:, None]
        )
        return product


_loaded: list[Heads] = []
_loading = threading.Lock()


def load() -> Heads:
    """The shipped heads on the default encoder, loaded once per process.

    Raises:
        NotFound: the encoder is not installed.
        WrongState: the weights are not those of the manifest, or not for this encoder.
    """
    with _loading:
        if not _loaded:
            model = encoder.load()
            manifest = json.loads(WEIGHTS.with_suffix(".json").read_text("utf-8"))
            if digest(WEIGHTS) != manifest["sha256"] or manifest["encoder"] != encoder.SHA256:
                raise WrongState("the heads are not the trained ones: python -m envs.intent_heads")
            with np.load(WEIGHTS) as held:
                _loaded.append(Heads(model, dict(held), encoder.known_words()))
        return _loaded[0]


def found() -> Heads | None:
    """The shipped heads, or None where the encoder is not installed."""
    return load() if encoder.is_installed() else None


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
