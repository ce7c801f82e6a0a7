"""The batched core against the same rules written plainly; paths, generators and what is kept."""

from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import networkx
import numpy as np
import pytest

from envs.embedding import paths
from envs.embedding.core import Embedding, Mask, Reward, domains_of
from envs.embedding.generate import cross_domain, slices_on, waxman
from envs.embedding.model import Request, Substrate, Workload
from envs.embedding.paths import table_of
from envs.embedding.traces import Trace, Traces
from tests.envs.embedding_by_hand import ByHand

ROWS = 3


def core_of(workload: Workload, rows: int, mask: Mask = Mask.LINKS) -> Embedding:
    trace = Trace.of(workload.requests, domains_of(workload.substrate))
    traces = Traces(1, trace.requests, len(trace.cpu), len(trace.to))
    traces.fill(0, trace)
    core = Embedding(
        workload.substrate,
        traces,
        rows,
        mask,
        Reward.ACCEPTANCE,
        trace.functions_max,
        trace.links_max,
    )
    zeros = np.zeros(rows, dtype=np.int64)
    core.start(np.arange(rows), zeros, np.full(rows, trace.requests))
    return core


def line(cpu: tuple[float, ...], bandwidth: float, requests: tuple[Request, ...]) -> Workload:
    links = tuple(pairwise(range(len(cpu))))
    none = (None,) * len(cpu)
    ids = tuple(range(len(cpu)))
    latency_ms = (0.0,) * len(links)
    network = Substrate(ids, none, cpu, links, (bandwidth,) * len(links), latency_ms)
    return Workload("line", "", network, requests)


def asks(
    number: int, time: float, life: float, cpu: tuple[float, ...], *links: tuple[int, int, float]
) -> Request:
    return Request(number, time, life, None, None, cpu, (None,) * len(cpu), links)


# Meshed requests on a small network, so that paths of one step compete; and pinned chains.
MESHED = Workload("", "", cross_domain(3).substrate, waxman(3, 50).requests)


@pytest.mark.parametrize("mask", list(Mask))
@pytest.mark.parametrize("workload", [MESHED, cross_domain(5, 60, 2.0)], ids=["meshed", "chains"])
def test_a_batch_does_what_the_rules_say_to_each_episode(workload: Workload, mask: Mask) -> None:
    core = core_of(workload, ROWS, mask)
    plain = [ByHand(workload) for _ in range(ROWS)]
    nodes, links = workload.substrate.nodes, workload.substrate.links
    generator = np.random.default_rng(0)
    while not core.done.all():
        weights = generator.random(core.legal.shape) * core.legal
        weights[:, core.refuse] *= 0.05
        anything = generator.integers(0, nodes + 1, ROWS)
        actions = np.where(generator.random(ROWS) < 0.03, anything, weights.argmax(axis=1))
        legal = core.legal
        rewards = core.step(actions)
        for row, one in enumerate(plain):
            if one.done:
                assert rewards[row] == 0
                continue
            expected = [
                one.fits(node) and (mask is Mask.NODES or one.reachable(node))
                for node in range(nodes)
            ]
            assert legal[row].tolist() == [*expected, True]
            action = int(actions[row])
            assert one.step(action if legal[row, action] else nodes) == bool(rewards[row])
            assert core.free[row, :nodes].tolist() == one.cpu
            free = [one.bandwidth[frozenset(link)] for link in links]
            assert core.free[row, nodes : nodes + len(links)].tolist() == free
            around = [
                sum(amount for link, amount in one.bandwidth.items() if node in link)
                for node in range(nodes)
            ]
            assert core.around[row, :nodes].tolist() == around
            assert core.turn[row] == one.turn
            assert (core.revenue[row], core.cost[row]) == (one.revenue, one.cost)
    assert core.accepted.tolist() == [one.accepted for one in plain]
    assert core.illegal.all()
    if workload is MESHED:
        assert core.unrouted.all()


def test_every_request_that_left_gave_back_all_it_had() -> None:
    workload = cross_domain(2, 80, 1.0)
    late = asks(999, 1e6, 1.0, (1.0,))
    core = core_of(Workload("", "", workload.substrate, (*workload.requests, late)), 1)
    generator = np.random.default_rng(0)
    while core.turn[0] < 80:
        core.step((generator.random(core.legal.shape) * core.legal).argmax(axis=1))
    assert core.accepted[0] > 0
    assert np.array_equal(core.free[0], core.capacity)


def test_links_of_one_step_that_fit_one_by_one_and_not_together_lose_the_request() -> None:
    # The third function, at one end of the line, has both of its links over the same edge.
    star = asks(0, 0.0, 9.0, (1.0, 1.0, 1.0), (0, 2, 3.0), (1, 2, 3.0))
    after = asks(1, 1.0, 9.0, (1.0, 1.0), (0, 1, 5.0))
    core = core_of(line((2.0, 2.0, 2.0, 2.0), 5.0, (star, after)), 1)
    for node in (2, 3, 0):
        assert core.legal[0, node]
        core.step(np.array([node]))
    assert (core.unrouted[0], core.accepted[0], core.turn[0]) == (1, 0, 1)
    assert np.array_equal(core.free[0], core.capacity)


def test_what_ends_at_the_moment_of_an_arrival_is_still_there() -> None:
    first = asks(0, 0.0, 5.0, (2.0,))
    at_once, later = asks(1, 5.0, 1.0, (2.0,)), asks(2, 5.5, 1.0, (2.0,))
    core = core_of(line((2.0, 0.0), 1.0, (first, at_once, later)), 1)
    core.step(np.array([0]))
    assert core.legal[0].tolist() == [False, False, True]
    core.step(np.array([2]))
    assert core.legal[0].tolist() == [True, False, True]


def test_more_requests_live_at_once_than_there_was_room_for() -> None:
    many = tuple(asks(number, float(number), 1e3, (1.0,)) for number in range(70))
    core = core_of(line((100.0, 100.0), 1.0, many), 2)
    while not core.done.all():
        core.step(np.array([0, 1]))
    assert core.accepted.tolist() == [70, 70]
    assert core.free[0, :2].tolist() == [30.0, 100.0]


@pytest.mark.parametrize("network", [cross_domain(0).substrate, cross_domain(9).substrate])
def test_paths_are_ranked_as_networkx_ranks_them(network: Substrate) -> None:
    graph: networkx.Graph[int] = networkx.Graph()
    graph.add_nodes_from(range(network.nodes))
    graph.add_edges_from(network.links)
    table = table_of(network)
    for source, target in ((0, 23), (23, 0), (7, 14), (9, 10), (20, 3)):
        ranked = islice(networkx.shortest_simple_paths(graph, source, target), paths.PATHS)
        expected = [{frozenset(step) for step in pairwise(path)} for path in ranked]
        found = [
            {frozenset(network.links[link]) for link in path}
            for path in table.between(source, target)
        ]
        assert found == expected
    assert table.between(4, 4) == ()


def test_a_network_in_two_parts_has_no_paths_between_them() -> None:
    network = Substrate((0, 1, 2), (None,) * 3, (1.0,) * 3, ((0, 1),), (9.0,), (0.0,))
    pair = asks(0, 0.0, 1.0, (1.0, 1.0), (0, 1, 1.0))
    core = core_of(Workload("", "", network, (pair,)), 1)
    core.step(np.array([0]))
    assert core.legal[0].tolist() == [False, True, False, True]
    assert table_of(network).between(0, 2) == ()


def test_a_kept_table_is_read_again_and_a_damaged_one_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(paths, "KEPT_ON_DISK_NODES", 3)
    network = cross_domain(77).substrate
    table = table_of(network)
    (kept,) = (tmp_path / "entente").iterdir()
    for content in (kept.read_bytes(), b"", b"PK\x03\x04 not so", kept.read_bytes()[:300]):
        kept.write_bytes(content)
        paths._table.cache_clear()
        again = table_of(network)
        assert np.array_equal(again.links, table.links)
        assert np.array_equal(again.hops, table.hops)


def test_the_same_seed_draws_the_same_workload_and_another_does_not() -> None:
    assert cross_domain(4, 30) == cross_domain(4, 30)
    assert cross_domain(4, 30) != cross_domain(5, 30)
    assert waxman(4, 10) == waxman(4, 10)
    assert waxman(4, 10).substrate != waxman(5, 10).substrate


def test_slices_are_drawn_as_their_kinds_say() -> None:
    network = cross_domain(0).substrate
    drawn = slices_on(network, 0, 4000)
    kinds = Counter(request.kind for request in drawn)
    assert 0.47 < kinds["eMBB"] / 4000 < 0.53
    assert np.diff([request.time for request in drawn]).mean() == pytest.approx(2.0, rel=0.1)
    assert np.mean([request.life for request in drawn]) == pytest.approx(100.0, rel=0.1)
    broad = [request for request in drawn if request.kind == "eMBB"]
    assert {len(request.cpu) for request in broad} == {4, 5}
    assert {cpu for request in broad for cpu in request.cpu} == set(map(float, range(4, 13)))
    assert Counter(network.domains) == {"access": 8, "transport": 6, "core": 6, "cloud": 4}
    assert len(network.links) == 48
    assert len(waxman(0, 10).substrate.links) == 528
