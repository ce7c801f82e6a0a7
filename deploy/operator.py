"""An operator's own line to its domain: what runs of a slice, and doing something about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import grpc

from deploy.certificates import ensure_development_certificates
from deploy.federation import load
from deploy.home import Home, Run
from deploy.plain import Plain, plain
from domains.errors import NotFound
from domains.operations import Action
from domains.security import INSECURE_METADATA, Identity, Principal, Role, channel_credentials
from domains.status import from_rpc_error
from protos.slicing.v1 import operator_pb2, operator_pb2_grpc

DESK: Final = "desk"
"""The name in an operator's own certificate here."""
CALL_S: Final = 15.0

_ACTIONS: Final = {
    Action.MONITOR: operator_pb2.FUNCTION_ACTION_MONITOR,
    Action.START: operator_pb2.FUNCTION_ACTION_START,
    Action.STOP: operator_pb2.FUNCTION_ACTION_STOP,
    Action.SCALE: operator_pb2.FUNCTION_ACTION_SCALE,
    Action.RESTART: operator_pb2.FUNCTION_ACTION_RESTART,
    Action.DELETE: operator_pb2.FUNCTION_ACTION_DELETE,
}


@dataclass(frozen=True, slots=True)
class Desk:
    """One domain as its own operator reaches it.

    Attributes:
        identity: with a certificate of the domain's own trust domain; None with `--insecure`.
    """

    domain: str
    address: str
    trust_domain: str
    identity: Identity | None

    async def operate(
        self, action: Action, slice_name: str, function: str = "", replicas: int = 0
    ) -> list[Plain]:
        """Do something to a slice's functions here; its segments afterwards.

        Returns:
            One entry a segment: the keys of `Reading`, with domain, functions and the rates that
            it is entitled to.

        Raises:
            EntenteError: the domain's own, `Unreachable` included.
        """
        request = operator_pb2.OperateFunctionsRequest(
            slice=slice_name, action=_ACTIONS[action], function=function, replicas=replicas
        )
        principal = Principal(self.trust_domain, Role.OPERATOR, DESK).spiffe_id
        async with self._channel() as channel:
            stub: operator_pb2_grpc.OperatorServiceAsyncStub = (
                operator_pb2_grpc.OperatorServiceStub(channel)
            )
            metadata = None if self.identity else ((INSECURE_METADATA, principal),)
            try:
                reply = await stub.OperateFunctions(request, timeout=CALL_S, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error, self.domain) from None
        return [_segment(self.domain, plain(segment)) for segment in reply.segments]

    def _channel(self) -> grpc.aio.Channel:
        if self.identity is None:
            return grpc.aio.insecure_channel(self.address)
        credentials = channel_credentials(self.identity, self.trust_domain)
        return grpc.aio.secure_channel(self.address, credentials)


def _segment(domain: str, told: Plain) -> Plain:
    return {"domain": domain, **told.pop("reading"), **told}


def desks(home: Home) -> dict[str, Desk]:
    """The operators' lines to every domain that runs here, by domain.

    Raises:
        NotFound: none runs here.
    """
    run = Run.read(home)
    if run is None or not run.ready:
        raise NotFound(f"no domain runs in {home.root}; entente up starts a federation")
    trust = {member.name: member.trust_domain for member in load(Path(run.config)).members}
    ids = {name: Principal(trust[name], Role.OPERATOR, DESK).spiffe_id for name in run.domains}
    made = {}
    if not run.insecure:
        made = ensure_development_certificates(
            home.certificates, sorted(set(ids.values())), datetime.now(UTC)
        )
    return {
        name: Desk(
            name,
            address,
            trust[name],
            Identity.load(made[ids[name]]) if made else None,
        )
        for name, address in run.domains.items()
    }
