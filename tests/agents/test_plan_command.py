"""`entente plan`, `functions` and `export` as an operator meets them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy import federation
from deploy.cli import app
from deploy.home import Home
from deploy.hosts import Launcher
from deploy.runtime import Runtime

SENTENCE = "deploy a slice for video for 20 cameras in Berlin to Munich, utilisation above 70 %"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("home")
    found = federation.load(federation.DEFAULT).on_free_ports()
    with Runtime(Home(root).prepare(), found, Launcher.PROCESS):
        yield root


def entente(home: Path, *arguments: str, code: int = 0) -> Any:
    ended = CliRunner().invoke(app, list(arguments), env={"ENTENTE_HOME": str(home)})
    assert ended.exit_code == code, (ended.output, ended.exception)
    assert "Traceback" not in ended.output
    return json.loads(ended.stdout) if "--json" in arguments else ended.output


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A plan where nothing runs: its state folder, and what it said."""
    root = tmp_path_factory.mktemp("alone")
    return root, entente(root, "plan", SENTENCE, "--out", str(root / "out"))


@pytest.mark.timeout(180)  # 15 s where nothing else runs
def test_where_nothing_runs_a_plan_starts_a_federation_of_its_own(alone: tuple[Path, str]) -> None:
    root, seen = alone
    assert "nothing runs here" in seen
    assert "choose one" in seen
    assert seen.count("munich ") >= 3
    assert (root / "out" / "recommendations.png").exists()
    assert not (root / "run.json").exists()


@pytest.mark.timeout(180)  # 15 s where nothing else runs
def test_an_operator_plans_looks_after_functions_and_exports(
    home: Path, alone: tuple[Path, str], tmp_path: Path
) -> None:
    shutil.copytree(alone[0] / "plans", home / "plans")  # slicenet need not run twice here
    made = entente(home, "plan", SENTENCE, "--choose", "1", "--json", "--out", str(tmp_path / "p"))
    assert made["chosen"]["keeps_constraint"]
    assert made["measured_utilisation_pct"] is not None
    assert json.loads((tmp_path / "p" / "plan.json").read_text()) == made
    slice_id = made["slice"]["name"].removeprefix("slices/")

    def running() -> dict[str, bool]:
        found = entente(home, "functions", slice_id, "--json")["segments"]
        return {f["name"]: f["running"] for s in found for f in s["functions"]}

    assert all(running().values())
    entente(home, "functions", slice_id, "--action", "stop")
    assert not any(running().values())
    entente(home, "functions", slice_id, "--action", "start")
    assert all(running().values())
    told = entente(home, "functions", slice_id, "--action", "scale", code=1)
    assert "how many copies" in told
    assert "pools that slices share" in entente(
        home, "functions", slice_id, "--action", "restart", code=1
    )
    assert "no function 'x'; it has: " in entente(
        home, "functions", slice_id, "--action", "restart", "--function", "x", code=1
    )
    assert "one of: monitor" in entente(home, "functions", slice_id, "--action", "melt", code=2)
    assert "no domain here runs" in entente(home, "functions", "nobody", code=1)

    written = entente(home, "export", slice_id, "--out", str(tmp_path / "x"), "--json")
    assert "slice.csar" in written["files"]
    assert "not empty" in entente(home, "export", slice_id, "--out", str(tmp_path / "x"), code=1)


@pytest.mark.timeout(180)  # 3 s where nothing else runs
def test_a_federation_of_its_own_leaves_nothing_where_a_plan_is_refused(
    alone: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(alone[0] / "plans", tmp_path / "home" / "plans")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    refused = entente(tmp_path / "home", "plan", SENTENCE, "--choose", "99", code=1)
    assert "there is no recommendation 99" in refused
    assert not list((tmp_path / "tmp").glob("entente-plan-*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hello there",), "asks for no new slice"),
        ((SENTENCE, "--feedback", "cheaper, and price does not matter"), "which one?"),
        ((SENTENCE, "--agents", "none.yaml"), "No such file"),
    ],
)
def test_what_cannot_be_planned_is_refused_before_anything_starts(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    assert said in entente(tmp_path, "plan", *arguments, code=1)
    assert not list((tmp_path / "databases").glob("*"))
