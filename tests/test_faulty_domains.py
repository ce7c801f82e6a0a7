"""Domains that are down, hang, lie or lose their disk: the others lose nothing, nothing hangs.

A fault stands in front of a real domain, behind its real gRPC server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coordinator.limits import ORDER_S_MAX
from domains.domain import AdministrativeDomain
from domains.model import Counter, Hold, HoldRequest, Menu, SliceProfile
from domains.port import Domain
from protos.slicing.v1 import slices_pb2
from tests.asking import REJECT, create, eventually, reason_of, service, slices_of, terminate
from tests.federation import COORDINATOR, Federation, federation

CORE = "core-central"


class Fault:
    """A real domain, of which a subclass bends one answer."""

    def __init__(self, domain: AdministrativeDomain) -> None:
        self._domain = domain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)

    def as_seen_by(self, caller: str) -> Any:
        return _Bent(self._domain.as_seen_by(caller), self)

    async def bent_hold(self, real: Domain, request: HoldRequest) -> Hold:
        return await real.hold(request)

    async def bent_activate(self, real: Domain, *asked: Any) -> Hold:
        return await real.activate(*asked)

    async def bent_offers(self, menus: Sequence[Menu]) -> Sequence[Menu]:
        return menus


class _Bent:
    def __init__(self, real: Domain, fault: Fault) -> None:
        self._real, self._fault = real, fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def hold(self, request: HoldRequest) -> Hold:
        return await self._fault.bent_hold(self._real, request)

    async def activate(self, hold_id: str, epoch: int, active: bool) -> Hold:
        return await self._fault.bent_activate(self._real, hold_id, epoch, active)

    async def offers(
        self,
        profiles: Sequence[SliceProfile],
        tenant: str,
        replaces: str | None = None,
        counters: Sequence[Counter | None] = (),
    ) -> Sequence[Menu]:
        return await self._fault.bent_offers(
            await self._real.offers(profiles, tenant, replaces, counters)
        )


class HangsOnHold(Fault):
    async def bent_hold(self, real: Domain, request: HoldRequest) -> Hold:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


class HoldsLessThanOffered(Fault):
    async def bent_hold(self, real: Domain, request: HoldRequest) -> Hold:
        hold = await real.hold(request)
        metrics = replace(hold.offer.metrics, latency_us=hold.offer.metrics.latency_us * 2)
        return replace(hold, offer=replace(hold.offer, metrics=metrics))


class AttachesElsewhere(Fault):
    async def bent_hold(self, real: Domain, request: HoldRequest) -> Hold:
        hold = await real.hold(request)
        there = tuple(replace(a, label=a.label ^ 1) for a in hold.attachments)
        return replace(hold, attachments=there)


class PromisesTheImpossible(Fault):
    """Offers what its ledger will not hold: it lies about its capacity."""

    async def bent_offers(self, menus: Sequence[Menu]) -> Sequence[Menu]:
        return [
            replace(
                menu,
                offers=tuple(
                    replace(o, metrics=replace(o.metrics, latency_us=1, price_micros=0))
                    for o in menu.offers
                ),
            )
            for menu in menus
        ]


class AnswersTooLate(Fault):
    """Holds, but says so only when nobody waits any more."""

    async def bent_hold(self, real: Domain, request: HoldRequest) -> Hold:
        await real.hold(request)
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


async def settled(entente: Federation) -> None:
    """Until no domain holds anything; releases may go on behind the tenant's answer."""

    async def nothing_is_used() -> bool:
        return not any(entente.used().values())

    await eventually(nothing_is_used)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (HangsOnHold, "UNREACHABLE"),
        (AnswersTooLate, "UNREACHABLE"),
        (HoldsLessThanOffered, "HOLD_MISMATCH"),
        (AttachesElsewhere, "INTERCONNECT_MISMATCH"),
        (PromisesTheImpossible, "OVERTAKEN"),
    ],
)
async def test_a_domain_that_misbehaves_costs_nobody_anything(
    tmp_path: Path, fault: Callable[[AdministrativeDomain], Fault], reason: str
) -> None:
    async with federation(tmp_path, bend={CORE: fault}) as entente:
        began_s = time.monotonic()
        operation = await create(entente.tenant(), services=[service()], policy=REJECT)
        assert time.monotonic() - began_s < ORDER_S_MAX
        found, metadata = reason_of(operation.error)
        assert found == reason
        assert metadata["domain"] == CORE
        await settled(entente)


async def test_a_domain_that_is_down_is_named_and_the_others_hold_nothing(
    tmp_path: Path,
) -> None:
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()
        await entente.domains[CORE].stop(0)
        operation = await create(clinic, services=[service()], policy=REJECT)
        reason, metadata = reason_of(operation.error)
        assert reason in ("UNREACHABLE", "REFUSED")
        assert CORE in operation.error.message or CORE in metadata.values()
        used = entente.used()
        assert not any(units for name, units in used.items() if name != CORE)

        await entente.start_domain(CORE)

        async def serves_again() -> bool:
            return not (await create(clinic, services=[service()])).HasField("error")

        await eventually(serves_again)


async def test_a_coordinator_that_restarts_knows_its_slices_and_leaves_no_orphan(
    tmp_path: Path,
) -> None:
    async with federation(tmp_path) as entente:
        (kept,) = slices_of(await create(entente.tenant(), services=[service()]))
        assert entente.coordinator is not None
        await entente.coordinator.stop(0)

        # What nobody remembers: a hold that this coordinator made and no journal knows.
        domain = entente.domains[CORE].domain.as_seen_by(COORDINATOR)
        (known,) = await domain.holds()
        (menu,) = await domain.offers([known.profile], known.tenant)
        orphan = HoldRequest(
            hold_id="00000000-0000-5000-8000-000000000000",
            slice_id="gone",
            tenant=known.tenant,
            profile=known.profile,
            offer=menu.offers[0],
            attachments=tuple(replace(a, label=a.label ^ 1) for a in known.attachments),
            ttl_s=300,
            epoch=1,
        )
        await domain.hold(orphan)
        await domain.confirm(orphan.hold_id, 1)

        await entente.start_coordinator()
        clinic = entente.tenant()

        async def only_the_known_is_left() -> bool:
            return [hold.hold_id for hold in await domain.holds()] == [known.hold_id]

        await eventually(only_the_known_is_left)
        again = await clinic.GetSlice(slices_pb2.GetSliceRequest(name=kept.name))
        assert again == kept
        slices_of(await terminate(clinic, kept.name))
        await settled(entente)
