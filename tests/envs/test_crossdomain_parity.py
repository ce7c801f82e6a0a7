"""The environment decides as the live domains and coordinator do, request after request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coordinator.placement import CHAINS_MAX, chains
from coordinator.resources import ResourceDatabase
from domains.model import Bucket
from envs.crossdomain.core import REFUSED, CrossDomain, Episodes
from envs.crossdomain.demand import Demand, Wanted
from envs.crossdomain.policies.rules import Menus
from envs.crossdomain.scenarios import Scenario
from tests.envs.crossdomain_by_hand import FEDERATION, GERMANY, Live, shrunk, task

WANTED = (
    Wanted("surgical robot control", (6,), (99.999, 99.98), (1250, None)),
    Wanted("remote machine operation", (30,), (99.99, 99.97), (None, 2000)),
    Wanted("closed loop control", (10, 30), (99.98,)),
    Wanted("video conferencing", (20,), (99.9, 99.98), (1250, None)),
    Wanted("smart metering", (300,), (99.9,)),
)
NETWORKS = {
    "one of each": (
        GERMANY,
        30,
        (("berlin/mitte", "berlin"), ("munich/altstadt", "munich"), ("hamburg", "")),
    ),
    "competing domains": (
        FEDERATION,
        22,
        (("berlin/mitte", "berlin"), ("munich/altstadt", "munich"), ("hamburg", "hamburg")),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
async def test_live_requests_get_the_same_verdicts_and_offers(name: str, tmp_path: Path) -> None:
    folder, divisor, places = NETWORKS[name]
    network = shrunk(folder, divisor)
    scenario = Scenario("replay", folder.name, Demand(WANTED, places), 50, (1000, 1000))
    task = scenario.task(network=network)
    assert max(len(one.chains) for one in task.tables.asked) <= CHAINS_MAX
    kinds = task.draw([np.random.default_rng(7)]).kinds
    core = CrossDomain(task.tables, 1, task.requests)
    full = task.tables.capacity[: task.tables.plenty][None]
    core.start(np.arange(1), Episodes(kinds, full))
    live = await Live.open(network, tmp_path)
    verdicts = []
    for number, kind in enumerate(kinds[0].tolist()):
        buckets = core.buckets()[0]
        for (domain, ingress, egress), bucket in zip(
            task.tables.asked[kind].budgets, buckets, strict=False
        ):
            link = live.resources.link(domain, ingress, egress)
            assert link is not None
            assert list(Bucket)[bucket] is link.residual
        service = task.tables.asked[kind].service
        agreement = await live.ask(number, replace(service))
        core.step(Menus().act(core))
        told = int(core.latency_us[0, number]), int(core.price_micros[0, number])
        if agreement is None:
            assert core.chain[0, number] == REFUSED
        else:
            assert told == (agreement.metrics.latency_us, agreement.metrics.price_micros)
        used = {d.name: d.usage() for d in live.opened}
        for index, (domain, resource) in enumerate(task.tables.resources):
            left = task.tables.capacity[index] - used[domain][resource]
            assert core.free[0, index] == left, (number, domain, resource)
        verdicts.append(agreement is not None)
    await live.close()
    assert 0.1 < np.mean(verdicts) < 0.95, "a replay in which nothing runs out shows little"


def test_chains_through_what_is_sold_out_are_taken_only_where_nothing_else_is() -> None:
    """For random networks with much that is nearly used up, as `coordinator.placement` decides."""
    found = task("large")
    tables, network = found.tables, found.network
    generator, left_out = np.random.default_rng(0), 0
    core = CrossDomain(tables, 1, 1)
    few = [kind for kind, one in enumerate(tables.asked) if 1 < len(one.chains) < CHAINS_MAX]
    for kind in generator.choice(few, 25).tolist():
        capacity = tables.capacity[: tables.plenty]
        share = generator.choice([0.0, 0.0004, 0.3, 1.0], tables.plenty, p=[0.1, 0.2, 0.3, 0.4])
        free = np.floor(capacity * share).astype(np.int64)
        core.start(np.arange(1), Episodes(np.array([[kind]]), free[None]))
        left = dict(zip(tables.resources, free.tolist(), strict=True))
        known = ResourceDatabase()
        for domain, inner in network.technologies.items():
            now = {r: left.get((domain, r), size) for r, size in inner.capacities().items()}
            known.update(network.topology(domain, now.__getitem__), 1_000.0)
        asked = tables.asked[kind]
        live = {
            tuple((hop.domain, hop.ingress, hop.egress) for hop in chain)
            for chain in chains(known, asked.service)
        }
        keys = list(asked.budgets)
        mine = {
            tuple(keys[hop] for hop in hops if hop < tables.hops)
            for hops in tables.chain[kind, core.open_chains()[0]].tolist()
        }
        assert mine == live
        left_out += int(tables.chain_present[kind].sum()) - len(mine)
    assert left_out > 0
