"""`entente translate`, `evaluate intents`, `catalogue`, `chat`, `token`: nothing has to run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from coordinator.translation import Translation
from deploy.cli import app
from deploy.evaluation import SENTENCES
from deploy.home import Home
from deploy.web.tokens import Tokens

SHARED = Path(__file__).parents[2] / ".." / "shared"


class Cli:
    """`entente` with a state folder of its own, where nothing runs."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __call__(self, *arguments: str, code: int = 0, typed: str | None = None) -> str:
        environment = {
            "ENTENTE_HOME": str(self._home),
            "ENTENTE_TENANT": "clinic",
            "ENTENTE_ENGINE": "rules",
        }
        ended = CliRunner().invoke(app, list(arguments), input=typed, env=environment)
        assert ended.exit_code == code, (ended.output, ended.exception)
        assert "Traceback" not in ended.output
        self.said = ended.stderr
        return ended.stdout

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


def test_a_sentence_is_shown_with_its_words_and_where_each_value_came_from(cli: Cli) -> None:
    shown = cli("translate", "video conferencing for 200 people in Munich within 80 ms")
    for part in ("create", "video conferencing", "eMBB", "“200 people”", "“80 ms”", "5QI"):
        assert part in shown
    assert "PREDICT-6G" in shown or "TS 2" in shown, "what was added names its clause"


def test_the_json_is_the_published_schema(cli: Cli) -> None:
    body = cli.json("translate", "video conferencing for 200 people in Munich")
    assert Translation.model_validate(body).services[0].constraints["num_ues"] == 200


def test_what_is_no_request_ends_with_one_and_still_says_why(cli: Cli) -> None:
    assert cli.json("translate", "what is the weather like", code=1)["action"] == "reject"
    assert cli.json("translate", "I want to order a network slice")["action"] == "clarify"


@pytest.mark.parametrize("text", [" ", "x" * 1_000_000, "video for 5 users \udcff", "\u200b"])
def test_a_text_that_cannot_be_read_is_refused_with_a_reason(cli: Cli, text: str) -> None:
    assert cli.json("translate", text, code=1)["reason"] == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "arguments",
    [
        ("translate",),
        ("translate", "text", "--file", "a", "--out", "b"),
        ("translate", "--file", "a"),
        ("translate", "--out", "a"),
        ("translate", "text", "--engine", "oracle"),
        ("translate", "text", "--engine", "llm"),
        ("translate", "text", "--llm-url", "http://127.0.0.1:1/v1"),
        ("translate", "text", "--llm-model", "m"),
        ("up", "--llm", "m", "--llm-url", "http://127.0.0.1:1/v1", "--llm-model", "m"),
        ("up", "--llm", "m", "--launcher", "process"),
        ("up", "--llm-option", "--enforce-eager"),
        ("serve", "--llm", "m", "--launcher", "process"),
        ("translate", "text", "--config", "/no/such/folder"),
        ("catalogue", "--type", "6G"),
        ("evaluate",),
        ("serve", "--launcher", "rocket"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli(*arguments, code=2)


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "example.org:80", "127.0.0.1", "127.0.0.1:0"])
def test_the_service_listens_on_this_machine_only(cli: Cli, listen: str) -> None:
    assert "loopback" in cli.json("serve", "--listen", listen, code=1)["message"]


# -- many at once -------------------------------------------------------------------------------


def test_a_file_is_translated_row_by_row_in_the_form_of_the_scorer(
    cli: Cli, tmp_path: Path
) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    texts = ["video for 5 users", "asdf qwer", "", "x" * 100_000, "telesurgery within 10 ms"]
    rows = [{"id": f"a{n}", "text": text, "more": n} for n, text in enumerate(texts)]
    source.write_text("\n\n".join(json.dumps(row) for row in rows) + "\n")
    assert "5 sentences" in cli("translate", "--file", str(source), "--out", str(target))
    found = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row.pop("id") for row in found] == [row["id"] for row in rows]
    actions = [Translation.model_validate(row).action.value for row in found]
    assert actions == ["create", "reject", "reject", "reject", "create"]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b'{"id": "a", "text": "video"}\n{"id": "b"}\n', "row 2"),
        (b'{"id": "a", "text": "video"}\nnot json\n', "line 2"),
        (b'{"id": "a", "text": "\xff"}\n', "line 1"),
        (b'{"id": 5, "text": "video"}\n', "row 1"),
        (b'"a"\n', "row 1"),
        (b"x" * (2**20 + 1), "line 1"),
    ],
)
def test_a_row_that_is_wrong_is_named_and_no_half_a_file_is_left(
    cli: Cli, tmp_path: Path, content: bytes, where: str
) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(content)
    told = cli.json("translate", "--file", str(source), "--out", str(target), code=1)
    assert where in told["message"]
    assert sorted(path.name for path in tmp_path.iterdir()) in (["home", "in.jsonl"], ["in.jsonl"])


def test_a_file_that_is_not_there_is_said(cli: Cli, tmp_path: Path) -> None:
    told = cli.json("translate", "--file", "/no/such", "--out", str(tmp_path / "o"), code=1)
    assert "/no/such" in told["message"]
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": "a", "text": "video"}\n')
    told = cli.json("translate", "--file", str(source), "--out", "/no/such/o", code=1)
    assert "/no/such/o" in told["message"]


# -- how well -----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["rules", "retrieval"])
def test_the_seven_figures_are_printed_with_how_long_a_sentence_takes(
    cli: Cli, engine: str
) -> None:
    found = cli.json("evaluate", "intents", "--engine", engine)
    assert found["engine"] == engine
    assert found["sentences"] == len(SENTENCES.read_text().splitlines())
    assert found["quality"] >= 0.93
    assert 0 < found["p50_ms"] <= found["p99_ms"]
    shown = cli("evaluate", "intents", "--engine", engine)
    for name in ("refuse", "accept", "count", "type", "dominant_top2", "recall", "precision"):
        assert name in shown


def test_sentences_without_labels_are_refused(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": "a", "text": "video"}\n')
    told = cli.json("evaluate", "intents", "--file", str(source), code=1)
    assert "expected" in told["message"]
    source.write_text("")
    cli.json("evaluate", "intents", "--file", str(source), code=1)


def test_a_file_that_is_not_there_is_named_in_words(cli: Cli, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.json")
    told = cli.json("evaluate", "workload", missing, "--policy", "grc", code=1)
    assert told["message"] == f"{missing}: No such file or directory"


@pytest.mark.skipif(
    not (SHARED / "tools" / "score_intents.py").exists(), reason="no shared scorer beside the code"
)
def test_the_command_prints_what_the_shared_scorer_finds_in_its_file(
    cli: Cli, tmp_path: Path
) -> None:
    source, target = SHARED / "data" / "intents_dev.jsonl", tmp_path / "out.jsonl"
    cli("translate", "--file", str(source), "--out", str(target))
    said = subprocess.run(
        [sys.executable, SHARED / "tools" / "score_intents.py", source, target, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    ours = cli.json("evaluate", "intents", "--file", str(source))
    for name, value in json.loads(said.stdout).items():
        assert ours[name] == pytest.approx(value, abs=1e-4), name


# -- catalogue, chat, token ----------------------------------------------------------------------


def test_the_catalogue_is_listed_and_one_service_shown_with_its_clauses(cli: Cli) -> None:
    names = [item["name"] for item in cli.json("catalogue")["services"]]
    assert len(names) > 40
    assert "grid protection" in names
    cars = cli.json("catalogue", "--type", "v2x")["services"]
    assert {item["slice_type"] for item in cars} == {"V2X"}
    assert "TS 22.104" in cli("catalogue", "grid protection")
    assert cli.json("catalogue", "no such", code=1)["reason"] == "NOT_FOUND"


def test_a_chat_asks_shows_and_can_be_taken_up_again(cli: Cli) -> None:
    first = cli("chat", typed="video conferencing\n20 people\n")
    assert "How many devices" in first
    assert "Where are the devices" in first
    name = first.split("conversation ")[1].split()[0]
    second = cli("chat", "--resume", name, typed="in Munich\n")
    assert second.splitlines()[1].startswith("Where are the devices")
    assert "Understood: video conferencing" in second
    assert "no federation runs" in second, "the draft is ready, and says what is missing"
    cli("chat", "--resume", "no-such", typed="", code=1)


def test_a_chat_goes_on_after_a_message_that_cannot_be_read(cli: Cli) -> None:
    shown = cli("chat", typed="x" * 9_000 + "\nvideo conferencing for 5 people in Munich\n")
    assert "8192" in shown
    assert "Understood" in shown


def test_a_token_is_of_the_tenant_that_asks(cli: Cli, tmp_path: Path) -> None:
    token = cli("token").strip()
    assert Tokens.of(Home(tmp_path / "home")).tenant_of(f"Bearer {token}") == "clinic"
    assert (tmp_path / "home" / "http-secret").stat().st_mode & 0o077 == 0


def test_the_help_comes_at_once(cli: Cli) -> None:
    """Nothing heavy is imported before a command needs it."""
    script = (
        "import sys; import deploy.cli;"
        "heavy = {'ray', 'grpc', 'fastapi', 'pydantic', 'numpy', 'networkx', 'rich.progress'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    began_s = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"
    assert time.monotonic() - began_s < 10
