"""The batched core against the same rules written plainly, and what the masks promise."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.arrays import Ints
from envs.sliceorch.core import REFUSED, SliceOrchestration
from envs.sliceorch.instances import CHAIN, COST, LATENCY_MS, SHARING, Instances, draw
from envs.sliceorch.legality import completable
from envs.sliceorch.profiles import PROFILES, Mask, Profile
from tests.envs.by_hand import ByHand

ROWS = 6


def episodes(
    profile: Profile, requests: int, rows: int, load: float | None = None, seed: int = 0
) -> Instances:
    generators = [np.random.default_rng((seed, row)) for row in range(rows)]
    return draw(profile, (requests,), generators, load)


def started(profile: Profile, mask: Mask, instances: Instances, lam: float) -> SliceOrchestration:
    rows, slots = instances.slices.shape[:2]
    core = SliceOrchestration(profile, slots, rows, mask, lam)
    core.load_instances(np.arange(rows), instances)
    return core


def any_of(mask: Ints, generator: np.random.Generator) -> Ints:
    chosen: Ints = (generator.random(mask.shape) * mask).argmax(axis=1)
    return chosen


@pytest.mark.parametrize("load", [None, 6.0], ids=["nothing departs", "slices depart"])
@pytest.mark.parametrize("mask", list(Mask))
@pytest.mark.parametrize("name", list(PROFILES))
def test_a_batch_does_what_the_rules_say_to_each_episode(
    name: str, mask: Mask, load: float | None
) -> None:
    # Long enough, where slices depart, for nodes to be shared after others have left them.
    profile, requests = PROFILES[name], 14 if load is None else 50
    instances = episodes(profile, requests, ROWS, load)
    core = started(profile, mask, instances, lam=0.5)
    plain = [ByHand(instances, row) for row in range(ROWS)]
    generator = np.random.default_rng(1)
    while not core.done.all():
        # Local and cloud equally often, so that both run out.
        legal = core.legal * np.append(np.full(profile.nodes, 1 / profile.nodes), [1.0, 0.05])
        actions = any_of(legal, generator)
        active = ~core.done
        rewards = core.step(actions)
        for row in np.flatnonzero(active).tolist():
            action = int(actions[row]) if plain[row].can(int(actions[row])) else profile.nodes + 1
            assert rewards[row] == pytest.approx(plain[row].step(action))
            assert core.served[row] == plain[row].served()
    sharing, weighted = core.sharing(np.arange(ROWS)), core.weighted_costs(np.arange(ROWS))
    for row, one in enumerate(plain):
        for turn, placed in enumerate(one.slices):
            assert (core.placement[row, turn] > REFUSED) == (placed is not None)
            if placed is not None:
                assert core.kept[row, turn] == placed.served
                assert core.latency_ms[row, turn] == placed.latency_ms
                assert core.price[row, turn] == placed.cost
                assert sharing[row, turn] == len(placed.met)
                assert weighted[row, turn] == pytest.approx(placed.weighted_cost)


@pytest.mark.parametrize("load", [None, 10.0], ids=["nothing departs", "slices depart"])
@pytest.mark.parametrize("name", list(PROFILES))
def test_under_the_sla_mask_whatever_is_placed_is_served_and_stays_served(
    name: str, load: float | None
) -> None:
    profile = PROFILES[name]
    core = started(profile, Mask.SLA, episodes(profile, 30, 64, load), lam=0.0)
    generator = np.random.default_rng(2)
    while not core.done.all():
        rewards = core.step(any_of(core.legal.astype(np.int64), generator))
        assert (rewards >= 0).all()
    assert (core.kept == (core.placement > REFUSED)).all()
    assert (core.served > 0).all()
    assert (core.illegal == 0).all()


def test_the_blind_masks_let_a_slice_break_an_earlier_one() -> None:
    profile = PROFILES["C2"]
    core = started(profile, Mask.BASIC, episodes(profile, 20, 32), lam=0.0)
    worst = 0.0
    while not core.done.all():
        worst = min(worst, float(core.step(core.legal.argmax(axis=1)).min()))
    assert worst < 0


def test_the_basic_mask_never_refuses_and_never_overfills_the_local_server() -> None:
    profile = PROFILES["C1"]
    core = started(profile, Mask.BASIC, episodes(profile, 20, 32), lam=0.0)
    while not core.done.all():
        assert not core.legal[~core.done, core.refuse].any()
        core.step(np.where(core.legal[:, core.local], core.local, core.legal.argmax(axis=1)))
        assert (core.cpu >= 0).all()
        assert (core.memory >= 0).all()
    assert (core.placement > REFUSED).all()


def test_a_node_is_legal_exactly_if_some_chain_over_it_keeps_each_bound() -> None:
    """C3, where bounds bind on single nodes: against all chains, at the first step of each."""
    profile = Profile("small", nodes=7, chain_min=2, chain_max=5, requests=8, load_erlang=5.0)
    instances = episodes(profile, 8, 24)
    core = started(profile, Mask.SLA, instances, lam=0.0)
    generator, met_both = np.random.default_rng(3), set()
    while not core.done.all():
        for row in np.flatnonzero((core.picked == 0) & ~core.done):
            slice_ = core.current[row]
            room = np.minimum(core.strictest[row], slice_[SHARING]) - core.load[row]
            chains = list(combinations(np.flatnonzero(room > 0), int(slice_[CHAIN])))
            latency, cost = slice_[LATENCY_MS] - 30, slice_[COST] - 10
            fast = {v for c in chains if core.delay_ms[row, list(c)].sum() <= latency for v in c}
            cheap = {v for c in chains if core.cost[row, list(c)].sum() <= cost for v in c}
            assert set(np.flatnonzero(core.legal[row, : core.nodes])) == fast & cheap
            met_both |= {len(fast) > len(cheap), len(cheap) > len(fast)}
        core.step(any_of(core.legal.astype(np.int64), generator))
    assert met_both == {True, False}, "both bounds were the tighter one somewhere"


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_completable_is_the_sum_of_the_best_completion(data: st.DataObject) -> None:
    values = np.array([data.draw(st.lists(st.integers(0, 9), min_size=4, max_size=6))], dtype=float)
    nodes = values.shape[1]
    safe = np.array([data.draw(st.lists(st.booleans(), min_size=nodes, max_size=nodes))])
    left = data.draw(st.integers(1, 4))
    budget = data.draw(st.integers(0, 30))
    sums = [
        (chain, values[0, list(chain)].sum())
        for chain in combinations(np.flatnonzero(safe[0]), left)
    ]
    expected = {node for chain, total in sums if total <= budget for node in chain}
    found = completable(values, safe, np.array([left]), np.array([float(budget)]), longest=4)
    assert set(np.flatnonzero(found[0])) == expected


@pytest.mark.parametrize("name", ["C1", "C2"])
def test_the_short_cut_for_interchangeable_nodes_gives_the_same_mask(name: str) -> None:
    profile = PROFILES[name]
    assert profile.interchangeable
    core = started(profile, Mask.SLA, episodes(profile, 20, 32), lam=0.0)
    generator = np.random.default_rng(4)
    while not core.done.all():
        left = core.current[:, CHAIN].astype(np.int64) - core.picked
        cap = np.minimum(core.strictest, core.current[:, SHARING, None].astype(np.int16))
        safe = (core.load < cap) & ~core.selected
        latency = core.current[:, LATENCY_MS] - 30 - core.spent_ms
        budget = core.current[:, COST] - 10 - core.spent
        fast = completable(core.delay_ms, safe, left, latency, profile.chain_max)
        cheap = completable(core.cost, safe, left, budget, profile.chain_max)
        assert (core.legal[:, : core.nodes] == (fast & cheap)).all()
        core.step(any_of(core.legal.astype(np.int64), generator))


@pytest.mark.parametrize("action", [-1, 18, 10**6])
def test_an_action_that_is_none_refuses_the_slice(action: int) -> None:
    profile = PROFILES["C2"]
    core = started(profile, Mask.SLA, episodes(profile, 2, 1), lam=0.0)
    core.step(np.array([action]))
    assert core.placement[0, 0] == REFUSED
    assert core.illegal[0] == 1


def test_rows_do_not_notice_each_other() -> None:
    profile = PROFILES["C3"]
    instances = episodes(profile, 12, 5)
    together = started(profile, Mask.SLA, instances, lam=0.5)
    alone = together.fork(np.array([3]))
    generator = np.random.default_rng(5)
    while not together.done.all():
        actions = any_of(together.legal.astype(np.int64), generator)
        assert alone.step(actions[[3]])[0] == together.step(actions)[3]
        assert (alone.legal[0] == together.legal[3]).all()


def test_a_draw_is_what_the_case_study_says() -> None:
    """Independent uniform tiers: 1 in 6 slices can be placed nowhere, and no policy beats 5/6."""
    profile = PROFILES["C3"]
    slices = episodes(profile, 1000, 40).slices.reshape(-1, 9)
    nowhere = (slices[:, LATENCY_MS] == 30) & (slices[:, COST] == 25)
    assert nowhere.mean() == pytest.approx(1 / 6, abs=0.01)
    assert set(slices[:, CHAIN]) == {2, 3, 4, 5}
    cpu, memory = slices[:, 0], slices[:, 1]
    assert (cpu.min(), cpu.max(), memory.min(), memory.max()) == (2, 6, 2, 6)
    assert (cpu.mean(), memory.mean()) == pytest.approx((4.0, 3.75), abs=0.03)
    assert np.allclose(slices[:, 6:].sum(axis=1), 1)
