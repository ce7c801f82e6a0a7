"""What every domain shows of itself, and how fresh that is: the coordinator's only map.

One `DomainView` per domain. A domain that goes silent is marked, not forgotten: its areas stay
known and its slices stay explicable, but no new chain leads through it.

Epochs order the topologies of one *incarnation* of a domain: while a domain is heard, an older
epoch is a message that was overtaken and changes nothing. A restarted domain may count from the
start again. Whoever feeds this database reads one ordered stream per domain and calls
`mark_silent` when that stream ends; so the first topology after a silence begins a new
incarnation and is believed whatever its epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar, cast

from coordinator.model import Hop
from domains.errors import InvalidRequest, NotFound, Overloaded
from domains.model import PPB, AbstractLink, AbstractTopology, Bucket, DomainKind

T = TypeVar("T")

DOMAINS_MAX = 1_024
"""Domains in one federation; each costs a stream and a share of every route search."""
LINKS_MAX = 4_096
"""Abstract links of one domain: all ordered pairs of 64 border points."""
REMEMBERED_MAX = 4_096
"""Values kept per generation; the oldest goes first."""


class Step(NamedTuple):
    """A hop as a route search sees it: three costs that add up, and where it leads."""

    price_micros: int
    latency_us: int
    unavailable_ppb: int
    egress: str
    domain: str
    hop: Hop


Steps = Mapping[str, tuple[Step, ...]]
"""By ingress."""


@dataclass(frozen=True, slots=True)
class DomainView:
    """The last topology of a domain, its links as steps, and when it was heard.

    `open_steps` leaves out what is advertised as sold out.

    `seen_s` and `silent_since_s` are on the coordinator's clock; `silent_since_s` is None while
    the domain is reachable.
    """

    topology: AbstractTopology
    steps: Steps
    open_steps: Steps
    seen_s: float
    silent_since_s: float | None = None

    @property
    def reachable(self) -> bool:
        return self.silent_since_s is None


class ResourceDatabase:
    """All views. `generation` rises with every change that could alter a route."""

    def __init__(self) -> None:
        self._views: dict[str, DomainView] = {}
        self._remembered: dict[Hashable, object] = {}
        self._areas: tuple[str, ...] | None = None
        self.generation = 0

    def update(self, topology: AbstractTopology, now_s: float) -> bool:
        """Believe a topology; returns whether anything that routes depend on has changed.

        Raises:
            InvalidRequest: it contradicts itself.
            Overloaded: more domains, or more links, than the limits allow.
        """
        held = self._views.get(topology.domain)
        if held and held.reachable and topology.epoch < held.topology.epoch:
            return False
        if held and replace(topology, epoch=held.topology.epoch) == held.topology:
            same = replace(held.topology, epoch=topology.epoch)
            self._views[topology.domain] = replace(
                held, topology=same, seen_s=now_s, silent_since_s=None
            )
            if not held.reachable:
                self._changed()
            return not held.reachable
        self._check(topology)
        left = [link for link in topology.links if link.residual is not Bucket.NONE]
        self._views[topology.domain] = DomainView(
            topology, _steps(topology, topology.links), _steps(topology, left), now_s
        )
        self._changed()
        return True

    def mark_silent(self, domain: str, now_s: float) -> None:
        """Keep the last view but route nothing new through it; no effect if never heard."""
        held = self._views.get(domain)
        if held and held.reachable:
            self._views[domain] = replace(held, silent_since_s=now_s)
            self._changed()

    def views(self) -> tuple[DomainView, ...]:
        """Every view, by domain name: whatever was heard first, routes come out the same."""
        return tuple(self._views[name] for name in sorted(self._views))

    def view(self, domain: str) -> DomainView:
        """Raises NotFound where the domain was never heard."""
        held = self._views.get(domain)
        if held is None:
            raise NotFound(f"no domain {domain!r} is known", domain=domain)
        return held

    def kind(self, domain: str) -> DomainKind:
        """Raises NotFound where the domain was never heard."""
        return self.view(domain).topology.kind

    def link(self, domain: str, ingress: str, egress: str) -> AbstractLink | None:
        """What a reachable domain advertises between two points; None where it does not."""
        held = self._views.get(domain)
        if held is None or not held.reachable:
            return None
        for link in held.topology.links:
            if link.ingress == ingress and link.egress == egress:
                return link
        return None

    def areas(self) -> tuple[str, ...]:
        """Every area with coverage or a compute zone, silent domains' included, sorted."""
        if self._areas is None:
            found: set[str] = set()
            for view in self._views.values():
                found.update(view.topology.areas, view.topology.zones.values())
            self._areas = tuple(sorted(found))
        return self._areas

    def neighbours(self) -> Mapping[str, tuple[str, ...]]:
        """Border point -> the reachable domains that meet there, by name."""
        met: dict[str, list[str]] = {}
        for view in self.views():
            if view.reachable:
                for point in view.topology.border_points:
                    met.setdefault(point, []).append(view.topology.domain)
        return {point: tuple(domains) for point, domains in sorted(met.items())}

    def remember(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value under `key`, made once per generation: a change of any view forgets it."""
        found = self._remembered.get(key)
        if found is None:
            if len(self._remembered) >= REMEMBERED_MAX:
                del self._remembered[next(iter(self._remembered))]
            found = self._remembered[key] = make()
        return cast(T, found)

    def _changed(self) -> None:
        self.generation += 1
        self._remembered.clear()
        self._areas = None

    def _check(self, topology: AbstractTopology) -> None:
        domain = topology.domain
        if domain not in self._views and len(self._views) >= DOMAINS_MAX:
            raise Overloaded(f"more than {DOMAINS_MAX} domains", domain=domain, limit=DOMAINS_MAX)
        if len(topology.links) > LINKS_MAX:
            raise Overloaded(f"more than {LINKS_MAX} links", domain=domain, limit=LINKS_MAX)
        points = set(topology.border_points)
        access, cloud = topology.kind is DomainKind.ACCESS, topology.kind is DomainKind.CLOUD
        entries = set(topology.areas) if access else points
        exits = set(topology.zones) if cloud else points
        for link in topology.links:
            sound = (
                link.ingress in entries
                and link.egress in exits
                and link.latency_us_min >= 0
                and link.price_micros_from >= 0
                and 0 <= link.availability_ppb_max <= PPB
            )
            if not sound:
                raise InvalidRequest(
                    f"{domain} advertises a link that contradicts its own topology",
                    domain=domain,
                    ingress=link.ingress,
                    egress=link.egress,
                )


def _steps(topology: AbstractTopology, links: Iterable[AbstractLink]) -> Steps:
    steps: dict[str, tuple[Step, ...]] = {}
    for link in links:
        step = Step(
            link.price_micros_from,
            link.latency_us_min,
            PPB - link.availability_ppb_max,
            link.egress,
            topology.domain,
            Hop(topology.domain, topology.kind, link),
        )
        steps[link.ingress] = (*steps.get(link.ingress, ()), step)
    return steps
