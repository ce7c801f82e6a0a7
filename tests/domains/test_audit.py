"""The audit log is complete, and whoever touches it is noticed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domains.audit import Head
from domains.errors import StoreFailed
from domains.store import Store
from tests.domains.stores import (
    audit_of,
    confirm,
    forge,
    hold,
    opened,
    release,
    request,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = await opened(tmp_path / "domain.db")
    yield made
    made.close()


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
