"""What `make bench` makes of its measurements; the measurements themselves are no test."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from deploy.bench import networks
from deploy.bench.figures import Bound, Summary, Window, paired, percentile
from deploy.bench.report import Report, Table, figure


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
