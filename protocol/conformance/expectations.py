"""What transcripts and hostile cases expect of a host beside single lines."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterable
from typing import Any

from comparison import Number, differs, read_json
from faults import Fault, shown
from frames import members, read_frame
from process import HostProcess


def expect_nothing(frames: list[Any]) -> None:
    """These frames came, and none should have."""
    if frames:
        raise Fault(f"{len(frames)} more lines came than were expected", got=brief(frames[0]))


def expect_silence(host: HostProcess, id: str) -> None:
    """Nothing has been answered to what was sent last: the next answer is that to a ping sent now."""
    asked = host.last_sent
    host.send(json.dumps({"jsonrpc": "2.0", "id": id, "method": "ping"}))
    line = host.read_line()
    if differs({"jsonrpc": "2.0", "id": id, "result": {}}, read_frame(line)):
        fault = Fault("something was answered, or the ping behind it was not", expected="nothing", got=shown(line))
        fault.sent = shown(asked)
        raise fault


def expect_ending(host: HostProcess, expected: list[str]) -> None:
    """The host ends with 0 after these answers, JSON in any order, and no others."""
    left = [read_json(one) for one in expected]
    for frame in host.expect_end():
        fitting = [one for one in left if differs(one, frame) is None]
        if not fitting:
            raise Fault("an answer that was not expected", expected="\n".join(expected), got=brief(frame))
        left.remove(fitting[0])
    if left:
        raise Fault(f"{len(left)} answers are missing", expected="\n".join(expected))


def expect_each_once(frames: Iterable[Any], ids: Iterable[str]) -> None:
    """Each of these ids, as JSON texts, has one response, and no other has any."""
    got, due = collections.Counter(answered_ids(frames)), collections.Counter(ids)
    missing, extra = due - got, got - due
    if missing or extra:
        raise Fault(
            f"of {sum(due.values())} requests {sum(missing.values())} were not answered;"
            f" {sum(extra.values())} answers were not asked for",
            expected="one answer for each request" + (f", also {some(missing)}" if missing else ""),
            got=f"answers beyond that: {some(extra)}" if extra else "")


def answered_ids(frames: Iterable[Any]) -> list[str]:
    """The ids of the responses."""
    return [id_text(message["id"]) for frame in frames for message in members(frame) if "id" in message]


def id_text(id: Any) -> str:
    """A JSON text that ids have in common when they are the same, and only then."""
    return str(id) if isinstance(id, Number) else json.dumps(id, ensure_ascii=False)


def some(ids: collections.Counter[str]) -> str:
    first = ", ".join(f"id {id[:60]}" for id in list(ids)[:5])
    return first + (", …" if len(ids) > 5 else "")


def brief(frame: Any) -> str:
    """A frame that was parsed, for people; its numbers have quotes."""
    return shown(json.dumps(frame, ensure_ascii=False).encode("utf-8", "backslashreplace"))
