"""A whole domain in this process, on the networks that are shipped, as coordinators see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

import domains.domain
from domains.config import technology
from domains.domain import INCARNATION_BITS
from domains.errors import (
    HoldLapsed,
    HoldNotReplaceable,
    LabelInUse,
    NotFound,
    OfferChanged,
    Overloaded,
    Refused,
)
from domains.model import Bucket, Hold, HoldState
from tests.domains.networks import ALICE, BOB, KINDS, Bench, bench_of


@pytest.fixture(params=KINDS)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    made = await bench_of(request.param, tmp_path)
    yield made
    await made.domain.close()


@pytest.fixture
async def transport(tmp_path: Path) -> AsyncIterator[Bench]:
    made = await bench_of("transport", tmp_path)
    yield made
    await made.domain.close()


# -- from offer to segment and back ---------------------------------------------------------


async def test_what_is_offered_can_be_held_confirmed_and_given_back(bench: Bench) -> None:
    before = bench.domain._store.ledger.used()
    request = await bench.request(1)
    held = await bench.alice.hold(request)
    assert (held.state, held.offer, held.expire_time_s) == (HoldState.HELD, request.offer, 1_030.0)
    assert bench.domain._store.ledger.used() != before
    confirmed = await bench.alice.confirm("hold-1", 1)
    assert confirmed == replace(held, state=HoldState.CONFIRMED)
    assert await bench.alice.holds() == [confirmed]
    assert await bench.alice.holds("slice-1") == [confirmed]
    assert await bench.alice.holds("slice-2") == []
    assert await bench.alice.release("hold-1", 1, "done") == replace(held, state=HoldState.RELEASED)
    assert bench.domain._store.ledger.used() == before


async def test_asking_holds_nothing(bench: Bench) -> None:
    generation, view = bench.domain._store.ledger.generation, await bench.alice.topology()
    await bench.alice.offers([bench.profile] * 3, "clinic")
    assert bench.domain._store.ledger.generation == generation
    assert await bench.alice.topology() is view


async def test_a_full_domain_refuses_without_an_inner_word(bench: Bench) -> None:
    late = await bench.request(999)
    assert await bench.fill(1) > 0
    with pytest.raises(Refused) as refused:
        await bench.alice.hold(late)
    said = str(refused.value) + str(refused.value.metadata)
    for resource in technology(bench.config).capacities():
        assert resource not in said


async def test_a_repeat_is_answered_at_first_glance_even_when_all_is_sold(bench: Bench) -> None:
    request = await bench.request(1)
    held = await bench.alice.hold(request)
    await bench.alice.confirm("hold-1", 1)
    await bench.fill(2)
    assert await bench.alice.hold(replace(request, epoch=2)) == held


async def test_a_slice_grows_in_place_into_what_it_has_already(bench: Bench) -> None:
    """All is sold; its own part still counts as free for it, and for it alone."""
    await bench.alice.hold(await bench.request(1))
    await bench.alice.confirm("hold-1", 1)
    await bench.fill(2)
    used = bench.domain._store.ledger.used()
    again = await bench.request(1_000, replaces="hold-1", slice_id="slice-1")
    assert again.offer.exact
    await bench.alice.hold(again)
    assert bench.domain._store.ledger.used() == used
    for caller, hold_id in ((BOB, "hold-1"), (ALICE, "hold-2"), (ALICE, "unknown")):
        with pytest.raises(HoldNotReplaceable):
            await bench.domain.as_seen_by(caller).offers([bench.profile], "clinic", hold_id)


async def test_an_altered_offer_is_not_honoured(bench: Bench) -> None:
    request = await bench.request(1)
    for metrics in (
        replace(request.offer.metrics, price_micros=0),
        replace(request.offer.metrics, latency_us=request.offer.metrics.latency_us - 1),
    ):
        with pytest.raises(OfferChanged):
            await bench.alice.hold(replace(request, offer=replace(request.offer, metrics=metrics)))
    with pytest.raises(OfferChanged):
        await bench.alice.hold(replace(request, offer=replace(request.offer, offer_id="mine")))
    assert await bench.alice.holds() == []


async def test_two_coordinators_neither_see_nor_touch_each_others_holds(transport: Bench) -> None:
    request = await transport.request(1)
    await transport.alice.hold(request)
    bob = transport.domain.as_seen_by(BOB)
    assert await bob.holds() == []
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: bob.hold(request),
        lambda: bob.confirm("hold-1", 1),
        lambda: bob.release("hold-1", 1, ""),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            await call()
    with pytest.raises(LabelInUse):
        await bob.hold(replace(request, hold_id="hold-2"))


async def test_what_nobody_confirms_lapses_on_the_domains_own_clock(transport: Bench) -> None:
    await transport.alice.hold(await transport.request(1))
    transport.clock.now_s += 29.999
    assert await transport.domain.sweep() == []
    transport.clock.now_s += 0.001
    assert await transport.alice.holds() == []  # not even before the sweeper has been
    (lapsed,) = await transport.domain.sweep()
    assert lapsed.state is HoldState.LAPSED
    with pytest.raises(HoldLapsed):
        await transport.alice.confirm("hold-1", 1)


async def test_a_domain_that_restarts_keeps_its_promises(bench: Bench) -> None:
    held = await bench.alice.hold(await bench.request(1))
    confirmed = await bench.alice.confirm("hold-1", 1)
    await bench.alice.hold(await bench.request(2))
    used, head = bench.domain._store.ledger.used(), bench.domain.audit_head()
    epoch = (await bench.alice.topology()).epoch
    await bench.reopen()
    assert bench.domain._store.ledger.used() == used
    assert await bench.alice.holds("slice-1") == [confirmed]
    assert await bench.alice.hold(await bench.request(1, offer=held.offer)) == held
    assert (await bench.alice.topology()).epoch > epoch
    assert bench.domain.verify_audit(head) is None


# -- what others see change -------------------------------------------------------------------


async def test_the_topology_changes_only_when_a_bucket_does(bench: Bench) -> None:
    before = await bench.alice.topology()
    assert before.epoch == 1 << INCARNATION_BITS
    await bench.alice.hold(await bench.request(1))
    assert await bench.alice.topology() is before
    await bench.fill(2)
    after = await bench.alice.topology()
    assert after.epoch > before.epoch
    assert replace(after, epoch=before.epoch) != before
    assert all(link.residual is Bucket.HIGH for link in before.links)
    assert any(link.residual is Bucket.NONE for link in after.links)


async def test_a_slow_watcher_sees_the_latest_and_not_all(transport: Bench) -> None:
    updates = transport.alice.watch_topology()
    first = await anext(updates)
    for number in range(3):
        await transport.fill(100 * number)
        middle = await transport.alice.topology()
        for hold in await transport.alice.holds():
            await transport.alice.release(hold.hold_id, 1, "")
    await transport.alice.hold(await transport.request(900))
    await transport.fill(901)
    last = await transport.alice.topology()
    assert last.epoch > middle.epoch > first.epoch
    assert await asyncio.wait_for(anext(updates), 5) == last


async def test_a_waiting_watcher_is_woken_and_ends_with_the_domain(transport: Bench) -> None:
    updates = transport.alice.watch_topology()
    first = await anext(updates)
    coming = asyncio.ensure_future(anext(updates))
    await transport.fill(1)
    assert (await asyncio.wait_for(coming, 5)).epoch > first.epoch
    ending = asyncio.ensure_future(anext(updates, None))
    await transport.domain.close()
    rest = await asyncio.wait_for(ending, 5)
    assert rest is None or await asyncio.wait_for(anext(updates, None), 5) is None


async def test_watchers_are_counted_and_those_that_leave_make_room(
    transport: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domains.domain, "WATCHERS_MAX", 1)
    leaving = transport.domain.watch()
    await anext(leaving)
    with pytest.raises(Overloaded) as refused:
        await anext(transport.domain.watch())
    assert refused.value.metadata["limit"] == "WATCHERS_MAX"
    await leaving.aclose()  # type: ignore[attr-defined]
    assert (await anext(transport.domain.watch())).domain == transport.domain.name


async def test_many_at_once_on_one_bottleneck_never_overbook_it(transport: Bench) -> None:
    """Each may fail; what succeeds fits, and all that fits succeeds in the end."""
    big = replace(transport.profile, downlink_kbps=10**9, uplink_kbps=10**9)
    most = (await transport.menu(big)).offers[0].metrics.downlink_kbps
    share = replace(big, downlink_kbps=most // 8, uplink_kbps=most // 8)
    requests = [await transport.request(number, share) for number in range(64)]
    answers = await asyncio.gather(
        *(transport.alice.hold(request) for request in requests), return_exceptions=True
    )
    held = [answer for answer in answers if isinstance(answer, Hold)]
    assert 8 <= len(held) < 64
    assert all(isinstance(a, Refused) for a in answers if not isinstance(a, Hold))
    transport.domain._store.ledger.used()
    assert len(await transport.alice.holds()) == len(held)
