"""A process in a network namespace: reflects probes, sends them, counts what arrives.

Run by path with nothing but the standard library, so that it starts in a few hundredths of a
second: `python -I -S agent.py NAME [--in PID] [--forward] [--port PORT]`. It makes a namespace of
its own, or enters that of PID; answers one JSON line per JSON line on its standard input; and ends
when that closes, which it does however the driver ends. A namespace goes with its last process,
and with it its interfaces and queues: nothing can be left behind.

Probes are UDP, as in STAMP (RFC 8762): sequence number and the sender's time, reflected as they
are. Both clocks are then the sender's, and one way is half of the round trip.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import select
import socket
import struct
import sys
import time
from typing import Any

CLONE_NEWNET = 0x40000000
HEADER = struct.Struct("!Bxxxid")
"""Kind, sequence number, the sender's monotonic seconds."""
PROBE, LOAD = 1, 2
DATAGRAM_BYTES = 1_400
IP_UDP_BYTES = 28
PROBES_MAX = 1_000
LOAD_S_MAX = 60.0
BUFFER_BYTES = 4 << 20
TICK_S = 0.001
BURST_DATAGRAMS, BURST_S = 4, 0.005


def enter(pid: int | None) -> None:
    """A namespace of one's own, or another process's."""
    libc = ctypes.CDLL(None, use_errno=True)
    if pid is None:
        failed = libc.unshare(CLONE_NEWNET)
    else:
        with open(f"/proc/{pid}/ns/net", "rb") as namespace:
            failed = libc.setns(namespace.fileno(), CLONE_NEWNET)
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Agent:
    """Counts datagrams per kind and reflects probes; `serve` runs until standard input closes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.bind(("0.0.0.0", port))  # noqa: S104  # of a namespace of our own
        self._socket.setblocking(False)
        self._arrived_bytes = 0
        self._sending: dict[str, Any] | None = None

    def serve(self) -> None:
        commands, arriving = b"", self._socket.fileno()
        while True:
            wait_s = TICK_S if self._sending else None
            ready, _, _ = select.select([0, arriving], [], [], wait_s)
            if arriving in ready:
                self._receive()
            if self._sending:
                self._send_more()
            if 0 in ready:
                read = os.read(0, 65_536)
                if not read:
                    return
                *lines, commands = (commands + read).split(b"\n")
                for line in lines:
                    say(self._do(json.loads(line)))

    def _do(self, command: dict[str, Any]) -> dict[str, Any]:
        match command["do"]:
            case "probe":
                return self._probe(command)
            case "load":
                seconds = min(command["seconds"], LOAD_S_MAX)
                now_s = time.monotonic()
                datagrams_per_s = command["kbps"] * 125 / (DATAGRAM_BYTES + IP_UDP_BYTES)
                self._sending = {
                    **command,
                    "began_s": now_s,
                    "ends_s": now_s + seconds,
                    "sent": 0,
                    "burst": max(BURST_DATAGRAMS, int(datagrams_per_s * BURST_S)),
                }
                return {"ok": True}
            case "arrived":
                return {"bytes": self._arrived_bytes, "at_s": time.monotonic()}
        return {"error": "unknown command"}

    def _receive(self) -> None:
        for _ in range(256):
            try:
                datagram, sender = self._socket.recvfrom(2_048)
            except BlockingIOError:
                return
            if datagram[:1] == bytes([LOAD]):
                self._arrived_bytes += len(datagram) + IP_UDP_BYTES
            elif datagram[:1] == bytes([PROBE]):
                try:
                    self._socket.sendto(datagram, sender)
                except OSError:
                    continue  # its way back is gone: the sender counts it as lost

    def _probe(self, command: dict[str, Any]) -> dict[str, Any]:
        """Send so many probes so far apart; their round trips in microseconds."""
        target = (command["host"], command["port"])
        count = min(command["count"], PROBES_MAX)
        trips: dict[int, float] = {}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probing:
            began_s = time.monotonic()
            for number in range(count):
                try:
                    probing.sendto(HEADER.pack(PROBE, number, time.monotonic()), target)
                except OSError:
                    continue  # no route: as lost as on the way
                self._collect(probing, began_s + (number + 1) * command["gap_s"], trips, count)
            self._collect(probing, time.monotonic() + command["patience_s"], trips, count)
        return {"sent": count, "round_trips_us": [round(t * 1e6) for t in trips.values()]}

    @staticmethod
    def _collect(
        probing: socket.socket, until_s: float, trips: dict[int, float], count: int
    ) -> None:
        while (left_s := until_s - time.monotonic()) > 0 and len(trips) < count:
            probing.settimeout(left_s)
            try:
                datagram = probing.recv(2_048)
            except TimeoutError:
                return
            except OSError:
                continue  # an ICMP error of an earlier probe
            _, number, sent_s = HEADER.unpack(datagram[: HEADER.size])
            trips.setdefault(number, time.monotonic() - sent_s)

    def _send_more(self) -> None:
        """What the rate allows by now; what the own queue does not take is lost, as on a wire."""
        sending = self._sending
        assert sending is not None
        now_s = time.monotonic()
        size = DATAGRAM_BYTES + IP_UDP_BYTES
        due = int((now_s - sending["began_s"]) * sending["kbps"] * 125 / size)
        datagram = HEADER.pack(LOAD, 0, now_s).ljust(DATAGRAM_BYTES, b"\0")
        # Who was kept from sending does not make up for it in one burst.
        sending["sent"] = max(sending["sent"], due - sending["burst"])
        for _ in range(due - sending["sent"]):
            with contextlib.suppress(OSError):
                self._socket.sendto(datagram, (sending["host"], sending["port"]))
            sending["sent"] += 1
        if now_s >= sending["ends_s"]:
            self._sending = None


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", help="what `ps` shows")
    parser.add_argument("--in", dest="inside", type=int)
    parser.add_argument("--forward", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    try:
        enter(given.inside)
        if given.forward:
            with open("/proc/sys/net/ipv4/ip_forward", "w") as switch:
                switch.write("1")
        agent = Agent(given.port)
    except OSError as error:
        say({"error": str(error)})
        return
    say({"ok": True})
    agent.serve()


if __name__ == "__main__":
    main()
