"""The labelled sentences of this folder, and what an interpreter makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from coordinator.evaluation import Figures, Labelled, figures
from coordinator.intent import Interpreter
from coordinator.model import Action, Interpretation
from coordinator.translation import Translation, translation
from domains.errors import InvalidRequest

FOLDER = Path(__file__).parent
AREAS = ("berlin", "berlin/mitte", "munich", "hamburg", "cologne")


def labelled(name: str) -> list[Labelled]:
    """The sentences of `name`.jsonl."""
    lines = (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [Labelled.model_validate(json.loads(line)) for line in lines]


def translated(interpreter: Interpreter, text: str) -> Translation:
    """The published answer; what cannot be read at all is refused."""
    try:
        found = interpreter.interpret(text, AREAS)
    except InvalidRequest as error:
        found = Interpretation(Action.REJECT, (), (), error.message)
    return translation(found, "berlin")


def scored(interpreter: Interpreter, rows: Iterable[Labelled]) -> Figures:
    """The seven figures and their mean."""
    asked = list(rows)
    return figures(asked, {row.id: translated(interpreter, row.text) for row in asked})
