"""What is no request at all: refused by field, value and limit, and nothing is held."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domains.errors import InvalidRequest
from domains.model import (
    Attachment,
    Attribute,
    Isolation,
    NetworkFunction,
    Relaxation,
    SliceProfile,
)
from domains.requests import (
    FUNCTIONS_MAX,
    PROFILES_MAX,
    RELAXATIONS_MAX,
    check_hold,
    check_profile,
)
from tests.domains.networks import Bench, bench_of


@pytest.fixture
async def transport(tmp_path: Path) -> AsyncIterator[Bench]:
    made = await bench_of("transport", tmp_path)
    yield made
    await made.domain.close()


PROFILES: dict[str, dict[str, Any]] = {
    "profile.ingress": {"ingress": ""},
    "profile.egress": {"egress": "x" * 257},
    "profile.latency_us_max": {"latency_us_max": -1},
    "profile.availability_ppb_min": {"availability_ppb_min": 1_000_000_001},
    "profile.downlink_kbps": {"downlink_kbps": 10**11 + 1},
    "profile.uplink_kbps": {"uplink_kbps": float("nan")},
    "profile.devices": {"devices": True},
    "profile.fabric_kbps": {"fabric_kbps": 1.5},
    "profile.functions": {"functions": (NetworkFunction("f", "UPF", 1, 1, 1),) * 2},
    "function.name": {"functions": (NetworkFunction("a\u202eb", "UPF", 1, 1, 1),)},
    "function.function_type": {"functions": (NetworkFunction("f", "", 1, 1, 1),)},
    "function.cpu_millicores": {"functions": (NetworkFunction("f", "UPF", -1, 1, 1),)},
    "function.memory_mib": {"functions": (NetworkFunction("f", "UPF", 1, 10**9 + 1, 1),)},
    "function.storage_gib": {"functions": (NetworkFunction("f", "UPF", 1, 1, float("inf")),)},  # type: ignore[arg-type]
}


@pytest.mark.parametrize("field", PROFILES)
async def test_an_impossible_profile_is_refused_by_name(transport: Bench, field: str) -> None:
    request = await transport.request(1)
    profile = replace(transport.profile, **PROFILES[field])
    with pytest.raises(InvalidRequest) as refused:
        await transport.alice.offers([transport.profile, profile], "clinic")
    assert refused.value.metadata["field"] == field
    assert refused.value.metadata["limit"]
    with pytest.raises(InvalidRequest):
        await transport.alice.hold(replace(request, profile=profile))
    assert await transport.alice.holds() == []


def test_the_largest_permitted_values_are_permitted() -> None:
    functions = tuple(NetworkFunction(f"f{i}", "UPF", 0, 10**9, 0) for i in range(FUNCTIONS_MAX))
    check_profile(
        SliceProfile(
            "i", "e", 60_000_000, 10**9, 10**11, 0, 10**9, Isolation.SHARED, functions, 10**11
        )
    )


HOLDS: dict[str, dict[str, Any]] = {
    "hold_id": {"hold_id": ""},
    "slice_id": {"slice_id": "a\nb"},
    "tenant": {"tenant": ""},
    "epoch": {"epoch": 2**63},
    "replaces": {"replaces": ""},
    "ttl_s": {"ttl_s": 3_155_760_000.0},
}


@pytest.mark.parametrize("field", HOLDS)
async def test_an_impossible_hold_is_refused_by_name(transport: Bench, field: str) -> None:
    request = await transport.request(1)
    with pytest.raises(InvalidRequest) as refused:
        await transport.alice.hold(replace(request, **HOLDS[field]))
    assert refused.value.metadata["field"] == field
    assert await transport.alice.holds() == []


@pytest.mark.parametrize("field", ["latency_us", "availability_ppb", "devices", "price_micros"])
async def test_an_impossible_offer_is_refused_by_name(transport: Bench, field: str) -> None:
    request = await transport.request(1)
    worse: dict[str, Any] = {field: -1}
    offer = replace(request.offer, metrics=replace(request.offer.metrics, **worse))
    with pytest.raises(InvalidRequest) as refused:
        await transport.alice.hold(replace(request, offer=offer))
    assert refused.value.metadata["field"] == f"offer.{field}"


async def test_a_segment_is_attached_at_its_own_ends_once_each(transport: Bench) -> None:
    request = await transport.request(1)
    first, second = request.attachments
    elsewhere = next(
        point
        for point in (await transport.alice.topology()).border_points
        if point not in (first.border_point, second.border_point)
    )
    for attachments in (
        (),
        (first,),
        (first, first),
        (first, second, first),
        (first, Attachment(elsewhere, 17)),
    ):
        with pytest.raises(InvalidRequest) as refused:
            await transport.alice.hold(replace(request, attachments=attachments))
        assert refused.value.metadata["field"] == "attachments"
    for label in (15, 2**20, -1):
        wrong = (first, replace(second, label=label))
        with pytest.raises(InvalidRequest) as refused:
            await transport.alice.hold(replace(request, attachments=wrong))
        assert refused.value.metadata["field"] == "attachment.label"
        assert refused.value.metadata["requested"] == str(label)


async def test_an_area_needs_no_attachment(tmp_path: Path) -> None:
    access = await bench_of("access", tmp_path)
    request = await access.request(1)
    assert [a.border_point for a in request.attachments] == [access.profile.egress]
    check_hold(request, {access.profile.egress})
    await access.domain.close()


async def test_too_many_questions_and_empty_names_are_refused(transport: Bench) -> None:
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: transport.alice.offers([transport.profile] * (PROFILES_MAX + 1), "clinic"),
        lambda: transport.alice.offers([transport.profile], ""),
        lambda: transport.alice.confirm("", 1),
        lambda: transport.alice.confirm("hold-1", -1),
        lambda: transport.alice.release("hold-1", 1, "x" * 257),
    ]
    for call in calls:
        with pytest.raises(InvalidRequest):
            await call()


@pytest.mark.parametrize(
    ("field", "relaxations"),
    [
        ("offer.relaxations", (Relaxation(Attribute.DEVICES, 2, 1),) * (RELAXATIONS_MAX + 1)),
        ("relaxation.requested", (Relaxation(Attribute.DEVICES, -1, 1),)),
        ("relaxation.achievable", (Relaxation(Attribute.DEVICES, 2, 2**63),)),
    ],
)
async def test_an_offer_gives_way_within_limits(
    transport: Bench, field: str, relaxations: tuple[Relaxation, ...]
) -> None:
    request = await transport.request(1)
    offer = replace(request.offer, relaxations=relaxations)
    with pytest.raises(InvalidRequest) as refused:
        await transport.alice.hold(replace(request, offer=offer))
    assert refused.value.metadata["field"] == field
