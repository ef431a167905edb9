"""JSON as transcripts compare it, whose rules are in ../transcripts/README.md."""

from __future__ import annotations

import json
import re
from typing import Any

ANYTHING = "…"


class Number(str):
    """A number as its text, so that 1.50 is not 1.5."""


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def read_json(text: str) -> Any:
    """Raises ValueError for what is no JSON, also for what is nested too deep to be read here."""
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("is nested too deep") from None


def differs(expected: Any, got: Any, place: str = "$") -> str | None:
    """Where and how, or None when it is as expected. Both are what `read_json` gives."""
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
        return f"{place}: without {', '.join(missing)}"
    more = [name for name in got if name not in expected]
    if more and ANYTHING not in expected:
        return f"{place}: with {', '.join(more)} too"
    found = (differs(expected[name], got[name], f"{place}.{name}") for name in names)
    return next(filter(None, found), None)


def _brief(value: Any) -> str:
    text = str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"
