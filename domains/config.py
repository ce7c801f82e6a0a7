"""A domain's configuration file: TOML in, frozen and checked values out.

Each error names the file, the field and what is wrong with it; an unknown key is an error.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from domains.agents.policy import CONTRADICTION, Policy
from domains.errors import InvalidRequest, PolicyContradiction
from domains.model import DomainKind
from domains.records import LedgerLimits
from domains.southbound.driver import DriverName
from domains.technologies import Name, Section, Technology
from domains.technologies.access import Access, AccessSection
from domains.technologies.cloud import Cloud, CloudSection
from domains.technologies.core import Core, CoreSection
from domains.technologies.transport import Transport, TransportSection

FILE_BYTES_MAX = 1 << 20
POLICY_FILE = "policy_file"
"""Names a TOML file, beside the domain's, that is the `[policy]` table."""
TTL_MAX_S = 86_400.0

DEFAULT_LIMITS = LedgerLimits()


class LimitsSection(Section):
    """`[limits]`: how much a domain keeps at once. See `domains.records.LedgerLimits`."""

    retention_s: float = Field(default=DEFAULT_LIMITS.retention_s, gt=0, le=30 * TTL_MAX_S)
    live_max: int = Field(default=DEFAULT_LIMITS.live_max, ge=1, le=10**7)
    ended_max: int = Field(default=DEFAULT_LIMITS.ended_max, ge=1, le=10**7)
    owners_max: int = Field(default=DEFAULT_LIMITS.owners_max, ge=1, le=10**6)


class SouthboundSection(Section):
    """`[southbound]`: what runs the segments. See `domains.southbound`.

    Attributes:
        driver: "simulated", "netns" (Linux and root), "openflow" (also Open vSwitch, in user
            space) or "none": nothing runs or is measured.
        measure_every_s: one interval, while anybody watches.
        trunk_mbps: netns: what all segments together can carry; openflow: each at most.
        seed, latency_permille, outages_per_day, outage_s: simulated; see `traffic.TrafficModel`.
    """

    driver: DriverName = DriverName.SIMULATED
    measure_every_s: float = Field(default=10.0, ge=0.1, le=3_600)
    trunk_mbps: int = Field(default=100, ge=1, le=10_000)
    seed: int = 1
    latency_permille: int = Field(default=700, ge=1, le=100_000)
    outages_per_day: float = Field(default=0.0, ge=0, le=24)
    outage_s: float = Field(default=120.0, gt=0, le=3_600)


class RankingSection(Section):
    """`[ranking]`: which trained policy ranks the offers; without it a rule does. See
    `domains.ranking`.

    Attributes:
        file: a policy's .npz beside its .json, or the name of one that comes with the package.
    """

    file: str = Field(min_length=1, max_length=4_096)


class ControllerSection(Section):
    """One SDN controller behind a federated domain: itself a domain, at an address of its own."""

    name: Name
    address: str = Field(pattern=r"^\S+:\d{1,5}$")
    trust_domain: str = Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=255)


class FederatedSection(Section):
    """`[federated]`: a transport domain whose network is that of its controllers.

    They meet at border points that two of them have; the domain's own are all others.
    """

    controllers: tuple[ControllerSection, ...] = Field(min_length=1, max_length=32)

    @model_validator(mode="after")
    def _named_apart(self) -> Self:
        names = [controller.name for controller in self.controllers]
        if len(set(names)) < len(names):
            raise ValueError("controllers: two have the same name")
        return self


class DomainConfig(Section):
    """One administrative domain.

    Attributes:
        listen: host:port of its gRPC server.
        trust_domain: of its operator, as in `spiffe://{trust_domain}/...`.
        max_ttl_s: the longest that an unconfirmed hold may be asked for.
        policy: what the domain's agent may do; a file of its own where `policy_file` names one.

    Exactly one of the four technology tables is present: the one that `kind` names. In its place
    a transport domain may have `[federated]`.
    """

    name: Name
    operator: str = Field(min_length=1, max_length=64)
    kind: DomainKind
    listen: str
    trust_domain: str = Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=255)
    max_ttl_s: float = Field(gt=0, le=TTL_MAX_S)
    currency: Literal["EUR"] = "EUR"
    limits: LimitsSection = LimitsSection()
    southbound: SouthboundSection = SouthboundSection()
    policy: Policy = Policy()
    ranking: RankingSection | None = None
    access: AccessSection | None = None
    transport: TransportSection | None = None
    federated: FederatedSection | None = None
    core: CoreSection | None = None
    cloud: CloudSection | None = None

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 1 << 16:
            raise ValueError("must be host:port, the port 1..65535")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.federated is not None:
            if self.kind is not DomainKind.TRANSPORT:
                raise ValueError(f"table [federated] in a domain of kind {self.kind}")
            if self.transport is not None:
                raise ValueError("tables [federated] and [transport]: either, not both")
        for kind in DomainKind:
            present = getattr(self, kind.value) is not None
            if kind is DomainKind.TRANSPORT and self.federated is not None:
                continue
            if present and kind is not self.kind:
                raise ValueError(f"table [{kind}] in a domain of kind {self.kind}")
            if not present and kind is self.kind:
                raise ValueError(f"table [{kind}] is missing")
        if self.limits.retention_s < self.max_ttl_s:
            raise ValueError("limits.retention_s: shorter than max_ttl_s")
        return self

    @property
    def ledger_limits(self) -> LedgerLimits:
        """The limits in the ledger's own type."""
        return LedgerLimits(max_ttl_s=self.max_ttl_s, **self.limits.model_dump())


def load(path: Path) -> DomainConfig:
    """Read and check one file, and the policy file beside it that it may name.

    Raises:
        InvalidRequest: it cannot be read, is no TOML, or says something impossible.
        PolicyContradiction: two fields of the policy contradict each other.
    """
    content = _tables(_read(path), str(path))
    named = content.pop(POLICY_FILE, None)
    if named is None:
        return _checked(content, str(path))
    if "policy" in content:
        fields = f"{POLICY_FILE} and policy"
        raise PolicyContradiction(f"{path}: {fields}: either, not both", file=path, fields=fields)
    beside = path.parent / str(named)
    return _checked(content | {"policy": _tables(_read(beside), str(beside))}, str(path))


def parse(text: str, source: str) -> DomainConfig:
    """The same for text; `source` is what errors call it.

    Raises:
        InvalidRequest, PolicyContradiction: as `load`.
    """
    return _checked(_tables(text, source), source)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise InvalidRequest(f"{path}: larger than {FILE_BYTES_MAX} bytes", file=path)
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}", file=path) from None
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path}: not UTF-8", file=path) from None


def _tables(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{source}: not TOML: {error}", file=source) from None


def _checked(content: dict[str, Any], source: str) -> DomainConfig:
    try:
        return DomainConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the whole file"
        reason = first["msg"].removeprefix("Value error, ")
        said = f"{source}: {field}: {reason}"
        if first["type"] == CONTRADICTION:
            fields = first["ctx"]["fields"]
            raise PolicyContradiction(said, file=source, field=field, fields=fields) from None
        raise InvalidRequest(said, file=source, field=field) from None


def technology(config: DomainConfig) -> Technology:
    """The physics of a domain, ready to be asked.

    Raises:
        InvalidRequest: it is a federated one, whose physics is its controllers'.
    """
    if config.access is not None:
        return Access(config.access)
    if config.transport is not None:
        return Transport(config.transport)
    if config.core is not None:
        return Core(config.core)
    if config.cloud is None:
        raise InvalidRequest(f"{config.name}: a federated domain has no network of its own")
    return Cloud(config.cloud)
