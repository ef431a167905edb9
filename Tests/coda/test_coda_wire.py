"""Unusual responses, which must be returned unchanged, and very many pages."""

import json

import pytest
from Support.session import Host, connection
from Support.upstream import DEVICES, Tenant, reply

QUIRKS = [
    '[{"id":1.50,"n":-0,"e":1E400,"big":18446744073709551617,"small":1e-9,"zero":0.0}]',
    '[{"z":1,"a":2,"m":{"b":1,"a":[]},"":3}]',
    '[{"criticalLevel":"3","isOnline":"True","schedulerConfig":{},"agent":"","os":"None"}]',
    '[{"discoveredOn":"2018-07-19 01:29:00+00:00","schedulerConfig":"None"}]',
    '["\\u00e4","ä","\\/","/","\\"","\\\\","\\b\\f\\n\\r\\t","\\ud83d\\ude00","😀","\\u0000"]',
    '["a\\u2028b\\u2029c","é","ﬀ","\\u0065\\u0301"]',
    '[{"same":1,"same":2}]',
    '[[],{},null,true,false,"",0,[[[[[]]]]]]',
    '{"items":null}', '{"items":"None"}', '{"items":{}}', "5", '"text"', "true", "null", "{}",
]


def body_of(host, tenant, text, command="list_scanners", **options):
    tenant.answer_signed_in = lambda request: reply(200, text.encode())
    number = host.start(command, **options)
    host.wait(number)
    return number


@pytest.fixture(scope="module")
def pair():
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        yield tenant, host


@pytest.mark.parametrize("text", QUIRKS)
def test_a_body_keeps_its_numbers_order_and_escapes(text, pair):
    tenant, host = pair
    for command in ("list_scanners", "list_devices", "list_tenants", "patch_rescan"):
        number = body_of(host, tenant, text, command)
        assert host.wait(number)[0]["result"]["return_data"] == "Successful"
        assert host.raw_data(number) == text


def test_only_line_separators_of_a_body_are_escaped():
    text = '["raw \u2028 \u2029 \u0085 ü \u007f"]'
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        number = body_of(host, tenant, text)
        assert host.raw_data(number) == '["raw \\u2028 \\u2029 \\u0085 ü \u007f"]'


def test_white_space_outside_of_strings_may_be_removed():
    text = ' \n\t [ { "a" : "  b\\n" } ,\r\n 1 ] \n'
    with Tenant() as tenant, Host(connection(tenant.url)) as host:
        number = body_of(host, tenant, text)
        assert host.wait(number)[0]["result"]["raw_data"] == [{"a": "  b\n"}, 1]
        assert b"\n" not in host.wait(number)[1][:-1]


@pytest.mark.parametrize("text", QUIRKS)
@pytest.mark.parametrize("all_pages", [False, True])
def test_streaming_accepts_every_json_shape(text, all_pages, pair):
    tenant, host = pair
    number = body_of(host, tenant, text, "list_tenants", stream=True, all_pages=all_pages)
    result = host.wait(number)[0]["result"]
    value = json.loads(text)
    items = value if isinstance(value, list) else value.get("items") if isinstance(value, dict) else None
    sent = host.notifications("invoke/item", number)
    if isinstance(items, list):
        assert [json.dumps(n["item"]) for n in sent] == [json.dumps(item) for item in items]
    else:
        # Not the expected list: nothing is streamed, but raw_data contains the body.
        assert sent == [] and host.raw_data(number) == text


@pytest.mark.parametrize("total", ["many", None, -1, 0, 1.5, {}])
def test_invalid_page_count_ends_at_the_first_page(total, pair):
    tenant, host = pair
    body = {"page": 1, "totalPages": total, "items": [1]}
    number = body_of(host, tenant, json.dumps(body), "list_devices", all_pages=True)
    result = host.wait(number)[0]["result"]
    assert result["raw_data"] == body and "Only page 1 was read" in result["notices"][0]


def page(number, total, items):
    return reply(200, {"page": number, "totalPages": total, "items": items})


def pages_of(*pages):
    """A vendor whose page n is the n-th of these; the last one stays."""

    def answer(request):
        return pages[min(int(dict(request.query).get("page", 1)), len(pages)) - 1]

    return answer


def test_changing_page_count_ends_the_pagination():
    shrinking = pages_of(page(1, 5, [1]), page(2, 3, [2]), page(3, 3, [3]))
    with Tenant(shrinking) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_devices", all_pages=True)["raw_data"]["items"] == [1, 2, 3]
    emptied = pages_of(page(1, 9, [1]), page(2, 3, []), page(3, 3, [3]))
    with Tenant(emptied) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_devices", all_pages=True)["raw_data"]["items"] == [1, 3]


def test_a_failed_page_fails_the_command():
    broken = pages_of(page(1, 3, [1]), reply(404, {"detail": "Not found."}))
    with Tenant(broken) as tenant, Host(connection(tenant.url)) as host:
        number = host.start("list_devices", all_pages=True, stream=True)
        assert host.wait(number)[0]["error"]["data"]["status_code"] == 404
        assert [n["item"] for n in host.notifications("invoke/item", number)] == [1]


# Two thousand pages

PAGES, PER_PAGE = 2_000, 100
FILLER = ",".join(
    '{"id":%d,"name":"PC-%d","ip":"10.0.0.5","hostnames":["pc"],"note":"%s"}' % (n, n, "x" * 120)
    for n in range(PER_PAGE)
)


def many_pages(request):
    number = int(dict(request.query).get("page", 1))
    # Items that an earlier page contains too would be left out.
    items = FILLER.replace('"id":', f'"id":{number}000')
    return reply(200, f'{{"page":{number},"totalPages":{PAGES},"items":[{items}]}}')


def test_streaming_many_pages_uses_constant_memory():
    with Tenant(many_pages) as tenant, Host(connection(tenant.url)) as host:
        host.keeps_output = False
        sequence = []
        progress = []

        def sink(message):
            if message["method"] == "invoke/item":
                sequence.append(message["params"]["seq"])
            else:
                progress.append(message["params"]["done"])

        host.sink = sink
        number = host.start("list_devices", stream=True, all_pages=True)
        result = host.wait(number, patience=120)[0]["result"]
        assert result["meta"]["items"] == PAGES * PER_PAGE and result["meta"]["pages"] == PAGES
        assert sequence == list(range(PAGES * PER_PAGE))
        assert progress == list(range(1, PAGES + 1))
        # The whole result has 40 MB.
        assert host.peak_mebibytes() < 64
        # One for each page that is read ahead.
        assert len({r.connection.number for r in tenant.calls}) <= 8


def test_a_blocked_reader_stops_pagination():
    with Tenant(many_pages) as tenant, Host(connection(tenant.url)) as host:
        with host.changed:  # blocks the thread that reads stdout after its first line
            host.start("list_devices", stream=True, all_pages=True)
            tenant.wait_for(20, DEVICES)
            count = -1
            while count != len(tenant.requests):
                count = len(tenant.requests)
                with tenant.changed:
                    tenant.changed.wait(0.5)
            assert count < PAGES / 2
            assert host.peak_mebibytes() < 64
        host.keeps_output = False
        host.kill()
