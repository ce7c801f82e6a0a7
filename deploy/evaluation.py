"""Runs labelled sentences through an interpreter, and times each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from coordinator.evaluation import Figures, Labelled, figures
from deploy.reading import Translator, rows
from domains.errors import InvalidRequest

SENTENCES = Path(__file__).with_name("sentences.jsonl")
"""Our own, written and labelled for this project: enough to see that an engine works."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures, and how long a sentence took: the median and the 99th percentile."""

    figures: Figures
    sentences: int
    p50_ms: float
    p99_ms: float


def labelled(path: Path) -> list[Labelled]:
    """The labelled sentences of a file.

    Raises:
        InvalidRequest: see `rows`; or a row that is not labelled; or none at all.
    """
    found = []
    for number, row in enumerate(rows(path), start=1):
        try:
            found.append(Labelled.model_validate(row))
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise InvalidRequest(f"{path}, row {number}: {where} is missing or wrong") from None
    if not found:
        raise InvalidRequest(f"{path} has no sentences")
    return found


def evaluate(path: Path, translator: Translator) -> Evaluation:
    """Translate every labelled sentence, score the answers and time them.

    Raises:
        InvalidRequest: see `labelled`.
    """
    asked = labelled(path)
    translator.refused(asked[0].text)  # what is built on first use is not what one takes
    answers, took_ms = {}, []
    for row in asked:
        began_s = time.perf_counter()
        answers[row.id] = translator.refused(row.text)
        took_ms.append((time.perf_counter() - began_s) * 1_000)
    took_ms.sort()
    return Evaluation(
        figures(asked, answers),
        len(asked),
        took_ms[len(took_ms) // 2],
        took_ms[min(len(took_ms) * 99 // 100, len(took_ms) - 1)],
    )
