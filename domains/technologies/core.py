"""Core: sites with user plane and session capacity between an N3 and an N6 border point.

A SHARED slice takes its throughput and sessions from the pool of UPFs and SMFs at a site. An
ISOLATED one gets instances of its own (TS 23.501 clause 5.15): as many UPFs as its throughput
and sessions need, each reserving what an instance is built for, and an SMF; the AMF, which serves
a device in all its slices (clause 5.15.5), stays common. Either comes with the user plane in
software or accelerated, and single or 1+1 with a stand-by of the same size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar, Self

from pydantic import Field, model_validator

from domains.model import PPB, DomainKind, FunctionInstance, SliceProfile
from domains.technologies import (
    LOADS_MAX,
    NS_PER_US,
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


def _numbered(name: str, count: int, dedicated: bool) -> tuple[FunctionInstance, ...]:
    return tuple(FunctionInstance(f"{name}-{i + 1}", name.upper(), dedicated) for i in range(count))


COMMON_UPFS = _numbered("upf", 2, dedicated=False)
COMMON_SMFS = _numbered("smf", 2, dedicated=False)
OWN_SMFS = _numbered("smf", 2, dedicated=True)
COMMON_AMF = FunctionInstance("amf-1", "AMF", dedicated=False)


class UserPlane(Section):
    """A kind of UPF.

    Attributes:
        price_micros_per_gbps: throughput from the pool, or reserved by an own instance.
    """

    name: Name
    delay_us: Microseconds
    price_micros_per_gbps: Micros


class Pool(Section):
    """Throughput of one kind of UPF at a site; `plane` is the `name` of a user plane."""

    plane: Name
    capacity_mbps: Count


class Site(Section):
    """A place with UPFs. `name` is inner.

    Attributes:
        metro_km: cable length from N3 to N6 through the site, of each of two ducts.
        instances: how many UPFs and SMFs of their own isolated slices can have here.
    """

    name: Name
    n3: Name
    n6: Name
    metro_km: Kilometres
    sessions: Count
    instances: int = Field(ge=1, le=100_000)
    pools: tuple[Pool, ...] = Field(min_length=1, max_length=8)


class CoreSection(Section):
    """`[core]` of a configuration file.

    Attributes:
        instance_mbps, instance_sessions: what one UPF instance is built for.
        sessions_per_device: PDU sessions that a device keeps in one slice.
    """

    instance_mbps: Count
    instance_sessions: Count
    sessions_per_device: Count
    unavailable_ppb: Ppb
    price_micros_per_session: Micros
    price_micros_per_instance: Micros
    fibre: Fibre
    planes: tuple[UserPlane, ...] = Field(min_length=1, max_length=4)
    sites: tuple[Site, ...] = Field(min_length=1, max_length=256)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field, names in (
            ("planes", [plane.name for plane in self.planes]),
            ("sites", [site.name for site in self.sites]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"{field}: two have the same name")
        planes = {plane.name for plane in self.planes}
        for index, site in enumerate(self.sites):
            used = [pool.plane for pool in site.pools]
            if unknown := set(used) - planes:
                raise ValueError(f"sites.{index}.pools: no user plane {sorted(unknown)[0]!r}")
            if len(set(used)) < len(used):
                raise ValueError(f"sites.{index}.pools: two of the same user plane")
            if site.n3 == site.n6:
                raise ValueError(f"sites.{index}: n3 and n6 are the same border point")
        return self


class Core(Technology):
    """A core domain."""

    kind: ClassVar[DomainKind] = DomainKind.CORE

    def __init__(self, section: CoreSection) -> None:
        self._section = section
        self._planes = {plane.name: plane for plane in section.planes}
        self._sites: dict[tuple[str, str], list[Site]] = {}
        for site in section.sites:
            self._sites.setdefault((site.n3, site.n6), []).append(site)
        most = max(site.instances for site in section.sites)
        self._upfs = _numbered("upf", most, dedicated=True)
        self._candidates = lru_cache(maxsize=LOADS_MAX)(self._build)

    @property
    def border_points(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(point for pair in self._sites for point in pair))

    def capacities(self) -> Mapping[str, int]:
        """Kbit/s per pool, sessions and instances per site."""
        sizes = {}
        for site in self._section.sites:
            sizes[_sessions(site)] = site.sessions
            sizes[_instances(site)] = site.instances
            for pool in site.pools:
                sizes[_pool(site, pool.plane)] = pool.capacity_mbps * KBPS_PER_MBPS
        return sizes

    def reaches(self) -> Sequence[Reach]:
        return tuple(self._reach(*pair) for pair in self._sites)

    def candidates(self, profile: SliceProfile, free: Free) -> Sequence[Option]:
        return self._candidates(load_of(profile))

    def _reach(self, n3: str, n6: str) -> Reach:
        sites = self._sites[n3, n6]
        pools = [(site, pool.plane) for site in sites for pool in site.pools]
        return Reach(
            n3,
            n6,
            min(self._delay_us(site, plane) for site, plane in pools),
            PPB - min(self._unavailable_ppb(site, True) for site in sites),
            tuple((_pool(site, plane), _sessions(site)) for site, plane in pools),
        )

    def _build(self, load: Load) -> tuple[Option, ...]:
        return cheapest_first(
            self._option(load, site, pool.plane, copies)
            for site in self._sites.get((load.ingress, load.egress), ())
            for pool in site.pools
            for copies in (1, 2)
            if self._own_upfs(load) * copies < site.instances
        )

    def _own_upfs(self, load: Load) -> int:
        """UPF instances that the slice needs for itself."""
        if not load.isolated:
            return 0
        section = self._section
        kbps = load.downlink_kbps + load.uplink_kbps
        sessions = load.devices * section.sessions_per_device
        return max(
            ceil_div(kbps, section.instance_mbps * KBPS_PER_MBPS),
            ceil_div(sessions, section.instance_sessions),
            1,
        )

    def _option(self, load: Load, site: Site, plane: str, copies: int) -> Option:
        section = self._section
        kbps = load.downlink_kbps + load.uplink_kbps
        sessions = load.devices * section.sessions_per_device
        demand = {}
        upfs = self._own_upfs(load)
        if load.isolated:
            kbps = upfs * section.instance_mbps * KBPS_PER_MBPS
            sessions = upfs * section.instance_sessions
            demand[_instances(site)] = (upfs + 1) * copies
        demand[_pool(site, plane)] = kbps * copies
        demand[_sessions(site)] = sessions * copies
        price = (
            ceil_div(kbps * copies * self._planes[plane].price_micros_per_gbps, 10**6)
            + sessions * copies * section.price_micros_per_session
            + demand.get(_instances(site), 0) * section.price_micros_per_instance
        )
        metrics = load.metrics(
            self._delay_us(site, plane), self._unavailable_ppb(site, copies == 2), price
        )
        functions = self._functions(upfs * copies, copies)
        return Option(f"{site.name}-{plane}-{copies}", metrics, demand, functions)

    def _functions(self, own_upfs: int, copies: int) -> tuple[FunctionInstance, ...]:
        upfs = self._upfs[:own_upfs] or COMMON_UPFS[:copies]
        smfs = (OWN_SMFS if own_upfs else COMMON_SMFS)[:copies]
        return (*upfs, *smfs, COMMON_AMF)

    def _delay_us(self, site: Site, plane: str) -> int:
        metro_ns = site.metro_km * self._section.fibre.delay_ns_per_km
        return self._planes[plane].delay_us + ceil_div(metro_ns, NS_PER_US)

    def _unavailable_ppb(self, site: Site, redundant: bool) -> int:
        section = self._section
        own_ppb = section.unavailable_ppb + site.metro_km * section.fibre.unavailable_ppb_per_km
        return both_fail_ppb(own_ppb, own_ppb) if redundant else own_ppb


def _pool(site: Site, plane: str) -> str:
    return f"upf:{site.name}:{plane}"


def _sessions(site: Site) -> str:
    return f"sessions:{site.name}"


def _instances(site: Site) -> str:
    return f"instances:{site.name}"
