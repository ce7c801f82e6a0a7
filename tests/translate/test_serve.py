"""The HTTP service as it is started: in a plain process, and on Ray Serve."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from coordinator.translation import Translation
from deploy.processes import free_addresses

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serving(home: Path, launcher: str) -> Iterator[str]:
    """`entente serve` as a shell would start it; ended as Ctrl-C would."""
    (address,) = free_addresses(1)
    command = ["serve", "--launcher", launcher, "--listen", address, "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy", *command],
        cwd=ROOT,
        env={**os.environ, "ENTENTE_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        document = ""
        for line in process.stdout:
            document += line
            if line.startswith("}"):
                break
        yield str(json.loads(document)["http"])
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
        process.stdout.close()


def answers(address: str, home: Path) -> None:
    """What a client sees, whichever launcher it is."""
    with httpx.Client(base_url=f"http://{address}", timeout=30) as client:
        assert client.get("/v1/health").json()["status"] == "serving"
        answer = client.post(
            "/v1/intents:translate", json={"text": "video for 200 users in Munich"}
        )
        assert Translation.model_validate(answer.json()).services[0].name == "video streaming"
        assert client.post("/v1/intents:translate", json={"text": 1}).status_code == 422
        large = client.post("/v1/intents:translate", json={"text": "x" * 1_000_000})
        assert (large.status_code, large.json()["code"]) == (413, "TOO_LARGE")
        bad = client.post(
            "/v1/intents:translate",
            content=b'{"text": "\xff"}',
            headers={"content-type": "application/json"},
        )
        assert (bad.status_code, bad.json()["code"]) == (400, "MALFORMED")
        assert "/v1/intents:translate" in client.get("/openapi.json").json()["paths"]
        assert "entente_http_requests_total" in client.get("/metrics").text
        token = subprocess.run(
            [sys.executable, "-m", "deploy", "token"],
            cwd=ROOT,
            env={**os.environ, "ENTENTE_HOME": str(home)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        client.headers["authorization"] = f"Bearer {token}"
        name = client.post("/v1/conversations", json={}).json()["name"]
        with client.stream(
            "POST", f"/v1/{name}/messages", json={"text": "video conferencing"}
        ) as stream:
            lines = [line for line in stream.iter_lines() if line.startswith("event: ")]
        assert lines == ["event: question", "event: state"]


def test_the_service_runs_in_a_plain_process(tmp_path: Path) -> None:
    with serving(tmp_path, "process") as address:
        answers(address, tmp_path)
        second = subprocess.run(
            [
                *(sys.executable, "-m", "deploy", "serve", "--launcher", "process"),
                *("--listen", free_addresses(1)[0]),
            ],
            cwd=ROOT,
            env={**os.environ, "ENTENTE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1, "one service of a state folder at a time"
        assert "another instance" in second.stderr
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{address}/v1/health")


@pytest.mark.ray
@pytest.mark.timeout(180)
def test_the_service_runs_on_ray_serve(tmp_path: Path) -> None:
    with serving(tmp_path, "ray") as address:
        answers(address, tmp_path)
