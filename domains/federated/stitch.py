"""Many abstract topologies as one: paths across controllers, and what offers along one come to.

Latencies add up, availabilities multiply (rounded down), prices add up; throughput and devices are
the least of all. Nothing that two controllers share between them is shown outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from domains.model import (
    PPB,
    AbstractLink,
    AbstractTopology,
    Attribute,
    Bucket,
    DomainKind,
    Menu,
    Metrics,
    Offer,
    SliceProfile,
)
from domains.technologies import (
    Free,
    Option,
    Reach,
    Staircase,
    Technology,
    cheapest_first,
    load_of,
)

PIECES_MAX = 4
"""Controllers on one path."""
PATHS_MAX = 4
"""Paths between two border points that are asked for offers, the fastest first."""
COMBINATIONS_MAX = 256
"""Combinations of offers along one path that are kept from piece to piece."""

_BUCKETS = list(Bucket)


@dataclass(frozen=True, slots=True)
class Piece:
    """One controller's stretch of a path."""

    controller: str
    link: AbstractLink


Path = tuple[Piece, ...]
At = tuple[Path, Piece]
"""A path and the piece of it that a controller was asked for."""
Said = Mapping[At, Menu]
"""What controllers answered; of a path every piece or none."""


@dataclass(frozen=True, slots=True)
class Combination:
    """Offers along a path, one per piece, and what they come to together."""

    path: Path
    offers: tuple[Offer, ...]
    metrics: Metrics

    @property
    def key(self) -> str:
        """The same for the same points of the controllers' frontiers, whatever they cost."""
        return " ".join(
            f"{piece.controller}:{piece.link.ingress}>{offer.metrics.latency_us}"
            f"/{offer.metrics.availability_ppb}"
            for piece, offer in zip(self.path, self.offers, strict=True)
        )


def outward(views: Iterable[AbstractTopology]) -> tuple[str, ...]:
    """Border points of one controller alone: where other domains meet us."""
    known = list(views)
    shared = Counter(point for view in known for point in view.border_points)
    return tuple(p for view in known for p in view.border_points if shared[p] == 1)


def paths(views: Mapping[str, AbstractTopology]) -> dict[tuple[str, str], tuple[Path, ...]]:
    """Per pair of outward border points the paths between them, the fastest first."""
    ends = set(outward(views.values()))
    leaving: dict[str, list[Piece]] = {}
    for name, view in views.items():
        for link in view.links:
            leaving.setdefault(link.ingress, []).append(Piece(name, link))
    found: dict[tuple[str, str], list[Path]] = {}
    for ingress in sorted(ends & leaving.keys()):
        for path in _from(ingress, ends, leaving, ()):
            found.setdefault((ingress, path[-1].link.egress), []).append(path)
    return {pair: tuple(sorted(some, key=_order)[:PATHS_MAX]) for pair, some in found.items()}


def _from(
    point: str, ends: set[str], leaving: Mapping[str, Sequence[Piece]], so_far: Path
) -> Iterator[Path]:
    if len(so_far) == PIECES_MAX:
        return
    been = {piece.controller for piece in so_far}
    for piece in leaving.get(point, ()):
        if piece.controller in been:
            continue
        path = (*so_far, piece)
        if piece.link.egress in ends:
            yield path
        else:
            yield from _from(piece.link.egress, ends, leaving, path)


def _order(path: Path) -> tuple[int, tuple[str, ...]]:
    return sum(p.link.latency_us_min for p in path), tuple(p.controller for p in path)


def link_of(
    ingress: str, egress: str, found: Sequence[Path], price: Callable[[int], int]
) -> AbstractLink:
    """One link for all paths between two points: bounds that no combination of offers beats."""
    return AbstractLink(
        ingress,
        egress,
        min(sum(p.link.latency_us_min for p in path) for path in found),
        max(_availability([p.link.availability_ppb_max for p in path]) for path in found),
        max(
            (min((p.link.residual for p in path), key=_BUCKETS.index) for path in found),
            key=_BUCKETS.index,
        ),
        price(min(sum(p.link.price_micros_from for p in path) for path in found)),
    )


def _availability(parts_ppb: Sequence[int]) -> int:
    scale: int = PPB ** (len(parts_ppb) - 1)
    return prod(parts_ppb) // scale


def combinations(path: Path, menus: Sequence[Sequence[Offer]]) -> list[Combination]:
    """What the offers along a path come to, without what another one beats in everything."""
    found: list[tuple[Metrics, tuple[Offer, ...]]] = [
        (offer.metrics, (offer,)) for offer in menus[0]
    ]
    for menu in menus[1:]:
        both = [
            (_together(metrics, offer.metrics), (*taken, offer))
            for metrics, taken in found
            for offer in menu
        ]
        found = _best(both)
    return [Combination(path, offers, metrics) for metrics, offers in _best(found)]


def _together(one: Metrics, other: Metrics) -> Metrics:
    return Metrics(
        one.latency_us + other.latency_us,
        one.availability_ppb * other.availability_ppb // PPB,
        min(one.downlink_kbps, other.downlink_kbps),
        min(one.uplink_kbps, other.uplink_kbps),
        min(one.devices, other.devices),
        one.price_micros + other.price_micros,
    )


def _best(
    found: list[tuple[Metrics, tuple[Offer, ...]]],
) -> list[tuple[Metrics, tuple[Offer, ...]]]:
    """The Pareto front of each level of throughput and devices, thinned to `COMBINATIONS_MAX`."""
    found.sort(key=lambda f: (f[0].price_micros, f[0].latency_us, -f[0].availability_ppb))
    steps: dict[tuple[int, int, int], Staircase] = {}
    kept = []
    for metrics, offers in found:
        level = metrics.downlink_kbps, metrics.uplink_kbps, metrics.devices
        stairs = steps.setdefault(level, Staircase())
        unavailable_ppb = PPB - metrics.availability_ppb
        if not stairs.covers(metrics.latency_us, unavailable_ppb):
            stairs.add(metrics.latency_us, unavailable_ppb)
            kept.append((metrics, offers))
    if len(kept) <= COMBINATIONS_MAX:
        return kept
    ends = {
        min(range(len(kept)), key=lambda i: kept[i][0].latency_us),
        max(range(len(kept)), key=lambda i: kept[i][0].availability_ppb),
    }
    step = len(kept) / (COMBINATIONS_MAX - len(ends))
    spread = {int(i * step) for i in range(COMBINATIONS_MAX - len(ends))}
    return [kept[i] for i in sorted(ends | spread)]


class Stitched(Technology):
    """What the controllers offered for one profile, as a technology that an agent can bid with.

    Args:
        room: ledger resource of each controller -> segments it may have.
        said: every controller's menu that they are from.
    """

    kind: ClassVar[DomainKind] = DomainKind.TRANSPORT

    def __init__(
        self,
        profile: SliceProfile,
        found: Sequence[Combination],
        room: Mapping[str, int],
        said: Said,
    ) -> None:
        self.profile = profile
        self.said = said
        self._room = room
        self._found = {combination.key: combination for combination in found}

    @property
    def border_points(self) -> tuple[str, ...]:
        return self.profile.ingress, self.profile.egress

    def combination(self, key: str) -> Combination:
        return self._found[key]

    @property
    def may_come_down(self) -> bool:
        """Whether a controller has left its price open."""
        return any(Attribute.PRICE in menu.negotiable for menu in self.said.values())

    def capacities(self) -> Mapping[str, int]:
        return self._room

    def reaches(self) -> Sequence[Reach]:
        return (Reach(self.profile.ingress, self.profile.egress, 0, PPB, ((),)),)

    def candidates(self, profile: SliceProfile, free: Free) -> Sequence[Option]:
        """The combinations that carry as much as `profile` asks for; no more is promised."""
        load, base = load_of(profile), load_of(self.profile)
        if (load.ingress, load.egress, load.isolated) != (base.ingress, base.egress, base.isolated):
            return ()
        if load.functions or load.fabric_kbps:
            return ()
        options = []
        for key, found in self._found.items():
            metrics = found.metrics
            if (
                metrics.downlink_kbps >= load.downlink_kbps
                and metrics.uplink_kbps >= load.uplink_kbps
                and metrics.devices >= load.devices
            ):
                promised = load.metrics(
                    metrics.latency_us, PPB - metrics.availability_ppb, metrics.price_micros
                )
                demand = {resource(piece.controller): 1 for piece in found.path}
                options.append(Option(key, promised, demand))
        return cheapest_first(options)


def together(profile: SliceProfile, said: Said, room: Mapping[str, int]) -> Stitched:
    """What menus along whole paths come to."""
    found: list[Combination] = []
    for path in dict.fromkeys(path for path, _ in said):
        menus = [said[path, piece].offers for piece in path]
        if all(menus):
            found += combinations(path, menus)
    return Stitched(profile, found, room, said)


def resource(controller: str) -> str:
    """The ledger resource that counts a controller's segments; inner."""
    return f"controller/{controller}"


def controller_of(name: str) -> str:
    """The controller that a ledger resource counts for."""
    return name.removeprefix("controller/")
