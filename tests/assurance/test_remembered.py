"""A restart changes nothing that the loop decides; what is damaged is as if it were never known."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from coordinator.assurance.decide import Action, Left, Mode, Policy, Sample, State, decide
from coordinator.assurance.forecast import LOAD_MAX, Forecaster, forecast
from coordinator.assurance.history import KEEP_S, PURGE_EVERY_ROUNDS, History
from domains.errors import StoreFailed
from domains.measurement import Condition

STEP_S = 1_800.0
POLICY = Policy(mode=Mode.PROACTIVE, interval_s=STEP_S, floor_permille=300, down_rounds=4)
DAYS = 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    opened = History(path)
    yield opened
    opened.close()


def seen(step: int, chance: Random) -> list[Sample]:
    """Two segments of a slice whose load has a daily shape; now and then one fails or is silent."""
    load = 600 + 350 * math.sin(2 * math.pi * step * STEP_S / 86_400) + chance.gauss(0, 40)
    odd = chance.choices((Condition.FAILED, Condition.UNMEASURED, None), (0.03, 0.03, 0.94))[0]
    known = None if odd else max(0.0, load)
    other = Sample("core", "b", "c", odd or Condition.HEALTHY, known, chance.choice((0, 0, 90)))
    return [Sample("transport", "a", "b", Condition.HEALTHY, load), other]


async def day(path: Path, restart_every: int | None) -> tuple[list[tuple[Action, ...]], State]:
    """Everything that is decided, with the file as the only memory at every restart."""
    history, state, told = History(path), State(Forecaster.fresh(STEP_S)), []
    chance = Random("day")
    for step in range(1, round(DAYS * 86_400 / STEP_S)):
        now_s = step * STEP_S
        if restart_every and step % restart_every == 0:
            history.close()
            history = History(path)
            recalled = history.recall("one", STEP_S, now_s)
            assert recalled is not None
            state = recalled
        before = state
        state, actions = decide(state, seen(step, chance), 700, now_s, POLICY)
        history.note("one", before, state, now_s)
        await history.keep([], step, now_s)
        told.append(actions)
    history.close()
    return told, state


async def test_who_is_restarted_decides_as_who_is_not(tmp_path: Path) -> None:
    steady = await day(tmp_path / "steady.sqlite", None)
    shaken = await day(tmp_path / "shaken.sqlite", 5)
    assert sum(map(len, steady[0])) > 30, "there is something to decide"
    assert shaken == steady


async def test_what_a_full_disk_did_not_take_is_written_when_there_is_room(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, chance = State(Forecaster.fresh(STEP_S)), Random("full")
    for step in range(1, 40):
        before, now_s = state, step * STEP_S
        state, _ = decide(state, seen(step, chance), 700, now_s, POLICY)
        history.note("one", before, state, now_s)
        if step in (7, 8, 9, 20):
            with monkeypatch.context() as full:
                full.setattr(history._durable, "submit", _full)
                with pytest.raises(StoreFailed):
                    await history.keep([], step, now_s)
        else:
            await history.keep([], step, now_s)
            assert history.recall("one", STEP_S, now_s + STEP_S) == state


def _full(statements: object) -> None:
    raise StoreFailed("the store of record is not writable: disk is full")


async def learned(history: History, rounds: int = 60) -> State:
    state, chance = State(Forecaster.fresh(STEP_S)), Random("learned")
    for step in range(1, rounds + 1):
        before, now_s = state, step * STEP_S
        state, _ = decide(state, seen(step, chance), 700, now_s, POLICY)
        history.note("one", before, state, now_s)
        await history.keep([], step, now_s)
    return state


async def test_after_hours_without_it_the_day_is_known_and_the_moment_is_not(
    history: History,
) -> None:
    state = await learned(history)
    slow = replace(state, broken_rounds={"core": 2}, down_rounds=3)
    history.note("one", state, slow, 60 * STEP_S)
    await history.keep([], 60, 60 * STEP_S)
    for now_s in (75 * STEP_S, 30 * STEP_S):  # later, or by a clock that went back
        recalled = history.recall("one", STEP_S, now_s)
        assert recalled is not None
        assert recalled.forecaster.season == state.forecaster.season
        assert recalled.forecaster.pending is None
        assert abs(recalled.forecaster.deviation) <= abs(state.forecaster.deviation)
        assert (recalled.down_rounds, recalled.broken_rounds) == (0, {})


async def test_a_forecaster_that_started_over_does_not_come_back(history: History) -> None:
    state = await learned(history)
    fresh = Forecaster.fresh(STEP_S)
    wiped = replace(state, forecaster=replace(fresh, restarts=state.forecaster.restarts + 1))
    history.note("one", state, wiped, 61 * STEP_S)
    await history.keep([], 61, 61 * STEP_S)
    assert history.recall("one", STEP_S, 62 * STEP_S) == wiped


async def test_a_season_of_another_interval_is_left_and_the_rest_is_kept(history: History) -> None:
    state = await learned(history)
    recalled = history.recall("one", STEP_S / 2, 61 * STEP_S)
    assert recalled is not None
    assert recalled.forecaster == Forecaster.fresh(STEP_S / 2)
    assert recalled.acted_s == state.acted_s
    assert history.recall("another", STEP_S, 0.0) is None


@pytest.mark.parametrize(
    ("damage", "whole"),
    [
        ("UPDATE remembered SET body = '{'", False),
        ('UPDATE remembered SET body = replace(body, \'"acted_s":[\', \'"acted_s":["x",\')', False),
        ("UPDATE remembered SET at_s = 'soon'", False),
        (f"UPDATE seasons SET load = {LOAD_MAX * 10} WHERE slot < 9", True),
        ("UPDATE seasons SET load = 9e999 WHERE slot < 9", True),
        ("UPDATE seasons SET slot = -slot - 1 WHERE slot < 9", True),
        ("UPDATE seasons SET load = 'much' WHERE slot < 9", True),
    ],
)
async def test_a_damaged_row_is_not_used_and_harms_no_decision(
    path: Path, history: History, damage: str, whole: bool
) -> None:
    await learned(history)
    with sqlite3.connect(path) as file:
        file.execute(damage)
    recalled = history.recall("one", STEP_S, 61 * STEP_S)
    assert (recalled is not None) is whole
    if recalled is not None:
        assert recalled.forecaster.season[:9] == (None,) * 9
        assert 0 <= forecast(recalled.forecaster, 61 * STEP_S, 3) <= LOAD_MAX


async def test_slices_that_are_no_more_are_forgotten_in_time(path: Path, history: History) -> None:
    await learned(history)
    state = State(Forecaster.fresh(STEP_S), left=Left("transport", "a", "b", 5.0, 2))
    later_s = 60 * STEP_S + KEEP_S + 1
    history.note("two", state, state, later_s)
    await history.keep([], PURGE_EVERY_ROUNDS, later_s)
    assert history.recall("two", STEP_S, later_s) == state
    assert history.recall("one", STEP_S, later_s) is None
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM seasons").fetchone() == (0,)
