"""The decision core: it acts in time, not twice, not too often, and says why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.assurance.decide import (
    ACTIONS_PER_HOUR_MAX,
    BROKEN_ROUNDS,
    HOUR_S,
    RETURN_S,
    RETURNS_MAX,
    Action,
    Mode,
    Policy,
    Renegotiate,
    Reroute,
    Return,
    Sample,
    Scale,
    State,
    Tell,
    decide,
)
from coordinator.assurance.forecast import DAY_S, Forecaster, observe
from domains.measurement import Condition

STEP_S = 300.0
REACTIVE = Policy(mode=Mode.REACTIVE, interval_s=STEP_S, floor_permille=300)
PROACTIVE = replace(REACTIVE, mode=Mode.PROACTIVE)
OFF = replace(REACTIVE, mode=Mode.OFF)


def well(load: float, **changes: object) -> Sample:
    plain = Sample("transport", "a", "b", Condition.HEALTHY, load)
    return replace(plain, **changes)  # type: ignore[arg-type]


def fresh() -> State:
    return State(Forecaster.fresh(STEP_S))


def rounds(
    policy: Policy, loads: Sequence[float], state: State | None = None, held: int = 1_000
) -> tuple[list[tuple[Action, ...]], int]:
    """Carry actions out as they come; the actions of each round and what is held in the end."""
    state, told = state or fresh(), []
    for step, load in enumerate(loads):
        state, actions = decide(state, [well(load)], held, step * STEP_S, policy)
        for action in actions:
            if isinstance(action, Scale):
                held = action.permille
        told.append(actions)
    return told, held


def test_a_quiet_slice_is_left_alone() -> None:
    actions, held = rounds(replace(REACTIVE, floor_permille=1_000), [500.0] * 50)
    assert not any(actions)
    assert held == 1_000


def test_a_busy_slice_grows_at_once_and_no_further_than_the_ceiling() -> None:
    (first,), _ = rounds(REACTIVE, [900.0])
    (action,) = first
    assert isinstance(action, Scale)
    assert action.permille == 1_250  # 900 and 35 % of room, in steps of 50
    assert "90 % of what is agreed" in action.why
    assert rounds(REACTIVE, [5_000.0])[1] == REACTIVE.ceiling_permille


def test_what_is_not_used_is_given_back_only_when_that_was_right_for_a_while() -> None:
    actions, held = rounds(REACTIVE, [300.0] * REACTIVE.down_rounds)
    assert [len(one) for one in actions] == [0] * (REACTIVE.down_rounds - 1) + [1]
    assert held == 450
    flickering = [300.0, 300.0, 300.0, 790.0] * 10
    assert not any(rounds(REACTIVE, flickering)[0]), "a load that comes back resets the count"


def test_without_the_tenants_consent_nothing_goes_below_what_is_agreed() -> None:
    careful = replace(REACTIVE, floor_permille=1_000)
    assert rounds(careful, [10.0] * 100)[1] == 1_000
    assert rounds(careful, [950.0, *[10.0] * 100])[1] == 1_000


def test_the_proactive_loop_grows_before_the_load_is_there_and_the_reactive_one_after() -> None:
    day = round(DAY_S / STEP_S)

    def load(step: int) -> float:
        return 675 - 275 * math.cos(2 * math.pi * step / day)

    forecaster = Forecaster.fresh(STEP_S)
    for step in range(2 * day):
        forecaster = observe(forecaster, step * STEP_S, load(step))
    too_full = {}
    for policy in (REACTIVE, PROACTIVE):
        state, held, too_full[policy.mode] = State(forecaster), 1_000, 0
        for step in range(2 * day, 3 * day):
            too_full[policy.mode] += load(step) > held * policy.busy_permille / 1_000
            state, actions = decide(state, [well(load(step))], held, step * STEP_S, policy)
            held = next((a.permille for a in actions if isinstance(a, Scale)), held)
    assert too_full[Mode.REACTIVE] > 0
    assert too_full[Mode.PROACTIVE] == 0


def test_a_failed_segment_is_carried_around_once_and_the_load_is_not_learned_from() -> None:
    state = decide(fresh(), [well(500.0)], 1_000, 0.0, REACTIVE)[0]
    dead = well(0.0, condition=Condition.FAILED, reason="nothing passes")
    state, actions = decide(state, [dead, well(500.0, domain="core")], 1_000, STEP_S, REACTIVE)
    (action,) = actions
    assert isinstance(action, Reroute)
    assert (action.domain, action.ingress, action.egress) == ("transport", "a", "b")
    assert state.forecaster.last == 500.0
    state, actions = decide(state, [dead], 1_000, STEP_S + 60, REACTIVE)
    assert not actions, "it has just been moved, or cannot be"
    _, actions = decide(state, [dead], 1_000, STEP_S + 600, REACTIVE)
    assert [type(action) for action in actions] == [Reroute]


def detoured() -> State:
    """A slice that has just been carried around a failure of `transport`, at time 0."""
    dead = well(0.0, condition=Condition.FAILED, reason="nothing passes")
    state, (action,) = decide(fresh(), [dead], 1_000, 0.0, REACTIVE)
    assert isinstance(action, Reroute)
    return state


def test_who_went_around_a_failure_looks_for_a_cheaper_way_less_and_less_often() -> None:
    state, detour, at_s = detoured(), well(700.0, domain="transport-two"), []
    for step in range(1, 3 * 24 * 12):
        state, actions = decide(state, [detour], 1_000, step * STEP_S, REACTIVE)
        at_s += [step * STEP_S for action in actions if isinstance(action, Return)]
    waits = [later - earlier for earlier, later in zip([0.0, *at_s], at_s, strict=False)]
    assert waits == [RETURN_S * 2**number for number in range(RETURNS_MAX)]


def test_who_is_back_on_its_way_looks_no_further() -> None:
    state = detoured()
    for step in range(1, 100):
        state, actions = decide(state, [well(700.0)], 1_000, step * STEP_S, REACTIVE)
        assert not actions


def test_a_way_back_that_still_carries_nothing_is_left_at_once_and_tried_later_than_before() -> (
    None
):
    detour = well(700.0, domain="transport-two")
    state, actions = decide(detoured(), [detour], 1_000, RETURN_S, REACTIVE)
    assert [type(action) for action in actions] == [Return]
    dead = well(0.0, condition=Condition.FAILED, reason="nothing passes")
    state, actions = decide(state, [dead], 1_000, RETURN_S + STEP_S, REACTIVE)
    assert [type(action) for action in actions] == [Reroute]
    assert not decide(state, [detour], 1_000, 2 * RETURN_S + STEP_S, REACTIVE)[1]
    _, actions = decide(state, [detour], 1_000, 3 * RETURN_S + STEP_S, REACTIVE)
    assert [type(action) for action in actions] == [Return]


def test_nobody_returns_for_its_price_to_who_broke_a_promise() -> None:
    state, slow = detoured(), well(700.0, domain="transport-two", worse_permille=400)
    for step in range(1, 30):
        samples = [slow if step <= BROKEN_ROUNDS else well(700.0, domain="transport-three")]
        state, actions = decide(state, samples, 1_000, step * STEP_S, REACTIVE)
        assert bool(actions) is (step == BROKEN_ROUNDS)


def test_a_clock_that_is_set_back_blocks_no_repair() -> None:
    """What was done "in the future" counts neither as recent nor as a move just made."""
    dead = well(0.0, condition=Condition.FAILED, reason="nothing passes")
    busy = State(fresh().forecaster, acted_s=(9e9,) * ACTIONS_PER_HOUR_MAX, moved_at_s=9e9)
    state, actions = decide(busy, [dead], 1_000, HOUR_S, REACTIVE)
    assert [type(action) for action in actions] == [Reroute]
    assert state.acted_s == (HOUR_S,)


def test_a_domain_that_contradicts_its_promise_is_named() -> None:
    state, slow = fresh(), well(300.0, worse_permille=400)
    for number in range(1, BROKEN_ROUNDS + 1):
        state, actions = decide(
            state, [slow], 1_000, number * STEP_S, replace(REACTIVE, down_rounds=99)
        )
        assert bool(actions) is (number == BROKEN_ROUNDS)
    (action,) = actions
    assert isinstance(action, Renegotiate)
    assert "transport is 40 % slower than it promised" in action.why
    assert "calls that healthy" in action.why


def test_slow_once_or_slow_because_full_is_no_broken_promise() -> None:
    quiet = replace(REACTIVE, down_rounds=99)
    state = fresh()
    for number in range(12):
        slow = well(300.0, worse_permille=400 if number % BROKEN_ROUNDS else 0)
        state, actions = decide(state, [slow], 1_000, number * STEP_S, quiet)
        assert not actions


def test_an_unmeasured_segment_is_told_once_and_so_is_its_return() -> None:
    gone = well(0.0, condition=Condition.UNMEASURED, load_permille=None, reason="no counters")
    state, actions = decide(fresh(), [gone], 1_000, 0.0, OFF)
    (told,) = actions
    assert isinstance(told, Tell)
    assert (told.event, told.text) == ("unmeasured", "transport is not measured: no counters")
    state, actions = decide(state, [gone], 1_000, STEP_S, OFF)
    assert not actions
    _, actions = decide(state, [well(100.0)], 1_000, 2 * STEP_S, OFF)
    assert [a.event for a in actions if isinstance(a, Tell)] == ["measured again"]


def test_a_slice_has_a_budget_of_changes_and_hears_when_it_is_spent() -> None:
    state, done, told = fresh(), 0, []
    for number in range(20):
        state, actions = decide(state, [well(1_400.0, lossy=True)], 1_000, number * 60.0, REACTIVE)
        done += sum(isinstance(a, Scale) for a in actions)
        told += [a.event for a in actions if isinstance(a, Tell)]
    assert done == ACTIONS_PER_HOUR_MAX
    assert told == ["budget spent"]
    _, actions = decide(state, [well(1_400.0)], 1_000, 2 * 3_600.0, REACTIVE)
    assert [type(a) for a in actions] == [Scale], "an hour later there is a budget again"


def test_one_of_three_that_makes_up_a_load_is_not_believed_and_named_once() -> None:
    liar = well(90_000.0, domain="access")
    honest = [well(500.0), well(490.0, domain="core")]
    state, actions = decide(fresh(), [liar, *honest], 1_000, 0.0, PROACTIVE)
    assert [(a.event, a.domain) for a in actions if isinstance(a, Tell)] == [
        ("contradiction", "access")
    ]
    assert state.forecaster.last == 500.0
    state, actions = decide(state, [liar, *honest], 1_000, STEP_S, PROACTIVE)
    assert not actions


def test_who_loses_what_it_says_and_who_is_one_of_two_is_believed() -> None:
    """Its loss counts against itself; and of two nobody knows which one is wrong."""
    head = well(1_400.0, domain="access", lossy=True)
    _, (action,) = decide(fresh(), [head, well(500.0), well(500.0)], 1_000, 0.0, REACTIVE)
    assert isinstance(action, Scale)
    _, (action,) = decide(fresh(), [well(1_400.0), well(10.0)], 1_000, 0.0, REACTIVE)
    assert isinstance(action, Scale)


def test_a_huge_load_is_learned_as_no_more_than_what_cannot_be_held() -> None:
    state = fresh()
    for number in range(3):
        load = 1e15 if number == 1 else 400.0
        state, _ = decide(state, [well(load)], 1_000, number * STEP_S, PROACTIVE)
    assert state.forecaster.restarts == 0
    assert max(load or 0.0 for load in state.forecaster.season) == 3_000.0


def test_off_does_nothing_but_look() -> None:
    dead = well(0.0, condition=Condition.FAILED)
    assert not decide(fresh(), [dead], 1_000, 0.0, OFF)[1]
    assert not decide(fresh(), [well(3_000.0)], 1_000, 0.0, OFF)[1]


@given(
    st.lists(st.tuples(st.floats(0, 5_000), st.sampled_from(Condition)), max_size=60),
    st.sampled_from([REACTIVE, PROACTIVE]),
)
@pytest.mark.timeout(120)
def test_whatever_happens_it_stays_within_its_bounds(
    seen: list[tuple[float, Condition]], policy: Policy
) -> None:
    state, held, acted = fresh(), 1_000, []
    for step, (load, condition) in enumerate(seen):
        now_s = step * STEP_S
        state, actions = decide(state, [well(load, condition=condition)], held, now_s, policy)
        changes = [action for action in actions if not isinstance(action, Tell)]
        assert len(changes) <= 1
        for action in changes:
            acted.append(now_s)
            if isinstance(action, Scale):
                assert policy.floor_permille <= action.permille <= policy.ceiling_permille
                assert action.permille != held
                held = action.permille
        assert sum(at_s > now_s - 3_600 for at_s in acted) <= ACTIONS_PER_HOUR_MAX
    assert len(state.forecaster.season) == round(DAY_S / STEP_S)
