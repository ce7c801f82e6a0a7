"""Forecasts: the season is found, a spike is no season, and the guard knows when it fails."""

from __future__ import annotations

import math
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.assurance.forecast import DAY_S, LOAD_MAX, Forecaster, forecast, observe
from domains.southbound.traffic import TrafficModel

STEP_S = 900.0
SLOTS = round(DAY_S / STEP_S)


def learned(loads: list[float]) -> Forecaster:
    forecaster = Forecaster.fresh(STEP_S)
    for step, load in enumerate(loads):
        forecaster = observe(forecaster, (step + 1) * STEP_S, load)
    return forecaster


def wave(step: int) -> float:
    return 500 + 300 * math.sin(2 * math.pi * step / SLOTS)


def test_who_knows_nothing_expects_nothing_and_who_knows_one_load_expects_it() -> None:
    fresh = Forecaster.fresh(STEP_S)
    assert forecast(fresh, 0.0, 1) == 0.0
    one = observe(fresh, STEP_S, 400.0)
    assert [forecast(one, STEP_S, ahead) for ahead in (0, 1, 12)] == [400.0] * 3


def test_a_season_of_two_days_is_expected_on_the_third() -> None:
    days = 2 * SLOTS
    forecaster = learned([wave(step) for step in range(days)])
    assert not forecaster.naive
    for ahead in (1, 8, 24, 48):
        expected = forecast(forecaster, days * STEP_S, ahead)
        assert expected == pytest.approx(wave(days + ahead - 1), abs=25)


def test_it_beats_the_naive_forecast_on_the_traffic_of_the_simulated_network() -> None:
    ours, naive = [], []
    for seed in range(4):
        model = TrafficModel(seed=seed)
        loads = [model.load_permille("s", (step + 0.5) * STEP_S) for step in range(3 * SLOTS)]
        forecaster = learned(loads[: 2 * SLOTS])
        for step in range(2 * SLOTS, 3 * SLOTS - 3):
            forecaster = observe(forecaster, (step + 1) * STEP_S, loads[step])
            at_s = (step + 1) * STEP_S
            ours.append(abs(forecast(forecaster, at_s, 3) - loads[step + 3]))
            naive.append(abs(loads[step] - loads[step + 3]))
    assert mean(ours) < 0.75 * mean(naive)


def test_what_has_no_season_is_left_to_the_naive_forecast() -> None:
    """A load that wanders off: the season is wrong each day, and the guard sees it."""
    loads = [100.0 * 1.01**step for step in range(3 * SLOTS)]
    forecaster = learned(loads)
    assert forecaster.naive
    assert forecast(forecaster, len(loads) * STEP_S, 5) == loads[-1]


def test_a_forecaster_that_diverges_starts_over_and_counts_it() -> None:
    forecaster = learned([LOAD_MAX * 10])
    assert forecaster.restarts == 1
    assert forecast(forecaster, STEP_S, 1) == 0.0
    assert learned([LOAD_MAX * 10, 300.0]).last == 300.0


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60))
def test_whatever_is_observed_the_forecast_is_a_load(loads: list[float]) -> None:
    forecaster = learned(loads)
    for ahead in (1, 5):
        expected = forecast(forecaster, len(loads) * STEP_S, ahead)
        assert math.isfinite(expected)
        assert 0 <= expected <= LOAD_MAX * 10
