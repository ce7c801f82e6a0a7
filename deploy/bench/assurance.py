"""A day of slices with the loop off, reactive and proactive: what it costs and what it saves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from coordinator.assurance.decide import Mode, Policy
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
    rows = [
        (
            f"loop {mode.value}",
            _spread([minutes(day, slices) for day in days]),
            figure(mean(day.outage_steps * STEP_S / 60 / slices for day in days)),
            figure(mean(day.held_permille / day.steps / 10 for day in days)),
            figure(mean(day.price_micros / day.steps / 1e6 for day in days)),
            _spread([_changes(day) / slices for day in days]),
            figure(
                mean((day.actions["reroute"] + day.actions["renegotiate"]) / slices for day in days)
            ),
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
    return Report("assurance", (Table(title, columns, rows), _errors(found[Mode.OFF])), plain)


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


def minutes(day: Tally, slices: int) -> float:
    """SLA violation minutes per slice."""
    return day.violated_steps * STEP_S / 60 / slices


def _changes(day: Tally) -> int:
    return sum(n for name, n in day.actions.items() if "refused" not in name)


def _spread(values: Sequence[float]) -> str:
    return f"{figure(mean(values))} ({figure(min(values))} to {figure(max(values))})"


def _plain(days: Sequence[Tally], slices: int) -> dict[str, Any]:
    return {
        "violation_minutes_per_slice": [minutes(day, slices) for day in days],
        "held_permille": [day.held_permille / day.steps for day in days],
        "price_micros": [day.price_micros / day.steps for day in days],
        "actions_per_slice": [
            {name: count / slices for name, count in sorted(day.actions.items())} for day in days
        ],
    }
