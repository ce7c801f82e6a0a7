"""Coverage areas are found under the names people use, unknown ones by how they are written."""

from __future__ import annotations

import pytest

from coordinator.intent.guard import admit
from coordinator.intent.places import places

AREAS = ("berlin", "berlin/mitte", "munich", "cologne", "hamburg/mitte", "hamburg", "muenster")


def found(sentence: str) -> list[str]:
    return [place.area for place in places(admit(sentence), AREAS) if not place.spot]


@pytest.mark.parametrize(
    ("sentence", "areas"),
    [
        ("between Berlin and Munich", ["berlin", "munich"]),
        ("from Köln to München", ["cologne", "munich"]),
        ("from Koeln to Muenchen", ["cologne", "munich"]),
        ("in Münster", ["muenster"]),
        ("in Berlin-Mitte", ["berlin/mitte"]),
        ("in berlin/mitte", ["berlin/mitte"]),
        ("in Mitte of Hamburg", ["hamburg/mitte"]),
        ("in Atlantis", ["atlantis"]),
        ("between Berlin and Atlantis", ["berlin", "atlantis"]),
        ("between Atlantis and Berlin", ["atlantis", "berlin"]),
        ("video for 200 users", []),
        ("in Full HD from Monday to Friday", []),
        ("meters in Germany", []),
        ("Deploy Sensors In Every Smart Factory Now", []),
    ],
)
def test_places_in_the_order_in_which_they_are_named(sentence: str, areas: list[str]) -> None:
    assert found(sentence) == areas
