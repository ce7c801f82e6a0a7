"""What a translation costs: in this process, over HTTP in a plain process, and on Ray Serve."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Final

from coordinator.intent import Interpreter, encoder
from coordinator.intent.retrieval import RetrievalInterpreter
from coordinator.intent.rules import RulesInterpreter
from coordinator.intent.store import open_store
from coordinator.intent.together import Together
from deploy.bench.effort import Effort, Tell
from deploy.bench.report import Report, Table, figure
from deploy.child import importable
from deploy.evaluation import SENTENCES, labelled
from deploy.federation import DEFAULT
from deploy.home import VARIABLE, Home
from deploy.hosts import Launcher
from deploy.network import network
from deploy.processes import free_addresses
from deploy.reading import Translator
from deploy.web.tokens import Tokens
from domains.errors import EntenteError

CLIENTS: Final = 16
"""Connections that are kept busy where throughput is measured."""
TENANTS: Final = 400
"""Enough that the rate of one tenant is never what is measured."""
START_S: Final = 90.0
STOP_S: Final = 40.0
ANSWER_S: Final = 20.0
RULES: Final = "in process, rules"
ALONE: Final = "in process, one by one"
BATCHED: Final = "in process, batched"
_TURN = threading.Lock()
"""Whose turn it is to take the next sentence."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One surface: milliseconds of a lone caller; of many, translations per second, and what each
    takes of a processor.
    """

    p50_ms: float
    p99_ms: float
    per_s: float
    cpu_ms: float | None = None


async def measure(folder: Path, effort: Effort, tell: Tell) -> Report:
    """Translate our own sentences again and again, one by one and at once."""
    texts = _endless([row.text for row in labelled(SENTENCES)])
    tell("in this process")
    rows = await asyncio.to_thread(_in_process, texts, effort)
    for launcher in (Launcher.PROCESS, Launcher.RAY):
        name = "HTTP, plain process" if launcher is Launcher.PROCESS else "HTTP, Ray Serve"
        tell(name)
        async with _serving(folder / launcher.value, launcher) as (address, tokens):
            rows[name] = await _over_http(address, tokens, texts, effort)
    shown = [
        (
            name,
            figure(seen.p50_ms),
            figure(seen.p99_ms),
            figure(seen.per_s),
            "" if seen.cpu_ms is None else figure(seen.cpu_ms),
        )
        for name, seen in rows.items()
    ]
    one, many = rows[ALONE], rows[BATCHED]
    assert one.cpu_ms is not None
    assert many.cpu_ms is not None
    ratios = (figure(many.per_s / one.per_s), figure(many.cpu_ms / one.cpu_ms))
    shown.append(("batched x one by one", "", "", *ratios))
    columns = ("translate", "p50 ms", "p99 ms", f"per s, {CLIENTS} clients", "CPU ms")
    table = Table(
        "A sentence becomes standard profiles; retrieval unless it says rules", columns, shown
    )
    return Report("translate", (table,), {name: asdict(seen) for name, seen in rows.items()})


def _endless(texts: Sequence[str]) -> Iterator[str]:
    """Sentences that were never said before: no vector of theirs is remembered."""
    for number, text in enumerate(cycle(texts)):
        yield f"{text.rstrip(' .')} at site {''.join(chr(97 + int(d)) for d in str(number))}"


def _in_process(texts: Iterator[str], effort: Effort) -> dict[str, Seen]:
    """Rules; then retrieval one by one and batched, their windows interleaved."""
    covered = network(DEFAULT)
    weights = encoder.MiniLM(encoder.bundled())
    with ExitStack() as open_, ThreadPoolExecutor(CLIENTS) as threads:
        readers: dict[str, Interpreter] = {RULES: RulesInterpreter()}
        for name, model in ((ALONE, weights), (BATCHED, Together(weights))):
            store = open_store(weights.dimension)
            open_.callback(store.close)
            readers[name] = RetrievalInterpreter(RulesInterpreter(), store, model).of("bench")
        took_ms: dict[str, list[float]] = {name: [] for name in readers}
        counts, cpu_s = dict.fromkeys(readers, 0), dict.fromkeys(readers, 0.0)
        for _ in range(effort.windows):
            for name, reader in readers.items():
                translator = Translator(reader, covered)
                took_ms[name] += _window(translator, texts, effort.window_s / 2)
                began_s = time.process_time()
                crowd = [
                    threads.submit(_window, translator, texts, effort.window_s)
                    for _ in range(CLIENTS)
                ]
                counts[name] += sum(len(one.result()) for one in crowd)
                cpu_s[name] += time.process_time() - began_s
    window_s = effort.windows * effort.window_s
    return {
        name: replace(
            _seen(took_ms[name], counts[name] / window_s),
            cpu_ms=1_000 * cpu_s[name] / counts[name],
        )
        for name in readers
    }


def _window(translator: Translator, texts: Iterator[str], window_s: float) -> list[float]:
    """Milliseconds of every translation that one thread gets done."""
    took_ms: list[float] = []
    ends_s = time.perf_counter() + window_s
    while (at_s := time.perf_counter()) < ends_s:
        with _TURN:
            text = next(texts)
        translator(text)
        took_ms.append((time.perf_counter() - at_s) * 1_000)
    return took_ms


async def _over_http(
    address: str, tokens: Sequence[str], texts: Iterator[str], effort: Effort
) -> Seen:
    requests = (_request(next(texts), token) for token in cycle(tokens))
    window_s = effort.windows * effort.window_s
    await _busy(address, requests, window_s / 4, 1)  # what is built on first use
    alone = await _busy(address, requests, window_s, 1)
    crowd = await _busy(address, requests, window_s, CLIENTS)
    return _seen(alone, len(crowd) / window_s)


def _request(text: str, token: str) -> bytes:
    body = json.dumps({"text": text}).encode()
    head = (
        "POST /v1/intents:translate HTTP/1.1\r\nhost: entente\r\n"
        f"authorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _busy(
    address: str, requests: Iterator[bytes], window_s: float, clients: int
) -> list[float]:
    """Milliseconds of every answer that so many clients get within a window."""
    ends_s = time.perf_counter() + window_s
    took_ms: list[float] = []

    async def client() -> None:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            while (at_s := time.perf_counter()) < ends_s:
                writer.write(next(requests))
                async with asyncio.timeout(ANSWER_S):
                    await _answered(reader)
                took_ms.append((time.perf_counter() - at_s) * 1_000)
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return took_ms


async def _answered(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise EntenteError(f"a translation was answered with {head.splitlines()[0].decode()}")
    fields = dict(line.split(b": ", 1) for line in head.splitlines()[1:] if line)
    if b"content-length" in fields:
        await reader.readexactly(int(fields[b"content-length"]))
        return
    while size := int((await reader.readline()).strip(), 16):
        await reader.readexactly(size + 2)
    await reader.readline()


def _seen(took_ms: Sequence[float], per_s: float) -> Seen:
    ordered = sorted(took_ms)
    return Seen(
        ordered[len(ordered) // 2], ordered[min(len(ordered) * 99 // 100, len(ordered) - 1)], per_s
    )


@asynccontextmanager
async def _serving(folder: Path, launcher: Launcher) -> AsyncIterator[tuple[str, Sequence[str]]]:
    """`entente serve` in a process of its own: its address, and tokens of many tenants."""
    home = Home(folder).prepare()
    (address,) = free_addresses(1)
    arguments = ["serve", "--launcher", launcher.value, "--listen", address, "--json"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy", *arguments),
        env=importable({**os.environ, VARIABLE: str(folder)}),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            while (line := await process.stdout.readline()) != b"}\n":
                if not line:
                    raise EntenteError("the HTTP service did not start")
        made = Tokens.of(home)
        yield address, [made.token(f"bench-{number}") for number in range(TENANTS)]
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(STOP_S):
            await process.wait()
