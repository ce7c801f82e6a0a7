"""The HTTP service beside a federation or alone: on Ray Serve, or as a plain process."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from coordinator.intent.settings import RULES_ONLY, EngineSettings
from deploy.child import Child
from deploy.home import Home, Lock, short_folder
from deploy.hosts import Launcher, remove_ray_folder, start_ray
from deploy.llm_service import OwnModel, start_model
from deploy.processes import is_free
from deploy.web.address import loopback
from domains.errors import WrongState

WORKERS = 2
"""Processes that a Ray for the HTTP service alone starts with: the proxy and a replica."""


class HttpService:
    """The HTTP service of a state folder; use it as a context manager.

    A plain process starts with the context, so that its imports take place while something else
    starts; Ray Serve joins the Ray that this process has.

    Raises:
        WrongState: one runs in this state folder already.
        InvalidRequest: not a loopback address.
    """

    def __init__(
        self,
        home: Home,
        config: Path,
        listen: str,
        launcher: Launcher,
        engine: EngineSettings = RULES_ONLY,
    ) -> None:
        loopback(listen)
        self.engine = engine
        self._home = home
        self._config = config
        self._listen = listen
        self._launcher = launcher
        self._child: Child | None = None
        self._running = ExitStack()

    def __enter__(self) -> HttpService:
        with ExitStack() as starting:
            lock = starting.enter_context(Lock(self._home, "http.lock"))
            if self._launcher is Launcher.PROCESS:
                log = self._home.logs / "http.log"
                self._child = Child("deploy.web_process", log, lock.descriptor)
                starting.callback(self._child.stop)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def start(self) -> None:
        """Serve; on return it answers.

        Raises:
            EntenteError: it could not start, and why.
        """
        if self._child is None:
            from deploy.translate import Settings, start

            start(Settings(self._home.root, self._config, self.engine), self._listen)
            return
        self._child.serve(
            {
                "home": str(self._home.root),
                "config": str(self._config),
                "listen": self._listen,
                "engine": TypeAdapter(EngineSettings).dump_python(self.engine, mode="json"),
                "incarnation": str(uuid.uuid4()),
            }
        )


@contextmanager
def alone(
    home: Home,
    config: Path,
    listen: str,
    launcher: Launcher,
    engine: EngineSettings = RULES_ONLY,
    model: OwnModel | None = None,
) -> Iterator[None]:
    """The HTTP service without a federation beside it, on a Ray of its own.

    Raises:
        As `HttpService`; WrongState: the port is taken.
    """
    loopback(listen)
    if not is_free(listen):
        raise WrongState(f"{listen} is in use; name another: --listen host:port", address=listen)
    with ExitStack() as running:
        service = running.enter_context(HttpService(home, config, listen, launcher, engine))
        if launcher is Launcher.RAY:
            folder = short_folder()
            running.callback(remove_ray_folder, str(folder))
            ray = start_ray(folder, home.ray_token(), WORKERS)
            running.callback(ray.shutdown)
            if model is not None:
                service.engine = replace(engine, llm=start_model(home, model, listen))
        service.start()
        yield
