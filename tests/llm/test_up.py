"""`entente up` with a real model: at a URL, and run by itself on Ray Serve; orders go through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.home import Home, Run
from tests.llm.conftest import OPTIONS, PATIENCE_S, Served

pytestmark = [pytest.mark.timeout(1_800), pytest.mark.ray]

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [
    f"Video surveillance with {count} cameras in Berlin, 20 Mbit/s uplink" for count in range(4, 9)
]


class Entente:
    """The command, in a process of its own, with a state folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = Home(home).prepare()

    def __call__(self, *words: str) -> Any:
        said = subprocess.run(
            [sys.executable, "-m", "deploy", *words, "--json"],
            cwd=ROOT,
            env={**os.environ, "ENTENTE_HOME": str(self.home.root), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        logs = {path.name: path.read_text()[-2_000:] for path in self.home.logs.glob("*.log")}
        assert said.returncode == 0, (said.stdout, said.stderr, logs)
        return json.loads(said.stdout)

    @contextmanager
    def up(self, *options: str) -> Iterator[Run]:
        self("up", "--detach", "--free-ports", *options)
        try:
            run = Run.read(self.home)
            assert run is not None
            yield run
        finally:
            self("down")

    def ordered(self, text: str) -> tuple[list[str], dict[str, Any]]:
        """The slices of an order, and what its decision record says of step 1."""
        order = self("request", text, "--accept")
        states = [slice_["state"] for slice_ in order["slices"]]
        events = self("why", order["operation"])["events"]
        (told,) = [event["detail"] for event in events if event["event"] == "understood"]
        return states, told


def the_model_had_its_say(told: Sequence[dict[str, Any]]) -> None:
    """Each record names the engine; where random weights changed nothing, it says what they said.

    A model that was not reached would be a failure of ours, one that talks nonsense is none.
    """
    for detail in told:
        if detail["engine"] != "llm":
            assert detail["engine"] == "retrieval"
            assert "model" in detail["explanation"]
        assert "could not be asked" not in detail["explanation"]


def test_orders_are_read_with_a_model_at_a_url(engine: Served, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(engine.key)
    entente = Entente(tmp_path / "home")
    told = []
    model = ("--llm-url", engine.url, "--llm-model", "entente", "--llm-key-file", str(key))
    with entente.up("--launcher", "process", *model):
        for text in TEXTS:
            states, detail = entente.ordered(text)
            assert states == ["activated"]
            values = {item["key"]: item["value"] for item in detail["services"][0]["evidence"]}
            assert values["num_ues"] == int(text.split()[3])
            told.append(detail)
    the_model_had_its_say(told)
    for log in entente.home.logs.glob("*.log"):
        assert engine.key not in log.read_text()


def test_up_runs_the_model_itself_for_orders_and_for_http(model: Path, tmp_path: Path) -> None:
    entente = Entente(tmp_path / "home")
    options = [word for option in OPTIONS for word in ("--llm-option", option)]
    with entente.up("--serve", "--llm", str(model), *options) as run:
        states, detail = entente.ordered(TEXTS[0])
        assert states == ["activated"]
        the_model_had_its_say([detail])
        with urllib.request.urlopen(f"http://{run.http}/v1/health") as reply:
            assert json.load(reply)["engine"] == "llm"
        body = json.dumps({"text": TEXTS[1]}).encode()
        request = urllib.request.Request(
            f"http://{run.http}/v1/intents:translate", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
            assert json.load(reply)["services"][0]["constraints"]["num_ues"] == 5
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"http://{run.http}/llm/v1/models")
