"""Which driver a domain's configuration names."""

from __future__ import annotations

from domains.config import DomainConfig
from domains.southbound.driver import Driver, DriverName
from domains.southbound.simulated import SimulatedDriver
from domains.southbound.traffic import TrafficModel


def driver(config: DomainConfig) -> Driver | None:
    """The driver, ready to be told; None where nothing is to run.

    Raises:
        DriverMissing: this machine cannot run that kind of network, and what it lacks.
    """
    section = config.southbound
    match section.driver:
        case DriverName.NONE:
            return None
        case DriverName.NETNS:
            from domains.southbound.netns import NetnsDriver

            return NetnsDriver(config.name, section.trunk_mbps * 1_000)
        case DriverName.OPENFLOW:
            from domains.southbound.netns import NetnsDriver
            from domains.southbound.openflow import SwitchedTrunk

            return NetnsDriver(config.name, section.trunk_mbps * 1_000, SwitchedTrunk)
        case DriverName.SIMULATED:
            model = TrafficModel(
                seed=section.seed,
                outages_per_day=section.outages_per_day,
                outage_s=section.outage_s,
            )
            return SimulatedDriver(model, section.latency_permille, name=config.name)
