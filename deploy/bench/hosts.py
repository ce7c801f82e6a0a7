"""Many domains in few processes: how long a host actor takes per domain, and how much memory."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.bench import networks
from deploy.bench.effort import Effort, Tell
from deploy.bench.figures import Bound
from deploy.bench.report import Report, Table, figure
from deploy.certificates import ensure_development_certificates
from deploy.federation import Federation, Member
from deploy.home import Home, short_folder
from deploy.hosts import remove_ray_folder, start_ray
from domains.actor import remote_host
from domains.security import Identity, Principal, Role, channel_credentials
from domains.server import Hosted

SPREAD_S_MAX: Final = 5.0
"""From the first domain that serves to the last."""
DOMAIN_MB_MAX: Final = 1.0

START_S: Final = 60.0
POLL_S: Final = 0.01
CALL_S: Final = 10.0
DRAIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Hosts:
    """What was seen: seconds since the actors were asked for, MB of proportional set size."""

    domains: int
    actors: int
    first_s: float
    last_s: float
    answered: int
    actor_mb: float
    domain_mb: float


def measure(folder: Path, effort: Effort, tell: Tell) -> Report:
    """Start so many domains in host actors; each must answer over mutual TLS."""
    tell(f"{effort.hosted} domains in {effort.actors} host actors")
    ray_folder = short_folder()
    federation = networks.rivals(folder / "network", effort.hosted)
    home = Home(folder / "home").prepare()
    ray = start_ray(ray_folder, home.ray_token(), effort.actors + 1)
    try:
        seen = _hosted(ray, folder, federation, effort.actors)
    finally:
        ray.shutdown()
        remove_ray_folder(str(ray_folder))
    assert seen.answered == seen.domains, "a domain that listens must also answer"
    return _report(seen)


def _hosted(ray: Any, folder: Path, federation: Federation, count: int) -> Hosts:
    members = federation.members
    identities = _identities(folder, members)
    hosted = [
        Hosted(m.path, folder / f"{m.name}.sqlite", identities[_spiffe_id(m)], m.address)
        for m in members
    ]
    # Every actor hosts all kinds alike; the last four domains alone are what the rest is
    # weighed against, so that imports and one technology of each kind do not count.
    kinds = len(members) // networks.KINDS
    mixed = [hosted[kind * kinds + at] for at in range(kinds) for kind in range(networks.KINDS)]
    alone, rest = mixed[-networks.KINDS :], mixed[: -networks.KINDS]
    actor_class = remote_host()
    actors = [actor_class.remote(alone)]
    ray.get(actors[0].endpoints.remote(), timeout=START_S)
    size = -(-len(rest) // count)
    shares = [rest[at : at + size] for at in range(0, len(rest), size)]
    began_s = time.perf_counter()
    watch = _Watch([[one.address or "" for one in share] for share in shares], began_s)
    actors += [actor_class.remote(share) for share in shares]
    ray.get([actor.endpoints.remote() for actor in actors], timeout=START_S)
    serving_s = watch.serving_s()
    answered = asyncio.run(_answers(members, identities[_tenant_id(members[0])]))
    pids = ray.get([actor.pid.remote() for actor in actors], timeout=START_S)
    base_mb, *loaded_mb = map(_pss_mb, pids)
    ray.wait([actor.drain.remote(DRAIN_S) for actor in actors], num_returns=len(actors), timeout=10)
    more = len(rest) - networks.KINDS * count
    return Hosts(
        domains=len(members),
        actors=len(actors),
        first_s=min(serving_s),
        last_s=max(serving_s),
        answered=answered,
        actor_mb=base_mb,
        domain_mb=sum(mb - base_mb for mb in loaded_mb) / more,
    )


class _Watch:
    """When each address began to listen; an actor starts its domains one after another."""

    def __init__(self, shares: Sequence[Sequence[str]], began_s: float) -> None:
        self._began_s = began_s
        self._seen_s: list[float] = []
        self._threads = [threading.Thread(target=self._follow, args=(s,)) for s in shares]
        for thread in self._threads:
            thread.start()

    def serving_s(self) -> list[float]:
        for thread in self._threads:
            thread.join()
        return self._seen_s

    def _follow(self, addresses: Sequence[str]) -> None:
        until_s = self._began_s + START_S
        for address in addresses:
            while not _listens(address) and time.perf_counter() < until_s:
                time.sleep(POLL_S)
            self._seen_s.append(time.perf_counter() - self._began_s)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.settimeout(CALL_S)
        return probe.connect_ex((host, int(port))) == 0


async def _answers(members: Sequence[Member], folder: Path) -> int:
    """How many answer that they serve."""
    identity, answered = Identity.load(folder), 0
    for member in members:
        credentials = channel_credentials(identity, member.trust_domain)
        async with grpc.aio.secure_channel(member.address, credentials) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            reply = await check(health_pb2.HealthCheckRequest(), timeout=CALL_S)
            answered += reply.status == health_pb2.HealthCheckResponse.SERVING
    return answered


def _identities(folder: Path, members: Sequence[Member]) -> dict[str, Path]:
    names = [*map(_spiffe_id, members), _tenant_id(members[0])]
    return ensure_development_certificates(folder / "certificates", names, datetime.now(UTC))


def _spiffe_id(member: Member) -> str:
    return Principal(member.trust_domain, Role.DOMAIN, member.name).spiffe_id


def _tenant_id(member: Member) -> str:
    return Principal(member.trust_domain, Role.TENANT, "bench").spiffe_id


def _pss_mb(pid: int) -> float:
    """Proportional set size: pages shared with other processes count in part (proc(5))."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1e3
    raise AssertionError("every process has a proportional set size")


def _report(seen: Hosts) -> Report:
    spread_s = seen.last_s - seen.first_s
    columns = ("", "measured")
    rows = [
        ("domains, all of which answered", f"{seen.domains}"),
        ("host actors, one of them with four domains only", f"{seen.actors}"),
        ("first domain serves after, s", figure(seen.first_s)),
        ("last domain serves after, s", figure(seen.last_s)),
        ("an actor with four domains, MB", figure(seen.actor_mb)),
        ("each further domain, MB", figure(seen.domain_mb)),
    ]
    bounds = (
        Bound("from the first domain that serves to the last", spread_s, SPREAD_S_MAX, "s"),
        Bound("memory per domain", seen.domain_mb, DOMAIN_MB_MAX, "MB"),
    )
    plain = {name: getattr(seen, name) for name in Hosts.__slots__}
    return Report("hosts", (Table("Domains in host actors", columns, rows),), plain, bounds)
