"""The program of a plugin that does what a test tells it, also what a plugin must not do.

It speaks the wire by hand, with the standard library only. `behaviour.json` in its folder has the members
`at_start` (steps before the first line is read), `integration` (members that replace those of its
description), `at_capabilities` (steps instead of the answer to `capabilities`) and `ignores_eof`. The
argument `steps` of its commands is a list of steps; without one that answers, the result has what the
requests of the steps were answered with.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Callable

STEPS = {"steps": {"type": "array"}}


def command(id: str, effect: str | None, **more: Any) -> dict[str, Any]:
    described = {
        "id": id, "title": id.title(), "description": f"Runs steps: {id}.",
        "parameters": {
            "type": "object", "additionalProperties": False,
            "properties": STEPS | {"file_id": {"type": "string"}, "number": {"type": "integer", "minimum": 1}}}}
    if effect:
        described["effect"] = effect
    return described | more


def integration(id: str = "raw", **more: Any) -> dict[str, Any]:
    """What the plugin says about itself."""
    secret = {"type": "string", "writeOnly": True}
    return {
        "id": id, "title": "Raw", "description": "Runs the steps of a test.", "category": "Test",
        "connection": {"schema": {
            "type": "object", "additionalProperties": False, "required": ["server_url"],
            "properties": {
                "server_url": {"type": "string", "format": "uri"},
                "other_url": {"type": "string", "format": "uri"},
                "user": {"type": "string"}, "api_key": secret, "password": secret}}},
        "commands": [
            command("look", "read", items_path="$.items[*]", pages=True),
            command("change", "write"), command("put", "write", idempotent=True),
            command("remove", "destructive"), command("send", "write", sensitive=True),
            command("unsaid", None),
            command("paced", "read", rate_limit={"requests": 2, "per_seconds": 3_600, "bucket": "paced"}),
        ], **more}


class Plugin:
    def __init__(self, behaviour: dict[str, Any]) -> None:
        self.behaviour = behaviour
        self.writing = threading.Lock()
        self.answers: dict[Any, queue.SimpleQueue[Any]] = {}
        self.next_id = 1
        self.id_lock = threading.Lock()
        self.may_read = threading.Event()
        self.may_read.set()
        self.cancelled: list[Any] = []

    # The wire

    def write(self, data: bytes) -> None:
        with self.writing:
            while data:
                data = data[os.write(1, data):]

    def say(self, message: dict[str, Any]) -> None:
        self.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")

    def send(self, method: str, params: Any) -> int:
        with self.id_lock:
            id = self.next_id
            self.next_id += 1
        self.answers[id] = queue.SimpleQueue()
        self.say({"id": id, "method": method, "params": params})
        return id

    def receive(self, id: int) -> Any:
        message = self.answers[id].get()
        del self.answers[id]
        return message.get("result", message.get("error"))

    def serve(self) -> None:
        self.run(self.behaviour.get("at_start", []), None)
        for line in sys.stdin.buffer:
            self.take(json.loads(line))
            self.may_read.wait()
        while self.behaviour.get("ignores_eof"):
            signal.pause()

    def take(self, message: dict[str, Any]) -> None:
        method, id = message.get("method"), message.get("id")
        if method is None:
            if id in self.answers:
                self.answers[id].put(message)
        elif method == "capabilities":
            self.describe(id)
        elif method == "invoke":
            threading.Thread(target=self.invoke, args=(message,), daemon=True).start()
        elif method == "cancel":
            self.cancelled.append(message["params"]["id"])
            self.say({"id": id, "result": {"cancelled": True}})
        else:
            self.say({"id": id, "result": {}})

    def describe(self, id: Any) -> None:
        if "at_capabilities" in self.behaviour:
            self.run(self.behaviour["at_capabilities"], {"id": id, "params": {}})
            return
        described = integration() | self.behaviour.get("integration", {})
        self.say({"id": id, "result": {"protocol_version": 1, "integrations": [described]}})

    def invoke(self, message: dict[str, Any]) -> None:
        steps = message["params"]["arguments"].get("steps", [])
        seen: list[Any] = []
        if self.run(steps, message, seen):
            return
        raw_data = {"pid": os.getpid(), "seen": seen, "params": message["params"]}
        if message["params"].get("options", {}).get("dry_run"):
            raw_data = {"seen": seen}
        self.say({"id": message["id"], "result": {"return_data": "Successful", "raw_data": raw_data}})

    # Steps

    def run(self, steps: list[dict[str, Any]], message: Any, seen: list[Any] | None = None) -> bool:
        """Returns whether a step has answered, or wants no answer."""
        id = message["id"] if message else None
        has_answered = False
        for step in steps:
            (name, value), *more = step.items()
            rest = dict(more)
            if name in ("result", "error"):
                self.say({"id": id, name: value})
                has_answered = True
            elif name == "silence":
                has_answered = True
            elif name == "write":
                self.write(fill(value, id).encode() * rest.get("times", 1))
            elif name == "line":
                self.write(fill(json.dumps(value), id).encode() + b"\n")
            elif name == "big":
                self.say({"id": id, "result": {"return_data": "Successful", "raw_data": "x" * value}})
                has_answered = True
            elif name == "fill":
                for _ in range(value):
                    self.write(b"x" * 1_048_576)
            elif name == "ask":
                seen.append(self.receive(self.send(*self.request(value, id))))
            elif name == "ask_many":
                sent = [self.send(*self.request(one, id)) for one in value]
                seen.extend(self.receive(one) for one in sent)
            elif name == "items":
                for _ in range(rest.get("times", 1)):
                    self.say({"method": "invoke/item", "params": {"id": id, "items": value}})
            elif name == "progress":
                self.say({"method": "invoke/progress", "params": {"id": id, "done": value[0], "total": value[1]}})
            elif name == "parallel":
                threads = [threading.Thread(target=self.run, args=(one, message, seen)) for one in value]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            elif name == "until_cancelled":
                while id not in self.cancelled:
                    time.sleep(0.002)
            else:
                result = ACTIONS[name](self, value)
                if seen is not None and result is not None:
                    seen.append(result)
        return has_answered

    def request(self, asked: list[Any], id: Any) -> tuple[str, Any]:
        method, params = asked
        # A file that the arguments do not name.
        if isinstance(params, dict) and "reversed_file_id" in params:
            params = dict(params)
            params["file_id"] = params.pop("reversed_file_id")[::-1]
        return method, ({"invocation": id} | params if isinstance(params, dict) else params)


def fill(text: str, id: Any) -> str:
    return text.replace('"$id"', json.dumps(id))


def await_file(plugin: Plugin, path: str) -> None:
    while not os.path.exists(path):
        time.sleep(0.002)


def touch(plugin: Plugin, path: str) -> None:
    """Adds the process to a file, which is never there without content."""
    new = f"{path}.{os.getpid()}.{threading.get_ident()}"
    with open(new, "w") as file:
        file.write(f"{os.getpid()}\n")
    try:
        os.link(new, path)
    except FileExistsError:
        with open(path, "a") as file:
            file.write(f"{os.getpid()}\n")
    finally:
        os.unlink(new)


def flood_errors(plugin: Plugin, lines: int) -> None:
    for number in range(lines):
        os.write(2, b"flood %d %s\n" % (number, b"e" * 200))


def fork(plugin: Plugin, how: dict[str, Any]) -> int:
    """A process that keeps the pipes."""
    script = "import signal, time\n"
    if how.get("ignores"):
        script += "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    if how.get("floods"):
        script += "while True: print('flood', flush=True)\n"
    script += "while True: time.sleep(60)\n"
    return subprocess.Popen([sys.executable, "-c", script], close_fds=False).pid


def allocate(plugin: Plugin, mebibytes: int) -> str:
    held = []
    for _ in range(mebibytes):
        held.append(bytearray(1_048_576))
    return f"allocated {mebibytes}"


def report(plugin: Plugin, what: str) -> Any:
    if what == "environment":
        return dict(os.environ)
    if what == "descriptors":
        return {name: os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")
                if os.path.exists(f"/proc/self/fd/{name}")}
    if what == "directory":
        return os.getcwd()
    raise ValueError(what)


def close(plugin: Plugin, descriptor: int) -> None:
    os.close(descriptor)


ACTIONS: dict[str, Callable[[Plugin, Any], Any]] = {
    "await": await_file,
    "touch": touch,
    "sleep": lambda plugin, seconds: time.sleep(seconds),
    "errors": flood_errors,
    "stderr": lambda plugin, text: os.write(2, text.encode()) and None,
    "fork": fork,
    "allocate": allocate,
    "report": report,
    "close": close,
    "exit": lambda plugin, status: os._exit(status),
    "kill": lambda plugin, number: os.kill(os.getpid(), number),
    "stop_reading": lambda plugin, _: plugin.may_read.clear(),
    "ignore_signals": lambda plugin, _: signal.signal(signal.SIGTERM, signal.SIG_IGN) and None,
    "hang": lambda plugin, _: threading.Event().wait(),
}


def main() -> None:
    # The memory limit counts the stacks of threads.
    threading.stack_size(262_144)
    behaviour = {}
    if os.path.exists("behaviour.json"):
        with open("behaviour.json") as file:
            behaviour = json.load(file)
    Plugin(behaviour).serve()


if __name__ == "__main__":
    main()
