"""Budgets add up: exactly for latency, safely for availability, whatever domains advertise."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coordinator.model import DEVICES, Chain, Hop, ServiceLink, ServiceProfile, SliceType
from coordinator.split import apportion, shares, split, throughput
from domains.errors import InvalidRequest
from domains.model import PPB, AbstractLink, Bucket, DomainKind, Isolation, NetworkFunction

SERVICE = ServiceProfile(
    "robot", SliceType.URLLC, 10_000, 999_990_000, 5_000, 4_000, 7, Isolation.ISOLATED, "berlin"
)
FLOORS = st.lists(
    st.tuples(st.integers(0, 10**7), st.integers(0, PPB) | st.integers(PPB - 10_000, PPB)),
    min_size=1,
    max_size=8,
)


def chain_of(floors: list[tuple[int, int]]) -> Chain:
    last = len(floors) - 1
    return tuple(
        Hop(
            f"d{i}",
            DomainKind.CLOUD if i == last else DomainKind.TRANSPORT,
            AbstractLink(f"p{i}", f"p{i + 1}", latency_us, availability_ppb, Bucket.HIGH, 0),
        )
        for i, (latency_us, availability_ppb) in enumerate(floors)
    )


@given(FLOORS, st.integers(0, 10**7))
@example([(0, PPB), (0, PPB)], 1)
def test_latency_budgets_sum_to_the_bound_to_the_microsecond(
    floors: list[tuple[int, int]], latency_us_max: int
) -> None:
    service = replace(SERVICE, latency_us_max=latency_us_max)
    budgets = [p.latency_us_max for p in split(service, chain_of(floors))]
    assert sum(budgets) == latency_us_max
    assert min(budgets) >= 0
    if sum(latency for latency, _ in floors) <= latency_us_max:
        assert all(b >= latency for b, (latency, _) in zip(budgets, floors, strict=True))


@given(FLOORS, st.integers(0, PPB) | st.integers(PPB - 10_000, PPB))
@example([(1, PPB - 10), (1, PPB - 10)], PPB - 20)
@example([(1, 900_000_000), (1, 900_000_000)], 810_000_000)
def test_availability_targets_multiply_to_at_least_the_bound_in_exact_integers(
    floors: list[tuple[int, int]], availability_ppb_min: int
) -> None:
    service = replace(SERVICE, availability_ppb_min=availability_ppb_min)
    targets = [p.availability_ppb_min for p in split(service, chain_of(floors))]
    scale = PPB ** (len(floors) - 1)
    assert prod(targets) >= availability_ppb_min * scale
    assert all(0 <= target <= PPB for target in targets)
    if prod(maximum for _, maximum in floors) >= availability_ppb_min * scale:
        assert all(t <= maximum for t, (_, maximum) in zip(targets, floors, strict=True))


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1).filter(any))
def test_apportioned_parts_sum_exactly_and_are_at_most_one_off(
    total: int, weights: list[int]
) -> None:
    parts = apportion(total, weights)
    assert sum(parts) == total
    weight = sum(weights)
    assert all(abs(p * weight - total * w) < weight for p, w in zip(parts, weights, strict=True))


def test_slack_is_shared_in_proportion_to_what_domains_advertise() -> None:
    assert shares(1_000, [100, 300, 100]) == (200, 600, 200)


def test_floors_that_exceed_the_bound_are_scaled_down_to_it() -> None:
    assert shares(500, [600, 400]) == (300, 200)


def test_every_hop_is_asked_for_the_whole_throughput_and_all_devices() -> None:
    for profile in split(SERVICE, chain_of([(1, PPB), (2, PPB)])):
        assert (profile.downlink_kbps, profile.uplink_kbps, profile.devices) == (5_000, 4_000, 7)
        assert profile.isolation is Isolation.ISOLATED


def function(name: str) -> NetworkFunction:
    return NetworkFunction(name, "application", 1_000, 1_024, 10)


GRAPH = replace(
    SERVICE,
    functions=(function("video"), function("store")),
    links=(
        ServiceLink(DEVICES, "video", 3_000),
        ServiceLink(DEVICES, "store", 2_000),
        ServiceLink("video", DEVICES, 1_000),
        ServiceLink("video", "store", 800),
        ServiceLink("store", "video", 100),
    ),
)


def test_functions_and_the_links_between_them_go_to_the_cloud_alone() -> None:
    first, cloud = split(GRAPH, chain_of([(1, PPB), (2, PPB)]))
    assert (first.functions, first.fabric_kbps) == ((), 0)
    assert (cloud.functions, cloud.fabric_kbps) == (GRAPH.functions, 900)


def test_links_from_and_to_the_devices_raise_the_throughput_of_every_hop() -> None:
    assert throughput(GRAPH) == (5_000, 5_000)
    assert {p.uplink_kbps for p in split(GRAPH, chain_of([(1, PPB), (2, PPB)]))} == {5_000}


def test_a_link_to_a_function_that_is_not_there_is_an_invalid_request() -> None:
    service = replace(GRAPH, links=(ServiceLink("video", "archive", 1),))
    with pytest.raises(InvalidRequest) as refused:
        split(service, chain_of([(1, PPB)]))
    assert refused.value.metadata == {"service": "robot", "requested": "archive"}
