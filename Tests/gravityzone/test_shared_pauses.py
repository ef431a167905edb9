"""A pause that processes share, and its end by `limits/reset`."""

import pytest
from Support.control_center import ControlCenter, connection, success
from Support.session import Host
from Support.upstream import reply


@pytest.fixture
def busy_once():
    answered = []

    def answer(request, method, params):
        answered.append(method)
        if len(answered) == 1:
            return reply(429, None, [("Retry-After", "3000")])
        return success(request, {"total": 0, "page": 1, "perPage": 30, "pagesCount": 0, "items": []})

    with ControlCenter(answer) as center:
        yield center


def test_reset_ends_the_pause_of_other_processes(busy_once, tmp_path):
    options = ["--state-dir", str(tmp_path)]
    one = connection(busy_once.url)
    with Host(one, options=options) as first, Host(one, options=options) as second:
        assert first.failure("list_block_list", timeout_ms=5_000)["kind"] == "rate_limited"
        assert second.failure("list_block_list", timeout_ms=5_000)["kind"] == "rate_limited"
        assert len(busy_once.requests) == 1
        # A process that has not used the connection finds the pause by the key.
        with Host(one, options=options) as third:
            assert third.call("limits/reset", {"connection": "main"}) == {
                "connection": "main", "lifted": 1}
        for host in (first, second):
            assert host.result("list_block_list", timeout_ms=5_000)["return_data"] == "Successful"
