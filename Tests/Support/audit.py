"""Audit files, held against their chain and their schema."""

from __future__ import annotations

import functools
import hashlib
import json
import pathlib
from typing import Any

import jsonschema
from Support.host import Finished, Host, run

SCHEMAS = "#/components/schemas/"


@functools.cache
def validator() -> Any:
    """The schema of a line, as the executable publishes it."""
    with Host() as host:
        document = host.result("rpc.discover")
    schema = {"$ref": SCHEMAS + "audit_line", "components": document["components"]}
    return jsonschema.Draft202012Validator(schema)


def lines(path: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of a file, which must be an intact chain from its first line on."""
    text = path.read_bytes()
    assert text.endswith(b"\n") or not text, "the last line is incomplete"
    parsed: list[dict[str, Any]] = []
    before = None
    for number, line in enumerate(text.split(b"\n")[:-1], 1):
        record = json.loads(line)
        validator().validate(record)
        if before is not None:
            assert record["seq"] == parsed[-1]["seq"] + 1, f"line {number}"
            assert record["previous"] == hashlib.sha256(before).hexdigest(), f"line {number}"
        parsed.append(record)
        before = line
    return parsed


def events(path: pathlib.Path, *names: str) -> list[dict[str, Any]]:
    """The lines of some events."""
    return [line for line in lines(path) if line["event"] in names]


def verify(path: pathlib.Path, *options: str) -> Finished:
    return run("audit", "verify", str(path), *options)


def report(path: pathlib.Path) -> Any:
    """The JSON of `sallyport audit verify`."""
    return json.loads(verify(path, "--json").text)
