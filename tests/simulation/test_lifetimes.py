"""Simulated lifetimes under faults, then peace, then the books must balance."""

from __future__ import annotations

import pytest

from tests.simulation.domains import RESOURCE
from tests.simulation.faults import Faults
from tests.simulation.tenants import Tenant
from tests.simulation.world import World

FAULTS_S = 60.0
SETTLE_S = 3_600.0
WAKE_S = 60.0


def lifetime(seed: int, faults: Faults, tenants: int = 5, capacity: int = 5) -> World:
    """Several tenants at once under `faults`; afterwards everything is checked, then ended."""
    world = World(seed, faults, capacity)
    crowd = [Tenant(world, number, leaves=number % 3 == 0) for number in range(tenants)]
    for tenant in crowd:
        world.later(world.random.uniform(0, 20), tenant.begin)
    _settle(world, crowd)
    _check_all_or_nothing(world, crowd)
    for tenant in crowd:
        tenant.end(tenant.slices)
    _settle(world, crowd)
    _check_all_is_back(world)
    return world


def _settle(world: World, crowd: list[Tenant]) -> None:
    def quiet() -> bool:
        at_work = world.sagas or world.heard or not world.up
        return not at_work and all(t.done for t in crowd) and not world.journal.open_sagas()

    end_s = max(world.now_s, world.faults.until_s) + SETTLE_S
    while world.now_s < end_s:
        wake_s = world.now_s + WAKE_S
        world.run(wake_s, quiet)
        if quiet():
            break
        world.now_s = wake_s
        world.wake()
    assert quiet(), f"G2: not settled: {[t.number for t in crowd if not t.done]} {world.sagas}"
    for domain in world.domains.values():
        assert domain.ledger.used().keys() == {RESOURCE}
    world.run(world.now_s + 200.0)  # late messages arrive, what nobody wants lapses


def _check_all_or_nothing(world: World, crowd: list[Tenant]) -> None:
    expected: dict[str, set[str]] = {name: set() for name in world.domains}
    for tenant in crowd:
        for slice_id in tenant.slices:
            segments = world.journal.segments(slice_id)
            assert len(segments) in (0, len(world.domains)), "G2: half a slice"
            for name, hold_id in segments:
                expected[name].add(hold_id)
        in_books = {slice_id: bool(world.journal.segments(slice_id)) for slice_id in tenant.slices}
        if not tenant.leaves:
            assert len(set(in_books.values())) == 1, f"G2: half an order: {in_books}"
    for domain in world.domains.values():
        live, books = domain.live(), expected[domain.name]
        assert set(live) == books, f"G2: {domain.name} has {set(live) ^ books}"
        assert set(live.values()) <= {"confirmed"}, "G3: still unconfirmed after every TTL"


def _check_all_is_back(world: World) -> None:
    for domain in world.domains.values():
        assert not domain.live()
        assert domain.ledger.free(RESOURCE) == domain.capacity, "capacity did not come back"


def bad_weather() -> Faults:
    return Faults(
        until_s=FAULTS_S,
        lost=0.08,
        duplicated=0.1,
        late=0.04,
        coordinator_crash=0.01,
        domain_crash=0.01,
        full=0.05,
    )


def test_all_or_nothing_survives_bad_weather_at_every_seed(seeds: list[int]) -> None:
    confirmed = steps = 0
    for seed in seeds:
        try:
            world = lifetime(seed, bad_weather())
        except AssertionError as error:
            pytest.fail(f"{error}\nagain: pytest tests/simulation --seed {seed}")
        confirmed += sum(o.result == "confirmed" for o in world.outcomes.values())
        steps += world.steps
    print(f"\n{len(seeds)} lifetimes, {steps:,} steps, {confirmed} reservations confirmed")
    assert confirmed >= len(seeds), "the weather was so bad that nothing was tested"


def test_in_fair_weather_every_lifetime_of_two_tenants_confirms_at_once() -> None:
    world = lifetime(1, Faults(), tenants=2, capacity=8)
    reserved = [o for s, o in world.outcomes.items() if not s.startswith("terminate")]
    assert [o.result for o in reserved] == ["confirmed"] * len(reserved)
    assert len(reserved) == 4


def test_a_coordinator_crash_at_every_journal_write_leaves_all_or_nothing() -> None:
    points = 0
    for when in ("before", "after"):
        count = 0
        while True:
            faults = Faults(journal_point=(count, when))
            world = lifetime(7, faults, tenants=3)
            if world.journal.epoch == 1:
                break  # past the last write
            count += 1
        assert count >= 10
        points += count
    print(f"\n{points} crash points of the journal")


def test_a_domain_crash_at_every_store_write_leaves_all_or_nothing() -> None:
    calm = lifetime(7, Faults(), tenants=2).faults.store_writes
    points = [(name, n, when) for (name, when), count in calm.items() for n in range(count + 1)]
    for point in points:
        lifetime(7, Faults(store_point=point), tenants=2)
    print(f"\n{len(points)} crash points of the domains' stores")
    assert len(points) >= 40
