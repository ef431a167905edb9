"""What a command does with its call, run by `Plugin.test`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Callable, Optional

import pytest
import sallyport
from sallyport.plugin import URL, AsyncCall, Call, Events, Plugin, PluginError, Response, Result, Secret


@dataclass
class Settings:
    server_url: URL
    api_key: Secret
    region: str = "eu"


def make(headers: Optional[Callable[[Any], Any]] = None) -> Plugin[Settings]:
    return Plugin("acme", settings=Settings, headers=headers)


def test_request_has_placeholders_paths_and_texts() -> None:
    plugin = make()

    @plugin.command(effect="read")
    def run(call: Call[Settings]) -> Any:
        query = {"n": 1, "on": True, "off": None, "many": ["a", 2]}
        headers = {"Authorization": f"Bearer {call.settings.api_key}"}
        return call.get("/a", query=query, headers=headers, basic=("u", "p")).json()

    host = plugin.test({"server_url": "https://eu.acme.example/base/"}, {("GET", "/base/a"): {"ok": 1}})
    assert host.call("run").raw_data == {"ok": 1}
    (request,) = host.requests
    assert request.url == "https://eu.acme.example/base/a"
    assert request.query == {"n": "1", "on": "true", "many": ["a", "2"]}
    assert request.headers == {"Authorization": "Bearer {{secret:api_key}}"}
    assert request.basic == {"user": "u", "password": "p"}


@pytest.mark.parametrize("headers", [{"X-Key": "{{secret:api_key}}", "X-Other": "a"}, lambda call: {
    "X-Key": call.settings.api_key, "X-Other": "a"}])
def test_headers_are_in_each_request_except_sign_ins(headers: Any) -> None:
    plugin = make(headers)

    @plugin.command()
    def run(call: Call[Settings]) -> None:
        call.post("/login", sign_in=True)
        call.get("/a", headers={"X-Other": "b"})

    host = plugin.test(vendor=lambda request: {})
    host.call("run")
    assert [one.headers for one in host.requests] == [{}, {"X-Key": "{{secret:api_key}}", "X-Other": "b"}]


def test_form_keeps_placeholders_and_headers_merge_in_any_case() -> None:
    plugin = make({"authorization": "a"})

    @plugin.command()
    def run(call: Call[Settings]) -> None:
        form = {"grant type": "a&b", "secret": f"x {call.settings.api_key}=é", "many": [1, True], "none": None}
        call.post("/a", form=form, headers={"Authorization": "b"})

    host = plugin.test(vendor=lambda request: {})
    host.call("run")
    (request,) = host.requests
    assert request.body == "grant+type=a%26b&secret=x+{{secret:api_key}}%3D%C3%A9&many=1&many=true"
    assert request.headers == {"Authorization": "b", "Content-Type": "application/x-www-form-urlencoded"}


def test_bodies_are_json_text_or_bytes() -> None:
    plugin = make()

    @plugin.command()
    def run(call: Call[Settings]) -> None:
        call.post("/a", json=None)
        call.put("/a", body="text")
        call.patch("/a", body=b"\xff")
        call.delete("https://other.example/a")

    host = plugin.test(vendor=lambda request: 204)
    host.call("run")
    assert [(one.method, one.json, one.body) for one in host.requests] == [
        ("POST", None, None), ("PUT", None, "text"), ("PATCH", None, b"\xff"), ("DELETE", None, None)]
    assert host.requests[-1].url == "https://other.example/a"


@pytest.mark.parametrize(("answer", "kind", "status", "message"), [
    ((404, {"error": {"message": "No device"}}), sallyport.NotFound, 404, "No device"),
    ((401, {"error": "expired", "error_description": "The token expired"}), sallyport.AuthenticationError, 401, "The token expired"),
    ((403, "Go away\n"), sallyport.PermissionDenied, 403, "Go away"),
    ((429, {}, {"Retry-After": "7"}), sallyport.RateLimited, 429, "Too Many Requests."),
    ((500, {"errors": [{"detail": "Disk full"}]}), sallyport.UpstreamError, 500, "Disk full"),
    ((599, b"\xff"), sallyport.UpstreamError, 599, "\ufffd"),
    ((422, {"message": None, "title": "Wrong"}), sallyport.UpstreamError, 422, "Wrong"),
])
def test_vendors_error_becomes_the_triple(answer: Any, kind: type, status: int, message: str) -> None:
    plugin = make()

    @plugin.command(effect="read")
    def get_device(call: Call[Settings]) -> Any:
        return call.get("/a").raise_for_status(remedy="Look it up.").json()

    with pytest.raises(sallyport.CommandError) as raised:
        plugin.test(vendor={("GET", "/a"): answer}).call("get_device")
    assert type(raised.value) is kind
    assert raised.value.triple == ("Get Device failed.", status, message)
    assert (raised.value.outcome, raised.value.remedy) == ("not_applied", "Look it up.")
    assert raised.value.retry_after_ms == (7000 if status == 429 else None)


def test_body_that_is_not_json_is_an_error_of_the_vendor() -> None:
    plugin = make()

    @plugin.command(effect="read")
    def run(call: Call[Settings]) -> Any:
        return call.get("/a").json()

    with pytest.raises(sallyport.UpstreamError) as raised:
        plugin.test(vendor={("GET", "/a"): "<html>"}).call("run")
    assert (raised.value.status_code, raised.value.upstream, raised.value.retryable) == (502, "<html>", False)


def test_response_body_in_every_form() -> None:
    text = Response({"status": 200, "headers": {"Content-Type": "text/plain"}, "body": "[1]"})
    assert (text.text, text.content, text.json(), text.headers) == ("[1]", b"[1]", [1], {"content-type": "text/plain"})
    data = Response({"status": 200, "body_base64": "AP8="})
    assert (data.content, data.ok) == (b"\x00\xff", True)
    assert Response({"status": 200, "json": None}).json() is None


@pytest.mark.parametrize(("effect", "requests", "status", "outcome"), [
    ("read", ["POST"], 500, "not_applied"), ("write", [], 0, "not_applied"), ("write", ["GET"], 500, "not_applied"),
    ("write", ["POST"], 500, "unknown"), ("write", ["POST"], 409, "not_applied"), ("write", ["POST", "POST"], 409, "unknown"),
])
def test_outcome_depends_on_what_was_sent(effect: str, requests: list[str], status: int, outcome: str) -> None:
    plugin = make()

    @plugin.command(effect=effect)
    def run(call: Call[Settings]) -> None:
        for method in requests[:-1]:
            call.http(method, "/first").raise_for_status()
        for method in requests[-1:]:
            call.http(method, "/last").raise_for_status()
        raise PluginError("Nothing was sent.")

    vendor = {("POST", "/first"): 200, ("POST", "/last"): status, ("GET", "/last"): status}
    with pytest.raises(sallyport.CommandError) as raised:
        plugin.test(vendor=vendor).call("run")
    assert raised.value.outcome == outcome


def test_plugin_error_has_defaults_and_refuses_unknown_words() -> None:
    assert (PluginError("x").kind, PluginError("x").status_code) == ("upstream", 502)
    assert (PluginError("x", kind="policy").status_code, PluginError("x", status_code=404).kind) == (403, "not_found")
    assert PluginError("x", status_code=503).retryable and not PluginError("x", status_code=404).retryable
    with pytest.raises(ValueError, match='did you mean "not_found"'):
        PluginError("x", kind="notfound")
    with pytest.raises(ValueError, match="unknown outcome"):
        PluginError("x", outcome="maybe")


# Tokens


def signing_in() -> Plugin[Settings]:
    def sign_in(call: Call[Settings]) -> str:
        answer = call.post("/login", json={"key": call.settings.api_key}, sign_in=True)
        return str(answer.raise_for_status().json().get("token", ""))

    plugin = make(lambda call: {"Authorization": f"Bearer {call.token('access', sign_in)}"})

    @plugin.command()
    def run(call: Call[Settings]) -> Any:
        return call.post("/run").raise_for_status().json()

    return plugin


def test_token_is_requested_once_and_again_after_401() -> None:
    tokens = iter(["t1", "t2"])
    answers = iter([{"n": 1}, {"n": 2}, 401, {"n": 3}])
    host = signing_in().test(vendor={
        ("POST", "/login"): lambda request: {"token": next(tokens)}, ("POST", "/run"): lambda request: next(answers)})
    assert [host.call("run").raw_data["n"] for _ in range(3)] == [1, 2, 3]
    assert [one.path for one in host.requests] == ["/login", "/run", "/run", "/run", "/login", "/run"]
    assert host.requests[0].json == {"key": "{{secret:api_key}}"} and host.requests[0].headers == {}
    assert host.requests[1].headers == {"Authorization": "Bearer {{secret:access}}"}
    assert host.secrets == {"access": "t2"}


def test_second_401_is_the_error() -> None:
    host = signing_in().test(vendor={("POST", "/login"): {"token": "t"}, ("POST", "/run"): 401})
    with pytest.raises(sallyport.AuthenticationError) as raised:
        host.call("run")
    assert raised.value.outcome == "not_applied"
    assert [one.path for one in host.requests] == ["/login", "/run", "/login", "/run"]


def test_token_that_the_host_has_redacted_is_kept() -> None:
    answers = iter([401, {}])
    tokens = iter(["t1", "[redacted]"])
    host = signing_in().test(vendor={
        ("POST", "/login"): lambda request: {"token": next(tokens)}, ("POST", "/run"): lambda request: next(answers)})
    host.call("run")
    assert host.secrets == {"access": "t1"}


def test_tokens_belong_to_a_connection() -> None:
    plugin = signing_in()
    vendor = {("POST", "/login"): {"token": "t"}, ("POST", "/run"): {}}
    for region, paths in (("eu", ["/login", "/run"]), ("us", ["/login", "/run"]), ("eu", ["/run"])):
        host = plugin.test({"region": region}, vendor)
        host.call("run")
        assert [one.path for one in host.requests] == paths


def test_concurrent_calls_sign_in_once() -> None:
    arrived = threading.Semaphore(0)

    def sign_in(call: Call[Settings]) -> str:
        # While one call signs in, all others need the token.
        for _ in range(8):
            assert arrived.acquire(timeout=60)
        return str(call.post("/login", sign_in=True).json()["token"])

    def headers(call: Call[Settings]) -> dict[str, str]:
        arrived.release()
        return {"X-Token": call.token("access", sign_in)}

    plugin = make(headers)
    plugin.command(id="run")(lambda call: call.post("/run").json())
    host = plugin.test(vendor={("POST", "/login"): {"token": "t"}, ("POST", "/run"): {}})
    threads = [threading.Thread(target=host.call, args=("run",), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [one.path for one in host.requests].count("/login") == 1


def test_dry_run_omits_the_sign_in_and_needs_no_token() -> None:
    plugin = signing_in()
    host = plugin.test(vendor={("POST", "/login"): {"token": "t"}, ("POST", "/run"): {}})
    (request,) = host.dry_run("run")
    assert (request.path, request.headers) == ("/run", {"Authorization": "Bearer [redacted]"})
    assert host.secrets == {}
    host.call("run")
    assert host.secrets == {"access": "t"}
    (request,) = host.dry_run("run")
    assert request.headers == {"Authorization": "Bearer {{secret:access}}"}


def test_command_that_catches_exceptions_does_not_catch_the_end_of_a_dry_run() -> None:
    plugin = make()
    caught = []

    @plugin.command(effect="write")
    def run(call: Call[Settings]) -> dict[str, Any]:
        try:
            return dict(call.post("/run").raise_for_status().json())
        except Exception as error:
            caught.append(error)
            return {}

    (request,) = plugin.test(vendor={("POST", "/run"): {}}).dry_run("run")
    assert request.path == "/run" and not caught


# Targets


def isolating() -> Plugin[Settings]:
    plugin = make()

    @plugin.command(partial_success=True)
    def isolate(call: Call[Settings], ids: list[str]) -> Result:
        return call.targets(ids, lambda id: call.post(f"/{id}").raise_for_status().json(), limit=3)

    return plugin


def test_all_targets_succeed_in_their_order_without_duplicates() -> None:
    host = isolating().test(vendor=lambda request: {"path": request.path})
    result = host.call("isolate", ids=["a", "b", "a", "c"])
    assert result.json == {
        "return_data": "Successful", "raw_data": [{"path": "/a"}, {"path": "/b"}, {"path": "/c"}],
        "targets": [{"target": one, "return_data": "Successful"} for one in "abc"]}
    assert host.progress == []


def test_some_targets_fail() -> None:
    host = isolating().test(vendor={("POST", "/a"): {}, ("POST", "/b"): (404, {"message": "no b"}), ("POST", "/c"): 500})
    result = host.using(progress=True).call("isolate", ids=["a", "b", "c"])
    assert (result.return_data, result.raw_data) == ("Partially Successful", [{}])
    assert [(one.target, one.error and one.error.triple, one.error and one.error.outcome) for one in result.targets] == [
        ("a", None, None), ("b", ("Isolate failed.", 404, "no b"), "not_applied"),
        ("c", ("Isolate failed.", 500, "Internal Server Error."), "unknown")]
    assert [(one["target"], one["status_code"]) for one in result.json["errors"]] == [("b", 404), ("c", 500)]
    assert "return_data" not in result.json["errors"][0]
    assert sorted(host.progress) == [(1, 3), (2, 3), (3, 3)]


def test_exception_in_one_target_is_its_outcome(capfd: pytest.CaptureFixture[str]) -> None:
    plugin = make()

    @plugin.command(partial_success=True)
    def isolate(call: Call[Settings], ids: list[str]) -> Result:
        return call.targets(ids, lambda id: {"a": 1}[id])

    result = plugin.test().call("isolate", ids=["a", "b"])
    assert [(one.target, one.error and (one.error.message, one.error.outcome)) for one in result.targets] == [
        ("a", None), ("b", ("KeyError: 'b'", "unknown"))]
    assert "KeyError: 'b'" in capfd.readouterr().err


def test_no_target_succeeds() -> None:
    host = isolating().test(vendor={("POST", "/a"): 404, ("POST", "/b"): 500})
    with pytest.raises(sallyport.NotFound) as raised:
        host.call("isolate", ids=["a", "b"])
    assert [one.target for one in raised.value.targets] == ["a", "b"]
    assert raised.value.outcome == "unknown"


def test_refused_credentials_stop_the_rest() -> None:
    host = isolating().test(vendor=lambda request: 401)
    with pytest.raises(sallyport.AuthenticationError) as raised:
        host.call("isolate", ids=[str(number) for number in range(20)])
    assert len(host.requests) <= 3
    assert {one.error.outcome for one in raised.value.targets if one.error} == {"not_applied"}
    assert len(raised.value.targets) == 20


def test_dry_run_has_the_first_request_of_each_target() -> None:
    host = isolating().test()
    assert [one.path for one in host.dry_run("isolate", ids=["a", "b", "a", "c"])] == ["/a", "/b", "/c"]


def test_bug_in_every_target_fails_the_command() -> None:
    plugin = make()

    @plugin.command()
    def run(call: Call[Settings]) -> Any:
        return call.targets([1, 2], lambda id: {}["missing"])

    with pytest.raises(sallyport.CommandError, match="Run failed") as raised:
        plugin.test().call("run")
    assert raised.value.message == "KeyError: 'missing'"
    assert [one.target for one in raised.value.targets] == [1, 2]


def test_streamed_targets_are_items() -> None:
    host = isolating().test(vendor={("POST", "/a"): {"ok": 1}, ("POST", "/b"): 404})
    items = sorted(host.stream("isolate", ids=["a", "b"]), key=lambda one: str(one["target"]))
    assert items[0] == {"target": "a", "return_data": "Successful", "data": {"ok": 1}}
    assert (items[1]["return_data"], items[1]["error"]["status_code"]) == ("Failed", 404)


# Items, events, files


def listing() -> Plugin[Settings]:
    plugin = make()

    @plugin.command(effect="read", items="$.data.items[*]", pages=True)
    def paged(call: Call[Settings]) -> Any:
        body = call.get("/1").json()
        call.items(body["data"]["items"])
        if call.all_pages:
            call.items(call.get("/2").json()["data"]["items"])
        return body

    @plugin.command(effect="read", items="$[*]")
    def whole(call: Call[Settings]) -> Any:
        return call.get("/list").json()

    @plugin.command(effect="read", items="$[*]")
    def only_items(call: Call[Settings]) -> None:
        call.item(1)
        call.item(2)

    return plugin


VENDOR = {
    ("GET", "/1"): {"data": {"items": [1, 2], "total": 3}}, ("GET", "/2"): {"data": {"items": [3]}}, ("GET", "/list"): [1, 2]}


def test_items_replace_the_list_of_the_body() -> None:
    host = listing().test(vendor=VENDOR)
    assert host.call("paged").raw_data == {"data": {"items": [1, 2], "total": 3}}
    assert host.using(all_pages=True).call("paged").raw_data == {"data": {"items": [1, 2, 3], "total": 3}}
    assert host.call("only_items").raw_data == [1, 2]


def test_stream_sends_items_of_any_command() -> None:
    host = listing().test(vendor=VENDOR)
    assert host.using(all_pages=True).stream("paged") == [1, 2, 3]
    assert host.stream("whole") == [1, 2]
    assert host.stream("only_items") == [1, 2]
    assert host.using(stream=True).call("whole").json == {"return_data": "Successful", "meta": {"items": 2}}


def test_events_have_their_fields() -> None:
    plugin = make()

    @plugin.command(effect="read", events=Events({"Key": "$.id", "Host": "$.device.name", "Type": "Alert"}))
    def fetch(call: Call[Settings], cursor: str = "") -> Result:
        documents = [{"id": 1, "device": {"name": "pc"}}, {"id": 2}]
        return Result(documents, events=[call.event(one) for one in documents], cursor=cursor + "x", notices=["old"])

    result = plugin.test().call("fetch", cursor="c")
    assert [one["fields"] for one in result.events] == [{"Key": 1, "Host": "pc", "Type": "Alert"}, {"Key": 2, "Type": "Alert"}]
    assert (result.json["cursor"], result.notices, result.events[1]["raw"]) == ("cx", ["old"], {"id": 2})
    assert [one["fields"]["Key"] for one in plugin.test().stream("fetch")] == [1, 2]


def test_files_are_stored_read_and_listed() -> None:
    plugin = make()

    @plugin.command()
    def copy(call: Call[Settings], size: int) -> None:
        reference = call.file_put("../a.bin", b"x" * size)
        call.file_put("b.txt", "é", source="artifact_file", content_type="text/plain")
        call.notice(f"{len(call.file_get(reference['file_id']))} bytes")

    host = plugin.test()
    result = host.call("copy", size=2_500_000)
    assert [one.name for one in result.files] == ["a.bin", "b.txt"]
    assert result.files[1].content_type == "text/plain" and host.files[result.files[1].file_id] == "é".encode()
    assert result.notices == ["2500000 bytes"] and "raw_data" not in result.json


def test_missing_file_is_not_found() -> None:
    plugin = make()

    @plugin.command(effect="read")
    def read(call: Call[Settings]) -> Any:
        return call.file_get("nothing").decode()

    with pytest.raises(sallyport.NotFound):
        plugin.test().call("read")


def test_log_and_deadline() -> None:
    plugin = make()

    @plugin.command()
    def run(call: Call[Settings]) -> Any:
        call.log("working", "debug")
        return [call.deadline is not None, call.remaining is not None and call.remaining <= 5, call.cancelled]

    host = plugin.test()
    assert host.using(timeout_ms=5000).call("run").raw_data == [True, True, False]
    assert host.call("run").raw_data == [False, False, False]
    assert host.logs[0] == ("debug", "working")
    with pytest.raises(sallyport.TimedOut):
        plugin.command(id="checks")(lambda call: call.check())
        host.using(timeout_ms=0).call("checks")


# Async commands


def test_async_command_has_the_same_calls() -> None:
    async def sign_in(call: AsyncCall[Settings]) -> str:
        return str((await call.post("/login", sign_in=True)).json()["token"])

    async def headers(call: AsyncCall[Settings]) -> dict[str, str]:
        return {"X-Token": await call.token("access", sign_in)}

    plugin = make(headers)

    @plugin.command()
    async def run(call: AsyncCall[Settings], ids: list[str]) -> Result:
        async def one(id: str) -> Any:
            return (await call.put(f"/{id}")).raise_for_status().json()

        await call.file_put("a", b"b")
        return await call.targets(ids, one)

    host = plugin.test(vendor=lambda request: {"token": "t"} if request.path == "/login" else 404 if request.path == "/b" else {})
    result = host.call("run", ids=["a", "b"])
    assert (result.return_data, [one.name for one in result.files]) == ("Partially Successful", ["a"])
    assert host.secrets == {"access": "t"}
    assert len(host.dry_run("run", ids=["a", "b"])) == 2


def test_async_headers_of_a_plain_command_are_a_clear_error() -> None:
    async def headers(call: Any) -> dict[str, str]:
        return {}

    plugin = make(headers)

    @plugin.command()
    def run(call: Call[Settings]) -> Any:
        return call.get("/a").json()

    with pytest.raises(TypeError, match="headers is an async function"):
        plugin.test().call("run")


# The test host


def test_fake_vendor_without_an_answer_fails_the_test() -> None:
    host = isolating().test(vendor={("POST", "/a"): {}})
    with pytest.raises(AssertionError, match="no answer for POST /b; it has: POST /a"):
        host.call("isolate", ids=["b"])


def test_wrong_arguments_are_reported_as_callers_see_them() -> None:
    with pytest.raises(sallyport.InvalidArguments) as raised:
        isolating().test().call("isolate", idz=["a"])
    assert [(one.path, one.did_you_mean) for one in raised.value.problems] == [("/arguments/idz", "ids"), ("/arguments/ids", None)]
    with pytest.raises(sallyport.InvalidArguments, match="unknown command of acme"):
        isolating().test().call("isolat")


def test_plugin_without_settings_gets_the_text_of_all() -> None:
    plugin: Plugin[Any] = Plugin("acme")

    @plugin.command()
    def run(call: Call[Any]) -> Any:
        return call.settings["region"]

    assert plugin.test({"region": "eu"}).call("run").raw_data == "eu"


def test_result_of_dataclasses_is_json() -> None:
    plugin = make()

    @plugin.command()
    def run(call: Call[Settings]) -> list[Settings]:
        return [Settings(URL("u"), Secret("s"))]

    assert plugin.test().call("run").raw_data == [{"server_url": "u", "api_key": "s", "region": "eu"}]
