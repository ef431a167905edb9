"""The protocol without I/O."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from sallyport.dialogue import BrokenFrame, Dialogue, encode_params
from sallyport.errors import HostClosed, SallyportError

LINES = (
    b'{"jsonrpc":"2.0","method":"invoke/item","params":{"id":1,"seq":0,"item":"\xc3\xa4"}}\n'
    b'{"jsonrpc":"2.0","method":"health/changed","params":{"connection":"c"}}\n'
    b'{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"no"}}\n'
    b'{"jsonrpc":"2.0","id":1,"result":{"return_data":"Successful"}}\n'
)


class Notes:
    """A receiver that writes down what comes."""

    def __init__(self, name: str, log: list[Any]) -> None:
        self._name = name
        self._log = log

    def answered(self, message: Mapping[str, Any]) -> None:
        self._log.append((self._name, "error" if "error" in message else "result"))

    def notified(self, method: str, params: Mapping[str, Any]) -> None:
        self._log.append((self._name, method, params["item"]))

    def failed(self, error: SallyportError) -> None:
        self._log.append((self._name, type(error)))


def dialogue() -> tuple[Dialogue, list[Any]]:
    log: list[Any] = []
    made = Dialogue(lambda method, params: log.append((method, params["connection"])))
    for name in ("one", "two"):
        made.open("invoke", encode_params({}), Notes(name, log))
    return made, log


@pytest.mark.parametrize("cut", range(len(LINES)))
def test_lines_may_be_cut_anywhere(cut: int) -> None:
    made, log = dialogue()
    assert made.receive(LINES[:cut]) + made.receive(LINES[cut:]) == 2
    assert log == [
        ("one", "invoke/item", "ä"),
        ("health/changed", "c"),
        ("two", "error"),
        ("one", "result"),
    ]
    assert made.in_flight == 0


def test_a_byte_at_a_time_is_enough() -> None:
    made, log = dialogue()
    assert sum(made.receive(bytes([byte])) for byte in LINES) == 2
    assert len(log) == 4


def test_a_request_is_one_line_of_ascii() -> None:
    made, _ = dialogue()
    id, line = made.open("in\nvoke", encode_params({"text": "ä\n\u2028"}), Notes("three", []))
    assert id == 3
    expected = (
        b'{"jsonrpc":"2.0","id":3,"method":"in\\nvoke","params":{"text":"\\u00e4\\n\\u2028"}}\n'
    )
    assert line == expected


def test_unanswered_calls_fail_with_their_own_error_at_eof() -> None:
    made, log = dialogue()
    errors = itertools.count()
    made.end(lambda: HostClosed(next(errors)))
    assert log == [("one", HostClosed), ("two", HostClosed)] and next(errors) == 2
    assert made.receive(LINES[LINES.index(b'{"jsonrpc":"2.0","id":2') :]) == 0


@pytest.mark.parametrize("line", [b"\n", b"nonsense\n", b"\xff\n", b"3\n", b'{"a":}\n'])
def test_invalid_message_is_an_error(line: bytes) -> None:
    made, _ = dialogue()
    with pytest.raises(BrokenFrame):
        made.receive(line)
