"""Public suites through the executable: what is JSON, and what a JSONPath finds."""

from __future__ import annotations

import concurrent.futures
import functools
import json
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from Support.host import Host, request, run

#: Processes at a time; each lives for a few milliseconds.
AT_A_TIME = os.cpu_count() or 2


def faults(check: Callable[[Any], str | None], cases: Iterable[Any]) -> list[str]:
    """What a check says of the cases that fail it, run side by side."""
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        return [fault for fault in pool.map(check, cases) if fault]


# JSON

def json_files(suites: pathlib.Path) -> list[pathlib.Path]:
    files = sorted((suites / "json/test_parsing").glob("*.json"))
    assert len(files) > 300, "the suite is not whole"
    return files


def verdict_on_document(file: pathlib.Path) -> str | None:
    ended = run("jsonpath", "$", input=file.read_bytes())
    allowed = {"y": {0}, "n": {2}, "i": {0, 2}}[file.name[0]]
    if ended.code not in allowed:
        return f"{file.name}: exit {ended.code}, {ended.errors.strip()}"
    if ended.code == 2 and "invalid JSON document" not in ended.errors:
        return f"{file.name}: {ended.errors.strip()}"
    if ended.code == 0 and file.name[0] == "y":
        expected = json.loads(file.read_bytes())
        if json.loads(ended.output) != [expected]:
            return f"{file.name}: read as {ended.text}"
    return None


def test_documents_are_read_as_the_json_suite_says(suites):
    assert faults(verdict_on_document, json_files(suites)) == []


def test_params_are_read_as_the_json_suite_says(suites):
    """One host for all of them, so that none leaves it in a bad state either."""
    wrong = []
    asked = 0
    with Host() as host:
        for file in json_files(suites):
            content = file.read_bytes()
            if b"\n" in content.rstrip(b"\r\n"):
                continue
            asked += 1
            host.send(b'{"jsonrpc":"2.0","id":"x","method":"nobody","params":[%s]}' % content.rstrip(b"\r\n"))
            code = host.read()["error"]["code"]
            allowed = {"y": {-32601}, "n": {-32700}, "i": {-32601, -32700}}[file.name[0]]
            # No value at all is refused as a document, but not as the elements of an array.
            if file.name in ("n_structure_no_data.json", "n_single_space.json"):
                allowed = {-32601}
            if code not in allowed:
                wrong.append(f"{file.name}: {code}")
            assert host.ask(request("y", "ping"))["result"] == {}
        assert host.finish() == (0, [])
    assert wrong == [] and asked > 280


# JSONPath

@functools.cache
def compliance_cases(suites: pathlib.Path) -> list[dict[str, Any]]:
    return json.loads((suites / "jsonpath/cts.json").read_text())["tests"]


def verdict_on_query(case: dict[str, Any]) -> str | None:
    # A query may look like an option.
    ended = run("jsonpath", "--", case["selector"], input=json.dumps(case.get("document")).encode())
    if case.get("invalid_selector"):
        fine = ended.code == 2 and "invalid JSONPath" in ended.errors and not ended.output
        return None if fine else f"{case['name']}: exit {ended.code} {ended.text}"
    if ended.code != 0:
        return f"{case['name']}: exit {ended.code}, {ended.errors.strip()}"
    expected = case["results"] if "results" in case else [case["result"]]
    return None if json.loads(ended.output) in expected else f"{case['name']}: {ended.text.strip()}"


def test_queries_match_the_jsonpath_compliance_suite(suites):
    cases = compliance_cases(suites)
    assert len(cases) == 703
    # No command line can carry a NUL byte; the queries with one are all invalid.
    unsayable = [case for case in cases if "\0" in case["selector"]]
    assert all(case.get("invalid_selector") for case in unsayable) and len(unsayable) < 5
    assert faults(verdict_on_query, (case for case in cases if case not in unsayable)) == []


@pytest.mark.parametrize(("document", "output"), [
    ("[1.50,18446744073709551617,1e2]", "[1.50,18446744073709551617,1e2]"),
    (r'["\u00e9","é"]', r'["\u00e9","é"]'),
    ('{"b":1,"a":2}', "[1,2]"),
])
def test_values_are_printed_as_the_text_they_had(document, output):
    query = "$[*]"
    assert run("jsonpath", query, input=document.encode()).output == output.encode() + b"\n"


def test_document_that_is_not_json_is_refused_with_its_position():
    ended = run("jsonpath", "$", input=b'{\n  "a": 1,\n  b\n}')
    assert ended.code == 2 and "line 3, column 3" in ended.errors


def test_a_query_is_checked_before_the_document():
    ended = run("jsonpath", "$[", input=b"nonsense")
    assert ended.code == 2 and "JSONPath" in ended.errors
