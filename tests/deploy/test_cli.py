"""`entente` as a user meets it: real domains and a real coordinator, each in its own process."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy import federation
from deploy.cli import app
from deploy.commands.run import _reason
from deploy.demo import SENTENCE
from deploy.home import Home, Lock, Run
from deploy.hosts import Launcher
from deploy.processes import is_same, started, wait_until
from deploy.runtime import Runtime
from domains.errors import WrongState

ROOT = Path(__file__).resolve().parents[2]
SMALL = "telemetry from 10 sensors in Berlin, 100 ms, 1 Mbit/s uplink"


class Cli:
    """`entente` with a state folder of its own."""

    def __init__(self, home: Path, tenant: str = "local") -> None:
        self._home = home
        self._tenant = tenant

    def __call__(self, *arguments: str, code: int = 0, answer: str | None = None) -> str:
        """What it says on stdout; asserts the exit code and that nobody sees a traceback."""
        environment = {"ENTENTE_HOME": str(self._home), "ENTENTE_TENANT": self._tenant}
        ended = CliRunner().invoke(app, list(arguments), input=answer, env=environment)
        assert ended.exit_code == code, (ended.output, ended.exception)
        assert "Traceback" not in ended.output
        self.said = ended.stderr
        return ended.stdout

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("home")
    found = federation.load(federation.DEFAULT).on_free_ports()
    with Runtime(Home(root).prepare(), found, Launcher.PROCESS):
        yield root


@pytest.fixture
def cli(home: Path) -> Cli:
    return Cli(home)


@pytest.fixture
def nowhere(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "nothing-runs-here")


# -- a slice, from the sentence to its end --------------------------------------------------


def test_a_sentence_becomes_slices_and_the_exit_code_is_zero(cli: Cli) -> None:
    reply = cli.json("request", SENTENCE, "--accept")
    assert {"slices", "proposal", "reason", "operation"} <= reply.keys()
    assert reply["reason"] is None
    assert [slice_["state"] for slice_ in reply["slices"]] == ["activated", "activated"]
    for slice_ in reply["slices"]:
        assert len(slice_["segments"]) >= 3
        assert slice_["metrics"]["latency_us"] <= slice_["agreed"]["latency_us_max"]
        ended = cli.json("terminate", slice_["name"])
        assert [end["state"] for end in ended["slices"]] == ["terminated"]


def test_a_rejected_proposal_holds_nothing_and_ends_with_one(cli: Cli) -> None:
    reply = cli.json("request", SENTENCE, "--reject", code=1)
    assert reply["reason"] == "PROPOSAL_REJECTED"
    assert reply["slices"] == []
    assert reply["proposal"]["relaxations"][0]["domain"]
    assert cli.json("slices") == {"slices": []}


def test_whoever_trades_says_what_it_is_worth_or_nothing_is_relaxed(cli: Cli) -> None:
    reply = cli.json("request", SENTENCE, "--trade", code=1)
    assert reply["reason"] == "RELAXATION_NEEDED"
    (made,) = cli.json("request", f"{SMALL}, at most 50 EUR/h", "--trade")["slices"]
    assert made["requested"]["price_micros_max"] == 50_000_000
    assert made["metrics"]["price_micros"] <= made["requested"]["price_micros_max"]
    assert cli.json("terminate", made["name"])["slices"][0]["state"] == "terminated"


def test_without_a_terminal_a_proposal_is_declined_and_says_how_to_accept(cli: Cli) -> None:
    cli("request", SENTENCE, code=1)
    assert "--accept" in cli.said


def test_a_slice_can_be_shown_explained_augmented_and_ended(cli: Cli) -> None:
    (made,) = cli.json("request", SMALL)["slices"]
    name = made["name"].removeprefix("slices/")
    assert [slice_["name"] for slice_ in cli.json("slices")["slices"]] == [made["name"]]
    assert cli.json("show", name)["agreed"]["uplink_kbps"] == 1_000
    for word in ("asked", "agreed", "promised"):
        assert word in cli("show", name)

    (grown,) = cli.json("augment", name, "--uplink-mbps", "2")["slices"]
    assert grown["agreed"]["uplink_kbps"] == 2_000
    assert grown["state"] == "activated"

    record = cli.json("why", name)
    assert record["verified"] is True
    steps = [event["step"] for event in record["events"]]
    assert {"profile", "split", "offers", "negotiate", "deploy"} <= set(steps)
    assert "unbroken" in cli("why", name)
    assert "What the domains said" in cli("why", name)
    assert "reserve" in cli("why", name, "--table")
    instead = cli.json("why", name, "--not", "latency 1 ms")
    assert instead["feasible"] is False
    assert instead["binding"]["domain"] in instead["text"]
    assert cli("why", name, "--not", "latency 1 ms").strip() == instead["text"]

    assert "terminated" in cli("terminate", name)
    assert cli.json("slices") == {"slices": []}
    ended = [slice_["name"] for slice_ in cli.json("slices", "--all")["slices"]]
    assert made["name"] in ended


def test_the_story_shows_the_words_that_each_number_came_from(cli: Cli) -> None:
    story = cli("request", SENTENCE, "--reject", code=1)
    assert "“10 ms end to end”" in story or "“10 ms" in story
    assert "“200 patients”" in story or "“200" in story
    assert "A relaxation has to be agreed" in story


def test_topology_shows_every_domain_and_one_in_full(cli: Cli) -> None:
    names = [view["topology"]["domain"] for view in cli.json("topology")["domains"]]
    assert len(names) == 4
    (one,) = cli.json("topology", names[0])["domains"]
    assert one["reachable"] is True
    assert one["topology"]["links"]
    assert names[0] in cli("topology", names[0])
    cli("topology", "elsewhere", code=2)
    assert names[0] in cli.said


def test_a_tenant_sees_its_own_slices_only(cli: Cli, home: Path) -> None:
    (mine,) = cli.json("request", SMALL)["slices"]
    other = Cli(home, tenant="other")
    assert other.json("slices") == {"slices": []}
    for command in ("show", "why", "terminate"):
        assert other.json(command, mine["name"], code=1)["reason"] == "NOT_FOUND"
    cli("terminate", mine["name"])


def test_the_demonstration_ends_with_every_capacity_where_it_started(nowhere: Cli) -> None:
    shown = nowhere("demo", "--launcher", "process")
    assert shown.count("back where it started") == 4
    assert "A relaxation has to be agreed" in shown
    assert "terminated" in shown
    assert "s in all" in shown


def test_the_demonstration_of_a_refused_sentence_ends_with_one(nowhere: Cli) -> None:
    shown = nowhere("demo", "--launcher", "process", "--", "what is the weather like", code=1)
    assert shown.count("back where it started") == 4


# -- refusals and bad input -----------------------------------------------------------------


def test_what_is_no_slice_request_is_refused_with_a_reason(cli: Cli) -> None:
    reply = cli.json("request", "what is the weather like", code=1)
    assert reply["slices"] == []
    assert reply["reason"] in ("NOT_A_SLICE_REQUEST", "NEEDS_CLARIFICATION")
    cli("request", "what is the weather like", code=1)
    assert len(cli.said.strip().splitlines()) <= 6


def test_a_megabyte_of_words_is_refused_not_swallowed(cli: Cli) -> None:
    assert cli.json("request", "x" * 1_000_000, code=1)["reason"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("request", " "),
        ("request",),
        ("augment", "x"),
        ("augment", "x", "--latency-ms", "nan"),
        ("augment", "x", "--latency-ms", "-1"),
        ("augment", "x", "--latency-ms", "inf"),
        ("augment", "x", "--uplink-mbps", "1e300"),
        ("augment", "x", "--devices", "0"),
        ("augment", "x", "--availability-pct", "101"),
        ("up", "--config", "/no/such/folder"),
        ("why", "some-slice", "--not", "faster"),
        ("up", "--launcher", "rocket"),
        ("domain", "--config", "/no/such/file.toml"),
        ("frobnicate",),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two_before_anything_starts(
    nowhere: Cli, arguments: tuple[str, ...]
) -> None:
    nowhere(*arguments, code=2)
    assert nowhere.said.strip()


@pytest.mark.parametrize("command", ["slices", "topology"])
def test_where_nothing_runs_the_exit_code_is_three_and_says_how_to_start(
    nowhere: Cli, command: str
) -> None:
    nowhere(command, code=3)
    assert "entente up" in nowhere.said
    assert nowhere.json(command, code=3)["reason"] == "UNREACHABLE"


def test_a_coordinator_that_is_gone_is_unreachable_not_a_hang(tmp_path: Path) -> None:
    root = tmp_path / "home"
    home = Home(root).prepare()
    with socket.socket() as listening:  # bound, so that nobody else answers there
        listening.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        trust = "entente.example"
        run = Run(os.getpid(), "", address, trust, trust, {}, "", insecure=True, ready=True)
        run.write(home)
        began_s = time.monotonic()
        reply = Cli(root).json("slices", code=3)
    assert reply["reason"] == "UNREACHABLE"
    assert address in reply["message"]
    assert time.monotonic() - began_s < 30


# -- up and down ----------------------------------------------------------------------------


UP = ("up", "--detach", "--launcher", "process", "--free-ports")


def up(home: Path) -> Any:
    """Starts an instance from a process of its own, as a shell would."""
    ended = subprocess.run(
        [sys.executable, "-m", "deploy", *UP, "--json"],
        cwd=ROOT,
        env={**os.environ, "ENTENTE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_up_detached_serves_until_down_and_leaves_nothing(tmp_path: Path) -> None:
    cli, shown = Cli(tmp_path), up(tmp_path)
    began = started(shown["pid"])
    assert began is not None
    try:
        assert len(shown["domains"]) == 4
        cli(*UP, code=1)
        assert "entente down" in cli.said
        assert cli.json("slices") == {"slices": []}
    finally:
        assert cli.json("down") == {"stopped": True}
    assert not is_same(shown["pid"], began)
    assert not Lock(Home(tmp_path)).taken
    cli("slices", code=3)
    assert cli.json("down") == {"stopped": False}


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("starting 4 domains\nrefused: the port is taken\n", "the port is taken"),
        ("unreachable: the engine has ended\n", "the engine has ended"),
        ("starting Ray\n[raylet] out of memory\n", "it ended with 1: [raylet] out of memory; see"),
        ("", "it ended with 1: without a word; see"),
    ],
)
def test_why_a_background_up_ended_is_told(tmp_path: Path, written: str, reason: str) -> None:
    (tmp_path / "up.log").write_text(written)
    assert _reason(tmp_path / "up.log", 1).startswith(reason)


def test_slices_survive_a_kill_and_its_leftovers_are_taken_away(tmp_path: Path) -> None:
    cli, shown = Cli(tmp_path), up(tmp_path)
    began = started(shown["pid"]) or ""
    (made,) = cli.json("request", SMALL)["slices"]
    os.kill(shown["pid"], signal.SIGKILL)
    assert wait_until(lambda: not is_same(shown["pid"], began), 10)
    assert Run.read(Home(tmp_path)) is not None, "a killed process cannot tidy up"
    assert cli.json("down") == {"stopped": False}
    assert Run.read(Home(tmp_path)) is None
    found = federation.load(federation.DEFAULT).on_free_ports()
    with Runtime(Home(tmp_path), found, Launcher.PROCESS) as runtime:
        (kept,) = cli.json("slices")["slices"]
        assert (kept["name"], kept["state"]) == (made["name"], "activated")
        cli("terminate", made["name"])
        assert not any(units for used in runtime.usage().values() for units in used.values())


def test_a_process_that_only_has_the_pid_is_left_alone(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        run = Run(bystander.pid, "another beginning", "127.0.0.1:1", "a", "a", {}, "", ready=True)
        run.write(home)
        assert Cli(tmp_path).json("down") == {"stopped": False}
        assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n")


def test_a_second_runtime_in_one_state_folder_is_refused(home: Path) -> None:
    found = federation.load(federation.DEFAULT).on_free_ports()
    with pytest.raises(WrongState, match="entente down"), Runtime(Home(home), found):
        pass


def test_a_port_in_use_is_named_before_anything_starts(tmp_path: Path) -> None:
    found = federation.load(federation.DEFAULT).on_free_ports()
    host, _, port = found.members[0].address.partition(":")
    with socket.socket() as taken:
        taken.bind((host, int(port)))
        taken.listen()
        with (
            pytest.raises(WrongState, match=found.members[0].name),
            Runtime(Home(tmp_path).prepare(), found, Launcher.PROCESS),
        ):
            pass
    assert not Lock(Home(tmp_path)).taken


def test_the_state_folder_is_closed_to_others(home: Path) -> None:
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for key in home.rglob("key.pem"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_domain_is_hosted_alone(tmp_path: Path) -> None:
    config = federation.DEFAULT / "access.toml"
    (address,) = [m.address for m in federation.load(federation.DEFAULT).on_free_ports().members][
        :1
    ]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "deploy",
            "domain",
            "--config",
            config,
            "--listen",
            address,
            "--json",
        ],
        cwd=ROOT,
        env={**os.environ, "ENTENTE_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    document = ""
    for line in process.stdout:
        document += line
        if line.startswith("}"):
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    process.stdout.close()
    assert list(json.loads(document)["domains"].values()) == [address]
