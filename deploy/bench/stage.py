"""A federation of plain processes to measure: a coordinator, domains, mutual TLS, full durability.

Domains run one to a process, or in as many processes as are asked for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.account import tenant_id
from deploy.certificates import ensure_development_certificates
from deploy.child import Child
from deploy.federation import Federation, Member
from domains.security import Principal, Role

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs.

    Attributes:
        address: of the tenants' API; `bare`: of the fan-out in the same process, to one domain
            of every other process.
        tenants: a folder with a certificate each.
        processes: every process but the tenants', by what it is called in tables.
    """

    address: str
    bare: str
    trust_domain: str
    tenants: Sequence[Path]
    processes: Mapping[str, Child]

    def cpu_s(self) -> dict[str, float]:
        """User and system time since the start of every process, ours as "tenants"."""
        pids = {name: child.pid for name, child in self.processes.items()}
        return {name: _cpu_s(pid) for name, pid in {**pids, "tenants": os.getpid()}.items()}

    def threads_cpu_s(self) -> dict[str, tuple[float, float, float]]:
        """The same by kind of thread: event loop, gRPC's own, all others."""
        return {name: _threads_cpu_s(child.pid) for name, child in self.processes.items()}


def _cpu_s(pid: int) -> float:
    return _used_s(Path(f"/proc/{pid}/stat"))[1]


def _threads_cpu_s(pid: int) -> tuple[float, float, float]:
    spent = [0.0, 0.0, 0.0]
    for thread in Path(f"/proc/{pid}/task").iterdir():
        name, used_s = _used_s(thread / "stat")
        loop, grpc = thread.name == str(pid), name.startswith(("event_engine", "grpc", "timer"))
        spent[0 if loop else 1 if grpc else 2] += used_s
    return spent[0], spent[1], spent[2]


def _used_s(stat: Path) -> tuple[str, float]:
    """Name, and user and system time: fields 2, 14 and 15 of proc(5), in ticks."""
    name, _, fields = stat.read_text().partition("(")[2].rpartition(")")
    ticks = fields.split()
    return name, (int(ticks[11]) + int(ticks[12])) / TICKS_PER_S


def raised(
    stack: ExitStack,
    folder: Path,
    federation: Federation,
    tenants: int,
    processes: int | None = None,
) -> Stage:
    """Start a federation; it ends with the stack, tenants' certificates and all.

    Args:
        folder: an empty one, for databases, certificates and logs.
        processes: how many share the domains; None for one each.

    Raises:
        EntenteError: a part could not start, and why.
    """
    members, section = federation.members, federation.coordinator
    coordinator_id = str(Principal(section.trust_domain, Role.COORDINATOR, section.name).spiffe_id)
    tenant_ids = [tenant_id(section.tenant_trust_domain, f"bench-{i}") for i in range(tenants)]
    identities = ensure_development_certificates(
        folder / "certificates",
        [coordinator_id, *tenant_ids, *map(_domain_id, members)],
        datetime.now(UTC),
    )
    # Children keep it open; nobody waits for it here, since the stack ends them in any case.
    lock = stack.enter_context((folder / "lock").open("w")).fileno()
    started: dict[str, Child] = {}
    shares = _shares(members, processes or len(members))
    for share in shares:
        name = share[0].name if len(share) == 1 else f"{share[0].name} and {len(share) - 1} more"
        child = started[name] = Child("deploy.bench.party", folder / f"{share[0].name}.log", lock)
        stack.callback(child.stop)
    coordinator = started["coordinator"] = Child(
        "deploy.bench.party", folder / "coordinator.log", lock
    )
    stack.callback(coordinator.stop)
    for share, child in zip(shares, started.values(), strict=False):
        child.serve({"hosted": [_hosted(folder, member, identities) for member in share]})
    settings = {
        "name": section.name,
        "trust_domain": section.trust_domain,
        "address": section.listen,
        "database": str(folder / "coordinator.sqlite"),
        "identity": str(identities[coordinator_id]),
        "default_area": section.default_area,
        "domains": [[one.name, one.address, one.trust_domain] for one in members],
    }
    coordinator.serve({"settings": settings, "fan_out": [share[0].name for share in shares]})
    return Stage(
        address=section.listen,
        bare=coordinator.ask("bare")["bare"],
        trust_domain=section.trust_domain,
        tenants=[identities[one] for one in tenant_ids],
        processes=started,
    )


def _shares(members: Sequence[Member], count: int) -> list[Sequence[Member]]:
    """Equal parts of what stands side by side, so of one kind as far as possible."""
    size = -(-len(members) // count)
    return [members[at : at + size] for at in range(0, len(members), size)]


def _hosted(folder: Path, member: Member, identities: Mapping[str, Path]) -> dict[str, str]:
    return {
        "config": str(member.path),
        "database": str(folder / f"{member.name}.sqlite"),
        "identity": str(identities[_domain_id(member)]),
        "address": member.address,
    }


def _domain_id(member: Member) -> str:
    return Principal(member.trust_domain, Role.DOMAIN, member.name).spiffe_id
