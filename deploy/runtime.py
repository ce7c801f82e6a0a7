"""A running federation: hosts, coordinator and certificates, started together, ended together."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from pydantic import TypeAdapter

from coordinator.assurance.decide import Mode
from coordinator.intent.settings import EngineSettings
from coordinator.settings import CoordinatorSettings, DomainEndpoint
from deploy.account import DEFAULT_TENANT, tenant_id
from deploy.certificates import ensure_development_certificates
from deploy.child import Child
from deploy.federation import Federation, Member
from deploy.home import Home, Lock, Run
from deploy.hosts import Launcher, Usage, hosts, remove_ray_folder
from deploy.http import HttpService
from deploy.llm_service import OwnModel, start_model
from deploy.processes import free_addresses, is_free, started
from domains.errors import WrongState
from domains.security import Principal, Role
from domains.server import Hosted

Tell = Callable[[str], None]
DEFAULT_ENGINE = EngineSettings()


class Runtime:
    """What `entente up` and `entente demo` keep running; use it as a context manager.

    Args:
        insecure: no TLS; loopback only.
        tell: called with a few words as each part begins.
        http: host:port of the HTTP service, or None for none.
        engine: what reads words; the coordinator keeps its memory in the state folder.
        model: a language model to run here for it, on Ray.
    """

    def __init__(
        self,
        home: Home,
        federation: Federation,
        launcher: Launcher = Launcher.RAY,
        insecure: bool = False,
        tell: Tell = lambda _: None,
        http: str | None = None,
        engine: EngineSettings = DEFAULT_ENGINE,
        model: OwnModel | None = None,
    ) -> None:
        self._home = home
        self._federation = federation
        self._launcher = launcher
        self._insecure = insecure
        self._tell = tell
        self._http = http
        self._engine = engine
        self._model = model
        self._reads: dict[str, str] = {}
        self._running = ExitStack()

    def __enter__(self) -> Runtime:
        """Start everything; on return everything serves and the run file says where.

        Raises:
            WrongState: another instance runs in this state folder, or a port is taken.
            EntenteError: a part could not start, and why.
        """
        with ExitStack() as starting:
            lock = starting.enter_context(Lock(self._home))
            clean(self._home)
            self._check_ports()
            self._start(starting, lock)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._running.close()

    def usage(self) -> Usage:
        """Units in use of every resource of every domain, from the domains themselves."""
        return self._hosts.usage()

    @property
    def run(self) -> Run:
        """What runs, as in the run file."""
        section = self._federation.coordinator
        return Run(
            pid=os.getpid(),
            started=started(os.getpid()) or "",
            coordinator=section.listen,
            coordinator_trust_domain=section.trust_domain,
            tenant_trust_domain=section.tenant_trust_domain,
            domains={member.name: member.address for member in self._federation.members},
            config=str(self._federation.folder),
            insecure=self._insecure,
            ray_folder=self._hosts.folder,
            http=self._http or "",
            engine=self._reads.get("engine", ""),
            note=self._reads.get("note", ""),
        )

    def _start(self, starting: ExitStack, lock: Lock) -> None:
        # Both children import what they need while certificates are made and Ray starts.
        coordinator = Child(
            "deploy.coordinator_process", self._home.logs / "coordinator.log", lock.descriptor
        )
        starting.callback(coordinator.stop)
        http = self._http_service(starting)
        self._hosts = hosts(self._launcher, self._home, lock)
        starting.callback(self._hosts.stop)
        starting.callback(self._home.run_file.unlink, missing_ok=True)
        # Written before Ray starts as well: what a crash leaves behind must be found.
        self.run.write(self._home)
        self._tell("certificates, one authority per operator")
        identities = self._identities()
        parties = self._federation.parties
        behind = len(self._federation.controllers)
        controllers = f", {behind} controllers" if behind else ""
        domains = len(parties) - behind
        self._tell(f"{domains} domains{controllers} ({self._launcher.value})")
        self._hosts.start([self._hosted(member, identities) for member in parties])
        if self._model is not None:
            self._tell(f"the language model {self._model.model}, which can take minutes")
            listen = self._http or free_addresses(1)[0]
            self._engine = replace(self._engine, llm=start_model(self._home, self._model, listen))
        self._tell("the coordinator")
        settings = self._settings(identities)
        coordinator.serve(TypeAdapter(CoordinatorSettings).dump_python(settings, mode="json"))
        self._reads = coordinator.ask("engine")
        if http is not None:
            self._tell("the HTTP service")
            http.engine = self._engine
            http.start()
        replace(self.run, ready=True).write(self._home)

    def _http_service(self, starting: ExitStack) -> HttpService | None:
        if self._http is None:
            return None
        service = HttpService(self._home, self._federation.folder, self._http, self._launcher)
        return starting.enter_context(service)

    def _identities(self) -> dict[str, Path]:
        """The identity folder of every party, by SPIFFE id; empty without TLS."""
        if self._insecure:
            return {}
        section = self._federation.coordinator
        parties = [_domain_id(member) for member in self._federation.parties]
        parties += [_front_id(m) for m in self._federation.members if m.config.federated]
        # The first tenant, so that the coordinator's bundle has the tenants' authority.
        parties += [self._coordinator_id, tenant_id(section.tenant_trust_domain, DEFAULT_TENANT)]
        return ensure_development_certificates(self._home.certificates, parties, datetime.now(UTC))

    @property
    def _coordinator_id(self) -> str:
        section = self._federation.coordinator
        return Principal(section.trust_domain, Role.COORDINATOR, section.name).spiffe_id

    def _hosted(self, member: Member, identities: dict[str, Path]) -> Hosted:
        return Hosted(
            config=member.path.resolve(),
            database=self._home.databases / f"{member.name}.sqlite",
            identity=identities.get(_domain_id(member)),
            address=member.address,
            upstream=identities.get(_front_id(member)),
            controllers={c.name: c.address for c in self._federation.controllers}
            if member.config.federated
            else {},
        )

    def _settings(self, identities: dict[str, Path]) -> CoordinatorSettings:
        section = self._federation.coordinator
        return CoordinatorSettings(
            name=section.name,
            trust_domain=section.trust_domain,
            address=section.listen,
            database=self._home.databases / "coordinator.sqlite",
            identity=identities.get(self._coordinator_id),
            domains=tuple(
                DomainEndpoint(member.name, member.address, member.trust_domain)
                for member in self._federation.members
            ),
            default_area=section.default_area,
            assurance=None if section.assurance == "none" else Mode(section.assurance),
            assurance_interval_s=section.assurance_interval_s,
            floor_permille=section.floor_permille,
            ceiling_permille=section.ceiling_permille,
            engine=replace(self._engine, folder=self._home.memory),
        )

    def _check_ports(self) -> None:
        members = self._federation.parties
        wanted = {member.name: member.address for member in members}
        wanted["the coordinator"] = self._federation.coordinator.listen
        if self._http:
            wanted["the HTTP service"] = self._http
        for name, address in wanted.items():
            if not is_free(address):
                raise WrongState(
                    f"{address}, where {name} should listen, is in use; change `listen` in "
                    f"{self._federation.folder}, or: entente up --free-ports",
                    address=address,
                )


def clean(home: Home) -> None:
    """Remove what a crashed instance left; call it with the lock held, so none is alive."""
    if left := Run.read(home):
        remove_ray_folder(left.ray_folder)
    home.run_file.unlink(missing_ok=True)


def _domain_id(member: Member) -> str:
    return Principal(member.trust_domain, Role.DOMAIN, member.name).spiffe_id


def _front_id(member: Member) -> str:
    """As whom a federated domain calls its controllers: it is their coordinator."""
    return Principal(member.trust_domain, Role.COORDINATOR, member.name).spiffe_id
