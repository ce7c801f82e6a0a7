"""How a federated domain reaches its controllers: as a coordinator reaches its domains.

Wiring: `domains` knows no client, and a controller is a domain like any other.
"""

from __future__ import annotations

from coordinator.domain_client import GrpcDomain
from domains.config import ControllerSection
from domains.security import Identity


def dial(controller: ControllerSection, identity: Identity | None, principal: str) -> GrpcDomain:
    """A connection to one controller; see `domains.server.Dial`."""
    return GrpcDomain(
        controller.name,
        controller.address,
        identity,
        controller.trust_domain,
        principal=principal,
    )
