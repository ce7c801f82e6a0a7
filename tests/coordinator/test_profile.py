"""Exact conversions: what was said, as integers that add up and as the standards' JSON."""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from coordinator import five_qi
from coordinator.intent.rules import RulesInterpreter
from coordinator.model import (
    DEVICES,
    Action,
    Evidence,
    Interpretation,
    Preference,
    Service,
    ServiceProfile,
    SliceType,
    Source,
)
from coordinator.profile import nest, service_profile_json, service_profiles, slice_profile_json
from coordinator.profile_schema import ServiceProfileJson
from domains.errors import InvalidRequest
from domains.model import DomainKind, Isolation, SliceProfile

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def profiles(text: str) -> tuple[ServiceProfile, ...]:
    return service_profiles(RulesInterpreter().interpret(text, ("berlin", "munich")), "berlin")


def profile(text: str) -> ServiceProfile:
    (only,) = profiles(text)
    return only


def slice_profile(**changes: object) -> SliceProfile:
    values: dict[str, object] = {
        "ingress": "berlin",
        "egress": "bp-berlin",
        "latency_us_max": 750,
        "availability_ppb_min": 999_999_900,
        "downlink_kbps": 2_000,
        "uplink_kbps": 4_000,
        "devices": 3,
        "isolation": Isolation.ISOLATED,
    }
    return SliceProfile(**(values | changes))  # type: ignore[arg-type]


def test_units_are_converted_exactly() -> None:
    robot = profile("robot control in Munich, 0.25 ms, 99.9999999 % availability, 1.5 Mbit/s")
    assert robot.latency_us_max == 250
    assert robot.availability_ppb_min == 999_999_999
    assert (robot.downlink_kbps, robot.uplink_kbps) == (1_500, 1_500)
    assert (robot.origin, robot.destination, robot.devices) == ("munich", "", 1)


def test_without_a_place_devices_are_in_the_default_area() -> None:
    assert profile("video for 20 users").origin == "berlin"


def test_what_has_no_whole_number_is_rounded_to_the_stricter_one() -> None:
    said = {"latency_ms": 10.0009, "availability_pct": 99.9, "num_ues": 2.5, "dl_mbps": 0.0001,
            "ul_mbps": 1.0, "price_eur_per_h": 0.0000019}  # fmt: skip
    evidence = tuple(Evidence(key, value, Source.STATED) for key, value in said.items())
    service = Service("odd", SliceType.EMBB, Preference(), evidence)
    (odd,) = service_profiles(Interpretation(Action.CREATE, (service,)), "berlin")
    assert (odd.latency_us_max, odd.devices, odd.downlink_kbps) == (10_000, 3, 1)
    assert odd.price_micros_max == 1


def test_a_round_trip_is_halved() -> None:
    assert profile("gaming with a ping of 20 ms").latency_us_max == 10_000


def test_a_rate_per_device_is_multiplied_and_one_per_slice_is_not() -> None:
    cameras = profile("300 surveillance cameras at 8 Mbps uplink each")
    assert cameras.uplink_kbps == 2_400_000
    backup = profile("file backup for 40 offices with 1 Gbps upload")
    assert backup.uplink_kbps == 1_000_000


def test_a_rate_without_direction_goes_where_the_service_sends() -> None:
    film = profile("video streaming for 10 users at 100 Mbps")
    assert film.downlink_kbps == 100_000
    assert film.uplink_kbps == 5_000
    meters = profile("1000 smart meters with 2 Mbps in total")
    assert meters.uplink_kbps == 2_000


def test_the_cloud_is_given_the_application_to_host() -> None:
    video = profile("video consultations for 200 patients")
    (function,) = video.functions
    assert (function.name, function.cpu_millicores) == ("media-server", 8_000)
    (link,) = video.links
    assert (link.source, link.target, link.capacity_kbps) == (DEVICES, "media-server", 500_000)


def test_isolation_and_price_are_kept() -> None:
    isolated = profile("an isolated slice for robots within 5 ms at no more than 3.5 EUR per hour")
    assert isolated.isolation is Isolation.ISOLATED
    assert isolated.price_micros_max == 3_500_000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("latency_ms", 0.0),
        ("latency_ms", float("nan")),
        ("latency_ms", -1.0),
        ("availability_pct", 100.0),
        ("num_ues", 1e12),
        ("dl_mbps", float("inf")),
        ("dl_mbps", 1e12),
        ("price_eur_per_h", 1e12),  # what no message could carry back to the tenant
    ],
)
def test_a_value_out_of_range_is_refused_by_name(key: str, value: float) -> None:
    known = {
        "latency_ms": 10.0,
        "availability_pct": 99.9,
        "num_ues": 1.0,
        "dl_mbps": 1.0,
        "ul_mbps": 1.0,
    }
    evidence = tuple(
        Evidence(name, number, Source.STATED) for name, number in (known | {key: value}).items()
    )
    service = Service("voice", SliceType.EMBB, Preference(), evidence)
    with pytest.raises(InvalidRequest) as refused:
        service_profiles(Interpretation(Action.CREATE, (service,)), "berlin")
    assert refused.value.metadata["field"] == key


def test_only_a_request_for_new_slices_has_profiles() -> None:
    with pytest.raises(InvalidRequest):
        service_profiles(Interpretation(Action.CLARIFY, ()), "berlin")


def test_a_nest_carries_latency_as_a_5qi_whose_delay_budget_keeps_it() -> None:
    for latency_ms in (5, 10, 12, 30, 60, 100, 150, 300):
        filled = nest(profile(f"robot control, {latency_ms} ms, 99.99 % reliability"))
        chosen = next(
            row
            for row in five_qi.TABLE
            if row.value == filled["Slice quality of service: 3GPP 5QI"]
        )
        assert chosen.delay_ms <= latency_ms
        assert chosen.error_rate <= 1e-4


def test_a_latency_under_every_5qi_is_given_as_a_delay_budget() -> None:
    filled = nest(profile("robot control, 1 ms, 99.9999 % reliability"))
    assert "Slice quality of service: 3GPP 5QI" not in filled
    assert filled["Slice quality of service: Packet Delay Budget"] == 1
    assert filled["Slice quality of service: Packet Error Rate"] == pytest.approx(1e-6)


def test_service_profile_json_says_what_was_asked() -> None:
    document = service_profile_json(profile("isolated robot control, 10 ms, 99.999 % uptime"))
    assert document["dLLatency"] == 10
    assert document["availability"] == 99.999
    assert document["networkSliceSharingIndicator"] == "NON_SHARED"
    assert document["sst"] == 2


def test_a_misspelt_attribute_is_an_error() -> None:
    document = service_profile_json(profile("video for 20 users"))
    with pytest.raises(ValidationError):
        ServiceProfileJson.model_validate(document | {"dlLatency": 1.0})


@pytest.mark.parametrize("kind", list(DomainKind))
def test_a_slice_profile_keeps_a_latency_below_a_millisecond(kind: DomainKind) -> None:
    document = slice_profile_json(slice_profile(), kind)
    part = "rANSliceSubnetProfile" if kind is DomainKind.ACCESS else "cNSliceSubnetProfile"
    subnet = document[part]
    assert isinstance(subnet, dict)
    assert subnet["dLLatency"] == 0.75
    assert subnet["availability"] == 99.99999


def test_the_json_is_valid_for_ts_28_541() -> None:
    checker = SHARED / "tools/check_profile.py"
    if not checker.exists():
        pytest.skip("no 3GPP schemas next to this repository")
    pytest.importorskip("openapi_schema_validator", reason="validates against 3GPP schemas")
    pytest.importorskip("yaml", reason="reads the 3GPP schemas")
    spec = importlib.util.spec_from_file_location("check_profile", checker)
    assert spec is not None
    assert spec.loader is not None
    checked = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checked)
    vars(checked)["_load"] = functools.cache(checked._load)  # reading schemas takes seconds
    sentences = (
        "video consultations for 200 patients",
        "isolated robot control, 0.5 ms, 99.9999999 % uptime",
        "2 million water meters",
        "truck platooning",
        "VR for 20 users",
    )
    documents = {
        "ServiceProfile": [service_profile_json(profile(text)) for text in sentences],
        "SliceProfile": [
            slice_profile_json(slice_profile(latency_us_max=latency), kind, sd="0000af")
            for kind in DomainKind
            for latency in (1, 750, 20_000)
        ],
    }
    for schema, several in documents.items():
        for document in several:
            assert list(checked.errors(schema, json.loads(json.dumps(document)))) == []
