"""A federation's domains as the live ones have them: technologies from configuration files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from coordinator.resources import ResourceDatabase
from domains.agents.concession import price_of
from domains.config import DomainConfig, load, technology
from domains.errors import InvalidRequest
from domains.model import AbstractTopology
from domains.offers import Terms
from domains.technologies import Technology
from domains.topology import abstract

COORDINATOR_FILE = "coordinator.toml"


@dataclass(frozen=True, slots=True)
class Network:
    """Domains by name, sorted. `name` is what results call it."""

    name: str
    configs: Mapping[str, DomainConfig]
    technologies: Mapping[str, Technology]

    @staticmethod
    def of(name: str, configs: Iterable[DomainConfig]) -> Network:
        """Raises InvalidRequest where there is no domain, or two of one name."""
        found = sorted(configs, key=lambda config: config.name)
        names = [config.name for config in found]
        if not found:
            raise InvalidRequest(f"{name}: a network needs domains")
        if double := {one for one in names if names.count(one) > 1}:
            raise InvalidRequest(f"{name}: two domains are called {', '.join(sorted(double))}")
        return Network(
            name,
            {config.name: config for config in found},
            {config.name: technology(config) for config in found},
        )

    @staticmethod
    def read(folder: Path) -> Network:
        """Every `*.toml` of a folder but the coordinator's.

        Raises:
            InvalidRequest: no such folder, no domain in it, or a file that is not valid.
        """
        files = sorted(path for path in folder.glob("*.toml") if path.name != COORDINATOR_FILE)
        if not files:
            raise InvalidRequest(f"{folder} holds no domain files (*.toml)", folder=folder)
        return Network.of(folder.name, map(load, files))

    def terms(self, domain: str) -> Terms:
        """At which margin the domain's agent opens, for a tenant whom its policy does not name."""
        policy = self.configs[domain].policy
        return Terms(policy.margin_permille_open, policy.price_micros_min)

    def topology(self, domain: str, free: Callable[[str], int], epoch: int = 1) -> AbstractTopology:
        """What a domain shows of itself with that much free."""
        inner = self.technologies[domain]
        margin = self.configs[domain].policy.margin_permille_open
        advertised = partial(price_of, margin_permille=margin)
        return abstract(inner, domain, self.configs[domain].operator, free, epoch, advertised)

    def resources(self) -> ResourceDatabase:
        """The coordinator's map while nothing is in use."""
        known = ResourceDatabase()
        for domain, inner in self.technologies.items():
            known.update(self.topology(domain, inner.capacities().__getitem__), now_s=0.0)
        return known
