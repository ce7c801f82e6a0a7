"""Where domains run: Ray host actors, or one plain process where Ray would be too much."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from deploy.child import Child, importable
from deploy.home import RAY_FOLDER_PREFIX, Home, Lock, short_folder
from deploy.processes import POLL_S
from domains.errors import EntenteError
from domains.server import Hosted

DRAIN_S = 2.0
"""How long a domain finishes calls in flight before its host ends."""
START_S = 180.0
"""How long a Ray host actor may take until it serves, on a machine with much else to do."""
NODE_S = 120.0
"""How long Ray's own node may take until it is known."""
PRESTARTED_MAX = 8
OBJECT_STORE_BYTES = 80 * 2**20
"""Ray's smallest object store: nothing of ours goes through it."""

Usage = Mapping[str, Mapping[str, int]]
"""Domain -> resource -> units in use: the operator's own view, which never leaves its host."""


class Launcher(StrEnum):
    """What hosts the domains."""

    RAY = "ray"
    PROCESS = "process"


class Hosts(Protocol):
    """Something that hosts domains."""

    @property
    def folder(self) -> str:
        """A folder to remove afterwards, or ""."""
        ...

    def start(self, hosted: Sequence[Hosted]) -> None:
        """Host these domains; all of them serve on return."""
        ...

    def usage(self) -> Usage:
        """What is in use in every domain, exactly."""
        ...

    def stop(self) -> None:
        """Drain and end. Idempotent."""
        ...


class ProcessHosts:
    """All domains in one child process, without Ray: starts in a second."""

    def __init__(self, home: Home, lock: Lock) -> None:
        self._child = Child("deploy.domain_process", home.logs / "domains.log", lock.descriptor)

    @property
    def folder(self) -> str:
        return ""

    def start(self, hosted: Sequence[Hosted]) -> None:
        self._child.serve({"hosted": [_texts(one) for one in hosted]})

    def usage(self) -> Usage:
        return self._child.ask("usage")

    def stop(self) -> None:
        self._child.stop()


class RayHosts:
    """A Ray of our own with one host actor per domain, as every operator would run its own."""

    def __init__(self, home: Home) -> None:
        self._folder = short_folder()
        self._token = home.ray_token()
        self._actors: list[Any] = []
        self._ray: Any = None

    @property
    def folder(self) -> str:
        return str(self._folder)

    def start(self, hosted: Sequence[Hosted]) -> None:
        self._ray = start_ray(self._folder, self._token, len(hosted))
        from deploy.controllers import dial
        from domains.actor import remote_host

        actor_class = remote_host()
        self._actors = [actor_class.remote([one], dial) for one in hosted]
        try:
            self._ray.get([actor.endpoints.remote() for actor in self._actors], timeout=START_S)
        except self._ray.exceptions.RayError as error:
            raise EntenteError(f"a host actor did not start: {_last_line(error)}") from None

    def usage(self) -> Usage:
        asked = [actor.usage.remote() for actor in self._actors]
        return {
            name: used
            for of_host in self._ray.get(asked, timeout=START_S)
            for name, used in of_host.items()
        }

    def stop(self) -> None:
        if self._ray is not None and self._ray.is_initialized():
            if draining := [actor.drain.remote(DRAIN_S) for actor in self._actors]:
                self._ray.wait(draining, num_returns=len(draining), timeout=2 * DRAIN_S)
            for actor in self._actors:
                self._ray.kill(actor)
            self._ray.shutdown()
        remove_ray_folder(self.folder)


def start_ray(folder: Path, token: Path, workers: int) -> Any:
    """A Ray of our own, on this machine only, with `workers` processes started at once.

    Raises:
        EntenteError: it did not start.
    """
    os.environ.update(importable(os.environ))
    # Our own token in our own file: the default is one in ~/.ray that all programs share.
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(token))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    try:
        with _patience():
            ray.init(
                address="local",  # never join a cluster that happens to run here
                num_cpus=min(workers, PRESTARTED_MAX),  # as many workers start with Ray itself
                include_dashboard=False,
                configure_logging=False,
                log_to_driver=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=str(folder),
            )
    except Exception as error:
        raise EntenteError(f"Ray did not start: {_last_line(error)}") from error
    return ray


@contextmanager
def _patience() -> Iterator[None]:
    """Ray looks for its own node for 30 s and has no setting for that; a busy machine takes longer.

    So one look of the release that we pin takes up to `NODE_S`.
    """
    from ray._private import services

    look = services.get_node

    def get_node(*where: Any) -> Any:
        ends_s = time.monotonic() + NODE_S
        while time.monotonic() < ends_s:
            with suppress(RuntimeError):  # it has not registered yet
                return look(*where)
            time.sleep(POLL_S)
        return look(*where)

    services.get_node = get_node
    try:
        yield
    finally:
        services.get_node = look


def hosts(launcher: Launcher, home: Home, lock: Lock) -> Hosts:
    """The hosts that a launcher stands for; whatever can start early has started."""
    return RayHosts(home) if launcher is Launcher.RAY else ProcessHosts(home, lock)


def remove_ray_folder(folder: str) -> None:
    """Remove a folder that `short_folder` made, and nothing else."""
    path = Path(folder)
    if path.name.startswith(RAY_FOLDER_PREFIX) and path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)


def _texts(hosted: Hosted) -> dict[str, Any]:
    return {
        key: str(value) if isinstance(value, Path) else value
        for key, value in asdict(hosted).items()
    }


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
