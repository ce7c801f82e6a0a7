"""A yes is durable: what a domain answered survives kill -9, exactly."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.errors import EntenteError, HoldLapsed, HoldReleased
from domains.ledger import Ledger
from tests.domains.stores import (
    DEMAND,
    FUNCTIONS,
    OWNER,
    confirm,
    hold,
    opened,
    picture,
    release,
    request,
)

ROOT = Path(__file__).parents[2]


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
from tests.domains.stores import confirm, hold, opened, release, request

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
