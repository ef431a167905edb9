"""Refresh tokens that are valid once: several hosts share one connections file."""

import contextlib
import fcntl
import json
import os
import threading
import time

import pytest
from Support.programmed_google import ANNA, REFRESH_TOKEN, Google, token_refusal
from Support.session import Host

LABELS = {"user_email": ANNA}
#: Seconds; far below a timeout of the host, generous for a busy machine.
SOON = 15


class RotatingGoogle(Google):
    """Replaces the refresh token with each exchange. An old one is refused, as reuse is."""

    def __init__(self, pause=0.02, **more):
        self.valid = REFRESH_TOKEN
        self.reused = []
        self.pause = pause
        super().__init__(token=self.exchange, **more)

    def exchange(self, request, form, number):
        with self.lock:
            used = form["refresh_token"]
            if used != self.valid:
                self.reused.append(used)
                return token_refusal(400, "invalid_grant", "Token has been expired or revoked.")
            self.valid = f"1//0e-rotated-{number}"
            new = self.valid
        # The answer is on its way for a while.
        time.sleep(self.pause)
        return self.grant(form, number, expires_in=0, refresh_token=new)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "connections.json"


def write(file, **connections):
    file.write_text(json.dumps({"connections": connections}, indent=2))
    file.chmod(0o600)


def stored(file, name="main"):
    return json.loads(file.read_text())["connections"][name]["settings"]["refresh_token"]


@contextlib.contextmanager
def hosts(file, count):
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(Host(options=["--connections", str(file)])) for _ in range(count)]
        for host in started:
            host.integration = "gmail"
        yield started


def test_hosts_that_share_a_rotating_refresh_token_do_not_fail(file):
    with RotatingGoogle() as google:
        write(file, main=google.oauth())
        with hosts(file, 3) as running:
            def calls(host):
                for _ in range(15):
                    host.result("list_labels", LABELS)

            threads = [threading.Thread(target=calls, args=[host]) for host in running]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert all(len(host.answers) == 15 for host in running)
            assert all("result" in answer for host in running for answer, _ in host.answers.values())
        assert google.reused == [] and len(google.forms) >= 45
        assert stored(file) == google.valid
        assert os.listdir(file.parent) == ["connections.json"]


def test_hosts_share_a_refresh_token_in_a_file_of_its_own(file, tmp_path):
    own = tmp_path / "refresh"
    own.write_text(REFRESH_TOKEN + "\n")
    own.chmod(0o600)
    with RotatingGoogle() as google:
        write(file, main=google.oauth(settings={"refresh_token": {"$file": str(own)}}))
        with hosts(file, 2) as running:
            for _ in range(5):
                numbers = [(host, host.start("list_labels", LABELS)) for host in running]
                for host, number in numbers:
                    assert "result" in host.wait(number)[0]
        assert google.reused == [] and own.read_text() == google.valid + "\n"
        assert sorted(os.listdir(tmp_path)) == ["connections.json", "refresh"]


def test_a_token_that_somebody_wrote_meanwhile_is_exchanged(file):
    """Something that takes no lock: the file is read once more before the user is asked."""
    with RotatingGoogle() as google:
        write(file, main=google.oauth())

        def exchange(request, form, number):
            if form["refresh_token"] == REFRESH_TOKEN:
                google.valid = "1//0e-of-a-new-consent"
                write(file, main=google.oauth(settings={"refresh_token": google.valid}))
                return token_refusal(400, "invalid_grant", "Token has been expired or revoked.")
            return google.exchange(request, form, number)

        google.token = exchange
        with hosts(file, 1) as (host,):
            host.result("list_labels", LABELS)
        used = [form["refresh_token"] for form in google.forms]
        assert used[:2] == [REFRESH_TOKEN, "1//0e-of-a-new-consent"]
        assert stored(file) == google.valid


def test_a_token_that_was_replaced_between_two_calls_is_used(file):
    with RotatingGoogle() as google:
        write(file, main=google.oauth())
        with hosts(file, 1) as (host,):
            host.result("list_labels", LABELS)
            google.valid = "1//0e-of-a-new-consent"
            write(file, main=google.oauth(settings={"refresh_token": google.valid}))
            host.result("list_labels", LABELS)
        assert google.reused == []


def test_a_refusal_is_an_error_after_one_exchange(file):
    with RotatingGoogle() as google:
        google.valid = "another"
        write(file, main=google.oauth())
        with hosts(file, 1) as (host,):
            error = host.failure("list_labels", LABELS)
            assert error["kind"] == "auth" and "consent" in error["remedy"]
        assert len(google.forms) == 1


@contextlib.contextmanager
def held(file, name="main"):
    """Another host that exchanges, as far as flock(2) is concerned."""
    path = file.parent / f"{file.name}.{name}.lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path


def test_a_wait_for_another_host_ends_at_the_deadline(file):
    with RotatingGoogle() as google:
        write(file, main=google.oauth(), other=google.oauth())
        with hosts(file, 1) as (host,), held(file):
            start = time.monotonic()
            error = host.failure("list_labels", LABELS, connection="main", timeout_ms=300)
            assert (error["kind"], error["status_code"]) == ("unavailable", 503), error
            assert error["retryable"] and error["outcome"] == "not_applied"
            assert time.monotonic() - start < SOON
            assert google.forms == []
            # It delays nothing else.
            host.result("list_labels", LABELS, connection="other")


def test_a_host_that_waits_goes_on_with_the_new_token(file):
    with RotatingGoogle() as google:
        write(file, main=google.oauth())
        with hosts(file, 1) as (host,):
            with held(file) as lock:
                number = host.start("list_labels", LABELS)
                host.call("ping")
                google.valid = "1//0e-of-the-other-host"
                write(file, main=google.oauth(settings={"refresh_token": google.valid}))
                lock.unlink()
            assert "result" in host.wait(number)[0]
        assert google.forms[0]["refresh_token"] == "1//0e-of-the-other-host" and google.reused == []


def test_a_planted_link_is_not_followed(file, tmp_path):
    target = tmp_path / "precious"
    with RotatingGoogle() as google:
        write(file, main=google.oauth())
        (tmp_path / "connections.json.main.lock").symlink_to(target)
        with hosts(file, 1) as (host,):
            assert host.failure("list_labels", LABELS)["kind"] == "unavailable"
        assert not target.exists() and google.forms == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_directory_that_is_not_writable_needs_no_lock(file, tmp_path):
    with RotatingGoogle() as google:
        write(file, main=google.oauth())
        tmp_path.chmod(0o500)
        try:
            with hosts(file, 1) as (host,):
                host.result("list_labels", LABELS)
        finally:
            tmp_path.chmod(0o700)
