"""Access: cells over areas, their spectrum in PRBs, and how traffic is scheduled onto it.

A *cell group* is the sectors that cover one district. Devices are taken to be spread evenly over
the districts of the area asked for and over the sectors of each; a slice of fewer devices than
there are districts (a fixed installation) is served where there is most room.

Per sector, a slice reserves the PRBs that carry its rate and empty its burst within one of the
configured times: a rate-latency server whose delay is what `domains.technologies.radio` finds for
the scheduling mode. SHARED is whole PRBs; ISOLATED whole resource block groups of a dedicated
share (TS 28.541 `RRMPolicyRatio`, TS 38.214 clause 5.1.2.2.1) and a CU-UP instance of its own.
Dual connectivity duplicates packets over a second site (TS 38.300 clause 16.1.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar, NamedTuple, Self

from pydantic import Field, model_validator

from domains.model import PPB, DomainKind, FunctionInstance, SliceProfile
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
    Staircase,
    Technology,
    Traffic,
    both_fail_ppb,
    ceil_div,
    load_of,
)
from domains.technologies.radio import Configuration, Radio, configurations

US_PER_S = 1_000_000
BPS_PER_KBPS = 1_000

SITES = (1, 2)
"""Single and dual connectivity."""


class CellGroup(Section):
    """The sectors of one district, all alike. `name` is inner."""

    name: Name
    area: Area
    sectors: Count


class Gateway(Section):
    """Where the traffic of a city is handed over.

    Attributes:
        backhaul_km: cable length from the sites to the border point, of each of two ducts.
        cu_up_instances: CU-UP instances of their own that isolated slices can have.
    """

    area: Area
    border_point: Name
    backhaul_km: Kilometres
    cu_up_instances: Count


class AccessSection(Section):
    """`[access]` of a configuration file.

    Attributes:
        drain_us: times within which a burst may leave, to choose from.
        devices_per_sector: connected at once.
        site_unavailable_ppb: of one radio site, power and all.
    """

    drain_us: tuple[int, ...] = Field(min_length=1, max_length=8)
    devices_per_sector: Count
    site_unavailable_ppb: Ppb
    cu_delay_us: Microseconds
    cu_unavailable_ppb: Ppb
    price_micros_per_prb: int = Field(ge=1, le=10**12)
    price_micros_per_device: Micros
    price_micros_per_cu_up: Micros
    radio: Radio
    fibre: Fibre
    traffic: Traffic
    gateways: tuple[Gateway, ...] = Field(min_length=1, max_length=256)
    cell_groups: tuple[CellGroup, ...] = Field(min_length=1, max_length=4_096)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        cities = [gateway.area for gateway in self.gateways]
        if len(set(cities)) < len(cities):
            raise ValueError("gateways: two for the same area")
        points = [gateway.border_point for gateway in self.gateways]
        if len(set(points)) < len(points):
            raise ValueError("gateways: two at the same border point")
        if any("/" in city for city in cities):
            raise ValueError("gateways: area must be a city, not a district")
        names = [group.name for group in self.cell_groups]
        if len(set(names)) < len(names):
            raise ValueError("cell_groups: two have the same name")
        for index, group in enumerate(self.cell_groups):
            if _city(group.area) not in cities:
                raise ValueError(f"cell_groups.{index}.area: {group.area!r} has no gateway")
        if unserved := set(cities) - {_city(group.area) for group in self.cell_groups}:
            raise ValueError(f"gateways: no cell group in {sorted(unserved)[0]!r}")
        if min(self.drain_us) < 1 or max(self.drain_us) > 10_000_000:
            raise ValueError("drain_us: each must be 1..10000000")
        return self


class _Leg(NamedTuple):
    """A radio configuration at one gateway: what does not depend on the load."""

    radio: Configuration
    delay_us: int
    single_ppb: int
    dual_ppb: int


class _Share(NamedTuple):
    """What one sector serves of a slice, and how many alike there are in each group."""

    groups: tuple[str, ...]
    sectors: int
    devices: int
    downlink_kbps: int
    uplink_kbps: int


class _Row(NamedTuple):
    """An option before it is worth building; sorts cheapest first."""

    price_micros: int
    latency_us: int
    unavailable_ppb: int
    key: str
    prbs: int
    sites: int


class Access(Technology):
    """An access domain."""

    kind: ClassVar[DomainKind] = DomainKind.ACCESS

    def __init__(self, section: AccessSection) -> None:
        self._section = section
        self._gateways = {gateway.area: gateway for gateway in section.gateways}
        self._sectors = {group.name: group.sectors for group in section.cell_groups}
        self._groups: dict[str, tuple[str, ...]] = {}
        for group in section.cell_groups:
            for area in dict.fromkeys((_city(group.area), group.area)):
                self._groups[area] = (*self._groups.get(area, ()), group.name)
        self._legs = {
            gateway.area: tuple(self._leg(gateway, c) for c in configurations(section.radio))
            for gateway in section.gateways
        }
        self._drains_us = sorted(section.drain_us, reverse=True)
        self._candidates = lru_cache(maxsize=LOADS_MAX)(self._build)

    @property
    def border_points(self) -> tuple[str, ...]:
        return tuple(gateway.border_point for gateway in self._section.gateways)

    @property
    def areas(self) -> tuple[str, ...]:
        return tuple(self._groups)

    def capacities(self) -> Mapping[str, int]:
        """PRBs and devices per cell group, CU-UP instances per gateway."""
        sizes = {}
        for group, sectors in self._sectors.items():
            sizes[_prbs(group)] = sectors * self._section.radio.prbs_per_sector
            sizes[_devices(group)] = sectors * self._section.devices_per_sector
        for area, gateway in self._gateways.items():
            sizes[_cu_up(area)] = gateway.cu_up_instances
        return sizes

    def reaches(self) -> Sequence[Reach]:
        return tuple(self._reach(area) for area in self._groups)

    def candidates(self, profile: SliceProfile, free: Free) -> Sequence[Option]:
        groups = self._groups.get(profile.ingress, ())
        gateway = self._gateways.get(_city(profile.ingress))
        if not groups or gateway is None or gateway.border_point != profile.egress:
            return ()
        if profile.devices < len(groups):
            roomiest = sorted(groups, key=lambda group: -free(_prbs(group)))
            groups = tuple(roomiest[: max(profile.devices, 1)])
        return self._candidates(load_of(profile), groups)

    def _reach(self, area: str) -> Reach:
        legs = self._legs[_city(area)]
        return Reach(
            area,
            self._gateways[_city(area)].border_point,
            min(leg.delay_us for leg in legs),
            PPB - min(leg.dual_ppb for leg in legs),
            tuple((_prbs(group),) for group in self._groups[area]),
        )

    def _leg(self, gateway: Gateway, radio: Configuration) -> _Leg:
        """Radio loss, site and backhaul in series, squared over two sites; then the CU."""
        section = self._section
        backhaul_us = ceil_div(gateway.backhaul_km * section.fibre.delay_ns_per_km, NS_PER_US)
        backhaul_ppb = gateway.backhaul_km * section.fibre.unavailable_ppb_per_km
        own_ppb = radio.loss_ppb + section.site_unavailable_ppb + backhaul_ppb
        return _Leg(
            radio,
            radio.delay_us + backhaul_us + section.cu_delay_us,
            own_ppb + section.cu_unavailable_ppb,
            both_fail_ppb(own_ppb, own_ppb) + section.cu_unavailable_ppb,
        )

    def _build(self, load: Load, groups: tuple[str, ...]) -> tuple[Option, ...]:
        """Only what is Pareto-optimal among as many sites: there, cheaper always means smaller."""
        share = self._share(load, groups)
        if share.devices > self._section.devices_per_sector:
            return ()
        rows = [
            row
            for leg in self._legs[_city(load.ingress)]
            for prbs, drain_us in self._prbs_to_try(share, leg.radio, load.isolated)
            for row in self._rows(share, leg, prbs, drain_us)
        ]
        steps = {sites: Staircase() for sites in SITES}
        kept = []
        for row in sorted(rows):
            if not steps[row.sites].covers(row.latency_us, row.unavailable_ppb):
                steps[row.sites].add(row.latency_us, row.unavailable_ppb)
                kept.append(row)
        return tuple(self._option(load, share, row) for row in kept)

    def _share(self, load: Load, groups: tuple[str, ...]) -> _Share:
        per_group = ceil_div(max(load.devices, 1), len(groups))
        sectors = min(per_group, *(self._sectors[group] for group in groups))
        parts = len(groups) * sectors
        return _Share(
            groups,
            sectors,
            ceil_div(per_group, sectors),
            ceil_div(load.downlink_kbps, parts),
            ceil_div(load.uplink_kbps, parts),
        )

    def _prbs_to_try(
        self, share: _Share, radio: Configuration, isolated: bool
    ) -> Iterator[tuple[int, int]]:
        """PRBs per sector with the time in which they empty a burst, microseconds.

        Nothing where one sector cannot carry its part.
        """
        section = self._section
        step = section.radio.prbs_per_group if isolated else 1
        down_bps, up_bps = radio.downlink_bps_per_prb, radio.uplink_bps_per_prb
        down = section.traffic.burst_bits(share.downlink_kbps) * US_PER_S
        up = section.traffic.burst_bits(share.uplink_kbps) * US_PER_S
        rate = max(
            ceil_div(share.downlink_kbps * BPS_PER_KBPS, down_bps),
            ceil_div(share.uplink_kbps * BPS_PER_KBPS, up_bps),
            1,
        )
        seen = 0
        for drain_us in self._drains_us:
            burst = max(ceil_div(down, drain_us * down_bps), ceil_div(up, drain_us * up_bps))
            prbs = ceil_div(max(rate, burst), step) * step
            if seen < prbs <= section.radio.prbs_per_sector:
                seen = prbs
                yield prbs, max(ceil_div(down, prbs * down_bps), ceil_div(up, prbs * up_bps))

    def _rows(self, share: _Share, leg: _Leg, prbs: int, drain_us: int) -> Iterator[_Row]:
        section = self._section
        for sites, unavailable_ppb in zip(SITES, (leg.single_ppb, leg.dual_ppb), strict=True):
            sector_price = (
                prbs * section.price_micros_per_prb
                + share.devices * section.price_micros_per_device
            )
            yield _Row(
                len(share.groups) * share.sectors * sites * sector_price,
                leg.delay_us + drain_us,
                unavailable_ppb,
                leg.radio.key,
                prbs,
                sites,
            )

    def _option(self, load: Load, share: _Share, row: _Row) -> Option:
        taken = share.sectors * row.sites
        demand = dict.fromkeys(map(_prbs, share.groups), row.prbs * taken)
        demand.update(dict.fromkeys(map(_devices, share.groups), share.devices * taken))
        price = row.price_micros
        functions: tuple[FunctionInstance, ...] = ()
        if load.isolated:
            demand[_cu_up(_city(load.ingress))] = 1
            price += self._section.price_micros_per_cu_up
            functions = (FunctionInstance("cu-up-1", "CU-UP", dedicated=True),)
        metrics = load.metrics(row.latency_us, row.unavailable_ppb, price)
        return Option(f"{row.key}x{row.prbs}x{row.sites}", metrics, demand, functions)


def _city(area: str) -> str:
    return area.partition("/")[0]


def _prbs(group: str) -> str:
    return f"prb:{group}"


def _devices(group: str) -> str:
    return f"devices:{group}"


def _cu_up(area: str) -> str:
    return f"cu-up:{area}"
