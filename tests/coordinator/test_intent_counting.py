"""How many services a text asks for: where one ends and the next begins, and who only asks."""

from __future__ import annotations

import pytest

from coordinator.intent import heads
from coordinator.intent.announcements import promised
from coordinator.intent.background import own_size
from coordinator.intent.guard import admit
from coordinator.intent.numbers import quantities
from coordinator.intent.rules import RulesInterpreter
from coordinator.model import SliceType
from tests.intents.sentences import AREAS

URLLC, EMBB, MIOT, V2X = SliceType.URLLC, SliceType.EMBB, SliceType.MIOT, SliceType.V2X


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("two separate video slices please", 2),
        ("the airport needs 3 slices", 3),
        ("here are two things: cameras and alarms", 2),
        ("slice one: cameras. slice two: alarms", 2),
        ("slice 2 should carry the cameras", None),
        ("more than two of our services fail", None),
        ("500 bins and 800 parking bays", None),
        ("two new slices of cake", None),
    ],
)
def test_a_text_says_how_many_services_it_asks_for(text: str, count: int | None) -> None:
    assert promised(text) == count


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("we are a theatre with 180 employees and want to stream from 4 cameras", [4]),
        ("our plant employs 2,400 people and runs 65 AGVs", [65]),
        ("a park with 9,000 guests a day needs signals for 16 brakes and 3 pumps", [3]),
        ("internet for 180 employees", [180]),
        ("video calls for 80 staff, and 12 cameras", [80, 12]),
    ],
)
def test_who_only_asks_is_not_counted(text: str, devices: list[int]) -> None:
    admitted = admit(text)
    found = quantities(admitted)
    told = own_size(admitted.folded, found)
    kept = [item for item in found if item not in told]
    assert [item.value for item in kept if item.key == "num_ues"] == devices


@pytest.mark.skipif(heads.found() is None, reason="the sentence encoder is not installed")
@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("6 motorcycle cameras, each pushing 40 Mbit/s back to the truck, at most 300 ms", [EMBB]),
        ("Set up something for 18 robots. They need a reaction time below 15 ms.", [URLLC]),
        ("Two separate video slices: 50 Mbps for the theatre, 20 Mbps for the library.",
         [EMBB, EMBB]),
        ("The airport needs two slices. One is for baggage robots, steered in under 20 ms. "
         "The other is internet access for passengers.", [URLLC, EMBB]),
        ("Telemonitoring for 400 patients at home, plus 4K video visits at 15 Mbps", [MIOT, EMBB]),
        ("Vehicles exchange hazard warnings within 10 ms while the people in the back seats watch "
         "films in HD.", [V2X, EMBB]),
    ],
)  # fmt: skip
def test_as_many_services_are_read_as_are_meant(text: str, types: list[SliceType]) -> None:
    found = RulesInterpreter().interpret(text, AREAS)
    assert [item.slice_type for item in found.services] == types
