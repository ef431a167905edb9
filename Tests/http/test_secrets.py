"""The hunt: passwords and tokens in everything that leaves the process, in every spelling.

The vendor echoes each secret in all forms that such things are written in, in good answers, error
bodies and headers; then stdout, stderr and the audit file are searched for what is left of it.
"""

import base64
import html
import itertools
import json
import re
import urllib.parse

import pytest
from Support.host import run
from Support.session import USER, Host, connection
from Support.upstream import Tenant, raw, reply

PASSWORDS = [
    "Correct-Horse-7",
    'p"ä\\ss wörd/+%&=',
    'P"Ä\\SS WÖRD/+%&=',
    "Zwölf Böxkämpfer € 𝄞",
    "!'()*;:@&=+$,/?#[] -._~",
    "\\\\server\\share\\u0041",
    "<b>&amp;\"'</b>",
    "tab\tand\nline\r\nend",
    "%41%42%43%2B",
    "1234567890123456789",
    "aaaaaaaa",
    "abcd",
]


def percent_forms(secret):
    """What browsers, form encoders, Python, Go, Java and careless people make of it."""
    encodings = [
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote(secret, safe="!'()*"),  # encodeURIComponent
        urllib.parse.quote(secret, safe=";,/?:@&=+$#!'()*"),  # encodeURI
        urllib.parse.quote_plus(secret),
        "".join(f"%{byte:02X}" for byte in secret.encode()),
    ]
    return encodings + [lower_hex(text) for text in encodings]


def lower_hex(text):
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def json_forms(secret):
    """As the inside of JSON strings, by writers of different taste."""
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    ascii_only = json.dumps(secret)[1:-1]
    return [
        plain,
        ascii_only,
        ascii_only.replace("/", "\\/"),  # PHP
        plain.replace("/", "\\/"),
        upper_escapes(ascii_only),
        plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),  # Go
    ]


def upper_escapes(text):
    parts = text.split("\\u")
    return "\\u".join([parts[0], *(part[:4].upper() + part[4:] for part in parts[1:])])


def twice(text):
    """A percent-encoded text in the query of another URL."""
    return text.replace("%", "%25")


def html_forms(secret):
    """By Python, by Go and PHP, and in ASCII only."""
    return [
        html.escape(secret),
        html.escape(secret).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        html.escape(secret).replace("&#x27;", "&#039;"),
        html.escape(secret).encode("ascii", "xmlcharrefreplace").decode(),
    ]


def hex_forms(secret):
    return [secret.encode().hex(), secret.encode().hex().upper()]


def wrapped_base64_forms(secret):
    """As MIME and PEM have it, with text around the secret that moves the line ends."""
    forms = []
    for before in (0, 20, 45, 70):
        whole = b"x" * before + secret.encode() + b"y" * 90
        forms += [base64.encodebytes(whole).decode(), base64.encodebytes(whole).decode().replace("\n", "\r\n")]
    return forms


def base64_forms(secret):
    plain = secret.encode()
    wholes = [plain, f"{USER}:{secret}".encode(), f"x:{secret}".encode(),
              f"xy:{secret}:yz".encode(), json.dumps({"password": secret}).encode()]
    wholes += [b"x" * shift + plain + b"y" * shift for shift in (1, 2)]
    forms = []
    for whole in wholes:
        forms += [base64.b64encode(whole), base64.urlsafe_b64encode(whole),
                  base64.b64encode(whole).rstrip(b"=")]
    return [form.decode() for form in forms]


def spellings(secret):
    return [
        secret, *json_forms(secret), *percent_forms(secret), *map(twice, percent_forms(secret)),
        *html_forms(secret), *hex_forms(secret), *base64_forms(secret), *wrapped_base64_forms(secret)]


# What must not be found

def traces(secret):
    """Byte strings of which none may be in the output. Of a base64 spelling that depends on
    its neighbours, the part that does not."""
    found = {
        secret, *json_forms(secret), *percent_forms(secret), *map(twice, percent_forms(secret)),
        *html_forms(secret), *hex_forms(secret)}
    # The output is JSON: whatever is text in it is escaped once more.
    found |= {json.dumps(text, ensure_ascii=False)[1:-1] for text in list(found)}
    for shift, text in itertools.product(range(3), {secret, *json_forms(secret)}):
        whole = b"\0" * shift + text.encode()
        start = (shift * 8 + 5) // 6
        end = len(whole) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(whole)[start:end].decode())
    return [text.encode() for text in found if len(text) >= 4]


def hunt(secret, *places):
    for place in places:
        # Random digits, which may contain a short secret.
        place = re.sub(rb'"trace_id":"[0-9a-f]{32}"', b"", place)
        # A line end in Base64 is not the end of the secret.
        place = place.replace(b"\\r\\n", b"").replace(b"\\n", b"")
        for trace in traces(secret):
            at = place.find(trace)
            assert at < 0, f"{trace!r} in …{place[max(0, at - 60):at + len(trace) + 60]!r}…"


class Talk:
    """A host whose every output is kept, and a call of each kind to it."""

    def __init__(self, tenant, password, tmp_path):
        self.tenant = tenant
        self.audit = tmp_path / "audit.jsonl"
        self.host = Host(
            connection(tenant.url, settings={"password": password}),
            options=["--log-level", "debug", "--audit", str(self.audit)],
        )

    def run(self):
        host = self.host
        with host:
            for options in ({}, {"stream": True}, {"all_pages": True}, {"dry_run": True}):
                host.answer("list_devices", **options)
            host.answer("patch_rescan")
            host.answer("test_connection")
            for method in ("connections/list", "limits", "stats", "capabilities"):
                host.call(method)
        return [host.everything(), self.audit.read_bytes()]


def everywhere(texts):
    """A JSON body with texts as values, names, items and text in text."""
    return {
        "page": 1, "totalPages": 1, "totalCount": len(texts),
        "items": [{"id": n, "note": f"<{text}>", f"name {text}": [text]} for n, text in enumerate(texts)],
    }


# 5xx would only be tried again; 501 is not.


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("status", [200, 400, 401, 501])
def test_password_echoed_in_json_is_redacted(password, status, tmp_path):
    body = everywhere(spellings(password))
    if status != 200:
        body["items"] = body["items"][:20]  # below the length that an error keeps
    with Tenant(lambda request: reply(status, body)) as tenant:
        output = Talk(tenant, password, tmp_path).run()
        assert tenant.logins[0].json["password"] == password
        assert len(tenant.calls) >= 5
        hunt(password, *output)
        assert b"[redacted]" in output[0]


@pytest.mark.parametrize("password", PASSWORDS)
def test_password_echoed_as_text_is_redacted(password):
    # Each spelling by itself, since only the first bytes of a text are kept.
    pages = [
        reply(status, f"<html>you sent {spelling} to us")
        for spelling in spellings(password)
        for status in (200, 403)
    ]
    with Tenant(lambda request: pages[int(request.header("footprinttenantid"))]) as tenant:
        host = Host(
            connection(tenant.url, settings={"password": password}),
            options=["--log-level", "debug"],
        )
        with host:
            started = [
                host.start("patch_rescan", {"footprint_tenant_id": number})
                for number in range(len(pages))
            ]
            for number in started:
                shown = json.dumps(host.wait(number)[0]["error"]["data"]["upstream"])
                assert "you sent" in shown and "to us" in shown
        hunt(password, host.everything())


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("status", [200, 400, 401, 501])
def test_password_echoed_by_the_sign_in_is_redacted(password, status):
    bodies = [everywhere(spellings(password)[:20])]
    bodies += ["<html>" + spelling for spelling in spellings(password)]
    answers = iter(bodies)
    with Tenant(login=lambda request, number: reply(status, next(answers))) as tenant:
        host = Host(
            connection(tenant.url, settings={"password": password}),
            options=["--log-level", "debug"],
        )
        with host:
            for _ in bodies:
                host.failure("list_devices")
        assert len(tenant.logins) == len(bodies)
        hunt(password, host.everything())


@pytest.mark.parametrize("status", [200, 400, 401, 403, 501])
def test_tokens_never_leave(status, tmp_path):
    def answer(request):
        token = request.header("authorization").removeprefix("Bearer ")
        body = everywhere([*spellings(token)[:8], f"Bearer {token}", *spellings(refresh_token)[:8]])
        return reply(status, body, [("X-Echo", token)])

    refresh_token = Tenant.tokens(1)["refresh"]
    with Tenant(answer) as tenant:
        output = Talk(tenant, "Correct-Horse-7", tmp_path).run()
        for number in range(1, tenant.sign_ins + 1):
            for token in tenant.tokens(number).values():
                hunt(token, *output)


@pytest.mark.parametrize("body", [
    '{"access":"%(access)s","refresh":"%(refresh)s",}',
    '{"refresh":"%(refresh)s","access":"%(access)s"',
    '<html>{"access":"%(access)s","refresh":"%(refresh)s"}',
    '{"token":"%(access)s","refresh":"%(refresh)s"}',
    '{"access":["%(access)s"],"refresh":"%(refresh)s"}',
], ids=["trailing comma", "cut", "page", "other name", "other type"])
@pytest.mark.parametrize("status", [200, 203])
def test_tokens_of_a_sign_in_that_is_not_understood_are_not_shown(body, status):
    tokens = Tenant.tokens(1)
    with Tenant(login=lambda request, number: reply(status, body % tokens)) as tenant:
        host = Host(connection(tenant.url), options=["--log-level", "debug"])
        with host:
            host.failure("list_devices")
        for token in tokens.values():
            hunt(token, host.everything())


@pytest.mark.parametrize("length", [500, 8_192])
@pytest.mark.parametrize("inside", [1, 8, 14])
def test_truncating_a_body_does_not_expose_half_a_secret(length, inside):
    password = "Correct-Horse-7"
    text = "x" * (length - inside) + password + "x" * 20_000
    status = 200 if length == 500 else 400
    with Tenant(lambda request: reply(status, text)) as tenant, Host(connection(tenant.url)) as host:
        error = host.failure("list_devices")
        kept = json.dumps(error["upstream"])
        if inside >= 4:
            assert password[:inside] not in kept
        assert kept.count("x") >= length - 100


def test_a_secret_between_two_chunks_of_the_vendor_is_found():
    password = "Correct-Horse-7"
    body = json.dumps([{"note": password}]).encode()
    parts = [body[at : at + 1] for at in range(len(body))]
    chunks = [b"1\r\n%s\r\n" % part for part in parts] + [b"0\r\n\r\n"]
    whole = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *chunks)
    with Tenant(lambda request: whole) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_scanners")["raw_data"] == [{"note": "[redacted]"}]


def test_values_that_are_no_secrets_are_not_redacted():
    body = [{"id": 1, "note": "Correct-Horse-8, correct-horse-7, Q29ycmVjdC1Ib3JzZS0"}]
    with Tenant(lambda request: reply(200, body)) as tenant, Host(connection(tenant.url)) as host:
        assert host.result("list_scanners")["raw_data"][0]["note"].startswith("Correct-Horse-8, c")


@pytest.mark.parametrize("place", [
    {"message": "settings", "settings": {"server_url": "http://example.com"}},
    {"message": "unknown member", "pasword": "x"},
    {"message": "active", "active": "yes"},
    {"message": "rate", "rate_limits": {"default": 5}},
], ids=lambda place: place["message"])
def test_a_connection_that_is_refused_does_not_show_its_password(place):
    place = {name: value for name, value in place.items() if name != "message"}
    password = 'P"Ä\\SS WÖRD/+%&='
    own = {"password": password, **place.pop("settings", {})}
    one = connection("http://127.0.0.1:9", settings=own, **place)
    host = Host(options=["--log-level", "debug"])
    with host:
        assert "error" in host.answer("list_scanners", {}, one)
        host.wait(host.request("connections/put", {"name": "mine", "connection": one}))
        host.call("connections/list")
    hunt(password, host.everything())


def test_a_put_connection_is_listed_without_its_password():
    password = 'P"Ä\\SS WÖRD/+%&='
    with Tenant() as tenant:
        host = Host(options=["--log-level", "debug"])
        with host:
            one = connection(tenant.url, settings={"password": password})
            host.call("connections/put", {"name": "mine", "connection": one})
            (listed,) = host.call("connections/list")["connections"]
            assert listed["settings"]["password"] == "[redacted]"
            assert listed["settings"]["user_name"] == USER
            host.result("list_scanners", {}, "mine")
            assert tenant.logins[0].json["password"] == password
        hunt(password, host.everything())


def test_a_password_in_a_line_that_is_not_understood_is_not_logged():
    """The caller gets its own text as it sent it: otherwise it could guess secrets."""
    password = "Correct-Horse-7"
    host = Host(connection("http://127.0.0.1:9"), options=["--log-level", "debug"])
    with host:
        host.send(b'{"jsonrpc":"2.0","id":1,"method":"invoke","params":{"x":"%s"' % password.encode())
        host.send(b'{"jsonrpc":"2.0","id":2,"method":"%s"}' % password.encode())
        host.send(b'{"jsonrpc":"2.0","id":3,"method":"invoke","params":{"integration":"coda_footprint",'
                  b'"command":"list_scanners","arguments":{"%s":1}}}' % password.encode())
        host.wait(2)
        host.wait(2)
        host.wait(3)
        assert password.encode() in host.everything()
    hunt(password, host.stderr)


@pytest.mark.parametrize("reference", ["$env", "$file", "$command"])
def test_a_password_kept_elsewhere_is_redacted_too(reference, tmp_path):
    password = 'P"Ä\\SS WÖRD/+%&='
    file = tmp_path / "password"
    file.write_text(password)
    value = {"$env": "HUNTED", "$file": str(file), "$command": ["cat", str(file)]}[reference]
    body = everywhere(spellings(password))
    with Tenant(lambda request: reply(200, body)) as tenant:
        host = Host(
            connection(tenant.url, settings={"password": {reference: value}}),
            options=["--log-level", "debug"], env={"HUNTED": password},
        )
        with host:
            host.result("list_devices")
            host.result("list_devices", stream=True)
        assert tenant.logins[0].json["password"] == password
        hunt(password, host.everything())


@pytest.mark.parametrize("verb", ["call", "run"])
def test_the_other_verbs_keep_secrets_too(verb, tmp_path):
    password = 'P"Ä\\SS WÖRD/+%&='
    body = everywhere(spellings(password)[:12])
    with Tenant(lambda request: reply(200, body)) as tenant:
        file = tmp_path / "connections.json"
        one = connection(tenant.url, settings={"password": password})
        file.write_text(json.dumps({"connections": {"main": one}}))
        batch = tmp_path / "batch.jsonl"
        batch.write_text(json.dumps({
            "jsonrpc": "2.0", "id": 1, "method": "invoke",
            "params": {"integration": "coda_footprint", "command": "list_devices"},
        }) + "\n")
        words = {"call": ["call", "coda_footprint", "list_devices"], "run": ["run", str(batch)]}
        for extra in ([], ["--raw"]) if verb == "call" else ([],):
            ended = run(*words[verb], "--connections", str(file), *extra)
            assert ended.code == 0, ended.errors
            hunt(password, ended.output, ended.errors.encode())
