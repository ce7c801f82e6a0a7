"""A domain whose word does not hold costs an order an attempt; then others take its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coordinator.distrust import CHANGES_MAX, Distrust
from coordinator.protocol import HoldMismatch
from deploy.federation import CONFIGS
from domains.domain import AdministrativeDomain
from domains.errors import (
    CapacityInsufficient,
    EntenteError,
    OfferChanged,
    StaleEpoch,
    Unreachable,
)
from domains.model import Hold, HoldRequest
from domains.port import Domain
from tests.asking import create, eventually, service, slices_of
from tests.federation import federation
from tests.test_faulty_domains import Fault, HoldsLessThanOffered

CHEAPEST = "transport-two"
"""Of three carriers, for the service that is asked for here."""


def test_who_breaks_its_word_is_gone_around_and_who_was_overtaken_is_not() -> None:
    distrust = Distrust()
    assert not distrust.note(EntenteError("nobody in particular"))
    assert not distrust.note(CapacityInsufficient("others were faster", domain="a"))
    assert distrust.note(HoldMismatch("another hold", domain="b"))
    for _ in range(CHANGES_MAX):
        assert distrust.without == {"b"}
        assert distrust.note(OfferChanged("another offer", domain="c"))
    assert distrust.without == {"b", "c"}


class Breaks(Fault):
    """Offers like any other, and does not keep its word."""

    async def bent_hold(self, real: Domain, request: HoldRequest) -> Hold:
        raise OfferChanged("no such offer")


class Silent(Fault):
    async def bent_hold(self, real: Domain, request: HoldRequest) -> Hold:
        raise Unreachable("nobody is here")


class Blames(Fault):
    """Breaks its word, and says that a competitor did."""

    async def bent_hold(self, real: Domain, request: HoldRequest) -> Hold:
        raise OfferChanged("no such offer", domain="transport-one")


class ClaimsANewerCoordinator(Fault):
    async def bent_hold(self, real: Domain, request: HoldRequest) -> Hold:
        raise StaleEpoch("a newer coordinator has taken over")


@pytest.mark.parametrize(
    "fault", [Breaks, Silent, HoldsLessThanOffered, Blames, ClaimsANewerCoordinator]
)
async def test_a_provider_whose_word_does_not_hold_is_gone_around(
    tmp_path: Path, fault: Callable[[AdministrativeDomain], Fault]
) -> None:
    async with federation(tmp_path, CONFIGS / "federation", bend={CHEAPEST: fault}) as entente:
        clinic = entente.tenant()
        (made,) = slices_of(await create(clinic, services=[service()]))
        assert CHEAPEST not in {segment.domain for segment in made.segments}

        async def it_holds_nothing() -> bool:
            return not entente.used()[CHEAPEST]

        await eventually(it_holds_nothing)
        await entente.domains[CHEAPEST].stop(0)
        await entente.start_domain(CHEAPEST)  # and keeps its word from now on

        async def is_taken_again() -> bool:
            (again,) = slices_of(await create(clinic, services=[service()]))
            return CHEAPEST in {segment.domain for segment in again.segments}

        await eventually(is_taken_again)
