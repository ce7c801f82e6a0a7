"""Bad telemetry has a name, and a segment that nobody measured never looks well."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from coordinator.assurance.telemetry import (
    FUTURE_S_MAX,
    STALE_INTERVALS,
    Fault,
    Stream,
    believed_condition,
    hear,
    merged,
)
from domains.measurement import Condition, Measurement, Reading
from domains.model import PPB

NOW_S, STEP_S = 1_000.0, 10.0
FIRST = Measurement("seg", 5_000.0, 5_010.0, 1_000, 500, 900, 0, PPB, 10, 20)


def reading(measured: Measurement | None) -> Reading:
    return Reading("seg", "slice", Condition.HEALTHY, "", measured)


def later(seconds: float, **changes: object) -> Measurement:
    moved = replace(FIRST, begin_s=FIRST.begin_s + seconds, end_s=FIRST.end_s + seconds)
    return replace(moved, **changes)  # type: ignore[arg-type]


def heard() -> Stream:
    stream, measured, fault = hear(Stream(NOW_S), reading(FIRST), NOW_S)
    assert (measured, fault) == (FIRST, None)
    return stream


BAD: dict[str, tuple[Measurement | None, Fault]] = {
    "nothing": (None, Fault.MISSING),
    "the same again": (FIRST, Fault.DUPLICATE),
    "an overlap with the past": (later(-5), Fault.CLOCK_WENT_BACK),
    "a clock set an hour ahead": (later(3_600), Fault.CLOCK_JUMPED),
    "not a number": (later(10, end_s=math.nan), Fault.NOT_A_NUMBER),
    "a latency that is not a number": (later(10, latency_us=math.nan), Fault.NOT_A_NUMBER),
    "an infinite rate": (later(10, downlink_kbps=math.inf), Fault.NOT_A_NUMBER),
    "a rate below zero": (later(10, uplink_kbps=-1), Fault.IMPLAUSIBLE),
    "an availability of two": (later(10, availability_ppb=2 * PPB), Fault.IMPLAUSIBLE),
    "something of which everything was lost": (later(10, loss_ppb=PPB), Fault.IMPLAUSIBLE),
    "an interval of no time": (later(10, begin_s=5_020.0), Fault.EMPTY_INTERVAL),
    "an interval that ends first": (later(10, begin_s=5_030.0), Fault.EMPTY_INTERVAL),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_measurement_is_named_and_not_used(name: str) -> None:
    bad, expected = BAD[name]
    stream, measured, fault = hear(heard(), reading(bad), NOW_S + STEP_S)
    assert (measured, fault) == (None, expected)
    assert stream.faults == 1
    assert stream.heard_s == NOW_S, "what is not believed does not keep a stream fresh"


def test_a_gap_is_named_and_what_follows_is_used() -> None:
    stream, measured, fault = hear(heard(), reading(later(30)), NOW_S + 30)
    assert fault is Fault.GAP
    assert measured == later(30)
    assert stream.faults == 0


def test_after_a_clock_has_jumped_the_next_interval_counts_from_there() -> None:
    for jump in (3_600.0, -3_600.0):
        stream, _, fault = hear(heard(), reading(later(jump)), NOW_S + STEP_S)
        assert fault in (Fault.CLOCK_JUMPED, Fault.CLOCK_WENT_BACK)
        after = later(jump + STEP_S)
        _, measured, fault = hear(stream, reading(after), NOW_S + 2 * STEP_S)
        assert (measured, fault) == (after, None)


def test_two_clocks_may_differ_by_a_little() -> None:
    ahead = later(STEP_S + FUTURE_S_MAX - 1, begin_s=FIRST.end_s)
    assert hear(heard(), reading(ahead), NOW_S + STEP_S)[2] is None


def test_a_stream_is_stale_when_nothing_believable_was_heard_for_a_few_intervals() -> None:
    stream = heard()
    limit_s = STALE_INTERVALS * STEP_S
    assert not stream.stale(NOW_S + limit_s, STEP_S)
    assert stream.stale(NOW_S + limit_s + 0.1, STEP_S)
    for step in range(1, 5):
        stream, _, _ = hear(stream, reading(FIRST), NOW_S + step * STEP_S)
    assert stream.stale(NOW_S + 4 * STEP_S, STEP_S), "duplicates are no news"
    assert Stream(NOW_S).stale(NOW_S + limit_s + 0.1, STEP_S), "nor is silence from the start"


def test_a_round_is_all_that_was_measured_in_it() -> None:
    """10 s of 1000 and 500 kbit/s in 900 us, then 30 s of a tenth of that, half of it lost."""
    second = replace(
        later(10, end_s=5_040.0), downlink_kbps=100, uplink_kbps=50, latency_us=1_700,
        loss_ppb=PPB // 2, availability_ppb=PPB // 2, cpu_millicores=50, memory_mib=40,
    )  # fmt: skip
    assert merged(None, FIRST) == FIRST
    assert merged(FIRST, second) == Measurement(
        "seg", 5_000.0, 5_040.0, 325, 162, 1_500, PPB * 3 // 16, PPB * 5 // 8, 40, 40
    )
    dead = replace(second, downlink_kbps=0, uplink_kbps=0, latency_us=0, availability_ppb=0)
    assert merged(FIRST, dead).latency_us == 900, "what does not pass has no latency"
    assert merged(dead, replace(dead, begin_s=5_040.0, end_s=5_050.0)).availability_ppb == 0


def test_what_a_domain_calls_healthy_and_does_not_answer_has_failed() -> None:
    dead = later(10, availability_ppb=0)
    assert believed_condition(reading(dead), dead) is Condition.FAILED
    assert believed_condition(reading(FIRST), FIRST) is Condition.HEALTHY
