"""What is true of every line that a host writes (paragraphs 2.2 and 2.3)."""

from __future__ import annotations

from typing import Any

from comparison import Number, read_json
from faults import Fault, shown

#: Some readers take these for line ends, so that no frame holds them raw.
LINE_ENDS = ("\r", "\u0085", "\u2028", "\u2029")


def read_frame(line: bytes) -> Any:
    """The message or batch on one line of output, without its LF; numbers are `Number`s.

    Raises Fault for a line that no host may write.
    """
    try:
        text = line.decode("utf-8")
        frame = read_json(text)
    except ValueError as error:
        raise Fault(f"a line of the output is no JSON: {error}", got=shown(line)) from None
    for character in LINE_ENDS:
        if character in text:
            raise Fault(f"a frame holds a raw U+{ord(character):04X}", got=shown(line))
    for message in members(frame):
        problem = _problem(message)
        if problem:
            raise Fault(f"a frame is no JSON-RPC message: {problem}", got=shown(line))
    if frame == []:
        raise Fault("an empty array answers nothing", got="[]")
    return frame


def members(frame: Any) -> list[Any]:
    """The messages of a frame: those of a batch, or the one that it is."""
    return frame if isinstance(frame, list) else [frame]


def _problem(message: Any) -> str | None:
    if not isinstance(message, dict):
        return "it is no object"
    if message.get("jsonrpc") != "2.0":
        return 'it is without "jsonrpc":"2.0"'
    if "method" in message:
        return "a request has come from the host" if "id" in message else None
    if "id" not in message:
        return "it has neither method nor id"
    if ("result" in message) == ("error" in message):
        return "it has not either result or error"
    error = message.get("error", {})
    if "error" in message and not (
        isinstance(error, dict) and isinstance(error.get("code"), Number)
        and type(error.get("message")) is str
    ):
        return "its error is without code or message"
    return None
