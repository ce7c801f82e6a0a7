"""What there is to choose from, as arrays: one row per hop and load, shared by all classes.

C classes, H hops of a class, M options of a hop, Z resources of an option, K chains of a class, L
hops of a chain. Absent hops are the last row, which costs nothing and always has room; absent
resources are the last one, of which there is always enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from coordinator.model import Chain, Hop, MenuKey
from coordinator.routes import unavailable_ppb_max
from coordinator.split import throughput
from domains.model import PPB, Isolation
from domains.technologies import Load, Option, load_of
from envs.arrays import Bools, Floats, Ints
from envs.crossdomain.network import Network
from envs.crossdomain.options import Asked

PLENTY = 1 << 60
"""Units of what never runs out; a price that nothing reaches."""
UNBOUNDED_PRICE_SCALE = 2
"""Without a ceiling prices are told in multiples of this many cheapest agreements."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Times in microseconds, prices in micro-EUR/h, availability in parts per billion.

    Attributes:
        domains: by name; domain_of: [rows], the place of a row's domain in it, -1 where absent.
        resources: (domain, inner name) of all that an option or an advertised route needs.
        capacity: [resources + 1] units.
        present, latency_us, availability_ppb, price_micros: [rows, M].
        resource, units: [rows, M, Z].
        floor_us, floor_ppb, floor_micros: [rows], what the domain advertises at best.
        route: [rows, R, Zr], the resources of each advertised route; one that is absent needs
            what there is none of: `nothing`.
        row: [C, H + 1]; chain: [C, K, L], hops of a class, H where absent, in the order in which
            the coordinator breaks ties; chain_present: [C, K].
        latency_us_max, availability_ppb_min, price_micros_max: [C]. price_scale: [C].
        share_us, share_ppb: [C, H + 1], a hop's budgets by `coordinator.split`.
        hopeful: [C, H + 1, M], options that some agreement could hold, as far as a domain can tell
            from its own metrics and what the others advertise.
        preference: [C, 4]; load: [C, 4], downlink and uplink kbit/s, devices, isolated or not.
    """

    asked: Sequence[Asked]
    domains: tuple[str, ...]
    domain_of: Ints
    resources: tuple[tuple[str, str], ...]
    capacity: Ints
    present: Bools
    latency_us: Ints
    availability_ppb: Ints
    price_micros: Ints
    resource: Ints
    units: Ints
    floor_us: Ints
    floor_ppb: Ints
    floor_micros: Ints
    route: Ints
    row: Ints
    chain: Ints
    chain_present: Bools
    latency_us_max: Ints
    availability_ppb_min: Ints
    price_micros_max: Ints
    price_scale: Floats
    share_us: Ints
    share_ppb: Ints
    hopeful: Bools
    preference: Floats
    load: Ints
    probability: Floats

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def hops(self) -> int:
        """The most hops that a class has; as the index of a hop, the absent one."""
        return int(self.row.shape[1]) - 1

    @property
    def options(self) -> int:
        return int(self.present.shape[1])

    @property
    def plenty(self) -> int:
        """The resource that never runs out."""
        return len(self.resources)

    @property
    def nothing(self) -> int:
        """The resource that there is none of."""
        return len(self.resources) + 1


@dataclass(frozen=True, slots=True)
class _Row:
    """A hop with the load that it is asked for."""

    hop: Hop
    load: Load
    options: Sequence[Option]


def tables(network: Network, asked: Sequence[Asked]) -> Tables:
    """The arrays of these classes, whose options all come from `network`."""
    rows: dict[tuple[MenuKey, Load], int] = {}
    listed: list[_Row] = []
    for one in asked:
        for key, hop in _hops(one).items():
            load = load_of(one.budgets[key])
            if (key, load) not in rows:
                rows[key, load] = len(listed)
                listed.append(_Row(hop, load, one.options[key]))
    classes = _Classes(asked, rows, len(listed))
    routes = _advertised(network, listed)
    needed = {
        (row.hop.domain, name) for row in listed for o in row.options for name in o.demand
    } | {name for route in routes for way in route for name in way}
    names = tuple(sorted(needed))
    place = {name: index for index, name in enumerate(names)}
    capacities = {name: inner.capacities() for name, inner in network.technologies.items()}
    domains = tuple(network.technologies)
    options = max(len(row.options) for row in listed)
    links = [row.hop.link for row in listed]
    resource, units = _takes(listed, options, place)
    return Tables(
        asked=asked,
        domains=domains,
        domain_of=np.array([domains.index(row.hop.domain) for row in listed] + [-1]),
        resources=names,
        capacity=np.array([capacities[domain][name] for domain, name in names] + [PLENTY, 0]),
        present=_padded([*([1] * len(r.options) for r in listed), [1]], options, 0).astype(
            np.bool_
        ),
        latency_us=_metric(listed, options, "latency_us", 0),
        availability_ppb=_metric(listed, options, "availability_ppb", PPB),
        price_micros=_metric(listed, options, "price_micros", 0),
        resource=resource,
        units=units,
        floor_us=np.array([link.latency_us_min for link in links] + [0]),
        floor_ppb=np.array([link.availability_ppb_max for link in links] + [PPB]),
        floor_micros=np.array([link.price_micros_from for link in links] + [0]),
        route=_routes(routes, place),
        row=classes.row,
        chain=classes.chain,
        chain_present=classes.chain_present,
        latency_us_max=np.array([one.service.latency_us_max for one in asked]),
        availability_ppb_min=np.array([one.service.availability_ppb_min for one in asked]),
        price_micros_max=np.array([_ceiling(one) for one in asked]),
        price_scale=np.array([_price_scale(one) for one in asked], dtype=np.float64),
        share_us=classes.share("latency_us_max"),
        share_ppb=classes.share("availability_ppb_min"),
        hopeful=classes.hopeful(options),
        preference=np.array([_preference(one) for one in asked]),
        load=np.array([_load(one) for one in asked]),
        probability=np.array([one.probability for one in asked]),
    )


def _hops(one: Asked) -> dict[MenuKey, Hop]:
    """Every hop that some chain takes, in the order of `budgets`."""
    return {(h.domain, h.ingress, h.egress): h for chain in one.chains for h in chain}


def _ordered(found: Sequence[Chain]) -> Sequence[Chain]:
    """Of equal agreements the coordinator takes the chain that comes first by name."""
    return sorted(found, key=lambda c: [n for h in c for n in (h.domain, h.ingress, h.egress)])


class _Classes:
    """The arrays that have a class as their first index."""

    def __init__(
        self, asked: Sequence[Asked], rows: dict[tuple[MenuKey, Load], int], absent: int
    ) -> None:
        self._asked = asked
        self._keys = [list(_hops(one)) for one in asked]
        hops = max(map(len, self._keys))
        self.row = _padded(
            [
                [rows[key, load_of(one.budgets[key])] for key in keys]
                for one, keys in zip(asked, self._keys, strict=True)
            ],
            hops + 1,
            absent,
        )
        most = max(len(one.chains) for one in asked)
        longest = max(len(chain) for one in asked for chain in one.chains)
        self.chain = np.full((len(asked), most, longest), hops)
        self.chain_present = np.zeros((len(asked), most), dtype=np.bool_)
        for index, (one, keys) in enumerate(zip(asked, self._keys, strict=True)):
            for number, chain in enumerate(_ordered(one.chains)):
                found = [keys.index((hop.domain, hop.ingress, hop.egress)) for hop in chain]
                self.chain[index, number, : len(found)] = found
                self.chain_present[index, number] = True

    def share(self, budget: str) -> Ints:
        """What each hop is asked to keep; 0 where there is none."""
        asked = zip(self._asked, self._keys, strict=True)
        values = [[getattr(one.budgets[key], budget) for key in keys] for one, keys in asked]
        return _padded(values, self.row.shape[1], 0)

    def hopeful(self, options: int) -> Bools:
        """See `Tables`. A sum of unavailabilities bounds their product from the safe side."""
        found = np.zeros((*self.row.shape, options), dtype=np.bool_)
        found[:, -1, 0] = True
        for index, (one, keys) in enumerate(zip(self._asked, self._keys, strict=True)):
            service = one.service
            allowed_ppb = unavailable_ppb_max(service.availability_ppb_min)
            for chain in one.chains:
                floor_us = sum(hop.link.latency_us_min for hop in chain)
                floor_ppb = sum(PPB - hop.link.availability_ppb_max for hop in chain)
                for hop in chain:
                    key = hop.domain, hop.ingress, hop.egress
                    at = keys.index(key)
                    left_us = service.latency_us_max - floor_us + hop.link.latency_us_min
                    left_ppb = allowed_ppb - floor_ppb + PPB - hop.link.availability_ppb_max
                    for number, option in enumerate(one.options[key]):
                        found[index, at, number] |= (
                            option.metrics.latency_us <= left_us
                            and PPB - option.metrics.availability_ppb <= left_ppb
                        )
        return found


def _advertised(network: Network, listed: Sequence[_Row]) -> list[list[list[tuple[str, str]]]]:
    """Per row the routes that the domain's bucket is about, each the resources that it needs."""
    found: dict[MenuKey, list[list[tuple[str, str]]]] = {}
    for domain, inner in network.technologies.items():
        for reach in inner.reaches():
            ways = [[(domain, name) for name in route] for route in reach.routes]
            found[domain, reach.ingress, reach.egress] = ways
    return [found[row.hop.domain, row.hop.ingress, row.hop.egress] for row in listed]


def _routes(routes: list[list[list[tuple[str, str]]]], place: dict[tuple[str, str], int]) -> Ints:
    plenty, nothing = len(place), len(place) + 1
    ways = max(len(route) for route in routes)
    size = max(len(way) for route in routes for way in route)
    found = np.full((len(routes) + 1, ways, size), nothing)
    for index, route in enumerate(routes):
        for number, way in enumerate(route):
            found[index, number] = plenty
            found[index, number, : len(way)] = [place[name] for name in way]
    found[-1] = plenty
    return found


def _takes(
    listed: Sequence[_Row], options: int, place: dict[tuple[str, str], int]
) -> tuple[Ints, Ints]:
    size = max(len(option.demand) for row in listed for option in row.options)
    resource = np.full((len(listed) + 1, options, size), len(place))
    units = np.zeros(resource.shape, dtype=np.int64)
    for index, row in enumerate(listed):
        for number, option in enumerate(row.options):
            names = [place[row.hop.domain, name] for name in option.demand]
            resource[index, number, : len(names)] = names
            units[index, number, : len(names)] = list(option.demand.values())
    return resource, units


def _metric(listed: Sequence[_Row], options: int, name: str, absent: int) -> Ints:
    values = [[getattr(option.metrics, name) for option in row.options] for row in listed]
    return _padded([*values, [absent]], options, absent)


def _padded(values: Sequence[Sequence[int]], width: int, absent: int) -> Ints:
    """[len(values), width]."""
    found = np.full((len(values), width), absent)
    for index, line in enumerate(values):
        found[index, : len(line)] = line
    return found


def _ceiling(one: Asked) -> int:
    ceiling = one.service.price_micros_max
    return PLENTY if ceiling is None else ceiling


def _price_scale(one: Asked) -> int:
    ceiling = one.service.price_micros_max
    return max(UNBOUNDED_PRICE_SCALE * one.cheapest_micros if ceiling is None else ceiling, 1)


def _preference(one: Asked) -> list[float]:
    preference = one.service.preference
    return [
        preference.latency,
        preference.reliability,
        preference.throughput,
        preference.economics,
    ]


def _load(one: Asked) -> list[int]:
    isolated = one.service.isolation is Isolation.ISOLATED
    return [*throughput(one.service), one.service.devices, int(isolated)]
