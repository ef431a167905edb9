"""The second peer: a single-threaded orjson loop with the same validation as the Go host."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import Any

import orjson
from catalogue import capabilities
from coda import COMMANDS, INTEGRATION, Connection, load_connections
from parameters import Problem, validate

Json = dict[str, Any]
READ_BYTES = 1 << 20
WRITE_BUFFER_BYTES = 256 << 10


class Failure(Exception):
    """A request fails with a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Json | None = None) -> None:
        super().__init__(message)
        self.error: Json = {"code": code, "message": message}
        if data is not None:
            self.error["data"] = data


def invalid(message: str, indicator: str = "", problems: list[Problem] | None = None) -> Failure:
    data = {
        "return_data": "Failed",
        "failure_indicator": indicator,
        "status_code": 400,
        "message": message,
        "kind": "validation",
        "retryable": False,
        "outcome": "not_applied",
        "problems": problems or [],
    }
    return Failure(-32602, message, data)


def invoke(connections: dict[str, Connection], params: Any) -> Json:
    if not isinstance(params, dict):
        raise invalid("The params of invoke must be an object.")
    if params.get("integration") != INTEGRATION:
        raise invalid(f"There is no integration {params.get('integration')}.")
    command = COMMANDS.get(params.get("command"))
    if command is None:
        raise invalid(f"There is no command {params.get('command')}.")
    indicator = command.title + " failed."
    connection = connections.get(params.get("connection"))
    if connection is None:
        raise invalid(f"There is no connection {params.get('connection')}.", indicator)
    arguments = params.get("arguments", {})
    options = params.get("options", {})
    if not isinstance(arguments, dict) or not isinstance(options, dict):
        raise invalid("The arguments and options must be objects.", indicator)
    problems = validate("/arguments", command.parameters, arguments)
    if problems:
        raise invalid(problems[0]["message"], indicator, problems)
    if options.get("dry_run") is not True:
        raise Failure(-32603, "This benchmark host only plans requests.")
    planned = command.plan(connection, arguments)
    return {"return_data": "Successful", "dry_run": True, "requests": [planned]}


def is_notification(message: Any) -> bool:
    return isinstance(message, dict) and "method" in message and "id" not in message


def answer(connections: dict[str, Connection], line: bytes) -> Json | None:
    """The response to one line; None for a notification. Single-threaded, so no id can be in flight
    twice."""
    identifier = message = None
    try:
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise Failure(-32700, str(error)) from None
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            raise Failure(-32600, "The message is not a JSON-RPC 2.0 request.")
        identifier = message.get("id")
        if isinstance(identifier, (dict, list, bool)):
            identifier = None
            raise Failure(-32600, "The id must be a string, a number or null.")
        method = message.get("method")
        if method == "invoke":
            result = invoke(connections, message.get("params"))
        elif method == "capabilities":
            result = capabilities()
        else:
            raise Failure(-32601, f"There is no method {method}.")
    except Failure as failure:
        if is_notification(message):
            return None
        return {"jsonrpc": "2.0", "id": identifier, "error": failure.error}
    if is_notification(message):
        return None
    return {"jsonrpc": "2.0", "id": identifier, "result": result}


def chunks_of_lines() -> Iterator[list[bytes]]:
    """The complete lines of one read. `for line in sys.stdin.buffer` cannot tell whether the next
    read would block, so it would have to flush every response or delay the last ones."""
    rest = b""
    while chunk := os.read(0, READ_BYTES):
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        yield lines
    yield [rest]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", required=True)
    connections = load_connections(parser.parse_args().connections)
    dumps = orjson.dumps
    newline = orjson.OPT_APPEND_NEWLINE
    # The 8 KiB buffer of sys.stdout would cost one system call per 30 responses.
    with open(sys.stdout.fileno(), "wb", buffering=WRITE_BUFFER_BYTES, closefd=False) as output:
        for lines in chunks_of_lines():
            for line in lines:
                if line and not line.isspace():
                    reply = answer(connections, line)
                    if reply is not None:
                        output.write(dumps(reply, option=newline))
            output.flush()


if __name__ == "__main__":
    main()
