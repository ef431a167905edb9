"""The kit finds the faults of a plugin that is broken on purpose, and none in the same plugin without a fault."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import sys
import threading

import pytest
from broken_plugin import FAULTS
from plugin_cases import plugin_cases
from test_broken_hosts import SHORT_STEP, STEP, kit

BROKEN_PLUGIN = pathlib.Path(__file__).with_name("broken_plugin.py")
CASES = [case.name for case in plugin_cases()]

#: The fault; the case that finds it; one of its paragraphs; what the report says; seconds of a step.
FOUND = [
    ("has-another-id", "handshake", "15.2", "another id than plugin.json", STEP),
    ("has-two-integrations", "handshake", "15.9", "does not return one integration", STEP),
    ("has-no-commands", "handshake", "15.9", "has no commands", STEP),
    ("has-a-wrong-effect", "handshake", "15.9", "unknown effect 'reads'", STEP),
    ("repeats-a-command", "handshake", "15.9", "the id occurs twice", STEP),
    ("has-a-wrong-schema", "schemas", "15.3", "/properties/name/type: unknown type 'text'", STEP),
    ("has-a-remote-reference", "schemas", "15.3", "refers to another document", STEP),
    ("changes-its-catalogue", "same-catalogue", "15.5", "returns another integration", STEP),
    ("prints-to-stdout", "invoke", "15.10", "prints and logs belong to stderr", STEP),
    ("prints-to-stdout", "many-calls", "15.8", "prints and logs belong to stderr", STEP),
    ("is-silent-on-ping", "ping", "15.8", "no response arrived", SHORT_STEP),
    ("answers-twice", "many-calls", "15.8", "a request got two responses", STEP),
    ("answers-another-call", "many-calls", "15.8", "a response has an unknown id", STEP),
    ("forgets-one-in-fifty", "many-calls", "15.8", "no response arrived", SHORT_STEP),
    ("has-no-return-data", "invoke", "15.10", "return_data must be", STEP),
    ("has-a-short-error", "vendor-errors", "15.12", "the error has no data", STEP),
    ("has-an-unknown-kind", "vendor-errors", "15.12", "unknown kind 'weird'", STEP),
    ("takes-unknown-commands", "unknown-names", "15.10", "an unknown name at /command is not refused", STEP),
    ("takes-unknown-methods", "unknown-names", "15.10", "an unknown method is not refused", STEP),
    ("dies-of-wrong-arguments", "wrong-arguments", "15.10", "exit 1", STEP),
    ("numbers-items-from-one", "stream", "15.10", "seq counts from 0", STEP),
    ("repeats-items", "stream", "15.10", "repeats the items in raw_data", STEP),
    ("sends-items-late", "invoke", "15.10", "names a call that is not in flight", STEP),
    ("runs-one-at-a-time", "concurrent-calls", "15.11", "no response arrived", SHORT_STEP),
    ("ignores-cancel", "cancel", "15.11", "no response arrived", SHORT_STEP),
    ("has-another-code-for-cancel", "cancel", "15.11", "failed with another code", STEP),
    ("connects-itself", "placeholders", "15.4", "connected to the vendor itself", STEP),
    ("calls-another-origin", "placeholders", "15.12", "the origin https://elsewhere.example is not one", STEP),
    ("forgets-the-secret", "placeholders", "15.4", "no request has a placeholder", STEP),
    ("has-two-bodies", "placeholders", "15.12", "more than one of body, json and body_base64", STEP),
    ("asks-without-invocation", "placeholders", "15.12", "invocation is missing", STEP),
    ("loses-the-kind", "vendor-errors", "15.12", "the kind of the host's error is lost", STEP),
    ("succeeds-anyway", "vendor-errors", "15.12", "succeeded although the host refused", STEP),
    ("ignores-the-dry-run", "dry-run", "15.14", "the error -32001 did not end it", STEP),
    ("retries-the-dry-run", "dry-run", "15.14", "sent another request after the error -32001", STEP),
    ("stores-in-a-dry-run", "dry-run", "15.14", "stored a file in a dry run", STEP),
    ("loses-its-file", "files", "15.13", "does not have the stored file", STEP),
    ("dies-of-noise", "noise", "15.8", "exit 1", STEP),
    ("dies-of-notifications", "noise", "15.8", "exit 1", STEP),
    ("dies-of-notifications", "long-lines", "15.8", "exit 1", STEP),
    ("reads-short-lines", "long-lines", "15.8", "no response arrived", SHORT_STEP),
    ("never-ends", "end-of-input", "15.15", "the plugin did not exit", SHORT_STEP),
    ("ends-with-one", "end-of-input", "15.15", "exit 1", STEP),
    ("ends-with-one", "end-of-input-in-flight", "15.15", "exit 1", STEP),
    ("drops-calls-at-the-end", "end-of-input-in-flight", "15.15", "stdout was closed", STEP),
    ("ignores-term", "term", "15.15", "the plugin did not exit", SHORT_STEP),
    ("dies-of-term", "term", "15.15", "ended by signal 15", STEP),
    ("waits-at-term", "term-in-flight", "15.15", "the plugin did not exit", SHORT_STEP),
]


def folder(path: pathlib.Path, fault: str, **members: object) -> str:
    declared = {"id": "acme", "version": "1", "command": [sys.executable, str(BROKEN_PLUGIN), fault], **members}
    (path / "plugin.json").write_text(json.dumps(declared))
    return str(path)


def report_of(path: str, *words: str) -> tuple[int, dict]:
    ended = kit("--json", *words, "--plugin", path)
    assert not ended.stderr, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


@pytest.mark.parametrize(
    ("fault", "case", "paragraph", "words", "step"), FOUND, ids=[f"{row[0]}-{row[1]}" for row in FOUND])
def test_a_fault_is_found_by_a_case_that_is_about_it(fault, case, paragraph, words, step, tmp_path):
    status, report = report_of(folder(tmp_path, fault), "--timeout", str(step), "--only", f"plugin/{case}")
    assert status == 1
    (told,) = report["cases"]
    assert told["outcome"] == "failed", told
    assert report["paragraphs"][paragraph] == "failed"
    assert words in json.dumps(told["fault"], ensure_ascii=False).replace('\\"', '"'), told["fault"]


def test_each_fault_is_looked_for_and_each_case_finds_one():
    assert {row[0] for row in FOUND} == set(FAULTS) - {"none"}
    assert {f"plugin/{row[1]}" for row in FOUND} == set(CASES)


def test_the_same_plugin_without_a_fault_passes(tmp_path):
    status, report = report_of(folder(tmp_path, "none"))
    assert [told for told in report["cases"] if told["outcome"] != "passed"] == []
    assert (status, [told["name"] for told in report["cases"]]) == (0, CASES)
    assert report["paragraphs"]["15.8"] == "passed" and "2.1" not in report["paragraphs"]


def test_executable_without_a_folder_is_a_plugin(tmp_path):
    program = tmp_path / "acme"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{BROKEN_PLUGIN}' none\n")
    program.chmod(0o755)
    status, report = report_of(os.path.relpath(program), "--only", "plugin/[hp]*")
    assert (status, report["totals"]) == (0, {"passed": 3, "failed": 0, "skipped": 0})
    assert report["plugin"] == [str(program)]


def test_a_case_that_does_not_apply_is_skipped_with_a_reason(tmp_path):
    status, report = report_of(folder(tmp_path, "none", secrets="plain"), "--only", "plugin/placeholders")
    assert status == 0
    assert [(told["outcome"], told["reason"]) for told in report["cases"]] == [("skipped", "its secrets are plain")]


def test_the_report_names_violated_paragraphs(tmp_path):
    ended = kit("--only", "plugin/ping", "--only", "plugin/handshake", "--plugin", folder(tmp_path, "has-another-id"))
    assert ended.returncode == 1
    assert "FAIL  plugin/handshake                       15.1 15.2 15.9" in ended.stdout
    assert "15 Plugins                               15       1       3        0       11" in ended.stdout
    assert "Paragraphs that the plugin violates: 15.1, 15.2, 15.9" in ended.stdout


@pytest.mark.parametrize(("members", "complaint"), [
    ({"protocol": "mcp"}, "this one is an MCP server"),
    ({"comand": []}, "unknown member 'comand'; did you mean 'command'?"),
    ({"command": "python3"}, "command must be a list of texts"),
    ({"command": ["./nothing"]}, "./nothing is not an executable program"),
    ({"secrets": "none"}, "secrets must be brokered or plain"),
    ({"environment": {"A": 1}}, "environment must be an object of texts"),
    ({"id": 7}, "id is missing"),
])
def test_wrong_plugin_json_exits_with_2(members, complaint, tmp_path):
    ended = kit("--plugin", folder(tmp_path, "none", **members))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert complaint in ended.stderr


@pytest.mark.parametrize(("words", "complaint"), [
    (["--plugin", "/nowhere"], "/nowhere is neither a folder with a plugin.json nor an executable program"),
    (["--sample", "a.json", "--", "cat"], "--sample needs --plugin"),
    (["--plugin", "/bin/cat", "--", "cat"], "give either --plugin or the command of a host"),
    (["--plugin", "/bin/cat", "--sample", "/nowhere"], "/nowhere: No such file"),
    (["--plugin", "/bin/false"], "the plugin does not start: it exited before it answered a ping (exit 1)"),
])
def test_wrong_command_line_exits_with_2(words, complaint):
    ended = kit(*words)
    assert ended.returncode == 2
    assert complaint in ended.stderr


def test_child_gets_only_the_named_variables(tmp_path, monkeypatch):
    program = tmp_path / "acme.py"
    program.write_text("import json, os; open('variables', 'w').write(json.dumps(dict(os.environ)))")
    (tmp_path / "plugin.json").write_text(json.dumps(
        {"id": "acme", "command": [sys.executable, "acme.py"], "environment": {"ACME_REGION": "eu"}}))
    monkeypatch.setenv("KIT_SECRET", "hunter2")
    assert kit("--only", "plugin/ping", "--plugin", str(tmp_path)).returncode == 2
    variables = json.loads((tmp_path / "variables").read_text())
    assert variables["ACME_REGION"] == "eu" and "PATH" in variables
    assert set(variables) <= {"ACME_REGION", "PATH", "HOME", "LANG", "TZ", "TMPDIR", "LC_CTYPE"}


class Vendor(http.server.BaseHTTPRequestHandler):
    """Keeps what it gets."""

    got: list[tuple[str, str]] = []

    def do_GET(self):
        self.got.append((self.command, self.headers["X-Key"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def vendor():
    Vendor.got = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vendor) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("arguments", [{}, {"add_item": {"name": "x"}}])
def test_with_a_sample_the_vendor_gets_the_secret_and_only_named_writes(arguments, vendor, tmp_path):
    sample = tmp_path / "sample.json"
    sample.write_text(json.dumps({"settings": {"server_url": vendor, "api_key": "hunter2"}, "arguments": arguments}))
    status, report = report_of(folder(tmp_path, "none"), "--sample", str(sample), "--only", "plugin/invoke")
    assert (status, report["totals"]["passed"]) == (0, 1)
    # list_items reads with GET, export_items with POST.
    assert Vendor.got == [("GET", "hunter2"), ("POST", "hunter2")] + [("POST", "hunter2")] * len(arguments)


def test_vendor_that_is_not_reached_is_a_network_error_of_the_host(tmp_path):
    sample = tmp_path / "sample.json"
    sample.write_text(json.dumps({"settings": {"server_url": "http://127.0.0.1:1", "api_key": "hunter2"}}))
    status, report = report_of(folder(tmp_path, "none"), "--sample", str(sample), "--only", "plugin/invoke")
    assert (status, report["totals"]["passed"]) == (0, 1)
