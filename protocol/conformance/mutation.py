"""Random lines, reproducible by seed."""

from __future__ import annotations

import json
import random
from typing import Any

TEXTS = ["", "a", "é", "\u2028", "😀", '"\\/', "\x00", "ping"]
NUMBERS = [0, -1, 7, 2**63, 2**64 + 1, -(2**70), 1.5, -0.25, 1e300, 5e-324]
SHORT_LINES = [b"", b" ", b"\t", b"\r", b"\r\r", b"{", b"]", b"\xff", b"nul"]
INSERTED = [b'"', b"[", b"}", b"\\", b"\xed\xa0\x80", b"0"]


class Lines:
    """A generator of lines, reproducible by seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def line(self) -> bytes:
        """A request, batch or other value, often damaged; without the line end."""
        shape = self.random.random()
        if shape < 0.02:
            return self.random.choice(SHORT_LINES)
        message = self.call() if shape < 0.85 else [self.call() for _ in range(self.random.randrange(6))]
        text = json.dumps(message, ensure_ascii=self.random.random() < 0.5)
        line = text.encode("utf-8") + self.random.choice([b"", b"", b"\r", b" "])
        return self.mutated(line) if self.random.random() < 0.4 else line

    def value(self, depth: int = 0) -> Any:
        kind = self.random.choice(["null", "bool", "number", "text"] + (["list", "dict"] if depth < 3 else []))
        if kind == "null":
            return None
        if kind == "bool":
            return self.random.random() < 0.5
        if kind == "number":
            return self.random.choice(NUMBERS)
        if kind == "text":
            return self.random.choice(TEXTS)
        values = [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        if kind == "list":
            return values
        return {self.random.choice(["id", "a", "method", "é"]): value for value in values}

    def call(self) -> Any:
        id = self.random.choice([self.random.randrange(10**6), f"é{self.random.random()}", None, 1.5])
        method, params = self.random.choice([
            ("ping", None), ("stats", {}), ("nobody", self.value()), ("capabilities", {"detail": "summary"}),
            ("cancel", {"id": self.value()}), *self.invokes(), ("result", self.value()), ("error", {}),
            ("", self.value())])
        if not method:
            return params
        message = {"jsonrpc": "2.0", "id": id}
        if method in ("result", "error"):
            message[method] = params
        else:
            message["method"] = method
            if params is not None:
                message["params"] = params
        if self.random.random() < 0.2:
            del message["id"]
        return message

    def invokes(self) -> list[Any]:
        page, context = self.random.choice([1, 0, "x"]), self.random.choice([3, 10**9])
        return [("invoke", {"integration": "coda_footprint", **params}) for params in (
            {"command": "list_devices", "arguments": {"page": page}, "options": {"dry_run": True}},
            {"command": "list_tenants"},
            {"command": "get_technical_context", "arguments": {"context_id": context}})]

    def mutated(self, line: bytes) -> bytes:
        data = bytearray(line)
        for _ in range(self.random.randrange(1, 4)):
            at = self.random.randrange(len(data) + 1)
            kind = self.random.randrange(5)
            if kind == 0:
                data[at:at + 1] = bytes([self.random.randrange(256)])
            elif kind == 1:
                del data[at:at + self.random.randrange(8)]
            elif kind == 2:
                data[at:at] = self.random.choice(INSERTED)
            elif kind == 3:
                data[at:at] = data[at:at + 9]
            else:
                del data[at:]
        # A line stays one line.
        return bytes(data).replace(b"\n", b" ")
