"""Checks of every line that a host writes (paragraphs 2.2 and 2.3; for agents 9.2 and 9.10)."""

from __future__ import annotations

from typing import Any

from comparison import Number, read_json
from faults import Fault, shown

#: Some readers treat these as line ends, so no frame contains them raw.
LINE_ENDS = ("\r", "\u0085", "\u2028", "\u2029")


def read_frame(line: bytes, of_agents: bool = False) -> Any:
    """The message or batch on one line of output, without its LF; numbers are `Number`s.

    - `of_agents`: also allows messages to a client of section 9: a question, or an error without an id.

    Raises Fault for a line that a host must not write.
    """
    try:
        text = line.decode("utf-8")
        frame = read_json(text)
    except ValueError as error:
        raise Fault(f"an output line is not JSON: {error}", got=shown(line)) from None
    for character in LINE_ENDS:
        if character in text:
            raise Fault(f"a frame contains a raw U+{ord(character):04X}", got=shown(line))
    for message in members(frame):
        problem = _problem(message, of_agents)
        if problem:
            raise Fault(f"a frame is not a JSON-RPC message: {problem}", got=shown(line))
    if frame == []:
        raise Fault("an empty array is not a response", got="[]")
    return frame


def members(frame: Any) -> list[Any]:
    """The messages of a frame: the members of a batch, or the single message."""
    return frame if isinstance(frame, list) else [frame]


def _problem(message: Any, of_agents: bool) -> str | None:
    if not isinstance(message, dict):
        return "it is not an object"
    if message.get("jsonrpc") != "2.0":
        return 'it has no "jsonrpc":"2.0"'
    if "method" in message:
        is_question = of_agents and message["method"] == "elicitation/create"
        return "the host sent a request" if "id" in message and not is_question else None
    if "id" not in message and not (of_agents and "error" in message):
        return "it has neither method nor id"
    if ("result" in message) == ("error" in message):
        return "it needs exactly one of result and error"
    error = message.get("error", {})
    if "error" in message and not (
        isinstance(error, dict) and isinstance(error.get("code"), Number)
        and type(error.get("message")) is str
    ):
        return "its error has no code or no message"
    return None
