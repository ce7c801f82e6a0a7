"""Descriptors of one part and of a whole slice: exact values, hostile names, what parsers say."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from coordinator.descriptors import SliceDescription, ep_transport, files
from coordinator.model import ServiceProfile, SliceType
from domains.descriptors import service, vnf
from domains.descriptors.service import Part
from domains.descriptors.tosca import line, symbol
from domains.model import (
    Attachment,
    DomainKind,
    FunctionInstance,
    Isolation,
    Metrics,
    NetworkFunction,
    SliceProfile,
)
from tests.descriptors.reading import definition, opened, tool, tosca_errors

PROFILE = SliceProfile("bp-a", "bp-b", 5_206, 999_924_981, 2_000, 3_000, 10, Isolation.ISOLATED)
METRICS = Metrics(5_206, 999_924_981, 2_000, 3_000, 10, 420_000)
CORE = Part(
    slice_id="f971249a",
    position=3,
    domain="core-central",
    kind=DomainKind.CORE,
    operator="Kernwerk",
    profile=PROFILE,
    metrics=METRICS,
    attachments=(Attachment("bp-a", 974_323), Attachment("bp-b", 17)),
    functions=(
        FunctionInstance("upf-1-dcd29682", "UPF", True),
        FunctionInstance("upf-2-dcd29682", "UPF", True),
        FunctionInstance("amf-1", "AMF", False),
    ),
    hold_id="dcd29682-0000",
    released="2026-02-03T04:05:06Z",
    revision=2,
)
SERVICE = ServiceProfile(
    name="robot control",
    slice_type=SliceType.URLLC,
    latency_us_max=10_000,
    availability_ppb_min=999_000_000,
    downlink_kbps=2_000,
    uplink_kbps=3_000,
    devices=10,
    isolation=Isolation.ISOLATED,
    origin="berlin",
)


def whole(*parts: Part, service: ServiceProfile = SERVICE) -> SliceDescription:
    return SliceDescription("f971249a", service, METRICS, parts, CORE.released, 2)


def archives(made: dict[str, bytes]) -> dict[str, bytes]:
    return {path: content for path, content in made.items() if path.endswith(".csar")}


def test_a_transport_part_is_a_line_with_the_promised_delay_and_the_larger_rate() -> None:
    part = replace(CORE, kind=DomainKind.TRANSPORT, functions=())
    nodes = definition(service.package(part), part.file)["topology_template"]["node_templates"]
    assert set(nodes) == {"ns", "link", "ingress", "egress"}
    link = nodes["link"]["properties"]
    assert link["vl_profile"]["qos"]["latency"] == "5206 us"
    assert link["vl_profile"]["min_bitrate_requirements"] == {"root": 3_000_000}
    assert link["connectivity_type"] == {"layer_protocols": ["mpls"], "flow_pattern": "line"}
    assert ep_transport(part, part.attachments[0])["attributes"] == {
        "localLogicalInterfaceInfo": {
            "logicalInterfaceType": "MPLS",
            "logicalInterfaceId": "974323",
            "systemName": "core-central",
            "portName": "bp-a",
        },
        "qosProfile": "nsd-3-core-central.yaml#link",
        "connectionPointRefList": [
            {"connectionPointId": "bp-a", "connectionPointIdType": "ATTACHMENT_CIRCUIT"}
        ],
    }


def test_every_instance_is_a_node_and_every_product_a_package_of_its_size() -> None:
    nodes = definition(service.package(CORE), CORE.file)["topology_template"]["node_templates"]
    assert {name for name in nodes if name.startswith("vnf-")} == {
        "vnf-upf-1-dcd29682",
        "vnf-upf-2-dcd29682",
        "vnf-amf-1",
    }
    assert set(CORE.vnfs()) == {"upf", "amf"}
    asked = NetworkFunction("renderer", "renderer", 7_500, 65_536, 200)
    cloud = replace(
        CORE,
        kind=DomainKind.CLOUD,
        profile=replace(PROFILE, functions=(asked,)),
        functions=(FunctionInstance("renderer-1-dcd29682", "renderer", True),),
    )
    product = cloud.vnfs()["renderer"]
    nodes = definition(vnf.package(product, CORE.released), product.file)["topology_template"]
    compute = nodes["node_templates"]["vdu"]["capabilities"]["virtual_compute"]["properties"]
    assert compute["virtual_cpu"] == {"num_virtual_cpu": 8}
    assert compute["virtual_memory"]["virtual_mem_size"] == "65536 MiB"


def test_the_manifest_sums_every_file_but_itself() -> None:
    found = opened(files(whole(CORE))["slice.csar"])
    text = found.pop("slice.mf").decode()
    listed = re.findall(r"Source: (\S+)\nAlgorithm: SHA-256\nHash: ([0-9a-f]{64})\n", text)
    assert dict(listed) == {k: hashlib.sha256(v).hexdigest() for k, v in found.items()}
    assert "  nsd_release_date_time: 2026-02-03T04:05:06Z\n" in text
    assert b"Entry-Definitions: Definitions/nsd-slice.yaml\n" in found["TOSCA-Metadata/TOSCA.meta"]


def test_the_same_slice_is_the_same_bytes_and_a_revision_another_descriptor() -> None:
    assert files(whole(CORE)) == files(whole(CORE))
    first, second = (replace(CORE, revision=revision) for revision in (1, 2))
    assert first.invariant_id == second.invariant_id
    assert first.descriptor_id != second.descriptor_id


def test_a_tenants_function_does_not_resize_the_operators_own() -> None:
    asked = NetworkFunction("upf", "UPF", 64_000, 8_192, 20)
    named = replace(SERVICE, functions=(asked,))
    made = files(whole(CORE, service=named))["3-core-central/vnf-upf.csar"]
    topology = definition(made, "vnfd-upf.yaml")["topology_template"]
    compute = topology["node_templates"]["vdu"]["capabilities"]["virtual_compute"]
    assert compute["properties"]["virtual_cpu"] == {"num_virtual_cpu": 4}


HOSTILE = (
    "x\n  evil: {get_input: secret}",
    "'}\"] & *anchor !!python/object:os.system",
    "../../etc/passwd",
    "yes",
    "0o17",
    "{ concat: [a, b] }",
    "Source: a Algorithm: SHA-256 Hash: 00",
    "\u2028\x85\x00\ud800",
    "",
)
names = st.sampled_from(HOSTILE) | st.text(max_size=30)


@settings(max_examples=20, deadline=None)
@given(names, names, names, names)
@example(*HOSTILE[:4])
def test_a_name_is_a_value_or_a_symbol_and_never_a_key(
    domain: str, operator: str, border: str, function: str
) -> None:
    """Whatever the names, documents have the shape they have with plain ones."""
    strange = _named(domain, operator, border, function)
    plain = _named("domain", "operator", "border", "function")
    for path, content in opened(service.package(strange)).items():
        assert re.fullmatch(r"[A-Za-z0-9./-]+", path)
        assert ".." not in path
        if path.endswith(".mf"):
            theirs = opened(service.package(plain))
            assert content.decode().count("Source:") == len(theirs) - 1
            assert len(content.decode().splitlines()) == len(theirs["3-domain.mf"].splitlines())
    ours = definition(service.package(strange), strange.file)
    assert _shape(ours) == _shape(definition(service.package(plain), plain.file))
    nodes = ours["topology_template"]["node_templates"]
    assert nodes["ns"]["properties"]["designer"] == line(operator)
    assert nodes["ingress"]["properties"]["description"] == line(border)


def _named(domain: str, operator: str, border: str, function: str) -> Part:
    return replace(
        CORE,
        domain=domain,
        operator=operator,
        profile=replace(PROFILE, ingress=border, egress=border),
        functions=(FunctionInstance(f"{function}-1", function, False),),
    )


def _shape(value: Any) -> Any:
    """Without names: how many keys, and of which types the values are."""
    if isinstance(value, dict):
        return sorted((_shape(item) for item in value.values()), key=repr)
    return [_shape(item) for item in value] if isinstance(value, list) else type(value).__name__


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(names, min_size=4, max_size=4), st.integers(0, 10**9), st.integers(1, 10**9))
@example(list(HOSTILE[:4]), 0, 1)
@example(list(HOSTILE[4:8]), 10**9, 10**9)
def test_tosca_parser_reads_archives_of_hostile_names(
    four: list[str], kbps: int, latency_us: int
) -> None:
    part = replace(
        _named(*four), metrics=replace(METRICS, downlink_kbps=kbps, latency_us=latency_us)
    )
    with tempfile.TemporaryDirectory() as folder:
        assert tosca_errors(archives(files(whole(part))), Path(folder)) == []


def test_the_check_finds_a_wrong_sum_and_a_wrong_value(tmp_path: Path) -> None:
    """So that "no errors" above means something."""
    broken = replace(CORE, metrics=replace(METRICS, latency_us=-1))
    assert tosca_errors({"negative delay": service.package(broken)}, tmp_path)


def test_profiles_are_valid_for_3gpps_schemas() -> None:
    checker = tool("check_profile")
    made = files(whole(CORE))
    for path, schema in (
        ("service-profile.json", "ServiceProfile"),
        ("3-core-central/slice-profile.json", "SliceProfile"),
        ("3-core-central/ep-transport-bp-a.json", "EP_Transport-Single"),
    ):
        found = list(checker.errors(schema, json.loads(made[path])))
        # `id` is of the class Top, in another file than the one where the checker looks for names.
        assert [problem for problem in found if problem[0] != "id"] == []


def test_symbols_are_safe_and_differ_where_names_do() -> None:
    assert symbol("upf-1-dcd29682") == "upf-1-dcd29682"
    assert len({symbol(name) for name in (*HOSTILE, "UPF", "upf", "u/pf")}) == len(HOSTILE) + 3
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", symbol(name)) for name in HOSTILE)
    assert yaml.safe_load(service.nsd(CORE))["tosca_definitions_version"]
