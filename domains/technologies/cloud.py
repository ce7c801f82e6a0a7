"""Cloud: data centres that host a slice's functions behind an N6 border point.

Hosts come standard or real-time (pinned cores, isolated from interrupts). A slice runs once or
replicated over two failure domains of its data centre, active on both. SHARED functions take
millicores from a pool; ISOLATED ones whole physical cores of their own. A profile without
functions gets an application gateway of configured size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar, Self

from pydantic import Field, model_validator

from domains.model import PPB, DomainKind, FunctionInstance, NetworkFunction, SliceProfile
from domains.technologies import (
    LOADS_MAX,
    NS_PER_US,
    Area,
    Count,
    Fibre,
    Free,
    Kilometres,
    Load,
    Micros,
    Microseconds,
    Name,
    Option,
    Ppb,
    Reach,
    Section,
    Technology,
    both_fail_ppb,
    ceil_div,
    cheapest_first,
    load_of,
)

KBPS_PER_MBPS = 1_000
MILLICORES_PER_CORE = 1_000
MIB_PER_GIB = 1_024


class Host(Section):
    """A kind of host; `delay_us` is from its port to the function and back out."""

    name: Name
    delay_us: Microseconds
    price_micros_per_core: Micros


class Pool(Section):
    """Hosts of one kind; `host` is the `name` of a kind."""

    host: Name
    cores: Count


class DataCentre(Section):
    """A data centre. `name` is inner; `zone` is what others see.

    Attributes:
        tail_km: cable length from the border point, of each of two ducts.
    """

    name: Name
    zone: Name
    area: Area
    border_point: Name
    tail_km: Kilometres
    memory_gib: Count
    storage_gib: Count
    fabric_mbps: Count
    pools: tuple[Pool, ...] = Field(min_length=1, max_length=8)


class Gateway(Section):
    """What runs for a profile that names no functions."""

    cpu_millicores: int = Field(ge=1, le=10**6)
    memory_mib: int = Field(ge=1, le=10**7)
    storage_gib: int = Field(ge=0, le=10**6)


class CloudSection(Section):
    """`[cloud]` of a configuration file.

    Attributes:
        isolation_step_millicores: one physical core, with all its threads.
    """

    isolation_step_millicores: Count
    fabric_delay_us: Microseconds
    unavailable_ppb: Ppb
    price_micros_per_memory_gib: Micros
    price_micros_per_storage_gib: Micros
    price_micros_per_gbps: Micros
    fibre: Fibre
    gateway: Gateway
    hosts: tuple[Host, ...] = Field(min_length=1, max_length=8)
    data_centres: tuple[DataCentre, ...] = Field(min_length=1, max_length=256)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field, names in (
            ("hosts", [host.name for host in self.hosts]),
            ("data_centres", [centre.name for centre in self.data_centres]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"{field}: two have the same name")
        hosts = {host.name for host in self.hosts}
        areas: dict[str, str] = {}
        for index, centre in enumerate(self.data_centres):
            used = [pool.host for pool in centre.pools]
            if unknown := set(used) - hosts:
                raise ValueError(f"data_centres.{index}.pools: no host {sorted(unknown)[0]!r}")
            if len(set(used)) < len(used):
                raise ValueError(f"data_centres.{index}.pools: two of the same host")
            if areas.setdefault(centre.zone, centre.area) != centre.area:
                raise ValueError(f"data_centres.{index}.area: {centre.zone!r} is in another area")
        return self


class Cloud(Technology):
    """A cloud domain."""

    kind: ClassVar[DomainKind] = DomainKind.CLOUD

    def __init__(self, section: CloudSection) -> None:
        self._section = section
        self._hosts = {host.name: host for host in section.hosts}
        self._centres: dict[tuple[str, str], list[DataCentre]] = {}
        for centre in section.data_centres:
            self._centres.setdefault((centre.border_point, centre.zone), []).append(centre)
        size = section.gateway
        self._gateway = NetworkFunction(
            "application-gateway", "GW", size.cpu_millicores, size.memory_mib, size.storage_gib
        )
        self._candidates = lru_cache(maxsize=LOADS_MAX)(self._build)

    @property
    def border_points(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(point for point, _ in self._centres))

    @property
    def zones(self) -> Mapping[str, str]:
        return {centre.zone: centre.area for centre in self._section.data_centres}

    def capacities(self) -> Mapping[str, int]:
        """Millicores per pool; MiB, GiB and kbit/s per data centre."""
        sizes = {}
        for centre in self._section.data_centres:
            sizes[_memory(centre)] = centre.memory_gib * MIB_PER_GIB
            sizes[_storage(centre)] = centre.storage_gib
            sizes[_fabric(centre)] = centre.fabric_mbps * KBPS_PER_MBPS
            for pool in centre.pools:
                sizes[_cpu(centre, pool.host)] = pool.cores * MILLICORES_PER_CORE
        return sizes

    def reaches(self) -> Sequence[Reach]:
        return tuple(self._reach(*pair) for pair in self._centres)

    def candidates(self, profile: SliceProfile, free: Free) -> Sequence[Option]:
        return self._candidates(load_of(profile))

    def _reach(self, point: str, zone: str) -> Reach:
        centres = self._centres[point, zone]
        pools = [(centre, pool.host) for centre in centres for pool in centre.pools]
        return Reach(
            point,
            zone,
            min(self._delay_us(centre, host) for centre, host in pools),
            PPB - min(self._unavailable_ppb(centre, True) for centre in centres),
            tuple(
                (_cpu(centre, host), _memory(centre), _storage(centre), _fabric(centre))
                for centre, host in pools
            ),
        )

    def _build(self, load: Load) -> tuple[Option, ...]:
        return cheapest_first(
            self._option(load, centre, pool.host, copies)
            for centre in self._centres.get((load.ingress, load.egress), ())
            for pool in centre.pools
            for copies in (1, 2)
        )

    def _option(self, load: Load, centre: DataCentre, host: str, copies: int) -> Option:
        section = self._section
        functions = load.functions or (self._gateway,)
        step = section.isolation_step_millicores if load.isolated else 1
        cpu = copies * sum(ceil_div(f.cpu_millicores, step) * step for f in functions)
        memory = copies * sum(f.memory_mib for f in functions)
        storage = copies * sum(f.storage_gib for f in functions)
        kbps = copies * (load.downlink_kbps + load.uplink_kbps + load.fabric_kbps)
        price = (
            ceil_div(cpu * self._hosts[host].price_micros_per_core, MILLICORES_PER_CORE)
            + ceil_div(memory * section.price_micros_per_memory_gib, MIB_PER_GIB)
            + storage * section.price_micros_per_storage_gib
            + ceil_div(kbps * section.price_micros_per_gbps, 10**6)
        )
        metrics = load.metrics(
            self._delay_us(centre, host), self._unavailable_ppb(centre, copies == 2), price
        )
        demand = {
            _cpu(centre, host): cpu,
            _memory(centre): memory,
            _storage(centre): storage,
            _fabric(centre): kbps,
        }
        running = _instances(functions, copies, load.isolated)
        return Option(f"{centre.name}-{host}-{copies}", metrics, demand, running)

    def _delay_us(self, centre: DataCentre, host: str) -> int:
        section = self._section
        tail_ns = centre.tail_km * section.fibre.delay_ns_per_km
        return ceil_div(tail_ns, NS_PER_US) + section.fabric_delay_us + self._hosts[host].delay_us

    def _unavailable_ppb(self, centre: DataCentre, redundant: bool) -> int:
        section = self._section
        own_ppb = section.unavailable_ppb + centre.tail_km * section.fibre.unavailable_ppb_per_km
        return both_fail_ppb(own_ppb, own_ppb) if redundant else own_ppb


def _instances(
    functions: Sequence[NetworkFunction], copies: int, dedicated: bool
) -> tuple[FunctionInstance, ...]:
    """`name-1`, and `name-2` for the replica."""
    return tuple(
        FunctionInstance(f"{f.name}-{copy + 1}", f.function_type, dedicated)
        for copy in range(copies)
        for f in functions
    )


def _cpu(centre: DataCentre, host: str) -> str:
    return f"cpu:{centre.name}:{host}"


def _memory(centre: DataCentre) -> str:
    return f"memory:{centre.name}"


def _storage(centre: DataCentre) -> str:
    return f"storage:{centre.name}"


def _fabric(centre: DataCentre) -> str:
    return f"fabric:{centre.name}"
