"""A coordinator that serves: journal, watchers, recovery and the tenants' gRPC API."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from coordinator.assurance.experience import Experience
from coordinator.assurance.history import History
from coordinator.assurance.watch import Watchman
from coordinator.clock import Clock, SystemClock
from coordinator.consent import Consent
from coordinator.domain_client import GrpcDomain
from coordinator.intent.engine import Engine, open_engine
from coordinator.intent.readers import Readers
from coordinator.journal import Journal
from coordinator.lessons import Lessons, into
from coordinator.lifecycle import Lifecycle
from coordinator.observer import Observer
from coordinator.orders import Orders
from coordinator.past import Past
from coordinator.planner import Planner
from coordinator.recovery import Recovery
from coordinator.registry import Registry
from coordinator.resources import ResourceDatabase
from coordinator.saga import Reserver
from coordinator.scribe import Scribe
from coordinator.securing import Securing
from coordinator.service import PERMISSIONS, SLICE_SERVICE, SliceServicer
from coordinator.settings import CoordinatorSettings
from coordinator.workflow import Workflow
from domains import rpc
from domains.security import Identity, Principal, Role
from protos.slicing.v1.slices_pb2_grpc import add_SliceServiceServicer_to_server

log = logging.getLogger(__name__)

FIRST_VIEWS_S = 10.0
"""How long a start waits for every domain to show itself; the others are taken up later."""


@dataclass(frozen=True, slots=True)
class CoordinatorServer:
    """A coordinator at an address. `stop` leaves unfinished orders to the next incarnation."""

    address: str
    resources: ResourceDatabase
    journal: Journal
    lessons: Lessons
    engine: Engine
    _rpc: rpc.RpcServer
    _observer: Observer
    _orders: Orders
    _reserver: Reserver
    _domains: dict[str, GrpcDomain]
    _readers: Readers
    _past: Past
    _history: History
    watchman: Watchman | None

    async def stop(self, grace_s: float = rpc.STOP_GRACE_S) -> None:
        """Take no new calls, finish those in progress within the grace, then go."""
        await self._rpc.stop(grace_s)
        if self.watchman is not None:
            await self.watchman.stop()
        await self._orders.stop()
        await self._reserver.close()
        await self._observer.stop()
        for domain in self._domains.values():
            await domain.close()
        self._history.close()
        self.journal.close()
        self._readers.close()
        self._past.close()
        await asyncio.to_thread(self.lessons.close)
        self.engine.close()


async def serve(
    settings: CoordinatorSettings,
    clock: Clock | None = None,
) -> CoordinatorServer:
    """Open the journal, take up what an earlier incarnation left, and serve.

    Raises:
        StoreFailed: the journal cannot be opened, or is damaged.
        NotFound, WrongState, Unreachable: see `open_engine`.
        rpc.AddressInUse, InvalidRequest: see `rpc.listen`.
    """
    clock = clock or SystemClock()
    identity = Identity.load(settings.identity) if settings.identity else None
    me = Principal(settings.trust_domain, Role.COORDINATOR, settings.name)
    domains = {
        endpoint.name: GrpcDomain(
            endpoint.name,
            endpoint.address,
            identity,
            endpoint.trust_domain,
            principal=me.spiffe_id,
        )
        for endpoint in settings.domains
    }
    opening = asyncio.create_task(asyncio.to_thread(open_engine, settings.engine))
    journal = await Journal.open(settings.database)
    registry, resources, scribe = Registry(journal), ResourceDatabase(), Scribe(journal, clock)
    reserver = Reserver(domains, journal, clock)
    # Ready by the time the domains have shown themselves; nobody is served before that.
    readers = Readers(lambda tenant: opening.result().of(tenant))
    lessons = Lessons(lambda lesson: into(opening.result().memory)(lesson))
    lifecycle = Lifecycle(registry, scribe, domains, journal.epoch)
    history = History(settings.database.with_name(f"{settings.database.stem}-history.sqlite"))
    securing = Securing(
        journal=journal,
        registry=registry,
        resources=resources,
        planner=Planner(resources, domains),
        reserver=reserver,
        scribe=scribe,
        consent=Consent(journal, registry, scribe, clock),
        clock=clock,
    )
    workflow = Workflow(
        registry=registry,
        resources=resources,
        securing=securing,
        reserver=reserver,
        readers=readers,
        lessons=lessons,
        scribe=scribe,
        lifecycle=lifecycle,
        clock=clock,
        default_area=settings.default_area,
    )
    orders = Orders(registry, journal, workflow, clock)
    recovery = Recovery(registry, reserver, orders, workflow, lifecycle, domains, journal.epoch)
    observer = Observer(resources, domains, clock, recovery.greet)
    addresses = {endpoint.name: endpoint.address for endpoint in settings.domains}
    past = Past(lambda: opening.result().memory)
    servicer = SliceServicer(
        orders, resources, history, addresses, clock, settings.default_area, past
    )

    unfinished = registry.load()
    observer.start()
    await observer.first_views(FIRST_VIEWS_S)
    engine = await opening
    listening = await rpc.listen(
        settings.address,
        identity,
        {SLICE_SERVICE: PERMISSIONS},
        partial(add_SliceServiceServicer_to_server, servicer),
    )
    await recovery.resume(unfinished)
    watchman = None
    if settings.policy is not None:
        watchman = Watchman(
            settings.policy, registry, orders, scribe, domains, history, clock,
            Experience(lessons.measured),
        )  # fmt: skip
        watchman.start()
    log.info("%s serves tenants at %s", settings.name, listening.address)
    return CoordinatorServer(
        address=listening.address,
        resources=resources,
        journal=journal,
        lessons=lessons,
        engine=engine,
        _rpc=listening,
        _observer=observer,
        _orders=orders,
        _reserver=reserver,
        _domains=domains,
        _readers=readers,
        _past=past,
        _history=history,
        watchman=watchman,
    )
