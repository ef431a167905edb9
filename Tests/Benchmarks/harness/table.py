"""Markdown tables, aligned so that they read well in a terminal too."""

from __future__ import annotations

from collections.abc import Sequence


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    print(f"\n### {title}\n")
    print(_line(header, widths))
    # The first column names the program, the others are numbers.
    rules = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    print("| " + " | ".join(rules) + " |")
    for row in rows:
        print(_line(row, widths))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1])] + [cell.rjust(width) for cell, width in others]
    return "| " + " | ".join(padded) + " |"


def note(text: str) -> None:
    print(f"\n{text}", flush=True)


def ratio(value: float, base: float | None) -> str:
    return f"{value / base:.2f}x" if base else "-"
