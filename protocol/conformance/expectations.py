"""Expectations of transcripts and hostile cases beyond single lines."""

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
    """No frames may have arrived."""
    if frames:
        raise Fault(f"{len(frames)} unexpected lines", got=brief(frames[0]))


def expect_silence(host: HostProcess, id: str) -> None:
    """The last message got no response: the next response is that to a ping sent now."""
    asked = host.last_sent
    host.send(json.dumps({"jsonrpc": "2.0", "id": id, "method": "ping"}))
    line = host.read_line()
    if differs({"jsonrpc": "2.0", "id": id, "result": {}}, read_frame(line)):
        fault = Fault("a response arrived, or the ping after it got none", expected="nothing", got=shown(line))
        fault.sent = shown(asked)
        raise fault


def expect_ending(host: HostProcess, expected: list[str]) -> None:
    """The host exits with 0 after exactly these responses, JSON in any order."""
    left = [read_json(one) for one in expected]
    for frame in host.expect_end():
        fitting = [one for one in left if differs(one, frame) is None]
        if not fitting:
            raise Fault("unexpected response", expected="\n".join(expected), got=brief(frame))
        left.remove(fitting[0])
    if left:
        raise Fault(f"{len(left)} responses missing", expected="\n".join(expected))


def expect_each_once(frames: Iterable[Any], ids: Iterable[str]) -> None:
    """Each of these ids (JSON texts) has one response, and no other id has one."""
    got, due = collections.Counter(answered_ids(frames)), collections.Counter(ids)
    missing, extra = due - got, got - due
    if missing or extra:
        raise Fault(
            f"{sum(missing.values())} of {sum(due.values())} requests have no response;"
            f" {sum(extra.values())} unexpected responses",
            expected="one response per request" + (f", including {some(missing)}" if missing else ""),
            got=f"further responses: {some(extra)}" if extra else "")


def answered_ids(frames: Iterable[Any]) -> list[str]:
    """The ids of the responses."""
    return [id_text(message["id"]) for frame in frames for message in members(frame) if "id" in message]


def id_text(id: Any) -> str:
    """A JSON text that is equal for equal ids, and only for them."""
    return str(id) if isinstance(id, Number) else json.dumps(id, ensure_ascii=False)


def some(ids: collections.Counter[str]) -> str:
    first = ", ".join(f"id {id[:60]}" for id in list(ids)[:5])
    return first + (", …" if len(ids) > 5 else "")


def brief(frame: Any) -> str:
    """A parsed frame as readable text; its numbers are quoted."""
    return shown(json.dumps(frame, ensure_ascii=False).encode("utf-8", "backslashreplace"))
