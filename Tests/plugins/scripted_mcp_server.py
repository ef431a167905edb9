"""An MCP server that does what `behaviour.json` in its folder says.

- `discover`: "ok" (default), "error", "silent" until `initialize`, or "exit".
- `initialize`: "refuse" for a server of the stateless era only.
- `version`: what `initialize` is answered with; by default what the client asks for.
- `capabilities`: beside `tools`.
- `page_size`: of the list of tools; `tools` replaces the list.

Every message that it gets is appended to `received.jsonl`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

STATELESS = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
OBJECT = {"type": "object"}


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": OBJECT} | more


TOOLS = [
    tool("echo", description="Returns its arguments.", annotations={"readOnlyHint": True}),
    tool("content", description="Returns this content.", inputSchema=OBJECT | {
        "properties": {"content": {"type": "array"}}, "required": ["content"]}),
    tool("fail", annotations={"destructiveHint": True}),
    tool("refuse"),
    tool("environment"),
    tool("slow", annotations={"readOnlyHint": True}),
    tool("ask"),
    tool("change"),
    tool("die"),
]


class Server:
    def __init__(self, behaviour: dict[str, Any]) -> None:
        self.behaviour = behaviour
        self.tools = behaviour.get("tools", TOOLS)
        self.listener: Any = None
        self.is_stateless = False
        self.asked: dict[str, Any] = {}

    def send(self, message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
        sys.stdout.flush()

    def result(self, id: Any, result: dict[str, Any]) -> None:
        self.send({"id": id, "result": ({"resultType": "complete"} if self.is_stateless else {}) | result})

    def error(self, id: Any, code: int, message: str, **more: Any) -> None:
        self.send({"id": id, "error": {"code": code, "message": message} | more})

    def take(self, message: dict[str, Any]) -> None:
        with open("received.jsonl", "a") as file:
            file.write(json.dumps(message) + "\n")
        method, id, params = message.get("method"), message.get("id"), message.get("params") or {}
        if method is None:
            answer = {key: message[key] for key in ("result", "error") if key in message}
            self.result(self.asked.pop(id), {"structuredContent": answer, "content": []})
        elif method == "server/discover":
            self.discover(id)
        elif method == "initialize":
            if self.is_stateless or self.behaviour.get("initialize") == "refuse":
                return self.error(id, -32022, "stateless", data={"supported": [STATELESS]})
            self.result(id, {
                "protocolVersion": self.behaviour.get("version", params["protocolVersion"]),
                "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "scripted", "title": "Scripted server", "version": "1"}})
        elif method == "tools/list":
            self.list(id, int(params.get("cursor", "0")))
        elif method == "tools/call":
            getattr(self, params["name"])(id, params.get("arguments") or {}, params.get("_meta") or {})
        elif method == "subscriptions/listen":
            self.listener = id
        elif id is not None:
            self.error(id, -32601, "Method not found")

    def discover(self, id: Any) -> None:
        how = self.behaviour.get("discover", "ok")
        if how == "ok":
            self.is_stateless = True
            self.result(id, {
                "supportedVersions": self.behaviour.get("supported", [STATELESS]), "ttlMs": 0,
                "cacheScope": "private", "capabilities": {"tools": {"listChanged": True}},
                "_meta": {PREFIX + "serverInfo": {"name": "scripted", "version": "1"}}})
        elif how == "error":
            self.error(id, -32601, "Method not found")
        elif how == "unsupported":
            self.error(id, -32022, "unsupported", data={"supported": ["2031-01-01"]})
        elif how == "exit":
            sys.exit("the first message must be initialize")

    def list(self, id: Any, start: int) -> None:
        size = self.behaviour.get("page_size", 1000)
        page = {"tools": self.tools[start : start + size]}
        if start + size < len(self.tools):
            page["nextCursor"] = str(start + size)
        self.result(id, page)

    # Tools

    def echo(self, id: Any, arguments: dict[str, Any], meta: dict[str, Any]) -> None:
        self.result(id, {
            "content": [{"type": "text", "text": "echo"}], "structuredContent": arguments | {"meta": meta}})

    def content(self, id: Any, arguments: dict[str, Any], meta: Any) -> None:
        self.result(id, {"content": arguments["content"]})

    def fail(self, id: Any, arguments: dict[str, Any], meta: Any) -> None:
        self.result(id, {
            "content": [{"type": "text", "text": arguments.get("text", "no such host")}], "isError": True})

    def refuse(self, id: Any, arguments: dict[str, Any], meta: Any) -> None:
        if "result" in arguments:
            return self.send({"id": id, "result": arguments["result"]})
        self.error(id, arguments["code"], "refused for a reason")

    def environment(self, id: Any, arguments: Any, meta: Any) -> None:
        # What a careless server shows.
        print(dict(os.environ), file=sys.stderr, flush=True)
        found = dict(os.environ) | {"pid": os.getpid()}
        self.result(id, {"content": [{"type": "text", "text": json.dumps(found)}]})

    def slow(self, id: Any, arguments: dict[str, Any], meta: dict[str, Any]) -> None:
        """Sends progress, and answers only if told to."""
        for params in arguments.get("progress", []):
            self.send({"method": "notifications/progress", "params": {
                "progressToken": meta["progressToken"]} | params})
        if arguments.get("answers"):
            self.result(id, {"content": []})

    def ask(self, id: Any, arguments: dict[str, Any], meta: Any) -> None:
        self.asked["question"] = id
        self.send({"id": "question", "method": arguments["method"], "params": {}})

    def change(self, id: Any, arguments: dict[str, Any], meta: Any) -> None:
        self.tools = arguments["tools"]
        params: dict[str, Any] = {}
        if self.is_stateless:
            params = {"_meta": {PREFIX + "subscriptionId": self.listener}}
        if not self.is_stateless or self.listener is not None:
            for _ in range(arguments.get("times", 1)):
                self.send({"method": "notifications/tools/list_changed", "params": params})
        self.result(id, {"content": []})

    def die(self, id: Any, arguments: Any, meta: Any) -> None:
        os._exit(7)


if __name__ == "__main__":
    with open("behaviour.json") as file:
        server = Server(json.load(file))
    for line in sys.stdin:
        server.take(json.loads(line))
