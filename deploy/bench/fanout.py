"""The yardstick: what the calls of a set-up cost when they carry nothing and decide nothing.

A tenant's one call makes the coordinator call every domain three times over, all at once in each
round, with the empty health check of the very servers and over the very channels that a set-up
uses. Same mutual TLS, same guard, same event loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from coordinator.server import CoordinatorServer
from domains import rpc
from domains.security import Identity, Permissions, Role

SERVICE: Final = "bench.FanOut"
METHOD: Final = "Run"
ROUNDS: Final = 3
"""Offers, hold, confirm."""
CALL_S: Final = 10.0

_TABLE: Permissions = {METHOD: frozenset({Role.TENANT})}


async def listen(
    coordinator: CoordinatorServer, identity: Identity, domains: Sequence[str]
) -> rpc.RpcServer:
    """Serve the fan-out to `domains` from the coordinator's process, at a port of its own.

    The coordinator's server refuses every method that is not in its permission table, as it
    should; so this one has its own server, with its own table, in the same event loop.
    """
    # Private for good reason: nobody else may call a domain past `GrpcDomain`.
    channels = [coordinator._domains[name]._channel for name in domains]
    checks = [health_pb2_grpc.HealthStub(channel).Check for channel in channels]
    nothing = health_pb2.HealthCheckRequest()

    async def run(request: bytes, _: Any) -> bytes:
        for _round in range(ROUNDS):
            calls = [check(nothing, timeout=CALL_S) for check in checks]
            for call in calls:
                await call
        return request

    def add(server: grpc.aio.Server) -> None:
        handlers = {METHOD: grpc.unary_unary_rpc_method_handler(run, bytes, bytes)}
        server.add_registered_method_handlers(SERVICE, handlers)

    return await rpc.listen("127.0.0.1:0", identity, {SERVICE: _TABLE}, add)
