"""The market that negotiation is measured in: nobody loses what was agreed, whoever misbehaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.bench.negotiation.bound import at_most
from deploy.bench.negotiation.market import Manner
from deploy.bench.negotiation.measure import MISBEHAVES, jain
from deploy.bench.negotiation.optimum import Valued, solve, valued
from deploy.bench.negotiation.play import Mode, play
from deploy.bench.negotiation.trace import wishes

WISHES = 10


@pytest.fixture
async def found(tmp_path: Path) -> list[Valued]:
    return await valued(wishes(1, WISHES), tmp_path / "worth")


async def test_more_negotiation_agrees_on_no_less_where_nobody_competes(
    found: list[Valued], tmp_path: Path
) -> None:
    trace = [one.wish for one in found]
    told = {mode: await play(trace, tmp_path / mode.name, mode) for mode in Mode}
    more = Mode.OFF, Mode.ONE_SHOT, Mode.TRADES, Mode.FULL, Mode.INFORMED
    agreed = [told[mode].agreed for mode in more]
    assert agreed == sorted(agreed)
    assert told[Mode.ONE_SHOT].welfare < told[Mode.TRADES].welfare
    assert agreed[-1] > agreed[0]
    for mode, outcome in told.items():
        assert outcome.lost == 0
        assert min(outcome.utility.values()) >= 0, "no tenant pays more than a slice is worth"
        assert (sum(outcome.profit.values()) > 0) is (mode is not Mode.INFORMED)
        assert min(outcome.profit.values()) >= 0, "no domain sells below its cost"
    assert told[Mode.ONE_SHOT].rounds == 0 < told[Mode.FULL].rounds


@pytest.mark.parametrize("manner", list(Manner))
async def test_with_one_that_misbehaves_the_others_keep_what_they_agreed(
    found: list[Valued], tmp_path: Path, manner: Manner
) -> None:
    trace = [one.wish for one in found]
    outcome = await play(trace, tmp_path / "market", Mode.FULL, {MISBEHAVES: manner})
    assert outcome.agreed > 0
    assert outcome.lost == 0
    assert outcome.profit[MISBEHAVES] == 0, "nobody is made to take its terms"


async def test_the_optimum_is_no_less_than_what_anybody_reaches(
    found: list[Valued], tmp_path: Path
) -> None:
    pytest.importorskip("ortools")
    best = solve(found, 20)
    assert best.surplus == best.bound
    assert best.surplus <= at_most(found, 20) <= best.surplus * 1.2, "proven, and worth something"
    informed = await play([one.wish for one in found], tmp_path / "market", Mode.INFORMED)
    assert informed.welfare <= best.surplus * 1.000_001


@pytest.mark.parametrize(
    ("values", "index"), [([3, 3, 3], 1.0), ([1, 0, 0, 0], 0.25), ([2, 1], 0.9), ([], 1.0)]
)
def test_jains_index(values: list[float], index: float) -> None:
    assert jain(values) == pytest.approx(index)
