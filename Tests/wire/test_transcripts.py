"""Plays protocol/transcripts, whose grammar is in the README there."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import shlex
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from host import ROOT, Host, parse, request

FOLDER = ROOT / "protocol/transcripts"
TRANSCRIPTS = sorted(FOLDER.glob("*.txt"))
ANYTHING = "…"
STEPS = {"proves", "args", "->", "raw", "<-", "<=", "unordered", "end", "keep", "stderr", "signal", "hang", "eof", "exit"}


@dataclasses.dataclass(frozen=True)
class Step:
    number: int
    word: str
    text: str


class Number(str):
    """A number as its text, so that 1.50 is not 1.5."""


def read_json(text: str) -> Any:
    return json.loads(text, parse_int=Number, parse_float=Number)


def differs(expected: Any, got: Any, place: str = "$") -> str | None:
    """Where and how, or None when it is as expected."""
    if isinstance(expected, str) and not isinstance(expected, Number):
        if expected == ANYTHING:
            return None
        if isinstance(got, str) and not isinstance(got, Number):
            pattern = ".*".join(map(re.escape, expected.split(ANYTHING)))
            if re.fullmatch(pattern, got, re.DOTALL):
                return None
        return f"{place}: expected {expected!r}, got {got!r}"
    if type(expected) is not type(got):
        return f"{place}: expected {expected!r}, got {got!r}"
    if isinstance(expected, list):
        if len(expected) != len(got):
            return f"{place}: expected {len(expected)} elements, got {len(got)}"
        pairs = enumerate(zip(expected, got, strict=True))
        return next(filter(None, (differs(one, other, f"{place}[{at}]") for at, (one, other) in pairs)), None)
    if isinstance(expected, dict):
        names = set(expected) - {ANYTHING}
        if missing := names - set(got):
            return f"{place}: without {sorted(missing)}"
        if (more := set(got) - names) and ANYTHING not in expected:
            return f"{place}: with {sorted(more)} too"
        return next(filter(None, (differs(expected[name], got[name], f"{place}.{name}") for name in names)), None)
    return None if expected == got else f"{place}: expected {expected!r}, got {got!r}"


def steps(path: pathlib.Path) -> list[Step]:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, text = line.partition(" ")
        assert word in STEPS, f"{path.name}:{number}: no step begins with {word!r}"
        found.append(Step(number, word, text))
    return found


def bytes_of(text: str) -> bytes:
    escapes = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}
    pieces = re.split(r"\\(x[0-9a-fA-F]{2}|.)", text)
    data = b""
    for at, piece in enumerate(pieces):
        if at % 2 == 0:
            data += piece.encode()
        else:
            data += bytes([int(piece[1:], 16)]) if piece[0] == "x" else escapes[piece]
    return data


class Player:
    """Plays one transcript against one host."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.steps = steps(path)
        self.silences = 0
        self.kept: dict[str, str] = {}
        self.last_line = b""

    def play(self) -> None:
        rest = list(self.steps)
        arguments: list[str] = []
        while rest and rest[0].word in ("proves", "args"):
            step = rest.pop(0)
            if step.word == "args":
                arguments = shlex.split(step.text)
        with Host(*arguments) as host:
            self.host = host
            remaining = iter(rest)
            for step in remaining:
                try:
                    self.do(step, remaining)
                except AssertionError as error:
                    raise AssertionError(f"{self.path.name}:{step.number}: {error}") from None
            if rest[-1].word != "exit":
                code, more = host.finish()
                assert (code, more) == (0, []), f"{self.path.name}: at its end"

    def filled(self, step: Step) -> Step:
        """With what was kept in the places that are named in it."""
        text = re.sub(r"\$\{(\w+)\}", lambda place: self.kept[place[1]], step.text)
        return dataclasses.replace(step, text=text)

    def keep(self, name: str, pointer: str) -> None:
        value = json.loads(self.last_line)
        for part in pointer.split("/")[1:]:
            value = value[int(part) if isinstance(value, list) else part]
        assert isinstance(value, str), f"{value!r} is no string"
        self.kept[name] = value

    def do(self, step: Step, remaining: Iterator[Step]) -> None:
        step = self.filled(step)
        match step.word:
            case "->": self.host.send(step.text)
            case "raw": self.host.send_bytes(bytes_of(step.text))
            case "<-" if step.text == "nothing": self.expect_silence()
            case "<-" | "<=": self.expect([step])
            case "unordered":
                group = []
                while (inner := next(remaining)).word != "end":
                    group.append(self.filled(inner))
                self.expect(group)
            case "keep": self.keep(*step.text.split())
            case "stderr": self.host.wait_for_log(step.text)
            case "signal": self.host.signal(signal.Signals["SIG" + step.text])
            case "hang": self.host.close_output()
            case "eof": self.host.close_input()
            case "exit":
                assert self.host.exit_code() == int(step.text), f"it ended with {self.host.exit_code()}"
                assert self.host.rest() == []
            case word: raise AssertionError(f"{word} does not stand here")

    def expect(self, group: list[Step]) -> None:
        left = list(group)
        while left:
            line = self.last_line = self.host.read_line()
            parse(line)
            differences = [self.difference(step, line) for step in left]
            assert None in differences, f"{line.decode()}\n" + "\n".join(map(str, differences))
            del left[differences.index(None)]

    @staticmethod
    def difference(step: Step, line: bytes) -> str | None:
        if step.word == "<=":
            return None if line == step.text.encode() else f"expected {step.text}"
        return differs(read_json(step.text), read_json(line.decode()))

    def expect_silence(self) -> None:
        self.silences += 1
        id = f"silence {self.silences}"
        self.host.send(request(id, "ping"))
        answer = self.host.read()
        assert answer == {"jsonrpc": "2.0", "id": id, "result": {}}, f"an answer came: {answer}"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[path.stem for path in TRANSCRIPTS])
def test_the_host_keeps_to_the_transcript(path):
    Player(path).play()


def test_every_paragraph_on_framing_methods_files_and_agents_is_proved_by_a_transcript():
    text = (ROOT / "protocol/README.md").read_text()
    paragraphs = set(re.findall(r"^(\d+\.\d+)\. ", text, re.MULTILINE))
    proved = {
        number for path in TRANSCRIPTS for step in steps(path) if step.word == "proves"
        for number in step.text.split()}
    assert proved <= paragraphs, f"there is no paragraph {sorted(proved - paragraphs)}"
    owed = {number for number in paragraphs if number.split(".")[0] in ("2", "3", "5", "9")}
    assert owed <= proved, f"no transcript proves {sorted(owed - proved)}"


@pytest.mark.parametrize(("expected", "got", "is_equal"), [
    ('{"a":1,"b":2}', '{"b":2,"a":1}', True), ('{"a":1}', '{"a":1.0}', False), ('{"a":"…"}', '{"a":[1]}', True),
    ('{"a":1,"…":"…"}', '{"a":1,"b":2}', True), ('{"a":1}', '{"a":1,"b":2}', False), ('{"a":1}', "{}", False),
    ('"x…z"', '"xyz"', True), ('"x…z"', '"xy"', False), ("[1]", "[1,2]", False), ('["…"]', "[]", False),
    ('"1"', "1", False), ("1", '"1"', False), ("null", "false", False), ("true", "1", False), ('"a.c"', '"abc"', False),
])
def test_comparing_is_as_the_grammar_says(expected, got, is_equal):
    assert (differs(read_json(expected), read_json(got)) is None) == is_equal
