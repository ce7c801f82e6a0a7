"""A server that speaks the OpenAI chat API, streamed, and answers as a test wants it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[str, dict[str, Any]], str]
"""The intent as the model was given it, and the whole request -> the answer's text."""


@dataclass
class Server:
    """`url` ends in /v1; `bodies` are the requests as they came.

    Attributes:
        status: other than 200 for an error; pieces: into how many chunks an answer is cut.
        dies_after: chunks before the connection breaks; finish: the reason given at the end.
        holds: set to let a stuck answer go.
    """

    answer: Answer
    status: int = 200
    pieces: int = 8
    dies_after: int | None = None
    finish: str = "stop"
    stuck: bool = False
    endless: bool = False
    url: str = ""
    bodies: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run `server` on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            server.bodies.append(body)
            _respond(self, server, json.loads(body))

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    try:
        yield server
    finally:
        server.released.set()
        http.shutdown()
        thread.join()
        http.server_close()


def _respond(handler: BaseHTTPRequestHandler, server: Server, request: dict[str, Any]) -> None:
    if server.status != 200:
        handler.send_error(server.status)
        return
    intent = json.loads(request["messages"][-1]["content"]).get("intent", "")
    text = server.answer(intent, request)
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    try:
        _stream(handler, server, text)
    except (BrokenPipeError, ConnectionResetError):
        return


def _stream(handler: BaseHTTPRequestHandler, server: Server, text: str) -> None:
    size = max(1, -(-len(text) // server.pieces))
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    for index, piece in enumerate(chunks):
        if index == server.dies_after:
            return
        _event(handler, {"content": piece}, None)
        if server.stuck:
            server.released.wait()
            return
    while server.endless and not server.released.wait(0.01):
        _event(handler, {"content": " "}, None)
    _event(handler, {}, server.finish)
    handler.wfile.write(b"data: [DONE]\n\n")


def _event(handler: BaseHTTPRequestHandler, delta: dict[str, str], finish: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    event = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "m",
        "choices": [choice],
    }
    handler.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
    handler.wfile.flush()
