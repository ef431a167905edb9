"""The responses due per line (paragraphs 2.5 and 2.6), derived only from the lines."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from comparison import Number, read_json
from expectations import answered_ids, id_text, some
from faults import Fault


def expect_accounted(lines: Sequence[bytes], frames: Sequence[Any]) -> None:
    """These frames are exactly the responses due for these lines, the whole input of the host."""
    dues = [due(line) for line in lines]
    expect_alike("lines that are not JSON", (
        number for number, one in enumerate(dues, 1) if one.is_not_json), map(_line_of_bad_json, frames))
    expect_alike("sizes of batch responses", (
        one.answers for one in dues if one.is_array and one.answers), (
        len(frame) for frame in frames if isinstance(frame, list)))
    expect_alike("lines with a single response", ["single"] * sum(
        one.answers for one in dues if not one.is_array), (
        "single" for frame in frames if not isinstance(frame, list)))
    unknown = collections.Counter(answered_ids(frames)) - collections.Counter(
        id for one in dues for id in (*one.ids, *["null"] * one.answers))
    if unknown:
        raise Fault("responses have unknown ids", got=some(unknown))


def _line_of_bad_json(frame: Any) -> int | None:
    if isinstance(frame, dict) and frame.get("error", {}).get("code") == "-32700":
        line = frame["error"].get("data", {}).get("line")
        return int(line) if isinstance(line, Number) else 0
    return None


def expect_alike(what: str, expected: Iterable[Any], got: Iterable[Any]) -> None:
    due_ones = collections.Counter(expected)
    ones = collections.Counter(one for one in got if one is not None)
    if due_ones != ones:
        raise Fault(
            f"{what} do not match their lines",
            expected=f"{sum(due_ones.values())}, including {list((due_ones - ones).elements())[:5]}",
            got=f"{sum(ones.values())}, including {list((ones - due_ones).elements())[:5]}")


@dataclasses.dataclass(frozen=True)
class Due:
    """- `answers`: the number of responses due, in one frame.
    - `is_array`: the responses come in an array.
    - `is_not_json`: the response is a parse error.
    - `ids`: the JSON texts of ids that the responses may have besides null.
    """

    answers: int
    is_array: bool = False
    is_not_json: bool = False
    ids: tuple[str, ...] = ()


def due(line: bytes) -> Due:
    line = line.removesuffix(b"\r")
    if not line.strip(b" \t"):
        return Due(0)
    try:
        message = read_json(line.decode("utf-8"))
    except ValueError:
        return Due(1, is_not_json=True)
    members = message if isinstance(message, list) and message else [message]
    return Due(
        sum(map(_is_answered, members)), is_array=members is message,
        ids=tuple(id_text(member["id"]) for member in members if _has_id(member)))


def _is_answered(message: Any) -> bool:
    """False for notifications and response-shaped messages."""
    if not isinstance(message, dict):
        return True
    if "method" not in message and ("result" in message or "error" in message):
        return False
    method, params = message.get("method"), message.get("params", [])
    is_well_formed = (
        message.get("jsonrpc") == "2.0" and isinstance(method, str) and not isinstance(method, Number)
        and isinstance(params, (list, dict)))
    return "id" in message or not is_well_formed


def _has_id(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("id"), str)
