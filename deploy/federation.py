"""A federation as its folder of TOML files describes it: some domains and one coordinator."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.processes import free_addresses
from domains.config import DomainConfig
from domains.config import load as load_domain
from domains.errors import InvalidRequest

CONFIGS = Path(__file__).parent / "configs"
DEFAULT = CONFIGS / "germany"
COORDINATOR_FILE = "coordinator.toml"
CONTROLLERS_FOLDER = "controllers"


class CoordinatorSection(BaseModel):
    """`coordinator.toml`; an unknown key is an error.

    Attributes:
        listen: host:port of the tenants' gRPC API.
        default_area: where devices are when a request names no place.
        assurance: "none" listens to no measurements; "off" listens and changes nothing.
        floor_permille, ceiling_permille: bounds of what is held for a slice, of what is agreed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    listen: str = Field(pattern=r"^.+:\d{1,5}$")
    trust_domain: str
    tenant_trust_domain: str
    default_area: str
    assurance: Literal["none", "off", "reactive", "proactive"] = "none"
    assurance_interval_s: float = Field(default=10.0, ge=0.1, le=3_600)
    floor_permille: int = Field(default=1_000, ge=50, le=1_000)
    ceiling_permille: int = Field(default=1_500, ge=1_000, le=10_000)


@dataclass(frozen=True, slots=True)
class Member:
    """One domain: its file, what is in it, and where it listens here."""

    path: Path
    config: DomainConfig
    address: str

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def trust_domain(self) -> str:
        return self.config.trust_domain


@dataclass(frozen=True, slots=True)
class Federation:
    """Everything that one `entente up` starts.

    Attributes:
        members: the domains that the coordinator knows; controllers: those behind them, which it
            does not.
    """

    folder: Path
    coordinator: CoordinatorSection
    members: tuple[Member, ...]
    controllers: tuple[Member, ...] = ()

    @property
    def parties(self) -> tuple[Member, ...]:
        """All that have a port and a certificate of their own; controllers before their fronts."""
        return self.controllers + self.members

    def on_free_ports(self) -> Federation:
        """The same federation on ports that nobody uses now, so that two can run side by side."""
        own, *others = free_addresses(1 + len(self.parties))
        moved = tuple(
            replace(member, address=address)
            for member, address in zip(self.parties, others, strict=True)
        )
        behind = len(self.controllers)
        return replace(
            self,
            coordinator=self.coordinator.model_copy(update={"listen": own}),
            members=moved[behind:],
            controllers=moved[:behind],
        )


def load(folder: Path) -> Federation:
    """Read `coordinator.toml`, every other `*.toml` of a folder, and those of `controllers/`.

    Raises:
        InvalidRequest: no such folder, a file that is not valid, or two domains of one name.
    """
    if not folder.is_dir() and (CONFIGS / folder).is_dir():
        folder = CONFIGS / folder
    files = sorted(path for path in folder.glob("*.toml") if path.name != COORDINATOR_FILE)
    if not files:
        shipped = ", ".join(sorted(path.name for path in CONFIGS.iterdir() if path.is_dir()))
        raise InvalidRequest(
            f"{folder} holds no domain files (*.toml); a folder of yours, or one of: {shipped}"
        )
    members = tuple(_member(path) for path in files)
    behind = tuple(_member(path) for path in sorted((folder / CONTROLLERS_FOLDER).glob("*.toml")))
    names = [member.name for member in members + behind]
    if double := {name for name in names if names.count(name) > 1}:
        raise InvalidRequest(f"{folder}: two domains are called {', '.join(sorted(double))}")
    return Federation(folder, _coordinator(folder / COORDINATOR_FILE), members, behind)


def _member(path: Path) -> Member:
    loaded = load_domain(path)
    return Member(path, loaded, loaded.listen)


def _coordinator(path: Path) -> CoordinatorSection:
    try:
        return CoordinatorSection.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{path}: not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidRequest(f"{path}: {where}: {first['msg'].lower()}") from None
