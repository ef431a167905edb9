"""The examples, run as they are shown, against the sandbox."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from conftest import CLIENT, ROOT, TIMEOUT

from sallyport import CommandError, Host

PLAYBOOK = CLIENT / "examples/phishing.py"
REPORTS = ROOT / "protocol/examples/phishing"
OWNERS = REPORTS / "owners.csv"


def run(
    path: pathlib.Path, *arguments: str, directory: pathlib.Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", str(path), *arguments],
        capture_output=True, text=True, timeout=TIMEOUT, cwd=directory,
    )  # fmt: skip


@pytest.fixture
def vendors(tmp_path: pathlib.Path) -> Iterator[Callable[..., pathlib.Path]]:
    """Starts emulated vendors that several hosts can ask. Returns the connections file."""
    with contextlib.ExitStack() as running:

        def start(*faults: str) -> pathlib.Path:
            options = [word for fault in faults for word in ("--sandbox-fault", fault)]
            process = subprocess.Popen(
                [os.environ["SALLYPORT"], "sandbox", *options], stdout=subprocess.PIPE, text=True
            )
            running.enter_context(process)
            running.callback(process.terminate)
            assert process.stdout
            connections = tmp_path / "connections.json"
            connections.write_text(process.stdout.readline())
            connections.chmod(0o600)
            return connections

        yield start


def run_playbook(connections: pathlib.Path, *options: str) -> subprocess.CompletedProcess[str]:
    return run(PLAYBOOK, "--connections", str(connections), "--gmail", "gmail_sandbox", *options)


def let_pass(seconds: int, connections: pathlib.Path) -> None:
    """For the emulated vendors alone."""
    settings = json.loads(connections.read_text())["connections"]["coda_sandbox"]["settings"]
    body = json.dumps({"advance_seconds": seconds}).encode()
    request = urllib.request.Request(
        settings["server_url"] + "/_sandbox/clock", body, headers={"X-Sandbox": "1"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=TIMEOUT):
        pass


@pytest.mark.parametrize(
    ("report", "options", "faults", "status"),
    [
        ("report.md", [], [], 0),
        ("dry-run.md", ["--dry-run"], [], 0),
        ("failure.md", [], ["gravityzone: 503 always on addToBlocklist"], 1),
    ],
)
def test_the_playbook_prints_the_report_that_the_documents_show(
    vendors: Callable[..., pathlib.Path], report: str, options: list[str], faults: list[str], status: int
) -> None:
    # The Go playbook is held against the same files.
    done = run_playbook(vendors(*faults), "--owners", str(OWNERS), *options)
    assert (done.stderr, done.returncode) == ("", status)
    assert done.stdout == (REPORTS / report).read_text()


def test_the_command_of_the_readme_prints_that_report() -> None:
    readme = (CLIENT / "README.md").read_text()
    (command,) = re.findall(r"^python3 (.*phishing.py .*)$", readme, re.M)
    done = subprocess.run(
        [sys.executable, "-B", *command.split()], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert (done.stderr, done.stdout) == ("", (REPORTS / "report.md").read_text())


@pytest.mark.parametrize("is_dry", [False, True])
def test_effects_of_the_playbook_are_visible_to_another_host(
    vendors: Callable[..., pathlib.Path], tmp_path: pathlib.Path, is_dry: bool
) -> None:
    connections = vendors()
    options = ["--state-dir", str(tmp_path / "state"), *(["--dry-run"] if is_dry else [])]
    for _ in range(2):
        done = run_playbook(connections, "--owners", str(OWNERS), *options)
        assert (done.stderr, done.returncode) == ("", 0)
    let_pass(60, connections)
    with Host(connections=connections) as host:
        listed = host.streaming(all_pages=True).bitdefender_gravityzone.list_block_list()
        blocked = [item["hash"] for item in listed if item["sourceInfo"] == "Phishing, incident 4711"]
        # Only what is isolated can be restored. FIN-PC2 was nobody's.
        ids = [f"6affe1e0b1a43d00030000{end}" for end in ("0a", "0b", "21")]
        try:
            targets = host.bitdefender_gravityzone.restore_endpoints(endpoint_ids=ids).targets
        except CommandError as error:
            targets = error.targets
        found = host.streaming(connection="gmail_sandbox").gmail.search_emails(
            user_email="soc@harbor.example", filter='subject:"incident 4711"'
        )
        mail_commands = host.using(connection="gmail_sandbox").gmail
        reports = [
            host.files.get(file)
            for mail in found
            for file in mail_commands.download_email_attachment(
                user_email="soc@harbor.example",
                message_id=mail["id"],
                attachment_file_names=["incident-4711.md"],
            ).files
        ]
    sha256 = hashlib.sha256(b"%PDF-1.4\n% harmless\n%%EOF\n").hexdigest()
    assert blocked == ([] if is_dry else [sha256])
    assert [each.is_successful for each in targets] == [not is_dry, False, not is_dry]
    assert set(reports) == (set() if is_dry else {(REPORTS / "report.md").read_bytes()})


def test_playbook_reports_failed_steps(
    vendors: Callable[..., pathlib.Path], tmp_path: pathlib.Path
) -> None:
    owners = tmp_path / "owners.csv"
    owners.write_text("mail,endpoint\nFIONA@harbor.example,NO-PC1\n")
    connections = vendors()
    done = run_playbook(connections, "--owners", str(owners))
    assert (done.stderr, done.returncode) == ("", 1)
    assert done.stdout.endswith(
        "- Isolate the endpoint of nils@harbor.example: none is known\n"
        "- Isolate NO-PC1 of fiona@harbor.example: failed. No managed endpoint has this name.\n"
    )
    done = run_playbook(connections, "--mailbox", "nobody@harbor.example")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("Search Emails failed. 400 ")


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (None, "No such file or directory"),
        ("", "the first line must be mail,endpoint"),
        ("user,pc\nfiona@harbor.example,FIN-PC1\n", "the first line must be mail,endpoint"),
        ("mail,endpoint\nfiona@harbor.example\n", "fiona@harbor.example must be a mail address and an endpoint"),
    ],
)
def test_unreadable_table_is_reported_before_any_call(
    tmp_path: pathlib.Path, table: str | None, reason: str
) -> None:
    owners = tmp_path / "owners.csv"
    if table is not None:
        owners.write_text(table)
    done = run(PLAYBOOK, "--sandbox", "--owners", str(owners))
    assert (done.stdout, done.stderr, done.returncode) == ("", f"{owners}: {reason}\n", 2)


def test_reports_of_strangers_do_not_count() -> None:
    done = run(PLAYBOOK, "--sandbox", "--from", "evil.example")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "No reported mail in soc@harbor.example.\n"


def test_the_inventory_counts() -> None:
    done = run(CLIENT / "examples/inventory.py", "--sandbox")
    assert (done.stderr, done.returncode) == ("", 0)
    counts = dict(line.rsplit(None, 1) for line in done.stdout.splitlines())
    assert len(counts) == 18 and counts["HMI-LINE-142"].isdigit()


def test_the_programs_in_the_readmes_run(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One of them starts the executable by its name.
    (tmp_path / "sallyport").symlink_to(os.path.abspath(os.environ["SALLYPORT"]))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    programs = 0
    for readme in (ROOT / "README.md", CLIENT / "README.md"):
        for program in re.findall(r"```python\n(.*?)```", readme.read_text(), re.S):
            (tmp_path / "program.py").write_text(program)
            done = run(tmp_path / "program.py", directory=tmp_path)
            assert done.returncode == 0, program + done.stderr
            assert done.stdout, program
            programs += 1
    assert programs >= 9


def test_the_benchmark_gets_right_answers() -> None:
    done = run(CLIENT / "benchmark/run.py", "--calls", "100", "--rounds", "2")
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^\| .* \| +[\d,]+ \| +[\d,]+ \| +[\d.]+ \| +[\d.]+ \| -?[\d.]+ \|", done.stdout, re.M)) == 5
