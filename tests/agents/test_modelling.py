"""From the sentence to the simulator: what is asked, what is written, what slicenet shows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from coordinator.intent.rules import RulesInterpreter
from deploy.agents import experiments
from deploy.agents.errors import ToolFailed
from deploy.agents.experiments import PEAK, body, prepare, run
from deploy.agents.observing import observations
from deploy.agents.requirements import UTILISATION_PCT, Requirements, read
from deploy.home import Home
from domains.errors import InvalidRequest
from tests.agents.services import SERVICE


def wanted(text: str) -> Requirements:
    return read(text, RulesInterpreter(), ("berlin", "munich"), "berlin")


@pytest.mark.parametrize(
    ("constraint", "pct"),
    [
        ("such that average utilisation stays above 85 %", 85),
        ("so that the utilization is at least 72.5 percent", 72.5),
        ("with mean slice utilisation greater than 90%", 90),
        ("keeping its average utilisation ratio over 60 per cent", 60),
    ],
)
def test_the_constraint_is_read_and_is_no_availability(constraint: str, pct: float) -> None:
    plain = wanted("deploy a slice for video for 20 cameras in Berlin")
    assert (plain.utilisation_pct_min, plain.stated) == (UTILISATION_PCT, False)
    found = wanted(f"deploy a slice for video for 20 cameras in Berlin {constraint}")
    assert (found.utilisation_pct_min, found.stated) == (pct, True)
    assert found.service == plain.service


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video for 20 cameras such that utilisation stays above 120 %", "120 % cannot be kept"),
        ("video for 20 cameras, utilisation above 0 %", "0 % cannot be kept"),
        ("video for 20 cameras with utilisation below 50 %", "lower bound"),
        ("video for 20 cameras, utilisation above 80 %, utilisation above 90 %", "two constraints"),
        ("video for 20 patients and remote control of a surgical robot", "one slice at a time"),
        ("what is the weather", "asks for no new slice"),
        ("x" * 3_000, "at most 2000 characters"),
    ],
)
def test_what_cannot_be_planned_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        wanted(text)


def test_an_experiment_is_the_slice_with_so_much_capacity(tmp_path: Path) -> None:
    (smaller, larger) = prepare(SERVICE, tmp_path, (500, 1_000))
    for experiment, slots in ((smaller, PEAK / 2), (larger, PEAK)):
        written = yaml.safe_load(experiment.path.read_text())
        assert written == body(SERVICE, experiment.level_permille)
        (share,) = written["services"][0]["composition"]
        assert share["weight"] == pytest.approx(100 / slots, rel=1e-5)
        assert {nf["name"] for nf in written["nfs"]} == {"media-server", "upf"}
        cpu = sum(nf["cpu"] for nf in written["nfs"])
        assert written["clouds"] == [{"name": "munich", "ram": 12_288, "cpu": cpu, "hdd": 40}]


async def test_slicenet_shows_that_more_capacity_is_used_less_and_risks_less(
    tmp_path: Path,
) -> None:
    made = prepare(SERVICE, tmp_path, (600, 1_400))
    told: list[tuple[int, int]] = []
    tight, roomy = await run(made, seeds=(1,), progress=lambda *done: told.append(done))
    assert told == [(0, 2), (1, 2), (2, 2)]
    # 1.4 times the peak: the mean of a normal busy hour is 86 % of its peak, so about 61 %. It is
    # real time, so a busy processor makes sessions a little longer.
    assert 45 < roomy.utilisation_pct < 80
    assert tight.utilisation_pct > roomy.utilisation_pct + 8
    assert tight.peak_pct == pytest.approx(100, abs=0.1)
    assert tight.waited_pct > roomy.waited_pct + 5
    assert tight.sessions == roomy.sessions > 50


async def test_the_same_question_twice_has_the_same_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepare(SERVICE, tmp_path / "once", (1_000,))
    first = await observations(Home(tmp_path), made, (1,))
    monkeypatch.setattr(experiments, "_SIMULATOR", tmp_path / "gone.py")
    again = prepare(SERVICE, tmp_path / "twice", (1_000,))
    assert [asdict(one) for one in await observations(Home(tmp_path), again, (1,))] == [
        asdict(one) for one in first
    ]
    with pytest.raises(ToolFailed, match="slicenet failed"):
        await observations(Home(tmp_path), again, (2,))


async def test_an_experiment_that_is_wrong_or_never_ends_is_a_named_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,) = prepare(SERVICE, tmp_path, (1_000,))
    small = yaml.safe_load(made.path.read_text())
    small["clouds"][0]["cpu"] = 0.5
    made.path.write_text(yaml.safe_dump(small))
    with pytest.raises(ToolFailed, match="its functions do not fit the clouds"):
        await run([made], seeds=(1,))
    monkeypatch.setattr(experiments, "RUN_S_MAX", 0.05)
    with pytest.raises(ToolFailed, match=r"slicenet did not end within 0.05 s"):
        await run([made], seeds=(1,))
