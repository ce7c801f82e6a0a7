"""`entente train` and `entente jobs`, each command a process: Ray reads its token at import."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from deploy.parcel import PACKAGES
from deploy.training import told
from domains.policy import read

ROOT = Path(__file__).resolve().parents[2]
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="the learn extra is missing")
TINY = """
env = "sliceorch"
steps = {steps}
envs = 16
settings = {{profile = "C2", requests = [4]}}
network = {{width = 8, hidden = [8]}}
ppo = {{rollout = 256, batch = 128, epochs = 1}}
evaluation_episodes = 10
"""


class Cli:
    """`entente` with a state folder of its own."""

    def __init__(
        self, home: Path, root: Path = ROOT, cwd: Path = ROOT, token: Path | None = None
    ) -> None:
        self._cwd = cwd
        self._environment = {**os.environ, "ENTENTE_HOME": str(home), "PYTHONPATH": str(root)}
        self._environment.pop("RAY_ADDRESS", None)
        if token is not None:
            self._environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        return self.python("-m", "deploy", *arguments, code=code)

    def python(self, *arguments: str, code: int = 0) -> str:
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=self._cwd,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert ended.returncode == code, (ended.stdout, ended.stderr)
        assert "Traceback" not in ended.stderr
        self.said = ended.stderr
        return ended.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    home = Cli(tmp_path / "home")
    yield home
    home("jobs", "end")


@pytest.mark.ray
@pytest.mark.skipif("ENTENTE_TRAINING" not in os.environ, reason="make test-training runs it")
@needs_torch
@pytest.mark.timeout(1000)
def test_a_training_is_submitted_listed_followed_and_stopped(cli: Cli, tmp_path: Path) -> None:
    plan, long = tmp_path / "tiny.toml", tmp_path / "long.toml"
    plan.write_text(TINY.format(steps=512))
    long.write_text(TINY.format(steps=100_000_000))
    out = str(tmp_path / "out")
    endless = cli.json("train", str(long), "--detach", "--out", str(tmp_path / "endless"))["job"]
    lines = cli("train", str(plan), "--out", out, "--json").splitlines()
    iterations = [body for body in map(told, lines) if body and "iteration" in body]
    assert [body["iteration"] for body in iterations] == [1, 2]
    assert iterations[-1]["eta_s"] == 0
    assert (tmp_path / "out" / "policies" / "agent.npz").exists()
    assert cli.json("jobs", "stop", endless)["status"] == "STOPPED"
    assert [job["status"] for job in cli.json("jobs")] == ["STOPPED", "SUCCEEDED"]
    assert "iteration" in cli("jobs", "logs", endless)
    cli("jobs", "logs", "nobody", code=1)
    assert "there is no job 'nobody'" in cli.said


@pytest.mark.ray
@pytest.mark.skipif("ENTENTE_TRAINING" not in os.environ, reason="make test-training runs it")
@needs_torch
@pytest.mark.timeout(1000)
def test_a_sweep_over_seeds_and_settings_tells_each_variant_apart(cli: Cli, tmp_path: Path) -> None:
    """The plan is named from where the command runs; trainings run in folders of their own."""
    plan, out = tmp_path / "tiny.toml", tmp_path / "out"
    plan.write_text(TINY.format(steps=256))
    grid = ["--seeds", "2", "--sweep", "ppo.lr=1e-3;0.0"]
    lines = cli("train", str(plan), *grid, "--out", str(out), "--json").splitlines()
    rows = [body for body in map(told, lines) if body and "variant" in body]
    assert rows == json.loads((out / "sweep.json").read_text())
    by_rate = {row["variant"]["ppo.lr"]: row for row in rows}
    assert set(by_rate) == {"1e-3", "0.0"}
    for rate, row in by_rate.items():
        assert row["failed"] == {}
        assert set(row["scores"]) == {"0", "1"}
        key = "availability n=4"
        scores = [row["scores"][seed][key] for seed in ("0", "1")]
        assert row["means"][key] == pytest.approx(sum(scores) / 2)
        assert (out / f"ppo.lr={rate}" / "seed-1" / "policies" / "agent.npz").exists()
    best = [max(row["means"].values()) for row in rows]
    assert best == sorted(best, reverse=True)


THEIRS = """
from deploy.home import Home
from deploy.training import start_head, use_own_token
home = Home.of_environment().prepare()
use_own_token(home)
print(start_head(home, 2).address, home.ray_token())
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Somebody else's: its address and the token it takes. Its Python has our code as it is here,
    which is not the code that is sent."""
    theirs = Cli(tmp_path / "theirs")
    address, token = theirs.python("-c", THEIRS).split()[-2:]
    yield address, Path(token)
    theirs("jobs", "end")


@pytest.mark.ray
@pytest.mark.skipif("ENTENTE_TRAINING" not in os.environ, reason="make test-training runs it")
@needs_torch
@pytest.mark.timeout(1000)
def test_a_cluster_elsewhere_gets_our_code_and_gives_back_the_policies(
    cluster: tuple[str, Path], tmp_path: Path
) -> None:
    """Sent from an installation with other packages beside ours; "mine" is a plan of its own."""
    address, token = cluster
    site, desk, there = tmp_path / "site-packages", tmp_path / "desk", tmp_path / "there" / "mine-0"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, site / package)
    (site / "envs" / "learning" / "configs" / "mine.toml").write_text(TINY.format(steps=512))
    desk.mkdir()
    cli = Cli(tmp_path / "ours", site, desk, token)
    where = ("--cluster", address)

    text = cli("train", "mine", *where, "--out", str(there), "--json")
    bodies = [body for body in map(told, text.splitlines()) if body]
    assert [body["iteration"] for body in bodies if "iteration" in body] == [1, 2]
    assert not any("file" in body for body in bodies)
    ending = json.loads(text[text.rindex("\n{\n") :])
    assert ending["policies"] == ["runs/mine-0/policies/agent.npz"]
    brought = desk / "runs" / "mine-0" / "policies" / "agent.npz"
    assert brought.read_bytes() == (there / "policies" / "agent.npz").read_bytes()
    assert read(brought).manifest.environment == "entente/SliceOrch-v1"
    scores = cli.json(
        "evaluate", "iiot", "--requests", "4", "--episodes", "10", "--policy", str(brought)
    )
    assert scores

    name = ending["job"]
    assert [job["name"] for job in cli.json("jobs", *where)] == [name]
    assert "base64" not in cli("jobs", "logs", name, *where)
    again = cli.json("jobs", "fetch", name, *where, "--out", "again")["policies"]
    assert (desk / again[0]).read_bytes() == brought.read_bytes()

    stranger = Cli(tmp_path / "stranger", site, desk)
    stranger("train", "mine", *where, code=3)
    assert f"no cluster takes jobs at {address}" in stranger.said


@needs_torch
def test_what_cannot_be_trained_is_said_before_anything_starts(cli: Cli) -> None:
    cli("train", "nothing", code=1)
    assert "sliceorch-c2" in cli.said
    cli("train", "sliceorch-c2", "--cluster", "http://127.0.0.1:9", code=3)
    assert "no cluster takes jobs at http://127.0.0.1:9" in cli.said
    cli("train", "sliceorch-c2", "--cluster", "127.0.0.1:9", code=3)
    assert "an address is http://host:8265" in cli.said


def test_without_a_training_there_is_nothing_to_list_or_stop(cli: Cli) -> None:
    assert "no trainings" in cli("jobs")
    cli("jobs", "stop", "nobody", code=1)
    assert "no trainings run here" in cli.said


def test_a_policy_file_says_what_it_is_and_a_damaged_one_is_refused(
    cli: Cli, tmp_path: Path
) -> None:
    from envs.sliceorch.policies.learned import SHIPPED

    shown = cli.json("policy", "show", str(SHIPPED / "c2-qappo.npz"))
    assert shown["environment"] == "entente/SliceOrch-v1"
    (tmp_path / "cut.json").write_bytes((SHIPPED / "c2-qappo.json").read_bytes())
    (tmp_path / "cut.npz").write_bytes((SHIPPED / "c2-qappo.npz").read_bytes()[:-1])
    cli("policy", "show", str(tmp_path / "cut.npz"), code=1)
    assert "is not what its manifest says" in cli.said


@pytest.mark.parametrize("line", ["", "text", "{", "[1]", '{"broken": '])
def test_what_others_print_is_not_taken_for_a_training(line: str) -> None:
    assert told(line) is None
