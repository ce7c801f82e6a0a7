"""The heads: shipped as trained, trained again the same, and never needed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from coordinator.intent import encoder, heads
from coordinator.intent.apart import likely_apart
from coordinator.intent.guard import admit
from coordinator.intent.heads import Role, Speech, is_aside, is_request
from coordinator.intent.numbers import quantities
from coordinator.intent.pieces import pieces
from coordinator.intent.rules import ALONE, RulesInterpreter
from coordinator.model import SliceType
from domains.errors import WrongState
from envs.intent_heads.compose import Composer
from envs.intent_heads.training import Arrays, tasks, train
from tests.intents.sentences import AREAS

SIZE_MAX = 3_000_000
FEW = 40
"""Clauses, enough to see that training is deterministic."""


@pytest.fixture(scope="module")
def shipped() -> heads.Heads:
    return heads.load()


def test_the_shipped_file_is_the_one_of_its_manifest_and_small() -> None:
    manifest = json.loads(heads.WEIGHTS.with_suffix(".json").read_text("utf-8"))
    assert heads.digest(heads.WEIGHTS) == manifest["sha256"]
    assert manifest["encoder"] == encoder.SHA256
    assert heads.WEIGHTS.stat().st_size < SIZE_MAX


def test_other_weights_than_the_trained_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copy(heads.WEIGHTS, tmp_path / "heads.npz"))
    shutil.copy(heads.WEIGHTS.with_suffix(".json"), tmp_path / "heads.json")
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(heads, "WEIGHTS", copy)
    monkeypatch.setattr(heads, "_loaded", [])
    with pytest.raises(WrongState, match="heads"):
        heads.load()


def test_the_composer_says_the_same_for_the_same_seed_and_covers_everything() -> None:
    assert Composer(1).clauses(FEW) == Composer(1).clauses(FEW)
    assert Composer(1).clauses(FEW) != Composer(2).clauses(FEW)
    assert {item.slice_type for item in Composer(1).clauses(200)} == {*SliceType, None}
    assert {item.role for item in Composer(1).clauses(200)} == set(Role)
    assert {item.speech for item in Composer(1).wholes(200)} == set(Speech)


def test_the_composer_knows_which_pieces_speak_of_another_service() -> None:
    met = list(Composer(1).meetings(400))
    assert len(met) == 400
    assert [item.apart for item in met] == [item.apart for item in Composer(1).meetings(400)]
    assert 0.05 < sum(item.apart for item in met) / len(met) < 0.5


def test_a_piece_about_another_service_is_told_from_one_that_goes_on(shipped: heads.Heads) -> None:
    def apart(said: str) -> float:
        *before, last = pieces(said, quantities(admit(said)), [], shipped)
        return likely_apart(before, last, shipped)

    goes_on = apart("6 cameras for one broadcast, each pushing 40 mbit/s back to the truck")
    another = apart("6 cameras for one broadcast, and a dependable channel for the medics")
    assert 2 * goes_on < another


def trained(seed: int) -> Arrays:
    return train(encoder.load(), tasks(seed, FEW), seed)


def test_training_again_gives_the_same_weights() -> None:
    first, again, other = trained(3), trained(3), trained(4)
    assert first.keys() == again.keys()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)


def test_what_the_heads_say_are_shares_that_sum_to_one(shipped: heads.Heads) -> None:
    (opinion,) = shipped.clauses(["the crane is steered from an office"])
    for shares in (opinion.roles, opinion.types, opinion.qualities):
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert opinion.slice_type is SliceType.URLLC
    assert shipped.clauses([]) == []


def test_a_request_is_told_from_talk(shipped: heads.Heads) -> None:
    assert is_request(
        shipped.speech("we need remote control of the cranes at the port within 10 ms")
    )
    assert is_aside(
        shipped.speech("the minister visited a steel mill yesterday and 300 people came")
    )


def test_nouns_that_count_devices_are_told_from_others(shipped: heads.Heads) -> None:
    assert shipped.counted("20 e-readers") > 0.5
    assert shipped.counted("20 gigabytes") < 0.5


def test_without_the_encoder_every_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "robot control within 10 ms"
    assert RulesInterpreter().interpret(text, AREAS).explanation == ""
    monkeypatch.setattr(encoder, "is_installed", lambda: False)
    said = RulesInterpreter().interpret(text, AREAS)
    assert (said.engine, said.explanation) == ("rules", ALONE)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Machines {} tell each other where they are so that they never touch", None),
        ("Cooperative adaptive cruise control for our lorries", SliceType.V2X),
        ("Levers of the signal box talk to the points, and failure is no option", None),
    ],
)
def test_without_the_encoder_the_rules_read_alone(text: str, kind: SliceType | None) -> None:
    alone = RulesInterpreter(lambda: None).interpret("robot control within 10 ms", AREAS)
    assert [item.slice_type for item in alone.services] == [SliceType.URLLC]
    if kind is not None:
        with_heads = RulesInterpreter().interpret(text, AREAS)
        assert [item.slice_type for item in with_heads.services] == [kind]
