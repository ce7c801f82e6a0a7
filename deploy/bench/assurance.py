"""A day of slices with the loop off, reactive and proactive: what it costs and what it saves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from coordinator.assurance.decide import Mode, Policy
from deploy.bench.causes import Cause
from deploy.bench.effort import QUICK, Effort, Tell
from deploy.bench.report import Report, Table, figure
from deploy.bench.trace import HORIZONS, OUTAGE_S, OUTAGES_PER_DAY, STEP_S, Tally, run
from deploy.federation import CONFIGS, load

SLICES, SEEDS = 200, (1, 2, 3, 4, 5)
QUICK_SLICES, QUICK_SEEDS = 20, (1,)
FLOOR_PERMILLE = 300
"""These tenants are content to have capacity that they do not use taken away."""
MODES = (Mode.OFF, Mode.REACTIVE, Mode.PROACTIVE)


async def measure(folder: Path, effort: Effort, tell: Tell) -> Report:
    """Every mode on the same days."""
    slices, seeds = (QUICK_SLICES, QUICK_SEEDS) if effort is QUICK else (SLICES, SEEDS)
    federation = load(CONFIGS / "federation")
    found: dict[Mode, list[Tally]] = {mode: [] for mode in MODES}
    for seed in seeds:
        for mode in MODES:
            tell(f"seed {seed}, {mode}")
            policy = Policy(mode=mode, interval_s=STEP_S, floor_permille=FLOOR_PERMILLE)
            day = await asyncio.to_thread(run, federation, seed, slices, policy)
            found[mode].append(day)
    return _report(found, slices, len(seeds))


def _report(found: dict[Mode, list[Tally]], slices: int, seeds: int) -> Report:
    plain = {mode.value: _plain(days, slices) for mode, days in found.items()}
    tables = (
        _days(found, slices, seeds),
        _causes(found, slices),
        _new(found, slices),
        _errors(found[Mode.OFF]),
    )
    return Report("assurance", tables, plain)


def _days(found: dict[Mode, list[Tally]], slices: int, seeds: int) -> Table:
    rows = [
        (
            f"loop {mode.value}",
            _spread([minutes(day.violated_steps, slices) for day in days]),
            figure(mean(minutes(day.outage_steps, slices) for day in days)),
            figure(mean(day.held_permille / day.steps / 10 for day in days)),
            figure(mean(_price(day) for day in days)),
            _spread([day.spent.changes.total() / slices for day in days]),
            figure(mean(_moves(day) / slices for day in days)),
        )
        for mode, days in found.items()
    ]
    title = (
        f"24 hours, {slices} slices, {seeds} seeds: per slice; mean (least to most of the seeds). "
        f"Links fail {OUTAGES_PER_DAY:g} times a day for {OUTAGE_S / 60:g} min"
    )
    columns = (
        "", "SLA violated, min", "of it outage, min", "held, % of agreed", "EUR/h", "changes",
        "of it moves",
    )  # fmt: skip
    return Table(title, columns, rows)


def _causes(found: dict[Mode, list[Tally]], slices: int) -> Table:
    """Where the price of the day comes from; the last row is the sum of those above."""
    loops = {mode: days for mode, days in found.items() if mode is not Mode.OFF}
    alone = 1e6 * mean(_price(day) for day in found[Mode.OFF])

    def price(micros: Sequence[float]) -> str:
        return f"{100 * mean(micros) / alone:+.2f}"

    rows = []
    for cause in Cause:
        cells = []
        for days in loops.values():
            cells.append(figure(mean(day.spent.changes[cause] / slices for day in days)))
            cells.append(price([day.spent.paid[cause] / day.steps for day in days]))
        rows.append((cause.value, *cells))
    together = [price([d.spent.paid.total() / d.steps for d in days]) for days in loops.values()]
    rows.append(("together", *(cell for total in together for cell in ("", total))))
    columns = [column for mode in loops for column in (f"{mode.value}: changes", "price, %")]
    title = "What a day costs more or less than with the loop off, by the changes that did it"
    return Table(title, ("", *columns), rows)


def _new(found: dict[Mode, list[Tally]], slices: int) -> Table:
    rows = []
    for mode, days in found.items():
        new = sum(day.new_steps for day in days)
        old = sum(day.steps for day in days) - new
        violated = sum(day.new_violated_steps for day in days)
        others = sum(day.violated_steps for day in days) - violated
        rows.append(
            (
                f"loop {mode.value}",
                figure(100 * new / (new + old)),
                figure(100 * violated / new) if new else "",
                figure(100 * others / old),
                figure(mean(minutes(day.unmeasured_steps, slices) for day in days)),
            )
        )
    columns = (
        "", "of all intervals, %", "violated, %", "violated of the others, %",
        "not measured, min per slice",
    )  # fmt: skip
    return Table("Intervals that begin with a change", columns, rows)


def _errors(days: Sequence[Tally]) -> Table:
    rows = []
    for ahead in HORIZONS:
        ours = mean(mean(day.errors[f"forecast {ahead}"]) for day in days)
        naive = mean(mean(day.errors[f"naive {ahead}"]) for day in days)
        minutes_ahead = f"{ahead * STEP_S / 60:g} min ahead"
        rows.append((minutes_ahead, figure(ours / 10), figure(naive / 10), figure(ours / naive)))
    return Table(
        "Forecast of the load, after two days of it: mean absolute error, % of what is agreed",
        ("", "forecast", "naive (as now)", "ratio"),
        rows,
    )


def minutes(steps: int, slices: int) -> float:
    """Of so many intervals, per slice."""
    return steps * STEP_S / 60 / slices


def _price(day: Tally) -> float:
    """EUR/h of one slice, averaged over the day."""
    return day.price_micros / day.steps / 1e6


def _moves(day: Tally) -> int:
    changes = day.spent.changes
    return changes[Cause.AROUND] + changes[Cause.BROKEN] + changes[Cause.RETURN]


def _spread(values: Sequence[float]) -> str:
    return f"{figure(mean(values))} ({figure(min(values))} to {figure(max(values))})"


def _plain(days: Sequence[Tally], slices: int) -> dict[str, Any]:
    return {
        "violation_minutes_per_slice": [minutes(day.violated_steps, slices) for day in days],
        "unmeasured_minutes_per_slice": [minutes(day.unmeasured_steps, slices) for day in days],
        "held_permille": [day.held_permille / day.steps for day in days],
        "price_micros": [day.price_micros / day.steps for day in days],
        "paid_micros": [
            {cause.value: micros / day.steps for cause, micros in day.spent.paid.items()}
            for day in days
        ],
        "changes_per_slice": [
            {cause.value: count / slices for cause, count in day.spent.changes.items()}
            for day in days
        ],
    }
