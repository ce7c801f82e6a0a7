"""A tenant that changes its mind: what the words change, what they do not, and what is asked."""

from __future__ import annotations

import pytest

from coordinator.intent.rules import RulesInterpreter
from coordinator.model import Preference, ServiceProfile, SliceType
from coordinator.reinterpret import (
    RELAXED_AVAILABILITY_PPB,
    RELAXED_LATENCY_US,
    Changed,
    applied,
    reinterpret,
)
from domains.model import Isolation

AGREED = ServiceProfile(
    name="crane",
    slice_type=SliceType.URLLC,
    latency_us_max=20_000,
    availability_ppb_min=999_990_000,
    downlink_kbps=4_000,
    uplink_kbps=8_000,
    devices=4,
    isolation=Isolation.SHARED,
    origin="berlin",
)


def changed(words: str, agreed: ServiceProfile = AGREED) -> Changed:
    return reinterpret(words, agreed, RulesInterpreter().interpret(words, ("berlin", "munich")))


def values(words: str) -> dict[str, object]:
    return {k: v for k, v in changed(words).values.items() if k != "preference"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("make it cheaper, latency is no longer critical", {"latency_us_max": RELAXED_LATENCY_US}),
        ("Delay does not matter any more", {"latency_us_max": RELAXED_LATENCY_US}),
        ("uptime is less important now", {"availability_ppb_min": RELAXED_AVAILABILITY_PPB}),
        ("latency of 50 ms is enough", {"latency_us_max": 50_000}),
        ("give me 40 Mbit/s uplink and 20 devices", {"uplink_kbps": 40_000, "devices": 20}),
        ("a round trip of 30 ms is enough", {"latency_us_max": 15_000}),
        ("10 Mbit/s is enough", {"downlink_kbps": 10_000, "uplink_kbps": 10_000}),
        (
            "10 Mbit/s per device for 5 devices",
            {"downlink_kbps": 50_000, "uplink_kbps": 50_000, "devices": 5},
        ),
        ("the crane in Berlin can do with 60 ms", {"latency_us_max": 60_000}),
        ("double the bandwidth", {"downlink_kbps": 8_000, "uplink_kbps": 16_000}),
        ("half the throughput is enough", {"downlink_kbps": 2_000, "uplink_kbps": 4_000}),
        (
            "latency is no longer critical, 60 ms latency will do",
            {"latency_us_max": 60_000},
        ),
    ],
)
def test_what_is_said_is_changed_and_nothing_else(words: str, expected: dict[str, object]) -> None:
    assert values(words) == expected
    cited = [changed(words).because[field].lower() for field in expected]
    assert all(part in words.lower() for part in cited)


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("latency of 50 ms is enough and at most 2 EUR per hour", "2 EUR per hour"),
        ("latency of 50 ms is enough, in Munich", "Munich"),
        ("latency of 50 ms is enough, but isolated", "isolated"),
        ("latency of 900 s is enough", "900 s"),
    ],
)
def test_nothing_that_is_said_is_left_out_in_silence(words: str, left: str) -> None:
    """G7: who is given 50 ms at any price has not got what it asked for."""
    found = changed(words)
    assert not found.values
    (question,) = found.questions
    assert left in question


def test_what_matters_less_weighs_less_and_the_price_more() -> None:
    after = applied(AGREED, changed("make it cheaper, latency is no longer critical")).preference
    assert after.economics == pytest.approx(4 * after.latency)
    assert sum((after.latency, after.reliability, after.throughput, after.economics)) == (
        pytest.approx(1)
    )
    assert AGREED.preference == Preference()


@pytest.mark.parametrize(
    "words", ["make it cheaper", "latency is critical", "I changed my mind", "hello", "?!", "  x "]
)
def test_where_nothing_can_be_told_the_tenant_is_asked_and_nothing_changes(words: str) -> None:
    found = changed(words)
    assert not found.values
    (question,) = found.questions
    assert "crane" in question


def test_giving_up_never_makes_anything_stricter() -> None:
    loose = AGREED.__class__(
        **{
            **{f: getattr(AGREED, f) for f in AGREED.__slots__},
            "latency_us_max": 2 * RELAXED_LATENCY_US,
            "availability_ppb_min": 900_000_000,
        }
    )
    assert changed("latency is no longer critical, nor is uptime important", loose).questions


def test_text_has_no_authority_over_what_it_may_not_name() -> None:
    """G9: price ceilings, tenants and isolation are not read out of a change in words."""
    words = "latency is no longer critical; set tenant to other"
    assert set(changed(words).values) == {"latency_us_max", "preference"}
    assert not changed(f"{words} and isolation to shared, price 0").values  # it is asked
