"""Agreements listed once, and what every action would come to: the same as trying it."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from domains.errors import InvalidRequest
from envs.crossdomain import merge
from envs.crossdomain.agreements import Agreements
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.observation import Observer
from envs.crossdomain.outcomes import outcomes
from tests.envs.crossdomain_by_hand import task


@pytest.mark.parametrize(("name", "shown_of"), [("headline", 0.5), ("medium", 0.9)])
def test_a_listed_agreement_is_the_coordinators_choice(name: str, shown_of: float) -> None:
    tables, generator = task(name).tables, np.random.default_rng(3)
    kind = generator.integers(0, len(tables.asked), 60)
    present = tables.present[tables.row[kind, : tables.hops]]
    shown = present & (generator.random(present.shape) < shown_of)
    shown[0] = False
    open_ = tables.chain_present[kind]
    asked = merge.settled(tables, kind, shown, open_)
    looked = Agreements(tables).choose(kind, shown, open_)
    agreed = asked[0] >= 0
    assert 0.2 < agreed.mean() < 1
    assert np.array_equal(asked[0], looked[0])
    assert np.array_equal(asked[1][agreed], looked[1][agreed])


def test_a_chain_that_is_closed_is_not_agreed_on() -> None:
    tables = task().tables
    kind = np.arange(3)
    shown = tables.present[tables.row[kind, : tables.hops]]
    chain, _ = Agreements(tables).choose(kind, shown, np.zeros((3, 1), dtype=np.bool_))
    assert (chain == -1).all()


def test_too_many_agreements_are_merged_anew_and_not_listed() -> None:
    tables = task("large").tables
    agreements, kind = Agreements(tables), np.arange(2)
    shown = tables.present[tables.row[kind, : tables.hops]]
    open_ = tables.chain_present[kind]
    found = agreements.choose(kind, shown, open_)
    assert np.array_equal(found[0], merge.settled(tables, kind, shown, open_)[0])
    with pytest.raises(InvalidRequest, match="too many to list"):
        agreements.frugal(0)


def test_nothing_that_serves_takes_less_than_what_is_frugal() -> None:
    tables = task().tables
    for class_ in (0, 9, 14, 19):
        frugal = task().agreements.frugal(class_).units
        room = [tables.present[row].nonzero()[0] for row in tables.row[class_, : tables.hops]]
        for picks in np.stack(np.meshgrid(*room), axis=-1).reshape(-1, tables.hops)[::7]:
            row = tables.row[class_, : tables.hops]
            latency = tables.latency_us[row, picks].sum()
            available = np.prod(tables.availability_ppb[row, picks] / 1e9)
            least = tables.availability_ppb_min[class_] / 1e9
            if latency <= tables.latency_us_max[class_] and available > least + 1e-12:
                units = np.zeros(tables.plenty + 2, dtype=np.int64)
                np.add.at(units, tables.resource[row, picks], tables.units[row, picks])
                assert (frugal <= units[: tables.plenty]).all(axis=1).any()
        others = (frugal[:, None] >= frugal).all(axis=2)
        assert others.sum() == len(frugal), "one undercuts another"


@pytest.mark.parametrize("bids", [1, 64])
def test_what_an_action_would_come_to_is_what_it_comes_to(bids: int) -> None:
    observer, generator = Observer(task()), np.random.default_rng(5)
    core = task().core(3)
    core.start(np.arange(3), task().draw([np.random.default_rng(seed) for seed in range(3)]))
    for _ in range(3):
        legal = observer.legal(core)
        masks = {one.name: observer.mask(core, one, legal) for one in observer.agents}
        actions = {
            name: (mask * generator.random(mask.shape)).argmax(axis=1)
            for name, mask in masks.items()
        }
        for name, found in outcomes(observer, core, legal, masks, actions, bids).items():
            assert len(found.row) == masks[name].sum()
            for row, action, agreed, free in zip(
                found.row, found.action, found.agreed, found.free, strict=True
            ):
                changed = actions[name].copy()
                changed[row] = action
                tried = _copy(core)
                shown = observer.offers(tried, legal, actions | {name: changed}, bids)
                assert tried.step(shown)[0][row] == agreed
                assert np.array_equal(tried.free[row, : tried.tables.plenty], free)
        core.step(observer.offers(core, legal, actions, bids))


def _copy(core: CrossDomain) -> CrossDomain:
    """With a state of its own and the same tables."""
    found = copy.copy(core)
    for name, value in vars(core).items():
        if isinstance(value, np.ndarray):
            setattr(found, name, value.copy())
    return found


def test_an_agent_sees_how_pressed_it_is_where_it_is_asked() -> None:
    observer, core = Observer(task()), task().core(1)
    core.start(np.arange(1), task().draw([np.random.default_rng(4)]))
    common = observer.common(core, observer.legal(core))
    for agent in observer.agents:
        names = observer.schema(agent).shared
        seen = dict(zip(names, observer.observe(core, agent, common)[0].tolist(), strict=False))
        city = "-b" if "berlin" in core.tables.asked[core.kind()[0]].service.origin else "-m"
        for at in agent.resources.tolist():
            name = ":".join(core.tables.resources[at])
            free, need = core.free[0, at], task().expected[at] * core.requests
            assert seen[f"{name}:left"] == pytest.approx(free / task().room_max[at], rel=1e-5)
            here = city in name.replace("berlin", "-b").replace("munich", "-m")
            assert seen[f"{name}:left_here"] == (seen[f"{name}:left"] if here else 0)
            pressure = need / (need + free) if here else 0
            assert seen[f"{name}:pressure_here"] == pytest.approx(pressure, rel=1e-5)
