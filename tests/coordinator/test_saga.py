"""The driver over the real journal and real ledgers: what a tenant's order comes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from coordinator.journal import Journal
from coordinator.protocol import Outcome, Result, Timing
from coordinator.saga import Leg, Reserver
from domains.errors import (
    CapacityInsufficient,
    EntenteError,
    HoldLapsed,
    StaleEpoch,
    StoreFailed,
    Unreachable,
)
from domains.measurement import Reading
from domains.model import (
    AbstractTopology,
    Counter,
    Hold,
    HoldRequest,
    HoldState,
    Menu,
    SliceProfile,
)
from tests.simulation.domains import SimulatedDomain
from tests.simulation.tenants import CHAIN, leg

QUICK = Timing(hold_s=0.5, call_s=0.1, backoff_s=0.001, backoff_s_max=0.002)


class StoppedClock:
    """Wall time stands still; monotonic time is the loop's."""

    def now_s(self) -> float:
        return 1_700_000_000.0

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def jitter(self) -> float:
        return 0.5


class Neighbour:
    """A domain over a real ledger, whose line can be cut, slow or stale."""

    def __init__(self, name: str, capacity: int = 4) -> None:
        self.name = name
        self.inner = SimulatedDomain(name, capacity, 0.0, 1.0)
        self.calls: list[str] = []
        self.errors: dict[str, list[EntenteError]] = {}
        self.hangs: set[str] = set()
        self.hanging = asyncio.Event()

    async def _line(self, call: str) -> float:
        self.calls.append(call)
        if call in self.hangs:
            self.hanging.set()
            await asyncio.get_running_loop().create_future()
        if self.errors.get(call):
            raise self.errors[call].pop(0)
        return asyncio.get_running_loop().time()

    async def hold(self, request: HoldRequest) -> Hold:
        return self.inner.hold(request, await self._line("hold"))

    async def confirm(self, hold_id: str, epoch: int) -> Hold:
        return self.inner.confirm(hold_id, epoch, await self._line("confirm"))

    async def release(self, hold_id: str, epoch: int, reason: str) -> Hold | None:
        return self.inner.release(hold_id, epoch, reason, await self._line("release"))

    async def holds(self, slice_id: str | None = None) -> Sequence[Hold]:
        return self.inner.ledger.holds("coordinator", slice_id)

    async def activate(self, hold_id: str, epoch: int, active: bool) -> Hold:
        raise Unreachable("not asked for here")

    def watch_measurements(self) -> AsyncIterator[Sequence[Reading]]:
        raise Unreachable("not asked for here")

    async def topology(self) -> AbstractTopology:
        raise Unreachable("not asked for here")

    def watch_topology(self) -> AsyncIterator[AbstractTopology]:
        raise Unreachable("not asked for here")

    async def offers(
        self,
        profiles: Sequence[SliceProfile],
        tenant: str,
        replaces: str | None = None,
        counters: Sequence[Counter | None] = (),
    ) -> Sequence[Menu]:
        raise Unreachable("not asked for here")


class Rig:
    """Four domains, a journal in a file, a reserver; `restart` is a new incarnation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.domains = {name: Neighbour(name) for name in CHAIN}

    async def start(self) -> Rig:
        self.journal = await Journal.open(self.path)
        self.reserver = Reserver(self.domains, self.journal, StoppedClock(), QUICK)
        return self

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        await self.reserver.close()
        self.journal.close()

    def legs(self, slice_id: str = "s", attempt: str = "1", units: int = 1) -> list[Leg]:
        epoch = self.journal.epoch
        return [leg(slice_id, attempt, name, units, int(attempt), epoch) for name in CHAIN]

    def live(self) -> dict[str, list[HoldState]]:
        return {name: list(d.inner.live().values()) for name, d in self.domains.items()}

    def events(self, order_id: str) -> list[str]:
        return [entry.event for entry in self.journal.entries(order_id=order_id)]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = await Rig(tmp_path / "journal.db").start()
    yield rig
    await rig.stop()


NOTHING: dict[str, list[HoldState]] = {name: [] for name in CHAIN}
FULL = "CREATE TRIGGER full BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'full'); END"
CONFIRMED = {name: [HoldState.CONFIRMED] for name in CHAIN}


async def test_an_order_is_confirmed_in_every_domain_and_the_record_says_so(rig: Rig) -> None:
    segments = await rig.reserver.reserve("order", rig.legs())
    assert rig.live() == CONFIRMED
    assert set(segments) == {f"s/1/{name}" for name in CHAIN}
    assert rig.events("order") == [
        "holding",
        *["leg held"] * 4,
        "decided",
        *["leg confirmed"] * 4,
        "ended",
    ]
    held = rig.journal.entries(order_id="order")[1]
    assert (held.domain, held.slice_id) == ("access", "s")
    assert held.detail == {"hold": "s/1/access"}
    assert list(rig.journal.load("saga")) == [], "nothing is left to recover"


async def test_a_refusal_releases_every_leg_and_reaches_the_caller_with_the_domain(
    rig: Rig,
) -> None:
    await rig.reserver.reserve("first", rig.legs("big", "1", units=4))
    rig.domains["core"].inner.release("big/1/core", 1, "freed", 0.0)
    with pytest.raises(CapacityInsufficient) as refusal:
        await rig.reserver.reserve("second", rig.legs("s", "2"))
    assert refusal.value.metadata["domain"] in ("access", "transport", "cloud")
    assert "s/2/core" not in rig.domains["core"].inner.live()
    assert all(d.calls.count("release") == 1 for d in rig.domains.values())
    assert rig.events("second")[-1] == "ended"


async def test_two_slices_of_one_sentence_are_confirmed_together_or_not_at_all(rig: Rig) -> None:
    both = [*rig.legs("a", "1", units=3), *rig.legs("b", "2", units=3)]
    with pytest.raises(CapacityInsufficient):
        await rig.reserver.reserve("order", both)
    assert rig.live() == NOTHING
    await rig.reserver.reserve("smaller", [*rig.legs("a", "3", 2), *rig.legs("b", "4", 2)])
    assert {len(states) for states in rig.live().values()} == {2}


async def test_a_domain_that_hangs_ends_in_a_bounded_abort(rig: Rig) -> None:
    rig.domains["transport"].hangs = {"hold", "release"}
    with pytest.raises(Unreachable) as error:
        await rig.reserver.reserve("order", rig.legs())
    assert error.value.metadata["domain"] == "transport"
    assert rig.live() == NOTHING
    assert rig.domains["cloud"].calls == ["hold", "release"]


async def test_a_lost_confirm_is_sent_again_until_it_is_answered(rig: Rig) -> None:
    rig.domains["core"].errors["confirm"] = [Unreachable("lost"), Unreachable("lost")]
    await rig.reserver.reserve("order", rig.legs())
    assert rig.live() == CONFIRMED
    assert rig.domains["core"].calls == ["hold", "confirm", "confirm", "confirm"]
    assert rig.domains["access"].calls == ["hold", "confirm"]


async def test_a_hold_that_lapsed_after_the_decision_takes_the_others_back(rig: Rig) -> None:
    rig.domains["cloud"].errors["confirm"] = [HoldLapsed("too late")]
    with pytest.raises(HoldLapsed) as error:
        await rig.reserver.reserve("order", rig.legs())
    assert error.value.metadata["domain"] == "cloud"
    assert rig.live() == NOTHING
    events = rig.events("order")
    assert events.index("compensating") < events.index("leg released")


async def test_a_change_in_place_gives_the_old_segments_back_only_after_every_confirm(
    rig: Rig,
) -> None:
    await rig.reserver.reserve("create", rig.legs("s", "1", units=3))
    epoch = rig.journal.epoch
    grown = [leg("s", "2", n, 4, 1, epoch, replaces=f"s/1/{n}") for n in CHAIN]
    rig.domains["core"].errors["release"] = [Unreachable("lost")]
    await rig.reserver.reserve("change", grown)
    assert rig.live() == CONFIRMED
    assert "s/2/core" in rig.domains["core"].inner.live()
    assert rig.domains["core"].calls == ["hold", "confirm"] * 2 + ["release"] * 2


async def test_a_change_that_fails_leaves_the_slice_as_it_was(rig: Rig) -> None:
    await rig.reserver.reserve("create", rig.legs("s", "1", units=3))
    epoch = rig.journal.epoch
    grown = [leg("s", "2", n, 5, 1, epoch, replaces=f"s/1/{n}") for n in CHAIN]
    with pytest.raises(CapacityInsufficient):
        await rig.reserver.reserve("change", grown)
    assert all(list(d.inner.live()) == [f"s/1/{n}"] for n, d in rig.domains.items())


async def test_a_termination_reports_the_domain_that_does_not_answer_and_asks_on(
    rig: Rig,
) -> None:
    segments = await rig.reserver.reserve("create", rig.legs())
    pairs = [(hold_id.split("/")[-1], hold_id) for hold_id in segments]
    core = rig.domains["core"]
    core.errors["release"] = [Unreachable("cut")] * 5
    pending = await rig.reserver.terminate("end", "s", pairs, "no longer needed")
    assert pending == (("core", "s/1/core"),)
    while rig.events("end")[-1] != "ended":
        await rig.journal.news("operations/end").wait()
    assert rig.live() == NOTHING
    assert core.calls.count("release") == 6


async def test_a_restart_before_the_decision_releases_and_after_it_confirms(rig: Rig) -> None:
    for call, expected, result in (
        ("hold", NOTHING, Result.ABORTED),
        ("confirm", CONFIRMED, Result.CONFIRMED),
    ):
        rig.domains["transport"].hangs = {call}
        rig.domains["transport"].hanging.clear()
        work = asyncio.ensure_future(rig.reserver.reserve(call, rig.legs(call, "1")))
        await rig.domains["transport"].hanging.wait()
        rig.reserver = Reserver({}, rig.journal, StoppedClock(), QUICK)  # the old one is gone
        rig.domains["transport"].hangs = set()
        await rig.journal.flush()
        await rig.restart()
        outcomes = await rig.reserver.recover()
        work.cancel()
        assert outcomes[call].result is result
        assert rig.live() == expected
        assert await rig.reserver.recover() == {}


async def test_two_recoveries_at_once_take_up_each_saga_once(rig: Rig) -> None:
    rig.domains["core"].errors["release"] = [Unreachable("cut")] * 100
    segments = await rig.reserver.reserve("create", rig.legs())
    pairs = [(hold_id.split("/")[-1], hold_id) for hold_id in segments]
    await rig.reserver.terminate("end", "s", pairs, "")
    await rig.journal.flush()
    await rig.restart()
    rig.domains["core"].errors.clear()
    one, two = await asyncio.gather(rig.reserver.recover(), rig.reserver.recover())
    assert [*one.values(), *two.values()] == [Outcome(Result.TERMINATED)]
    assert rig.events("end").count("ended") == 1
    assert rig.live() == NOTHING


async def test_a_termination_that_the_disk_refused_can_be_asked_for_again(rig: Rig) -> None:
    segments = await rig.reserver.reserve("create", rig.legs())
    pairs = [(hold_id.split("/")[-1], hold_id) for hold_id in segments]
    rig.journal._durable._reader.execute(FULL)
    with pytest.raises(StoreFailed):
        await rig.reserver.terminate("end", "s", pairs, "")
    rig.journal._durable._reader.execute("DROP TRIGGER full")
    assert rig.live() == CONFIRMED
    rig.domains["core"].errors["release"] = [Unreachable("cut")] * 100
    await rig.reserver.terminate("end", "s", pairs, "")
    await rig.restart()
    rig.domains["core"].errors.clear()
    assert (await rig.reserver.recover())["end"].result is Result.TERMINATED
    assert rig.live() == NOTHING


async def test_who_claims_a_newer_coordinator_that_the_journal_does_not_know_costs_nobody(
    rig: Rig,
) -> None:
    for attempt, call in (("1", "hold"), ("2", "confirm")):
        rig.domains["access"].errors[call] = [StaleEpoch("a newer coordinator has taken over")]
        with pytest.raises(StaleEpoch):
            await rig.reserver.reserve(call, rig.legs("s", attempt))
        assert rig.live() == NOTHING
        assert "ended" in rig.events(call)


async def test_a_stale_coordinator_stops_and_sends_nothing_more(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def overtaken(call: str) -> float:
        rig.domains["access"].calls.append(call)
        (await Journal.open(rig.path)).close()  # that is what the newer one begins with
        raise StaleEpoch("a newer coordinator has taken over")

    monkeypatch.setattr(rig.domains["access"], "_line", overtaken)
    with pytest.raises(StaleEpoch):
        await rig.reserver.reserve("order", rig.legs())
    assert all("release" not in domain.calls for domain in rig.domains.values())
    assert "ended" not in rig.events("order")


async def test_when_the_disk_is_full_nothing_is_confirmed_and_later_all_is_well(
    rig: Rig,
) -> None:
    rig.journal._durable._reader.execute(FULL)
    with pytest.raises(StoreFailed):
        await rig.reserver.reserve("order", rig.legs())
    assert all(domain.calls == [] for domain in rig.domains.values())
    rig.journal._durable._reader.execute("DROP TRIGGER full")
    await rig.reserver.reserve("again", rig.legs("s", "2"))
    assert rig.live() == CONFIRMED
    await rig.journal.flush()
    assert rig.events("order") == ["holding", "ended"]
    assert rig.journal.verify() == len(rig.events("order")) + len(rig.events("again"))


async def test_a_cancelled_order_gives_back_what_it_holds(rig: Rig) -> None:
    rig.domains["core"].hangs = {"hold"}
    work = asyncio.ensure_future(rig.reserver.reserve("order", rig.legs()))
    await rig.domains["core"].hanging.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    while rig.events("order")[-1] != "ended":
        await rig.journal.news("operations/order").wait()
    assert rig.live() == NOTHING


async def test_64_tenants_on_one_bottleneck_all_get_an_answer_and_it_is_never_overbooked(
    rig: Rig,
) -> None:
    async def tenant(number: int) -> bool:
        for attempt in range(8):
            legs = [
                leg(f"t{number}", str(attempt), name, 1, number, rig.journal.epoch)
                for name in CHAIN
            ]
            try:
                await rig.reserver.reserve(f"{number}/{attempt}", legs)
            except CapacityInsufficient:
                continue
            return True
        return False

    served = await asyncio.gather(*(tenant(number) for number in range(64)))
    assert sum(served) == 4, "the four that fit are served, and only they"
    assert {len(states) for states in rig.live().values()} == {4}
