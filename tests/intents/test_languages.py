"""Another language is answered with a question in it, never with a slice."""

from __future__ import annotations

import json

import pytest

from coordinator.intent.language import language, question
from coordinator.intent.rules import RulesInterpreter
from coordinator.intent.tongues import QUESTIONS
from coordinator.model import Action
from tests.intents.sentences import AREAS, FOLDER, labelled

ROWS = [json.loads(line) for line in (FOLDER / "languages.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=[row["lang"] for row in ROWS])
def test_a_question_in_the_same_language_and_no_slice(row: dict[str, str]) -> None:
    said = RulesInterpreter().interpret(row["text"], AREAS)
    assert said.services == ()
    assert (said.action, said.questions) == (Action.CLARIFY, (QUESTIONS[row["lang"]],))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("drones à Paris with 5 ms", "en"),
        ("CCTV for the café in Málaga", "en"),
        ("µs-level sync for 20 drives in Zürich", "en"),
        ("V2X, 10 ms", "en"),
        ("", "en"),
        ("необходима сеть", "ru"),
        ("로봇 20대를 위한 네트워크가 필요합니다", "ko"),
        ("Slice für 20 Roboter mit 5 ms", "de"),
        ("χρειαζόμαστε δίκτυο για κάμερες", "el"),  # noqa: RUF001
    ],
)
def test_the_language_of_a_text(text: str, code: str) -> None:
    assert language(text) == code


def test_who_writes_in_a_language_we_do_not_speak_is_asked_in_english() -> None:
    assert question("el") == QUESTIONS["en"]


def test_no_english_sentence_is_taken_for_another_language() -> None:
    for name in ("tune", "tune2", "held"):
        for row in labelled(name):
            assert language(row.text) == "en", row.text
