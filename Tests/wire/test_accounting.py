"""Every line has exactly one accounted outcome, whatever is on it."""

from __future__ import annotations

import collections
import json
import random
from typing import Any

import pytest
from host import Host, invoke, request

LINES = 20_000


# What is due for a line, decided without looking at the host.

def members_due(message: Any) -> int:
    """1 for what must be answered, 0 for notifications and what looks like a response."""
    if not isinstance(message, dict):
        return 1
    if "method" not in message and ("result" in message or "error" in message):
        return 0
    well_formed = (
        message.get("jsonrpc") == "2.0" and isinstance(message.get("method"), str)
        and isinstance(message.get("params", []), list | dict))
    return 0 if well_formed and "id" not in message else 1


def refuse(constant: str) -> None:
    raise ValueError(constant)


def due(line: bytes) -> tuple[int, bool]:
    """How many lines must come back, and whether because it is not JSON."""
    line = line.removesuffix(b"\r")
    if not line.strip(b" \t"):
        return 0, False
    try:
        message = json.loads(line.decode("utf-8"), parse_constant=refuse)
    except ValueError:
        return 1, True
    if isinstance(message, list) and message:
        return min(1, sum(members_due(member) for member in message)), False
    return members_due(message), False


# Lines.

class Lines:
    """A generator of lines, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        kinds = ["null", "bool", "int", "float", "text"] + (["list", "dict"] if depth < 3 else [])
        match self.random.choice(kinds):
            case "null": return None
            case "bool": return self.random.random() < 0.5
            case "int": return self.random.choice([0, -1, 7, 2**63, 2**64 + 1, -(2**70)])
            case "float": return self.random.choice([1.5, -0.25, 1e300, 5e-324])
            case "text": return self.random.choice(["", "a", "é", "\u2028", "😀", '"\\/', "\x00", "ping"])
            case "list": return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
            case _: return {
                self.random.choice(["id", "a", "method", "é"]): self.value(depth + 1)
                for _ in range(self.random.randrange(4))}

    def call(self) -> Any:
        id = self.random.choice([self.random.randrange(10**6), f"é{self.random.random()}", None, 1.5])
        message = self.random.choice([
            lambda: request(id, "ping"), lambda: request(id, "stats", {}),
            lambda: request(id, "nobody", self.value()),
            lambda: request(id, "capabilities", {"detail": "summary"}),
            lambda: request(id, "cancel", {"id": self.value()}),
            lambda: invoke(id, "list_devices", {"page": self.random.choice([1, 0, "x"])}, dry_run=True),
            lambda: invoke(id, "list_tenants"),
            lambda: invoke(id, "get_technical_context", {"context_id": self.random.choice([3, 10**9])}),
            lambda: {"jsonrpc": "2.0", "id": id, "result": self.value()},
            lambda: {"jsonrpc": "2.0", "id": id, "error": {}},
            lambda: self.value(),
        ])()
        if isinstance(message, dict) and self.random.random() < 0.2:
            message.pop("id", None)
        return message

    def line(self) -> bytes:
        shape = self.random.random()
        if shape < 0.02:
            return self.random.choice([b"", b" ", b"\t", b"\r", b"\r\r", b"{", b"]", b"\xff", b"nul"])
        message = self.call() if shape < 0.85 else [
            self.call() for _ in range(self.random.randrange(6))]
        text = json.dumps(message, ensure_ascii=self.random.random() < 0.5)
        line = text.encode("utf-8") + self.random.choice([b"", b"", b"\r", b" "])
        return self.mutated(line) if self.random.random() < 0.4 else line

    def mutated(self, line: bytes) -> bytes:
        data = bytearray(line)
        for _ in range(self.random.randrange(1, 4)):
            at = self.random.randrange(len(data) + 1)
            match self.random.randrange(5):
                case 0: data[at:at + 1] = bytes([self.random.randrange(256)])
                case 1: del data[at:at + self.random.randrange(8)]
                case 2: data[at:at] = self.random.choice([b'"', b"[", b"}", b"\\", b"\xed\xa0\x80", b"0"])
                case 3: data[at:at] = data[at:at + 9]
                case _: del data[at:]
        # A line stays one line.
        return bytes(data).replace(b"\n", b" ")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_line_is_answered_exactly_as_often_as_it_is_due(seed):
    source = Lines(seed)
    lines = [source.line() for _ in range(LINES)]
    with Host("--sandbox") as host:
        data = b"\n".join(lines)
        while data:
            size = source.random.choice([1, 100, 5_000, 100_000])
            host.send_bytes(data[:size])
            data = data[size:]
        code, answers = host.finish()
    assert code == 0, host.errors
    expected = [due(line) for line in lines]
    assert len(answers) == sum(count for count, _ in expected)
    not_json = collections.Counter(
        answer["error"]["data"]["line"] for answer in answers
        if isinstance(answer, dict) and answer.get("error", {}).get("code") == -32700)
    assert not_json == collections.Counter(
        number for number, (_, is_not_json) in enumerate(expected, 1) if is_not_json)


def test_the_host_counts_what_it_read_and_answered():
    with Host("--max-line-bytes", "1000") as host:
        host.send(request(1, "ping"), "", "nonsense", "too long" * 1000, {"jsonrpc": "2.0", "method": "ping"}, [1, request(2, "ping")])
        host.read_all(4)
        stats = host.result("stats")
    assert {name: stats[name] for name in ("lines", "results", "errors", "notifications", "in_flight")} == {
        "lines": 6, "results": 2, "errors": 3, "notifications": 1, "in_flight": 0}
