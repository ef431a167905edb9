#!/usr/bin/env python3
"""A plugin that is broken on purpose: broken_plugin.py FAULT. It uses no SDK."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import sys
import threading
import urllib.parse

FAULT = sys.argv[1] if len(sys.argv) > 1 else "none"
ID = "acme"
COMMANDS = [
    {"id": "list_items", "title": "List Items", "description": "Lists items.", "effect": "read", "idempotent": True,
     "items_path": "$.items[*]", "result": {"type": "object"},
     "parameters": {"type": "object", "properties": {"name": {"type": "string", "default": "x"}},
                    "additionalProperties": False}},
    {"id": "add_item", "title": "Add Item", "description": "Adds an item.", "effect": "write",
     "parameters": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
                    "additionalProperties": False}},
    {"id": "export_items", "title": "Export Items", "description": "Stores a file.", "effect": "read"},
]
SETTINGS = {
    "type": "object", "required": ["server_url", "api_key"], "additionalProperties": False,
    "properties": {"server_url": {"type": "string", "format": "uri"}, "api_key": {"type": "string", "writeOnly": True}}}

#: Every fault, with what the plugin does.
FAULTS = {
    "none": "nothing wrong",
    "has-another-id": "returns an integration with another id",
    "has-two-integrations": "returns two integrations",
    "has-no-commands": "returns no commands",
    "has-a-wrong-effect": "declares an unknown effect",
    "repeats-a-command": "declares a command twice",
    "has-a-wrong-schema": "declares parameters of an unknown type",
    "has-a-remote-reference": "refers to a schema elsewhere",
    "changes-its-catalogue": "returns another catalogue in each process",
    "prints-to-stdout": "prints a line before a response",
    "is-silent-on-ping": "does not answer ping",
    "answers-twice": "answers each invoke twice",
    "answers-another-call": "answers with an id that nobody used",
    "forgets-one-in-fifty": "does not answer each 50th invoke",
    "has-no-return-data": "leaves out return_data",
    "has-a-short-error": "returns errors without data",
    "has-an-unknown-kind": "returns an unknown kind",
    "takes-unknown-commands": "runs unknown commands",
    "takes-unknown-methods": "answers unknown methods with a result",
    "dies-of-wrong-arguments": "exits if an argument is not text",
    "numbers-items-from-one": "sends items with seq from 1",
    "repeats-items": "sends items and raw_data",
    "sends-items-late": "sends an item after the response",
    "runs-one-at-a-time": "does not read while a call waits",
    "ignores-cancel": "ends no call that is cancelled",
    "has-another-code-for-cancel": "answers cancelled calls with -32000",
    "connects-itself": "opens a connection to the vendor",
    "calls-another-origin": "asks the host for another origin",
    "forgets-the-secret": "sends no placeholder",
    "has-two-bodies": "sends json and body",
    "asks-without-invocation": "sends host/http without invocation",
    "loses-the-kind": "makes `internal` of each error of the host",
    "succeeds-anyway": "ignores errors of the host",
    "ignores-the-dry-run": "goes on after -32001",
    "retries-the-dry-run": "repeats a request after -32001",
    "stores-in-a-dry-run": "stores a file in a dry run",
    "loses-its-file": "leaves out the file that it stored",
    "dies-of-noise": "exits on invalid JSON",
    "dies-of-notifications": "exits on unknown notifications",
    "reads-short-lines": "splits lines after 64 KiB",
    "never-ends": "does not exit at EOF",
    "ends-with-one": "exits with 1 at EOF",
    "drops-calls-at-the-end": "does not answer calls in flight at EOF",
    "ignores-term": "ignores SIGTERM",
    "dies-of-term": "is killed by SIGTERM",
    "waits-at-term": "waits for calls in flight at SIGTERM",
}

lock = threading.Lock()
waiting: dict[int, queue.Queue] = {}
calls: dict[object, queue.Queue] = {}
counts = {"requests": 0, "invokes": 0}
is_closed = threading.Event()


class Failed(Exception):
    def __init__(self, code: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.code, self.kind = code, kind


def write(message: dict) -> None:
    with lock:
        os.write(1, json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n")


def ask(invocation: object, method: str, /, **params: object) -> dict:
    with lock:
        counts["requests"] += 1
        id = counts["requests"]
    waiting[id] = answers = queue.Queue()
    calls[invocation] = answers
    if FAULT != "asks-without-invocation":
        params["invocation"] = invocation
    write({"id": id, "method": method, "params": params})
    if is_closed.is_set():
        answers.put({"error": {"code": -32000, "message": "", "data": {"kind": "unavailable"}}})
    answer = serve_until(answers) if FAULT == "runs-one-at-a-time" else answers.get()
    if "error" not in answer:
        return answer["result"]
    code = answer["error"]["code"]
    if code == -32001 and FAULT not in ("ignores-the-dry-run", "retries-the-dry-run"):
        raise Failed(code, "", "Dry run.")
    if code == -32001 and FAULT == "retries-the-dry-run" and not params.get("is_again"):
        counts["requests"] += 1
        write({"id": counts["requests"], "method": method, "params": params})
        raise Failed(code, "", "Dry run.")
    if FAULT in ("succeeds-anyway", "ignores-the-dry-run"):
        return {"status": 200, "json": {}}
    kind = answer["error"].get("data", {}).get("kind", "cancelled")
    raise Failed(-32800 if kind == "cancelled" else -32000, "internal" if FAULT == "loses-the-kind" else kind, "Refused.")


def serve_until(answers: queue.Queue) -> dict:
    """Reads only the response."""
    while answers.empty():
        line = sys.stdin.buffer.readline()
        if not line:
            return {"error": {"code": -32000, "message": "", "data": {"kind": "unavailable"}}}
        message = json.loads(line)
        if "method" not in message:
            waiting[message["id"]].put(message)
    return answers.get()


def failure(error: Failed) -> dict:
    if error.code == -32001:
        return {"code": -32001, "message": "Dry run."}
    data = {
        "return_data": "Failed", "failure_indicator": "It failed.", "status_code": 500, "message": str(error),
        "kind": "weird" if FAULT == "has-an-unknown-kind" else error.kind, "retryable": False, "outcome": "not_applied"}
    code = -32000 if FAULT == "has-another-code-for-cancel" else error.code
    return {"code": code, "message": "It failed.", **({} if FAULT == "has-a-short-error" else {"data": data})}


def invalid(path: str, message: str) -> dict:
    return {"code": -32602, "message": "Invalid params.", "data": {
        "return_data": "Failed", "failure_indicator": "Invalid params.", "status_code": 400, "message": message,
        "kind": "validation", "retryable": False, "outcome": "not_applied", "problems": [{"path": path, "message": message}]}}


def run(id: object, params: dict) -> dict:
    settings = params.get("connection", {}).get("settings", {})
    command = params["command"]
    url = str(settings["server_url"])
    if FAULT == "connects-itself":
        parts = urllib.parse.urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.recv(100)
    if FAULT == "stores-in-a-dry-run":
        ask(id, "host/file_put", name="a", content_base64="", source="playbook_file")
    headers = {} if FAULT == "forgets-the-secret" else {"X-Key": settings["api_key"]}
    more = {"json": {}, "body": ""} if FAULT == "has-two-bodies" else {}
    base = "https://elsewhere.example" if FAULT == "calls-another-origin" else url
    answer = ask(id, "host/http", method="GET" if command == "list_items" else "POST", url=f"{base}/items", headers=headers, **more)
    if answer["status"] >= 400:
        raise Failed(-32000, "upstream", "The vendor refused.")
    if command == "export_items":
        reference = ask(id, "host/file_put", name="items.csv", content_base64="", source="playbook_file")
        return {"files": [] if FAULT == "loses-its-file" else [reference]}
    if not params.get("options", {}).get("stream"):
        return {"raw_data": answer.get("json")}
    for at in range(2):
        seq = at + 1 if FAULT == "numbers-items-from-one" else at
        write({"method": "invoke/item", "params": {"id": id, "seq": seq, "item": at}})
    return {"raw_data": {"items": [0, 1]}} if FAULT == "repeats-items" else {"meta": {"items": 2}}


def invoke(id: object, params: dict) -> None:
    counts["invokes"] += 1
    number = counts["invokes"]
    answer: dict
    if params.get("integration", ID) != ID:
        answer = {"error": invalid("/integration", "unknown integration")}
    elif params.get("command") not in [one["id"] for one in COMMANDS] and FAULT != "takes-unknown-commands":
        answer = {"error": invalid("/command", "unknown command")}
    elif not isinstance(params.get("arguments", {}), dict):
        answer = {"error": invalid("/arguments", "must be an object")}
    elif not {"server_url", "api_key"} <= set(params.get("connection", {}).get("settings", {})):
        answer = {"result": {"return_data": "Successful"}} if FAULT == "takes-unknown-commands" else {
            "error": invalid("/connection/settings", "is missing")}
    elif not all(isinstance(one, str) for one in params["connection"]["settings"].values()):
        answer = {"error": invalid("/connection/settings", "must be text")}
    else:
        if FAULT == "dies-of-wrong-arguments" and not all(isinstance(one, str) for one in params["arguments"].values()):
            os._exit(1)
        try:
            more = run(id, params)
            answer = {"result": {**({} if FAULT == "has-no-return-data" else {"return_data": "Successful"}), **more}}
        except Failed as error:
            answer = {"error": failure(error)}
    calls.pop(id, None)
    if FAULT == "forgets-one-in-fifty" and number % 50 == 0:
        return
    if FAULT == "drops-calls-at-the-end" and is_closed.is_set():
        return
    if FAULT == "prints-to-stdout":
        os.write(1, b"running\n")
    write({"id": 77777 if FAULT == "answers-another-call" else id, **answer})
    if FAULT == "answers-twice":
        write({"id": id, **answer})
    if FAULT == "sends-items-late":
        write({"method": "invoke/item", "params": {"id": id, "seq": 0, "item": 1}})


def catalogue() -> list[dict]:
    commands = json.loads(json.dumps(COMMANDS))
    if FAULT == "has-no-commands":
        commands = []
    if FAULT == "has-a-wrong-effect":
        commands[0]["effect"] = "reads"
    if FAULT == "repeats-a-command":
        commands.append(commands[0])
    if FAULT == "has-a-wrong-schema":
        commands[1]["parameters"]["properties"]["name"]["type"] = "text"
    if FAULT == "has-a-remote-reference":
        commands[1]["parameters"]["properties"]["name"] = {"$ref": "https://elsewhere.example/schema.json"}
    if FAULT == "changes-its-catalogue":
        commands[0]["description"] = f"Lists items of {os.getpid()}."
    one = {"id": "other" if FAULT == "has-another-id" else ID, "title": "Acme", "connection": {"schema": SETTINGS}, "commands": commands}
    return [one, one] if FAULT == "has-two-integrations" else [one]


def take(message: dict) -> None:
    method, params, id = message.get("method"), message.get("params", {}), message.get("id")
    if method is None:
        answers = waiting.get(id) if isinstance(id, int) else None
        if answers:
            answers.put(message)
    elif "id" not in message:
        if method == "cancel" and FAULT != "ignores-cancel" and params.get("id") in calls:
            calls[params["id"]].put({"error": {"code": -32800, "message": "", "data": {"kind": "cancelled"}}})
        elif FAULT == "dies-of-notifications" and method != "cancel":
            os._exit(1)
    elif not isinstance(params, dict):
        write({"id": id, "error": {"code": -32602, "message": "Invalid params."}})
    elif method == "ping":
        if FAULT != "is-silent-on-ping":
            write({"id": id, "result": {}})
    elif method == "capabilities":
        if params.get("integration", ID) != ID:
            write({"id": id, "error": invalid("/integration", "unknown integration")})
        else:
            write({"id": id, "result": {"protocol_version": "1", "integrations": catalogue()}})
    elif method == "cancel":
        found = calls.get(params.get("id"))
        if found and FAULT != "ignores-cancel":
            found.put({"error": {"code": -32800, "message": "", "data": {"kind": "cancelled"}}})
        write({"id": id, "result": {"cancelled": found is not None}})
    elif method == "invoke":
        if FAULT == "runs-one-at-a-time":
            invoke(id, params)
        else:
            threading.Thread(target=invoke, args=(id, params), daemon=True).start()
    elif FAULT == "takes-unknown-methods":
        write({"id": id, "result": {}})
    else:
        write({"id": id, "error": {"code": -32601, "message": "Method not found."}})


def end(*_: object) -> None:
    if FAULT == "waits-at-term":
        while calls:
            pass
    os._exit(0)


def main() -> None:
    if FAULT == "ignores-term":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif FAULT != "dies-of-term":
        signal.signal(signal.SIGTERM, end)
    while line := sys.stdin.buffer.readline(65536 if FAULT == "reads-short-lines" else -1):
        try:
            message = json.loads(line)
            if not isinstance(message, dict):
                raise ValueError
        except (ValueError, RecursionError):
            if FAULT == "dies-of-noise":
                raise
            if line.strip():
                write({"id": None, "error": {"code": -32700, "message": "not JSON"}})
            continue
        take(message)
    is_closed.set()
    for answers in list(waiting.values()):
        answers.put({"error": {"code": -32000, "message": "", "data": {"kind": "unavailable"}}})
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(5)
    if FAULT == "never-ends":
        threading.Event().wait()
    os._exit(1 if FAULT == "ends-with-one" else 0)


if __name__ == "__main__":
    main()
