"""One vLLM engine as a child process: it starts, says when it serves, and is ended with its group.

The engine runs in an environment of its own (its pins are strict, and a crash of native code must
not take a replica of Serve with it); it is spoken to over the OpenAI API on loopback.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from deploy.processes import free_addresses
from domains.errors import Unreachable

START_S_MAX = 600.0
"""Loading a model; a large one takes minutes."""
STOP_S = 10.0
POLL_S = 0.25
CONTEXT_TOKENS_MAX = 4_096
"""The instructions, the examples, the sentence and the answer fit well."""
SEQUENCES_MAX = 16
_COMPACT = '{"backend": "xgrammar", "disable_any_whitespace": true}'
"""JSON without blanks: half the tokens, and no model can fill an answer with them."""
CPU_CACHE_GIB = 1


_LEASH = """exec 3<&0
"$0" "$@" < /dev/null 3<&- &
engine=$!
{ read -r nothing <&3; kill -KILL 0; } &
exec 3<&-
wait $engine
kill -KILL 0"""
"""Ends the engine's whole process group when its standard input closes, as it does when whoever
started it dies, however that happens: no engine outlives its owner with the memory of a model."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What to run.

    Attributes:
        model: a folder, or a name that vLLM can fetch.
        python: the interpreter of the environment that has vLLM.
        log: where the engine writes; it never sees more than masked sentences.
        options: further arguments of vLLM's own server.
    """

    model: str
    name: str = "entente"
    python: str = sys.executable
    log: Path | None = None
    options: tuple[str, ...] = ()


class VllmEngine:
    """A running engine; use it as a context manager. `url` ends in "/v1", `key` opens it."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self.key = secrets.token_urlsafe(24)
        (self._address,) = free_addresses(1)
        self._log = (settings.log or Path(os.devnull)).open("ab")
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            ("/bin/sh", "-c", _LEASH, *self._command()),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=self._environment(),
            start_new_session=True,  # it starts children; they are ended together
        )

    @property
    def url(self) -> str:
        return f"http://{self._address}/v1"

    @property
    def pid(self) -> int:
        """Of the process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait(self, timeout_s: float = START_S_MAX) -> VllmEngine:
        """Until it serves.

        Raises:
            Unreachable: it ended, or is not ready in time; the engine's log says why.
        """
        ends = time.monotonic() + timeout_s
        while time.monotonic() < ends:
            if not self.alive:
                raise Unreachable("the language model's engine ended while it started")
            if self.healthy():
                return self
            time.sleep(POLL_S)
        self.stop()
        raise Unreachable("the language model's engine is not ready in time")

    def healthy(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(  # noqa: S310  # our own http URL
                self.url.removesuffix("v1") + "health", timeout=STOP_S
            ) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """End it and its workers at once, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it and its workers; idempotent."""
        if self.alive:
            self._end(signal.SIGTERM)
        self._end(signal.SIGKILL)
        if self._process.stdin:
            self._process.stdin.close()
        self._log.close()

    def __enter__(self) -> VllmEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, how: signal.Signals) -> None:
        """Signal the group and wait, at most `STOP_S`, until nothing of it is left."""
        ends = time.monotonic() + STOP_S
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, how)
            while time.monotonic() < ends:
                self._process.poll()
                os.killpg(self._process.pid, 0)
                time.sleep(POLL_S / 5)

    def _command(self) -> Sequence[str]:
        settings = self._settings
        host, _, port = self._address.rpartition(":")
        return (
            settings.python, "-m", "vllm.entrypoints.openai.api_server",
            "--model", settings.model, "--served-model-name", settings.name,
            "--host", host, "--port", port,
            "--max-model-len", str(CONTEXT_TOKENS_MAX), "--max-num-seqs", str(SEQUENCES_MAX),
            "--structured-outputs-config", _COMPACT,
            "--disable-log-stats", "--no-enable-log-requests",
            *settings.options,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "VLLM_API_KEY": self.key,
            "VLLM_NO_USAGE_STATS": "1",
            "DO_NOT_TRACK": "1",
            "VLLM_CPU_KVCACHE_SPACE": os.environ.get("VLLM_CPU_KVCACHE_SPACE", str(CPU_CACHE_GIB)),
        }
