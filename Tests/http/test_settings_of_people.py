"""Settings as people paste them: URLs with the path of the API, hosts that are none, keys with white
space around them."""

import base64
import json

import pytest
from Support import control_center
from Support.control_center import KEY, ControlCenter, success
from Support.host import run
from Support.programmed_google import CLIENT_SECRET, REFRESH_TOKEN, Google
from Support.session import USER, Host, connection
from Support.upstream import LOGIN, SCANNERS, Tenant, Upstream, reply

ENDPOINTS = ("list_endpoints", {"endpoint_type": "endpoints"})
LABELS = ("list_labels", {"user_email": "robot@example.com"})


def empty_page(request, method, params):
    return success(request, {"pagesCount": 1, "items": []})


# The path of the API


@pytest.mark.parametrize("path", [
    "", "/", "/api", "/api/", "/api/v1.0", "/api/v1.0/jsonrpc", "/api/v1.0/jsonrpc/", "/api/v1.2/jsonrpc/network",
    "/api/v1.1/jsonrpc/network/", "/v1.0/jsonrpc", "/api//v1.0/jsonrpc",
])
def test_a_control_center_url_may_have_the_path_of_the_api(path):
    with ControlCenter(empty_page) as center:
        one = center.connection(settings={"server_url": center.url + path})
        with Host(one) as host:
            host.result(*ENDPOINTS)
        assert [request.path for request in center.requests] == ["/api/v1.0/jsonrpc/network"]


@pytest.mark.parametrize("path", ["/gateway", "/gateway/api/v1.0/jsonrpc", "/gateway/api"])
def test_a_prefix_of_a_control_center_stays(path):
    with ControlCenter(empty_page) as center:
        with Host(center.connection(settings={"server_url": center.url + path})) as host:
            host.result(*ENDPOINTS)
        assert [request.path for request in center.requests] == ["/gateway/api/v1.0/jsonrpc/network"]


@pytest.mark.parametrize("path", ["/apiary", "/api/gravityzone"])
def test_a_path_that_only_resembles_the_api_stays(path):
    with ControlCenter(empty_page) as center:
        with Host(center.connection(settings={"server_url": center.url + path})) as host:
            host.result(*ENDPOINTS)
        assert [r.path for r in center.requests] == [path + "/api/v1.0/jsonrpc/network"]


@pytest.mark.parametrize("path", ["/api/auth/token/", "/api/console", "/api/console/elements/devices/", "/api/auth"])
def test_a_coda_url_may_have_the_path_of_the_api(path):
    with Tenant() as tenant, Host(connection(tenant.url + path)) as host:
        host.result("list_scanners")
        assert [request.path for request in tenant.requests] == [LOGIN, SCANNERS]


@pytest.mark.parametrize("path", ["", "/", "/gmail/v1", "/upload/gmail/v1", "/gmail/v1/users/me/"])
def test_a_gmail_url_may_have_the_path_of_the_api(path):
    with Google(lambda request: reply(200, {"labels": []})) as google:
        one = google.connection()
        one["settings"]["gmail_url"] = google.url + path
        with Host(one) as host:
            host.result(*LABELS)
        assert google.calls[0].path == "/gmail/v1/users/robot%40example.com/labels"


def test_a_prefix_that_resembles_gmail_s_path_stays():
    with Google(lambda request: reply(200, {"labels": []})) as google:
        one = google.connection()
        one["settings"]["gmail_url"] = google.url + "/gmail"
        with Host(one) as host:
            host.result(*LABELS)
        assert google.calls[0].path.startswith("/gmail/gmail/v1/")


@pytest.mark.parametrize("path", ["", "/admin/directory/v1", "/admin/directory/v1/users/"])
def test_a_directory_url_may_have_the_path_of_the_api(path):
    with Google(lambda request: reply(200, {"users": []})) as google:
        one = google.connection()
        one["settings"]["directory_url"] = google.url + path
        with Host(one) as host:
            host.result("get_user_list", {"type": "customer", "customer_id_or_domain_name": "my_customer"})
        assert google.calls[0].path == "/admin/directory/v1/users"


# Hosts

NO_HOSTS = [
    "https://example.com,", "https://*", "https://*.example.com", "https://a\\b", "https://<tenant>.example.com",
    "https://{tenant}.example.com", "https://a..example.com", "https://.example.com", "https://exa$mple.com",
    "https://\"example.com\"", "https://[zz]", "https://[1:2]", "https://" + "a" * 64 + ".example.com",
    "https://example.com;", "https://example.com)", "https://a%20b",
]


@pytest.mark.parametrize("url", NO_HOSTS)
def test_a_host_that_is_none_is_a_fault_of_the_connection(url):
    google = {"authentication_type": "oauth_client_id", "client_id": "a", "client_secret": "b"}
    cases = [
        (connection(url), "list_scanners", "server_url"),
        (control_center.connection(url), "list_endpoints", "server_url"),
        *[({"integration": "gmail", "settings": {**google, name: url}}, "list_labels", name)
          for name in ("gmail_url", "directory_url", "token_url", "authorization_url")],
    ]
    with Host() as host:
        for one, command, setting in cases:
            params = {"integration": one["integration"], "command": command, "connection": one}
            error = host.wait(host.request("invoke", params))[0]["error"]
            assert error["code"] == -32602, error
            paths = [problem["path"] for problem in error["data"]["problems"]]
            assert f"/connection/settings/{setting}" in paths


@pytest.mark.parametrize("url", NO_HOSTS)
def test_a_proxy_whose_host_is_none_is_a_fault_of_the_connection(url, tmp_path):
    file = tmp_path / "connections.json"
    proxy = url.replace("https://", "http://")
    file.write_text(json.dumps({"connections": {"main": connection("https://vendor.invalid", proxy=proxy)}}))
    ended = run("serve", "--connections", str(file))
    assert ended.code == 2 and "/connections/main/proxy" in ended.errors


# Keys

AROUND = {
    "line feed": "{}\n", "two line feeds": "{}\n\n", "Windows": "{}\r\n", "spaces": "  {} ", "tab": "\t{}\t",
    "byte order mark": "\ufeff{}\r\n", "no-break space": "\u00a0{}\u00a0", "line feed before": "\n{}",
}
WAYS = ["literal", "$env", "$file", "$command"]


def kept(way, text, path):
    """A setting that is kept in a way, and the environment for it."""
    if way == "literal":
        return text, {}
    if way == "$env":
        return {"$env": "THE_KEY"}, {"THE_KEY": text}
    file = path / "key"
    file.write_bytes(text.encode())
    return ({"$file": str(file)} if way == "$file" else {"$command": ["cat", str(file)]}), {}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("around", AROUND)
def test_white_space_around_a_key_is_not_sent(around, way, tmp_path):
    key, env = kept(way, AROUND[around].format(KEY), tmp_path)
    with ControlCenter(empty_page) as center:
        with Host(center.connection(settings={"api_key": key}), env=env) as host:
            host.result(*ENDPOINTS)
            (request,) = center.requests
            sent = base64.b64decode(request.header("authorization").removeprefix("Basic "))
            assert sent == f"{KEY}:".encode()
            assert KEY.encode() not in host.everything()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("around", ["line feed", "spaces", "byte order mark"])
def test_white_space_around_google_s_credentials_is_not_sent(around, way, tmp_path):
    with Google(lambda request: reply(200, {"labels": []})) as google:
        one = google.oauth()
        secret, env = kept(way, AROUND[around].format(CLIENT_SECRET), tmp_path)
        one["settings"] |= {"client_secret": secret, "client_id": AROUND[around].format(one["settings"]["client_id"])}
        one["settings"]["refresh_token"] = AROUND[around].format(REFRESH_TOKEN)
        with Host(one, env=env) as host:
            host.result("list_labels", {"user_email": "me"})
        (form,) = google.forms
        assert form["client_secret"] == CLIENT_SECRET and form["refresh_token"] == REFRESH_TOKEN
        assert form["client_id"] == form["client_id"].strip("\ufeff \n")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", ["{}\n{}\n", "key\t{}", "# the key\r\n{}"])
def test_a_key_of_several_lines_is_refused(text, way, tmp_path):
    key, env = kept(way, text.format(KEY, KEY), tmp_path)
    with ControlCenter(empty_page) as center:
        one = center.connection(settings={"api_key": key})
        if way == "literal":
            with Host() as host:
                params = {"integration": "bitdefender_gravityzone", "command": "list_endpoints", "connection": one}
                error = host.wait(host.request("invoke", params))[0]["error"]
                assert error["code"] == -32602 and "one line" in str(error["data"]["problems"])
        else:
            with Host(one, env=env) as host:
                error = host.failure(*ENDPOINTS)
                assert error["kind"] == "auth" and "more than one line" in error["message"]
        assert center.requests == [] and KEY not in str(error)


@pytest.mark.parametrize("text", ["\n", " ", "\ufeff"])
def test_a_key_of_white_space_is_empty(text, tmp_path):
    key, env = kept("$file", text, tmp_path)
    with ControlCenter(empty_page) as center, Host(center.connection(settings={"api_key": key}), env=env) as host:
        assert "empty" in host.failure(*ENDPOINTS)["message"]


def test_white_space_around_a_user_name_is_not_sent():
    with Tenant() as tenant, Host(connection(tenant.url, settings={"user_name": f" {USER}\n"})) as host:
        host.result("list_scanners")
        assert tenant.logins[0].json["username"] == USER
