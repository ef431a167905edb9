"""`sallyport call`: arguments from files, streams, keys, help for a command, and tables of mail."""

from __future__ import annotations

import json
import pty
import subprocess
import threading

import pytest
from Support.host import EXECUTABLE, TIMEOUT, Host, environment, run
from Support.mailbox import SEND, Mailbox, decoded, read
from Support.session import connection
from Support.terminal import read_to_end
from Support.upstream import Tenant, after, reply

SOC = "soc@harbor.example"


def dry_run(*words: str, input: bytes = b""):
    """The body of the request that a call would send."""
    ended = run("call", *words, "--sandbox", "--dry-run", "--raw", input=input)
    assert ended.code == 0, ended.errors
    return json.loads(ended.output)["requests"][0]["body"]


def mail(content: str, *words: str, input: bytes = b""):
    """The mail that send_email would send."""
    body = dry_run(
        "gmail", "send_email", "--sender-email", SOC, "--to-recipients", "a@b.example", "--subject", "s",
        "--content-type", "text", f"--content={content}", *words, input=input)
    return read(decoded(body["raw"]))


# Files

def test_a_value_is_read_from_a_file(tmp_path):
    path = tmp_path / "text with space"
    path.write_text("Hi,\nthere.\n")
    assert mail(f"@{path}").get_content().replace("\r\n", "\n") == "Hi,\nthere.\n"


def test_a_value_is_read_from_stdin():
    assert mail("@-", input="Grüße".encode()).get_content().strip() == "Grüße"


def test_two_signs_are_one_that_is_meant():
    assert mail("@@all").get_content().strip() == "@all"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_without_its_line_end(end):
    body = dry_run("gmail", "set_user_password", "--user-key", SOC, "--password", "@-",
                   input=b"Correct-Horse-7" + end.encode())
    plain = dry_run("gmail", "set_user_password", "--user-key", SOC, "--password", "Correct-Horse-7")
    assert body == plain


def test_a_list_is_read_from_a_json_file(tmp_path):
    path = tmp_path / "people"
    path.write_text('["a@b.example", "c@d.example"]\n')
    body = dry_run("gmail", "send_email", "--sender-email", SOC, "--subject", "s", "--content", "c",
                   f"--to-recipients=@{path}")
    assert read(decoded(body["raw"]))["To"] == "a@b.example, c@d.example"


def test_arguments_are_read_from_a_json_file(tmp_path):
    path = tmp_path / "arguments.json"
    path.write_text('{"target_id":7001,"scope":"out"}')
    ended = run("call", "coda_footprint", "update_target_scan_scope", "--json", f"@{path}", "--sandbox", "--dry-run")
    assert ended.code == 0 and "7001" in ended.text


#: A plugin with a parameter that takes bytes, and one that takes a list; its result is its arguments.
UPLOADER = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    blob = {"type": "string", "contentEncoding": "base64"}
    tags = {"type": "array", "items": {"type": "string"}}
    result = {"protocol_version": 1, "integrations": [{
        "id": "uploader", "title": "Uploader", "description": "Uploads.",
        "settings": {"type": "object", "properties": {}}, "commands": [{
            "id": "put_blob", "title": "Put Blob", "description": "Stores bytes.", "effect": "write",
            "parameters": {"type": "object", "properties": {"blob": blob, "tags": tags}}}]}]}
    if request.get("method") == "invoke":
        result = {"return_data": "Successful", "raw_data": request["params"]["arguments"]}
    if "id" in request:
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
"""


def test_a_plugin_gets_bytes_and_lists_from_files(tmp_path):
    folder = tmp_path / "plugins/uploader"
    folder.mkdir(parents=True)
    (folder / "uploader.py").write_text(UPLOADER)
    (folder / "plugin.json").write_text(json.dumps({
        "id": "uploader", "version": "1.0.0", "command": ["python3", "uploader.py"], "protocol": "sallyport"}))
    (tmp_path / "c.json").write_text('{"connections":{"u":{"integration":"uploader","settings":{}}}}')
    (tmp_path / "blob").write_bytes(b"\x00\xff\x01")
    (tmp_path / "tags").write_text("a b\nc,d\n")
    plugins = ["--plugins", str(tmp_path / "plugins")]
    ended = run("call", "uploader", "put_blob", "--blob", f"@{tmp_path / 'blob'}", "--tags", f"@{tmp_path / 'tags'}",
                "--raw", "--connections", str(tmp_path / "c.json"), *plugins)
    assert ended.code == 0, ended.errors
    assert json.loads(ended.output)["raw_data"] == {"blob": "AP8B", "tags": ["a b", "c,d"]}
    help_text = run("call", "uploader", "put_blob", "--help", *plugins).text
    assert "file as @FILE, or Base64, optional" in help_text


@pytest.mark.parametrize(("words", "message"), [
    (["--content", "@/nonexistent/file"], "--content: /nonexistent/file: "),
    (["--content", "@"], "--content: missing file name after @"),
    (["--content", "@/tmp"], "--content: /tmp: "),
    (["--content", "@-", "--subject", "@-"], "stdin is the value of --"),
    (["--content", "@/bin/true"], "--content: the file is not UTF-8 text"),
    (["--contnt", "x"], 'did you mean "--content"?'),
    (["--idempotncy-key", "x"], 'did you mean "--idempotency-key"?'),
    (["--idempotency-key", "x"], "--idempotency-key requires --state-dir DIR"),
])
def test_a_wrong_argument_exits_with_2_and_says_why(words, message):
    ended = run("call", "gmail", "send_email", "--sender-email", SOC, *words, "--sandbox")
    assert (ended.code, ended.output) == (2, b"") and message in ended.errors


# Keys

def test_a_key_runs_a_command_once(tmp_path):
    path = tmp_path / "connections.json"
    with Mailbox() as mailbox:
        path.write_text(json.dumps({"connections": {"mail": mailbox.connection()}}))
        for _ in range(2):
            ended = run("call", "gmail", "send_email", "--sender-email", "soc@corp.example", "--subject", "s",
                        "--content", "c", "--to-recipients", "a@b.example", "--connections", str(path),
                        "--state-dir", str(tmp_path / "state"), "--idempotency-key", "case 7", "--raw")
            assert ended.code == 0 and json.loads(ended.output)["raw_data"]["id"]
        assert len(mailbox.to(SEND)) == 1


# Streams

def test_a_stream_is_a_line_of_json_for_each_item():
    ended = run("call", "coda_footprint", "list_devices", "--stream", "--all-pages", "--sandbox")
    assert ended.code == 0
    items = [json.loads(each) for each in ended.lines]
    whole = run("call", "coda_footprint", "list_devices", "--all-pages", "--raw", "--sandbox")
    assert items == json.loads(whole.output)["raw_data"]["items"]


def test_items_are_printed_before_the_last_page(tmp_path):
    last = threading.Event()

    def answer(request):
        page = int(dict(request.query).get("page", 1))
        shown = reply(200, {"page": page, "totalPages": 2, "totalCount": 2, "items": [{"id": page}]})
        return after(last, shown) if page == 2 else shown

    path = tmp_path / "connections.json"
    with Tenant(answer) as tenant:
        path.write_text(json.dumps({"connections": {"coda": connection(tenant.url)}}))
        with Host("--stream", "--all-pages", "--connections", str(path),
                  command=("call", "coda_footprint", "list_devices"), stdin=subprocess.DEVNULL) as host:
            assert json.loads(host.read_line()) == {"id": 1}
            last.set()
            assert [json.loads(each) for each in host.rest_lines()] == [{"id": 2}]
            assert host.exit_code() == 0


def test_a_stream_to_a_terminal_is_rows():
    owner, terminal = pty.openpty()
    with open(terminal, "wb") as stdout:
        ended = subprocess.run(
            [EXECUTABLE, "call", "coda_footprint", "list_devices", "--stream", "--all-pages", "--sandbox"],
            stdin=subprocess.DEVNULL, stdout=stdout, timeout=TIMEOUT, env=environment({"COLUMNS": "80"}))
    shown = read_to_end(owner).splitlines()
    assert ended.returncode == 0
    assert shown[0].split()[:2] == ["id", "name"] and shown[-1].endswith(" items.")
    assert len(shown) == int(shown[-1].split()[0]) + 2


def test_an_error_of_a_stream_is_on_stderr():
    ended = run("call", "coda_footprint", "list_devices", "--stream", "--raw", "--sandbox",
                "--sandbox-fault", "coda: 403 always on /api/console/elements/devices/")
    assert (ended.code, ended.output) == (1, b"") and "403" in ended.errors


def test_a_stream_without_items_prints_the_result():
    ended = run("call", "coda_footprint", "get_technical_context", "--context-id", "301", "--stream", "--sandbox")
    assert ended.code == 0 and json.loads(ended.output)["raw_data"]["id"] == 301


def test_a_reader_that_leaves_ends_the_stream():
    ended = subprocess.run(
        f"'{EXECUTABLE}' call coda_footprint list_devices --stream --all-pages --sandbox | head -n 1; "
        "echo ${PIPESTATUS[0]}", shell=True, executable="/bin/bash", capture_output=True, timeout=TIMEOUT,
        env=environment())
    first, code = ended.stdout.splitlines()
    assert json.loads(first)["id"] and int(code) in (0, 4)


# Help

@pytest.mark.parametrize("words", [
    ["call", "gmail", "send_email", "--help"], ["help", "call", "gmail", "send_email"],
    ["call", "gmail", "send_email", "-h"],
])
def test_help_for_a_command_lists_its_parameters(words):
    ended = run(*words)
    assert ended.code == 0 and ended.errors == ""
    text = " ".join(ended.text.split())
    assert "Usage: sallyport call gmail send_email --sender-email VALUE [OPTIONS]" in text
    assert "--sender-email string, required The mailbox that sends" in text
    assert "--content-type one of auto, text, html, default auto" in text
    assert "Example: soc@harbor.example" in text
    assert "sallyport call gmail send_email --sender-email" in ended.text


def test_help_for_an_integration_lists_its_commands():
    ended = run("call", "coda_footprint", "--help")
    assert ended.code == 0 and "list_devices" in ended.text


@pytest.mark.parametrize(("words", "message"), [
    (["call", "gmial", "--help"], 'did you mean "gmail"?'),
    (["call", "gmail", "send_mail", "--help"], 'did you mean "send_email"?'),
])
def test_help_for_an_unknown_name_exits_with_2(words, message):
    ended = run(*words)
    assert ended.code == 2 and message in ended.errors


def test_help_fits_a_terminal_of_80_columns():
    for command in ("send_email", "search_emails", "fetch_event"):
        text = run("call", "gmail", command, "--help", more_environment={"COLUMNS": "80"}).text
        parameters = text.split("Parameters\n")[1].split("\nExample\n")[0]
        assert max(map(len, parameters.splitlines())) <= 80


def test_the_short_option_prints_the_version():
    assert run("-V").output == run("--version").output != b""


# Tables of mail

def test_a_search_shows_senders_and_subjects():
    ended = run("call", "gmail", "search_emails", "--user-email", SOC, "--limit", "3", "--sandbox",
                more_environment={"COLUMNS": "80"})
    assert ended.code == 0
    titles, *rows = ended.text.splitlines()
    assert titles.split()[:3] == ["id", "From", "Subject"]
    assert "alerts@sensors.example" in rows[0] and "Alert 40" in rows[0]


def test_messages_are_shown_with_senders_and_subjects():
    found = run("call", "gmail", "search_emails", "--user-email", SOC, "--limit", "1", "--sandbox", "--raw")
    # The sandbox starts with the same messages, at times that depend on the clock.
    ended = run("call", "gmail", "fetch_event", "--user-email", SOC, "--start-time", "2020-01-01T00:00:00Z",
                "--end-time", "2040-01-01T00:00:00Z", "--number-of-events-fetched", "2", "--sandbox",
                more_environment={"COLUMNS": "80"})
    assert found.code == ended.code == 0
    assert "Sender" in ended.text and "Email subject" in ended.text


def test_a_search_is_shown_although_its_messages_cannot_be_read(tmp_path):
    def answer(request):
        if request.path.endswith("/messages"):
            return reply(200, {"messages": [{"id": "a1", "threadId": "a1"}]})
        return None

    path = tmp_path / "connections.json"
    with Mailbox(answer) as mailbox:
        path.write_text(json.dumps({"connections": {"mail": mailbox.connection(policy={"deny": ["get_email"]})}}))
        ended = run("call", "gmail", "search_emails", "--user-email", "soc@corp.example", "--connections", str(path))
        assert len(mailbox.calls) == 1
    assert ended.code == 0 and "a1" in ended.text and "From" not in ended.text
