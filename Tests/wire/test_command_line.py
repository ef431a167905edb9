"""The command line, and its answers to misspellings."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess

import pytest
from Support.host import EXECUTABLE, TIMEOUT, Host, environment, invoke, run
from Support.terminal import read_to_end

SUBCOMMANDS = [
    "serve", "run", "call", "capabilities", "sample", "auth", "sandbox", "mcp-config",
    "jsonpath", "completion", "man", "version"]
CODA = "coda_footprint"


@pytest.fixture(scope="module")
def commands() -> list[dict]:
    (coda,) = json.loads(run("capabilities", CODA, "--json").output)["integrations"]
    return coda["commands"]


# Help

@pytest.mark.parametrize("name", SUBCOMMANDS)
@pytest.mark.parametrize("spelling", ["help NAME", "NAME --help", "NAME -h"])
def test_every_command_has_a_help_text_with_an_example(name, spelling):
    ended = run(*spelling.replace("NAME", name).split())
    assert ended.code == 0 and ended.errors == ""
    assert f"Usage: sallyport {name}" in ended.text
    usage, _, examples = ended.text.partition("Examples")
    assert f"sallyport {name}" in examples


@pytest.mark.parametrize("arguments", [["help"], ["--help"], ["-h"]])
def test_the_overview_names_every_command(arguments):
    ended = run(*arguments)
    assert ended.code == 0
    for name in SUBCOMMANDS:
        assert f"\n  {name} " in ended.text


def test_help_mentions_every_option_that_exists():
    text = run("help", "serve").text
    for option in ("--connections", "--sandbox", "--sandbox-fault", "--state-dir", "--read-only", "--max-in-flight",
                   "--files-dir", "--max-line-bytes", "--drain-timeout", "--datetime-format", "--log-level",
                   "--audit", "--tools", "--confirm", "--catalogue", "--tool-timeout", "--tools-per-page", "--max-tool-result-bytes"):
        assert option in text


def test_on_a_terminal_the_bare_command_prints_help():
    owner, terminal = pty.openpty()
    with open(terminal, "rb") as stdin:
        ended = subprocess.run([EXECUTABLE], stdin=stdin, capture_output=True, timeout=TIMEOUT, env=environment())
    os.close(owner)
    assert ended.returncode == 0 and b"Usage: sallyport COMMAND" in ended.stdout


def test_without_a_terminal_the_bare_command_serves():
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    for arguments in ([], ["--max-in-flight", "2"], ["serve"]):
        ended = run(*arguments, input=ping)
        assert (ended.code, ended.output) == (0, b'{"jsonrpc":"2.0","id":1,"result":{}}\n')


def test_wait_is_shown_at_a_terminal():
    command = [EXECUTABLE, "call", CODA, "list_scanners", "--sandbox", "--sandbox-fault",
               "coda: 429 first 1 retry-after 3 on GET /api/console/scanSurface/scanners/"]
    owner, terminal = pty.openpty()
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, timeout=TIMEOUT, env=environment())
    os.close(terminal)
    shown = read_to_end(owner)
    assert ended.returncode == 0
    assert re.fullmatch(r"Waiting for the rate limit, resumes at \d\d:\d\d:\d\d\.\r\n", shown)
    piped = subprocess.run(command, capture_output=True, timeout=TIMEOUT, env=environment())
    assert (piped.returncode, piped.stderr) == (0, b"")


# Usage errors

@pytest.mark.parametrize(("arguments", "words"), [
    (["serv"], 'did you mean "serve"?'),
    (["capabilites"], 'did you mean "capabilities"?'),
    (["xyzzy"], "sallyport help"),
    (["help", "serv"], 'did you mean "serve"?'),
    (["--sandbx"], 'did you mean "--sandbox"?'),
    (["serve", "--max-inflight", "3"], 'did you mean "--max-in-flight"?'),
    (["serve", "--xyzzy"], "--xyzzy"),
    (["serve", "batch.jsonl"], "sallyport run batch.jsonl"),
    (["serve", "--max-in-flight"], "requires a value"),
    (["serve", "--max-in-flight", "0"], "--max-in-flight"),
    (["serve", "--max-in-flight", "many"], "many"),
    (["serve", "--max-line-bytes", "1"], "--max-line-bytes"),
    (["serve", "--drain-timeout", "-1"], "--drain-timeout"),
    (["serve", "--drain-timeout", "nan"], "--drain-timeout"),
    (["serve", "--datetime-format"], "requires a value"),
    (["serve", "--datetime-format", "%H:%M"], "%H:%M: day, month and year are required"),
    (["serve", "--datetime-format", ""], "day, month and year are required"),
    (["serve", "--datetime-format=%d.%m.%Y %Q"], "strptime(3) cannot read it"),
    (["serve", "--datetime-format", "%d.%m.%Y %Z"], "--datetime-format '%d.%m.%Y %H:%M'"),
    (["run", "/dev/null", "--datetime-format", "%H"], "--datetime-format %H: "),
    (["call", CODA, "list_devices", "--sandbox", "--datetime-format", "%H"], "--datetime-format %H: "),
    (["serve", "--datetimeformat", "%d.%m.%Y"], 'did you mean "--datetime-format"?'),
    (["serve", "--log-level", "debg"], 'did you mean "debug"?'),
    (["serve", "--read-only=yes"], "takes no value"),
    (["serve", "--sandbox-fault", "coda: 429"], "requires --sandbox"),
    (["serve", "--sandbox", "--sandbox-fault", "coda: 429 evry 2"], "did you mean 'every'?"),
    (["serve", "--audit", "/nonexistent/audit"], "/nonexistent/audit"),
    (["serve", "--connections", "/nonexistent/c.json"], "/nonexistent/c.json"),
    (["serve", "--connections", "/tmp"], "/tmp"),
    (["auth"], "sallyport auth gmail"),
    (["auth", "gmail"], "--connections FILE"),
    (["auth", "gmial"], 'did you mean "gmail"?'),
    (["sandbox", "--port", "70000"], "70000"),
    (["sandbox", "extra"], "extra"),
    (["sample"], "coda_footprint list_devices"),
    (["sample", "coda", "list_devices"], "coda_footprint"),
    (["sample", CODA, "list_device"], 'did you mean "list_devices"?'),
    (["capabilities", "coda_footprnt"], 'did you mean "coda_footprint"?'),
    (["capabilities", CODA, "list_device"], 'did you mean "list_devices"?'),
    (["capabilities", CODA, "list_devices", "more"], "more"),
    (["call", CODA], "missing integration and command"),
    (["call", CODA, "list_devices", "--pge", "1", "--sandbox"], 'did you mean "--page"?'),
    (["call", CODA, "list_devices", "17", "--sandbox"], 'unexpected argument "17"'),
    (["call", CODA, "list_devices", "--json", "{", "--sandbox"], "--json"),
    (["call", CODA, "list_devices", "--json", "[]", "--sandbox"], "--json"),
    (["jsonpath"], "exactly one query"),
    (["jsonpath", "$", "$"], "exactly one query"),
    (["jsonpath", "$["], "invalid JSONPath"),
    (["version", "--jsn"], 'did you mean "--json"?'),
])
def test_misspelling_exits_with_2_and_a_hint(arguments, words):
    ended = run(*arguments, input=b"{}")
    assert (ended.code, ended.output) == (2, b"")
    assert words in ended.errors
    assert ended.errors.startswith("sallyport: ")


@pytest.mark.parametrize("format", ["%d.%m.%Y %H:%M", "%d/%m/%y", "%Y-%j", "%s", "%c", "%d %B %Y %I %p %z"])
def test_a_datetime_format_with_a_date_is_accepted(format):
    ended = run("serve", "--datetime-format", format, input=b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    assert (ended.code, ended.output, ended.errors) == (0, b'{"jsonrpc":"2.0","id":1,"result":{}}\n', "")


@pytest.mark.parametrize(("content", "words"), [
    ('{\n  "connections": {\n    "a": {,\n', ":3:11: "),
    ("", ":1:1: "),
    ('{"connections":\n[]}', "connections"),
    ("[]", "connections"),
    ('{"connections":{"a":7,"b":{"integration":"coda_footprint"}}}', "/connections/b/settings"),
    ('{"connections":{"a":{"integration":"coda","settings":{}}}}', "/connections/a/integration"),
    ('{"connections":{"a":{"integration":"coda_footprint","settings":{"server_url":"https://x.example",'
     '"user_name":"u","pasword":"p"}}}}', 'did you mean "password"?'),
])
def test_invalid_connections_file_is_refused_with_paths(content, words, tmp_path):
    path = tmp_path / "connections.json"
    path.write_text(content)
    ended = run("serve", "--connections", str(path))
    assert ended.code == 2 and words in ended.errors and str(path) in ended.errors


def test_all_faults_of_a_connections_file_are_said_at_once(tmp_path):
    path = tmp_path / "connections.json"
    path.write_text(json.dumps({"connections": {
        "a": {"integration": "coda_footprint", "settings": {"server_url": "http://example.com"}, "polcy": {}},
        "b": {"integration": "x", "settings": {}}}}))
    errors = run("serve", "--connections", str(path)).errors
    for place in ("/connections/a/polcy", "/connections/b/integration"):
        assert place in errors


def test_no_fault_of_a_connections_file_says_its_secrets(tmp_path):
    path = tmp_path / "connections.json"
    path.write_text('{"connections":{"a":{"integration":"coda_footprint","settings":{"server_url":"http://example.com",'
                    '"user_name":"u","password":"hunter-two-secret","more":"hunter-two-secret"}}}}')
    ended = run("serve", "--connections", str(path))
    assert ended.code == 2 and "hunter" not in ended.errors


# sample, capabilities, version

@pytest.fixture(scope="module")
def samples() -> list[bytes]:
    """The line of every command of every integration."""
    integrations = json.loads(run("capabilities", "--json").output)["integrations"]
    ended = [run("sample", each["id"], command["id"]) for each in integrations for command in each["commands"]]
    assert all(sample.code == 0 and len(sample.lines) == 1 for sample in ended)
    assert len(ended) >= 35
    return [sample.lines[0] for sample in ended]


def test_every_sample_is_an_invoke_that_passes_a_dry_run(samples):
    with Host("--sandbox") as host:
        for text in samples:
            assert json.loads(text)["params"]["options"]["dry_run"] is False
            host.send(text.replace(b'"dry_run":false', b'"dry_run":true'))
            answer = host.read()
            assert answer["result"]["dry_run"] is True, text


def test_every_sample_runs_in_the_sandbox(samples):
    for text in samples:
        # Each in its own sandbox, which is unchanged.
        (answer,) = run("serve", "--sandbox", input=text + b"\n").answers
        if json.loads(text)["params"]["command"] == "restore_endpoints":
            # There is nothing to restore.
            assert answer["error"]["data"]["status_code"] == 409
        else:
            assert answer["result"]["return_data"] == "Successful", text


def test_capabilities_of_the_command_line_are_those_of_the_method(commands):
    with Host() as host:
        assert json.loads(run("capabilities", "--json").output) == host.result("capabilities")
        params = {"integration": CODA, "command": "list_devices"}
        assert json.loads(run("capabilities", CODA, "list_devices", "--json").output) == host.result(
            "capabilities", params)


def test_the_catalogue_is_readable(commands):
    overview = run("capabilities").text
    for command in commands:
        assert command["id"] in overview
        shown = run("capabilities", CODA, command["id"]).text
        assert command["title"] in shown and "Example" in shown
        for name, parameter in command["parameters"]["properties"].items():
            assert name in shown and parameter["description"] in shown


def test_version_names_the_linked_libraries():
    ended = run("version")
    assert ended.code == 0
    for word in ("sallyport", "protocol", "libcurl", "OpenSSL"):
        assert word in ended.text
    assert run("--version").text == ended.text
    versions = json.loads(run("version", "--json").output)
    assert set(versions) == {"version", "protocol_version", "libcurl", "openssl"}
    assert versions["protocol_version"] == "1"


# call

def call(*arguments: str):
    return run("call", CODA, *arguments, "--sandbox")


def test_call_shows_a_list_as_a_table():
    ended = call("list_tenants")
    assert (ended.code, ended.errors) == (0, "")
    head, *rows = ended.text.splitlines()
    assert head.split()[:2] == ["id", "name"]
    assert rows[0].startswith("1") and "Acme Manufacturing" in rows[0]
    assert head.index("name") == rows[0].index("Acme")
    assert rows[-1] == "2 items."
    assert "\x1b" not in ended.text


def test_call_fits_a_table_to_the_terminal():
    ended = run("call", CODA, "list_devices", "--sandbox", more_environment={"COLUMNS": "60"})
    lines = ended.text.splitlines()
    assert all(len(each) <= 60 for each in lines[:-2]), lines
    assert "more columns" in ended.text


def test_call_tells_of_further_pages():
    assert "--page 2" in call("list_devices").text
    assert "--page" not in call("list_devices", "--all-pages").text


def test_call_takes_parameters_as_options():
    for words in (["--context-id", "301"], ["--context_id", "301"], ["--context-id=301"],
                  ["--json", '{"context_id":301}'], ["--json", '{"context_id":7}', "--context-id", "301"]):
        ended = call("get_technical_context", *words)
        assert ended.code == 0 and "301" in ended.text
    assert call("list_devices", "--filter", '{"riskLevel":"critical"}', "--raw").code == 0


def test_call_prints_the_result_as_json_when_asked():
    result = json.loads(call("list_tenants", "--raw").output)
    assert result["return_data"] == "Successful" and len(result["raw_data"]) == 2


def test_call_shows_the_requests_of_a_dry_run():
    ended = call("update_target_scan_scope", "--target-id", "7001", "--scope", "out", "--dry-run")
    assert ended.code == 0 and ended.text.startswith("PATCH http://127.0.0.1:")
    assert "[redacted]" in ended.text


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["get_technical_context", "--context-id", "1"], 1, ["Get Technical Context failed.", "404", "Not Found."]),
    (["get_technical_context"], 2, ["context_id", "required"]),
    (["get_technical_context", "--context-id", "x"], 2, ["context_id"]),
    (["list_technical_contexts", "--risk-level", "criticl"], 2, ['did you mean "critical"?']),
    (["list_tenants", "--connection", "coda_sandbx"], 2, ['did you mean "coda_sandbox"?']),
    (["list_tenants", "--timeout", "0"], 2, ["--timeout"]),
])
def test_call_prints_the_failure_to_stderr(arguments, code, words):
    ended = call(*arguments)
    assert (ended.code, ended.output) == (code, b"")
    for word in words:
        assert word in ended.errors


def test_vendor_text_cannot_control_the_terminal(vendor, tmp_path):
    vendor.body = json.dumps([{"id": 1, "name": "a\x1b[2Jb\rc\nd\x9be"}]).encode()
    vendor.open()
    path = tmp_path / "connections.json"
    path.write_text(json.dumps({"connections": {"gate": vendor.connection}}))
    ended = run("call", CODA, "list_tenants", "--connections", str(path))
    assert ended.code == 0
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in ended.text.replace("\n", ""))
    assert len(ended.lines) == 3


def test_a_closed_stdout_is_not_an_error():
    process = subprocess.Popen(
        [EXECUTABLE, "capabilities", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    process.stdout.close()
    assert process.wait(TIMEOUT) in (0, 4)
    assert process.stderr.read() == b""
    process.stderr.close()


# sandbox, audit

def test_the_sandbox_prints_a_connections_file_and_runs_until_interrupted(sandbox):
    with Host("--connections", sandbox.file) as host:
        assert "result" in host.ask(invoke(1, "test_connection"))
    for number in (2, 15):
        with Host(command=("sandbox",), stdin=subprocess.DEVNULL) as another:
            assert "connections" in json.loads(another.read_line())
            another.process.send_signal(number)
            assert another.exit_code() == 0


def test_the_audit_file_has_a_line_for_each_command_that_ran(sandbox, tmp_path):
    audit = tmp_path / "audit.jsonl"
    messages = [
        invoke("a", "list_tenants"), invoke(2, "get_technical_context", {"context_id": 1}),
        invoke(3, "list_devices", {"page": 0}), invoke(4, "patch_rescan", dry_run=True)]
    for _ in range(2):
        run("serve", "--connections", sandbox.file, "--audit", str(audit), input=messages)
    lines = [json.loads(each) for each in audit.read_text().splitlines()]
    records = [each for each in lines if each["event"] == "finished"]
    assert len(records) == 4
    record = next(each for each in records if each["id"] == 2)
    assert (record["integration"], record["command"], record["effect"]) == (CODA, "get_technical_context", "read")
    assert record["arguments"] == {"context_id": 1} and record["connection"] == "coda_sandbox"
    assert (record["return_data"], record["status_code"]) == ("Failed", 404)
    assert "T" in record["time"]


# call

GZ = "bitdefender_gravityzone"
ENDPOINT = "6affe1e0b1a43d0003000001"


def test_call_prints_per_target_outcomes_and_fails_if_one_failed(tmp_path):
    ended = run("call", GZ, "isolate_endpoints", "--endpoint-ids", f" {ENDPOINT} , {'0' * 24}", "--sandbox")
    assert ended.code == 1
    rows = [line.split() for line in ended.text.splitlines()]
    assert rows[0] == ["target", "outcome", "message"]
    assert rows[1] == [ENDPOINT, "Successful"]
    assert rows[2][:3] == ["0" * 24, "Failed", "400"]


def test_call_stores_downloaded_files(tmp_path):
    words = ("call", GZ, "download_reports", "--report-ids", "6affe1e0b1a43d0007000002", "--sandbox")
    ended = run(*words, directory=tmp_path)
    assert ended.code == 0
    (path,) = [line.split(": ")[1] for line in ended.text.splitlines() if line.startswith("File ")]
    assert (tmp_path / path).read_bytes().startswith(b"PK")
    # A failed download does not hide the other file.
    half = run(*words[:4], "6affe1e0b1a43d0007000002,zzz", "--sandbox", directory=tmp_path)
    assert half.code == 1 and "File Phishing" in half.text
    assert "may have been applied" not in half.errors


def test_a_boolean_needs_no_value():
    words = ("call", GZ, "list_endpoints", "--endpoint-type", "endpoints", "--dry-run", "--sandbox")
    for more in (["--is-managed"], ["--is-managed", "true"], ["--is-managed=true"]):
        assert '"isManaged":true' in run(*words, *more).text


def test_list_that_is_malformed_json_is_refused():
    ended = run("call", GZ, "isolate_endpoints", "--endpoint-ids", '["a"', "--sandbox")
    assert ended.code == 2 and "--endpoint-ids: invalid JSON array" in ended.errors


def test_problem_is_named_by_its_full_path():
    ended = run("call", GZ, "isolate_endpoints", "--endpoint-ids", "[1]", "--sandbox")
    assert ended.code == 2 and "  endpoint_ids/0: must be a string" in ended.errors


def test_call_prints_the_time_of_the_next_retry():
    ended = run("call", GZ, "list_groups", "--timeout", "1", "--sandbox", "--sandbox-fault",
                "gravityzone: 429 always retry-after 30")
    assert ended.code == 1 and "Retry at " in ended.errors


def test_capabilities_show_the_settings_of_a_connection():
    text = run("capabilities", GZ).text
    assert "deployment" in text and "api_key*" in text
    assert "https://cloud.gravityzone.bitdefender.com" in text


def test_two_runs_cannot_write_the_same_file(vendor, tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({"connections": {"gate": vendor.connection}}))
    (tmp_path / "in.jsonl").write_text(json.dumps(invoke(1, "list_tenants")) + "\n")
    words = ("run", str(tmp_path / "in.jsonl"), "--connections", str(tmp_path / "c.json"), "--output",
             str(tmp_path / "out"), "--resume")
    with Host(command=words) as first:
        vendor.wait_for(1)
        second = run(*words)
        assert second.code == 2 and "is in use by another run" in second.errors
        vendor.open()
        assert first.exit_code() == 0
