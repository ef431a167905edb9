"""What a transcript is, and how JSON compares in it."""

from __future__ import annotations

import pytest
from comparison import differs, read_json
from transcript import GrammarError, bytes_of, read_transcript


@pytest.mark.parametrize(("expected", "got", "is_equal"), [
    ('{"a":1,"b":2}', '{"b":2,"a":1}', True), ('{"a":1}', '{"a":1.0}', False), ('{"a":"…"}', '{"a":[1]}', True),
    ('{"a":1,"…":"…"}', '{"a":1,"b":2}', True), ('{"a":1}', '{"a":1,"b":2}', False), ('{"a":1}', "{}", False),
    ('"x…z"', '"xyz"', True), ('"x…z"', '"xy"', False), ("[1]", "[1,2]", False), ('["…"]', "[]", False),
    ('"1"', "1", False), ("1", '"1"', False), ("null", "false", False), ("true", "1", False), ('"a.c"', '"abc"', False),
])
def test_comparing_is_as_the_grammar_says(expected, got, is_equal):
    assert (differs(read_json(expected), read_json(got)) is None) == is_equal


@pytest.mark.parametrize(("expected", "got", "difference"), [
    ('{"a":[{"b":1}]}', '{"a":[{"b":2}]}', "$.a[0].b: expected 1, got 2"),
    ('{"a":1,"b":2}', "{}", "$: missing a, b"),
    ('{"a":{}}', '{"a":{"b":1}}', "$.a: unexpected b"),
    ('["a"]', "[]", "$: expected 1 elements, got 0"),
    ('"a"', '"b"', '$: expected "a", got "b"'),
])
def test_a_difference_says_where_it_is(expected, got, difference):
    assert differs(read_json(expected), read_json(got)) == difference


def test_raw_bytes_are_written_with_escapes():
    assert bytes_of(r"é\xff\r\n\t\\x") == "é".encode() + b"\xff\r\n\t\\x"


def test_a_transcript_is_read(tmp_path):
    path = tmp_path / "01-a.txt"
    path.write_text(
        "# It pings.\nproves 2.1 3.1\nargs --sandbox-fault 'coda: slow 1s'\n\n-> {}\nunordered\n<- 1\nend\n", "utf-8")
    transcript = read_transcript(path)
    assert (transcript.about, transcript.proves) == ("It pings.", ("2.1", "3.1"))
    assert transcript.arguments == ("--sandbox-fault", "coda: slow 1s")
    assert [(step.number, step.word, step.text) for step in transcript.steps] == [
        (5, "->", "{}"), (6, "unordered", ""), (7, "<-", "1"), (8, "end", "")]


@pytest.mark.parametrize(("text", "complaint"), [
    ("says hello", "x.txt:1: 'says' is not allowed here"), ("eof\nargs --sandbox", "x.txt:2: 'args' is not allowed here"),
    ("<- {", "x.txt:1: "), ("raw \\q", "x.txt:1: "), ("exit soon", "x.txt:1: "), ("keep A", "x.txt:1: "),
    ("signal HUP", "x.txt:1: "), ("hang on", "x.txt:1: "),
    ("unordered\n<- 1", "x.txt: unordered without end"), ("end", "x.txt:1: end is not allowed here"),
    ("unordered\n-> 1\nend", "x.txt:2: "), ("-> ${A}", "x.txt:1: nothing was kept as A"),
])
def test_invalid_transcript_is_reported_with_its_line(text, complaint, tmp_path):
    path = tmp_path / "x.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(GrammarError) as raised:
        read_transcript(path)
    assert complaint in str(raised.value)
