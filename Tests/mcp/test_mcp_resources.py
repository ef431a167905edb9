"""Large data and files: what a model gets instead, and how a client reads the rest."""

import base64
import json

import pytest
from Support.control_center import ControlCenter, failure, success
from Support.mcp_client import STATELESS, STRUCTURED, structure, text
from Support.programmed_google import ANNA, Google
from Support.session import connection as coda
from Support.upstream import Tenant, reply

LIST_TENANTS = "coda_footprint__list_tenants"
DEVICES = "coda_footprint__list_devices"
LABEL = "bitdefender_gravityzone__update_endpoint_labels"
LIMIT = 4_096
TENANTS = [{"id": number, "name": f"Tenant \u2028 {number} é"} for number in range(500)]


def put(client, name, content, **more):
    data = base64.b64encode(content).decode()
    reference = client.result("files/put", {
        "name": name, "content_base64": data, "source": "playbook_file", **more})
    return f"sallyport://files/{reference['file_id']}"


def test_large_data_is_stored_as_a_file(start, revision):
    body = json.dumps(TENANTS, separators=(",", ":")).replace("499}", "4.990}")
    with Tenant(lambda request: reply(200, body, [("Content-Type", "application/json")])) as vendor:
        client = start(revision, "--max-tool-result-bytes", str(LIMIT), main=coda(vendor.url))
        result = client.call(LIST_TENANTS)
    own = structure(result)
    assert own["return_data"] == "Successful" and "raw_data" not in own
    assert 0 < len(own["preview"]) < 500 and own["preview"] == TENANTS[: len(own["preview"])]
    assert len(json.dumps(own, ensure_ascii=False, separators=(",", ":")).encode()) <= LIMIT
    (reference,) = own["files"]
    uri = f"sallyport://files/{reference['file_id']}"
    assert uri in text(result)
    links = result["content"][1:]
    if revision in STRUCTURED:
        assert [(link["type"], link["uri"], link["mimeType"]) for link in links] == [
            ("resource_link", uri, "application/json")]
        assert links[0]["size"] == reference["size"]
    else:
        assert links == []
    (contents,) = client.result("resources/read", {"uri": uri})["contents"]
    assert contents["uri"] == uri and contents["mimeType"] == "application/json"
    assert contents["text"] == body, "the vendor's own bytes"


def test_items_inside_an_object_are_previewed(start):
    body = {"page": 1, "totalPages": 1, "totalCount": 500, "items": TENANTS}
    with Tenant(lambda request: reply(200, body)) as vendor:
        client = start("2025-11-25", "--max-tool-result-bytes", str(LIMIT), main=coda(vendor.url))
        own = structure(client.call(DEVICES))
    assert own["preview"] == TENANTS[: len(own["preview"])] and own["preview"]


def test_events_and_their_sources_are_separate_files(start):
    client = start("2025-11-25", "--max-tool-result-bytes", "2048")
    arguments = {
        "user_email": "soc@harbor.example", "start_time": "2026-11-16", "end_time": "2026-11-17",
        "connection": "gmail_sandbox"}
    own = structure(client.call("gmail__fetch_event", arguments))
    assert not {"raw_data", "events"} & set(own) and own["cursor"]
    names = [file["name"] for file in own["files"]]
    assert {"fetch_event.raw_data.json", "fetch_event.events.json"} <= set(names)
    for file in own["files"]:
        if file["name"].startswith("fetch_event."):
            uri = f"sallyport://files/{file['file_id']}"
            (contents,) = client.result("resources/read", {"uri": uri})["contents"]
            assert len(json.loads(contents["text"])) > 1


def test_data_within_the_limit_stays_inline(start, revision):
    with Tenant(lambda request: reply(200, TENANTS[:20])) as vendor:
        client = start(revision, "--max-tool-result-bytes", str(LIMIT), main=coda(vendor.url))
        result = client.call(LIST_TENANTS)
        assert structure(result)["raw_data"] == TENANTS[:20] and len(result["content"]) == 1
        assert client.result("resources/list")["resources"] == []


def many(count):
    return [f"5b680f6fb1a43d860a{number:06x}" for number in range(count)]


@pytest.mark.parametrize("fails", [lambda number: number % 2 == 0, lambda number: True], ids=["half", "all"])
def test_results_over_many_targets_are_bounded_too(start, revision, fails):
    def answer(request, method, params):
        bad = fails(int(params["endpointId"], 16))
        return failure(request, "Endpoint not found. " * 5) if bad else success(request, True)

    with ControlCenter(answer) as center:
        client = start(revision, "--max-tool-result-bytes", str(LIMIT), main=center.connection())
        id = client.start_call(LABEL, {"endpoint_ids": many(300), "label": "x"})
        line = client.read_line()
        answer = client.checked(line)
    assert answer["id"] == id and len(line) < 4 * LIMIT, len(line)
    assert len(text(answer["result"])) < 2 * LIMIT
    # Nothing is lost: the whole of it is a file.
    (resource,) = [r for r in client.result("resources/list")["resources"] if "targets" in r["name"]]
    whole = json.loads(client.result("resources/read", {"uri": resource["uri"]})["contents"][0]["text"])
    assert [target["target"] for target in whole] == many(300)
    # Those that failed come first.
    if revision in STRUCTURED:
        shown = structure(answer["result"])["targets"]
        assert shown and all(target["return_data"] == "Failed" for target in shown)


@pytest.mark.parametrize("limit", [1_100, 1_200, 1_300, 1_400])
def test_each_member_of_a_large_result_is_stored_once(start, limit):
    """Also where hardly anything fits: what is left of a member is as large as it may be."""
    with Google() as google:
        google.answer_signed_in = lambda request: reply(204)
        client = start("2025-11-25", "--max-tool-result-bytes", str(limit), main=google.oauth())
        for count in range(12, 60):
            result = client.call("gmail__delete_emails", {"user_email": ANNA, "message_ids": many(count)})
            names = [file["name"] for file in structure(result).get("files", [])]
            assert len(names) == len(set(names)) <= 2, names


@pytest.mark.parametrize(("name", "content", "member"), [
    ("note.txt", "déjà vu\n\u2028".encode(), "text"), ("data.json", b'{"a": 1.50}', "text"),
    ("mail.eml", b"Subject: x\r\n\r\ny", "text"), ("note.txt", b"\xff\xfe", "blob"),
    ("picture.png", b"\x89PNG\x00\xff", "blob"), ("thing.bin", b"plain", "blob"), ("empty.txt", b"", "text"),
])
def test_a_resource_is_read_as_it_is(start, revision, name, content, member):
    client = start(revision)
    uri = put(client, name, content)
    (contents,) = client.result("resources/read", {"uri": uri})["contents"]
    assert set(contents) == {"uri", "mimeType", member} and contents["uri"] == uri
    got = contents[member].encode() if member == "text" else base64.b64decode(contents[member], validate=True)
    assert got == content
    (listed,) = client.result("resources/list")["resources"]
    assert (listed["uri"], listed["name"], listed["mimeType"]) == (uri, name, contents["mimeType"])
    assert ("size" in listed) == (revision > "2024-11-05")


def test_resources_are_listed_in_pages(start):
    client = start("2025-11-25")
    for number in range(501):
        client.start("files/put", {
            "name": f"{number}.txt", "content_base64": "", "source": "playbook_file"})
    client.read_all(501)
    pages = list(client.pages("resources/list", "resources"))
    assert [len(page) for page in pages] == [500, 1]
    names = [resource["name"] for page in pages for resource in page]
    assert sorted(names) == sorted(f"{number}.txt" for number in range(501))


@pytest.mark.parametrize("uri", [
    "sallyport://files/00000000000000000000000000000000", "sallyport://files/", "sallyport://files/../../etc/passwd",
    "sallyport://files/%2e%2e", "file:///etc/passwd", "", "x"])
def test_an_unknown_resource_has_the_code_of_the_revision(start, revision, uri):
    error = start(revision).error("resources/read", {"uri": uri})
    assert error["code"] == (-32602 if revision == STATELESS else -32002)
    assert error["data"]["uri"] == uri


@pytest.mark.parametrize("params", [{}, {"uri": 5}, {"uri": None}, {"uri": []}])
def test_a_uri_is_a_text(start, params):
    assert start("2025-11-25").error("resources/read", params)["code"] == -32602


def test_a_resource_that_is_too_large_is_said_to_be(start, tmp_path):
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(8 * 1024 * 1024 + 1))
    client = start("2025-11-25", "--files-from", str(tmp_path))
    reference = client.result("files/put", {"path": str(large), "source": "playbook_file"})
    error = client.error("resources/read", {"uri": f"sallyport://files/{reference['file_id']}"})
    assert error["code"] == -32000 and "8388608" in error["message"]
    client.expect_silence()


def test_the_template_is_that_of_files(start, revision):
    (template,) = start(revision).result("resources/templates/list")["resourceTemplates"]
    assert template["uriTemplate"] == "sallyport://files/{file_id}"


def test_names_and_contents_of_files_are_not_redacted(start, revision):
    client = start(revision, main={"integration": "coda_footprint", "settings": {
        "server_url": "http://127.0.0.1:9", "user_name": "user@example.com", "password": "a-secret-word"}})
    uri = put(client, "a-secret-word.txt", b"with a-secret-word in it")
    (resource,) = client.result("resources/list")["resources"]
    (file,) = client.result("files/list", {})["files"]
    # They are the caller's. Names that a vendor chose are redacted when the file is stored.
    assert resource["name"] == file["name"] == "a-secret-word.txt" and resource["uri"] == uri
    (contents,) = client.result("resources/read", {"uri": uri})["contents"]
    assert contents["text"] == "with a-secret-word in it"
