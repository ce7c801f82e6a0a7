"""Rules own every number: unit, scope, direction, and the exact words it came from."""

from __future__ import annotations

import pytest

from coordinator.intent.doubts import doubts
from coordinator.intent.guard import admit
from coordinator.intent.numbers import quantities


def found(sentence: str) -> list[tuple[str, float]]:
    return [(item.key, item.value) for item in quantities(admit(sentence))]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("needs 10 ms end to end for 200 patients", [("latency_ms", 10), ("num_ues", 200)]),
        ("250 microseconds", [("latency_ms", 0.25)]),
        ("half a millisecond for the press line", [("latency_ms", 0.5)]),
        ("sub-millisecond latency", [("latency_ms", 1)]),
        ("between 5 and 10 ms", [("latency_ms", 10)]),
        ("round trip below 20 ms, jitter under 2 ms", [("rtt_ms", 20), ("jitter_ms", 2)]),
        ("1Gbps download and 500Mbps upload", [("dl_mbps", 1000), ("ul_mbps", 500)]),
        ("uplink 50 Mbps downlink 100 Mbps", [("ul_mbps", 50), ("dl_mbps", 100)]),
        ("100/50 Mbit/s", [("dl_mbps", 100), ("ul_mbps", 50)]),
        ("0.5 Gbit/s in total", [("mbps", 500)]),
        ("12 MB/s per user", [("per_ue_mbps", 96)]),
        ("25 Mbps per camera", [("per_ue_mbps", 25)]),
        ("8 cameras each sending 20 Mbps", [("num_ues", 8), ("per_ue_ul_mbps", 20)]),
        ("eight video feeds of 30 Mbps each per crane", [("per_ue_ul_mbps", 240)]),
        ("0,5 ms and 99,999 % availability", [("latency_ms", 0.5), ("availability_pct", 99.999)]),
        ("five nines", [("availability_pct", 99.999)]),
        ("99.999% of packets delivered", [("reliability_pct", 99.999)]),
        ("no more than 5 minutes of downtime per year", [("availability_pct", 99.99905)]),
        ("10,000 meters", [("num_ues", 10_000)]),
        ("10.000 players", [("num_ues", 10_000)]),
        ("2 million sensors", [("num_ues", 2_000_000)]),
        ("10⁶ sensors", [("num_ues", 1_000_000)]),
        ("2 × 10³ meters", [("num_ues", 2_000)]),  # noqa: RUF001
        ("reliability of 1-10⁻⁵", [("reliability_pct", 99.999)]),
        ("50k devices", [("num_ues", 50_000)]),
        ("10^6 tags", [("num_ues", 1_000_000)]),
        ("twenty-five doctors", [("num_ues", 25)]),
        ("half a million fans", [("num_ues", 500_000)]),
        ("a crowd of 60,000", [("num_ues", 60_000)]),
        ("1 device per square metre", [("density_per_km2", 1_000_000)]),
        ("100 000 connected devices/km²", [("density_per_km2", 100_000)]),
        ("trains at 300 km/h", [("speed_kmh", 300)]),
        ("temporary, for 3 days", [("duration_h", 72)]),
        ("ten-year battery", [("battery_years", 10)]),
        ("3 EUR per hour", [("price_eur_per_h", 3)]),
        (
            "dl 300M ul 60M, 250 ue",
            [("dl_mbps", 300), ("ul_mbps", 60), ("num_ues", 250)],
        ),
        ("500 up / 100 down Mbit/s", [("ul_mbps", 500), ("dl_mbps", 100)]),
        ("1G down, 20M up per van", [("dl_mbps", 1000), ("per_ue_ul_mbps", 20)]),
        ("5G down the road", []),
        ("50 axes", [("num_ues", 50)]),
        ("12x AR glasses", [("num_ues", 12)]),
        ("tags, 2k pcs", [("num_ues", 2000)]),
        ("pictures in 4k for us", []),
        ("with under a second of delay", [("latency_ms", 1000)]),
        ("for a fortnight", [("duration_h", 336)]),
        ("jitter-free, 1 ms", [("latency_ms", 1)]),
        ("60 ms both ways together", [("rtt_ms", 60)]),
        ("the link is up 99.99 % of the year", [("availability_pct", 99.99)]),
    ],
)
def test_a_quantity_is_read_with_its_unit_scope_and_direction(
    sentence: str, expected: list[tuple[str, float]]
) -> None:
    assert found(sentence) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "4K video",
        "a report every 5 minutes",
        "deviates by more than 5% from target",
        "in 3 hospitals on 20 floors",
        "Industry 4.0 over 5G",
    ],
)
def test_a_number_that_is_no_requirement_is_left_alone(sentence: str) -> None:
    assert found(sentence) == []


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("0 ms latency", "0 ms"),
        ("-5 ms", "-5 ms"),
        ("200 % availability", "200 %"),
        ("10^12 devices", "10^12 devices"),
        ("1000000000 Gbit/s", "1000000000 Gbit/s"),
        ("9e999 users", "9e999 users"),
        ("NaN ms", "NaN ms"),
        ("infinite bandwidth", "infinite bandwidth"),
    ],
)
def test_an_absurd_number_is_asked_about_by_its_words(sentence: str, words: str) -> None:
    text = admit(sentence)
    questions = [doubt.question for doubt in doubts(text, quantities(text))]
    assert len(questions) == 1
    assert f'"{words}"' in questions[0]
