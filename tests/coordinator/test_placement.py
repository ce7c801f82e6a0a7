"""Chains of domains: who is asked, who is left out, and what is said when nobody can."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice, pairwise, product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator import resources as resources_module
from coordinator.model import Chain, ServiceProfile, SliceType
from coordinator.placement import CHAINS_MAX, chains
from coordinator.resources import ResourceDatabase
from coordinator.routes import CLOUD_TRANSPORTS_MAX, TRANSPORTS_MAX, Routes
from domains.errors import InvalidRequest, Refused
from domains.model import (
    PPB,
    AbstractLink,
    AbstractTopology,
    Bucket,
    DomainKind,
    Isolation,
)

SERVICE = ServiceProfile(
    "video",
    SliceType.EMBB,
    10_000,
    PPB - 100_000,
    1_000,
    1_000,
    10,
    Isolation.SHARED,
    "berlin",
    "munich",
)


def domain(
    name: str,
    kind: DomainKind,
    *links: tuple[str, str],
    price: int = 10,
    latency_us: int = 100,
    residual: Bucket = Bucket.HIGH,
    zone_area: str = "munich",
) -> AbstractTopology:
    entries, exits = {i for i, _ in links}, {e for _, e in links}
    access, cloud = kind is DomainKind.ACCESS, kind is DomainKind.CLOUD
    points = (set() if access else entries) | (set() if cloud else exits)
    return AbstractTopology(
        name,
        kind,
        "operator",
        1,
        tuple(sorted(points)),
        tuple(AbstractLink(i, e, latency_us, PPB - 10, residual, price) for i, e in links),
        tuple(sorted(entries)) if access else (),
        dict.fromkeys(sorted(exits), zone_area) if cloud else {},
    )


ACCESS = domain("ran", DomainKind.ACCESS, ("berlin", "a"))
TRANSPORT = domain("net", DomainKind.TRANSPORT, ("a", "b"), ("b", "a"))
CORE = domain("core", DomainKind.CORE, ("b", "c"))
CLOUD = domain("dc", DomainKind.CLOUD, ("c", "z"))
FOUR = (ACCESS, TRANSPORT, CORE, CLOUD)


def known(*topologies: AbstractTopology) -> ResourceDatabase:
    resources = ResourceDatabase()
    for topology in topologies:
        resources.update(topology, 0.0)
    return resources


def names(found: Iterable[Chain]) -> list[str]:
    return [" ".join(hop.domain for hop in chain) for chain in found]


def test_four_domains_make_the_one_chain_through_their_shared_border_points() -> None:
    (chain,) = chains(known(*FOUR), SERVICE)
    assert names([chain]) == ["ran net core dc"]
    assert [(hop.ingress, hop.egress) for hop in chain] == [
        ("berlin", "a"),
        ("a", "b"),
        ("b", "c"),
        ("c", "z"),
    ]


def test_core_and_cloud_may_be_joined_by_a_transport_of_another_operator() -> None:
    far = domain("far", DomainKind.CLOUD, ("d", "z"))
    link = domain("link", DomainKind.TRANSPORT, ("c", "d"))
    assert names(chains(known(ACCESS, TRANSPORT, CORE, link, far), SERVICE)) == [
        "ran net core link far"
    ]


def test_at_most_three_transports_in_a_row_carry_a_slice_to_the_core() -> None:
    nets = [
        domain(f"net{i}", DomainKind.TRANSPORT, (f"p{i}", f"p{i + 1}"))
        for i in range(TRANSPORTS_MAX + 1)
    ]
    start = domain("ran", DomainKind.ACCESS, ("berlin", "p0"))
    near = domain("near", DomainKind.CORE, (f"p{TRANSPORTS_MAX}", "c"))
    far = domain("far", DomainKind.CORE, (f"p{TRANSPORTS_MAX + 1}", "c"))
    assert names(chains(known(start, *nets, near, far, CLOUD), SERVICE)) == [
        "ran net0 net1 net2 near dc"
    ]


def test_no_domain_serves_a_chain_twice() -> None:
    both = domain("net", DomainKind.TRANSPORT, ("a", "b"), ("c", "d"))
    far = domain("far", DomainKind.CLOUD, ("d", "z"))
    with pytest.raises(Refused):
        chains(known(ACCESS, both, CORE, far), SERVICE)


def test_a_district_is_served_by_its_own_coverage_or_else_by_that_of_its_city() -> None:
    fine = domain("fine", DomainKind.ACCESS, ("berlin", "a"), ("berlin/mitte", "a"))
    resources = known(ACCESS, fine, *FOUR[1:])
    mitte = chains(resources, replace(SERVICE, origin="berlin/mitte"))
    assert {(chain[0].domain, chain[0].ingress) for chain in mitte} == {
        ("fine", "berlin/mitte"),
        ("ran", "berlin"),
    }
    assert {chain[0].ingress for chain in chains(resources, SERVICE)} == {"berlin"}


def test_zones_in_a_district_are_in_the_city_and_a_city_serves_its_districts() -> None:
    garching = domain("dc", DomainKind.CLOUD, ("c", "z"), zone_area="munich/garching")
    assert chains(known(*FOUR[:3], garching), SERVICE)
    assert chains(known(*FOUR), replace(SERVICE, destination="munich/garching"))
    hamburg = domain("dh", DomainKind.CLOUD, ("c", "z"), zone_area="hamburg")
    assert names(chains(known(*FOUR, hamburg), SERVICE)) == ["ran net core dc"]
    assert len(chains(known(*FOUR, hamburg), replace(SERVICE, destination=""))) == 2


def test_a_silent_domain_is_routed_around_and_its_areas_stay_known() -> None:
    spare = domain("spare", DomainKind.TRANSPORT, ("a", "b"), price=99)
    resources = known(*FOUR, spare)
    resources.mark_silent("net", 1.0)
    assert names(chains(resources, SERVICE)) == ["ran spare core dc"]
    resources.mark_silent("ran", 1.0)
    with pytest.raises(Refused) as refused:
        chains(resources, SERVICE)
    assert refused.value.metadata["step"] == "access"
    assert refused.value.metadata["silent"] == "net, ran"


def test_only_domains_that_can_isolate_are_asked_for_an_isolated_slice() -> None:
    pooled = replace(CORE, isolation=(Isolation.SHARED,))
    resources = known(ACCESS, TRANSPORT, pooled, CLOUD)
    assert chains(resources, SERVICE)
    with pytest.raises(Refused, match="no core domain is reachable from berlin in isolation"):
        chains(resources, replace(SERVICE, isolation=Isolation.ISOLATED))


def test_what_is_sold_out_is_used_only_where_nothing_else_fits() -> None:
    cheap = domain("cheap", DomainKind.TRANSPORT, ("a", "b"), price=1, residual=Bucket.NONE)
    assert names(chains(known(*FOUR, cheap), SERVICE)) == ["ran net core dc"]
    assert names(chains(known(ACCESS, cheap, CORE, CLOUD), SERVICE)) == ["ran cheap core dc"]


def test_an_unknown_area_is_an_invalid_request_that_names_the_nearest_ones() -> None:
    with pytest.raises(InvalidRequest) as refused:
        chains(known(*FOUR), replace(SERVICE, origin="Berlim"))
    assert refused.value.metadata == {
        "attribute": "area",
        "field": "origin",
        "requested": "Berlim",
        "known": "berlin",
    }
    with pytest.raises(InvalidRequest, match="'atlantis'"):
        chains(known(*FOUR), replace(SERVICE, destination="atlantis"))


@pytest.mark.parametrize(
    ("missing", "step"), [(0, "access"), (1, "transport"), (2, "core"), (3, "cloud")]
)
def test_a_refusal_says_which_step_has_nobody(missing: int, step: str) -> None:
    elsewhere = domain("elsewhere", DomainKind.ACCESS, ("munich", "x"), ("berlin/mitte", "x"))
    far = domain("far", DomainKind.CLOUD, ("far away", "z"))
    present = [*FOUR[:missing], *FOUR[missing + 1 :], elsewhere, far]
    with pytest.raises((Refused, InvalidRequest)) as refused:
        chains(known(*present), SERVICE)
    if missing:
        assert refused.value.metadata["step"] == step
        assert refused.value.metadata["requested"] == "berlin - munich"
    else:
        assert refused.value.metadata["field"] == "origin"


def test_where_no_chain_fits_the_nearest_come_back_for_a_proposal() -> None:
    slow = domain("slow", DomainKind.TRANSPORT, ("a", "b"), price=1, latency_us=50_000)
    found = chains(known(*FOUR, slow), replace(SERVICE, latency_us_max=1))
    assert names(found) == ["ran net core dc", "ran slow core dc"]


def test_what_was_found_for_one_place_is_never_given_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        resources_module, "REMEMBERED_MAX", 6
    )  # the oldest goes, and its id with it
    cities = [f"city-{number}" for number in range(8)]
    ran = domain("ran", DomainKind.ACCESS, *((city, "a") for city in cities))
    resources = known(ran, TRANSPORT, CORE, CLOUD)
    for city in cities * 8:
        asked = replace(SERVICE, origin=city, latency_us_max=1)  # only the nearest can be proposed
        assert {chain[0].ingress for chain in chains(resources, asked)} == {city}


def test_a_route_is_found_anew_when_the_map_changes() -> None:
    resources = known(*FOUR)
    assert len(chains(resources, SERVICE)) == 1
    resources.update(domain("net2", DomainKind.TRANSPORT, ("a", "b")), 1.0)
    assert len(chains(resources, SERVICE)) == 2


# -- against enumeration -------------------------------------------------------------------


def network(seed: int, transports: int, alike: bool = False) -> list[AbstractTopology]:
    draw = random.Random(seed)
    points = [f"p{i}" for i in range(5)]

    def some(name: str, kind: DomainKind, pairs: Sequence[tuple[str, str]]) -> AbstractTopology:
        plain = domain(name, kind, *pairs)
        varied = tuple(
            replace(
                link,
                latency_us_min=draw.randint(1, 3 if alike else 3_000),
                price_micros_from=draw.randint(1, 3 if alike else 1_000),
                availability_ppb_max=PPB - draw.randint(0, 40_000),
            )
            for link in plain.links
        )
        return replace(plain, links=varied)

    def two() -> list[str]:
        return draw.sample(points, 2)

    found = [some(f"ran{i}", DomainKind.ACCESS, [("berlin", p) for p in two()]) for i in range(2)]
    for i in range(transports):
        a, b, c = draw.sample(points, 3)
        pairs = [(a, b), (b, a), (b, c), (c, b), (a, c), (c, a)]
        found.append(some(f"net{i}", DomainKind.TRANSPORT, pairs))
    found += [some(f"core{i}", DomainKind.CORE, list(product(two(), two()))) for i in range(2)]
    found += [some(f"dc{i}", DomainKind.CLOUD, [(p, "z") for p in two()]) for i in range(2)]
    return found


def enumerate_chains(topologies: Sequence[AbstractTopology]) -> list[tuple[int, int, int, str]]:
    """Every chain as (price, latency, availability, names), by walking the definition."""
    kinds = {t.domain: t.kind for t in topologies}
    patterns = [
        (
            DomainKind.ACCESS,
            *[DomainKind.TRANSPORT] * before,
            DomainKind.CORE,
            *[DomainKind.TRANSPORT] * after,
            DomainKind.CLOUD,
        )
        for before in range(1, TRANSPORTS_MAX + 1)
        for after in range(CLOUD_TRANSPORTS_MAX + 1)
    ]
    found = []
    for pattern in patterns:
        partial: list[tuple[tuple[str, AbstractLink], ...]] = [()]
        for kind in pattern:
            partial = [
                (*chain, (t.domain, link))
                for chain in partial
                for t in topologies
                if kinds[t.domain] is kind and t.domain not in [name for name, _ in chain]
                for link in t.links
                if (chain[-1][1].egress if chain else "berlin") == link.ingress
            ]
        for chain in partial:
            links = [link for _, link in chain]
            found.append(
                (
                    sum(link.price_micros_from for link in links),
                    sum(link.latency_us_min for link in links),
                    prod(link.availability_ppb_max for link in links) // PPB ** (len(links) - 1),
                    " ".join(f"{name}:{link.ingress}-{link.egress}" for name, link in chain),
                )
            )
    return found


@given(st.integers(0, 10**6), st.integers(1, 3), st.booleans())
def test_the_cheapest_chains_within_any_budget_come_first(
    seed: int, transports: int, alike: bool
) -> None:
    topologies = network(seed, transports, alike)
    every = sorted(enumerate_chains(topologies))
    routes = Routes.of(known(*topologies), "berlin", "munich", Isolation.SHARED, False)
    for _, latency_us_max, availability_ppb_min, _ in every[:: len(every) // 8 + 1]:
        cheapest = [c[0] for c in every if c[1] <= latency_us_max and c[2] >= availability_ppb_min]
        found = islice(routes.within(latency_us_max, availability_ppb_min), 6)
        assert [c.price_micros for c in found] == cheapest[:6]


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_the_chosen_chains_hold_the_cheapest_the_fastest_and_many_providers(
    seed: int, transports: int
) -> None:
    topologies = network(seed, transports)
    every = enumerate_chains(topologies)
    resources = known(*topologies)
    if not every:
        with pytest.raises(Refused):
            chains(resources, SERVICE)
        return
    found = chains(resources, replace(SERVICE, latency_us_max=10**9, availability_ppb_min=0))
    assert len(found) == min(CHAINS_MAX, len(every)) or len(found) < CHAINS_MAX
    assert len(set(found)) == len(found)
    prices = [sum(hop.link.price_micros_from for hop in chain) for chain in found]
    latencies = [sum(hop.link.latency_us_min for hop in chain) for chain in found]
    assert prices[0] == min(prices) == min(price for price, _, _, _ in every)
    assert min(latencies) == min(latency for _, latency, _, _ in every)
    for chain in found:
        assert len({hop.domain for hop in chain}) == len(chain)
        assert all(a.egress == b.ingress for a, b in pairwise(chain))


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_who_was_heard_first_makes_no_difference(seed: int, shuffle: random.Random) -> None:
    topologies = network(seed, 3)
    mixed = shuffle.sample(topologies, len(topologies))
    if enumerate_chains(topologies):
        assert chains(known(*mixed), SERVICE) == chains(known(*topologies), SERVICE)


def test_every_provider_is_looked_for_even_where_it_is_never_the_cheapest() -> None:
    dear = [
        domain(f"dear{i}", DomainKind.TRANSPORT, ("a", "b"), price=1_000 + i, latency_us=900)
        for i in range(20)
    ]
    routes = Routes.of(known(*FOUR, *dear), "berlin", "munich", Isolation.SHARED, False)
    assert {name for c in routes.apart for name in c.domains} >= {t.domain for t in dear}
    asked = {hop.domain for chain in chains(known(*FOUR, *dear), SERVICE) for hop in chain}
    assert len(asked) == 3 + CHAINS_MAX
