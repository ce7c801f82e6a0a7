"""The HTTP service on Ray Serve: one deployment, no hops between handles, replicas as needed.

The same application runs under uvicorn in a plain process, where Ray would be too much.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from coordinator.clock import SystemClock
from coordinator.conversation.store import Conversations
from coordinator.conversation.talks import Talks
from coordinator.intent.engine import open_engine
from coordinator.intent.privacy import mask
from coordinator.intent.readers import WAITING_MAX, Readers
from coordinator.intent.settings import RULES_ONLY, EngineSettings
from deploy.desk import desk_of
from deploy.home import Home
from deploy.network import network
from deploy.recall import AccountOf, Recaller, accounts_here
from deploy.serving import start_serve
from deploy.web.app import Service, create
from deploy.web.rate import Buckets
from deploy.web.tokens import Tokens
from domains.errors import EntenteError

RATE_PER_S = 50.0
"""Requests of one tenant that one replica answers, sustained."""
BURST = 100
ONGOING_MAX = 2 * WAITING_MAX
"""Above what `Readers` lets wait, so that too much is refused by us, with a typed body."""
QUEUED_MAX = 1_024
ONGOING_TARGET = 16
"""Per replica; above it, Serve adds one."""
REPLICAS_MAX = max(os.cpu_count() or 1, 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """What every replica is told.

    Attributes:
        home: the state folder; config: the federation whose areas words may name.
        engine: without a folder: the memory of outcomes is the coordinator's, and is asked for.
        incarnation: this start of the service, so that claims of an earlier one are void.
    """

    home: Path
    config: Path
    engine: EngineSettings = RULES_ONLY
    rate_per_s: float = RATE_PER_S
    burst: int = BURST
    incarnation: str = field(default_factory=lambda: str(uuid.uuid4()))


def service(settings: Settings, replica: str, account_of: AccountOf | None = None) -> Service:
    """Everything that one replica needs, opened.

    Args:
        account_of: tenants' accounts; else those at the coordinator of the state folder.

    Raises:
        InvalidRequest: the federation's files; StoreFailed: the conversations' file; and as
        `open_engine`.
    """
    home = Home(settings.home)
    covered = network(settings.config)
    account_of = account_of or accounts_here(home)
    recaller = Recaller(account_of)
    engine = open_engine(settings.engine, recaller)
    readers = Readers(engine.of)
    kept = Conversations(home.databases / "conversations.sqlite", settings.incarnation, replica)

    def close() -> None:
        readers.close()
        recaller.close()
        engine.close()
        kept.close()

    return Service(
        talks=Talks(
            kept=kept,
            read=readers.read,
            desk_of=partial(desk_of, account_of),
            network=covered,
            clock=SystemClock(),
            mask=mask,
        ),
        tokens=Tokens.of(home),
        buckets=Buckets(settings.rate_per_s, settings.burst),
        engine=engine.name.value,
        note=engine.note,
        close=close,
    )


class Translate:
    """The deployment: the ASGI application, built in the replica that serves it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __serve_build_asgi_app__(self) -> Any:
        return create(service(self._settings, f"replica-{os.getpid()}"))


def application(settings: Settings) -> Any:
    """The Ray Serve application."""
    from ray import serve

    deployment = serve.deployment(
        name="translate",
        ray_actor_options={"num_cpus": 0},  # a third replica on two cores would wait for ever
        max_ongoing_requests=ONGOING_MAX,
        max_queued_requests=QUEUED_MAX,
        autoscaling_config={
            "min_replicas": 1,
            "max_replicas": REPLICAS_MAX,
            "target_ongoing_requests": ONGOING_TARGET,
        },
        logging_config={"enable_access_log": False},
    )
    return deployment(serve.ingress()(Translate)).bind(settings)


def start(settings: Settings, listen: str) -> None:
    """Serve on the Ray that this process has started; on return it answers.

    Raises:
        EntenteError: it could not start.
    """
    from ray import serve

    Tokens.of(Home(settings.home))  # one secret, made before replicas look for it
    start_serve(listen)
    try:
        serve.run(application(settings), name="entente", route_prefix="/")
    except (RuntimeError, TimeoutError) as error:
        raise EntenteError(f"the HTTP service did not start: {error}") from None
