"""Every way of negotiating over the same traces, and three domains that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any, Final

from deploy.bench.negotiation.bound import at_most
from deploy.bench.negotiation.market import Manner, configs
from deploy.bench.negotiation.optimum import Optimum, solve, valued, with_more
from deploy.bench.negotiation.play import Mode, Outcome, play
from deploy.bench.negotiation.trace import wishes
from deploy.bench.report import Table

MISBEHAVES: Final = "transport-two"
"""One carrier of three: others can take its place."""
MICROS: Final = 1_000_000
COMBINATIONS: Final = (12, 24, 48)
"""Per chain, that the optimum of the first trace may choose from."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured, for people and for programs."""

    tables: tuple[Table, ...]
    plain: dict[str, Any]

    def markdown(self) -> str:
        return "\n".join([_INTRODUCTION, *(table.markdown() for table in self.tables)])


async def measure(
    folder: Path, seeds: Sequence[int], count: int, tell: Callable[[str], object]
) -> Figures:
    """All modes and all manners, summed over the seeds."""
    modes: dict[str, list[Outcome]] = {mode.value: [] for mode in Mode}
    manners: dict[str, list[Outcome]] = {manner.value: [] for manner in Manner}
    optima: list[Optimum] = []
    bounds: list[int] = []
    reduced: dict[int, Optimum] = {}
    for seed in seeds:
        tell(f"trace {seed}: what {count} wishes are worth")
        found = await valued(wishes(seed, count), folder / f"{seed}" / "worth")
        trace = [one.wish for one in found]
        for mode in Mode:
            tell(f"trace {seed}: {mode.value}")
            modes[mode.value].append(await play(trace, folder / f"{seed}" / mode.name, mode))
        for manner in Manner:
            tell(f"trace {seed}: in rounds, {MISBEHAVES} {manner.value}")
            where = folder / f"{seed}" / manner.name
            manners[manner.value].append(await play(trace, where, Mode.FULL, {MISBEHAVES: manner}))
        tell(f"trace {seed}: the clairvoyant optimum")
        if util.find_spec("ortools") is None:  # extra `learn`
            continue
        headroom = max(config.policy.headroom_permille for config in configs())
        optima.append(solve(found, headroom))
        bounds.append(at_most(found, headroom))
        if not reduced:
            for combinations in COMBINATIONS:
                reduced[combinations] = solve(with_more(found, combinations), headroom)
    figures = _figures(modes, manners, optima, bounds, seeds, count)
    return _with_reduced(figures, reduced) if reduced else figures


def _with_reduced(figures: Figures, reduced: Mapping[int, Optimum]) -> Figures:
    """And what the optimum would be with more to choose from."""
    rows = [(str(n), f"{o.surplus / MICROS:.2f}", str(o.agreed)) for n, o in reduced.items()]
    table = Table("The optimum of the first trace, by combinations per chain", REDUCED, rows)
    plain = {str(n): o.surplus / MICROS for n, o in reduced.items()}
    return Figures((*figures.tables, table), {**figures.plain, "combinations": plain})


def jain(values: Iterable[float]) -> float:
    """Jain's fairness index: 1 where all have the same, 1/n where one has all."""
    found = [max(value, 0.0) for value in values]
    squares = sum(value * value for value in found)
    return sum(found) ** 2 / (len(found) * squares) if squares else 1.0


def _figures(
    modes: dict[str, list[Outcome]],
    manners: dict[str, list[Outcome]],
    optima: Sequence[Optimum],
    bounds: Sequence[int],
    seeds: Sequence[int],
    count: int,
) -> Figures:
    best = sum(one.surplus for one in optima)
    rows, plain = [], {}
    for name, outcomes in modes.items():
        found = _summed(outcomes, best)
        plain[name] = found
        rows.append((name, *_cells(found)))
    if optima:
        agreed = sum(one.agreed for one in optima) / (len(seeds) * count)
        bound = sum(bounds)
        plain["optimum"] = {
            "acceptance": agreed,
            "surplus_eur_per_h": best / MICROS,
            "bound_eur_per_h": bound / MICROS,
        }
        told = f"{agreed:.3f}", "", "", f"{best / MICROS:.1f}", "1.000", "", "", "", ""
        rows.append(("clairvoyant optimum", *told))
        over = f"{bound / MICROS:.1f}", f"{bound / best:.3f}"
        rows.append(("nobody exceeds", "", "", "", *over, "", "", "", ""))
    wrong = [(f"{MISBEHAVES} behaves", *_harm(plain[Mode.FULL.value]))]
    for name, outcomes in manners.items():
        found = plain[f"one domain {name}"] = _summed(outcomes, best)
        wrong.append((f"{MISBEHAVES} {name}", *_harm(found)))
    title = f"{len(seeds)} traces of {count} wishes, nine domains"
    tables = (
        Table(title, COLUMNS, rows),
        Table(f"In rounds, with one domain of nine that misbehaves; {title}", WRONG, wrong),
    )
    return Figures(tables, plain)


def _summed(outcomes: Sequence[Outcome], best: int) -> dict[str, Any]:
    wishes_ = sum(one.wishes for one in outcomes)
    tenants = {t for one in outcomes for t in one.utility}
    domains = {d for one in outcomes for d in one.profit}
    utility = {t: sum(one.utility[t] for one in outcomes) for t in sorted(tenants)}
    asked = {t: sum(one.asked[t] for one in outcomes) for t in tenants}
    profit = {d: sum(one.profit[d] for one in outcomes) for d in sorted(domains)}
    return {
        "acceptance": sum(one.agreed for one in outcomes) / wishes_,
        "relaxed": sum(one.relaxed for one in outcomes) / wishes_,
        "utility_eur_per_h": sum(utility.values()) / MICROS,
        "profit_eur_per_h": sum(profit.values()) / MICROS,
        "surplus_eur_per_h": sum(one.welfare for one in outcomes) / MICROS,
        "of_optimum": sum(one.welfare for one in outcomes) / best if best else None,
        "jain_tenants": jain(utility[t] / max(asked[t], 1) for t in tenants),
        "jain_domains": jain(profit.values()),
        "rounds": sum(one.rounds for one in outcomes) / wishes_,
        "messages": sum(one.messages for one in outcomes) / wishes_,
        "lost": sum(one.lost for one in outcomes),
        "profit_of_it_eur_per_h": profit[MISBEHAVES] / MICROS,
        "profit_of_others_eur_per_h": (sum(profit.values()) - profit[MISBEHAVES]) / MICROS,
        "why_not": _reasons(outcomes),
    }


def _reasons(outcomes: Sequence[Outcome]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in outcomes:
        for reason, times in one.why_not.items():
            found[reason] = found.get(reason, 0) + times
    return dict(sorted(found.items(), key=lambda item: -item[1]))


COLUMNS = (
    "negotiation",
    "accepted",
    "tenants' utility, EUR/h",
    "domains' profit, EUR/h",
    "surplus, EUR/h",
    "of optimum",
    "Jain, tenants",
    "Jain, domains",
    "rounds",
    "messages",
)
REDUCED = ("combinations per chain", "surplus, EUR/h", "slices")
WRONG = (
    "who",
    "accepted",
    "tenants' utility, EUR/h",
    "profit of the others, EUR/h",
    "its own, EUR/h",
    "messages",
    "agreed slices lost",
)


def _harm(found: dict[str, Any]) -> tuple[str, ...]:
    """What one that misbehaves does to the others."""
    return (
        f"{found['acceptance']:.3f}",
        f"{found['utility_eur_per_h']:.1f}",
        f"{found['profit_of_others_eur_per_h']:.1f}",
        f"{found['profit_of_it_eur_per_h']:.1f}",
        f"{found['messages']:.1f}",
        str(found["lost"]),
    )


def _cells(found: dict[str, Any]) -> tuple[str, ...]:
    of_optimum = found["of_optimum"]
    return (
        f"{found['acceptance']:.3f}",
        f"{found['utility_eur_per_h']:.1f}",
        f"{found['profit_eur_per_h']:.1f}",
        f"{found['surplus_eur_per_h']:.1f}",
        "" if of_optimum is None else f"{of_optimum:.3f}",
        f"{found['jain_tenants']:.3f}",
        f"{found['jain_domains']:.3f}",
        f"{found['rounds']:.2f}",
        f"{found['messages']:.1f}",
    )


_INTRODUCTION = """# Negotiation, measured

Measured with `python -m deploy.bench.negotiation --write`: the shipped federation of nine domains
with a tenth of its capacity, seeded traces of catalogue services of four tenants, each worth 0.95
to 1.6 times its least cost in the empty network. Real technologies, agents, ledgers, holds and
confirms, in one process. *Off* takes the first chain's first exact offers or nothing; *one shot*
settles all first menus exactly and accepts relaxations up to a penalty of 0.1 where one is needed;
*trades* also where that saves more than it gives up; *full* adds rounds of counters to that;
*scarce is dearer* a charge of a tenth of the cost where what is left of a resource is medium and of
a fifth where it is low (`domains/agents/scarcity.py`); *informed* trades with every domain at cost:
exact per request, in order of arrival, with full information. The clairvoyant optimum (CP-SAT)
knows the whole trace, how long each slice will stay included, and chooses whom to serve, out of the
12 combinations of most surplus per chain. *Nobody exceeds* is proven over all combinations of as
much throughput as the empty network has for each, with every domain but access free of limits.
Counters buy acceptance, not surplus: a domain that comes down to its floor takes on slices of
little worth that fill what a later one would have paid more for, and a charge that rises with the
load gives back only a part of that. Menus are ranked by the rule. Jain's index is over utility per
worth asked (tenants) and over profit (domains).
"""
