"""all_pages requests pages ahead of the one that it processes, and nobody notices except by its speed."""

import threading

import pytest
from Support.session import Host, connection
from Support.upstream import DEVICES, PATIENCE, Tenant, reply, silent

#: Pages that are requested at a time, after the first one.
AHEAD = 8


def page(number, count):
    return reply(200, {"page": number, "totalPages": count, "items": [{"id": number}]})


def number_of(request):
    return int(dict(request.query).get("page", 1))


def streamed(host, **options):
    number = host.start("list_devices", all_pages=True, stream=True, **options)
    return number, lambda: [n["item"]["id"] for n in host.notifications("invoke/item", number)]


def devices(host):
    return [item["id"] for item in host.result("list_devices", all_pages=True)["raw_data"]["items"]]


def test_pages_are_requested_together():
    together = threading.Barrier(AHEAD)

    def answer(request):
        number = number_of(request)
        if number > 1:
            # Breaks, and fails the list, if a request waits for the response to another one.
            together.wait(PATIENCE)
        return page(number, 1 + 2 * AHEAD)

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        assert devices(host) == list(range(1, 2 + 2 * AHEAD))
        assert len(tenant.to(DEVICES)) == 1 + 2 * AHEAD


@pytest.mark.parametrize("stream", [False, True])
def test_items_stay_in_order_if_later_pages_arrive_first(stream):
    count = 1 + AHEAD
    has_answered = {number: threading.Event() for number in range(1, count + 2)}
    has_answered[count + 1].set()

    def answer(request):
        number = number_of(request)
        if number > 1:
            assert has_answered[number + 1].wait(PATIENCE)
        has_answered[number].set()
        return page(number, count)

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        if not stream:
            assert devices(host) == list(range(1, count + 1))
            return
        number, items = streamed(host)
        assert host.wait(number)[0]["result"]["meta"]["pages"] == count
        assert items() == list(range(1, count + 1))


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_pages_are_requested_at_a_time_than_the_connection_allows(most):
    lock = threading.Lock()
    open_now, seen = 0, []

    def answer(request):
        nonlocal open_now
        with lock:
            open_now += 1
            seen.append(open_now)

        def act(peer):
            nonlocal open_now
            # Long enough for further requests to arrive, if there are any.
            peer.closed.wait(0.02)
            with lock:
                open_now -= 1
            return peer.perform(page(number_of(request), 12))

        return act

    with Tenant(answer) as tenant, Host(connection(tenant.url, max_concurrency=most)) as host:
        assert devices(host) == list(range(1, 13))
    assert max(seen) == most


@pytest.mark.parametrize("bad", [2, 4])
def test_a_fault_ends_the_list_after_the_pages_before_it(bad):
    def answer(request):
        number = number_of(request)
        return reply(404, {"detail": "Not found."}) if number == bad else page(number, 1_000)

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        number, items = streamed(host)
        error = host.wait(number)[0]["error"]["data"]
        assert error["status_code"] == 404
        assert items() == list(range(1, bad))
        assert len(tenant.to(DEVICES)) <= bad + AHEAD


def test_a_list_that_shrinks_ends_at_its_new_last_page():
    def answer(request):
        number = number_of(request)
        return page(number, 9 if number == 1 else 3)

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        assert devices(host) == [1, 2, 3]


def test_a_list_that_grows_is_read_to_its_new_end():
    def answer(request):
        number = number_of(request)
        return page(number, 3 if number < 3 else 30)

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        assert devices(host) == list(range(1, 31))


def test_cancelling_ends_all_requests():
    def answer(request):
        return page(1, 100) if number_of(request) == 1 else silent

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        number, _ = streamed(host)
        tenant.wait_for(1 + AHEAD, DEVICES)
        host.call("cancel", {"id": number})
        assert host.wait(number)[0]["error"]["data"]["kind"] == "cancelled"
        for request in tenant.to(DEVICES)[1:]:
            assert request.connection.closed.wait(PATIENCE)
        assert len(tenant.to(DEVICES)) == 1 + AHEAD


def test_a_long_list_leaves_places_of_a_rate_limit_to_other_invocations():
    pages_before = []
    asked = threading.Event()

    def answer(request):
        if request.path != DEVICES:
            pages_before.append(len(tenant.to(DEVICES)))
            return reply(200, [])
        number = number_of(request)
        if number == 2 + AHEAD:
            asked.set()
        return page(number, 5 * AHEAD)

    limits = {"default": {"requests": 1, "per_seconds": 0.2}}
    with Tenant(answer) as tenant, Host(connection(tenant.url, rate_limits=limits)) as host:
        number, items = streamed(host)
        assert asked.wait(PATIENCE)
        host.result("list_scanners")
        # Its request waits for one page, and for those that are sent until the host reads its line.
        assert pages_before[0] < 2 + AHEAD + AHEAD // 2
        host.wait(number)
        assert items() == list(range(1, 5 * AHEAD + 1))
