"""The published language survives the wire, and nothing else gets through it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from domains import errors, strict, wire
from domains.errors import EntenteError, InvalidRequest
from domains.model import (
    LABEL_MAX,
    LABEL_MIN,
    PPB,
    AbstractLink,
    AbstractTopology,
    Attachment,
    Attribute,
    Bucket,
    DomainKind,
    FunctionInstance,
    Hold,
    HoldRequest,
    HoldState,
    Isolation,
    Menu,
    Metrics,
    NetworkFunction,
    Offer,
    Relaxation,
    SliceProfile,
)
from protos.slicing.v1 import domain_pb2, types_pb2

quantities = st.integers(0, strict.QUANTITY_MAX)
availabilities = st.integers(0, PPB)
counters = st.integers(0, 2**63 - 1)
letters = st.characters(codec="utf-8", categories=("L", "N", "P", "S"))
texts = st.text(letters, min_size=1, max_size=24)
ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True)
milliseconds = st.integers(1, 10**9).map(lambda ms: ms / 1000)
clock_times = st.floats(0, 4e9, allow_nan=False).map(lambda s: round(s * 1e6) / 1e6)


def few(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


functions = st.builds(NetworkFunction, texts, texts, quantities, quantities, quantities)
metrics = st.builds(
    Metrics, quantities, availabilities, quantities, quantities, quantities, quantities
)
relaxations = st.builds(Relaxation, st.sampled_from(Attribute), quantities, quantities)
attachments = st.builds(Attachment, texts, st.integers(LABEL_MIN, LABEL_MAX))
instances = st.builds(FunctionInstance, texts, texts, st.booleans())
profiles = st.builds(
    SliceProfile,
    ingress=texts,
    egress=texts,
    latency_us_max=quantities,
    availability_ppb_min=availabilities,
    downlink_kbps=quantities,
    uplink_kbps=quantities,
    devices=quantities,
    isolation=st.sampled_from(Isolation),
    functions=few(functions),
    fabric_kbps=quantities,
)
offers = st.builds(Offer, texts, metrics, few(relaxations))
menus = st.one_of(
    st.builds(Menu, profiles, st.lists(offers, min_size=1, max_size=3).map(tuple)),
    st.builds(Menu, profiles, st.just(()), relaxations, texts),
)
hold_requests = st.builds(
    HoldRequest,
    hold_id=ids,
    slice_id=ids,
    tenant=texts,
    profile=profiles,
    offer=offers,
    attachments=few(attachments),
    ttl_s=milliseconds,
    epoch=counters,
    replaces=st.none() | ids,
)
holds = st.builds(
    Hold,
    hold_id=ids,
    slice_id=ids,
    tenant=texts,
    state=st.sampled_from(HoldState),
    profile=profiles,
    offer=offers,
    attachments=few(attachments),
    expire_time_s=clock_times,
    replaces=st.none() | ids,
    functions=few(instances),
)
links = st.builds(
    AbstractLink, texts, texts, quantities, availabilities, st.sampled_from(Bucket), quantities
)
topologies = st.builds(
    AbstractTopology,
    domain=ids,
    kind=st.sampled_from(DomainKind),
    operator=texts,
    epoch=counters,
    border_points=few(texts),
    links=few(links),
    areas=few(texts),
    zones=st.dictionaries(texts, texts, max_size=3),
    isolation=few(st.sampled_from(Isolation)),
)

PAIRS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "NetworkFunction": (functions, wire.function_to_proto, wire.function_from_proto),
    "Metrics": (metrics, wire.metrics_to_proto, wire.metrics_from_proto),
    "Relaxation": (relaxations, wire.relaxation_to_proto, wire.relaxation_from_proto),
    "Attachment": (attachments, wire.attachment_to_proto, wire.attachment_from_proto),
    "FunctionInstance": (instances, wire.instance_to_proto, wire.instance_from_proto),
    "SliceProfile": (profiles, wire.profile_to_proto, wire.profile_from_proto),
    "Offer": (offers, wire.offer_to_proto, wire.offer_from_proto),
    "HoldRequest": (hold_requests, wire.hold_request_to_proto, wire.hold_request_from_proto),
    "AbstractTopology": (topologies, wire.topology_to_proto, wire.topology_from_proto),
}


@pytest.mark.parametrize("name", PAIRS)
@given(data=st.data())
def test_what_is_sent_is_what_is_read(name: str, data: st.DataObject) -> None:
    values, to_proto, from_proto = PAIRS[name]
    value = data.draw(values)
    message = to_proto(value)
    assert from_proto(type(message).FromString(message.SerializeToString())) == value


@given(hold=holds)
def test_a_hold_keeps_everything_and_its_domains_name(hold: Hold) -> None:
    message = wire.hold_to_proto(hold, "radio-north")
    assert message.name == f"domains/radio-north/holds/{hold.hold_id}"
    assert message.slice == f"slices/{hold.slice_id}"
    raw = message.SerializeToString()
    assert wire.hold_from_proto(domain_pb2.Hold.FromString(raw), "radio-north") == hold


@given(menu=menus)
def test_a_menu_comes_back_with_the_profile_that_was_asked_for(menu: Menu) -> None:
    raw = wire.menu_to_proto(menu).SerializeToString()
    assert wire.menu_from_proto(domain_pb2.Menu.FromString(raw), menu.profile) == menu


@given(seconds=clock_times.filter(bool))
def test_times_are_kept_to_the_last_digit_a_float_has(seconds: float) -> None:
    assert wire.timestamp_from_proto(wire.timestamp_to_proto(seconds, "t"), "t") == seconds
    if seconds < strict.DURATION_S_MAX:
        assert wire.duration_from_proto(wire.duration_to_proto(seconds, "t"), "t") == seconds


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, -1.0, 1e300])
def test_a_time_that_is_none_is_not_sent(seconds: float) -> None:
    with pytest.raises(InvalidRequest) as refused:
        wire.duration_to_proto(seconds, "ttl")
    assert refused.value.metadata["field"] == "ttl"


def a_hold_request() -> domain_pb2.CreateHoldRequest:
    metrics = Metrics(1_000, 999_990_000, 10_000, 5_000, 200, 1_500_000)
    function = NetworkFunction("upf-1", "UPF", 2_000, 4_096, 20)
    profile = SliceProfile(
        "berlin", "bp-1", 1_000, 999_990_000, 10_000, 5_000, 200, Isolation.ISOLATED, (function,)
    )
    offer = Offer("offer-1", metrics, (Relaxation(Attribute.LATENCY, 900, 1_000),))
    return wire.hold_request_to_proto(
        HoldRequest("hold-1", "slice-1", "acme", profile, offer, (Attachment("bp-1", 16),), 30.0, 1)
    )


BAD_HOLD_REQUESTS: list[tuple[str, Callable[[domain_pb2.CreateHoldRequest], object]]] = [
    ("request_id", lambda m: m.ClearField("request_id")),
    ("request_id", lambda m: setattr(m, "request_id", "../../etc/passwd")),
    ("request_id", lambda m: setattr(m, "request_id", "a%00b")),
    ("request_id", lambda m: setattr(m, "request_id", "a" * 129)),
    ("slice", lambda m: m.ClearField("slice")),
    ("slice", lambda m: setattr(m, "slice", "slices/a/b")),
    ("slice", lambda m: setattr(m, "slice", "domains/a")),
    ("tenant", lambda m: m.ClearField("tenant")),
    ("tenant", lambda m: setattr(m, "tenant", "a\x00b")),
    ("tenant", lambda m: setattr(m, "tenant", "a\u202eb")),
    ("tenant", lambda m: setattr(m, "tenant", "x" * 100_000)),
    ("ttl", lambda m: m.ClearField("ttl")),
    ("ttl", lambda m: m.ttl.FromSeconds(-1)),
    ("ttl", lambda m: setattr(m.ttl, "seconds", 2**62)),
    ("ttl", lambda m: m.ttl.FromSeconds(100 * 365 * 86_400)),
    ("epoch", lambda m: setattr(m, "epoch", -1)),
    ("replaces", lambda m: setattr(m, "replaces", "a/b")),
    ("attachment.label", lambda m: setattr(m.attachments[0], "label", 15)),
    ("attachment.label", lambda m: setattr(m.attachments[0], "label", 1 << 20)),
    ("attachment.border_point", lambda m: setattr(m.attachments[0], "border_point", "")),
    ("attachments", lambda m: m.attachments.extend(list(m.attachments) * 64)),
    ("profile.ingress", lambda m: m.ClearField("profile")),
    ("profile.latency_us_max", lambda m: setattr(m.profile, "latency_us_max", -1)),
    ("profile.downlink_kbps", lambda m: setattr(m.profile, "downlink_kbps", 2**63 - 1)),
    ("profile.uplink_kbps", lambda m: setattr(m.profile, "uplink_kbps", -(2**63))),
    ("profile.devices", lambda m: setattr(m.profile, "devices", -5)),
    (
        "profile.availability_ppb_min",
        lambda m: setattr(m.profile, "availability_ppb_min", PPB + 1),
    ),
    ("profile.isolation", lambda m: setattr(m.profile, "isolation", 0)),
    ("profile.isolation", lambda m: setattr(m.profile, "isolation", 999)),
    ("profile.functions", lambda m: m.profile.functions.extend(list(m.profile.functions) * 64)),
    ("function.name", lambda m: setattr(m.profile.functions[0], "name", "")),
    ("function.memory_mib", lambda m: setattr(m.profile.functions[0], "memory_mib", -1)),
    ("offer.offer_id", lambda m: m.ClearField("offer")),
    ("metrics.price_micros", lambda m: setattr(m.offer.metrics, "price_micros", -1)),
    ("metrics.availability_ppb", lambda m: setattr(m.offer.metrics, "availability_ppb", -1)),
    ("relaxation.attribute", lambda m: setattr(m.offer.relaxations[0], "attribute", 0)),
    ("relaxation.unit", lambda m: setattr(m.offer.relaxations[0], "unit", "ms")),
    ("relaxation.achievable", lambda m: setattr(m.offer.relaxations[0], "achievable", -1)),
]


@pytest.mark.parametrize(("field", "spoil"), BAD_HOLD_REQUESTS)
def test_a_bad_value_is_refused_by_the_name_of_its_field(
    field: str, spoil: Callable[[domain_pb2.CreateHoldRequest], object]
) -> None:
    message = a_hold_request()
    assert wire.hold_request_from_proto(message).hold_id == "hold-1"
    spoil(message)
    with pytest.raises(InvalidRequest) as refused:
        wire.hold_request_from_proto(message)
    assert refused.value.metadata["field"] == field
    assert {"requested", "achievable"} <= refused.value.metadata.keys()


def test_an_empty_menu_has_to_say_why() -> None:
    profile = wire.profile_from_proto(a_hold_request().profile)
    with pytest.raises(InvalidRequest):
        wire.menu_from_proto(domain_pb2.Menu(), profile)


def test_a_hold_of_another_domain_is_refused() -> None:
    message = domain_pb2.Hold(name="domains/other/holds/h")
    with pytest.raises(InvalidRequest):
        wire.hold_from_proto(message, "radio-north")


@pytest.mark.parametrize("field", ["domain", "kind", "operator"])
def test_a_topology_without_its_essentials_is_refused(field: str) -> None:
    topology = AbstractTopology("radio", DomainKind.ACCESS, "North", 1, ("bp-1",), ())
    message = wire.topology_to_proto(topology)
    message.ClearField(field)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest) as refused:
        wire.topology_from_proto(message)
    assert refused.value.metadata["field"] == f"topology.{field}"


def every_enum() -> list[tuple[type[Any], Any]]:
    return [
        (DomainKind, types_pb2.DomainKind),
        (Isolation, types_pb2.Isolation),
        (Attribute, types_pb2.Attribute),
        (Bucket, types_pb2.Bucket),
        (HoldState, domain_pb2.HoldState),
    ]


@pytest.mark.parametrize(("ours", "theirs"), every_enum())
def test_every_enum_has_the_same_members_on_both_sides(ours: type[Any], theirs: Any) -> None:
    prefixes = {name.rsplit("_", 1)[0] for name in theirs.keys()}  # noqa: SIM118  # no mapping
    assert len(prefixes) == 1
    on_the_wire = {name.rsplit("_", 1)[1].lower() for name in theirs.keys()}  # noqa: SIM118
    assert on_the_wire == {member.value for member in ours} | {"unspecified"}


# -- errors -----------------------------------------------------------------------------------


def every_error(kind: type[EntenteError] = EntenteError) -> list[type[EntenteError]]:
    return [below for c in kind.__subclasses__() for below in (c, *every_error(c))]


class Aborted(Exception):
    """Where the recorded context's abort ends, as the real one does not return either."""


class RecordedContext:
    """Keeps what a servicer's context was told to send."""

    async def abort(
        self, code: grpc.StatusCode, text: str, metadata: tuple[tuple[str, bytes], ...]
    ) -> None:
        self.error = grpc.aio.AioRpcError(
            code, grpc.aio.Metadata(), grpc.aio.Metadata(*metadata), details=text
        )
        raise Aborted


async def sent(error: EntenteError) -> grpc.aio.AioRpcError:
    context = RecordedContext()
    with pytest.raises(Aborted):
        await wire.abort(context, error)
    return context.error


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [k for k in every_error() if k.__module__ == errors.__name__])
async def test_every_error_arrives_as_itself(kind: type[EntenteError]) -> None:
    error = kind("too little", requested=5, achievable=3)
    on_the_wire = await sent(error)
    assert on_the_wire.code() is wire.status_of(error)
    assert on_the_wire.code() not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
    arrived = wire.from_rpc_error(on_the_wire, "radio")
    assert type(arrived) is kind
    assert arrived.message == "too little"
    assert arrived.metadata == {"domain": "radio", "requested": "5", "achievable": "3"}


@pytest.mark.asyncio
async def test_what_is_no_error_of_ours_tells_the_caller_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    context = RecordedContext()
    with pytest.raises(Aborted):
        await wire.abort_unknown(context, ValueError("canary: /etc/shadow"))
    told = context.error.details() or ""
    assert context.error.code() is grpc.StatusCode.INTERNAL
    assert "canary" not in repr(context.error)
    incident = told.rsplit(" ", 1)[1]
    assert incident in caplog.text
    assert "canary" in caplog.text
    arrived = wire.from_rpc_error(context.error, "radio")
    assert isinstance(arrived, errors.Unreachable), "the outcome is unknown"
    assert arrived.metadata["incident"] == incident


@pytest.mark.asyncio
async def test_a_peers_error_is_cut_to_size_and_made_printable() -> None:
    error = errors.Refused("x" * 10_000 + "\x1b[2J", **{f"k{n}": "\x00" * 999 for n in range(99)})
    arrived = wire.from_rpc_error(await sent(error), "radio")
    assert len(arrived.message) <= 512
    assert len(arrived.metadata) <= 25
    assert all(value.isprintable() and len(value) <= 256 for value in arrived.metadata.values())


@pytest.mark.asyncio
async def test_a_metadata_key_of_a_peer_cannot_pose_as_an_argument_of_ours() -> None:
    error = errors.Refused("no")
    error.metadata = {"message": "a", "self": "b", "domain": "c"}
    arrived = wire.from_rpc_error(await sent(error), "radio")
    assert arrived.message == "no"
    assert {"message": "a", "self": "b"}.items() <= arrived.metadata.items()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.Unreachable),
        (grpc.StatusCode.CANCELLED, errors.Unreachable),
        (grpc.StatusCode.UNKNOWN, errors.Unreachable),
        (grpc.StatusCode.INTERNAL, errors.Unreachable),
        (grpc.StatusCode.UNAVAILABLE, errors.Unreachable),
        (grpc.StatusCode.UNIMPLEMENTED, errors.Unreachable),
        (grpc.StatusCode.UNAUTHENTICATED, errors.NotPermitted),
        (grpc.StatusCode.PERMISSION_DENIED, errors.NotPermitted),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.Overloaded),
        (grpc.StatusCode.INVALID_ARGUMENT, errors.InvalidRequest),
    ],
)
@pytest.mark.parametrize("details", [b"", b"\xff\xff", b"\x08\x01"])
def test_a_status_without_our_details_is_read_by_its_code(
    code: grpc.StatusCode, kind: type[EntenteError], details: bytes
) -> None:
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", details))
    error = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details="text")
    assert type(wire.from_rpc_error(error, "radio")) is kind


@pytest.mark.parametrize("seconds", [-1, 10**10 + 1])
def test_a_time_that_could_not_be_sent_on_is_refused(seconds: int) -> None:
    """One measurement before the epoch made a slice's measurements unreadable for its tenant."""
    with pytest.raises(InvalidRequest) as refused:
        wire.timestamp_from_proto(Timestamp(seconds=seconds), "measurement.begin_time")
    assert refused.value.metadata["field"] == "measurement.begin_time"
