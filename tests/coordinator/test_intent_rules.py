"""Sentences as people write them, and what they mean."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from coordinator.intent.catalogue import Confidence, Quality
from coordinator.intent.rules import RulesInterpreter
from coordinator.intent.services import ENTRIES
from coordinator.limits import SERVICES_MAX
from coordinator.model import Action, Interpretation, Service, SliceType, Source

AREAS = ("berlin", "berlin/mitte", "munich", "hamburg")
TELEMEDICINE = (
    "I run a telemedicine service between Berlin and Munich: high-quality video consultations for"
    " 200 patients, and remote control of a surgical robot that needs 10 ms end to end. Health"
    " data, so keep it isolated."
)
SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def interpret(text: str) -> Interpretation:
    return RulesInterpreter().interpret(text, AREAS)


def stated(service: Service) -> dict[str, float | str]:
    return {item.key: item.value for item in service.evidence if item.source is Source.STATED}


def test_two_services_of_a_telemedicine_provider_and_the_words_of_each_number() -> None:
    said = interpret(TELEMEDICINE)
    assert said.action is Action.CREATE
    video, robot = said.services
    shared = {"isolation": "isolated", "origin": "berlin", "destination": "munich"}
    assert (video.name, video.slice_type) == ("video consultation", SliceType.EMBB)
    assert stated(video) == {"num_ues": 200} | shared
    assert (robot.name, robot.slice_type) == ("surgical robot control", SliceType.URLLC)
    assert stated(robot) == {"latency_ms": 10} | shared
    words = {item.key: item.words for item in robot.evidence if item.source is Source.STATED}
    assert words == {
        "latency_ms": "10 ms",
        "isolation": "keep it isolated",
        "origin": "Berlin",
        "destination": "Munich",
    }


def test_what_is_not_said_comes_from_a_clause_and_is_marked_as_inferred() -> None:
    video, robot = interpret(TELEMEDICINE).services
    inferred = {
        item.key: (item.value, item.clause)
        for item in robot.evidence
        if item.source is Source.INFERRED
    }
    assert inferred["availability_pct"] == (99.9999, "TS 22.104 table 5.2-1")
    assert "latency_ms" not in inferred
    assert robot.value("num_ues") == 1
    assert video.value("latency_ms") == 150


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("Welding robots on our assembly line, 5 ms", "URLLC"),
        ("80,000 fans in the stadium share videos", "eMBB"),
        ("We want to read 2 million water meters once a day", "MIoT"),
        ("truck platooning on the motorway", "V2X"),
        ("VR training for 20 surgeons with 200 Mbps per headset", "HDLLC"),
        ("latency under 1 ms please", "URLLC"),
        ("1 Gbps", "eMBB"),
        ("Maximum throughput and minimum latency for everybody.", "HDLLC"),
        ("eMBB slice for robots", "eMBB"),
        ("Our factory has 40 AGVs that need 10 ms, and 3000 temperature sensors", "URLLC MIoT"),
        ("The drone is steered remotely and sends 4K video at 40 Mbps", "URLLC eMBB"),
        ("One slice for robots with 4 ms and another for robot arms with 8 ms", "URLLC URLLC"),
        ("Hospital: remote surgery, video visits, and 2,000 patient monitors", "URLLC eMBB MIoT"),
        ("Everything except the AGVs can run best effort; the AGVs need 20 ms.", "URLLC eMBB"),
        ("No video, only telemetry from 800 pumps", "MIoT"),
        ("Digital replica for manufacturing management, monitoring, and automation", "HDLLC"),
        ("A port with remote-controlled cranes, cameras and more cameras", "URLLC eMBB"),
    ],
)
def test_services_and_their_slice_types(text: str, types: str) -> None:
    said = interpret(text)
    assert said.action is Action.CREATE
    assert sorted(s.slice_type.label for s in said.services) == sorted(types.split())


def test_a_number_belongs_to_the_service_it_is_said_with() -> None:
    robots, cameras = interpret("Robots with 4 ms and 300 cameras at 8 Mbps uplink each").services
    assert stated(robots) == {"latency_ms": 4}
    assert stated(cameras) == {"num_ues": 300, "per_ue_ul_mbps": 8}


def test_a_number_said_of_both_services_belongs_to_both() -> None:
    text = "Robots with 4 ms and video for 30 guards. Both need 99.99 % availability."
    assert [s.value("availability_pct") for s in interpret(text).services] == [99.99, 99.99]


def test_each_service_has_its_own_place_when_it_names_one() -> None:
    text = "Surveillance cameras in Berlin and soil sensors in Hamburg"
    assert [s.value("origin") for s in interpret(text).services] == ["berlin", "hamburg"]


def test_an_unknown_place_is_passed_on_by_name_so_that_routing_can_refuse_it() -> None:
    (service,) = interpret("video for 20 divers in Atlantis").services
    assert stated(service)["origin"] == "atlantis"


def test_no_place_is_no_evidence() -> None:
    (service,) = interpret("video for 20 divers").services
    assert service.value("origin") is None


def test_a_dismissed_quality_weighs_less() -> None:
    (with_it,) = interpret("video streaming with low latency").services
    (without,) = interpret("video streaming, latency does not matter").services
    assert without.preference.latency < with_it.preference.latency
    assert without.preference.latency < 0.25


@pytest.mark.parametrize(
    ("quality", "wanted", "spared"),
    [
        ("economics", "keep the price low", "whatever it costs"),
        ("economics", "on a tight budget", "money is no object"),
        ("economics", "as cheap as possible", "at any price"),
        ("latency", "that cannot tolerate delay", "that tolerates some delay"),
        ("reliability", "reliability first", "reliability hardly matters"),
    ],
)
def test_what_need_not_be_spared_weighs_less_than_silence(
    quality: str, wanted: str, spared: str
) -> None:
    much, usual, little = (
        getattr(interpret(f"machine monitoring in Berlin{end}").services[0].preference, quality)
        for end in (f", {wanted}", "", f", {spared}")
    )
    assert little < usual < much


def test_a_background_story_does_not_become_a_service() -> None:
    text = (
        "Our company has built chocolate machines since 1953 and has 400 employees. We would like"
        " the servo drives of the new line to talk wirelessly within 1 ms."
    )
    (service,) = interpret(text).services
    assert (service.name, stated(service)) == ("motion control", {"latency_ms": 1})


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("Increase the bandwidth of slice-12 to 200 Mbps", Action.MODIFY),
        ("Change the latency of my surgery slice to 8 ms", Action.MODIFY),
        ("What is the status of my video slice?", Action.QUERY),
        ("List all my slices", Action.QUERY),
        ("Terminate slice 42", Action.TERMINATE),
        ("We no longer need the festival slice, please remove it", Action.TERMINATE),
        ("create something for networking", Action.CLARIFY),
        ("I need something fast", Action.CLARIFY),
        ("部署一个网络切片", Action.CLARIFY),
        ("What is the capital of France?", Action.REJECT),
        ("Write me a poem about 5G", Action.REJECT),
        ("asdf qwer 5G zxcv 99 lorem ipsum dolor", Action.REJECT),
        ("12345", Action.REJECT),
    ],
)
def test_what_is_not_a_request_for_a_new_slice(text: str, action: Action) -> None:
    said = interpret(text)
    assert said.action is action
    assert said.services == ()


def test_values_that_contradict_each_other_are_asked_about() -> None:
    said = interpret("Robot control with a latency of 5 ms, and the latency has to be 20 ms")
    assert said.action is Action.CLARIFY
    assert '"5 ms" and "20 ms"' in said.questions[0]


@pytest.mark.parametrize(
    "text", ["robots with 0 ms", "video for 10^12 users", "AGVs, 200 % uptime"]
)
def test_an_absurd_value_is_asked_about_and_never_clipped(text: str) -> None:
    said = interpret(text)
    assert said.action is Action.CLARIFY
    assert "cannot be meant" in said.questions[0]


def test_more_services_than_an_order_may_hold_are_asked_about() -> None:
    text = "; ".join(f"another slice for {n} cameras" for n in range(100, 100 + SERVICES_MAX + 1))
    said = interpret(text)
    assert said.action is Action.CLARIFY
    assert said.services == ()


def test_two_services_of_one_kind_have_different_names() -> None:
    names = [s.name for s in interpret("One slice for 5 robots and another for 9 robots").services]
    assert names == ["robot control", "robot control 2"]


def test_the_catalogue_names_a_clause_for_every_figure() -> None:
    assert len(ENTRIES) >= 40
    for item in ENTRIES:
        assert item.first is not item.second
        assert {item.first, item.second} <= set(Quality)
        for figure in item.figures:
            assert figure.clause.text
            assert figure.clause.confidence in Confidence
            assert figure.value > 0


def test_the_labelled_sentences_are_read_well() -> None:
    labelled, scorer = SHARED / "data/intents_dev.jsonl", SHARED / "tools/score_intents.py"
    if not labelled.exists() or not scorer.exists():
        pytest.skip("no labelled sentences next to this repository")
    rows = [json.loads(line) for line in labelled.read_text().splitlines()]
    english = [row for row in rows if row["lang"] == "en"]
    sys_path = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json, runpy, sys\n"
            "scorer = runpy.run_path(sys.argv[1])\n"
            "rows, guesses = json.load(sys.stdin)\n"
            "print(json.dumps(scorer['score'](rows, guesses)[0]))",
            str(scorer),
        ],
        input=json.dumps([english, {row["id"]: _answer(row["text"]) for row in english}]),
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(sys_path.stdout)
    assert figures["quality"] > 0.85, figures
    assert figures["precision"] > 0.95, figures


def _answer(text: str) -> dict[str, object]:
    said = interpret(text)
    return {
        "action": said.action.value,
        "services": [
            {
                "slice_type": service.slice_type.label,
                "preference": {
                    quality.value: getattr(service.preference, quality.value) for quality in Quality
                },
                "constraints": stated(service),
            }
            for service in said.services
        ],
    }
