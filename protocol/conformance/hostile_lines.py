"""Hostile input of one line: tables of lines and the response due for each.

Each table is one case with one host. After every line a ping must be answered, which
shows that the line got one response and that the next line works.
"""

from __future__ import annotations

import dataclasses
from typing import Union

from case import Case
from comparison import Number
from expectations import expect_nothing, expect_silence
from faults import Fault, shown
from frames import read_frame
from messages import BOM, PING, PONG, ping, pong
from process import HostProcess, Launch

MAX_LINE_BYTES = 1000


@dataclasses.dataclass(frozen=True)
class Refused:
    """An error with this code and position; `offset` is None if the protocol does not define the byte.

    - `id`: as JSON.
    """

    code: int
    offset: int | None = None
    id: str = "null"


#: Bytes: exactly this line. Text: JSON as transcripts compare it. None: no response.
Outcome = Union[Refused, bytes, str, None]


@dataclasses.dataclass(frozen=True)
class Table:
    """- `rows`: a name, the line, and the response due."""

    name: str
    about: str
    proves: tuple[str, ...]
    rows: list[tuple[str, bytes, Outcome]]
    arguments: tuple[str, ...] = ()

    def play(self, launch: Launch) -> None:
        with launch(*self.arguments) as host:
            line_number = 0
            for what, line, outcome in self.rows:
                # Lines without a response count too.
                line_number += 1 + line.count(b"\n")
                try:
                    host.send(line)
                    expect_outcome(host, outcome, line_number, len(line))
                    expect_silence(host, f"after {what}")
                except Fault as fault:
                    fault.place = what
                    raise
                line_number += 1
            expect_nothing(host.finish())

    def case(self) -> Case:
        return Case(f"hostile/{self.name}", self.about, self.proves, False, self.play)


def expect_outcome(host: HostProcess, outcome: Outcome, line_number: int, line_bytes: int) -> None:
    if isinstance(outcome, bytes):
        host.expect_line(outcome)
    elif isinstance(outcome, str):
        host.expect(outcome.replace("LINE", str(line_number)))
    elif isinstance(outcome, Refused):
        expect_refusal(host, outcome, line_number, line_bytes)


def expect_refusal(host: HostProcess, refused: Refused, line_number: int, line_bytes: int) -> None:
    offset = '"…"' if refused.offset is None else refused.offset
    line = host.expect(
        f'{{"jsonrpc":"2.0","id":{refused.id},"error":{{"code":{refused.code},"message":"…",'
        f'"data":{{"line":{line_number},"offset":{offset},"…":"…"}},"…":"…"}}}}')
    said = read_frame(line)["error"]["data"]["offset"]
    if refused.offset is None and not (isinstance(said, Number) and said.isdigit() and int(said) <= line_bytes):
        raise Fault(f"the offset {said} is outside the line of {line_bytes} bytes", got=shown(line))


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """A request with this nesting depth, for an unknown method."""
    inner = depth - 1
    value = opening * inner + closing * inner if opening == b"[" else opening * inner + b"1" + closing * inner
    return b'{"jsonrpc":"2.0","id":1,"method":"nobody","params":%s}' % value


UNKNOWN_METHOD = '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"…":"…"}}'
INVALID_PARAMS = '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"…":"…"}}'

BAD_UTF8 = [
    ("a byte that is never UTF-8", b'{"jsonrpc":"2.0","id":"\xff"}', Refused(-32700, 23)),
    ("an overlong slash", b'"a\xc0\xaf"', Refused(-32700, 2)),
    ("an overlong NUL outside of strings", b"\xc0\x80", Refused(-32700, 0)),
    ("an overlong sequence of three bytes", b'"a\xe0\x80\x80"', Refused(-32700, 2)),
    ("a surrogate", b'"a\xed\xa0\x80"', Refused(-32700, 2)),
    ("a pair of surrogates", b'"a\xed\xa0\xbd\xed\xb8\x80"', Refused(-32700, 2)),
    ("a sequence that ends early", b'"a\xe2\x82"', Refused(-32700, 2)),
    ("a sequence that the line ends in", b'"a\xf0\x9f\x98', Refused(-32700, None)),
    ("a continuation without a start", b'"a\x80"', Refused(-32700, 2)),
    ("a character beyond Unicode", b'"a\xf4\x90\x80\x80"', Refused(-32700, 2)),
    ("Latin-1", b'{"jsonrpc":"2.0","id":"caf\xe9","method":"ping"}', Refused(-32700, 26)),
    ("UTF-16", '{"id":1}'.encode("utf-16-le").replace(b"\n", b""), Refused(-32700, None)),
]

BROKEN_JSON = [
    ("garbage", b"hello", Refused(-32700, 0)),
    ("HTTP", b"GET / HTTP/1.1", Refused(-32700, 0)),
    ("a word that begins like a literal", b"nul", Refused(-32700)),
    ("an object without its end", b'{"jsonrpc":"2.0","id":1', Refused(-32700, 23)),
    ("a string without its end", b'{"jsonrpc":"2.0","method":"pi', Refused(-32700)),
    ("an escape without its end", b'{"jsonrpc":"2.0","method":"\\u00', Refused(-32700)),
    ("text behind the value", PING + b" x", Refused(-32700, len(PING) + 1)),
    ("two values on a line", PING + PING, Refused(-32700, len(PING))),
    ("a batch without its end", b"[" + PING, Refused(-32700, len(PING) + 1)),
    ("a comma at the end", b'{"jsonrpc":"2.0",}', Refused(-32700, 17)),
    ("a comment", b"/* */" + PING, Refused(-32700, 0)),
    ("single quotes", b"{'jsonrpc':'2.0'}", Refused(-32700, 1)),
    ("a control character in a string", b'{"jsonrpc":"2\x01"}', Refused(-32700, 13)),
    ("a tab in a string", b'{"jsonrpc":"2\t"}', Refused(-32700, 13)),
    ("an unknown escape", b'{"jsonrpc":"\\x"}', Refused(-32700)),
    ("NaN", b'{"jsonrpc":NaN}', Refused(-32700, 11)),
    ("Infinity", b'{"id":-Infinity}', Refused(-32700)),
    ("a leading zero", b'{"id":01}', Refused(-32700)),
    ("a leading plus", b'{"id":+1}', Refused(-32700, 6)),
    ("a number that ends in a point", b'{"id":1.}', Refused(-32700)),
    ("a number in hexadecimal", b'{"id":0x10}', Refused(-32700)),
    ("a second byte order mark", BOM + PING, Refused(-32700)),
    ("white space that is none of JSON", "\u00a0".encode() + PING, Refused(-32700, 0)),
]

NUL_BYTES = [
    ("alone", b"\x00", Refused(-32700, 0)),
    ("before a request", b"\x00" + PING, Refused(-32700, 0)),
    ("behind a request", PING + b"\x00", Refused(-32700, len(PING))),
    ("in a string", b'{"jsonrpc":"2.0","id":"a\x00b"}', Refused(-32700, 24)),
    ("many", b"\x00" * 5000, Refused(-32700, 0)),
    ("escaped in an id", ping('"a\\u0000b"'), pong('"a\\u0000b"')),
    ("escaped in a method", b'{"jsonrpc":"2.0","id":1,"method":"ping\\u0000"}', UNKNOWN_METHOD),
]

TOO_DEEP = [
    ("512 nested arrays and objects", nested(512), UNKNOWN_METHOD),
    ("513 nested arrays and objects", nested(513), Refused(-32700, 562)),
    ("513 nested objects", nested(513, b'{"a":', b"}"), Refused(-32700)),
    ("100,000 arrays", b"[" * 100_000, Refused(-32700, 512)),
    ("100,000 arrays with their ends", b"[" * 100_000 + b"]" * 100_000, Refused(-32700, 512)),
    ("100,000 objects", b'{"a":' * 100_000, Refused(-32700)),
    ("alternating arrays and objects", b'[{"a":' * 50_000, Refused(-32700)),
]

TOO_LONG = [
    ("as long as allowed", PING.ljust(MAX_LINE_BYTES), pong("1")),
    ("as long as allowed, and CR LF", PING.ljust(MAX_LINE_BYTES) + b"\r", pong("1")),
    ("a byte too long", PING.ljust(MAX_LINE_BYTES + 1), Refused(-32600, MAX_LINE_BYTES)),
    ("a request that is too long", ping('"%s"' % ("x" * 2000)), Refused(-32600, MAX_LINE_BYTES)),
    ("a thousand times too long", b"x" * 1_000_000, Refused(-32600, MAX_LINE_BYTES)),
    ("too long, and no UTF-8", b"\xff" * 2000, Refused(-32600, MAX_LINE_BYTES)),
    ("blanks that are too long", b" " * 2000, Refused(-32600, MAX_LINE_BYTES)),
]

WRONG_ENVELOPE = [
    ("a string", b'"ping"', Refused(-32600, 0)),
    ("a number", b"17", Refused(-32600, 0)),
    ("null", b"null", Refused(-32600, 0)),
    ("a number behind blanks", b"  17", Refused(-32600, 2)),
    ("an empty object", b"{}", Refused(-32600, 0)),
    ("no version", b'{"id":1,"method":"ping"}', Refused(-32600, 0, "1")),
    ("another version", b'{"jsonrpc":"1.0","id":1,"method":"ping"}', Refused(-32600, 11, "1")),
    ("a version that is a number", b'{"jsonrpc":2.0,"id":1,"method":"ping"}', Refused(-32600, 11, "1")),
    ("a method that is a number", b'{"jsonrpc":"2.0","id":1,"method":7}', Refused(-32600, 33, "1")),
    ("a method that is null", b'{"jsonrpc":"2.0","id":1,"method":null}', Refused(-32600, 33, "1")),
    ("no method", b'{"jsonrpc":"2.0","id":1}', Refused(-32600, 0, "1")),
    ("params that are a string", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":"a"}', Refused(-32600, 49, "1")),
    ("params that are null", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', Refused(-32600, 49, "1")),
    ("an id that is true", ping("true"), Refused(-32600, 22)),
    ("an id that is an array", ping("[1]"), Refused(-32600, 22)),
    ("an id that is an object", ping('{"a":1}'), Refused(-32600, 22)),
    ("a bad request that has no id", b'{"jsonrpc":"2.0","method":7}', Refused(-32600, 26)),
    ("an unknown method", b'{"jsonrpc":"2.0","id":1,"method":"nobody"}', UNKNOWN_METHOD),
    ("a method in capitals", b'{"jsonrpc":"2.0","id":1,"method":"PING"}', UNKNOWN_METHOD),
    ("an empty method", b'{"jsonrpc":"2.0","id":1,"method":""}', UNKNOWN_METHOD),
    ("a method of a megabyte", b'{"jsonrpc":"2.0","id":1,"method":"%s"}' % (b"x" * 1_000_000), UNKNOWN_METHOD),
]

IDS = [(text[:40], ping(text), pong(text)) for text in [
    "1", "0", "-0", "-7", "1.50", "1.0", "1e2", "1E+2", "-1.5e-3", "18446744073709551617", "9007199254740993",
    "123456789012345678901234567890.000", "1e400", "0.1e-400", "9" * 1000, '"a"', '""', r'"\u00e9"', '"é"', r'"\/"',
    r'"\ud83d\ude00"', '"😀"', r'"\n"', r'"\u0061"', '"1"', "null", '"%s"' % ("x" * 100_000),
]]

LONE_SURROGATES = [
    ("high, in an id", ping(r'"\ud800"'), pong(r'"\ud800"')),
    ("low, in an id", ping(r'"\udc00x"'), pong(r'"\udc00x"')),
    ("the wrong way round, in a method", rb'{"jsonrpc":"2.0","id":1,"method":"\udc00\ud800"}', UNKNOWN_METHOD),
    ("in a name of params", rb'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"\ud800":1}}', INVALID_PARAMS),
    ("in a value", rb'{"jsonrpc":"2.0","id":1,"method":"capabilities","params":{"integration":"\ud800x"}}',
     INVALID_PARAMS),
]

LINE_ENDS = [
    ("LF", PING, pong("1")),
    ("CR LF", PING + b"\r", pong("1")),
    ("an empty line", b"", None),
    ("only CR LF", b"\r", None),
    ("blanks and tabs", b" \t ", None),
    ("many empty lines", b"\n" * 1000, None),
    ("blanks around a request", b" \t" + PING + b" \t", pong("1")),
    ("CR inside, as white space", b'{\t"jsonrpc" : "2.0",\r"id":1 , "method":"ping"}', pong("1")),
    ("U+2028 as a line end", PING + "\u2028".encode() + PING, Refused(-32700, len(PING))),
    ("U+0085 as a line end", PING + "\u0085".encode() + PING, Refused(-32700, len(PING))),
    ("form feed as a line end", PING + b"\x0c" + PING, Refused(-32700, len(PING))),
    ("CR as a line end", PING + b"\r" + PING, Refused(-32700, len(PING) + 1)),
]

ESCAPED_LINE_ENDS = [
    (f"U+{ord(character):04X} in {where}", line.replace("?", character).encode(), outcome)
    for character in "\u0085\u2028\u2029"
    for where, line, outcome in [
        ("an id", '{"jsonrpc":"2.0","id":"a?b","method":"ping"}', pong(f'"a\\u{ord(character):04x}b"')),
        ("a method", '{"jsonrpc":"2.0","id":1,"method":"a?b"}', UNKNOWN_METHOD),
        ("params", '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a?b":1}}', INVALID_PARAMS),
    ]
]

DUPLICATED_MEMBERS = [
    ("id", b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', pong("2")),
    ("an id that is none, and one", b'{"jsonrpc":"2.0","id":[],"id":2,"method":"ping"}', pong("2")),
    ("an id, and one that is none", b'{"jsonrpc":"2.0","id":2,"id":[],"method":"ping"}', Refused(-32600, 29)),
    ("method", b'{"jsonrpc":"2.0","id":1,"method":"nobody","method":"ping"}', pong("1")),
    ("method, the other way", b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"nobody"}', UNKNOWN_METHOD),
    ("jsonrpc", b'{"jsonrpc":"1.0","jsonrpc":"2.0","id":1,"method":"ping"}', pong("1")),
    ("params", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1},"params":{}}', pong("1")),
    ("a name that is escaped once", b'{"jsonrpc":"2.0","id":1,"\\u0069d":3,"method":"ping"}', pong("3")),
    ("10,000 ids", b'{"jsonrpc":"2.0",%s"id":7,"method":"ping"}' % (b'"id":1,' * 10_000), pong("7")),
]

UNANSWERED = [
    ("a notification", b'{"jsonrpc":"2.0","method":"ping"}', None),
    ("a notification of an unknown method", b'{"jsonrpc":"2.0","method":"nobody"}', None),
    ("a notification with unknown params", b'{"jsonrpc":"2.0","method":"ping","params":{"a":1}}', None),
    ("a notification with params by place", b'{"jsonrpc":"2.0","method":"ping","params":[1]}', None),
    ("an invoke without an id", b'{"jsonrpc":"2.0","method":"invoke"}', None),
    ("a response with a result", b'{"jsonrpc":"2.0","id":1,"result":{}}', None),
    ("a response with an error", b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}', None),
    ("a response to an id that came before", b'{"jsonrpc":"2.0","id":"after a notification","result":{}}', None),
    ("a response without a version", b'{"id":1,"result":null}', None),
    ("a response with id null", b'{"jsonrpc":"2.0","id":null,"error":{}}', None),
    ("a batch of responses", b'[{"jsonrpc":"2.0","id":1,"result":{}}]', None),
    ("a batch of notifications", b'[{"jsonrpc":"2.0","method":"ping"},{"jsonrpc":"2.0","method":"nobody"}]', None),
    ("a batch of both", b'[{"jsonrpc":"2.0","method":"ping"},{"jsonrpc":"2.0","id":1,"result":1}]', None),
]

BAD_MEMBER = '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"…","data":{"line":LINE,"…":"…"}}}'

BATCHES = [
    ("empty", b"[]", Refused(-32600, 0)),
    ("empty, with blanks", b"  [ ]", Refused(-32600, 2)),
    ("of a number", b"[1]", f"[{BAD_MEMBER}]"),
    ("of things that are no requests", b'[1,"a",null,{}]', "[%s]" % ",".join([BAD_MEMBER] * 4)),
    ("in a batch", b"[[%s]]" % PING, f"[{BAD_MEMBER}]"),
    ("empty, in a batch", b"[[]]", f"[{BAD_MEMBER}]"),
    ("of one", b"[%s]" % PING, b"[%s]" % PONG),
    ("a request among notifications",
     b'[{"jsonrpc":"2.0","method":"ping"},%s,{"jsonrpc":"2.0","method":"ping"}]' % PING, b"[%s]" % PONG),
    ("without its end", b"[%s,%s" % (PING, PING), Refused(-32700)),
    ("of 10,001", b"[%s]" % b",".join([PING] * 10_001), Refused(-32600, None)),
]

TABLES = [
    Table("bad-utf-8", "Lines that are not UTF-8 are refused at the position of the error.", ("2.1", "2.5"), BAD_UTF8),
    Table("broken-json", "Truncated and malformed JSON is refused, never guessed.",
          ("2.1", "2.5"), BROKEN_JSON),
    Table("nul-bytes", "NUL bytes do not end a text and do not hide what follows.", ("2.4", "2.5"), NUL_BYTES),
    Table("too-deep", "Deep nesting is refused at a depth of 513, without a crash.", ("2.5",), TOO_DEEP),
    Table("too-long", "A line above the limit is refused, at any length.", ("2.1", "2.5"), TOO_LONG,
          ("--max-line-bytes", str(MAX_LINE_BYTES))),
    Table("wrong-envelope", "JSON that is not a request is refused, with the id if it is known.",
          ("2.5",), WRONG_ENVELOPE),
    Table("ids", "Huge and odd ids are returned as the text they arrived in.", ("2.4",), IDS),
    Table("lone-surrogates", "Lone surrogates are echoed escaped and never become bad UTF-8.",
          ("2.2", "2.4"), LONE_SURROGATES),
    Table("line-ends", "Only LF ends a line, with or without CR.", ("2.1",), LINE_ENDS),
    Table("escaped-line-ends", "Characters that some readers treat as line ends are escaped in frames.",
          ("2.2",), ESCAPED_LINE_ENDS),
    Table("duplicated-members", "Of duplicate members the last counts.",
          ("2.4",), DUPLICATED_MEMBERS),
    Table("unanswered", "Notifications and lines shaped like responses get no response.", ("2.6",), UNANSWERED),
    Table("batches", "Empty, nested, invalid and oversized batches have one outcome each.",
          ("2.3", "2.5"), BATCHES),
]
