"""Markdown tables, aligned so that they read well in a terminal too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured value and its target; `value` is None if it could not be measured."""

    row: int
    what: str
    value: float | None
    target: float
    unit: str = "x"
    at_least: bool = False

    @property
    def target_text(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self._text(self.target)}"

    @property
    def value_text(self) -> str:
        return "-" if self.value is None else self._text(self.value)

    @property
    def met(self) -> str:
        if self.value is None:
            return "not measured"
        is_met = self.value >= self.target if self.at_least else self.value <= self.target
        return "yes" if is_met else "no"

    def _text(self, value: float) -> str:
        if self.unit == "x":
            return f"{value:.2f}x"
        decimals = 0 if value == int(value) or abs(value) >= 1000 else 1
        return f"{value:,.{decimals}f} {self.unit}"


def print_figures(title: str, figures: Sequence[Figure]) -> None:
    rows = [
        [str(each.row), each.what, each.target_text, each.value_text, each.met] for each in figures
    ]
    if rows:
        print_table(title, ["row", "what", "target", "measured", "met"], rows, left=(0, 1, 2))


def print_table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)
) -> None:
    """`left` are the columns of names, the others are numbers."""
    columns = range(len(header))
    widths = [max(len(row[i]) for row in [header, *rows]) for i in columns]
    print(f"\n### {title}\n")
    print(_line(header, widths, left))
    rules = ["-" * widths[i] if i in left else "-" * (widths[i] - 1) + ":" for i in columns]
    print("| " + " | ".join(rules) + " |")
    for row in rows:
        print(_line(row, widths, left))


def _line(cells: Sequence[str], widths: Sequence[int], left: Sequence[int]) -> str:
    padded = [
        cell.ljust(widths[i]) if i in left else cell.rjust(widths[i])
        for i, cell in enumerate(cells)
    ]
    return "| " + " | ".join(padded) + " |"


def note(text: str) -> None:
    print(f"\n{text}", flush=True)


def ratio(value: float, base: float | None) -> str:
    return f"{value / base:.2f}x" if base else "-"


def quotient(value: float | None, base: float | None) -> float | None:
    """None if one of them could not be measured."""
    return value / base if value is not None and base else None
