"""A store, what is asked of it, and what can happen to its disk."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from domains.ledger import Ledger
from domains.model import (
    Attachment,
    FunctionInstance,
    Hold,
    HoldRequest,
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


def audit_of(store: Store) -> list[tuple[Any, ...]]:
    return store._durable.read("SELECT what, owner, hold_id FROM audit ORDER BY seq")


def forge(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for sql in statements:
            connection.execute(sql)
