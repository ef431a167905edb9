"""Redaction: whose secrets are redacted in which text, and what secrets may cost."""

from __future__ import annotations

import json
import string
import time

import pytest
from Support.control_center import ControlCenter
from Support.host import Host, invoke, request
from Support.upstream import Tenant, reply

KIB, MIB = 1024, 1024 * 1024


def coda(url: str = "http://127.0.0.1:9", password: str = "Correct-Horse-7", **more):
    return {"integration": "coda_footprint", **more, "settings": {
        "server_url": url, "user_name": "user@example.com", "password": password}}


def put(host: Host, name: str, connection: dict) -> None:
    host.result("connections/put", {"name": name, "connection": connection})


@pytest.fixture
def center():
    with ControlCenter() as center:
        yield center


# The protocol's own words

#: Every member name and closed value of a result, an error, and a target.
WORDS = [
    "return_data", "Successful", "raw_data", "meta", "duration_ms", "requests", "retries", "waited_ms", "pages",
    "items", "outcome", "not_applied", "kind", "auth", "failure_indicator", "status_code", "message", "retryable",
    "upstream", "problems", "path", "validation", "remedy", "targets", "target", "error", "errors", "Failed", "files",
    "invoke/item", "item", "done", "total", "params", "method", "result", "jsonrpc"]


@pytest.mark.parametrize("word", WORDS)
def test_password_equal_to_a_protocol_word_changes_no_member(word):
    body = {"page": 1, "totalPages": 1, "totalCount": 1, "items": [{"id": 7, "note": "text"}]}
    with Tenant(lambda request: reply(200, body)) as tenant, Host() as host:
        put(host, "c", coda(tenant.url, word))
        put(host, "other", coda(tenant.url, "Other-Horse-8"))
        for connection in ("c", "other"):
            host.send(invoke(1, "list_devices", connection=connection, stream=True))
            item, answer = host.read(), host.read()
            assert set(item) == {"jsonrpc", "method", "params"} and item["method"] == "invoke/item"
            assert set(item["params"]) == {"id", "seq", "item"}
            assert answer["result"]["return_data"] == "Successful"
            assert set(answer["result"]) == {"return_data", "meta"}
            meta = set(answer["result"]["meta"]) - {"spent_ms"}
            assert meta == {
                "connection", "trace_id", "duration_ms", "requests", "retries", "waited_ms", "pages", "items"}
            whole = host.ask(invoke(2, "list_devices", connection=connection))["result"]
            assert set(whole) == {"return_data", "raw_data", "meta"}
            error = host.ask(invoke(3, "list_devices", {"page": "x"}, connection=connection))["error"]
            assert error["data"]["kind"] == "validation" and error["data"]["outcome"] == "not_applied"
            assert error["data"]["problems"][0]["path"] == "/arguments/page"


@pytest.mark.parametrize("word", ["return_data", "kind", "auth", "outcome", "upstream", "message", "status_code"])
def test_password_equal_to_a_protocol_word_changes_no_error(word):
    with Tenant(lambda request: reply(403, {"detail": "no"})) as tenant, Host() as host:
        put(host, "c", coda(tenant.url, word))
        data = host.ask(invoke(1, "list_devices", connection="c"))["error"]["data"]
        assert data["kind"] == "permission" and data["outcome"] == "not_applied" and data["status_code"] == 403
        assert data["upstream"] == {"detail": "no"} and data["return_data"] == "Failed"


def test_secret_of_one_connection_does_not_change_results_of_another():
    with Tenant(lambda request: reply(200, [{"note": "Correct-Horse-7"}])) as tenant, Host() as host:
        put(host, "a", coda(tenant.url, "Correct-Horse-7"))
        put(host, "b", coda(tenant.url, "Other-Horse-8"))
        assert host.ask(invoke(1, "list_scanners", connection="a"))["result"]["raw_data"] == [{"note": "[redacted]"}]
        assert host.ask(invoke(2, "list_scanners", connection="b"))["result"]["raw_data"] == [{"note": "Correct-Horse-7"}]


# No oracle

def test_no_answer_depends_on_whether_a_guess_is_a_secret_of_another_connection(tmp_path):
    """Each message is sent with a secret and with text of the same length that is none."""
    secret, other = "Correct-Horse-7", "Correct-Horse-8"

    def messages(guess: str) -> list[dict]:
        return [
            invoke(1, "list_devices", {"filter": {"ip": guess}}, connection="mine", dry_run=True),
            invoke(2, "list_devices", {"page": guess}, connection="mine"),
            invoke(3, "list_devices", {guess: 1}, connection="mine"),
            invoke(4, "list_devices", connection=guess),
            invoke(5, guess),
            request(6, guess),
            request(7, "capabilities", {"integration": guess}),
            request(8, "connections/put", {"name": guess, "connection": coda("http://127.0.0.1:9", "x" * 9, description=guess)}),
            request(9, "connections/list"),
            request(10, "limits"),
            request(11, "health/watch", {"connection": guess + "?"}),
            request(12, "files/put", {"name": guess, "source": "Playbook File", "content_base64": "AAAA"}),
            request(13, "files/list"),
            request(14, "connections/remove", {"name": guess}),
            request(15, "tools/call", {"name": guess}),
            request(guess, "ping"),
        ]

    answers = []
    for guess in (secret, other):
        with Host() as host:
            put(host, "victim", coda(password=secret))
            put(host, "mine", coda(password="Mine-Horse-9"))
            texts = []
            for message in messages(guess):
                host.send(message)
                texts.append(host.read_line().decode())
            answers.append(texts)
    for first, second in zip(*answers, strict=True):
        assert blank(first.replace(secret, other)) == blank(second)


def blank(text: str) -> object:
    """Without the values that differ between any two runs."""
    def plain(value):
        if isinstance(value, dict):
            return {name: "…" if name in ("file_id", "created", "sha256", "md5", "sha1", "created_at", "trace_id", "duration_ms") else plain(one)
                    for name, one in value.items()}
        return [plain(one) for one in value] if isinstance(value, list) else value
    return plain(json.loads(text))


def set_password(password: str, **options) -> dict:
    return request(1, "invoke", {
        "integration": "gmail", "command": "set_user_password", "options": options,
        "arguments": {"user_key": "a@harbor.example", "password": password}})


def test_password_that_a_command_sets_is_not_in_its_dry_run():
    with Host("--sandbox") as host:
        plan = host.ask(set_password("New-Horse-8!", dry_run=True))
        assert plan["result"]["dry_run"] is True
        assert "New-Horse-8!" not in json.dumps(plan) and "a%40harbor.example" in json.dumps(plan)


@pytest.mark.parametrize(("password", "echo"), [
    ("abcd=efgh", r"abcd\u003defgh"), ("abcd'efgh", r"abcd\u0027efgh"), ("abcd+efgh", r"abcd\u002Befgh"),
    ('abcd"efgh', r"abcd\u0022efgh"), ('ab"cdefgh', r"ab\\\"cdefgh"), ("abcd/efgh", "abcd&#x2F;efgh"),
    ("abcd=efgh", "abcd&#x3D;efgh"), ("abcd&efgh", "abcd&#38;efgh"), ("abcdéfgh", "abcd&eacute;fgh"),
    ('ab"cdéfgh', r"ab\&quot;cdéfgh"), ("a<b>cdef", "a&lt;b>cdef"), ("abcd𝄞efgh", r"abcd\ud834\udd1eefgh")])
def test_secret_is_found_whatever_a_writer_escapes(password, echo):
    """As text in a JSON string, and as the JSON string itself."""
    bodies = [json.dumps([{"note": f"<{echo}>"}])]
    if "&" not in echo:
        bodies.append('[{"note":"<%s>"}]' % echo)
    answers = iter(bodies)
    with Tenant(lambda request: reply(200, next(answers))) as tenant, Host() as host:
        put(host, "a", coda(tenant.url, password))
        for _ in bodies:
            assert host.ask(invoke(1, "list_scanners", connection="a"))["result"]["raw_data"] == [{"note": "<[redacted]>"}]


def test_targets_are_not_redacted_in_streams(center):
    """The caller names them; otherwise it could guess the key."""
    key = center.connection()["settings"]["api_key"]
    with Host() as host:
        put(host, "g", center.connection())
        host.send(request(1, "invoke", {
            "integration": "bitdefender_gravityzone", "command": "get_managed_endpoint_details", "connection": "g",
            "arguments": {"managed_endpoint_ids": [key, "0123456789abcdef01234567"]}, "options": {"stream": True}}))
        targets = set()
        while "method" in (message := host.read()):
            if message["method"] == "invoke/item":
                targets.add(message["params"]["item"]["target"])
        assert targets == {key, "0123456789abcdef01234567"}
        outcome = message["result"] if "result" in message else message["error"]["data"]
        assert {one["target"] for one in outcome["targets"]} == targets
        host.send(request(2, "tools/call", {"name": "bitdefender_gravityzone__get_managed_endpoint_details", "arguments": {
            "managed_endpoint_ids": [key, "0123456789abcdef01234567"]}}))
        shown = json.dumps(host.read()["result"])
        assert key in shown and "[redacted]" not in shown


def test_a_long_unknown_name_is_shortened():
    with Host() as host:
        error = host.error("invoke", {"n" * MIB: 1})
        assert len(json.dumps(error)) < 10 * KIB


# What a secret may be

@pytest.mark.parametrize(("password", "words"), [
    ("[redacted]", "placeholder"), ("x" * (16 * KIB + 1), "at most 16384 bytes"), ("é" * (8 * KIB + 1), "at most 16384 bytes")])
def test_a_placeholder_or_an_overlong_secret_is_refused(password, words):
    with Host() as host:
        error = host.error("connections/put", {"name": "a", "connection": coda(password=password)})
        (problem,) = error["data"]["problems"]
        assert problem["path"] == "/connection/settings/password" and words in problem["message"]
        assert host.result("connections/list") == {"connections": []}
        assert host.ask(invoke(1, "list_tenants", connection=coda(password=password)))["error"]["code"] == -32602


def test_a_secret_of_the_maximum_length_is_accepted_and_redacted():
    password = (string.ascii_letters * 400)[:16 * KIB]
    with Tenant(lambda request: reply(200, [{"note": f"<{password}>"}])) as tenant, Host() as host:
        put(host, "a", coda(tenant.url, password))
        assert host.ask(invoke(1, "list_scanners", connection="a"))["result"]["raw_data"] == [{"note": "<[redacted]>"}]


def test_the_placeholder_is_refused_as_a_password_to_set():
    with Host("--sandbox") as host:
        answer = host.ask(set_password("[redacted]"))
        (problem,) = answer["error"]["data"]["problems"]
        assert problem["path"] == "/arguments/password" and "placeholder" in problem["message"]


# What secrets may cost

def test_a_refused_password_of_eight_mebibytes_costs_nothing():
    with Host() as host:
        host.result("ping")
        before = host.peak_memory_bytes
        start = time.monotonic()
        error = host.error("connections/put", {"name": "a", "connection": coda(password="aB3/" * (2 * MIB))})
        assert error["code"] == -32602
        host.result("ping")
        # 18 s and 472 MB before.
        assert time.monotonic() - start < 9
        assert host.peak_memory_bytes - before < 80 * MIB


def test_ten_thousand_connections_are_added_used_and_removed():
    """Quadratic before: minutes. Each of them is logged, so the set of all secrets is searched again and again."""
    with Host("--log-level", "info") as host:
        count = 10_000
        for number in range(count):
            host.send(request(number, "connections/put", {"name": f"c{number}", "connection": coda(password=f"Correct-Horse-{number}-x")}))
            if number % 500 == 499:
                # Writes a line to the log.
                host.send({"jsonrpc": "2.0", "method": f"Correct-Horse-{number}-x"})
        for number in range(count):
            assert host.read() == {"jsonrpc": "2.0", "id": number, "result": {"name": f"c{number}", "replaced": False}}
        assert host.peak_memory_bytes < 200 * MIB
        plan = host.ask(invoke("x", "list_tenants", connection="c9999", dry_run=True))
        assert plan["result"]["dry_run"] is True
        for number in range(count):
            host.send(request(number, "connections/remove", {"name": f"c{number}"}))
        for number in range(count):
            assert host.read()["result"] == {"removed": True}
        assert host.result("connections/list") == {"connections": []}
        host.finish()
        assert "Correct-Horse" not in host.errors and "[redacted]" in host.errors


def test_connections_of_callers_have_a_memory_limit():
    with Host() as host:
        refused = None
        for number in range(2_000):
            error = host.ask(request(number, "connections/put", {
                "name": f"c{number}", "connection": coda(description="d" * 60 * KIB)})).get("error")
            if error:
                refused = error
                break
        assert refused is not None and refused["code"] == -32602
        assert "bytes for the connections of callers are free" in refused["data"]["problems"][0]["message"]
        assert host.peak_memory_bytes < 250 * MIB
        # A replacement needs no more, and what was removed is free again.
        assert host.result("connections/remove", {"name": "c0"}) == {"removed": True}
        put(host, "c1", coda(description="d" * 60 * KIB))
        put(host, "again", coda(description="d" * 30 * KIB))


def test_a_secret_is_forgotten_with_its_connection():
    """Nothing in the log is redacted once the connection is removed or replaced."""
    with Host("--log-level", "info") as host:
        put(host, "a", coda(password="First-Horse-1"))
        put(host, "a", coda(password="Second-Horse-2"))
        host.result("connections/remove", {"name": "a"})
        for text in ("First-Horse-1", "Second-Horse-2"):
            host.send({"jsonrpc": "2.0", "method": text})
        host.finish()
        assert "First-Horse-1" in host.errors and "Second-Horse-2" in host.errors


def test_a_refused_connection_protects_nothing(tmp_path):
    """Its secrets, and the files that it names, stay usable."""
    with Host("--log-level", "info") as host:
        connection = coda(password="First-Horse-1")
        assert "problems" in host.error("connections/put", {"name": "a", "connection": connection | {"actve": 1}})["data"]
        host.send({"jsonrpc": "2.0", "method": "First-Horse-1"})
        host.finish()
        assert "First-Horse-1" in host.errors
