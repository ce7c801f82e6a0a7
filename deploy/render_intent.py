"""What people see of a translation: the words that count, and where each value came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from coordinator.evaluation import Figures
from coordinator.model import Action, Source
from coordinator.translation import PreferenceWeights, TranslatedService, Translation
from deploy.web.schema import CatalogueEntry

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")
"""One for each service, in its words and its table."""

ACTION_STYLE = {Action.REJECT: "bold red", Action.CLARIFY: "bold yellow"}


def translated(text: str, found: Translation) -> RenderableType:
    """The sentence with its words marked, then one table for each service."""
    head = Text.assemble((found.action.value, ACTION_STYLE.get(found.action, "bold green")))
    head.append(f"  by the {found.engine} engine", "dim")
    if found.explanation:
        head.append(f": {found.explanation}")
    parts: list[RenderableType] = [marked(text, found.services), head]
    parts += [Text(f"? {question}", "yellow") for question in found.questions]
    parts += [service(item, _colour(index)) for index, item in enumerate(found.services)]
    if found.neighbours:
        parts.append(_neighbours(found))
    return Group(*parts)


def marked(text: str, services: Sequence[TranslatedService]) -> Text:
    """The text with the words that state a value in the colour of their service."""
    shown = Text(text)
    for index, item in enumerate(services):
        for stated in item.evidence:
            shown.stylize(f"bold underline {_colour(index)}", stated.start, stated.end)
    return shown


def service(found: TranslatedService, colour: str) -> RenderableType:
    """One service: what was stated, what was added and why."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("value", "", "from"):
        rows.add_column(heading, overflow="fold")
    for stated in found.evidence:
        words = Text(f"“{stated.words}”", f"bold {colour}")
        rows.add_row(Text(stated.key), Text(_said(stated.value)), words)
    for added in found.inferred:
        style = "dim" if added.source is Source.DEFAULT else ""
        rows.add_row(Text(added.key), Text(_said(added.value)), Text(added.clause, style))
    five_qi = (found.nest or {}).get("Slice quality of service: 3GPP 5QI")
    title = Text.assemble(("\n" + found.name, f"bold {colour}"), f"  {found.slice_type}")
    title.append("  " + _weights(found.preference), "dim")
    if five_qi is not None:
        title.append(f"  5QI {five_qi}", "dim")
    return Group(title, Padding(rows, (0, 0, 0, 2)))


def catalogue(entries: Sequence[CatalogueEntry]) -> RenderableType:
    """One line for each service."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("service", "type", "matters most", "required", "runs"):
        rows.add_column(heading, no_wrap=heading == "service")
    for item in entries:
        required = ", ".join(f"{figure.key} {_said(figure.value)}" for figure in item.figures)
        rows.add_row(
            Text(item.name, "bold"),
            item.slice_type,
            f"{item.first}, {item.second}",
            Text(required or "by its type"),
            ", ".join(item.functions),
        )
    return rows


def catalogue_entry(item: CatalogueEntry) -> RenderableType:
    """One service in full, with the clause behind each figure."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("value", "", "from"):
        rows.add_column(heading)
    for figure in item.figures:
        rows.add_row(figure.key, _said(figure.value), f"{figure.clause} ({figure.confidence})")
    title = Text.assemble((item.name, "bold"), f"  {item.slice_type}, traffic {item.flow}")
    called = Text("also called: " + ", ".join(item.also_called), "dim")
    return Group(title, called, rows)


def figures(found: Figures, p50_ms: float, p99_ms: float, engine: str) -> RenderableType:
    """The seven figures, their mean, and how long a sentence takes."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    rows.add_column("figure")
    rows.add_column(engine, justify="right")
    for name in found.__dataclass_fields__:
        value = getattr(found, name)
        shown = "-" if value is None else f"{value:.4f}"
        rows.add_row(Text(name, "bold" if name == "quality" else ""), shown)
    rows.add_row("p50", f"{p50_ms:.2f} ms")
    rows.add_row("p99", f"{p99_ms:.2f} ms")
    return rows


def memory(found: Mapping[str, float]) -> RenderableType:
    """The summary of a stream: errors are total variations of the preference, 0 to 1."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    rows.add_column("error of the preference")
    rows.add_column("", justify="right")
    for name, value in found.items():
        rows.add_row(name, _said(value))
    return rows


def _neighbours(found: Translation) -> RenderableType:
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("\nsimilar", "\nfrom", "\ntext"):
        rows.add_column(heading)
    for item in found.neighbours:
        rows.add_row(f"{item.similarity:.2f}", item.source, Text(item.text))
    return rows


def _weights(preference: PreferenceWeights) -> str:
    shares = preference.model_dump()
    return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]
