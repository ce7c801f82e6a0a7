"""One guarded gRPC server: mutual TLS, a limit on everything, health, and a port that is its own.

Domains and coordinators open theirs here, so that no server exists without the guard.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from domains.errors import EntenteError, InvalidRequest
from domains.security import (
    HEALTH,
    Guard,
    Identity,
    Permissions,
    is_loopback,
    server_credentials,
)

log = logging.getLogger(__name__)

REQUEST_BYTES_MAX: Final = 256 * 1024
METADATA_BYTES_MAX: Final = 8 * 1024
STREAMS_PER_CONNECTION_MAX: Final = 256
"""Calls in progress of one peer; its further ones wait on its own side."""
RPCS_MAX: Final = 1_024
"""Calls in progress of all; beyond, RESOURCE_EXHAUSTED at once."""

CONNECTION_IDLE_S_MAX: Final = 600
CONNECTION_AGE_S_MAX: Final = 3_600
"""Then a connection is renewed, certificates and all."""
CONNECTION_GRACE_S: Final = 1_800
"""How long calls on an aged connection may go on; longer than any stream's deadline."""
PING_S: Final = 30
PING_ANSWER_S: Final = 10
"""A peer that is gone without a word is noticed within PING_S + PING_ANSWER_S."""
PEER_PING_S_MIN: Final = 10
"""A peer that pings more often is told to stop."""

BIND_S_MAX: Final = 10.0
"""An earlier incarnation may still hold the port for a moment."""
BIND_PAUSE_S: Final = 0.1
STOP_GRACE_S: Final = 2.0

SERVER_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    # The default lets two servers share a port silently, and a kernel splits the callers.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", REQUEST_BYTES_MAX),
    ("grpc.max_metadata_size", METADATA_BYTES_MAX),
    # The hard limit; between the two gRPC refuses at random, more often the larger it is.
    ("grpc.absolute_max_metadata_size", 2 * METADATA_BYTES_MAX),
    ("grpc.max_concurrent_streams", STREAMS_PER_CONNECTION_MAX),
    ("grpc.max_connection_idle_ms", CONNECTION_IDLE_S_MAX * 1000),
    ("grpc.max_connection_age_ms", CONNECTION_AGE_S_MAX * 1000),
    ("grpc.max_connection_age_grace_ms", CONNECTION_GRACE_S * 1000),
    ("grpc.keepalive_time_ms", PING_S * 1000),
    ("grpc.keepalive_timeout_ms", PING_ANSWER_S * 1000),
    ("grpc.http2.min_ping_interval_without_data_ms", PEER_PING_S_MIN * 1000),
    ("grpc.http2.max_ping_strikes", 2),
)


class AddressInUse(EntenteError):
    """We could not listen there; the message says where and how to find out who does."""

    reason = "ADDRESS_IN_USE"


@dataclass(frozen=True, slots=True)
class RpcServer:
    """A server that listens at `address` (host:port, the real port where 0 was asked for)."""

    server: grpc.aio.Server
    address: str
    _health: health.aio.HealthServicer

    async def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """Take no new calls, let the others finish within the grace. Idempotent."""
        await self._health.enter_graceful_shutdown()
        await self.server.stop(grace_s)

    async def wait_for_termination(self) -> None:
        await self.server.wait_for_termination()


async def listen(
    address: str,
    identity: Identity | None,
    tables: Mapping[str, Permissions],
    register: Callable[[grpc.aio.Server], None],
    *,
    now: Callable[[], float] = time.time,
    bind_s_max: float = BIND_S_MAX,
) -> RpcServer:
    """Open a server and serve.

    Args:
        address: host:port; port 0 takes a free one.
        identity: None for no TLS, which loopback addresses alone may do.
        tables: service name -> permissions, for the services that `register` adds. Health is
            added here.
        register: adds the servicers with their generated functions.

    Raises:
        AddressInUse: the port stayed taken for `bind_s_max`.
        InvalidRequest: no identity and not a loopback address.
    """
    if identity is None and not is_loopback(address):
        raise InvalidRequest(
            f"without TLS only a loopback address may be served, not {address}", address=address
        )
    server = grpc.aio.server(options=SERVER_OPTIONS, maximum_concurrent_rpcs=RPCS_MAX)
    guard = Guard(server, {"grpc.health.v1.Health": HEALTH, **tables}, identity, now).as_server
    healthy = health.aio.HealthServicer()
    await healthy.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, guard)
    register(guard)
    port = await _bind(server, address, identity, bind_s_max)
    await server.start()
    if identity is None:
        log.warning("INSECURE: %s takes every caller at their word, without TLS", address)
    return RpcServer(server, f"{address.rpartition(':')[0]}:{port}", healthy)


async def _bind(
    server: grpc.aio.Server, address: str, identity: Identity | None, bind_s_max: float
) -> int:
    for attempt in range(1 + round(bind_s_max / BIND_PAUSE_S)):
        if attempt:
            await asyncio.sleep(BIND_PAUSE_S)
        try:
            if identity is None:
                return server.add_insecure_port(address)
            return server.add_secure_port(address, server_credentials(identity))
        except RuntimeError:
            log.debug("%s is taken, attempt %d", address, attempt + 1)
    port = address.rpartition(":")[2]
    raise AddressInUse(
        f"cannot listen on {address}: another program, perhaps an earlier run, has held the port "
        f"for {bind_s_max:g} s (`ss -ltnp sport = :{port}` names it), or the address is not ours",
        address=address,
    )
