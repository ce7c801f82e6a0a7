"""What a domain answered survives: kill -9, a full disk, a second process, a forger."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.audit import Head
from domains.errors import (
    EntenteError,
    HoldLapsed,
    HoldReleased,
    NotFound,
    RequestIdReused,
    StaleEpoch,
    StoreFailed,
)
from domains.ledger import Ledger
from domains.model import (
    Attachment,
    FunctionInstance,
    Hold,
    HoldRequest,
    HoldState,
    Isolation,
    Metrics,
    NetworkFunction,
    Offer,
    Relaxation,
    SliceProfile,
)
from domains.model import Attribute as Asked
from domains.records import LedgerLimits
from domains.store import Store

ROOT = Path(__file__).parents[2]
CAPACITIES = {"spectrum": 100, "cpu": 100}
LIMITS = LedgerLimits(max_ttl_s=60.0, retention_s=100.0)
DEMAND = {"spectrum": 4, "cpu": 1}
OWNER = "spiffe://one.example/coordinator/a"
PROFILE = SliceProfile(
    "berlin",
    "west",
    5_000,
    999_900_000,
    8,
    8,
    1,
    Isolation.ISOLATED,
    (NetworkFunction("vidéo", "UPF", 500, 64, 1),),
    7,
)
OFFER = Offer(
    "offer-1", Metrics(4_000, 999_990_000, 8, 8, 1, 1_000), (Relaxation(Asked.LATENCY, 4, 5),)
)
GATE_S_MAX = 2.0
FUNCTIONS = (FunctionInstance("upf-7", "UPF", True),)


def request(number: int = 1, **changes: Any) -> HoldRequest:
    label = (Attachment("west", 16 + number),)
    plain = HoldRequest(
        f"hold-{number}", f"slice-{number}", "clinic", PROFILE, OFFER, label, 30.0, 1
    )
    return replace(plain, **changes)


async def hold(store: Store, asked: HoldRequest, now_s: float = 0.5) -> Hold:
    return await store.change(
        lambda ledger: ledger.hold(OWNER, asked, DEMAND, FUNCTIONS, now_s), now_s
    )


async def confirm(store: Store, number: int, now_s: float = 0.5) -> Hold:
    return await store.change(
        lambda ledger: ledger.confirm(OWNER, f"hold-{number}", 1, now_s), now_s
    )


async def release(store: Store, number: int, now_s: float = 0.5) -> Hold | None:
    return await store.change(
        lambda ledger: ledger.release(OWNER, f"hold-{number}", 1, "done", now_s), now_s
    )


async def opened(path: Path, now_s: float = 0.0) -> Store:
    return await Store.open(path, CAPACITIES, LIMITS, now_s)


def picture(ledger: Ledger) -> object:
    """All that can be observed of a ledger, short of asking for something."""
    return sorted(ledger.holds(OWNER), key=lambda h: h.hold_id), dict(ledger.used())


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = await opened(tmp_path / "domain.db")
    yield made
    made.close()


def shut_gate(store: Store) -> threading.Event:
    """Hold the writer up in front of the next change, until the event is set (or given up on)."""
    gate = threading.Event()
    store._durable._connection.create_function("gate", 0, lambda: gate.wait(GATE_S_MAX))
    store._durable.submit([("SELECT gate()", ())])
    return gate


def fill_disk(store: Store) -> None:
    connection = store._durable._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")


def empty_disk(store: Store) -> None:
    store._durable._connection.execute("PRAGMA max_page_count = 1000000")


# -- a yes is durable -----------------------------------------------------------------------


async def test_confirmed_and_still_valid_holds_come_back_exactly(tmp_path: Path) -> None:
    store = await opened(tmp_path / "domain.db")
    for number in range(1, 5):
        await hold(store, request(number))
    await confirm(store, 1)
    await confirm(store, 2)
    await release(store, 2)
    await hold(store, request(5, slice_id="slice-1", replaces="hold-1", attachments=()))
    before = picture(store.ledger)
    store.close()
    again = await opened(tmp_path / "domain.db")
    assert picture(again.ledger) == before
    assert await hold(again, request(3)) == store.ledger.holds(OWNER, "slice-3")[0]
    with pytest.raises(HoldReleased):
        await hold(again, request(2))
    with pytest.raises(HoldLapsed):
        await confirm(again, 4, now_s=30.5)
    again.close()


def copy_as_a_crash_would(folder: Path, number: int) -> Path:
    """The database and its log without the shared memory, which a crash does not leave behind."""
    copied = folder / f"crash-{number}"
    copied.mkdir()
    for name in ("domain.db", "domain.db-wal"):
        shutil.copy(folder / name, copied)
    return copied / "domain.db"


async def test_after_every_change_a_crash_finds_what_memory_held(tmp_path: Path) -> None:
    store = await opened(tmp_path / "domain.db")
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: hold(store, request(1)),
        lambda: hold(store, request(2)),
        lambda: confirm(store, 1),
        lambda: hold(store, request(3, slice_id="slice-1", replaces="hold-1")),
        lambda: release(store, 9),
        lambda: confirm(store, 3),
        lambda: release(store, 1),
        lambda: store.change(lambda ledger: ledger.lapse(40.0), 40.0),
    ]
    for number, step in enumerate(steps):
        await step()
        again = await opened(copy_as_a_crash_would(tmp_path, number))
        assert picture(again.ledger) == picture(store.ledger)
        assert again.verify_audit(store.head) is None
        again.close()
    store.close()


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.domains.test_store import confirm, hold, opened, release, request

async def main():
    store = await opened(Path(sys.argv[1]))
    for number in range(1, 10_000):
        await hold(store, request(number % 20, hold_id=f"hold-{number}", attachments=()))
        print("held", number, flush=True)
        await confirm(store, number)
        print("confirmed", number, flush=True)
        if number > 10:
            await release(store, number - 10)
            print("released", number - 10, flush=True)

asyncio.run(main())
"""


def kill_after(lines: int, path: Path) -> dict[int, str]:
    """The last answer heard about each hold before the process was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        heard = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        heard += process.stdout.readlines()
    return {int(number): what for what, number in map(str.split, heard)}


async def test_kill_minus_nine_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    answered = await asyncio.to_thread(kill_after, 101, tmp_path / "domain.db")
    last = max(answered)
    store = await opened(tmp_path / "domain.db")
    found = {int(h.hold_id[5:]): h.state.value for h in store.ledger.holds(OWNER)}
    for number, what in answered.items():
        under_way = number in (last, last - 10)  # one more step may have landed unanswered
        if what == "released":
            assert number not in found
        elif not under_way:
            assert found[number] == what == "confirmed"
    if answered[last] == "confirmed":
        assert found[last] == "confirmed"
    assert last in found
    assert set(found) <= {*answered, last + 1}
    assert store.verify_audit() is None
    store.close()


calls = st.lists(
    st.tuples(
        st.sampled_from(["hold", "hold", "confirm", "release", "replace", "wait"]),
        st.integers(1, 5),
        st.integers(1, 3),
    ),
    max_size=15,
)


@settings(max_examples=40, deadline=None)
@given(calls)
def test_whatever_was_asked_the_disk_and_memory_agree(asked: list[tuple[str, int, int]]) -> None:
    asyncio.run(_agree(asked))


async def _agree(asked: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "domain.db"
        store = await opened(path)
        now_s = 0.0
        for what, number, epoch in asked:
            now_s += 9.7 if what == "wait" else 0.1

            def step(
                ledger: Ledger,
                what: str = what,
                number: int = number,
                epoch: int = epoch,
                now_s: float = now_s,
            ) -> object:
                if what == "hold":
                    wish = request(number, epoch=epoch)
                    return ledger.hold(OWNER, wish, DEMAND, FUNCTIONS, now_s)
                if what == "replace":
                    wish = request(
                        number + 5,
                        slice_id=f"slice-{number}",
                        replaces=f"hold-{number}",
                        epoch=epoch,
                    )
                    return ledger.hold(OWNER, wish, {"cpu": 3}, (), now_s)
                if what == "confirm":
                    return ledger.confirm(OWNER, f"hold-{number}", epoch, now_s)
                if what == "release":
                    return ledger.release(OWNER, f"hold-{number}", epoch, "é\u202e", now_s)
                return ledger.lapse(now_s)

            try:
                await store.change(step, now_s)
            except EntenteError:
                continue
        assert store.verify_audit() is None
        store.close()
        again = await opened(path)
        assert picture(again.ledger) == picture(store.ledger)
        for number in range(1, 11):
            for probe in (_admit, _confirm, _release):
                assert _outcome(probe, again.ledger, number, now_s) == _outcome(
                    probe, store.ledger, number, now_s
                )
        again.close()


def _admit(ledger: Ledger, number: int, now_s: float) -> object:
    return ledger.admit(OWNER, request(number, epoch=3), now_s)


def _confirm(ledger: Ledger, number: int, now_s: float) -> object:
    return ledger.confirm(OWNER, f"hold-{number}", 3, now_s + 9)


def _release(ledger: Ledger, number: int, now_s: float) -> object:
    return ledger.release(OWNER, f"hold-{number}", 2, "", now_s + 9)


def _outcome(
    probe: Callable[[Ledger, int, float], object], ledger: Ledger, number: int, now_s: float
) -> object:
    try:
        return probe(ledger, number, now_s)
    except EntenteError as error:
        return type(error), error.metadata


# -- nobody hears of what is not yet on disk ------------------------------------------------


async def test_a_duplicate_in_flight_waits_for_the_same_write(store: Store) -> None:
    gate = shut_gate(store)
    calls = [asyncio.ensure_future(hold(store, request())) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(store.ledger.holds(OWNER)) == 1
    assert not any(call.done() for call in calls)
    gate.set()
    first, second, third = await asyncio.gather(*calls)
    assert first == second == third
    assert [row[0] for row in audit_of(store)] == ["opened", "fenced", "held"]


async def test_a_refusal_and_a_read_wait_for_what_they_rest_on(store: Store) -> None:
    await hold(store, request())
    gate = shut_gate(store)
    rests_on_it = [
        asyncio.ensure_future(release(store, 1)),
        asyncio.ensure_future(confirm(store, 1)),
        asyncio.ensure_future(store.read(lambda ledger: ledger.holds(OWNER))),
    ]
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(call.done() for call in rests_on_it)
    gate.set()
    released, refused, seen = await asyncio.gather(*rests_on_it, return_exceptions=True)
    assert isinstance(released, Hold)
    assert isinstance(refused, HoldReleased)
    assert seen == []


async def test_a_caller_who_hangs_up_cuts_nobody_else_off(store: Store) -> None:
    gate = shut_gate(store)
    hung_up, patient = (asyncio.ensure_future(hold(store, request())) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    hung_up.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert (await patient).state is HoldState.HELD
    assert hung_up.cancelled()


async def test_a_repeat_writes_nothing(store: Store) -> None:
    await hold(store, request())
    head = store.head
    await hold(store, request())
    with pytest.raises(RequestIdReused):
        await hold(store, request(ttl_s=29.0))
    assert store.head == head


# -- a disk that refuses --------------------------------------------------------------------


async def test_a_full_disk_does_nothing_and_heals_without_a_restart(store: Store) -> None:
    await hold(store, request(1))
    await confirm(store, 1)
    before, generation = picture(store.ledger), store.ledger.generation
    fill_disk(store)
    big = replace(PROFILE, functions=PROFILE.functions * 2_000)
    for _ in range(3):
        with pytest.raises(StoreFailed):
            await hold(store, request(2, profile=big))
        assert picture(store.ledger) == before
        assert await store.read(lambda ledger: ledger.holds(OWNER)) == before[0]  # type: ignore[index]
    assert store.ledger.generation > generation
    empty_disk(store)
    assert (await hold(store, request(2))).state is HoldState.HELD
    assert store.verify_audit() is None


async def test_all_in_flight_fail_together_and_leave_no_trace(store: Store) -> None:
    await hold(store, request(1))
    before = picture(store.ledger)
    fill_disk(store)
    gate = shut_gate(store)
    big = replace(PROFILE, functions=PROFILE.functions * 2_000)
    calls = [
        asyncio.ensure_future(hold(store, request(2, profile=big))),
        asyncio.ensure_future(hold(store, request(2, profile=big))),
        asyncio.ensure_future(confirm(store, 2)),
        asyncio.ensure_future(confirm(store, 1)),
    ]
    for _ in range(3):
        await asyncio.sleep(0)
    gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreFailed] * 4
    assert picture(store.ledger) == before
    empty_disk(store)
    with pytest.raises(NotFound):
        await confirm(store, 2)
    assert (await confirm(store, 1)).state is HoldState.CONFIRMED
    assert store.verify_audit() is None


async def test_a_broken_invariant_puts_memory_back_to_what_the_disk_says(store: Store) -> None:
    await hold(store, request(1))
    before = picture(store.ledger)

    def break_it(ledger: Ledger) -> None:
        ledger.hold(OWNER, request(2), DEMAND, (), 0.5)
        raise AssertionError("a resource would be oversubscribed")

    with pytest.raises(AssertionError):
        await store.change(break_it, 0.5)
    await hold(store, request(3))
    assert [h.hold_id for h in store.ledger.holds(OWNER)] == ["hold-1", "hold-3"]
    await release(store, 3)
    assert picture(store.ledger) == before
    assert store.verify_audit() is None


async def test_of_two_processes_on_one_file_neither_overbooks(tmp_path: Path) -> None:
    path = tmp_path / "domain.db"
    slower, faster = await opened(path), await opened(path)
    await hold(faster, request(1))
    with pytest.raises(StoreFailed):
        await hold(slower, request(2))
    assert [h.hold_id for h in slower.ledger.holds(OWNER)] == ["hold-1"]
    assert (await hold(slower, request(2))).hold_id == "hold-2"
    assert slower.verify_audit() is None
    slower.close()
    faster.close()


async def test_an_epoch_is_remembered_across_restarts(tmp_path: Path) -> None:
    store = await opened(tmp_path / "domain.db")
    await hold(store, request(1, epoch=5))
    store.close()
    store = await opened(tmp_path / "domain.db")
    with pytest.raises(StaleEpoch):
        await hold(store, request(2, epoch=4))
    store.close()


async def test_what_is_forgotten_leaves_the_file_but_not_the_audit_log(store: Store) -> None:
    await hold(store, request(1))
    await release(store, 1)
    await store.change(lambda ledger: ledger.lapse(101.0), 101.0)
    assert store._durable.read("SELECT count(*) FROM holds") == [(0,)]
    assert [row[0] for row in audit_of(store)] == ["opened", "fenced", "held", "released"]


async def test_a_configuration_with_no_room_for_what_is_confirmed_does_not_open(
    tmp_path: Path,
) -> None:
    store = await opened(tmp_path / "domain.db")
    await hold(store, request(1))
    await confirm(store, 1)
    store.close()
    for capacities in ({"spectrum": 3, "cpu": 100}, {"cpu": 100}):
        with pytest.raises(StoreFailed, match="no room"):
            await Store.open(tmp_path / "domain.db", capacities, LIMITS)


@pytest.mark.parametrize("damage", ["body = '{}'", "state = 'lost'", "body = 'garbage'"])
async def test_a_damaged_row_is_never_silently_used(tmp_path: Path, damage: str) -> None:
    store = await opened(tmp_path / "domain.db")
    await hold(store, request(1))
    store.close()
    forge(tmp_path / "domain.db", f"UPDATE holds SET {damage}")
    with pytest.raises(StoreFailed, match="hold-1 is damaged"):
        await opened(tmp_path / "domain.db")


# -- the audit log ---------------------------------------------------------------------------


def audit_of(store: Store) -> list[tuple[Any, ...]]:
    return store._durable.read("SELECT what, owner, hold_id FROM audit ORDER BY seq")


def forge(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for sql in statements:
            connection.execute(sql)


async def test_there_is_one_row_per_change_of_state_in_order(store: Store) -> None:
    await hold(store, request(1))
    await confirm(store, 1)
    await hold(store, request(2))
    await release(store, 9)
    await store.change(lambda ledger: ledger.lapse(50.0), 50.0)
    await release(store, 1, now_s=50.0)
    assert [row[0] for row in audit_of(store)] == [
        "opened", "fenced", "held", "confirmed", "held", "overtaken", "lapsed", "released"
    ]  # fmt: skip
    assert store.verify_audit(store.head) is None


FORGERIES = {
    "edit of a time": ("UPDATE audit SET at_s = at_s + 1 WHERE seq = 3", "row 3 was edited"),
    "edit of what": ("UPDATE audit SET what = 'lapsed' WHERE seq = 4", "row 4 was edited"),
    "edit of who": ("UPDATE audit SET owner = 'me' WHERE seq = 3", "row 3 was edited"),
    "edit of which": ("UPDATE audit SET hold_id = 'hold-2' WHERE seq = 3", "row 3 was edited"),
    "edit of detail": ("UPDATE audit SET detail = '{}' WHERE seq = 3", "row 3 was edited"),
    "edit of hash": ("UPDATE audit SET hash = prev WHERE seq = 3", "row 3 was edited"),
    "cut from the middle": ("DELETE FROM audit WHERE seq = 3", "row 3 is missing"),
    "cut from the start": ("DELETE FROM audit WHERE seq = 1", "row 1 is missing"),
    "cut from the end": ("DELETE FROM audit WHERE seq = 5", "ends at row 4"),
    "closed gap": (
        "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3",
        "row 3 does not follow",
    ),
    "swap": (
        "UPDATE audit SET seq = -4 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;"
        "UPDATE audit SET seq = 5 WHERE seq = -4",
        "row 4 does not follow",
    ),
    "rewritten head": (
        "DELETE FROM audit WHERE seq = 5;"
        "UPDATE head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)",
        "row 5 was anchored and is missing",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_audit_log_is_noticed(store: Store, forgery: str) -> None:
    await hold(store, request(1))
    await confirm(store, 1)
    await release(store, 1)
    anchor = store.head
    assert anchor.seq == 5
    assert store.verify_audit(anchor) is None
    statements, found = FORGERIES[forgery]
    forge(store._durable.path, *statements.split(";"))
    assert found in (store.verify_audit(anchor) or "nothing")


async def test_a_log_rewritten_as_a_whole_does_not_match_its_anchor(store: Store) -> None:
    await hold(store, request(1))
    assert "not the one that was anchored" in (store.verify_audit(Head(2, "f" * 64)) or "")


async def test_a_log_that_was_cut_is_noticed_on_opening(tmp_path: Path) -> None:
    store = await opened(tmp_path / "domain.db")
    await hold(store, request(1))
    store.close()
    forge(tmp_path / "domain.db", "DELETE FROM audit WHERE seq = 3")
    with pytest.raises(StoreFailed, match="cut or edited"):
        await opened(tmp_path / "domain.db")
