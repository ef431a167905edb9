"""Framing: lines in and out, errors of invalid lines, and ids in responses."""

from __future__ import annotations

import json

import pytest
from Support.host import Host, invoke, line, parse, request, run

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
PONG = b'{"jsonrpc":"2.0","id":1,"result":{}}'
BOM = b"\xef\xbb\xbf"
MEBIBYTE = 1024 * 1024


def ping(id: str) -> bytes:
    """With the id as source text."""
    return b'{"jsonrpc":"2.0","id":%s,"method":"ping"}' % id.encode()


def nested(depth: int) -> bytes:
    """A request of so many nested containers, for a method that nobody has."""
    arrays = depth - 1
    return b'{"jsonrpc":"2.0","id":1,"method":"nobody","params":%s%s}' % (b"[" * arrays, b"]" * arrays)


@pytest.mark.parametrize("input", [
    pytest.param(PING + b"\n", id="LF"),
    pytest.param(PING + b"\r\n", id="CR LF"),
    pytest.param(PING, id="no line end at the end"),
    pytest.param(PING + b"\r", id="a lone CR at the end"),
    pytest.param(b"\n\n\r\n" + PING + b"\n\n", id="empty lines around it"),
    pytest.param(b"  \t \n\t\r\n" + PING, id="lines of blanks before it"),
    pytest.param(b" \t" + PING + b" \t\n", id="blanks around it"),
    pytest.param(BOM + PING + b"\n", id="a byte order mark"),
    pytest.param(BOM + b"\n" + PING + b"\n", id="a line of only a byte order mark"),
    pytest.param(BOM + b"\r\n" + PING + b"\r\n", id="a byte order mark and CR LF"),
    pytest.param(b'{\t"jsonrpc" : "2.0",\r"id":1 , "method":"ping"}\n', id="white space inside"),
])
def test_request_is_one_line_with_any_line_end(input):
    ended = run("serve", input=input)
    assert (ended.code, ended.output) == (0, PONG + b"\n")


@pytest.mark.parametrize("input", [b"", b"\n", b"\r\n\r\n", b" ", BOM, BOM + b"\n", b"\n \n\t\n"])
def test_input_without_a_request_is_no_fault(input):
    ended = run("serve", input=input)
    assert (ended.code, ended.output) == (0, b"")


@pytest.mark.parametrize("text", [
    "1", "0", "-0", "-7", "1.50", "1.0", "1e2", "1E+2", "18446744073709551617",
    "123456789012345678901234567890.000", '"a"', '""', r'"\u00e9"', '"é"', r'"\/"', r'"\ud83d\ude00"',
    '"😀"', r'"\ud800"', r'"\n"', "null",
])
def test_id_is_returned_with_its_original_text(text):
    ended = run("serve", input=ping(text) + b"\n")
    assert ended.output == b'{"jsonrpc":"2.0","id":%s,"result":{}}\n' % text.encode()


@pytest.mark.parametrize("text", ["true", "false", "[]", "[1]", "{}", '{"a":1}'])
def test_an_id_of_another_type_is_refused_with_id_null(text):
    (answer,) = run("serve", input=ping(text)).answers
    assert answer["id"] is None and answer["error"]["code"] == -32600
    assert answer["error"]["data"] == {"line": 1, "offset": ping(text).index(b'"id":') + 5}


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\u0085"])
def test_unicode_line_ends_are_escaped(character):
    with Host() as host:
        text = f"a{character}b"
        host.send(json.dumps(request(text, "ping"), ensure_ascii=False))
        frame = host.read_line()
        assert frame == b'{"jsonrpc":"2.0","id":"a\\u%04xb","result":{}}' % ord(character)
        assert parse(frame)["id"] == text
        host.send(json.dumps(request(2, text), ensure_ascii=False))
        frame = host.read_line()
        assert character.encode() not in frame
        assert parse(frame)["error"]["data"]["method"] == text


def test_pretty_printed_vendor_body_is_returned_on_one_line(vendor):
    vendor.body = '[\r\n  {"id": 1.50, "name": "a\u2028b\u2029c\u0085d"},\n\n\t{}\n]\n'.encode()
    vendor.open()
    with Host() as host:
        host.send(invoke(1, "list_tenants", connection=vendor.connection))
        frame = host.read_line()
        assert parse(frame)["result"]["raw_data"] == json.loads(vendor.body)
        assert b'"id":1.50' in frame.replace(b" ", b"")
        assert host.finish() == (0, [])


# Invalid requests.

BAD_LINES = [
    # what it is, the line, code, offset
    ("garbage", b"hello", -32700, 0),
    ("a word that begins like a literal", b"nul", -32700, 0),
    ("an unfinished object", b'{"jsonrpc":"2.0","id":1', -32700, 23),
    ("text after the value", PING + b" x", -32700, len(PING) + 1),
    ("two values on a line", PING + PING, -32700, len(PING)),
    ("a comma at the end", b'{"jsonrpc":"2.0",}', -32700, 17),
    ("single quotes", b"{'jsonrpc':'2.0'}", -32700, 1),
    ("a control character in a string", b'{"jsonrpc":"2\x01"}', -32700, 13),
    ("a NUL byte", b'\x00{"jsonrpc":"2.0"}', -32700, 0),
    ("an unknown escape", b'{"jsonrpc":"\\x"}', -32700, None),
    ("not a number", b'{"jsonrpc":NaN}', -32700, 11),
    ("a leading zero", b'{"id":01}', -32700, None),
    ("bad UTF-8", b'{"jsonrpc":"2.0","id":"\xff"}', -32700, 23),
    ("bad UTF-8 outside of strings", b"\xc0\x80", -32700, 0),
    ("an overlong sequence", b'"a\xc0\xaf"', -32700, 2),
    ("a surrogate in UTF-8", b'"a\xed\xa0\x80"', -32700, 2),
    ("UTF-8 that ends early", b'"a\xe2\x82"', -32700, 2),
    ("a byte beyond Unicode", b'"a\xf4\x90\x80\x80"', -32700, 2),
    ("a second byte order mark", BOM + BOM + PING, -32700, None),
    ("100,000 nested arrays", b"[" * 100_000, -32700, 512),
    ("513 nested containers", nested(513), -32700, nested(513).index(b"[") + 511),
    ("a string", b'"ping"', -32600, 0),
    ("a number", b"17", -32600, 0),
    ("null", b"null", -32600, 0),
    ("a number after blanks", b"  17", -32600, 2),
    ("an empty object", b"{}", -32600, 0),
    ("an empty batch", b"[]", -32600, 0),
    ("no version", b'{"id":1,"method":"ping"}', -32600, 0),
    ("another version", b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600, 11),
    ("a version that is a number", b'{"jsonrpc":2.0,"id":1,"method":"ping"}', -32600, 11),
    ("a method that is a number", b'{"jsonrpc":"2.0","id":1,"method":7}', -32600, 33),
    ("a method that is null", b'{"jsonrpc":"2.0","id":1,"method":null}', -32600, 33),
    ("no method", b'{"jsonrpc":"2.0","id":1}', -32600, 0),
    ("params that are a string", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":"a"}', -32600, 49),
    ("params that are null", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', -32600, 49),
]


@pytest.mark.parametrize(
    ("bad", "code", "offset"), [row[1:] for row in BAD_LINES], ids=[row[0] for row in BAD_LINES])
def test_bad_line_gets_one_error_with_its_position_and_the_next_line_works(bad, code, offset):
    ended = run("serve", input=b"\n" + (BOM + bad if bad.startswith(BOM) else bad) + b"\n" + PING + b"\n")
    error, pong = ended.answers
    assert ended.code == 0 and pong["result"] == {}
    assert error["error"]["code"] == code
    assert error["error"]["data"]["line"] == 2
    if offset is not None:
        assert error["error"]["data"]["offset"] == offset
    # The id is known where the envelope is wrong but the id is there.
    assert error["id"] == (1 if code == -32600 and b'"id":1' in bad else None)


@pytest.mark.parametrize(("bad", "offset"), [
    ('{"jsonrpc":"2.0","id":"é","method":"ping"', 42), ('{"a":"ééé" x}', 14),
])
def test_offsets_count_bytes_and_not_characters(bad, offset):
    (answer,) = run("serve", input=bad.encode()).answers
    assert answer["error"]["data"]["offset"] == offset


def test_512_nested_containers_are_read():
    (answer,) = run("serve", input=nested(512)).answers
    assert (answer["id"], answer["error"]["code"]) == (1, -32601)


def test_lone_surrogates_reach_no_output_as_bad_utf8():
    lines = [rb'{"jsonrpc":"2.0","id":1,"method":"\udc00\ud800"}',
             rb'{"jsonrpc":"2.0","id":2,"method":"invoke","params":{"integration":"\ud800x"}}']
    ended = run("serve", input=b"\n".join(lines))
    assert [answer["id"] for answer in ended.answers] == [1, 2]


@pytest.mark.parametrize(("text", "expected"), [
    (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', (2, "result")),
    (b'{"jsonrpc":"2.0","id":1,"method":"nobody","method":"ping"}', (1, "result")),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"nobody"}', (1, "error")),
    (b'{"jsonrpc":"1.0","jsonrpc":"2.0","id":1,"method":"ping"}', (1, "result")),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1},"params":{}}', (1, "result")),
    (b'{"jsonrpc":"2.0","id":1,"\\u0069d":3,"method":"ping"}', (3, "result")),
])
def test_of_duplicate_members_the_last_one_counts(text, expected):
    (answer,) = run("serve", input=text).answers
    assert (answer["id"], list(answer)[2]) == expected


def test_unknown_members_of_the_envelope_are_passed_over():
    (answer,) = run("serve", input=[request(1, "ping") | {"meta": {"a": [1]}}]).answers
    assert answer["result"] == {}


# Long lines.

@pytest.mark.parametrize(("bytes_", "end", "is_read"), [
    (64, b"\n", True), (64, b"\r\n", True), (64, b"", True), (64, b"\r", True),
    (65, b"\n", False), (65, b"\r\n", False), (65, b"", False), (66, b"\n", False), (67, b"\n", False),
    (64 * 1024, b"\n", False),
])
def test_the_limit_of_a_line_does_not_count_its_end(bytes_, end, is_read):
    ended = run("serve", "--max-line-bytes", "64", input=PING.ljust(bytes_) + end)
    (answer,) = ended.answers
    if is_read:
        assert answer["result"] == {}
    else:
        assert (answer["id"], answer["error"]["code"]) == (None, -32600)
        assert answer["error"]["data"]["line"] == 1
        assert answer["error"]["data"]["offset"] == 64


@pytest.mark.parametrize("mebibytes", [33, 200])
def test_a_line_beyond_32_mebibytes_is_refused_in_bounded_memory(mebibytes):
    with Host() as host:
        piece = b"x" * MEBIBYTE
        for _ in range(mebibytes):
            host.send_bytes(piece)
        host.send_bytes(b"\n")
        answer = host.read()
        assert (answer["id"], answer["error"]["code"]) == (None, -32600)
        assert answer["error"]["data"]["line"] == 1
        assert answer["error"]["data"]["offset"] == 32 * MEBIBYTE
        assert host.ask(request(2, "ping"))["result"] == {}
        assert host.peak_memory_bytes < 128 * MEBIBYTE
        assert host.finish() == (0, [])


def test_a_line_of_exactly_32_mebibytes_is_read():
    (answer,) = run("serve", input=PING.ljust(32 * MEBIBYTE) + b"\r\n").answers
    assert answer["result"] == {}


# Pieces.

MESSAGES = (
    ping('"é\\u00e9"') + b"\r\n\n" + b'{"a":"\xff"}\n' + ping("1.50") + b"\n"
    + b'[{"jsonrpc":"2.0","id":3,"method":"ping"},7]\r\n' + ping("4") + b"\n")
#: In any order: an answer may overtake that of a batch, or the other way round.
ANSWERS = sorted([
    '{"jsonrpc":"2.0","id":"é\\u00e9","result":{}}'.encode(),
    b'{"jsonrpc":"2.0","id":1.50,"result":{}}', b'{"jsonrpc":"2.0","id":4,"result":{}}',
    # Of errors the place is compared, not the words.
    (-32700, {"line": 3, "offset": 6}), ({}, -32600),
], key=str)


def expect_answers_to_messages(host: Host, line_offset: int = 0) -> None:
    def essence(frame: bytes):
        message = parse(frame)
        if isinstance(message, list):
            return tuple(one.get("result", one.get("error", {}).get("code")) for one in message)
        if "result" in message:
            return frame
        place = message["error"]["data"]
        return message["error"]["code"], place | {"line": place["line"] - line_offset}

    assert sorted((essence(host.read_line()) for _ in ANSWERS), key=str) == ANSWERS


def test_messages_split_at_every_point_are_answered_alike():
    with Host() as host:
        for split in range(len(MESSAGES) + 1):
            host.send_bytes(MESSAGES[:split])
            host.wait_until_input_is_read()
            host.send_bytes(MESSAGES[split:])
            expect_answers_to_messages(host, line_offset=split * MESSAGES.count(b"\n"))
        assert host.finish() == (0, [])


def test_messages_that_come_byte_by_byte_are_answered_alike():
    with Host() as host:
        for byte in BOM + MESSAGES:
            host.send_bytes(bytes([byte]))
            host.wait_until_input_is_read()
        expect_answers_to_messages(host)
        assert host.finish() == (0, [])


def test_a_request_is_answered_before_the_next_line_is_complete():
    with Host() as host:
        host.send_bytes(PING + b"\n" + PING[:10])
        assert host.read_line() == PONG
        host.send_bytes(PING[10:] + b"\n")
        assert host.read_line() == PONG


def test_many_requests_in_one_piece_are_answered_once_each():
    count = 20_000
    ended = run("serve", input=b"".join(line(request(id, "ping")) for id in range(count)))
    assert [answer["id"] for answer in ended.answers] == list(range(count))


# What is not answered.

SILENT = [
    ("a notification", {"jsonrpc": "2.0", "method": "ping"}),
    ("a notification of an unknown method", {"jsonrpc": "2.0", "method": "nobody"}),
    ("a notification with bad params", {"jsonrpc": "2.0", "method": "ping", "params": [1]}),
    ("an invoke without an id that is refused", {"jsonrpc": "2.0", "method": "invoke"}),
    ("an invoke without an id and a bad argument", {
        "jsonrpc": "2.0", "method": "invoke",
        "params": {"integration": "coda_footprint", "command": "list_devices", "arguments": {"page": 0}}}),
    ("a dry run without an id", {
        "jsonrpc": "2.0", "method": "invoke",
        "params": {"integration": "coda_footprint", "command": "list_devices", "options": {"dry_run": True}}}),
    ("a response with a result", {"jsonrpc": "2.0", "id": 1, "result": {}}),
    ("a response with an error", {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": ""}}),
    ("a response without a version", {"id": 1, "result": None}),
    ("a response with id null", {"jsonrpc": "2.0", "id": None, "error": {}}),
    ("a batch of responses", [{"jsonrpc": "2.0", "id": 1, "result": {}}]),
    ("a batch of notifications", [{"jsonrpc": "2.0", "method": "ping"}, {"jsonrpc": "2.0", "method": "nobody"}]),
    ("a batch of notifications and responses", [
        {"jsonrpc": "2.0", "method": "cancel", "params": {"id": 9}}, {"jsonrpc": "2.0", "id": 1, "result": 1}]),
]


@pytest.mark.parametrize("message", [row[1] for row in SILENT], ids=[row[0] for row in SILENT])
def test_notifications_get_no_response(message):
    ended = run("serve", "--sandbox", input=[message, request("after", "ping")])
    assert (ended.code, [answer["id"] for answer in ended.answers]) == (0, ["after"])


def test_an_invoke_without_an_id_runs_all_the_same(sandbox):
    message = invoke(0, "patch_rescan")
    del message["id"]
    bad = invoke(0, "get_technical_context", {"context_id": 999_999})
    del bad["id"]
    ended = run("serve", "--connections", sandbox.file, input=[message, bad])
    assert (ended.code, ended.output) == (0, b"")
    assert sorted(entry["method"] for entry in sandbox.log()) == ["GET", "PATCH"]


def test_a_line_shaped_like_a_response_is_logged():
    ended = run("serve", input=[{"jsonrpc": "2.0", "id": 1, "result": {}}])
    assert "line 1" in ended.errors and "response" in ended.errors


# Ids in flight.

def test_id_in_flight_is_refused_and_free_after_its_response(vendor):
    with Host() as host:
        call = invoke("twice", "list_tenants", connection=vendor.connection)
        host.send(call)
        vendor.wait_for(1)
        for other in (call, request("twice", "ping"), request("twice", "nobody")):
            host.send("", other)
        for line_number in (3, 5, 7):
            refused = host.read()
            assert (refused["id"], refused["error"]["code"]) == (None, -32600)
            assert refused["error"]["data"]["line"] == line_number
        vendor.open()
        answer = host.read()
        assert answer["id"] == "twice" and answer["result"]["raw_data"] == []
        assert host.ask(call)["result"]["raw_data"] == []
        assert host.finish() == (0, [])
    assert vendor.arrived == 2


def test_any_number_of_requests_may_have_the_id_null(vendor):
    with Host() as host:
        host.send(*[invoke(None, "list_tenants", connection=vendor.connection)] * 3)
        vendor.wait_for(3)
        vendor.open()
        code, answers = host.finish()
        assert code == 0 and [(a["id"], "result" in a) for a in answers] == [(None, True)] * 3


# Batches.

def test_a_batch_is_answered_by_one_array_with_one_answer_for_each_request():
    with Host("--sandbox") as host:
        host.send([
            request(1, "ping"), {"jsonrpc": "2.0", "method": "ping"}, request("2", "nobody"), 7, [],
            [request(3, "ping")], {"jsonrpc": "2.0", "id": 4, "result": {}}, {"id": 5}, None,
            invoke(6, "list_tenants"), invoke(7, "get_technical_context", {"context_id": 999_999}),
            invoke(8, "list_devices", {"page": 0}), invoke(9, "list_devices", dry_run=True),
        ])
        answers = host.read()
        assert host.finish() == (0, [])
    outcomes = [
        (answer["id"], answer.get("error", {}).get("code", "result")) for answer in answers]
    assert sorted(outcomes, key=str) == sorted([
        (1, "result"), ("2", -32601), (None, -32600), (None, -32600), (None, -32600), (5, -32600),
        (None, -32600), (6, "result"), (7, -32000), (8, -32602), (9, "result")], key=str)


def test_bad_member_of_a_batch_is_located_by_its_byte_offset():
    text = b'[{"jsonrpc":"2.0","id":1,"method":"ping"}, 7,{"jsonrpc":"2.0","id":2}]'
    (answers,) = run("serve", input=b"\n" + text).answers
    places = [answer["error"]["data"] for answer in answers if "error" in answer]
    assert places == [{"line": 2, "offset": text.index(b"7")}, {"line": 2, "offset": text.rindex(b"{")}]


def test_batch_larger_than_max_in_flight_is_answered():
    with Host("--sandbox", "--sandbox-fault", "coda: slow 5ms", "--max-in-flight", "2") as host:
        host.send([invoke(id, "list_tenants") for id in range(9)], request("after", "ping"))
        answers = host.read_all(2)
        batch = next(answer for answer in answers if isinstance(answer, list))
        assert sorted(answer["id"] for answer in batch) == list(range(9))
        assert all("result" in answer for answer in batch)
        assert host.finish() == (0, [])


def test_a_request_after_a_slow_batch_does_not_wait_for_it(vendor):
    with Host() as host:
        host.send([invoke(id, "list_tenants", connection=vendor.connection) for id in (1, 2)])
        vendor.wait_for(2)
        assert host.ask(request("meanwhile", "ping"))["result"] == {}
        vendor.open()
        assert sorted(answer["id"] for answer in host.read()) == [1, 2]


def test_id_in_flight_is_refused_within_one_batch(vendor):
    with Host() as host:
        host.send([invoke(1, "list_tenants", connection=vendor.connection)] * 2)
        vendor.wait_for(1)
        vendor.open()
        answers = host.read()
        assert sorted(str(answer["id"]) for answer in answers) == ["1", "None"]
        assert {answer["error"]["code"] for answer in answers if "error" in answer} == {-32600}


@pytest.mark.parametrize(("count", "is_read"), [(10_000, True), (10_001, False)])
def test_a_batch_has_at_most_10000_members(count, is_read):
    (answer,) = run("serve", input=[[request(id, "ping") for id in range(count)]]).answers
    if is_read:
        assert [one["id"] for one in answer] == list(range(count))
    else:
        assert (answer["id"], answer["error"]["code"]) == (None, -32600)
        assert answer["error"]["data"]["line"] == 1


# The specification's own examples.

def test_the_examples_of_the_specification_are_answered_as_it_says(suites):
    """Their methods are unknown here, so -32601 takes the place of their results."""
    suite = json.loads((suites / "jsonrpc/spec-examples.json").read_text())

    def outcome(response):
        return json.dumps(response["id"]), response.get("error", {"code": -32601})["code"]

    for case in suite["cases"]:
        answers = run("serve", input=[case["in"]]).answers
        expected = case["out"]
        if expected is None:
            assert answers == [], case["n"]
            continue
        (answer,) = answers
        assert isinstance(answer, list) == isinstance(expected, list), case["n"]
        if isinstance(expected, list):
            assert sorted(map(outcome, answer)) == sorted(map(outcome, expected)), case["n"]
        else:
            assert outcome(answer) == outcome(expected), case["n"]
