"""Domains that flood, name what is not theirs or make things up, and a disk that is full."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coordinator.assurance.decide import Mode
from coordinator.assurance.watch import PACE_S
from deploy.federation import CONFIGS
from domains.errors import StoreFailed, Unreachable
from domains.measurement import Condition, Measurement, Reading
from domains.model import PPB
from tests.assurance.test_watch import Network, active, events, get, start, turn
from tests.federation import Federation, federation


@pytest.fixture
async def two_carriers(tmp_path: Path) -> AsyncIterator[Federation]:
    async with federation(tmp_path, CONFIGS / "federation") as entente:
        yield entente


def busy(segment_id: str, slice_id: str) -> Reading:
    """A measurement that would make any slice grow."""
    measured = Measurement(segment_id, 990.0, 1_000.0, 10**6, 10**6, 10**6, PPB // 2, PPB, 10, 64)
    return Reading(segment_id, slice_id, Condition.HEALTHY, "", measured)


async def test_what_is_not_a_domains_own_segment_is_neither_kept_nor_used(
    two_carriers: Federation,
) -> None:
    entente, network = two_carriers, Network()
    watchman = (await start(entente)).watchman
    clinic, other = entente.tenant(), entente.tenant("other")
    ours, theirs = await active(clinic), await active(other)
    await turn(entente, network)
    known, states = dict(watchman._heard), dict(watchman._states)
    records = list(watchman._registry.active())
    liar = next(s.domain for s in records[0].segments)
    foreign = [
        (segment.hold_id, record.slice_id)
        for record in records
        for segment in record.segments
        if segment.domain != liar
    ]
    made_up = [(f"hold-{number}", records[1].slice_id) for number in range(5_000)]
    watchman.hear(liar, [busy(*named) for named in (*foreign, *made_up, ("", ""))])
    assert watchman._heard == known
    await turn(entente, network)
    assert watchman._states.keys() == states.keys()
    for tenant, made in ((clinic, ours), (other, theirs)):
        assert (await get(tenant, made.name)).segments == made.segments
        assert not await events(tenant, made.name)


async def test_a_domain_that_never_stops_talking_leaves_the_loop_to_others(
    two_carriers: Federation,
) -> None:
    watchman = (await start(two_carriers, Mode.OFF)).watchman
    rounds = 0

    class Flooding:
        async def watch_measurements(self) -> AsyncIterator[Sequence[Reading]]:
            nonlocal rounds
            while True:  # without ever waiting for anything itself
                rounds += 1
                yield [busy(f"hold-{rounds}", "slice")] * 100

    listening = asyncio.ensure_future(watchman._listen("flood", Flooding()))
    await asyncio.wait({listening}, timeout=3 * PACE_S)
    listening.cancel()
    assert 0 < rounds <= 4


def full(durable: Any, is_full: bool) -> None:
    """No page more than the file has; SQLite itself then says that the disk is full."""
    pages = 1 if is_full else 1_000_000
    durable._connection.execute(f"PRAGMA max_page_count = {pages}")


async def test_on_a_full_disk_slices_are_looked_after_and_what_was_not_told_is_told_later(
    two_carriers: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    entente, network = two_carriers, Network()
    coordinator = await start(entente)
    watchman, journal = coordinator.watchman, coordinator.journal
    clinic = entente.tenant()
    made = [await active(clinic) for _ in range(2)]
    await turn(entente, network)
    core = next(s.domain for s in made[0].segments if s.domain.startswith("core"))
    network.silent.add(core)
    full(journal._durable, True)
    full(watchman._history._durable, True)
    monkeypatch.setattr("coordinator.journal.UNFLUSHED_MAX", 1)
    failed = 0
    for number in range(60):
        network.silent = {core} if number % 2 else set()
        try:
            await turn(entente, network)
        except StoreFailed:
            failed += 1
    assert failed, "the disk was full"
    waiting = len(journal._waiting)
    assert waiting <= 2, "what waits for the disk has a bound"
    full(journal._durable, False)
    full(watchman._history._durable, False)
    network.silent = {core}
    for _ in range(3):
        await turn(entente, network)
    for one in made:
        told = await events(clinic, one.name)
        assert told[-1] == ("unmeasured", f"{core} is not measured: the counters are gone")
    with sqlite3.connect(watchman._history._durable.path) as file:
        (rows,) = file.execute("SELECT count(*) FROM remembered").fetchone()
    assert rows == 2


async def test_one_slice_that_cannot_be_looked_after_costs_the_others_nothing(
    two_carriers: Federation, caplog: pytest.LogCaptureFixture
) -> None:
    entente, network = two_carriers, Network()
    watchman = (await start(entente)).watchman
    clinic = entente.tenant()
    bad, good = await active(clinic), await active(clinic)
    await turn(entente, network)
    record = next(iter(watchman._registry.active()))
    assert record.slice_id in bad.name
    watchman._registry._slices[record.slice_id] = replace(record, metrics=None)
    network.share = 0.9
    await turn(entente, network)
    assert "could not be looked after" in caplog.text
    assert [event for event, _ in await events(clinic, good.name)] == ["scale up"]


async def test_a_domain_whose_answers_no_domain_may_give_is_unmeasured_and_it_is_said_why(
    two_carriers: Federation,
) -> None:
    entente, network = two_carriers, Network()
    watchman = (await start(entente)).watchman
    clinic = entente.tenant()
    made = await active(clinic)
    await turn(entente, network)
    core = next(s.domain for s in made.segments if s.domain.startswith("core"))
    message = f"{core} answered what no domain may: loss_ppb is 2,000,000,000"

    class Lying:
        async def watch_measurements(self) -> AsyncIterator[Sequence[Reading]]:
            yield []
            raise Unreachable(message, domain=core)

    listening = asyncio.ensure_future(watchman._listen(core, Lying()))
    await asyncio.wait({listening}, timeout=2 * PACE_S)
    listening.cancel()
    for (domain, _), heard in watchman._heard.items():
        if domain == core:
            slow = replace(
                heard.reading, condition=Condition.DEGRADED, reason="slower than promised"
            )
            heard.reading, heard.stream = slow, replace(heard.stream, heard_s=-1e9)
    await watchman.round()
    assert ("unmeasured", f"{core} is not measured: {message}") in await events(clinic, made.name)
