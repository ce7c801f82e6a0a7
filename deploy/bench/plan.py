"""What the parts of a set-up cost by themselves: microseconds per call, in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

from coordinator.journal import Journal
from coordinator.model import Chain, MenuKey, ServiceProfile
from coordinator.negotiate import settle
from coordinator.placement import chains
from coordinator.resources import ResourceDatabase
from coordinator.split import split
from coordinator.wire_services import service_from_proto
from deploy.bench import networks
from deploy.bench.effort import Effort, Tell
from deploy.bench.report import Report, Table, figure
from deploy.bench.tenants import SERVICE
from deploy.federation import Federation
from domains import wire
from domains.config import technology
from domains.ledger import Ledger
from domains.model import HoldRequest, Menu, SliceProfile
from domains.offers import choose, menu
from domains.records import LedgerLimits
from domains.technologies import Free, Technology
from domains.topology import abstract

CALLS: Final = 200
"""Per round; short enough that a round is rarely interrupted."""
OWNER: Final = "spiffe://entente.example/coordinator/main"
NOW_S: Final = 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class Desk:
    """A coordinator's planning with four technologies beside it, and no wire in between."""

    resources: ResourceDatabase
    technologies: Mapping[str, Technology]
    service: ServiceProfile

    @staticmethod
    def of(federation: Federation) -> Desk:
        resources, technologies = ResourceDatabase(), {}
        for member in federation.members:
            inner = technologies[member.name] = technology(member.config)
            free = inner.capacities().__getitem__
            shown = abstract(inner, member.name, member.config.operator, free, 1)
            resources.update(shown, NOW_S)
        return Desk(resources, technologies, service_from_proto(SERVICE, "berlin"))

    def route(self) -> tuple[Sequence[Chain], dict[MenuKey, SliceProfile]]:
        found = chains(self.resources, self.service)
        budgets: dict[MenuKey, SliceProfile] = {}
        for chain in found:
            for hop, profile in zip(chain, split(self.service, chain), strict=True):
                budgets.setdefault((hop.domain, hop.ingress, hop.egress), profile)
        return found, budgets

    def free(self, domain: str) -> Free:
        return self.technologies[domain].capacities().__getitem__


async def measure(folder: Path, effort: Effort, tell: Tell) -> Report:
    """Route, split, offers, settle, hold, journal and wire, each alone."""
    tell("route, offers, settle")
    rows: dict[str, float] = {}
    desk = Desk.of(networks.germany(folder / "network"))
    found, budgets = desk.route()
    menus = {
        key: menu(desk.technologies[key[0]], profile, desk.free(key[0]))
        for key, profile in budgets.items()
    }

    def planned() -> None:
        routed, asked = desk.route()
        settle(desk.service, routed, menus, asked)

    rows["route, as asked before"] = _us(effort, lambda: chains(desk.resources, desk.service))
    rows["split"] = _us(effort, lambda: split(desk.service, found[0]))
    rows["settle"] = _us(effort, lambda: settle(desk.service, found, menus, budgets))
    rows["route, split and settle"] = _us(effort, planned)
    for key, profile in budgets.items():
        inner, free = desk.technologies[key[0]], desk.free(key[0])
        offers = len(menus[key].offers)
        call = _menu_of(inner, profile, free)
        rows[f"menu of {offers} offers, {inner.kind}"] = _us(effort, call)
    tell("hold, journal, wire")
    rows.update(_ledger(effort, desk, budgets, menus))
    rows.update(_wire(effort, budgets, menus))
    rows["journal: 20 records, durable"] = await _journal(effort, folder / "journal.sqlite")
    return _report(rows)


def _menu_of(inner: Technology, profile: SliceProfile, free: Free) -> Callable[[], Menu]:
    return lambda: menu(inner, profile, free)


def _ledger(
    effort: Effort,
    desk: Desk,
    budgets: Mapping[MenuKey, SliceProfile],
    menus: Mapping[MenuKey, Menu],
) -> Iterator[tuple[str, float]]:
    """Choosing, holding and confirming in the access domain, each hold a new one."""
    key = next(iter(budgets))
    inner, profile, offer = desk.technologies[key[0]], budgets[key], menus[key].offers[0]
    ledger = Ledger(inner.capacities(), LedgerLimits(live_max=10**6))
    request, numbers, held = _request(budgets, menus), count(), count()
    option = choose(inner, profile, offer, ledger.free)

    def hold() -> None:
        fresh = replace(request, hold_id=f"hold-{next(numbers)}", attachments=())
        ledger.hold(OWNER, fresh, option.demand, option.functions, NOW_S)
        ledger.take()

    def confirm() -> None:
        ledger.confirm(OWNER, f"hold-{next(held)}", 1, NOW_S)
        ledger.take()

    yield (
        "choose the option of an offer",
        _us(effort, lambda: choose(inner, profile, offer, ledger.free)),
    )
    yield "ledger: hold", _us(effort, hold)
    yield "ledger: confirm", _us(effort, confirm)


def _wire(
    effort: Effort, budgets: Mapping[MenuKey, SliceProfile], menus: Mapping[MenuKey, Menu]
) -> Iterator[tuple[str, float]]:
    request = _request(budgets, menus)
    message = wire.hold_request_to_proto(request)
    sent = message.SerializeToString()
    kind = type(message)

    def decoded() -> HoldRequest:
        return wire.hold_request_from_proto(kind.FromString(sent))

    assert decoded() == request, "the wire keeps a request as it is"
    key = next(iter(budgets))
    reply = wire.menu_to_proto(menus[key]).SerializeToString()
    menu_kind = type(wire.menu_to_proto(menus[key]))
    offers = len(menus[key].offers)
    encode = lambda: wire.hold_request_to_proto(request).SerializeToString()  # noqa: E731
    yield "wire: encode CreateHold", _us(effort, encode)
    yield "wire: decode CreateHold", _us(effort, decoded)
    yield (
        f"wire: encode a menu of {offers}",
        _us(effort, lambda: wire.menu_to_proto(menus[key]).SerializeToString()),
    )
    yield (
        f"wire: decode a menu of {offers}",
        _us(effort, lambda: wire.menu_from_proto(menu_kind.FromString(reply), budgets[key])),
    )


def _request(budgets: Mapping[MenuKey, SliceProfile], menus: Mapping[MenuKey, Menu]) -> HoldRequest:
    key, profile = next(iter(budgets.items()))
    return HoldRequest(
        hold_id="hold",
        slice_id="slice",
        tenant="spiffe://entente.example/tenant/bench",
        profile=profile,
        offer=menus[key].offers[0],
        attachments=(),
        ttl_s=30.0,
        epoch=1,
    )


async def _journal(effort: Effort, path: Path) -> float:
    """Per record: appending alone does not wait, so the flush is what counts."""
    journal = await Journal.open(path)
    detail = {"latency_us": 1_000, "availability_ppb": 999_990_000, "price_micros": 12_345}
    took_us: list[float] = []
    try:
        for _ in range(effort.rounds):
            with _timed(took_us, 20):
                for _record in range(20):
                    journal.append(
                        order_id="order",
                        slice_id="slice",
                        step="bench",
                        event="noted",
                        domain="access",
                        text="one line of the decision record",
                        detail=detail,
                        at_s=NOW_S,
                    )
                await journal.flush()
            await asyncio.sleep(0)
    finally:
        journal.close()
    return median(took_us)


def _us(effort: Effort, call: Callable[[], object]) -> float:
    """Microseconds per call, the median of some rounds."""
    took_us: list[float] = []
    for _ in range(effort.rounds):
        with _timed(took_us, CALLS):
            for _call in range(CALLS):
                call()
    return median(took_us)


@contextmanager
def _timed(took_us: list[float], calls: int) -> Iterator[None]:
    began_s = time.perf_counter()
    yield
    took_us.append((time.perf_counter() - began_s) / calls * 1e6)


def _report(rows: Mapping[str, float]) -> Report:
    shown = [(name, figure(value)) for name, value in rows.items()]
    table = Table("Parts of a set-up, one at a time", ("part", "us per call"), shown)
    return Report("plan", (table,), {"us_per_call": dict(rows)})
