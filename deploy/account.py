"""Who asks, and whom: everything that a tenant needs to reach a coordinator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.certificates import ensure_development_certificates
from deploy.home import Home, Run
from domains.security import Identity, Principal, Role

DEFAULT_TENANT = "local"


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant at a coordinator.

    Attributes:
        trust_domain: whose certificate the coordinator must show.
        identity: certificate and trust bundle; None only with `--insecure`.
        principal: the SPIFFE id that an insecure caller claims.
    """

    address: str
    trust_domain: str
    identity: Identity | None
    principal: str = ""


def account(home: Home, run: Run, tenant: str) -> Account:
    """A tenant of ours at the coordinator that runs, with a certificate made if it has none.

    Raises:
        NotPermitted: such a name cannot be in a SPIFFE id.
    """
    name = tenant_id(run.tenant_trust_domain, tenant)
    identity = None
    if not run.insecure:
        made = ensure_development_certificates(home.certificates, [name], datetime.now(UTC))
        identity = Identity.load(made[name])
    return Account(run.coordinator, run.coordinator_trust_domain, identity, name)


def tenant_id(trust_domain: str, tenant: str) -> str:
    """The SPIFFE id of a tenant."""
    return Principal(trust_domain, Role.TENANT, tenant).spiffe_id
