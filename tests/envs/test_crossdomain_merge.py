"""The merge of many environments at once is the coordinator's, on whatever menus there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.merge import Need, Route, cheapest
from coordinator.merge import options as options_of
from domains.model import PPB, Menu, Metrics, Offer
from envs.crossdomain import merge
from envs.crossdomain.tables import PLENTY, Tables
from tests.coordinator.menus import chain_of
from tests.envs.crossdomain_by_hand import task


def test_a_product_of_availabilities_is_exact_to_the_last_digit() -> None:
    generator = np.random.default_rng(0)
    factors = generator.integers(PPB - 10**6, PPB + 1, (200, 5))
    factors[0] = PPB
    limbs = merge.product_of(factors)
    for row, line in enumerate(factors.tolist()):
        whole = 1
        for factor in line:
            whole *= factor
        told = 0
        for limb in limbs:
            told = told * PPB + int(limb[row])
        assert told == whole
        assert int(limbs[0][row]) == whole // PPB**4


OFFERS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 60), st.integers(1, 9)), min_size=0, max_size=4
)


@given(st.lists(OFFERS, min_size=5, max_size=5), st.integers(20, 120), st.integers(0, 150))
@settings(max_examples=150, deadline=None)
def test_the_choice_is_the_coordinators(
    menus: list[list[tuple[int, int, int]]], latency_us: int, allowed_ppb: int
) -> None:
    """Two chains over five domains that share their ends; random menus, ties included."""
    names = ("a", "b", "c", "d", "e")
    found = _tables(menus, latency_us, PPB - allowed_ppb)
    shown = np.zeros((1, 5, found.options), dtype=np.bool_)
    need = Need(latency_us, PPB - allowed_ppb, (1, 1, 1), None, 1.0, 1.0, 1.0, 1.0)
    listed = {}
    for at, (name, menu) in enumerate(zip(names, menus, strict=True)):
        shown[0, at, : len(menu)] = True
        offers = [
            Offer(f"{number}", Metrics(latency, PPB - unavailable, 1, 1, 1, price))
            for number, (price, latency, unavailable) in enumerate(_in_order(menu))
        ]
        listed[name] = options_of(Menu(None, tuple(offers)), need)  # type: ignore[arg-type]
    ways = {number: way for number, way in enumerate((("a", "b", "e"), ("a", "c", "d", "e")))}
    routes = {
        number: Route.of(chain_of(*way), [listed[name] for name in way])
        for number, way in ways.items()
        if all(listed[name] for name in way)
    }
    best = cheapest(sorted(routes.values(), key=lambda r: (r.price[0], r.names)), need)
    chain, picks = merge.choose(
        found, np.zeros(1, dtype=np.int64), shown, np.ones((1, 2), np.bool_)
    )
    if best is None:
        assert chain[0] == -1
        return
    assert routes[int(chain[0])].names == best.route.names
    taken = [
        int(menu[pick][4].offer_id)
        for menu, pick in zip(best.route.options, best.picks, strict=True)
    ]
    metrics = [
        _in_order(menus[names.index(name)])[pick]
        for name, pick in zip(ways[int(chain[0])], picks[0].tolist(), strict=False)
    ]
    expected = [
        _in_order(menus[names.index(name)])[pick]
        for name, pick in zip(ways[int(chain[0])], taken, strict=True)
    ]
    assert metrics == expected


def _in_order(menu: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    return sorted(menu)


def _tables(menus: list[list[tuple[int, int, int]]], latency_us: int, least_ppb: int) -> Tables:
    """Only what `choose` reads, the rest left as another task has it."""
    width = max(1, *map(len, menus))
    present = np.zeros((6, width), dtype=np.bool_)
    latency, price = np.zeros((6, width), dtype=np.int64), np.zeros((6, width), dtype=np.int64)
    availability = np.full((6, width), PPB)
    for at, menu in enumerate(menus):
        for number, (cost, delay, unavailable) in enumerate(_in_order(menu)):
            present[at, number] = True
            price[at, number], latency[at, number] = cost, delay
            availability[at, number] = PPB - unavailable
    return replace(
        task().tables,
        present=present,
        latency_us=latency,
        availability_ppb=availability,
        price_micros=price,
        row=np.arange(6)[None],
        chain=np.array([[[0, 1, 4, 5], [0, 2, 3, 4]]]),
        chain_present=np.ones((1, 2), dtype=np.bool_),
        latency_us_max=np.array([latency_us]),
        availability_ppb_min=np.array([least_ppb]),
        price_micros_max=np.array([PLENTY]),
    )


@pytest.mark.parametrize("shown_of", [0.25, 0.4])
def test_looking_at_every_combination_and_asking_the_coordinator_agree(
    shown_of: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, generator = task().tables, np.random.default_rng(1)
    kind = generator.integers(0, len(tables.asked), 12)
    present = tables.present[tables.row[kind, : tables.hops]]
    shown = present & (generator.random(present.shape) < shown_of)
    open_ = tables.chain_present[kind]
    asked = merge.settled(tables, kind, shown, open_)
    monkeypatch.setattr(merge, "COMBINATIONS_MAX", 1 << 20)
    looked = merge.choose(tables, kind, shown, open_)
    agreed = asked[0] >= 0
    assert agreed.any()
    assert np.array_equal(asked[0], looked[0])
    assert np.array_equal(asked[1][agreed], looked[1][agreed])
