r"""Hidden controls in texts of vendors, files and arguments: a terminal or a log shows them as
`\u{1B}` and does not act on them; frames and other JSON stay JSON."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess

import pytest
from Support.control_center import ControlCenter, failure
from Support.host import EXECUTABLE, TIMEOUT, Host, environment, invoke, request, run
from Support.session import connection
from Support.terminal import read_to_end
from Support.upstream import TENANTS, Tenant, reply

#: Each acts on a terminal or reorders the text around it.
HIDDEN = (
    "\0\a\b\x0b\x0c\x1b\x7f\x80\x85\x90\x9b\x9d\x9f\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e"
    "\u2066\u2067\u2068\u2069\ufeff")
#: Normal text that must stay: accents, CJK, Arabic, a family and a flag of joined emoji.
NORMAL = "Grüße 測試 مرحبا نیم‌فاصله 👩‍👩‍👧 🏳️‍🌈 é"
ATTACK = f"a{HIDDEN}b \x1b]0;title\x07\x1b[2Jx\u202egpj.exe\r\nsallyport: all is well\r {NORMAL}"


def hidden_in(text: str) -> set[str]:
    """The hidden controls in what a terminal gets, apart from line ends and styles."""
    text = re.sub(r"\x1b\[(0|1|2|31)m", "", text.replace("\r\n", "\n"))
    return {character for character in text if character in HIDDEN or character in "\r\t"}


def on_terminal(*arguments: str | bytes, more_environment=None) -> tuple[str, str, int]:
    """Output and errors of a process that writes both to terminals."""
    output, output_end = pty.openpty()
    errors, errors_end = pty.openpty()
    process = subprocess.Popen(
        [EXECUTABLE, *arguments], stdin=subprocess.DEVNULL, stdout=output_end, stderr=errors_end,
        env={key: value for key, value in environment(more_environment).items() if key != "NO_COLOR"})
    os.close(output_end)
    os.close(errors_end)
    try:
        texts = read_to_end(output), read_to_end(errors)
        return *texts, process.wait(TIMEOUT)
    finally:
        process.kill()
        process.wait()


def lines_starting(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


@pytest.fixture
def hostile(tmp_path):
    """A vendor whose every text is an attack: items, names of members, errors."""
    item = {"id": 1, "plain": NORMAL, "name": "x", "list": [ATTACK], f"k{ATTACK}": ATTACK}

    def answer(request):
        if request.path == TENANTS:
            return reply(402, {"detail": ATTACK})
        return reply(200, json.dumps([item], ensure_ascii=False).encode())

    with Tenant(answer) as tenant:
        path = tmp_path / "connections.json"
        path.write_text(json.dumps({"connections": {"main": connection(tenant.url)}}))
        yield ["--connections", str(path)]


# Terminals

def test_a_table_on_a_terminal_shows_hidden_controls(hostile):
    output, errors, code = on_terminal("call", "coda_footprint", "list_scanners", *hostile)
    assert code == 0, errors
    assert not hidden_in(output)
    assert "a\\u{0}\\u{7}\\u{8}" in output


def test_a_wide_table_keeps_normal_text_and_has_a_line_per_item(hostile):
    ended = run("call", "coda_footprint", "list_scanners", *hostile, more_environment={"COLUMNS": "9000"})
    assert ended.code == 0
    assert not hidden_in(ended.text)
    assert NORMAL in ended.text
    assert "\\u{1B}]0;title\\u{7}\\u{1B}[2Jx\\u{202E}gpj.exe  sallyport: all is well  Grüße" in ended.text
    assert len(ended.text.splitlines()) == 3, "titles, one item, the count"
    for character in HIDDEN:
        assert "\\u{%X}" % ord(character) in ended.text


def test_json_on_a_terminal_is_escaped_and_equal(hostile):
    shown, errors, code = on_terminal("call", "coda_footprint", "list_scanners", "--raw", *hostile)
    assert code == 0, errors
    assert not hidden_in(shown)
    assert "\\u202e" in shown and "\\u001b" in shown.lower()
    [item] = json.loads(shown)["raw_data"]
    assert item[f"k{ATTACK}"] == ATTACK and item["plain"] == NORMAL
    assert NORMAL in shown


def test_json_in_a_pipe_stays_as_the_vendor_sent_it(hostile):
    ended = run("call", "coda_footprint", "list_scanners", "--raw", *hostile)
    [item] = json.loads(ended.text)["raw_data"]
    assert item[f"k{ATTACK}"] == ATTACK
    assert "\u202e" in ended.text


def test_an_error_of_a_vendor_is_shown_on_its_lines(tmp_path):
    with ControlCenter(lambda request, method, params: failure(request, ATTACK)) as center:
        path = tmp_path / "connections.json"
        path.write_text(json.dumps({"connections": {"main": center.connection()}}))
        output, errors, code = on_terminal(
            "call", "bitdefender_gravityzone", "list_block_list", "--connections", str(path))
    assert code == 1
    assert not hidden_in(output) and not hidden_in(errors)
    assert "\\u{1B}]0;title" in errors and NORMAL in errors
    assert not lines_starting(errors, "sallyport: all is well")


def test_jsonpath_on_a_terminal_is_escaped(tmp_path):
    document = json.dumps([ATTACK], ensure_ascii=False)
    read, write = os.pipe()
    os.write(write, document.encode())
    os.close(write)
    output, end = pty.openpty()
    with subprocess.Popen([EXECUTABLE, "jsonpath", "$[0]"], stdin=read, stdout=end,
                          env=environment()) as process:
        os.close(read)
        os.close(end)
        shown = read_to_end(output)
    assert process.returncode == 0
    assert not hidden_in(shown)
    assert json.loads(shown) == [ATTACK]


# Command-line errors

WORDS = [
    pytest.param([ATTACK], id="command"),
    pytest.param([f"--{ATTACK}"], id="option"),
    pytest.param(["serve", f"--{ATTACK}=1"], id="option with a value"),
    pytest.param(["serve", ATTACK], id="argument"),
    pytest.param(["help", ATTACK], id="help"),
    pytest.param(["call", ATTACK, "x"], id="integration"),
    pytest.param(["call", "gmail", ATTACK], id="command of an integration"),
    pytest.param(["call", "coda_footprint", "list_devices", "--filter", ATTACK, "--sandbox"], id="object"),
    pytest.param(["call", "coda_footprint", "list_devices", "--json", ATTACK], id="json"),
    pytest.param(["call", "coda_footprint", "list_devices", "--connection", ATTACK, "--sandbox"],
                 id="connection"),
    pytest.param(["capabilities", ATTACK], id="capabilities"),
    pytest.param(["sample", "gmail", ATTACK], id="sample"),
    pytest.param(["jsonpath", ATTACK], id="jsonpath"),
    pytest.param(["mcp-config", ATTACK], id="client"),
    pytest.param(["auth", ATTACK], id="auth"),
    pytest.param(["run", ATTACK], id="request file"),
    pytest.param(["serve", "--connections", ATTACK], id="connections file"),
    pytest.param(["serve", "--log-level", ATTACK], id="level"),
    pytest.param(["serve", "--max-in-flight", ATTACK], id="number"),
    pytest.param(["serve", "--drain-timeout", ATTACK], id="seconds"),
    pytest.param(["serve", "--tools", ATTACK], id="tools"),
    pytest.param(["serve", "--confirm", ATTACK], id="choice"),
    pytest.param(["serve", "--audit", f"/nowhere/{ATTACK}"], id="audit file"),
    pytest.param(["serve", "--files-dir", f"/nowhere/{ATTACK}"], id="files"),
    pytest.param(["serve", "--state-dir", f"/nowhere/{ATTACK}"], id="state"),
    pytest.param(["serve", "--datetime-format", ATTACK], id="format"),
    pytest.param(["sandbox", "--sandbox-fault", ATTACK], id="fault"),
]


@pytest.mark.parametrize("words", WORDS)
def test_an_error_shows_hidden_controls_of_arguments(words):
    words = [word.replace("\0", "") for word in words]
    ended = run(*words)
    assert ended.code == 2
    assert ended.errors and not hidden_in(ended.errors)
    assert not lines_starting(ended.errors, "sallyport: all is well")
    assert not hidden_in(ended.text)


def test_an_argument_that_is_not_utf_8_is_shown_as_text():
    ended = subprocess.run(
        [EXECUTABLE, b"\xff\xfe\x9b2J\xc2"], capture_output=True, timeout=TIMEOUT, env=environment())
    assert ended.returncode == 2
    errors = ended.stderr.decode("utf-8", errors="strict")
    assert errors.startswith("sallyport: unknown command") and "\ufffd" in errors
    assert not hidden_in(errors)


def test_problems_of_a_connections_file_have_a_line_each(tmp_path):
    path = tmp_path / "connections.json"
    path.write_text(json.dumps({"connections": {
        f"one{ATTACK}": {"integration": "coda_footprint", "settings": {}, ATTACK: 1},
        f"two{ATTACK}": {"integration": ATTACK, "settings": {}}}}))
    ended = run("serve", "--connections", str(path))
    assert ended.code == 2
    assert not hidden_in(ended.errors)
    assert not lines_starting(ended.errors, "sallyport: all is well")
    assert len(ended.errors.splitlines()) >= 2


# Logs

def log_lines(errors: str) -> list[str]:
    lines = errors.splitlines()
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warning|info|debug) ", line), line
        assert not hidden_in(line)
    return lines


def test_a_method_name_in_the_log_is_one_line():
    forged = f"x{ATTACK}\n2026-01-01T00:00:00.000Z error forged"
    with Host("--log-level", "debug") as host:
        host.send({"jsonrpc": "2.0", "method": forged, "params": {}},
                  {"jsonrpc": "2.0", "method": "health/unwatch", "params": {ATTACK: 1}})
        host.result("ping")
        assert host.finish()[0] == 0
        errors = host.error_bytes.decode("utf-8", errors="strict")
    assert any("\\u{1B}" in line and "\\u{202E}" in line for line in log_lines(errors))


def test_the_text_of_a_vendor_in_the_log_is_one_line(hostile):
    with Host(*hostile, "--log-level", "debug") as host:
        host.send(invoke("a", "list_tenants"), request("b", "health/watch", {"connection": "main"}))
        host.read_all(2)
        assert host.finish()[0] == 0
        log_lines(host.error_bytes.decode("utf-8", errors="strict"))


# Frames

def test_frames_escape_line_ends_and_hold_the_text_as_sent(hostile):
    with Host(*hostile) as host:
        answer = host.ask(invoke("a", "list_scanners"))
    [item] = answer["result"]["raw_data"]
    assert item[f"k{ATTACK}"] == ATTACK
