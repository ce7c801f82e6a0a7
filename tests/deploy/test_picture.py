"""The report: a page of its own, true to the numbers, and text stays text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from deploy.picture import page

BEGAN = datetime(2026, 5, 1, 8, 0, tzinfo=UTC).timestamp()


def at(step: int) -> str:
    return datetime.fromtimestamp(BEGAN + 60 * step, UTC).isoformat().replace("+00:00", "Z")


def sample(step: int, domain: str, latency_us: int | None) -> dict[str, Any]:
    measured = latency_us is not None and {
        "downlink_kbps": 1_000,
        "uplink_kbps": 500,
        "latency_us": latency_us,
        "loss_ppb": 0,
        "availability_ppb": 10**9,
        "cpu_millicores": 50,
        "memory_mib": 64,
    }
    return {
        "domain": domain,
        "condition": "healthy",
        "reason": "",
        "time": at(step),
        "measurement": measured or None,
        "promised": {"downlink_kbps": 2_000, "uplink_kbps": 1_000, "latency_us": 4_000},
    }


SLICE = {
    "name": "slices/0123",
    "state": "activated",
    "nsi": "nsis/77",
    "agreed": {
        "name": "crane <script>alert(1)</script>",
        "latency_us_max": 10_000,
        "availability_ppb_min": 999_000_000,
        "downlink_kbps": 1_500,
        "uplink_kbps": 700,
    },
}
EVENTS = [
    {"step": "assure", "event": "scale up", "time": at(2), "text": "expected & needed"},
    {"step": "reserve", "event": "decided", "time": at(2), "text": "not of assurance"},
]


def svgs(drawn: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", drawn, re.S)]


def test_the_sum_over_the_domains_is_held_against_the_sla() -> None:
    samples = [
        sample(step, domain, latency)
        for step, latencies in enumerate([(3_000, 4_000), (7_000, 4_000), (3_000, None)])
        for domain, latency in zip(("access", "core"), latencies, strict=True)
    ]
    drawn = page(SLICE, samples, EVENTS)
    assert "Latency was kept in 1 of 3 intervals; 1 not measured" in drawn
    charts = svgs(drawn)
    assert len(charts) == 6
    for chart in charts:
        titles = [e.text for e in chart.iter() if e.tag.endswith("title")]
        assert titles == ["scale up"], "actions are marked in every chart"


def test_a_gap_is_a_gap_and_not_a_line_across() -> None:
    latencies = [2_000, 2_100, None, 2_200, 2_300]
    samples = [sample(step, "access", value) for step, value in enumerate(latencies)]
    chart = svgs(page(SLICE, samples, []))[0]
    lines = [e for e in chart.iter() if e.tag.endswith("polyline")]
    assert len(lines) == 4, "two stretches for the domain, two for the sum"
    assert all(len(line.attrib["points"].split()) == 2 for line in lines)


@pytest.mark.parametrize("samples", [[], [sample(0, "access", 1_000)]])
def test_with_little_to_show_it_says_so(samples: list[dict[str, Any]]) -> None:
    drawn = page(SLICE, samples, [])
    assert "no change was needed" in drawn
    assert ("No measurements yet" in drawn) is (not samples)


def test_nothing_is_fetched_and_names_are_text() -> None:
    drawn = page(SLICE, [sample(0, 'a"><img src=x>', 1_000)], EVENTS)
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert "http" not in drawn
    assert "expected &amp; needed" in drawn
    assert "not of assurance" not in drawn
