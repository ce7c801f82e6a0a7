"""Recommendations and what became of them: a table where people read, a picture where they look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from coordinator.words import said
from deploy.agents.monitoring import Monitored, utilisation_pct
from deploy.agents.recommending import Recommendation
from deploy.agents.requirements import Requirements
from domains.descriptors.tosca import line
from domains.model import Attribute

EUR: float = 1e-6


LEGEND = (
    "capacity: of what was asked for; utilisation and risk (sessions that would wait): in the busy "
    "hour, as slicenet simulates it"
)


def table(ranked: Sequence[Recommendation], wanted: Requirements) -> Table:
    """Best first, numbered as `--choose` takes it."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "place", "capacity", "rate", "utilisation", "cost", "risk", "latency"):
        rows.add_column(heading, justify="left" if heading in ("", "place") else "right")
    rows.add_column("")
    for number, one in enumerate(ranked, 1):
        candidate = one.candidate
        service = candidate.service
        rate = max(service.downlink_kbps, service.uplink_kbps)
        rows.add_row(
            Text(str(number), "bold"),
            Text(service.destination),
            f"{candidate.level_permille / 10:g} %",
            said(Attribute.DOWNLINK, rate),
            Text(f"{one.utilisation_pct:.0f} %", "green" if one.keeps else "yellow"),
            said(Attribute.PRICE, candidate.price_micros),
            f"{one.risk_pct:.1f} %",
            said(Attribute.LATENCY, candidate.latency_us),
            Text(_remark(one, wanted), "dim"),
        )
    return rows


def _remark(one: Recommendation, wanted: Requirements) -> str:
    short = "" if one.keeps else f"below {wanted.utilisation_pct_min:g} %"
    return ", ".join(part for part in (short, one.candidate.relaxed) if part)


def picture(ranked: Sequence[Recommendation], wanted: Requirements, path: Path) -> None:
    """Cost against predicted utilisation; the colour is the risk. A PNG."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    try:
        costs = [one.candidate.price_micros * EUR for one in ranked]
        used = [one.utilisation_pct for one in ranked]
        risks = [one.risk_pct for one in ranked]
        dots: Any = axes.scatter(costs, used, c=risks, s=420, cmap="RdYlGn_r", edgecolors="black")
        for number, (cost, share) in enumerate(zip(costs, used, strict=True), 1):
            axes.annotate(str(number), (cost, share), ha="center", va="center", weight="bold")
        bound = wanted.utilisation_pct_min
        axes.axhline(bound, linestyle="--", color="grey")
        axes.annotate(f"{bound:g} % wanted", (min(costs), bound), va="bottom", color="grey")
        axes.set_xlabel("cost, EUR per hour")
        axes.set_ylabel("predicted utilisation in the busy hour, %")
        axes.margins(0.15)
        # A "$" would begin a formula.
        axes.set_title(line(f"{wanted.service.name} from {wanted.service.origin}").replace("$", ""))
        figure.colorbar(dots, label="risk: sessions that would wait, %")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110, metadata={"Software": None})
    finally:
        pyplot.close(figure)


def functions(found: Monitored) -> Table:
    """Every network function of every segment, and what its segment carried."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("domain", "condition", "carried of entitled", "network functions"):
        rows.add_column(heading)
    for segment in found.segments:
        share = utilisation_pct(segment)
        names = (
            f"{one['name']}{'' if one['replicas'] == 1 else ' x ' + str(one['replicas'])}"
            for one in segment["functions"]
        )
        condition = segment["condition"] + (f": {segment['reason']}" * bool(segment["reason"]))
        rows.add_row(
            Text(segment["domain"], "bold"),
            Text(condition),
            "not measured" if share is None else f"{share:.0f} %",
            Text(", ".join(names)),
        )
    return rows


def comparison(predicted_pct: float, found: Monitored) -> str:
    """Prediction and measurement, side by side."""
    measured = found.utilisation_pct
    if measured is None:
        return f"predicted utilisation {predicted_pct:.0f} %; nothing was measured to compare it to"
    return (
        f"predicted utilisation {predicted_pct:.0f} % in the busy hour; "
        f"measured now {measured:.0f} %, {measured - predicted_pct:+.0f} points"
    )
