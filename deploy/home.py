"""The state folder: certificates, databases, logs and what runs, for one user on one machine."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

from domains.errors import EntenteError, WrongState

VARIABLE = "ENTENTE_HOME"
RAY_FOLDER_PREFIX = "entente-ray-"
RUN_FILE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Home:
    """The folder, by default `~/.entente`; only its owner may enter it."""

    root: Path

    @classmethod
    def of_environment(cls) -> Home:
        """`$ENTENTE_HOME`, else `~/.entente`."""
        named = os.environ.get(VARIABLE)
        return cls(Path(named).expanduser().absolute() if named else Path.home() / ".entente")

    def prepare(self) -> Home:
        """Make the folder if it is missing and close it to everybody else.

        Raises:
            EntenteError: it cannot be made, or is not a folder of ours.
        """
        try:
            for folder in (self.root, self.certificates, self.databases, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
        except OSError as error:
            raise EntenteError(
                f"the state folder {self.root} cannot be used: {error.strerror}; "
                f"set {VARIABLE} to a folder of yours"
            ) from error
        return self

    @property
    def certificates(self) -> Path:
        return self.root / "certificates"

    @property
    def databases(self) -> Path:
        return self.root / "databases"

    @property
    def memory(self) -> Path:
        """Of intents and outcomes; the coordinator has it open, and nobody else."""
        return self.root / "memory"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run_file(self) -> Path:
        return self.root / "run.json"

    def ray_token(self) -> Path:
        """The token that this user's own Ray asks of everyone who connects, 0600."""
        path = self.root / "ray-token"
        if not path.exists():
            write_private(path, secrets.token_hex(32))
        return path


@dataclass(frozen=True, slots=True)
class Run:
    """What runs now. Written as it starts, and again, `ready`, once everything serves.

    Attributes:
        pid, started: the supervising process; both, as a pid alone is soon somebody else's.
        ray_folder: Ray's sessions and sockets; a short path, removed at the end.
        http: host:port of the HTTP service, or "" without one.
        engine: what reads words, once it is known; note: why it is less than usual, or "".
    """

    pid: int
    started: str
    coordinator: str
    coordinator_trust_domain: str
    tenant_trust_domain: str
    domains: Mapping[str, str]
    config: str
    insecure: bool = False
    ray_folder: str = ""
    ready: bool = False
    http: str = ""
    engine: str = ""
    note: str = ""
    version: int = field(default=RUN_FILE_VERSION)

    def write(self, home: Home) -> None:
        """Replace the run file in one step: a reader sees the old one or the new one."""
        new = home.run_file.with_suffix(".new")
        write_private(new, json.dumps(asdict(self), indent=2) + "\n")
        new.replace(home.run_file)

    @classmethod
    def read(cls, home: Home) -> Run | None:
        """The run file, or None where there is none or it is of another version."""
        try:
            body = json.loads(home.run_file.read_text())
            return cls(**body) if body.get("version") == RUN_FILE_VERSION else None
        except (OSError, ValueError, TypeError, AttributeError):
            return None


class Lock:
    """Held by the one supervisor of a state folder and by its children.

    The kernel drops it when the last of them ends. That is what tells a live instance from the
    leftovers of a crash: a pid can be taken by another program, a lock cannot.
    """

    def __init__(self, home: Home, name: str = "run.lock") -> None:
        self._path = home.root / name
        self.descriptor = -1

    def __enter__(self) -> Lock:
        """Take the lock.

        Raises:
            WrongState: another instance has it.
        """
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self.descriptor)
            raise WrongState(
                f"another instance runs or starts in {self._path.parent}; "
                "end it first: entente down"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        os.close(self.descriptor)

    @property
    def taken(self) -> bool:
        """Whether some process holds it now."""
        try:
            with Lock(Home(self._path.parent), self._path.name):
                return False
        except WrongState:
            return True
        except OSError:
            return False


def write_private(path: Path, text: str) -> None:
    """Write a file that was never readable by others, not even for a moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def short_folder() -> Path:
    """A private folder with a short path: Ray's sockets in it must fit into 107 bytes."""
    base = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108  # mkdtemp makes it ours, 0700
    return Path(tempfile.mkdtemp(prefix=RAY_FOLDER_PREFIX, dir=base))
