"""Trains a few small perceptrons per question on the frozen encoder's vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from coordinator.intent import apart, counts
from coordinator.intent.catalogue import Quality
from coordinator.intent.encoder import Encoder, Vectors
from coordinator.intent.heads import Question, Role, Speech
from coordinator.intent.pieces import said
from coordinator.model import SliceType
from envs.intent_heads.compose import Composer
from envs.intent_heads.vocabulary import SLOTS

HIDDEN = 96
VOTES = 3
"""Perceptrons of one question, trained alike but for chance; their mean errs less than each."""
EPOCHS = 14
BATCH = 256
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-4
DROPOUT = 0.3
SMOOTHING = 0.05
"""Label smoothing: a head that is never quite certain can be weighed against the rules."""

ENCODED_AT_ONCE = 2_000

Arrays = dict[str, NDArray[np.float16]]


@dataclass(frozen=True, slots=True)
class Task:
    """The examples of one question; labels are indices of its answers.

    Attributes:
        before: for each text those that it meets, and `signs` of the meeting; or none of both.
    """

    question: Question
    texts: list[str]
    labels: list[int]
    before: list[list[str]] = field(default_factory=list)
    signs: list[list[float]] = field(default_factory=list)

    def every_text(self) -> Iterator[str]:
        yield from self.texts
        for group in self.before:
            yield from group


def tasks(seed: int, clauses: int) -> list[Task]:
    """The examples of every question, composed from `seed`."""
    composer = Composer(seed)
    drawn, wholes = composer.clauses(clauses), composer.wholes(clauses)
    named = [item for item in drawn if item.slice_type is not None and item.quality is not None]
    types, qualities, roles, speeches = list(SliceType), list(Quality), list(Role), list(Speech)
    devices, others = _counted_nouns(), sorted(counts.NOT_DEVICES)
    met = list(composer.meetings(clauses))
    return [
        Task(
            Question.ROLE, [item.text for item in drawn], [roles.index(item.role) for item in drawn]
        ),
        Task(
            Question.SLICE_TYPE,
            [item.text for item in named],
            [types.index(item.slice_type) for item in named if item.slice_type],
        ),
        Task(
            Question.QUALITY,
            [item.text for item in named],
            [qualities.index(item.quality) for item in named if item.quality],
        ),
        Task(
            Question.SPEECH,
            [item.text for item in wholes],
            [speeches.index(item.speech) for item in wholes],
        ),
        Task(
            Question.COUNTED,
            [counts.counted(noun) for noun in (*devices, *others)],
            [1] * len(devices) + [0] * len(others),
        ),
        Task(
            Question.APART,
            [said(item.piece) for item in met],
            [int(item.apart) for item in met],
            [[said(piece) for piece in item.before] for item in met],
            [apart.signs(item.before, item.piece) for item in met],
        ),
    ]


def _counted_nouns() -> list[str]:
    """Nouns that count devices or people: those of the rules, and what the grammar equips."""
    equipped = {
        counts.singular(line.split()[-1].lower())
        for slot in ("thing", "gauge", "camera", "vehicle", "crowd", "machine", "crew")
        for line in SLOTS[slot]
    }
    return sorted((counts.NOUNS | equipped) - counts.NOT_DEVICES)


def train(
    encoder: Encoder,
    examples: Sequence[Task],
    seed: int,
    heard: Callable[[str], None] = lambda line: None,
) -> Arrays:
    """Weights of every head, half precision, under "question.layer"."""
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    texts = list(dict.fromkeys(text for task in examples for text in task.every_text()))
    rows = {text: row for row, text in enumerate(texts)}
    vectors = _encoded(encoder, texts, heard)
    found: Arrays = {}
    for task in examples:
        heard(f"{task.question}: {len(task.texts)} examples")
        seen = _seen(task, vectors, rows)
        votes = [_head(task, seen, seed + vote) for vote in range(VOTES)]
        found |= {name: np.stack([vote[name] for vote in votes]) for name in votes[0]}
    return found


def _seen(task: Task, vectors: Vectors, rows: Mapping[str, int]) -> Vectors:
    """What the head of a question sees of each example."""
    own = vectors[[rows[text] for text in task.texts]]
    if not task.before:
        return own
    groups = [vectors[[rows[text] for text in group]] for group in task.before]
    return np.stack([apart.met(*seen) for seen in zip(groups, own, task.signs, strict=True)])


def _encoded(encoder: Encoder, texts: Sequence[str], heard: Callable[[str], None]) -> Vectors:
    """The vectors of all texts, told about now and then: it takes a minute or two."""
    parts = []
    for start in range(0, len(texts), ENCODED_AT_ONCE):
        parts.append(encoder.encode(texts[start : start + ENCODED_AT_ONCE]))
        heard(f"encoded {min(start + ENCODED_AT_ONCE, len(texts))} of {len(texts)} texts")
    return np.concatenate(parts)


def _head(task: Task, vectors: Vectors, seed: int) -> Arrays:
    torch.manual_seed(seed)
    answers = max(task.labels) + 1
    model = torch.nn.Sequential(
        torch.nn.Dropout(DROPOUT / 3),
        torch.nn.Linear(vectors.shape[1], HIDDEN),
        torch.nn.ReLU(),
        torch.nn.Dropout(DROPOUT),
        torch.nn.Linear(HIDDEN, answers),
    )
    inputs, labels = torch.from_numpy(vectors), torch.tensor(task.labels)
    frequency = torch.bincount(labels, minlength=answers).clamp(min=1).float()
    loss = torch.nn.CrossEntropyLoss(
        weight=(frequency.mean() / frequency).sqrt(), label_smoothing=SMOOTHING
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    batch = min(BATCH, max(16, len(labels) // 8))
    order = torch.Generator().manual_seed(seed)
    for _ in range(EPOCHS):
        for chosen in torch.split(torch.randperm(len(labels), generator=order), batch):
            optimiser.zero_grad()
            loss(model(inputs[chosen]), labels[chosen]).backward()
            optimiser.step()
    layers = {"first": model[1], "second": model[4]}
    return {
        f"{task.question}.{name}.{part}": getattr(layer, part).detach().numpy().T.astype(np.float16)
        for name, layer in layers.items()
        for part in ("weight", "bias")
    }
