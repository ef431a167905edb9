"""Lists are complete, or the result says that they are not: pages, counts, missing lists."""

import itertools
import json

import pytest
from Support.control_center import ControlCenter, success
from Support.programmed_google import ANNA, Google
from Support.session import Host, connection
from Support.upstream import DEVICES, RESCAN, Tenant, in_turn, reply

ENDPOINTS = ("list_endpoints", {"endpoint_type": "endpoints"})


def item(number):
    return {"id": f"e{number}", "name": f"PC-{number}"}


def numbers(result):
    return [int(one["id"][1:]) for one in result["raw_data"]["result"]["items"]]


def center_of(*pages):
    """A Control Center whose pages are these results. Pages that are read ahead of the last are empty."""

    def answer(request, method, params):
        number = params.get("page", 1)
        page = pages[number - 1] if number <= len(pages) else {"page": number, "items": []}
        return success(request, page)

    return ControlCenter(answer)


def both(pages, stream_too=True):
    """The result of all pages, and the numbers of the streamed items with the streamed result."""
    with center_of(*pages) as center, Host(center.connection()) as host:
        whole = host.result(*ENDPOINTS, all_pages=True)
        number = host.start(*ENDPOINTS, all_pages=True, stream=True)
        streamed = host.wait(number)[0]["result"]
        items = [int(n["item"]["id"][1:]) for n in host.notifications("invoke/item", number)]
        assert streamed.get("notices") == whole.get("notices")
        assert items == numbers(whole)
        assert streamed["meta"]["items"] == len(items)
        return whole


def failed(pages):
    with center_of(*pages) as center, Host(center.connection()) as host:
        error = host.failure(*ENDPOINTS, all_pages=True)
        number = host.start(*ENDPOINTS, all_pages=True, stream=True)
        assert host.wait(number)[0]["error"]["data"]["kind"] == error["kind"]
        return error


def paged(count, *lists, **more):
    return [{"page": n, "pagesCount": count, "items": items, **more}
            for n, items in enumerate(lists, 1)]


# Pages


def test_an_empty_page_before_the_last_one_does_not_end_the_list():
    assert numbers(both(paged(4, [item(1)], [], [item(3)], [item(4)]))) == [1, 3, 4]


def test_an_empty_first_page_does_not_end_the_list():
    assert numbers(both(paged(3, [], [item(2)], [item(3)]))) == [2, 3]


def test_consecutive_empty_pages_do_not_end_the_list():
    assert numbers(both(paged(4, [item(1)], [], [], [item(4)]))) == [1, 4]


@pytest.mark.parametrize("items", [{"1": item(2)}, None, "", 7, False])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_page_without_a_list_fails(position, items):
    pages = paged(3, [item(1)], [item(2)], [item(3)])
    pages[position]["items"] = items
    error = failed(pages)
    assert error["kind"] == "upstream"
    assert f"Page {position + 1} contains no list at $.result.items" in json.dumps(error)


def test_a_page_without_the_member_of_the_list_fails():
    pages = paged(2, [item(1)], [])
    del pages[1]["items"]
    assert failed(pages)["kind"] == "upstream"


@pytest.mark.parametrize("count", ["3", 3])
def test_a_page_count_may_be_digits(count):
    assert numbers(both(paged(count, [item(1)], [item(2)], [item(3)]))) == [1, 2, 3]


@pytest.mark.parametrize("more", [{}, {"pagesCount": None}, {"pagesCount": 0}, {"pagesCount": "many"}])
@pytest.mark.parametrize("size", [{"perPage": 1}, {"perPage": "1"}, {}])
def test_the_number_of_items_replaces_a_missing_page_count(more, size):
    pages = [{"page": n, "total": 3, "items": [item(n)], **more, **size} for n in (1, 2, 3)]
    result = both(pages)
    assert numbers(result) == [1, 2, 3] and "notices" not in result


@pytest.mark.parametrize("yes, no", [("true", "false"), (1, 0), ("1", "0"), ("True", "False"), (True, False)])
def test_more_records_may_be_text_or_a_number(yes, no):
    pages = [{"page": n, "hasMoreRecords": no if n == 3 else yes, "items": [item(n)]} for n in (1, 2, 3)]
    assert numbers(both(pages)) == [1, 2, 3]


@pytest.mark.parametrize("more", [{}, {"pagesCount": "many"}, {"pagesCount": -1}, {"hasMoreRecords": "maybe"}])
def test_without_any_count_a_notice_says_that_one_page_was_read(more):
    result = both([{"page": 1, "items": [item(1)], **more}])
    assert "Only page 1 was read" in result["notices"][0]


def test_fewer_items_than_the_vendor_counts_are_in_a_notice():
    result = both(paged(3, [item(1)], [], [item(3)], total=5))
    assert result["notices"] == ["The vendor counts 5 items, but its pages contain 2."]


def test_fewer_pages_than_the_vendor_counts_are_in_a_notice():
    first, second = paged(3, [item(1)], [item(2)])
    result = both([first | {"hasMoreRecords": True}, second | {"hasMoreRecords": False}])
    assert "counts 3 pages" in result["notices"][0]


def test_a_complete_list_has_no_notice():
    assert "notices" not in both(paged(2, [item(1), item(2)], [item(3)], total=3, perPage=2))


def test_items_that_move_to_a_later_page_are_returned_once():
    result = both(paged(3, [item(1), item(2)], [item(2), item(3)], [item(3), item(1), item(4)]))
    assert numbers(result) == [1, 2, 3, 4]
    assert "3 items were on more than one page" in result["notices"][0]


def test_items_without_an_id_are_not_compared():
    rows = [{"name": "x"}, {"name": "x"}, {"id": None}, {"id": ["e1"]}]
    pages = paged(2, rows, [*rows, {"name": "last"}])
    with center_of(*pages) as center, Host(center.connection()) as host:
        result = host.result(*ENDPOINTS, all_pages=True)
        assert result["raw_data"]["result"]["items"] == rows + rows + [{"name": "last"}]
        assert "notices" not in result


def test_equal_ids_on_one_page_stay():
    result = both(paged(1, [item(1), item(1)]))
    assert numbers(result) == [1, 1] and "notices" not in result


def test_pages_that_stay_empty_end_in_an_error():
    empty = lambda request, method, params: success(request, {"hasMoreRecords": True, "items": []})
    with ControlCenter(empty) as center, Host(center.connection()) as host:
        error = host.failure(*ENDPOINTS, all_pages=True)
        assert error["kind"] == "upstream" and len(center.calls) < 150


def test_pages_that_alternate_end_in_an_error():
    lists = itertools.cycle([[item(1)], [item(2)]])
    answer = lambda request, method, params: success(request, {"hasMoreRecords": True, "items": next(lists)})
    with ControlCenter(answer) as center, Host(center.connection()) as host:
        assert host.failure(*ENDPOINTS, all_pages=True)["kind"] == "upstream"
        assert len(center.calls) < 150


@pytest.mark.parametrize("body", [
    {"totalPages": "2", "totalCount": 2}, {"totalCount": 2}, {"totalCount": "2"}])
def test_counts_of_coda_are_read_alike(body):
    pages = in_turn(*(reply(200, {**body, "items": [{"id": n}]}) for n in (1, 2)))
    with Tenant(pages) as tenant, Host(connection(tenant.url)) as host:
        result = host.result("list_devices", all_pages=True)
        assert [one["id"] for one in result["raw_data"]["items"]] == [1, 2]
        assert "notices" not in result


# Bodies without a list


@pytest.mark.parametrize("answer", [
    reply(200), reply(204), reply(200, "null"), reply(200, '"None"'), reply(200, "[]"),
    reply(200, {"detail": "Tenant suspended"}), reply(200, {"items": None}),
    reply(200, {"items": {"1": {}}}), reply(200, "false"), reply(200, '""')],
    ids=lambda answer: f"{answer.status} {answer.body.decode()}")
@pytest.mark.parametrize("options", [{}, {"all_pages": True}, {"stream": True}])
def test_a_coda_list_without_a_list_has_a_notice(answer, options):
    with Tenant(lambda request: answer) as tenant, Host(connection(tenant.url)) as host:
        result = host.result("list_devices", **options)
        assert "no list at $.items" in result["notices"][0]


@pytest.mark.parametrize("command", ["list_scanners", "list_tenants"])
def test_a_coda_list_in_either_form_is_a_list(command):
    for body in ([], {"items": []}):
        with Tenant(lambda request: reply(200, body)) as tenant, Host(connection(tenant.url)) as host:
            assert "notices" not in host.result(command)


@pytest.mark.parametrize("result", [None, [], {}, "", False, {"items": None}], ids=json.dumps)
@pytest.mark.parametrize("options", [{}, {"all_pages": True}, {"stream": True}])
def test_a_gravityzone_list_without_a_list_has_a_notice(result, options):
    answer = lambda request, method, params: success(request, result)
    with ControlCenter(answer) as center, Host(center.connection()) as host:
        number = host.start(*ENDPOINTS, **options)
        message = host.wait(number)[0]
        assert "error" in message or "no list at $.result.items" in message["result"]["notices"][0]


def test_google_leaves_out_empty_lists_but_not_bodies():
    search = ("search_emails", {"user_email": ANNA})
    for body, is_list in (({"resultSizeEstimate": 0}, True), ({}, True), (None, False), ({"messages": {}}, False)):
        with Google(lambda request: reply(200, body)) as google, Host(google.connection()) as host:
            assert ("notices" not in host.result(*search)) is is_list


@pytest.mark.parametrize("body", [{"success": False}, {"success": "false"}, False, {"success": False, "scanners": []}])
@pytest.mark.parametrize("arguments", [{}, {"scanner_id": 12}])
def test_a_rescan_that_the_vendor_calls_false_has_failed(body, arguments):
    with Tenant(lambda request: reply(200, json.dumps(body))) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("patch_rescan", arguments)
        assert (error["kind"], error["outcome"]) == ("upstream", "unknown")
        assert len(tenant.calls) == 1


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("body", ["<html><title>404 Not Found</title></html>", "", "not found", "[]"])
def test_a_404_of_a_proxy_starts_no_other_scanner(status, body):
    with Tenant(lambda request: reply(status, body or None)) as tenant, Host(connection(tenant.url)) as host:
        assert host.failure("patch_rescan", {"scanner_id": 12})["status_code"] == status
        assert len(tenant.calls) == 1


def test_a_404_of_the_api_still_starts_all():
    def answer(request):
        return reply(200, {}) if request.path == RESCAN else reply(404, {"detail": "Not found."})

    with Tenant(answer) as tenant, Host(connection(tenant.url)) as host:
        assert "unknown to the tenant" in host.result("patch_rescan", {"scanner_id": 12})["notices"][0]


# Searches of Gmail


def mailbox(count):
    def answer(request):
        query = dict(request.query)
        begin, size = int(query.get("pageToken", "t0")[1:]), int(query["maxResults"])
        found = [{"id": f"m{n}", "threadId": f"m{n}"} for n in range(begin, min(begin + size, count))]
        body = {"resultSizeEstimate": 201} | ({"messages": found} if found else {})
        return reply(200, body | ({"nextPageToken": f"t{begin + size}"} if begin + size < count else {}))

    return Google(answer)


def test_a_search_with_all_pages_reads_to_the_end():
    arguments = {"user_email": ANNA, "limit": 500, "filter": "from:x"}
    with mailbox(620) as google, Host(google.connection()) as host:
        result = host.result("search_emails", arguments, all_pages=True)
        ids = [one["id"] for one in result["raw_data"]["messages"]]
        assert ids == [f"m{n}" for n in range(620)]
        assert result["meta"]["pages"] == 2 and "notices" not in result
        assert [dict(c.query)["maxResults"] for c in google.calls] == ["500", "500"]
        assert {dict(c.query)["q"] for c in google.calls} == {"from:x"}
        number = host.start("search_emails", arguments, all_pages=True, stream=True)
        assert host.wait(number)[0]["result"]["meta"]["items"] == 620


@pytest.mark.parametrize("options", [{}, {"stream": True}])
def test_a_search_that_was_cut_has_a_notice(options):
    with mailbox(3) as google, Host(google.connection()) as host:
        result = host.result("search_emails", {"user_email": ANNA, "limit": 2}, **options)
        assert "all_pages" in result["notices"][0] and "limit of 2" in result["notices"][0]
        assert "notices" not in host.result("search_emails", {"user_email": ANNA, "limit": 3}, **options)


def test_empty_pages_do_not_end_a_search():
    pages = in_turn(
        reply(200, {"nextPageToken": "a"}), reply(200, {"messages": [{"id": "1"}], "nextPageToken": "b"}),
        reply(200, {"nextPageToken": "c"}), reply(200, {"messages": [{"id": "2"}]}))
    with Google(pages) as google, Host(google.connection()) as host:
        result = host.result("search_emails", {"user_email": ANNA}, all_pages=True)
        assert [one["id"] for one in result["raw_data"]["messages"]] == ["1", "2"]


def test_a_repeated_token_of_a_search_has_a_notice():
    page = reply(200, {"messages": [{"id": "1"}], "nextPageToken": "a"})
    with Google(lambda request: page) as google, Host(google.connection()) as host:
        result = host.result("search_emails", {"user_email": ANNA}, all_pages=True)
        assert any("repeats the token" in notice for notice in result["notices"])
        assert len(google.calls) == 2


def test_a_user_list_that_was_cut_has_a_notice():
    page = reply(200, {"users": [{"id": "1"}], "nextPageToken": "a"})
    arguments = {"customer_id_or_domain_name": "my_customer", "type": "customer", "limit": 1}
    with Google(lambda request: page) as google, Host(google.connection()) as host:
        assert "limit of 1" in host.result("get_user_list", arguments)["notices"][0]


# all_pages without pages


@pytest.mark.parametrize("command, arguments", [("list_scanners", {}), ("patch_rescan", {})])
def test_all_pages_of_a_command_without_pages_is_refused(command, arguments):
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        message = host.wait(host.start(command, arguments, all_pages=True))[0]
        assert message["error"]["code"] == -32602
        assert "/options/all_pages" in json.dumps(message["error"])
        assert tenant.calls == []
        host.result(command, arguments, all_pages=False)
