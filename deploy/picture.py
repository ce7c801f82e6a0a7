"""A report of one slice as a web page of its own: KPIs against the SLA over time, actions marked.

Drawn by hand in SVG: no script, no font, no picture is fetched, so the file can be mailed and kept.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 920, 190, 64, 12, 14, 26
COLOURS: Final = ("#1667b7", "#c8511b", "#2f8f4e", "#7b4bb3", "#a3821a", "#c03c79", "#4b7785")
"""Of the domains, in the order of the chain; the end-to-end line is black."""
TICKS: Final = 4
HOURS: Final = 6
"""Stretches of either axis."""
STEPS: Final = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10)
MARKS: Final = {
    "scale up": "#2f8f4e",
    "scale down": "#8a8f98",
    "reroute": "#c8511b",
    "return": "#2f8f4e",
    "renegotiate": "#7b4bb3",
    "cannot": "#c0262d",
    "unmeasured": "#a3821a",
    "deactivated": "#8a8f98",
    "activated": "#2f8f4e",
}
STYLE: Final = """
body{font:14px/1.45 system-ui,sans-serif;margin:24px auto;max-width:960px;color:#1c1f23}
h1{font-size:21px;margin:0}h2{font-size:15px;margin:22px 0 2px}
p{margin:3px 0;color:#50565e}svg{display:block}table{border-collapse:collapse;margin:6px 0}
td,th{padding:3px 12px 3px 0;text-align:left;border-bottom:1px solid #e4e6ea;vertical-align:top}
.key span{margin-right:16px}.key i{display:inline-block;width:16px;height:3px;margin-right:5px;
vertical-align:middle}.bad{color:#c0262d}.good{color:#2f8f4e}
"""

Point = tuple[float, float | None]
"""Seconds since the epoch, and a value, or None where there was no measurement."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart."""

    name: str
    colour: str
    points: Sequence[Point]
    width: float = 1.5


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over one span of time; `bound` is the SLA's, drawn dashed."""

    title: str
    unit: str
    lines: Sequence[Line]
    bound: float | None = None
    bound_name: str = ""


def page(slice_: dict[str, Any], samples: Sequence[dict[str, Any]], events: Sequence[Any]) -> str:
    """The whole page.

    Args:
        slice_, samples, events: as in `Slice`, `Sample` and `Event`, plain values.
    """
    agreed, name = slice_["agreed"], slice_["agreed"]["name"]
    actions = [e for e in events if e["step"] == "assure"]
    times = [_seconds(s["time"]) for s in samples]
    span = (min(times), max(times)) if times else (0.0, 1.0)
    marks = [(_seconds(e["time"]), e["event"]) for e in actions]
    charts = "".join(_svg(chart, span, marks) for chart in _charts(agreed, samples))
    none = "<p class=bad>No measurements yet: assurance is off, or has not looked yet.</p>"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{_text(name)}</title>"
        f"<style>{STYLE}</style><h1>{_text(name)}</h1>"
        f"<p>{_text(slice_['name'])} &middot; {_text(slice_['state'])} &middot; "
        f"{_text(slice_['nsi'] or 'no instance')} &middot; {len(samples)} samples"
        f"{_from_to(span) if times else ''}</p>{_kept(agreed, samples)}{_key(samples)}"
        f"{charts if times else none}<h2>What was done, and why</h2>{_actions(actions)}</html>"
    )


def _charts(agreed: dict[str, Any], samples: Sequence[dict[str, Any]]) -> Iterator[Chart]:
    def of(kpi: str, scale: float) -> Callable[[dict[str, Any]], float]:
        return lambda measured: measured[kpi] / scale

    latency = _lines(samples, _latency_ms)
    total = Line("end to end", "#1c1f23", _total(samples), 2.2)
    bound_ms = agreed["latency_us_max"] / 1_000
    yield Chart("Latency, one way", "ms", [*latency, total], bound_ms, "agreed, end to end")
    for kpi, title in (("downlink_kbps", "Downlink"), ("uplink_kbps", "Uplink")):
        lines = [*_lines(samples, of(kpi, 1_000)), _held(samples, kpi)]
        yield Chart(title + " carried", "Mbit/s", lines, agreed[kpi] / 1_000, "agreed")
    available = _lines(samples, of("availability_ppb", 1e7))
    yield Chart("Answered", "%", available, agreed["availability_ppb_min"] / 1e7, "agreed")
    lost = _lines(samples, of("loss_ppb", 1e7))
    yield Chart("Lost", "%", lost)
    yield Chart("Processors", "millicores", _lines(samples, of("cpu_millicores", 1)))


def _latency_ms(measured: dict[str, Any]) -> float | None:
    """Of what did not come back there is none."""
    return measured["latency_us"] / 1_000 if measured["availability_ppb"] else None


def _domains(samples: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(sample["domain"] for sample in samples))


def _lines(
    samples: Sequence[dict[str, Any]], value: Callable[[dict[str, Any]], float | None]
) -> list[Line]:
    lines = []
    for number, domain in enumerate(_domains(samples)):
        points = [
            (_seconds(s["time"]), value(s["measurement"]) if s["measurement"] else None)
            for s in samples
            if s["domain"] == domain
        ]
        lines.append(Line(domain, COLOURS[number % len(COLOURS)], points))
    return lines


def _total(samples: Sequence[dict[str, Any]]) -> list[Point]:
    """The sum over the domains of each instant; none where one of them was not measured."""
    by_time: dict[float, list[float | None]] = {}
    for s in samples:
        measured = s["measurement"]
        value = _latency_ms(measured) if measured else None
        by_time.setdefault(_seconds(s["time"]), []).append(value)
    return [
        (at_s, None if None in values else sum(v for v in values if v is not None))
        for at_s, values in sorted(by_time.items())
    ]


def _held(samples: Sequence[dict[str, Any]], kpi: str) -> Line:
    """What was held at each instant: the narrowest segment."""
    by_time: dict[float, float] = {}
    for s in samples:
        at_s, rate = _seconds(s["time"]), s["promised"][kpi] / 1_000
        by_time[at_s] = min(by_time.get(at_s, rate), rate)
    return Line("held", "#9aa1ab", sorted(by_time.items()), 2.2)


def _svg(chart: Chart, span: tuple[float, float], marks: Sequence[tuple[float, str]]) -> str:
    values = [v for line in chart.lines for _, v in line.points if v is not None]
    step = _step(max([*values, chart.bound or 0.0], default=1.0))
    top = step * TICKS
    began, ended = span
    wide = max(ended - began, 1.0)

    def x(at_s: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at_s - began) / wide

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / (top or 1.0)

    parts = [*_grid(top, y), *_hours(began, wide, x)]
    for at_s, event in marks:
        if began <= at_s <= ended and event in MARKS:
            parts.append(
                f'<line x1="{x(at_s):.1f}" x2="{x(at_s):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
                f'stroke="{MARKS[event]}" stroke-width="1" stroke-dasharray="2 3">'
                f"<title>{_text(event)}</title></line>"
            )
    if chart.bound is not None:
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(chart.bound):.1f}" '
            f'y2="{y(chart.bound):.1f}" stroke="#c0262d" stroke-dasharray="7 4"/>'
            f'<text x="{WIDTH - RIGHT}" y="{y(chart.bound) - 4:.1f}" text-anchor="end" '
            f'fill="#c0262d">{_text(chart.bound_name)}</text>'
        )
    parts += [piece for line in chart.lines for piece in _path(line, x, y)]
    return (
        f"<h2>{_text(chart.title)}, {_text(chart.unit)}</h2>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="system-ui,sans-serif" font-size="11" role="img">{"".join(parts)}</svg>'
    )


def _step(most: float) -> float:
    """The distance of the grid's lines: `TICKS` round ones reach the largest value."""
    wanted = (most or 1.0) / TICKS
    power = 10.0 ** math.floor(math.log10(wanted))
    return power * next(step for step in STEPS if step * power >= wanted * 0.999)


def _path(line: Line, x: Callable[[float], float], y: Callable[[float], float]) -> Iterator[str]:
    """A polyline per stretch without a gap; a lone point is a dot."""
    stretch: list[tuple[float, float]] = []
    for at_s, value in [*line.points, (0.0, None)]:
        if value is not None:
            stretch.append((x(at_s), y(value)))
            continue
        if len(stretch) == 1:
            (cx, cy), = stretch  # fmt: skip
            yield f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="2" fill="{line.colour}"/>'
        elif stretch:
            points = " ".join(f"{px:.1f},{py:.1f}" for px, py in stretch)
            yield (
                f'<polyline points="{points}" fill="none" stroke="{line.colour}" '
                f'stroke-width="{line.width}" stroke-linejoin="round"/>'
            )
        stretch = []


def _grid(top: float, y: Callable[[float], float]) -> Iterator[str]:
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        yield (
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" '
            f'stroke="#e9ebee"/><text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end" '
            f'fill="#50565e">{value:.4g}</text>'
        )


def _hours(began: float, wide: float, x: Callable[[float], float]) -> Iterator[str]:
    for tick in range(HOURS + 1):
        at_s = began + wide * tick / HOURS
        anchor = "end" if tick == HOURS else "middle"
        said = datetime.fromtimestamp(at_s, UTC).strftime("%H:%M" if wide > 600 else "%H:%M:%S")
        yield (
            f'<text x="{x(at_s):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}" '
            f'fill="#50565e">{said}</text>'
        )


def _kept(agreed: dict[str, Any], samples: Sequence[dict[str, Any]]) -> str:
    """How much of the measured time the SLA was kept, in a sentence."""
    totals = [value for _, value in _total(samples)]
    measured = [value for value in totals if value is not None]
    if not totals:
        return ""
    late = sum(value > agreed["latency_us_max"] / 1_000 for value in measured)
    kind = "good" if not late and len(measured) == len(totals) else "bad"
    return (
        f"<p class={kind}>Latency was kept in {len(measured) - late} of {len(totals)} intervals"
        f"{'' if len(measured) == len(totals) else f'; {len(totals) - len(measured)} not measured'}"
        "</p>"
    )


def _key(samples: Sequence[dict[str, Any]]) -> str:
    names = [(d, COLOURS[n % len(COLOURS)]) for n, d in enumerate(_domains(samples))]
    names += [("end to end", "#1c1f23"), ("held", "#9aa1ab"), ("agreed", "#c0262d")]
    items = "".join(f'<span><i style="background:{c}"></i>{_text(n)}</span>' for n, c in names)
    return f"<p class=key>{items}</p>"


def _actions(events: Sequence[dict[str, Any]]) -> str:
    if not events:
        return "<p>Nothing: no change was needed.</p>"
    rows = "".join(
        f"<tr><td>{_clock(e['time'])}</td>"
        f'<td style="color:{MARKS.get(e["event"], "#1c1f23")}">{_text(e["event"])}</td>'
        f"<td>{_text(e['text'])}</td></tr>"
        for e in events
    )
    return f"<table><tr><th>UTC</th><th></th><th></th></tr>{rows}</table>"


def _from_to(span: tuple[float, float]) -> str:
    first, last = (datetime.fromtimestamp(s, UTC).strftime("%Y-%m-%d %H:%M") for s in span)
    return f" from {first} to {last} UTC"


def _clock(time: str) -> str:
    return _text(time[11:19])


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def _text(words: object) -> str:
    """Whatever a tenant or an operator called something is text and nothing else."""
    return html.escape(str(words), quote=True)
