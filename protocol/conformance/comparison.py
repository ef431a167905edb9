"""Compares JSON by the rules of ../transcripts/README.md."""

from __future__ import annotations

import json
import re
from typing import Any

ANYTHING = "…"


class Number(str):
    """A number as source text, so that 1.50 differs from 1.5."""


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def read_json(text: str) -> Any:
    """Raises ValueError for invalid JSON, and for JSON nested too deeply for this parser."""
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def differs(expected: Any, got: Any, place: str = "$") -> str | None:
    """The first difference, or None if there is none. Both values come from `read_json`."""
    if isinstance(expected, str) and not isinstance(expected, Number):
        if expected == ANYTHING or _fits(expected, got):
            return None
    elif type(expected) is type(got):
        if isinstance(expected, list):
            return _lists_differ(expected, got, place)
        if isinstance(expected, dict):
            return _objects_differ(expected, got, place)
        if expected == got:
            return None
    return f"{place}: expected {_brief(expected)}, got {_brief(got)}"


def _fits(pattern: str, got: Any) -> bool:
    if not isinstance(got, str) or isinstance(got, Number):
        return False
    pieces = map(re.escape, pattern.split(ANYTHING))
    return re.fullmatch(".*".join(pieces), got, re.DOTALL) is not None


def _lists_differ(expected: list[Any], got: list[Any], place: str) -> str | None:
    if len(expected) != len(got):
        return f"{place}: expected {len(expected)} elements, got {len(got)}"
    found = (differs(one, other, f"{place}[{at}]") for at, (one, other) in enumerate(zip(expected, got)))
    return next(filter(None, found), None)


def _objects_differ(expected: dict[str, Any], got: dict[str, Any], place: str) -> str | None:
    names = [name for name in expected if name != ANYTHING]
    missing = [name for name in names if name not in got]
    if missing:
        return f"{place}: missing {', '.join(missing)}"
    more = [name for name in got if name not in expected]
    if more and ANYTHING not in expected:
        return f"{place}: unexpected {', '.join(more)}"
    found = (differs(expected[name], got[name], f"{place}.{name}") for name in names)
    return next(filter(None, found), None)


def _brief(value: Any) -> str:
    text = str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"
