"""What `make bench` makes of its measurements; the measurements themselves are no test."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from coordinator.assurance.decide import Mode, Policy, Return, Scale
from deploy.bench import networks, trace
from deploy.bench.__main__ import FIGURES, Name, main
from deploy.bench.assurance import FLOOR_PERMILLE
from deploy.bench.causes import Cause, cause_of
from deploy.bench.figures import Bound, Summary, Window, paired, percentile
from deploy.bench.report import Report, Table, figure
from deploy.bench.sections import rewritten
from deploy.federation import CONFIGS, load
from domains.errors import EntenteError


def window(latencies_ms: list[float], coordinator_s: float, domain_s: float) -> Window:
    cpu_s = {"coordinator": coordinator_s, "access": domain_s}
    return Window(2.0, [ms / 1e3 for ms in latencies_ms], cpu_s)


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 1), (50, 50), (50.5, 51), (99, 99), (99.1, 100), (100, 100)]
)
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    shuffled = [(7 * i) % 101 for i in range(1, 101)]
    assert sorted(shuffled) == list(range(1, 101))
    assert percentile(shuffled, percent) == expected


def test_a_single_value_is_every_percentile() -> None:
    assert [percentile([3.5], p) for p in (1, 50, 99, 100)] == [3.5] * 4


def test_cpu_is_counted_per_operation_and_by_process() -> None:
    one = window([10, 20, 30, 40], coordinator_s=0.08, domain_s=0.04)
    assert one.per_s == 2.0
    assert one.cpu_ms == pytest.approx(30)
    found = Summary.of([one])
    assert found.cpu_ms_of == pytest.approx({"coordinator": 20, "access": 10})
    assert found.operations == 4
    assert [found.p50_ms, found.p99_ms] == pytest.approx([20, 40])


def test_one_disturbed_window_does_not_move_a_summary() -> None:
    calm = [window([10, 10], 0.02, 0.02), window([12, 12], 0.02, 0.02)]
    disturbed = window([900, 900], 3.0, 3.0)
    found = Summary.of([calm[0], disturbed, calm[1]])
    assert found.p50_ms == pytest.approx(12)
    assert found.cpu_ms == pytest.approx(20)


def test_a_ratio_is_taken_between_neighbours_so_that_drift_cancels() -> None:
    """The machine becomes three times slower halfway; a slice costs two bare calls throughout."""
    speeds = (1.0, 1.0, 3.0, 3.0, 3.0)
    bare = [window([5 * s], 0.01, 0.01) for s in speeds]
    slices = [window([10 * s], 0.02, 0.02) for s in speeds]
    assert paired(slices, bare, lambda one: one.p50_ms) == pytest.approx(2)
    with pytest.raises(ValueError, match="zip"):
        paired(slices, bare[:-1], lambda one: one.p50_ms)


def test_a_bound_is_kept_up_to_its_value() -> None:
    assert Bound("CPU", 1.5, 1.5, "x").kept
    assert not Bound("CPU", 1.501, 1.5, "x").kept


def test_a_report_says_the_same_to_people_and_to_programs() -> None:
    bound = Bound("CPU, 1 tenant", 1.62, 1.5, "x bare")
    report = Report("set-up", (Table("t", ("a", "b"), [("row", "1")]),), {"x": 1}, (bound,))
    assert report.json() == {"x": 1, "targets": [bound.plain()]}
    assert "| CPU, 1 tenant | 1.62 x bare | 1.50 x bare | missed |" in report.markdown()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.000"),
        (0.0123, "0.012"),
        (1.5, "1.50"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345.6, "12,346"),
    ],
)
def test_figures_are_shown_with_three_digits(value: float, shown: str) -> None:
    assert figure(value) == shown


def test_measured_networks_are_the_shipped_one_but_for_size_names_and_price(
    tmp_path: Path,
) -> None:
    plain = networks.germany(tmp_path / "four")
    assert len(plain.members) == 4
    beside = networks.regions(tmp_path / "regions", 8)
    rivals = networks.rivals(tmp_path / "rivals", 8)
    for many in (beside, rivals):
        assert len({member.name for member in many.members}) == 8
        assert len({member.address for member in many.members}) == 8

    def access(folder: str, name: str) -> Any:
        return tomllib.loads((tmp_path / folder / name).read_text())["access"]

    first, second = access("rivals", "access.toml"), access("rivals", "access-1.toml")
    assert first["gateways"] == second["gateways"]
    assert first["price_micros_per_prb"] != second["price_micros_per_prb"]
    assert access("regions", "access-1.toml")["gateways"] != first["gateways"]


def test_measured_sections_are_written_anew_and_what_people_wrote_stays() -> None:
    old = (
        "# Words\n\n<!-- measured: one -->\nold\n<!-- /measured: one -->\n\nmore \\1 words\n"
        "<!-- measured: two -->\nkept\n<!-- /measured: two -->\nlast words\n"
    )
    report = Report("one", (Table("t", ("a", "b"), [("x\\g<0>", "1")]),), {})
    new = rewritten(old, [report], "Here and now.")
    assert new == rewritten(new, [report], "Here and now."), "again is the same"
    assert "old" not in new
    assert "| x\\g<0> | 1 |" in new
    assert "Here and now." in new
    before, after = old.split("<!-- measured: one -->\nold\n<!-- /measured: one -->")
    assert new.startswith(before)
    assert new.endswith(after)
    with pytest.raises(EntenteError, match="0 sections"):
        rewritten("words", [report], "")


def test_every_euro_that_a_day_costs_more_or_less_has_a_cause() -> None:
    federation = load(CONFIGS / "federation")
    days = {
        mode: trace.run(
            federation, 3, 4, Policy(mode=mode, interval_s=7_200.0, floor_permille=FLOOR_PERMILLE)
        )
        for mode in (Mode.OFF, Mode.REACTIVE)
    }
    off, on = days[Mode.OFF], days[Mode.REACTIVE]
    assert on.spent.changes.total() > 0
    assert on.price_micros - off.price_micros == on.spent.paid.total()
    assert on.unmeasured_steps == off.unmeasured_steps == 0, "every interval is scored"
    assert 0 <= on.spent.changes.total() - on.new_steps <= 4, "the day ends with the last ones"
    assert off.new_steps == 0


def test_a_change_has_the_cause_that_it_serves() -> None:
    assert cause_of(Scale(1_250, 900.0, ""), 1_000) is Cause.BEYOND
    assert cause_of(Scale(700, 300.0, ""), 1_250) is Cause.BEYOND
    assert cause_of(Scale(700, 300.0, ""), 1_000) is Cause.SHRINKING
    assert cause_of(Scale(1_000, 800.0, ""), 700) is Cause.GROWING_BACK
    assert cause_of(Return(""), 700) is Cause.RETURN


def test_a_part_of_the_figures_is_not_written_over_all_of_them() -> None:
    before = FIGURES.read_bytes()
    with pytest.raises(typer.BadParameter, match="whole"):
        main(only=[Name.SETUP], write=True)
    assert FIGURES.read_bytes() == before
