"""Where the HTTP service listens: on this machine only, as it has no TLS of its own."""

from __future__ import annotations

import ipaddress
from typing import Final

from domains.errors import InvalidRequest

DEFAULT_LISTEN: Final = "127.0.0.1:50080"


def loopback(listen: str) -> tuple[str, int]:
    """Host and port of an address of this machine only: there is no TLS here.

    Raises:
        InvalidRequest: not host:port, or reachable from outside.
    """
    host, _, port = listen.rpartition(":")
    try:
        if ipaddress.ip_address(host).is_loopback and 0 < int(port) < 65_536:
            return host, int(port)
    except ValueError:
        pass
    raise InvalidRequest(
        "the HTTP service listens on a loopback address, 127.0.0.1:port; for others, put a proxy"
        " with TLS in front of it",
        field="listen",
        requested=listen[:64],
    )
