"""A domain whose word does not hold costs an order an attempt; then others take its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coordinator.distrust import CHANGES_MAX, OVERTAKEN_MAX, Distrust
from coordinator.limits import ATTEMPTS_MAX, ORDER_S_MAX
from coordinator.protocol import HoldMismatch
from deploy.federation import CONFIGS
from domains.domain import AdministrativeDomain
from domains.errors import (
    CapacityInsufficient,
    EntenteError,
    InvalidRequest,
    NotPermitted,
    OfferChanged,
    Overloaded,
    StaleEpoch,
    Unreachable,
)
from domains.model import Hold, HoldRequest
from domains.port import Domain
from tests.asking import create, eventually, reason_of, service, slices_of
from tests.federation import federation
from tests.test_faulty_domains import Fault, HoldsLessThanOffered

CHEAPEST = "transport-two"
"""Of three carriers, for the service that is asked for here."""


def test_who_breaks_its_word_is_gone_around_and_who_was_overtaken_is_not() -> None:
    distrust = Distrust()
    assert not distrust.note(EntenteError("nobody in particular"))
    assert distrust.note(HoldMismatch("another hold", domain="b"))
    for _ in range(CHANGES_MAX):
        assert distrust.without == {"b"}
        assert distrust.note(OfferChanged("another offer", domain="c"))
    assert distrust.without == {"b", "c"}
    for _ in range(OVERTAKEN_MAX):
        assert "a" not in distrust.without
        assert not distrust.note(CapacityInsufficient("others were faster", domain="a"))
    assert not distrust.note(Overloaded("our own limit"))
    assert distrust.without == {"a", "b", "c"}


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


def refuses(error: EntenteError) -> type[Fault]:
    """A domain that offers what it then refuses."""

    class Refuses(Fault):
        async def bent_hold(self, real: Domain, request: HoldRequest) -> Hold:
            raise error

    return Refuses


@pytest.mark.parametrize(
    "fault",
    [
        Breaks,
        Silent,
        HoldsLessThanOffered,
        Blames,
        ClaimsANewerCoordinator,
        pytest.param(refuses(Overloaded("the ledger is full")), id="Full"),
        pytest.param(refuses(NotPermitted("not for you")), id="ShutsOut"),
        pytest.param(refuses(InvalidRequest("that is too long", field="ttl_s")), id="NeverHappy"),
        pytest.param(refuses(CapacityInsufficient("others were faster")), id="AlwaysOvertaken"),
    ],
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


@pytest.mark.parametrize(("for_s", "attempts"), [(ORDER_S_MAX, ATTEMPTS_MAX), (0.0, 1)])
async def test_an_order_tries_so_often_and_so_long_where_nobody_else_can_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, for_s: float, attempts: int
) -> None:
    monkeypatch.setattr("coordinator.securing.ORDER_S_MAX", for_s)
    taken = refuses(CapacityInsufficient("others were faster"))
    async with federation(tmp_path, bend={"transport-one": taken}) as entente:
        asked = await create(entente.tenant(), services=[service()])
        assert asked.done
        reason, metadata = reason_of(asked.error)
        assert (reason, metadata["attempts"]) == ("OVERTAKEN", str(attempts))
        assert metadata["domain"] == "transport-one"
        assert not any(entente.used().values())
