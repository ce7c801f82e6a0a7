"""A tenant's experience, asked of the coordinator, which owns it, as the tenant itself."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import grpc

from coordinator.model import Neighbour, Preference, SliceType
from deploy.account import Account, account
from deploy.home import Home, Run
from deploy.session import Asker
from deploy.web.tokens import ANONYMOUS
from domains.errors import EntenteError, Unreachable
from domains.security import INSECURE_METADATA, channel_credentials
from protos.slicing.v1 import slices_pb2, slices_pb2_grpc

RECALL_S_MAX = 1.0
"""Reading goes on without experience then."""
CHANNELS_MAX = 64
"""Tenants whose connection is kept; the one that was idle for longest goes."""

AccountOf = Callable[[str], Account | None]
"""A tenant's account at the coordinator that runs now; None where none runs."""


class Recaller:
    """Asks for experience; called from the threads that read sentences."""

    def __init__(self, account_of: AccountOf) -> None:
        self._account_of = account_of
        self._channels: OrderedDict[str, tuple[Account, grpc.Channel]] = OrderedDict()
        self._guard = threading.Lock()

    def __call__(self, tenant: str, text: str, limit: int) -> Sequence[Neighbour]:
        """What the tenant lived through that is nearest to `text`; nothing without a coordinator.

        Raises:
            Unreachable: the coordinator does not answer, or refuses.
        """
        found = self._account_of(tenant) if tenant != ANONYMOUS else None
        if found is None:
            return ()
        stub = slices_pb2_grpc.SliceServiceStub(self._channel(tenant, found))
        request = slices_pb2.RecallIntentsRequest(text=text, limit=limit)
        claimed = None if found.identity else ((INSECURE_METADATA, found.principal),)
        try:
            answer = stub.RecallIntents(request, timeout=RECALL_S_MAX, metadata=claimed)
        except grpc.RpcError as error:
            raise Unreachable("the coordinator does not answer", address=found.address) from error
        return [_neighbour(item) for item in answer.intents]

    def close(self) -> None:
        """Hang up. Idempotent."""
        with self._guard:
            while self._channels:
                self._channels.popitem()[1][1].close()

    def _channel(self, tenant: str, found: Account) -> grpc.Channel:
        with self._guard:
            known, channel = self._channels.get(tenant, (None, None))
            if channel is not None and known == found:
                self._channels.move_to_end(tenant)
                return channel
            if channel is not None:
                channel.close()
            if found.identity is None:
                channel = grpc.insecure_channel(found.address)
            else:
                credentials = channel_credentials(found.identity, found.trust_domain)
                channel = grpc.secure_channel(found.address, credentials)
            self._channels[tenant] = (found, channel)
            if len(self._channels) > CHANNELS_MAX:
                self._channels.popitem(last=False)[1][1].close()
            return channel


def accounts_here(home: Home) -> AccountOf:
    """Tenants' accounts at whatever coordinator runs in a state folder; made once for each run."""
    made: OrderedDict[tuple[str, str, str], Account] = OrderedDict()

    def found(tenant: str) -> Account | None:
        run = Run.read(home)
        if run is None or not run.ready:
            return None
        key = (tenant, run.coordinator, run.started)
        known = made.get(key)  # several threads ask: what is found may be gone a moment later
        if known is None:
            known = made[key] = account(home, run, tenant)
            while len(made) > CHANNELS_MAX:
                made.popitem(last=False)
        return known

    return found


def account_of(asker: Asker) -> AccountOf:
    """The one who asks on the command line, whoever is named; nobody without a coordinator."""

    def found(_: str) -> Account | None:
        try:
            return asker.account()
        except EntenteError:
            return None

    return found


def _neighbour(item: slices_pb2.RecalledIntent) -> Neighbour:
    weights = item.preference
    return Neighbour(
        text=item.text,
        source="outcomes",
        slice_type=SliceType(item.sst),
        preference=Preference(
            weights.latency, weights.reliability, weights.throughput, weights.economics
        ),
        similarity=item.similarity,
        weight=item.weight,
        outcome=item.outcome,
    )
