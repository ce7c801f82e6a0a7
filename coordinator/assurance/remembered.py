"""What the loop remembers of each slice, on disk: it decides after a restart as it would have.

A row per slice, and one per slot of its season; a round writes of these the one that it learned.
What is read back may be old, damaged or of another policy: then as much is used as still holds.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from coordinator.assurance.decide import State
from coordinator.assurance.forecast import LOAD_MAX, Forecaster, resumed, slot_of
from domains.durable import Statement
from domains.errors import EntenteError

log = logging.getLogger(__name__)

FRESH_INTERVALS = 3
"""After more of them what was so many times in a row no longer is, nor is the load as it was."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS remembered (
    slice_id TEXT PRIMARY KEY, at_s REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seasons (
    slice_id TEXT NOT NULL, slots INTEGER NOT NULL, slot INTEGER NOT NULL, load REAL NOT NULL,
    PRIMARY KEY (slice_id, slot)) WITHOUT ROWID;
"""
_KEEP = "INSERT OR REPLACE INTO remembered VALUES (?,?,?)"
_LEARN = "INSERT OR REPLACE INTO seasons VALUES (?,?,?,?)"
_UNLEARN = "DELETE FROM seasons WHERE slice_id = ?"
READ = "SELECT at_s, body FROM remembered WHERE slice_id = ?"
READ_SEASON = "SELECT slots, slot, load FROM seasons WHERE slice_id = ?"
PURGE = "DELETE FROM remembered WHERE at_s < ?"
PURGE_SEASONS = "DELETE FROM seasons WHERE slice_id NOT IN (SELECT slice_id FROM remembered)"

_STATE = TypeAdapter(State)


class Unwritten:
    """What has changed since it was last written. Bounded by the slices and slots there are."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[float, State]] = {}
        self._slots: dict[str, set[int]] = {}
        self._forgotten: set[str] = set()

    def note(self, slice_id: str, before: State, after: State, now_s: float) -> None:
        """One round of one slice."""
        self._states[slice_id] = (now_s, after)
        was, is_ = before.forecaster, after.forecaster
        if is_.restarts != was.restarts:
            self._forgotten.add(slice_id)
            self._slots.pop(slice_id, None)
        elif is_.season is not was.season:
            self._slots.setdefault(slice_id, set()).add(slot_of(is_, now_s))

    def drop(self, slice_id: str) -> None:
        """A slice that is no more; what is on disk goes in time."""
        self._states.pop(slice_id, None)
        self._slots.pop(slice_id, None)
        self._forgotten.discard(slice_id)

    def statements(self) -> list[Statement]:
        """What writes all of it."""
        made: list[Statement] = [(_UNLEARN, (slice_id,)) for slice_id in self._forgotten]
        for slice_id, (at_s, state) in self._states.items():
            season = state.forecaster.season
            made += [
                (_LEARN, (slice_id, len(season), slot, season[slot]))
                for slot in self._slots.get(slice_id, ())
                if season[slot] is not None
            ]
            made.append((_KEEP, (slice_id, at_s, _body(state))))
        return made

    def written(self) -> None:
        """All of it is on disk."""
        self._states.clear()
        self._slots.clear()
        self._forgotten.clear()


def recalled(
    rows: Sequence[tuple[Any, ...]],
    season: Sequence[tuple[Any, ...]],
    interval_s: float,
    now_s: float,
) -> State | None:
    """What was remembered of a slice, as far as it still holds; None where nothing is.

    Args:
        rows: of `READ`. season: of `READ_SEASON`; left out where its slots were other ones.
    """
    if not rows:
        return None
    try:
        at_s, body = rows[0]
        state = _STATE.validate_json(body)
        since_s = now_s - float(at_s)
    except (ValueError, TypeError, EntenteError):
        log.warning("what was remembered of a slice cannot be read: it starts anew")
        return None
    fresh = Forecaster.fresh(interval_s)
    slots = len(fresh.season)
    learned = [
        (slot, load)
        for of, slot, load in season
        if of == slots and 0 <= slot < slots and _sound(load)
    ]
    if season and not learned:
        return replace(state, forecaster=fresh)  # of another interval: its errors say nothing
    loads = dict(learned)
    known = tuple(loads.get(slot) for slot in range(slots))
    state = replace(state, forecaster=replace(state.forecaster, season=known))
    if 0 <= since_s <= FRESH_INTERVALS * interval_s:
        return state
    return replace(
        state,
        forecaster=resumed(state.forecaster, since_s / interval_s),
        down_rounds=0,
        failed_rounds={},
        broken_rounds={},
    )


def _body(state: State) -> str:
    alone = replace(state, forecaster=replace(state.forecaster, season=()))
    return _STATE.dump_json(alone).decode()


def _sound(load: object) -> bool:
    return isinstance(load, float) and math.isfinite(load) and 0 <= load <= LOAD_MAX
