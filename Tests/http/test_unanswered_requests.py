"""Statuses after which the outcome of a request is unknown, and the limit of a key under several URLs."""

import pytest
from Support.control_center import ControlCenter, success
from Support.session import Host, connection
from Support.upstream import Tenant, in_turn, reply

ISOLATE = ("isolate_endpoints", {"endpoint_ids": ["6affe1e0b1a43d0003000001"]})
ENDPOINTS = ("list_endpoints", {"endpoint_type": "endpoints"})
GATEWAY = [408, 520, 521, 522, 523, 524]


@pytest.mark.parametrize("status", GATEWAY)
def test_a_write_that_a_gateway_gave_up_is_unknown(status):
    with ControlCenter(lambda *_: reply(status)) as center, Host(center.connection()) as host:
        error = host.failure(*ISOLATE)
        assert (error["outcome"], error["retryable"]) == ("unknown", True)
        assert len(center.calls) == 1
    with Tenant(lambda request: reply(status)) as tenant, Host(connection(tenant.url)) as host:
        assert host.failure("patch_rescan")["outcome"] == "unknown"
        assert len(tenant.calls) == 1


@pytest.mark.parametrize("status", GATEWAY)
def test_a_read_that_a_gateway_gave_up_is_retried(status):
    with Tenant(in_turn(reply(status), reply(200, []))) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_scanners")["meta"]["retries"] == 1
    answers = in_turn(None, success)

    def answer(request, method, params):
        return reply(status) if answers(request) is None else success(request, {"pagesCount": 1, "items": []})

    with ControlCenter(answer) as center, Host(center.connection()) as host:
        assert host.result(*ENDPOINTS)["meta"]["retries"] == 1


@pytest.mark.parametrize("status", GATEWAY)
def test_a_repeatable_write_keeps_its_open_outcome(status):
    answers = in_turn(reply(status), reply(400, {"detail": "no"}))
    with Tenant(answers) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("update_target_scan_scope", {"target_id": 77, "scope": "out"})
        assert len(tenant.calls) == 2 and error["outcome"] == "unknown"


def test_a_client_key_without_a_certificate_is_refused(tmp_path):
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")
    key.chmod(0o600)
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        inline = connection(tenant.url) | {"tls": {"client_key": str(key)}}
        message = host.wait(host.start("list_scanners", connection=inline))[0]
        assert message["error"]["code"] == -32602 and "client_certificate" in str(message["error"])
        assert tenant.requests == []


@pytest.mark.parametrize("spelling", ["http://LOCALHOST:{}", "HTTP://localhost:{}/", "http://127.0.0.1:{}/api",
                                      "http://localhost:{}/.", "http://127.0.0.2:{}"])
def test_a_key_has_one_limit_whatever_the_spelling_of_the_url(spelling, tmp_path):
    answer = lambda request, method, params: success(request, {"pagesCount": 1, "items": []})
    with ControlCenter(answer, host="127.0.0.1") as center:
        limits = {"list_endpoints": {"requests": 1, "per_seconds": 3600}}
        one = center.connection(rate_limits=limits)
        other = center.connection(rate_limits=limits)
        other["settings"]["server_url"] = spelling.format(center.port)
        options = ("--state-dir", str(tmp_path))
        with Host(one, options=options) as first, Host(other, options=options) as second:
            first.result(*ENDPOINTS)
            error = second.failure(*ENDPOINTS, timeout_ms=5_000)
            assert error["kind"] == "rate_limited" and len(center.calls) == 1


def test_another_server_has_its_own_limit(tmp_path):
    answer = lambda request, method, params: success(request, {"pagesCount": 1, "items": []})
    limits = {"list_endpoints": {"requests": 1, "per_seconds": 3600}}
    options = ("--state-dir", str(tmp_path))
    with ControlCenter(answer) as here, ControlCenter(answer) as there:
        for center in (here, there):
            with Host(center.connection(rate_limits=limits), options=options) as host:
                host.result(*ENDPOINTS)
