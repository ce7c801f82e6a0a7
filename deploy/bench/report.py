"""What a measurement gives back: tables for people, values for programs, bounds for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from deploy.bench.figures import Bound

DIGITS = 3
"""Significant ones of a figure; there is more noise than that."""


@dataclass(frozen=True, slots=True)
class Table:
    """Figures side by side. Each cell is text; the first column says what a row is about."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def rich(self) -> RichTable:
        table = RichTable(title=self.title, title_justify="left")
        for index, column in enumerate(self.columns):
            table.add_column(column, justify="right" if index else "left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        rule = ["---" if index == 0 else "---:" for index in range(len(self.columns))]
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, rule, *self.rows)]
        return f"### {self.title}\n\n" + "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Report:
    """One measurement. `plain` has the same figures as `tables`, unrounded, under stable keys."""

    name: str
    tables: tuple[Table, ...]
    plain: Mapping[str, Any]
    bounds: tuple[Bound, ...] = ()

    def all_tables(self) -> Sequence[Table]:
        if not self.bounds:
            return self.tables
        rows = [
            (
                bound.name,
                f"{figure(bound.value)} {bound.unit}",
                f"{figure(bound.at_most)} {bound.unit}",
                "kept" if bound.kept else "missed",
            )
            for bound in self.bounds
        ]
        columns = ("target", "measured", "at most", "")
        return (*self.tables, Table(f"{self.name}: targets", columns, rows))

    def show(self, console: Console) -> None:
        for table in self.all_tables():
            console.print(table.rich())

    def json(self) -> dict[str, Any]:
        targets = [bound.plain() for bound in self.bounds]
        return {**self.plain, "targets": targets} if targets else dict(self.plain)

    def markdown(self) -> str:
        return f"## {self.name}\n\n{self.body()}"

    def body(self) -> str:
        """The tables alone."""
        return "\n".join(table.markdown() for table in self.all_tables())


def figure(value: float) -> str:
    """`DIGITS` significant digits, never an exponent: 0.0123, 12.3, 12,345."""
    if abs(value) >= 10 ** (DIGITS - 1):
        return f"{value:,.0f}"
    digits = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:.{DIGITS - digits}f}"
