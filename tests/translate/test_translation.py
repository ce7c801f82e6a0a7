"""The published answer: what it says, and that it says no more than was understood."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from coordinator.evaluation import DIGITS, Labelled, figures
from coordinator.intent.rules import RulesInterpreter
from coordinator.model import (
    Action,
    Evidence,
    Interpretation,
    Neighbour,
    Preference,
    Service,
    SliceType,
    Source,
)
from coordinator.translation import Translation, translation, weights
from deploy.evaluation import SENTENCES, labelled

AREAS = ("berlin", "munich")
SHARED = Path(__file__).parents[2] / ".." / "shared"
READ = RulesInterpreter()


def translated(text: str) -> Translation:
    return translation(READ.interpret(text, AREAS), "berlin")


def stated(key: str, value: float, words: str = "") -> Evidence:
    return Evidence(key, value, Source.STATED, words, 0, len(words))


def test_constraints_have_what_the_text_states_and_nothing_else() -> None:
    (service,) = translated("video conferencing for 200 users in Munich within 80 ms").services
    assert service.constraints == {"num_ues": 200, "latency_ms": 80, "origin": "munich"}
    assert {item.key for item in service.inferred}.isdisjoint(service.constraints)
    assert all(item.clause for item in service.inferred)


def test_every_stated_value_cites_the_span_it_came_from() -> None:
    text = "Telesurgery in Berlin within 10 ms, and video streaming for five hundred visitors."
    for service in translated(text).services:
        assert service.evidence
        for item in service.evidence:
            assert text[item.start : item.end] == item.words


def test_a_creation_carries_both_standard_profiles() -> None:
    (service,) = translated("video for 200 users in Munich").services
    assert service.nest is not None
    assert service.nest["Maximum number of UEs"] == 200
    assert service.service_profile is not None
    document = service.service_profile.model_dump(mode="json")
    assert document["maxNumberofUEs"] == 200
    assert "sd" not in document["plmnInfoList"][0]["snssai"], "what is not stated is left out"


@pytest.mark.parametrize(
    "text",
    ["robot control, 5 ms and also 50 ms latency", "video with 0.00000001 ms latency for 5 users"],
)
def test_a_value_in_question_has_no_profile_yet(text: str) -> None:
    found = translated(text)
    assert found.action is Action.CLARIFY
    assert found.questions
    assert [(s.nest, s.service_profile) for s in found.services] == [(None, None)]


def test_a_value_that_no_profile_can_hold_becomes_a_question() -> None:
    service = Service("video", SliceType.EMBB, Preference(), (stated("num_ues", 1e12),))
    found = translation(Interpretation(Action.CREATE, (service,)), "berlin")
    assert found.action is Action.CLARIFY
    assert "num_ues" in found.questions[0]


def test_neighbours_are_published_with_their_similarity() -> None:
    near = Neighbour("video calls", "catalogue", SliceType.EMBB, Preference(), 0.8, 0.7)
    found = translation(Interpretation(Action.REJECT, (), neighbours=(near,)), "berlin")
    assert found.neighbours[0].similarity == 0.8
    assert found.neighbours[0].slice_type == "eMBB"


def test_an_unknown_property_or_another_version_is_refused() -> None:
    body = translated("video for 5 users").model_dump(mode="json")
    assert Translation.model_validate(body).model_dump(mode="json") == body
    for change in ({"more": 1}, {"schema_version": 2}, {"action": "delete"}):
        with pytest.raises(ValidationError):
            Translation.model_validate(body | change)
    body["services"][0]["preference"]["latency"] += 0.2
    with pytest.raises(ValidationError, match="sum to 1"):
        Translation.model_validate(body)


@given(st.lists(st.integers(0, 1000), min_size=4, max_size=4).filter(any))
def test_weights_that_were_rounded_still_sum_to_one(parts: list[int]) -> None:
    shares = [round(part / sum(parts), 3) for part in parts]
    published = weights(Preference(*shares)).model_dump()
    assert abs(sum(published.values()) - 1) < 1e-9
    assert all(abs(a - b) < 0.003 for a, b in zip(published.values(), shares, strict=True))


# -- the figures -------------------------------------------------------------------------------


def test_a_perfect_answer_scores_one_and_no_answer_close_to_nothing() -> None:
    rows = labelled(SENTENCES)
    empty = figures(rows, {})
    assert (empty.accept, empty.count, empty.type, empty.recall) == (0, 0, 0, 0)
    assert empty.precision is None
    reject = translation(Interpretation(Action.REJECT, ()), "berlin")
    all_refused = figures(rows, {row.id: reject for row in rows})
    assert (all_refused.refuse, all_refused.accept) == (1, 0)


def test_a_coarser_type_is_worth_half_and_a_wrong_number_costs_twice() -> None:
    row = Labelled.model_validate(
        {
            "id": "a",
            "text": "cars",
            "expected": {
                "action": "create",
                "slices": [
                    {
                        "slice_type": "V2X",
                        "dominant_qoe": "latency",
                        "constraints": {"latency_ms": 10, "location": "berlin"},
                    }
                ],
            },
        }
    )
    service = Service(
        "cars", SliceType.URLLC, Preference(0.1, 0.5, 0.3, 0.1), (stated("latency_ms", 12),)
    )
    found = figures([row], {"a": translation(Interpretation(Action.CREATE, (service,)), "berlin")})
    assert (found.type, found.dominant_top2, found.recall, found.precision) == (0.5, 0, 0, 0)
    service = Service(
        "cars", SliceType.V2X, Preference(0.5, 0.3, 0.1, 0.1), (stated("rtt_ms", 10),)
    )
    found = figures([row], {"a": translation(Interpretation(Action.CREATE, (service,)), "berlin")})
    assert (found.type, found.dominant_top2, found.recall, found.precision) == (1, 1, 1, 1)


def test_the_rules_engine_is_good_at_our_own_sentences() -> None:
    rows = labelled(SENTENCES)
    found = figures(rows, {row.id: translated(row.text) for row in rows})
    assert found.refuse == 1
    assert found.quality >= 0.93


@pytest.mark.skipif(
    not (SHARED / "tools" / "score_intents.py").exists(), reason="no shared scorer beside the code"
)
def test_our_figures_are_those_of_the_shared_scorer(tmp_path: Path) -> None:
    source = SHARED / "data" / "intents_dev.jsonl"
    rows = labelled(source)
    for blunder in (False, True):
        answers = {row.id: translated(row.text) for row in rows}
        if blunder:  # every third answer goes to the wrong sentence
            ids = [row.id for row in rows]
            answers.update({ids[i]: answers[ids[i - 1]] for i in range(0, len(ids), 3)})
        target = tmp_path / "predicted.jsonl"
        target.write_text(
            "".join(
                json.dumps({"id": key, **answer.model_dump(mode="json")}) + "\n"
                for key, answer in answers.items()
            )
        )
        tool = SHARED / "tools" / "score_intents.py"
        said = subprocess.run(
            [sys.executable, tool, source, target, "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        ours = figures(rows, answers)
        theirs = json.loads(said.stdout)
        for name, value in theirs.items():
            assert getattr(ours, name) == pytest.approx(value, abs=10**-DIGITS), name


@pytest.mark.skipif(
    not (SHARED / "tools" / "check_profile.py").exists(), reason="no shared schemas beside the code"
)
def test_every_profile_of_our_sentences_is_valid_under_the_3gpp_schema(tmp_path: Path) -> None:
    pytest.importorskip("openapi_schema_validator")
    found = {}
    for row in labelled(SENTENCES):
        for service in translated(row.text).services:
            if service.service_profile is not None:
                found[service.slice_type] = service.service_profile
    assert len(found) == 5, "one of every type that our sentences ask for"
    files = [tmp_path / f"{name}.json" for name in found]
    for file, profile in zip(files, found.values(), strict=True):
        file.write_text(profile.model_dump_json())
    tool = SHARED / "tools" / "check_profile.py"
    said = subprocess.run(
        [sys.executable, tool, "ServiceProfile", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout
