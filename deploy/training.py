"""Trainings as Ray jobs: on a cluster that is told, or on a head of our own on this machine."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

from deploy.child import importable
from deploy.home import Home, short_folder, write_private
from deploy.hosts import remove_ray_folder
from deploy.parcel import packed
from deploy.processes import end, free_addresses, is_same, started, wait_until
from domains.errors import EntenteError, NotFound, Unreachable

START_S: Final = 90.0
"""How long a head of our own may take until it takes jobs."""
STOP_S: Final = 15.0
POLL_S: Final = 0.5
OBJECT_STORE_BYTES: Final = 200 * 2**20
CONNECT_S: Final = 10.0
"""How long a cluster may take to accept a connection."""


@dataclass(frozen=True, slots=True)
class Head:
    """A Ray head that we started: its process, where it takes jobs, Ray's folder."""

    pid: int
    started: str
    address: str
    folder: str

    @property
    def alive(self) -> bool:
        return is_same(self.pid, self.started)

    def stop(self, home: Home) -> None:
        """End it with all its jobs. Idempotent."""
        end(self.pid, self.started, STOP_S)
        remove_ray_folder(self.folder)
        _file(home).unlink(missing_ok=True)

    @classmethod
    def running(cls, home: Home) -> Head | None:
        """The one that an earlier command left running, if it still does."""
        try:
            head = cls(**json.loads(_file(home).read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return head if head.alive else None


def _file(home: Home) -> Path:
    return home.root / "training.json"


def start_head(home: Home, cpus: int) -> Head:
    """Starts a head on loopback ports, with this user's token.

    Raises:
        EntenteError: it ended, or takes no jobs after START_S.
    """
    folder = short_folder()
    ports = [address.rpartition(":")[2] for address in free_addresses(6)]
    gcs, dashboard, agent, agent_grpc, client, metrics = ports
    log = home.logs / "training-head.log"
    # Jobs that say `python` mean the one that has what we have.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and Ray's own command
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
                f"--port={gcs}",
                "--dashboard-host=127.0.0.1",
                f"--dashboard-port={dashboard}",
                f"--dashboard-agent-listen-port={agent}",
                f"--dashboard-agent-grpc-port={agent_grpc}",
                f"--ray-client-server-port={client}",
                f"--metrics-export-port={metrics}",
                f"--num-cpus={cpus}",
                f"--object-store-memory={OBJECT_STORE_BYTES}",
                f"--temp-dir={folder}",
                "--disable-usage-stats",
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**importable(os.environ), "PATH": path},
            start_new_session=True,  # lives on after --detach
        )
    head = Head(
        process.pid, started(process.pid) or "", f"http://127.0.0.1:{dashboard}", str(folder)
    )
    write_private(_file(home), json.dumps(asdict(head)))
    if not wait_until(lambda: process.poll() is not None or _answers(head.address), START_S):
        head.stop(home)
        raise EntenteError(f"Ray took no jobs within {START_S:.0f} s; see {log}")
    if process.poll() is not None:
        head.stop(home)
        raise EntenteError(f"Ray did not start; see {log}")
    return head


def _answers(address: str) -> bool:
    with suppress(Unreachable):
        Jobs(address)
        return True
    return False


@contextmanager
def jobs_at(home: Home, cluster: str | None, keep: bool, cpus: int) -> Iterator[Jobs]:
    """Where jobs go: the cluster, else our head; one started here ends here unless kept.

    Raises:
        Unreachable: nothing answers at `cluster`.
    """
    if cluster is not None:
        yield Jobs(cluster)
        return
    use_own_token(home)
    head = Head.running(home)
    if head is not None:
        yield Jobs(head.address)
        return
    head = start_head(home, cpus)
    try:
        yield Jobs(head.address)
    except BaseException:
        head.stop(home)
        raise
    if not keep:
        head.stop(home)


def use_own_token(home: Home) -> None:
    """Of this user's own heads; before Ray is imported, which reads it then."""
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(home.ray_token()))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    status: str
    entrypoint: str
    started_s: float | None
    message: str

    @property
    def over(self) -> bool:
        return self.status in ("SUCCEEDED", "FAILED", "STOPPED")


class Jobs:
    """The jobs of one cluster, by the address of its dashboard.

    Raises:
        Unreachable: nobody answers there, or it does not accept our token.
    """

    def __init__(self, address: str) -> None:
        from ray.job_submission import JobSubmissionClient

        self.address = address
        _connect(address)
        try:
            self._client: Any = JobSubmissionClient(address)
        except Exception as error:
            last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise Unreachable(
                f"no cluster takes jobs at {address}: {last[:200]}", address=address
            ) from None

    def submit(self, arguments: Sequence[str], upload: bool, commit: str) -> str:
        """Starts `python -m envs.train ARGUMENTS`; returns the job's name.

        With `upload` the cluster gets our code, and runs it with its own `python`.
        """
        variables = {"OMP_NUM_THREADS": "1", "ENTENTE_COMMIT": commit, "PYTHONUNBUFFERED": "1"}
        environment: dict[str, Any] = {"env_vars": variables}
        python = "python"
        if not upload:
            python, variables["PYTHONPATH"] = sys.executable, importable(os.environ)["PYTHONPATH"]
        command = shlex.join([python, "-m", "envs.train", *arguments])
        with TemporaryDirectory(prefix="entente-upload-") as folder:
            if upload:
                environment["working_dir"] = str(packed(Path(folder)))
            return self._submit(command, environment)

    def _submit(self, command: str, environment: dict[str, Any]) -> str:
        deadline_s = time.monotonic() + START_S
        while True:
            try:
                return str(self._client.submit_job(entrypoint=command, runtime_env=environment))
            except RuntimeError as error:
                # A head takes calls some seconds before it can start anything.
                if "No available agent" not in str(error) or time.monotonic() > deadline_s:
                    last = str(error).strip().splitlines()[-1]
                    raise Unreachable(f"{self.address} does not start the job: {last}") from None
            except OSError as error:  # a busy head hangs up
                raise Unreachable(f"{self.address} does not start the job: {error}") from None
            time.sleep(POLL_S)

    def all(self) -> list[Job]:
        """The newest last."""
        found = [_job(one) for one in self._client.list_jobs() if one.submission_id]
        return sorted(found, key=lambda job: job.started_s or 0.0)

    def one(self, name: str) -> Job:
        try:
            return _job(self._client.get_job_info(name))
        except RuntimeError:
            raise NotFound(f"there is no job {name!r} at {self.address}") from None

    def stop(self, name: str) -> Job:
        """Asks it to stop and waits until it has."""
        self.one(name)
        self._client.stop_job(name)
        wait_until(lambda: self.one(name).over, STOP_S)
        return self.one(name)

    def log(self, name: str) -> str:
        self.one(name)
        return str(self._client.get_job_logs(name))

    def follow(self, name: str) -> Iterator[str]:
        """Its lines as they come, until it is over."""
        seen = 0
        while True:
            over = self.one(name).over
            text = self.log(name)
            end_of_line = len(text) if over else text.rfind("\n") + 1
            yield from text[seen:end_of_line].splitlines()
            seen = max(seen, end_of_line)
            if over:
                return
            time.sleep(POLL_S)


def _connect(address: str) -> None:
    """Whether anybody listens there, without waiting for who never answers."""
    url = urlsplit(address)
    if url.scheme not in ("http", "https") or url.hostname is None:
        raise Unreachable(
            f"no cluster takes jobs at {address}: an address is http://host:8265", address=address
        )
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
        socket.create_connection((url.hostname, port), CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise Unreachable(f"no cluster takes jobs at {address}: {error}", address=address) from None


def _job(found: Any) -> Job:
    return Job(
        name=str(found.submission_id),
        status=str(found.status.value if hasattr(found.status, "value") else found.status),
        entrypoint=str(found.entrypoint),
        started_s=None if found.start_time is None else found.start_time / 1000,
        message=str(found.message or ""),
    )


def told(line: str) -> Mapping[str, Any] | None:
    """What a training says in JSON; None for a line of somebody else."""
    if not line.startswith("{"):
        return None
    try:
        body = json.loads(line)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
