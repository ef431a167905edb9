"""Plays a transcript with a host."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

from comparison import Number, differs, read_json
from expectations import expect_nothing, expect_silence
from faults import Fault, shown
from frames import read_frame
from process import HostProcess, Launch
from transcript import Step, Transcript, bytes_of


def play(transcript: Transcript, launch: Launch) -> None:
    """Raises Fault at the first step that fails; its place is the step's line."""
    with launch(*transcript.arguments) as host:
        Player(host).play(transcript.steps)


class Player:
    """One run of one transcript."""

    def __init__(self, host: HostProcess) -> None:
        self.host = host
        self.silences = 0
        self.kept: dict[str, str] = {}
        self.last_line = b""

    def play(self, steps: tuple[Step, ...]) -> None:
        remaining = iter(steps)
        step = None
        for step in remaining:
            try:
                self.do(step.filled(self.kept), remaining)
            except Fault as fault:
                fault.place = fault.place or f"line {step.number}"
                raise
        if step is None or step.word != "exit":
            try:
                expect_nothing(self.host.finish())
            except Fault as fault:
                fault.place = "the end"
                raise

    def do(self, step: Step, remaining: Iterator[Step]) -> None:
        word, text = step.word, step.text
        if word == "->":
            self.host.send(text)
        elif word == "raw":
            self.host.send_bytes(bytes_of(text))
        elif word == "<-" and text == "nothing":
            self.silences += 1
            expect_silence(self.host, f"silence {self.silences}")
        elif word in ("<-", "<="):
            self.expect([step])
        elif word == "unordered":
            self.expect([one.filled(self.kept) for one in _until_end(remaining)])
        elif word == "keep":
            self.keep(*text.split())
        elif word == "stderr":
            self.host.expect_error_text(text)
        elif word == "signal":
            self.host.signal(signal.Signals["SIG" + text])
        elif word == "hang":
            self.host.close_output()
        elif word == "eof":
            self.host.close_input()
        elif word == "exit":
            expect_nothing(self.host.expect_end(int(text)))

    def expect(self, group: list[Step]) -> None:
        """Reads one line per step, in any order."""
        left = list(group)
        while left:
            self.last_line = self.host.read_line()
            problems = [difference(step, self.last_line) for step in left]
            if None not in problems:
                raise Fault(
                    "\n".join(map(str, problems)), expected="\n".join(step.text for step in left),
                    got=shown(self.last_line), place=f"line {left[0].number}")
            del left[problems.index(None)]

    def keep(self, name: str, pointer: str) -> None:
        value: Any = read_json(self.last_line.decode())
        try:
            for part in pointer.split("/")[1:]:
                value = value[int(part) if isinstance(value, list) else part]
        except (KeyError, IndexError, TypeError):
            value = None
        if not isinstance(value, str) or isinstance(value, Number):
            raise Fault(f"no string at {pointer}", got=shown(self.last_line))
        self.kept[name] = value


def _until_end(steps: Iterator[Step]) -> Iterator[Step]:
    for step in steps:
        if step.word == "end":
            return
        yield step


def difference(step: Step, line: bytes) -> str | None:
    # The step decides whether the message is for an agent.
    frame = read_frame(line, of_agents=True)
    if step.word == "<=":
        return None if line == step.text.encode() else "the line differs"
    return differs(read_json(step.text), frame)
