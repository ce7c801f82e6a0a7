"""What a coordinator is told when it starts. Wiring (files, flags) is `deploy`'s."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coordinator.assurance.decide import Mode, Policy
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
        assurance: off, reactive or proactive; None listens to no measurements at all.
        assurance_interval_s: between two rounds of it.
        floor_permille, ceiling_permille: bounds of what is held for a slice, of what is agreed.
    """

    name: str
    trust_domain: str
    address: str
    database: Path
    identity: Path | None
    domains: tuple[DomainEndpoint, ...]
    default_area: str
    engine: EngineSettings = RULES_ONLY
    assurance: Mode | None = None
    assurance_interval_s: float = 10.0
    floor_permille: int = 1_000
    ceiling_permille: int = 1_500

    @property
    def policy(self) -> Policy | None:
        """How slices are looked after, if at all."""
        if self.assurance is None:
            return None
        return Policy(
            mode=Mode(self.assurance),
            interval_s=self.assurance_interval_s,
            floor_permille=self.floor_permille,
            ceiling_permille=self.ceiling_permille,
        )
