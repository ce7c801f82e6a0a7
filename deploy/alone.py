"""One operator alone: what `entente domain` needs to know about a domain's file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from deploy.certificates import ensure_development_certificates
from deploy.home import Home
from domains.config import load
from domains.security import Principal, Role
from domains.server import Hosted


def hosted(
    home: Home, config: Path, listen: str | None, identity: Path | None, insecure: bool
) -> Hosted:
    """A domain to host, with its database in the state folder.

    Without an identity of its own it gets a development certificate.

    Raises:
        InvalidRequest: the file is missing or not valid.
    """
    found, upstream = load(config), None
    if not insecure:
        name = Principal(found.trust_domain, Role.DOMAIN, found.name).spiffe_id
        front = Principal(found.trust_domain, Role.COORDINATOR, found.name).spiffe_id
        names = [name, front] if found.federated else [name]
        made = ensure_development_certificates(home.certificates, names, datetime.now(UTC))
        identity, upstream = identity or made[name], made.get(front)
    return Hosted(
        config=config,
        database=home.databases / f"{found.name}.sqlite",
        identity=None if insecure else identity,
        address=listen,
        upstream=upstream,
    )
