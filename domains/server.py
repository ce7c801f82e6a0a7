"""A domain that serves: its gRPC server, and the sweeper that lapses what nobody confirmed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import grpc

from domains import collector, operator_service, rpc, service
from domains.config import ControllerSection, DomainConfig, load
from domains.domain import AdministrativeDomain
from domains.errors import EntenteError, InvalidRequest
from domains.federated.domain import open_federated
from domains.port import Domain
from domains.security import Identity, Principal, Role
from protos.slicing.v1.domain_pb2_grpc import add_DomainServiceServicer_to_server
from protos.slicing.v1.operator_pb2_grpc import add_OperatorServiceServicer_to_server

log = logging.getLogger(__name__)

SWEEP_S: Final = 1.0
"""A hold outlives its TTL by no more than this."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """What it takes to start one domain.

    Attributes:
        config: its TOML file; database: its SQLite file.
        identity: folder of its certificate; None for no TLS, on loopback only.
        address: host:port instead of the configured one; None to keep that.
        upstream: folder of the certificate that a federated domain shows its controllers.
        controllers: name -> host:port, instead of the configured ones.
    """

    config: Path
    database: Path
    identity: Path | None
    address: str | None = None
    upstream: Path | None = None
    controllers: Mapping[str, str] = field(default_factory=dict)


class Dialled(Domain, Protocol):
    """A controller at the other end of a connection of our own."""

    async def close(self) -> None:
        """Hang up."""
        ...


Dial = Callable[[ControllerSection, Identity | None, str], Dialled]
"""Where a controller is, our identity, and the SPIFFE id to claim without one: a connection."""


@dataclass(frozen=True, slots=True)
class DomainServer:
    """A domain at an address. `stop` ends the server, the sweeper and the domain, in this order."""

    domain: AdministrativeDomain
    address: str
    _rpc: rpc.RpcServer
    _servicer: service.DomainServicer
    _sweeper: asyncio.Task[None]

    async def stop(self, grace_s: float = rpc.STOP_GRACE_S) -> None:
        """Let calls in progress finish within the grace, then go. Idempotent."""
        self._servicer.leave()
        await self._rpc.stop(grace_s)
        self._sweeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sweeper
        await self.domain.close()


async def serve(
    domain: AdministrativeDomain,
    identity: Identity | None,
    address: str,
    *,
    now: Callable[[], float] = time.time,
    bind_s_max: float = rpc.BIND_S_MAX,
) -> DomainServer:
    """Serve an open domain; from here on it belongs to the server, which closes it.

    Raises:
        rpc.AddressInUse, InvalidRequest: see `rpc.listen`.
    """
    servicer = service.DomainServicer(domain)

    def register(server: grpc.aio.Server) -> None:
        add_DomainServiceServicer_to_server(servicer, server)
        desk = operator_service.OperatorServicer(domain)
        add_OperatorServiceServicer_to_server(desk, server)

    listening = await rpc.listen(
        address,
        identity,
        {
            service.NAME: service.PERMISSIONS,
            operator_service.NAME: operator_service.PERMISSIONS,
        },
        register,
        now=now,
        bind_s_max=bind_s_max,
    )
    sweeper = asyncio.create_task(_sweep(domain), name=f"sweep-{domain.name}")
    log.info(
        "%s serves at %s, offers ranked by %s", domain.name, listening.address, domain.ranked_by()
    )
    return DomainServer(domain, listening.address, listening, servicer, sweeper)


async def _sweep(domain: AdministrativeDomain) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        try:
            await domain.sweep()
        except EntenteError as error:
            log.warning("%s could not lapse holds: %s", domain.name, error.message)
        except Exception:  # a defect of ours must not end the sweeper for good
            log.exception("%s could not lapse holds", domain.name)


async def start(hosted: Hosted, dial: Dial | None = None) -> DomainServer:
    """Open one domain from its files and serve it.

    Args:
        dial: connects a federated domain with its controllers.
    """
    config = load(hosted.config)
    identity = Identity.load(hosted.identity) if hosted.identity else None
    domain = await _open(config, hosted, dial)
    try:
        return await serve(domain, identity, hosted.address or config.listen)
    except BaseException:
        await domain.close()
        raise


async def _open(config: DomainConfig, hosted: Hosted, dial: Dial | None) -> AdministrativeDomain:
    if config.federated is None:
        return await AdministrativeDomain.open(config, hosted.database, time.time)
    if dial is None:
        raise InvalidRequest(f"{config.name}: nothing here connects to its controllers")
    upstream = Identity.load(hosted.upstream) if hosted.upstream else None
    me = Principal(config.trust_domain, Role.COORDINATOR, config.name).spiffe_id
    dialled = {
        section.name: dial(
            section.model_copy(
                update={"address": hosted.controllers.get(section.name, section.address)}
            ),
            upstream,
            me,
        )
        for section in config.federated.controllers
    }

    async def hang_up() -> None:
        for controller in dialled.values():
            await controller.close()

    try:
        return await open_federated(config, hosted.database, time.time, dialled, hang_up)
    except BaseException:
        await hang_up()
        raise


async def start_all(hosted: Sequence[Hosted], dial: Dial | None = None) -> list[DomainServer]:
    """Start several in this loop, or none: the first failure stops those before it."""
    servers: list[DomainServer] = []
    try:
        for one in hosted:
            servers.append(await start(one, dial))
    except BaseException:
        await stop_all(servers, grace_s=0)
        raise
    return servers


async def stop_all(servers: Sequence[DomainServer], grace_s: float = rpc.STOP_GRACE_S) -> None:
    """Stop all at once: together they take one grace, not the sum."""
    await asyncio.gather(*(server.stop(grace_s) for server in servers))


async def run_domains(
    hosted: Sequence[Hosted],
    ready: Callable[[dict[str, str]], None] | None = None,
    dial: Dial | None = None,
) -> None:
    """Serve domains in this process, without Ray, until SIGINT or SIGTERM.

    Args:
        ready: called once with each domain's address, by name, when all of them answer.
    """
    loop = asyncio.get_running_loop()
    leaving = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, leaving.set)
    servers = await start_all(hosted, dial)
    collector.serving()
    try:
        if ready:
            ready({server.domain.name: server.address for server in servers})
        await leaving.wait()
    finally:
        await stop_all(servers)
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(sign)
