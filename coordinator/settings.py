"""What a coordinator is told when it starts. Wiring (files, flags) is `deploy`'s."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coordinator.intent.settings import RULES_ONLY, EngineSettings


@dataclass(frozen=True, slots=True)
class DomainEndpoint:
    """Where a domain answers, and whose certificate it must show."""

    name: str
    address: str
    trust_domain: str


@dataclass(frozen=True, slots=True)
class CoordinatorSettings:
    """One coordinator.

    Attributes:
        name: its own name, the last part of its SPIFFE id.
        address: host:port of the tenants' gRPC API.
        database: the journal's SQLite file.
        identity: folder with certificate, key and trust bundle; None only with `--insecure`.
        default_area: where devices are when a request names no place.
        engine: what reads the tenants' words; the coordinator owns the embedded memory.
    """

    name: str
    trust_domain: str
    address: str
    database: Path
    identity: Path | None
    domains: tuple[DomainEndpoint, ...]
    default_area: str
    engine: EngineSettings = RULES_ONLY
