"""What a domain shows of itself: bounds that hold, buckets, and nothing inner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import topohub
from hypothesis import given, settings
from hypothesis import strategies as st

from domains import config
from domains.model import AbstractTopology, Bucket, DomainKind, Isolation, NetworkFunction
from domains.offers import menu
from domains.technologies import Technology
from domains.topology import abstract, reference_profile

CONFIGS = Path(__file__).parents[2] / "deploy" / "configs"
FRONT = CONFIGS / "hierarchy" / "transport.toml"  # shows what its controllers show
FILES = sorted(p for p in CONFIGS.glob("*/*.toml") if p.name != "coordinator.toml" and p != FRONT)
GERMANY = [path for path in FILES if path.parent.name == "germany"]


@cache
def technology(path: Path) -> Technology:
    return config.technology(config.load(path))


def shown(path: Path, left_permille: int = 1_000) -> AbstractTopology:
    loaded = config.load(path)
    free = {r: n * left_permille // 1_000 for r, n in technology(path).capacities().items()}
    return abstract(technology(path), loaded.name, loaded.operator, free.__getitem__, 7)


def identifier(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


@pytest.mark.parametrize("path", FILES, ids=identifier)
def test_every_link_joins_ends_that_are_shown(path: Path) -> None:
    topology = shown(path)
    starts = topology.areas if topology.kind is DomainKind.ACCESS else topology.border_points
    ends = topology.zones if topology.kind is DomainKind.CLOUD else topology.border_points
    assert topology.links
    for link in topology.links:
        assert link.ingress in starts
        assert link.egress in ends
        assert link.price_micros_from > 0
    assert topology.epoch == 7
    assert len({(link.ingress, link.egress) for link in topology.links}) == len(topology.links)


@pytest.mark.parametrize(
    ("left_permille", "bucket"),
    [
        (1_000, Bucket.HIGH),
        (610, Bucket.HIGH),
        (590, Bucket.MEDIUM),
        (260, Bucket.MEDIUM),
        (240, Bucket.LOW),
        (0, Bucket.NONE),
    ],
)
def test_what_is_left_is_shown_as_a_bucket(left_permille: int, bucket: Bucket) -> None:
    for path in GERMANY:
        assert {link.residual for link in shown(path, left_permille).links} == {bucket}


def test_a_full_link_is_no_bottleneck_while_another_route_is_free() -> None:
    path = CONFIGS / "germany" / "transport.toml"
    free = dict(technology(path).capacities())
    busy = next(name for name in free if name.endswith(":Berlin~Leipzig"))
    free[busy] = 0
    topology = abstract(technology(path), "t", "o", free.__getitem__, 1)
    assert {link.residual for link in topology.links} == {Bucket.HIGH}
    free["tail:bp-berlin-ran"] = 0
    topology = abstract(technology(path), "t", "o", free.__getitem__, 1)
    none = {link.ingress for link in topology.links if link.residual is Bucket.NONE}
    assert none == {"bp-berlin-ran"}


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from(FILES),
    which=st.integers(0, 99),
    rate=st.tuples(st.integers(0, 3_000_000), st.integers(0, 800_000)),
    devices=st.integers(1, 10_000),
    isolation=st.sampled_from(Isolation),
)
def test_no_offer_beats_what_is_advertised(
    path: Path, which: int, rate: tuple[int, int], devices: int, isolation: Isolation
) -> None:
    links = shown(path).links
    link = links[which % len(links)]
    profile = replace(
        reference_profile(link.ingress, link.egress),
        downlink_kbps=rate[0],
        uplink_kbps=rate[1],
        devices=devices,
        isolation=isolation,
    )
    for option in technology(path).options(profile, technology(path).capacities().__getitem__):
        assert option.metrics.latency_us >= link.latency_us_min
        assert option.metrics.availability_ppb <= link.availability_ppb_max


def test_neighbours_meet_at_border_points_of_the_same_name() -> None:
    for folder in {path.parent for path in FILES} - {FRONT.parent}:
        views = [shown(path) for path in FILES if path.parent == folder]
        leaving = {link.egress for v in views if v.kind is DomainKind.ACCESS for link in v.links}
        for before, after in (
            (DomainKind.ACCESS, DomainKind.TRANSPORT),
            (DomainKind.TRANSPORT, DomainKind.CORE),
            (DomainKind.CORE, DomainKind.CLOUD),
        ):
            out = {link.egress for v in views if v.kind is before for link in v.links}
            into = {link.ingress for v in views if v.kind is after for link in v.links}
            assert out <= into
        carried = {
            (link.ingress, link.egress)
            for v in views
            if v.kind is DomainKind.TRANSPORT
            for link in v.links
        }
        cores = {link.ingress for v in views if v.kind is DomainKind.CORE for link in v.links}
        assert {(a, c) for a in leaving for c in cores} <= carried


def test_both_federations_offer_the_choices_that_they_are_for() -> None:
    def count(folder: str, kind: DomainKind) -> int:
        return sum(shown(p).kind is kind for p in FILES if p.parent.name == folder)

    assert [count("germany", kind) for kind in DomainKind] == [1, 1, 1, 1]
    assert [count("federation", kind) for kind in DomainKind] == [2, 3, 2, 2]


# -- nothing inner gets out ----------------------------------------------------------------

WORD = re.compile(r"[\w/-]+")


def inner_names(path: Path) -> set[str]:
    """Whatever names a resource, a cell group, a site, a data centre, a node or a mode."""
    loaded = config.load(path)
    inner = technology(path)
    names = set(inner.capacities())
    for resource in inner.capacities():
        names.update(re.split(r"[:~]", resource)[1:])  # the first part says what, not which
    if loaded.access is not None:
        names.update(mode.name for mode in loaded.access.radio.modes)
        names.update(group.name for group in loaded.access.cell_groups)
    if loaded.transport is not None:
        published = topohub.get(loaded.transport.topology)
        names.update(node["name"] for node in published["nodes"])
        names.add(loaded.transport.topology)
    if loaded.core is not None:
        names.update(site.name for site in loaded.core.sites)
        names.update(plane.name for plane in loaded.core.planes)
    if loaded.cloud is not None:
        names.update(centre.name for centre in loaded.cloud.data_centres)
        names.update(host.name for host in loaded.cloud.hosts)
    public = {*inner.border_points, *inner.areas, *inner.zones, *inner.zones.values()}
    return {name for name in names if not name.isdigit()} - public


def replies(path: Path) -> Iterator[object]:
    """Everything that a domain says in answer to a variety of requests."""
    inner = technology(path)
    for left in (1_000, 300, 1, 0):
        yield shown(path, left)
        free = {r: n * left // 1_000 for r, n in inner.capacities().items()}
        for link in shown(path).links[:6]:
            for isolation in Isolation:
                for kbps in (1_000, 400_000, 10**9):
                    profile = replace(
                        reference_profile(link.ingress, link.egress),
                        downlink_kbps=kbps,
                        uplink_kbps=kbps,
                        devices=20,
                        isolation=isolation,
                        functions=(NetworkFunction("app", "APP", kbps, 1_024, 1),),
                    )
                    yield menu(inner, profile, free.__getitem__)
        lost = reference_profile("nowhere", link.egress)
        yield menu(inner, lost, free.__getitem__)


@pytest.mark.parametrize("path", GERMANY, ids=identifier)
def test_no_reply_contains_an_inner_name(path: Path) -> None:
    secret = inner_names(path)
    assert len(secret) > 5
    for reply in replies(path):
        text = repr(reply)
        assert not secret & set(WORD.findall(text))
        assert not any(name in text for name in secret if ":" in name)


@pytest.mark.parametrize("path", GERMANY, ids=identifier)
def test_the_names_of_functions_reveal_nothing_inner(path: Path) -> None:
    secret = inner_names(path)
    inner = technology(path)
    for link in shown(path).links:
        for isolation in Isolation:
            profile = replace(reference_profile(link.ingress, link.egress), isolation=isolation)
            for option in inner.candidates(profile, inner.capacities().__getitem__):
                assert not secret & {function.name for function in option.functions}
