"""The same domain met from two sides: in this process, and over gRPC with mutual TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coordinator.domain_client import GrpcDomain
from deploy.certificates import ensure_development_certificates
from domains.config import load
from domains.domain import AdministrativeDomain
from domains.federated.domain import open_federated
from domains.model import (
    Attachment,
    HoldRequest,
    Isolation,
    NetworkFunction,
    SliceProfile,
)
from domains.port import Domain
from domains.security import Identity, Principal
from domains.server import DomainServer, serve

CONFIGS = Path(__file__).parents[2] / "deploy" / "configs" / "germany"
KINDS = ("access", "transport", "core", "cloud", "federated")
HIERARCHY = CONFIGS.parent / "hierarchy"
SIDES = ("in process", "over gRPC")

COORDINATOR = "spiffe://e2e.example/coordinator/c1"
ANOTHER = "spiffe://rival.example/coordinator/c2"


@dataclass
class Clock:
    """The domain's own clock: it goes when a test says so."""

    now_s: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Met:
    """A domain as two coordinators meet it, and its clock."""

    inner: AdministrativeDomain
    as_one: Domain
    as_another: Domain
    clock: Clock
    leave: Callable[[], object] = field(repr=False)

    async def profile(self, nth: int = 0, **changes: object) -> SliceProfile:
        """Something modest that the domain can surely do, on one of its abstract links."""
        topology = await self.as_one.topology()
        link = topology.links[nth]
        hosts = (NetworkFunction("app", "app", 1_000, 1_024, 5),)
        profile = SliceProfile(
            ingress=link.ingress,
            egress=link.egress,
            latency_us_max=10 * link.latency_us_min + 20_000,
            availability_ppb_min=990_000_000,
            downlink_kbps=2_000,
            uplink_kbps=1_000,
            devices=10,
            isolation=Isolation.SHARED,
            functions=hosts if topology.zones else (),
        )
        return replace(profile, **changes)  # type: ignore[arg-type]

    async def request(self, hold_id: str = "hold-1", **changes: object) -> HoldRequest:
        """A hold on the first offer for that profile, attached where it has to be."""
        profile = changes.pop("profile", None) or await self.profile()
        assert isinstance(profile, SliceProfile)
        (menu,) = await self.as_one.offers([profile], "acme")
        topology = await self.as_one.topology()
        ends = [end for end in (profile.ingress, profile.egress) if end in topology.border_points]
        request = HoldRequest(
            hold_id=hold_id,
            slice_id=f"slice-of-{hold_id}",
            tenant="acme",
            profile=profile,
            offer=menu.offers[0],
            attachments=tuple(Attachment(end, 1_000 + n) for n, end in enumerate(ends)),
            ttl_s=30.0,
            epoch=1,
        )
        return replace(request, **changes)  # type: ignore[arg-type]


def file_of(kind: str) -> Path:
    return HIERARCHY / "transport.toml" if kind == "federated" else CONFIGS / f"{kind}.toml"


@asynccontextmanager
async def opened(kind: str, folder: Path, clock: Clock) -> AsyncIterator[AdministrativeDomain]:
    """A domain of a kind; a federated one with its controllers behind it."""
    config = load(file_of(kind))
    if config.federated is None:
        domain = await AdministrativeDomain.open(config, folder / "domain.sqlite", clock)
        yield domain
        await domain.close()
        return
    front = f"spiffe://{config.trust_domain}/coordinator/{config.name}"
    behind = [
        await AdministrativeDomain.open(load(path), folder / f"{path.stem}.sqlite", clock)
        for path in sorted((HIERARCHY / "controllers").glob("*.toml"))
    ]
    seen = {controller.name: controller.as_seen_by(front) for controller in behind}
    federated = await open_federated(config, folder / "domain.sqlite", clock, seen)
    yield federated
    await federated.close()
    for controller in behind:
        await controller.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Identity]:
    """Identities of both coordinators and of every domain, by SPIFFE id."""
    names = [COORDINATOR, ANOTHER]
    for kind in KINDS:
        config = load(file_of(kind))
        names.append(f"spiffe://{config.trust_domain}/domain/{config.name}")
    folder = tmp_path_factory.mktemp("certificates")
    made = ensure_development_certificates(folder, names, datetime.now(UTC))
    return {name: Identity.load(home) for name, home in made.items()}


def identity_of_domain(certificates: Mapping[str, Identity], name: str) -> Identity:
    found = [i for n, i in certificates.items() if Principal.parse(n).name == name]
    assert len(found) == 1
    return found[0]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def domain_at_work(kind: str, tmp_path: Path) -> AsyncIterator[Met]:
    """A real domain with its own file, met in this process."""
    clock = Clock()
    async with opened(kind, tmp_path, clock) as inner:
        as_one, as_another = inner.as_seen_by(COORDINATOR), inner.as_seen_by(ANOTHER)
        yield Met(inner, as_one, as_another, clock, inner.close)


@pytest.fixture
async def served(
    kind: str, domain_at_work: Met, certificates: Mapping[str, Identity]
) -> AsyncIterator[DomainServer]:
    """The same domain behind its gRPC server."""
    identity = identity_of_domain(certificates, domain_at_work.inner.name)
    server = await serve(domain_at_work.inner, identity, "127.0.0.1:0")
    yield server
    await server.stop(0)


@pytest.fixture(params=SIDES)
async def met(
    request: pytest.FixtureRequest,
    kind: str,
    domain_at_work: Met,
    certificates: Mapping[str, Identity],
) -> AsyncIterator[Met]:
    """A domain of each kind from each side."""
    if request.param == SIDES[0]:
        yield domain_at_work
        return
    name = domain_at_work.inner.name
    identity = identity_of_domain(certificates, name)
    server = await serve(domain_at_work.inner, identity, "127.0.0.1:0")
    trust_domain = identity.principal.trust_domain
    one = GrpcDomain(name, server.address, certificates[COORDINATOR], trust_domain)
    another = GrpcDomain(name, server.address, certificates[ANOTHER], trust_domain)
    yield Met(domain_at_work.inner, one, another, domain_at_work.clock, server.stop)
    await one.close()
    await another.close()
    await server.stop(0)
