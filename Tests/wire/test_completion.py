"""`sallyport completion` in real shells, and `sallyport man`."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
from Support.host import EXECUTABLE, TIMEOUT, environment, run
from Support.shells import SHELLS, Shell, need

#: Names that a shell must not take apart or run.
NAMES = ["prod eu", "it's", 'the "main" one', "a:b=c@d", "$(touch pwned)", "`touch pwned`", "back\\slash", "*"]


def candidates(*words: str, **more) -> list[str]:
    """The candidates for the last word."""
    ended = run("__complete", "zsh", *words, **more)
    assert ended.code == 0, ended.errors
    _, *lines = ended.text.splitlines()
    return [each.split("\t")[0] for each in lines]


def kind_and_prefix(*words: str) -> list[str]:
    return run("__complete", "zsh", *words).text.splitlines()[0].split("\t")


@pytest.fixture
def connections(tmp_path):
    path = tmp_path / "connections.json"
    path.touch(0o600)

    def write(*names: str) -> str:
        connection = {"integration": "gmail", "settings": {}}
        path.write_text(json.dumps({"connections": dict.fromkeys(names, connection) | {
            "other": {"integration": "coda_footprint", "settings": {}}}}))
        return str(path)

    return write


# Candidates

@pytest.mark.parametrize(("words", "expected"), [
    (["ca"], {"call", "capabilities"}),
    (["--"], {"--help", "--version"}),
    (["help", "ser"], {"serve"}),
    (["call", ""], {"bitdefender_gravityzone", "coda_footprint", "gmail"}),
    (["call", "gmail", "send"], {"send_email"}),
    (["call", "gmail", "send_email", "--cont"], {"--content", "--content-type"}),
    (["call", "gmail", "send_email", "--content_t"], set()),
    (["call", "gmail", "send_email", "--content-type", ""], {"auto", "text", "html"}),
    (["call", "gmail", "send_email", "--content_type", "a"], {"auto"}),
    (["call", "gmail", "send_email", "--content-type=t"], {"text"}),
    (["call", "--raw", "gmail", "send_email", "--all"], {"--all-pages", "--allow-core-dumps"}),
    (["call", "gmail", "search_emails", "--include-spam-trash", ""], {"true", "false"}),
    (["serve", "--log-level", ""], {"error", "warning", "info", "debug"}),
    (["serve", "--confirm", ""], {"always", "destructive", "never"}),
    (["mcp-config", "cl"], {"claude-desktop", "claude-code"}),
    (["plugin", "l"], {"list", "lock"}),
    (["completion", ""], {"bash", "zsh", "fish"}),
    (["run", "batch.jsonl", "--res"], {"--resume"}),
    (["call", "gmail", "send_email", "--", "--c"], set()),
    (["call", "nobody", ""], set()),
    (["nothing", ""], set()),
])
def test_candidates_come_from_the_tables_of_the_help(words, expected):
    assert set(candidates(*words)) == expected


@pytest.mark.parametrize(("words", "expected"), [
    (["run", ""], ["files", ""]),
    (["serve", "--connections", ""], ["files", ""]),
    (["serve", "--audit=/tmp/a"], ["files", "--audit="]),
    (["serve", "--files-dir", ""], ["directories", ""]),
    (["call", "gmail", "send_email", "--content", "@/et"], ["files", "@"]),
    (["call", "gmail", "send_email", "--content=@/et"], ["files", "--content=@"]),
    (["call", "gmail", "send_email", "--content", "@@x"], ["none", ""]),
    (["call", "gmail", "send_email", "--content", "x"], ["none", ""]),
])
def test_the_shell_completes_files_where_they_belong(words, expected):
    assert kind_and_prefix(*words) == expected


def test_connections_are_those_of_the_file_and_the_integration(connections):
    path = connections("one", "two")
    words = ["call", "gmail", "search_emails", "--connections", path, "--connection", ""]
    assert candidates(*words) == ["one", "two"]
    assert candidates("call", "gmail", "search_emails", "--connection=o",
                      more_environment={"SALLYPORT_CONNECTIONS": path}) == ["one"]
    assert candidates("doctor", f"--connections={path}", "--connection", "") == ["one", "two", "other"]


def test_a_connections_file_that_is_wrong_gives_no_names(tmp_path):
    for text in ("", "{", "[]", '{"connections":[]}', '{"connections":{"a\\tb":{},"a\\nb":{}}}'):
        path = tmp_path / "c.json"
        path.write_text(text)
        assert candidates("auth", "gmail", "--connections", str(path), "--connection", "") == []
    os.mkfifo(tmp_path / "fifo")
    assert candidates("auth", "gmail", "--connections", str(tmp_path / "fifo"), "--connection", "") == []


@pytest.mark.parametrize(("words", "message"), [
    ([], "missing shell"), (["bahs"], 'did you mean "bash"?'), (["tcsh"], "expected one of: bash, zsh, fish"),
])
def test_an_unknown_shell_exits_with_2(words, message):
    ended = run("completion", *words)
    assert ended.code == 2 and message in ended.errors


# Shells

@pytest.fixture(params=list(SHELLS))
def shell(request, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return Shell(request.param, home)


@pytest.mark.parametrize(("typed", "expected"), [
    ("sallyport cap", ["capabilities"]),
    ("sallyport call coda", ["call", "coda_footprint"]),
    ("sallyport call gmail set_u", ["call", "gmail", "set_user_password"]),
    ("sallyport call gmail send_email --content-t", ["call", "gmail", "send_email", "--content-type"]),
    ("sallyport call gmail send_email --content-type h", ["call", "gmail", "send_email", "--content-type", "html"]),
    ("sallyport call gmail send_email --content-type=h", ["call", "gmail", "send_email", "--content-type=html"]),
    ("sallyport run data/req", ["run", "data/requests of today.jsonl"]),
    ("sallyport call gmail send_email --content @data/req",
     ["call", "gmail", "send_email", "--content", "@data/requests of today.jsonl"]),
])
def test_a_shell_completes_a_word(shell, typed, expected):
    (shell.home / "data").mkdir()
    (shell.home / "data/requests of today.jsonl").touch()
    assert shell.completed(typed) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_passes_a_name_as_it_is(shell, name, connections):
    shell.environment["SALLYPORT_CONNECTIONS"] = connections(name)
    assert shell.completed("sallyport call gmail list_labels --connection ") == [
        "call", "gmail", "list_labels", "--connection", name]
    assert not (shell.home / "pwned").exists()


@pytest.mark.parametrize(("typed", "name"), [
    ('"prod e', "prod eu"), ("'prod e", "prod eu"), ("prod\\ e", "prod eu"), ("a:b", "a:b=c@d"), ("a:b=c", "a:b=c@d"),
    ("a:b=c@", "a:b=c@d"),
])
def test_a_shell_completes_the_rest_of_a_name(shell, typed, name, connections):
    shell.environment["SALLYPORT_CONNECTIONS"] = connections(name)
    assert shell.completed(f"sallyport call gmail list_labels --connection {typed}") == [
        "call", "gmail", "list_labels", "--connection", name]


def test_fish_shows_summaries(tmp_path):
    need("fish")
    script = run("completion", "fish").text.replace("$words[1] __complete", f"'{EXECUTABLE}' __complete")
    ended = subprocess.run(
        ["fish", "--no-config", "-c", script + "\ncomplete -C 'sallyport call gmail '"], capture_output=True,
        timeout=TIMEOUT, env=environment({"HOME": str(tmp_path)}), check=True)
    assert "list_labels\tList Labels" in ended.stdout.decode().splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_valid(shell, tmp_path):
    need(shell)
    path = tmp_path / "script"
    path.write_text(run("completion", shell).text)
    subprocess.run([shell, "-n", str(path)], check=True, timeout=TIMEOUT)


# The manual page

def test_the_manual_page_has_no_warnings(tmp_path):
    need("man")
    need("groff")
    page = tmp_path / "sallyport.1"
    page.write_bytes(run("man").output)
    ended = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page)], capture_output=True, timeout=TIMEOUT,
        env=environment({"LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"}))
    assert (ended.returncode, ended.stderr.decode()) == (0, "")


def test_the_manual_page_has_every_command_and_option(tmp_path):
    need("man")
    page = tmp_path / "sallyport.1"
    page.write_bytes(run("man").output)
    shown = subprocess.run(
        ["man", "-l", "-Tutf8", "-P", "cat", str(page)], capture_output=True, timeout=TIMEOUT, check=True,
        env=environment({"LC_ALL": "C.UTF-8", "MANWIDTH": "200", "GROFF_NO_SGR": "1", "TERM": "dumb"})).stdout.decode()
    shown = re.sub(r".\x08", "", shown)
    for name in ("serve", "run", "call", "capabilities", "completion", "man", "doctor"):
        assert f"sallyport {name}" in shown
    for option in ("--resume", "--connections FILE", "--idempotency-key KEY", "--log-level L"):
        assert option in shown
    assert "sallyport call coda_footprint list_devices --filter '{\"riskLevel\":\"critical\"}' --sandbox" in shown
