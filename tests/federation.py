"""A whole federation in one event loop: real servers, real mTLS, real databases, no Ray."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import grpc

from coordinator.assurance.decide import Mode
from coordinator.intent.settings import RULES_ONLY, EngineSettings
from coordinator.server import CoordinatorServer
from coordinator.server import serve as serve_coordinator
from coordinator.settings import CoordinatorSettings, DomainEndpoint
from deploy.certificates import ensure_development_certificates
from deploy.federation import CONFIGS
from domains import config
from domains.domain import AdministrativeDomain
from domains.security import Identity, channel_credentials
from domains.server import DomainServer
from domains.server import serve as serve_domain
from protos.slicing.v1 import slices_pb2_grpc

HOME = "entente.example"
COORDINATOR = f"spiffe://{HOME}/coordinator/main"
ANYWHERE = "127.0.0.1:0"
TURNED_BY_HAND_S = 3_600.0
"""No round of assurance comes by itself within a test."""


Bend = Callable[[AdministrativeDomain], Any]


def tenant_id(name: str) -> str:
    return f"spiffe://{HOME}/tenant/{name}"


@dataclass
class Federation:
    """What a test may touch; domains and the coordinator can be stopped and started again."""

    folder: Path
    identities: Mapping[str, Path]
    configs: Mapping[str, Path]
    domains: dict[str, DomainServer] = field(default_factory=dict)
    coordinator: CoordinatorServer | None = None
    assurance: Mode | None = None
    engine: EngineSettings = RULES_ONLY
    _channels: list[grpc.aio.Channel] = field(default_factory=list)

    async def start_domain(self, name: str, bend: Bend | None = None) -> None:
        """On the same port as before, if it ran before; `bend` may put a fault in front of it."""
        loaded = config.load(self.configs[name])
        identity = Identity.load(self.identities[_domain_id(self.configs[name])])
        address = self.domains[name].address if name in self.domains else ANYWHERE
        domain = await AdministrativeDomain.open(loaded, self.folder / f"{name}.sqlite", time.time)
        self.domains[name] = await serve_domain(bend(domain) if bend else domain, identity, address)

    async def start_coordinator(self, default_area: str = "berlin") -> CoordinatorServer:
        settings = CoordinatorSettings(
            name="main",
            trust_domain=HOME,
            address=self.coordinator.address if self.coordinator else ANYWHERE,
            database=self.folder / "coordinator.sqlite",
            identity=self.identities[COORDINATOR],
            domains=tuple(
                DomainEndpoint(name, server.address, config.load(self.configs[name]).trust_domain)
                for name, server in self.domains.items()
            ),
            default_area=default_area,
            assurance=self.assurance,
            assurance_interval_s=TURNED_BY_HAND_S,
            engine=self.engine,
        )
        self.coordinator = await serve_coordinator(settings)
        return self.coordinator

    def tenant(self, name: str = "clinic") -> Any:
        """A stub of the tenants' API, with that tenant's certificate."""
        assert self.coordinator is not None
        return self.tenant_at(self.coordinator.address, name)

    def tenant_at(self, address: str, name: str = "clinic") -> Any:
        """The same towards a coordinator that runs elsewhere."""
        credentials = channel_credentials(Identity.load(self.identities[tenant_id(name)]), HOME)
        options = (("grpc.max_reconnect_backoff_ms", 200),)
        channel = grpc.aio.secure_channel(address, credentials, options)
        self._channels.append(channel)
        return slices_pb2_grpc.SliceServiceStub(channel)

    def used(self) -> dict[str, dict[str, int]]:
        """What is in use, per domain and inner resource: the operators' own view."""
        return {
            name: {resource: units for resource, units in server.domain.usage().items() if units}
            for name, server in self.domains.items()
        }

    async def stop(self) -> None:
        for channel in self._channels:
            await channel.close()
        if self.coordinator is not None:
            await self.coordinator.stop(0)
        for server in self.domains.values():
            await server.stop(0)


def _domain_id(path: Path) -> str:
    loaded = config.load(path)
    return f"spiffe://{loaded.trust_domain}/domain/{loaded.name}"


@asynccontextmanager
async def federation(
    folder: Path,
    configs: Path = CONFIGS / "germany",
    tenants: Sequence[str] = ("clinic", "other"),
    bend: Mapping[str, Bend] = MappingProxyType({}),
    engine: EngineSettings = RULES_ONLY,
) -> AsyncIterator[Federation]:
    """Every domain of a folder of configs, and a coordinator that knows them.

    Args:
        bend: domain name -> a fault to put in front of that domain.
        engine: what reads the tenants' words.
    """
    paths = {
        config.load(path).name: path
        for path in sorted(configs.glob("*.toml"))  # noqa: ASYNC240  # once, at the start
        if path.name != "coordinator.toml"
    }
    ids = [COORDINATOR, *map(tenant_id, tenants), *map(_domain_id, paths.values())]
    identities = ensure_development_certificates(folder / "certificates", ids, datetime.now(UTC))
    async with AsyncExitStack() as stack:
        made = Federation(folder, identities, paths, engine=engine)
        stack.push_async_callback(made.stop)
        for name in paths:
            await made.start_domain(name, bend.get(name))
        await made.start_coordinator()
        yield made
