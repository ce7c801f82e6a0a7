"""The coordinator's map: what is believed, what is marked, and what is never forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordinator import resources as limits
from coordinator.resources import ResourceDatabase
from domains.errors import InvalidRequest, NotFound, Overloaded
from domains.model import PPB, AbstractLink, AbstractTopology, Bucket, DomainKind


def link(ingress: str, egress: str, latency_us: int = 100) -> AbstractLink:
    return AbstractLink(ingress, egress, latency_us, PPB - 10, Bucket.HIGH, 5)


ACCESS = AbstractTopology(
    "ran",
    DomainKind.ACCESS,
    "north",
    epoch=7,
    border_points=("b1",),
    links=(link("berlin", "b1"), link("berlin/mitte", "b1")),
    areas=("berlin", "berlin/mitte"),
)
CLOUD = AbstractTopology(
    "dc", DomainKind.CLOUD, "south", 1, ("b1",), (link("b1", "z1"),), zones={"z1": "munich"}
)


def test_an_older_epoch_is_overtaken_news_and_changes_nothing() -> None:
    known = ResourceDatabase()
    assert known.update(ACCESS, 0.0)
    before = known.generation
    late = replace(ACCESS, epoch=6, links=(link("berlin", "b1", 999),))
    assert not known.update(late, 1.0)
    assert known.generation == before
    assert known.view("ran").topology == ACCESS


def test_a_restarted_domain_is_believed_though_it_counts_from_the_start_again() -> None:
    known = ResourceDatabase()
    known.update(ACCESS, 0.0)
    known.mark_silent("ran", 1.0)
    reborn = replace(ACCESS, epoch=1, links=(link("berlin", "b1", 50),))
    assert known.update(reborn, 2.0)
    assert known.view("ran").topology == reborn
    assert known.update(replace(reborn, epoch=2, links=ACCESS.links), 3.0)
    assert not known.update(reborn, 4.0), "within the new incarnation epochs order again"


def test_a_new_epoch_that_alters_no_route_keeps_what_was_remembered() -> None:
    known = ResourceDatabase()
    known.update(ACCESS, 0.0)
    generation = known.generation
    known.remember("key", lambda: "route")
    assert not known.update(replace(ACCESS, epoch=8), 5.0)
    assert known.generation == generation
    assert known.remember("key", lambda: "another") == "route"
    assert (known.view("ran").topology.epoch, known.view("ran").seen_s) == (8, 5.0)


def test_any_change_of_a_route_forgets_what_was_remembered() -> None:
    known = ResourceDatabase()
    known.update(ACCESS, 0.0)
    known.remember("key", lambda: "route")
    known.update(CLOUD, 1.0)
    assert known.remember("key", lambda: "another") == "another"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED_MAX", 2)
    known = ResourceDatabase()
    for key in "abc":
        known.remember(key, key.upper)
    assert known.remember("c", str) == "C"
    assert known.remember("a", lambda: "made again") == "made again"


def test_a_silent_domain_is_marked_and_not_forgotten() -> None:
    known = ResourceDatabase()
    known.update(ACCESS, 0.0)
    generation = known.generation
    known.mark_silent("ran", 3.0)
    view = known.view("ran")
    assert (view.reachable, view.silent_since_s, view.topology) == (False, 3.0, ACCESS)
    assert known.generation > generation
    assert known.areas() == ("berlin", "berlin/mitte")
    assert known.link("ran", "berlin", "b1") is None
    assert known.neighbours() == {}


def test_a_domain_that_speaks_again_is_reachable_again_and_routes_change() -> None:
    known = ResourceDatabase()
    known.update(ACCESS, 0.0)
    known.mark_silent("ran", 3.0)
    assert known.update(ACCESS, 4.0)
    assert known.view("ran").reachable
    assert known.link("ran", "berlin", "b1") == ACCESS.links[0]


def test_the_silence_of_an_unknown_or_already_silent_domain_changes_nothing() -> None:
    known = ResourceDatabase()
    known.update(ACCESS, 0.0)
    known.mark_silent("ran", 1.0)
    generation = known.generation
    known.mark_silent("ran", 2.0)
    known.mark_silent("nobody", 2.0)
    assert known.generation == generation
    assert known.view("ran").silent_since_s == 1.0


def test_domains_meet_at_the_border_points_they_share() -> None:
    known = ResourceDatabase()
    known.update(CLOUD, 0.0)
    known.update(ACCESS, 0.0)
    assert known.neighbours() == {"b1": ("dc", "ran")}
    assert known.areas() == ("berlin", "berlin/mitte", "munich")
    assert known.kind("dc") is DomainKind.CLOUD


def test_an_unknown_domain_is_not_found() -> None:
    with pytest.raises(NotFound):
        ResourceDatabase().view("nobody")


def test_domains_and_links_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ResourceDatabase()
    known.update(ACCESS, 0.0)
    monkeypatch.setattr(limits, "DOMAINS_MAX", 1)
    with pytest.raises(Overloaded):
        known.update(CLOUD, 0.0)
    monkeypatch.setattr(limits, "LINKS_MAX", 2)
    with pytest.raises(Overloaded):
        known.update(replace(ACCESS, epoch=9, links=ACCESS.links * 2), 0.0)
    assert [view.topology for view in known.views()] == [ACCESS]


@pytest.mark.parametrize(
    "wrong",
    [
        link("nowhere", "b1"),
        link("berlin", "b9"),
        replace(link("berlin", "b1"), latency_us_min=-1),
        replace(link("berlin", "b1"), price_micros_from=-1),
        replace(link("berlin", "b1"), availability_ppb_max=PPB + 1),
    ],
)
def test_a_topology_that_contradicts_itself_is_not_believed(wrong: AbstractLink) -> None:
    known = ResourceDatabase()
    with pytest.raises(InvalidRequest):
        known.update(replace(ACCESS, links=(wrong,)), 0.0)
    assert known.views() == ()
