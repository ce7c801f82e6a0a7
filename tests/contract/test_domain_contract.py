"""What every `port.Domain` does, whoever implements it: here in this process and over gRPC."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from domains.errors import (
    EntenteError,
    HoldLapsed,
    HoldReleased,
    InvalidRequest,
    LabelInUse,
    NotFound,
    OfferChanged,
    RequestIdReused,
    StaleEpoch,
    Unreachable,
    WrongState,
)
from domains.measurement import Condition
from domains.model import HoldRequest, HoldState, Metrics
from tests.contract.conftest import COORDINATOR

# -- looking ----------------------------------------------------------------------------------


async def test_a_domain_shows_itself_by_its_name(met: Any) -> None:
    topology = await met.as_one.topology()
    assert met.as_one.name == topology.domain == met.inner.name
    assert topology == met.inner.topology()
    ends = {*topology.border_points, *topology.areas, *topology.zones}
    assert topology.links
    assert all({link.ingress, link.egress} <= ends for link in topology.links)


async def test_a_watcher_sees_the_domain_as_it_is_now(met: Any) -> None:
    watch = met.as_one.watch_topology()
    assert await anext(watch) == met.inner.topology()
    await watch.aclose()


async def test_a_watch_ends_when_the_domain_goes_away(met: Any) -> None:
    watch = met.as_one.watch_topology()
    await anext(watch)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    await met.leave()
    with pytest.raises((StopAsyncIteration, Unreachable)):
        await asyncio.wait_for(waiting, 5)


async def test_a_segment_stands_by_and_runs_again_with_its_capacity_kept(met: Any) -> None:
    request = await met.request()
    await met.as_one.hold(request)
    with pytest.raises(WrongState):
        await met.as_one.activate(request.hold_id, 1, False)
    await met.as_one.confirm(request.hold_id, 1)
    used = met.inner.usage()
    for active in (False, False, True, True):
        hold = await met.as_one.activate(request.hold_id, 1, active)
        assert (hold.active, hold.state) == (active, HoldState.CONFIRMED)
        assert [h.active for h in await met.as_one.holds()] == [active]
        assert met.inner.usage() == used
    with pytest.raises(NotFound):
        await met.as_another.activate(request.hold_id, 1, False)
    with pytest.raises(NotFound):
        await met.as_one.activate("ghost", 1, False)
    with pytest.raises(StaleEpoch):
        await met.as_one.activate(request.hold_id, 0, False)
    await met.as_one.release(request.hold_id, 1, "done")
    with pytest.raises(HoldReleased):
        await met.as_one.activate(request.hold_id, 1, True)


async def test_measurements_are_of_the_callers_own_segments_and_stop_with_them(met: Any) -> None:
    request = await met.request()
    await met.as_one.hold(request)
    await met.as_one.confirm(request.hold_id, 1)
    functions = met.inner.functions
    await functions.settled()
    mine, theirs = met.as_one.watch_measurements(), met.as_another.watch_measurements()
    (first,) = await anext(mine)
    assert (first.segment_id, first.slice_id) == (request.hold_id, request.slice_id)
    assert await anext(theirs) == []
    await functions.measure()
    met.clock.now_s += 10
    await functions.measure()
    functions.publish()
    while (reading := (await anext(mine))[0]).measurement is None:
        pass
    assert reading.condition is Condition.HEALTHY
    assert reading.measurement == functions.readings(COORDINATOR)[0].measurement
    assert reading.measurement.end_s - reading.measurement.begin_s == 10
    await met.as_one.activate(request.hold_id, 1, False)
    await functions.settled()
    functions.publish()
    while (await anext(mine))[0].condition is not Condition.STOPPED:
        pass
    await mine.aclose()
    await theirs.aclose()


async def test_a_watch_of_measurements_ends_when_the_domain_goes_away(met: Any) -> None:
    watch = met.as_one.watch_measurements()
    await anext(watch)
    await met.leave()

    async def to_the_end() -> None:
        while True:
            await anext(watch)

    with pytest.raises((StopAsyncIteration, Unreachable)):
        await asyncio.wait_for(to_the_end(), 5)


# -- asking -----------------------------------------------------------------------------------


async def test_every_profile_gets_its_menu_in_order(met: Any) -> None:
    links = len((await met.as_one.topology()).links)
    profiles = [await met.profile(n % links) for n in range(4)]
    menus = await met.as_one.offers(profiles, "acme")
    assert [menu.profile for menu in menus] == profiles
    assert all(menu.offers and menu.offers[0].exact for menu in menus)


async def test_asking_for_nothing_gets_nothing(met: Any) -> None:
    assert list(await met.as_one.offers([], "acme")) == []


async def test_an_exact_offer_keeps_every_bound(met: Any) -> None:
    profile = await met.profile()
    (menu,) = await met.as_one.offers([profile], "acme")
    exact = [offer.metrics for offer in menu.offers if offer.exact]
    assert exact
    for metrics in exact:
        assert metrics.latency_us <= profile.latency_us_max
        assert metrics.availability_ppb >= profile.availability_ppb_min
        assert metrics.downlink_kbps >= profile.downlink_kbps


async def test_asking_holds_nothing(met: Any) -> None:
    profile = await met.profile()
    first = await met.as_one.offers([profile], "acme")
    assert await met.as_one.offers([profile], "acme") == first
    assert list(await met.as_one.holds()) == []


async def test_the_impossible_is_answered_with_what_is_possible(met: Any) -> None:
    profile = await met.profile(latency_us_max=1)
    (menu,) = await met.as_one.offers([profile], "acme")
    assert not any(offer.exact for offer in menu.offers)
    named = [r for offer in menu.offers for r in offer.relaxations]
    shortfalls = [*named, *([menu.refusal] if menu.refusal else [])]
    assert any(s.requested == 1 and s.achievable > 1 for s in shortfalls)


# -- holding ----------------------------------------------------------------------------------


async def test_a_hold_is_what_was_asked_for(met: Any) -> None:
    request = await met.request()
    hold = await met.as_one.hold(request)
    assert hold.state is HoldState.HELD
    assert (hold.hold_id, hold.slice_id, hold.tenant) == ("hold-1", "slice-of-hold-1", "acme")
    assert (hold.profile, hold.offer) == (request.profile, request.offer)
    assert hold.attachments == request.attachments
    assert hold.expire_time_s == met.clock.now_s + 30.0
    assert list(await met.as_one.holds()) == [hold]
    assert list(await met.as_one.holds("slice-of-hold-1")) == [hold]
    assert list(await met.as_one.holds("another-slice")) == []


async def test_a_repeated_hold_answers_the_same(met: Any) -> None:
    request = await met.request()
    first = await met.as_one.hold(request)
    met.clock.now_s += 1
    assert await met.as_one.hold(request) == first


async def test_repeats_in_flight_hold_once(met: Any) -> None:
    request = await met.request()
    answers = await asyncio.gather(*(met.as_one.hold(request) for _ in range(16)))
    assert all(answer == answers[0] for answer in answers)
    assert list(await met.as_one.holds()) == [answers[0]]


async def test_the_same_id_with_another_body_is_refused(met: Any) -> None:
    request = await met.request()
    await met.as_one.hold(request)
    with pytest.raises(RequestIdReused):
        await met.as_one.hold(replace(request, tenant="other"))


async def test_an_offer_that_was_never_made_is_refused(met: Any) -> None:
    request = await met.request()
    offer = replace(request.offer, offer_id="an-offer-of-mine")
    with pytest.raises(OfferChanged):
        await met.as_one.hold(replace(request, offer=offer))
    assert list(await met.as_one.holds()) == []


async def test_an_offer_with_better_numbers_than_were_offered_is_refused(met: Any) -> None:
    request = await met.request()
    metrics = replace(request.offer.metrics, price_micros=0, latency_us=1)
    with pytest.raises(OfferChanged):
        await met.as_one.hold(replace(request, offer=replace(request.offer, metrics=metrics)))


async def test_a_label_belongs_to_one_hold(met: Any) -> None:
    if not (await met.request()).attachments:
        pytest.skip("this segment meets no neighbour")
    await met.as_one.hold(await met.request("hold-1"))
    with pytest.raises(LabelInUse):
        await met.as_one.hold(await met.request("hold-2"))


# -- confirming -------------------------------------------------------------------------------


async def test_a_confirmed_hold_stays_past_its_ttl(met: Any) -> None:
    await met.as_one.hold(await met.request())
    hold = await met.as_one.confirm("hold-1", 1)
    assert hold.state is HoldState.CONFIRMED
    assert await met.as_one.confirm("hold-1", 1) == hold
    met.clock.now_s += 1_000
    await met.inner.sweep()
    assert list(await met.as_one.holds()) == [hold]


async def test_an_unconfirmed_hold_lapses_and_says_so_to_the_late(met: Any) -> None:
    await met.as_one.hold(await met.request())
    met.clock.now_s += 31
    with pytest.raises(HoldLapsed):
        await met.as_one.confirm("hold-1", 1)
    await met.inner.sweep()
    with pytest.raises(HoldLapsed):
        await met.as_one.confirm("hold-1", 1)
    assert list(await met.as_one.holds()) == []


async def test_what_was_never_held_cannot_be_confirmed(met: Any) -> None:
    with pytest.raises(NotFound):
        await met.as_one.confirm("never-seen", 1)


# -- releasing --------------------------------------------------------------------------------


@pytest.mark.parametrize("confirmed", [False, True])
async def test_a_release_gives_everything_back(met: Any, confirmed: bool) -> None:
    request = await met.request()
    before = await met.as_one.offers([request.profile], "acme")
    await met.as_one.hold(request)
    if confirmed:
        await met.as_one.confirm("hold-1", 1)
    released = await met.as_one.release("hold-1", 1, "over")
    assert released is not None
    assert released.state is HoldState.RELEASED
    assert await met.as_one.release("hold-1", 1, "again") == released
    assert list(await met.as_one.holds()) == []
    assert await met.as_one.offers([request.profile], "acme") == before
    with pytest.raises(HoldReleased):
        await met.as_one.confirm("hold-1", 1)


async def test_a_release_that_overtakes_its_hold_wins(met: Any) -> None:
    request = await met.request()
    assert await met.as_one.release("hold-1", 1, "gave up") is None
    with pytest.raises(HoldReleased):
        await met.as_one.hold(request)
    assert list(await met.as_one.holds()) == []


# -- several ----------------------------------------------------------------------------------


async def test_a_coordinator_sees_its_own_holds_only(met: Any) -> None:
    hold = await met.as_one.hold(await met.request())
    assert list(await met.as_another.holds()) == []
    with pytest.raises(NotFound):
        await met.as_another.confirm("hold-1", 9)
    with pytest.raises(NotFound):
        await met.as_another.release("hold-1", 9, "not mine")
    assert list(await met.as_one.holds()) == [hold]


async def test_an_older_incarnation_of_a_coordinator_is_fenced_off(met: Any) -> None:
    await met.as_one.hold(await met.request(epoch=2))
    for late in (
        met.as_one.confirm("hold-1", 1),
        met.as_one.release("hold-1", 1, "late"),
    ):
        with pytest.raises(StaleEpoch):
            await late
    assert (await met.as_one.confirm("hold-1", 2)).state is HoldState.CONFIRMED


async def test_all_of_many_holds_are_listed(met: Any) -> None:
    """More than one page of the wire."""
    profile = await met.profile(downlink_kbps=1, uplink_kbps=1, devices=1, functions=())
    base = await met.request(profile=profile)
    for n in range(120):
        labels = tuple(replace(a, label=2_000 + 4 * n + i) for i, a in enumerate(base.attachments))
        await met.as_one.hold(replace(base, hold_id=f"hold-{n}", attachments=labels))
    listed = [hold.hold_id for hold in await met.as_one.holds()]
    assert len(listed) == 120
    assert set(listed) == {f"hold-{n}" for n in range(120)}


async def test_a_hold_may_grow_into_a_successor(met: Any) -> None:
    request = await met.request()
    await met.as_one.hold(request)
    await met.as_one.confirm("hold-1", 1)
    grown = await met.profile(downlink_kbps=2 * request.profile.downlink_kbps)
    (menu,) = await met.as_one.offers([grown], "acme", replaces="hold-1")
    successor = await met.as_one.hold(
        replace(
            request,
            hold_id="hold-2",
            profile=grown,
            offer=menu.offers[0],
            replaces="hold-1",
        )
    )
    assert successor.replaces == "hold-1"
    await met.as_one.confirm("hold-2", 1)
    await met.as_one.release("hold-1", 1, "grown")
    assert [h.hold_id for h in await met.as_one.holds()] == ["hold-2"]


async def test_only_a_confirmed_hold_of_ones_own_can_be_replaced(met: Any) -> None:
    with pytest.raises(EntenteError) as refused:
        await met.as_one.offers([await met.profile()], "acme", replaces="never-seen")
    assert not isinstance(refused.value, Unreachable)


# -- nonsense ---------------------------------------------------------------------------------

Spoil = Callable[[HoldRequest], HoldRequest]

NONSENSE: dict[str, Spoil] = {
    "no id": lambda r: replace(r, hold_id=""),
    "no tenant": lambda r: replace(r, tenant=""),
    "a tenant of a megabyte": lambda r: replace(r, tenant="x" * 1_000_000),
    "ttl of zero": lambda r: replace(r, ttl_s=0.0),
    "negative ttl": lambda r: replace(r, ttl_s=-1.0),
    "ttl that is no number": lambda r: replace(r, ttl_s=math.nan),
    "infinite ttl": lambda r: replace(r, ttl_s=math.inf),
    "ttl of a century": lambda r: replace(r, ttl_s=100 * 365 * 86_400.0),
    "negative epoch": lambda r: replace(r, epoch=-1),
    "negative latency": lambda r: replace(r, profile=replace(r.profile, latency_us_max=-1)),
    "throughput beyond 64 bit": lambda r: replace(
        r, profile=replace(r.profile, downlink_kbps=2**63)
    ),
    "more than certain": lambda r: replace(
        r, profile=replace(r.profile, availability_ppb_min=2 * 10**9)
    ),
    "a negative price": lambda r: replace(
        r, offer=replace(r.offer, metrics=Metrics(1, 1, 1, 1, 1, -1))
    ),
    "nowhere to go in": lambda r: replace(r, profile=replace(r.profile, ingress="")),
    "attached nowhere": lambda r: replace(r, attachments=()),
    "a reserved label": lambda r: replace(
        r, attachments=tuple(replace(a, label=3) for a in r.attachments)
    ),
    "a label of 21 bits": lambda r: replace(
        r, attachments=tuple(replace(a, label=1 << 20) for a in r.attachments)
    ),
}


async def test_nonsense_is_refused_and_nothing_is_held(met: Any) -> None:
    request, believed = await met.request(), []
    for what, spoil in NONSENSE.items():
        try:
            await met.as_one.hold(spoil(request))
        except InvalidRequest:
            continue
        believed.append(what)
    assert believed == []
    assert list(await met.as_one.holds()) == []
