"""The shapes of a plugin's integration and of its responses to an invoke."""

from __future__ import annotations

import re
from typing import Any

from faults import Fault
from plugin_process import CANCELLED, DRY_RUN, INVALID, KINDS, brief
from plugin_vendor import FAILED

ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
EFFECTS = ("read", "write", "destructive")
OBJECTS = ("parameters", "result", "rate_limit", "events")
FLAGS = ("idempotent", "sensitive", "partial_success", "pages")
TEXTS = ("title", "description", "items_path", "read_back", "failure_indicator")


def expect_command(command: Any, ids: set[str]) -> None:
    def fault(problem: str) -> Fault:
        return Fault(f"command {command.get('id')!r}: {problem}", got=brief(command)[:600])

    if not isinstance(command.get("id"), str) or not ID.fullmatch(command["id"]):
        raise fault("the id must be lower-case letters, digits and single underscores")
    if command["id"] in ids:
        raise fault("the id occurs twice")
    ids.add(command["id"])
    if command.get("effect", "write") not in EFFECTS:
        raise fault(f"unknown effect {command['effect']!r}; expected one of: {', '.join(EFFECTS)}")
    for names, kind, word in ((OBJECTS, dict, "an object"), (FLAGS, bool, "true or false"), (TEXTS, str, "text")):
        for name in names:
            if name in command and not isinstance(command[name], kind):
                raise fault(f"{name} must be {word}")
    permissions = command.get("permissions", [])
    if not isinstance(permissions, list) or not all(isinstance(one, str) for one in permissions):
        raise fault("permissions must be a list of text")
    limit = command.get("rate_limit")
    if limit is not None and not all(isinstance(limit.get(name), (int, float)) for name in ("requests", "per_seconds")):
        raise fault("rate_limit needs requests and per_seconds")


def expect_outcome(answer: dict[str, Any], command: str) -> None:
    """A result or an error of an invoke, in the form of the protocol."""
    if "result" in answer:
        expect_result(answer["result"], command)
    else:
        expect_error(answer["error"], command)


def expect_result(result: Any, command: str) -> None:
    def fault(problem: str) -> Fault:
        return Fault(f"{command}: {problem}", got=brief(result)[:600])

    if not isinstance(result, dict):
        raise fault("the result is not an object")
    if result.get("return_data") not in ("Successful", "Partially Successful"):
        raise fault('return_data must be "Successful" or "Partially Successful"')
    for name in ("targets", "errors", "files", "events", "notices"):
        if name in result and not isinstance(result[name], list):
            raise fault(f"{name} is not a list")
    for one in result.get("targets", ()):
        if not isinstance(one, dict) or "target" not in one or one.get("return_data") not in ("Successful", "Failed"):
            raise fault("an element of targets needs target and return_data")
    for one in result.get("events", ()):
        if not isinstance(one, dict) or not isinstance(one.get("fields"), dict):
            raise fault("an event needs the object fields")
    if not isinstance(result.get("cursor", ""), str):
        raise fault("cursor is not text")


def expect_error(error: dict[str, Any], command: str) -> None:
    def fault(problem: str) -> Fault:
        return Fault(f"{command}: {problem}", got=brief(error)[:600])

    if error["code"] == DRY_RUN:
        return
    if error["code"] not in (FAILED, INVALID, CANCELLED):
        raise fault(f"the code {error['code']} is none of a command; expected -32000, -32602 or -32800")
    data = error.get("data")
    if not isinstance(data, dict):
        raise fault("the error has no data")
    if data.get("return_data") != "Failed":
        raise fault('return_data of an error must be "Failed"')
    for name, kind in (("failure_indicator", str), ("status_code", int), ("message", str), ("retryable", bool)):
        if not isinstance(data.get(name), kind):
            raise fault(f"{name} is missing or has the wrong type")
    if data.get("kind") not in KINDS:
        raise fault(f"unknown kind {data.get('kind')!r}")
    if data.get("outcome") not in ("not_applied", "unknown"):
        raise fault("outcome must be not_applied or unknown")
    if error["code"] == INVALID and not isinstance(data.get("problems"), list):
        raise fault("an error -32602 lists problems")
