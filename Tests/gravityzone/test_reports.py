"""Download Reports: links, archives and errors."""

import gzip
import hashlib
import io
import os
import pathlib
import zipfile

import pytest
from Support.control_center import AUTHORIZATION, KEY, ControlCenter, failure, success
from Support.host import eventually
from Support.session import Host
from Support.upstream import Reply, Upstream, reply

R, S = "5d6f1c2ab1a43d0b0b7b23c1", "5d6f1c2ab1a43d0b0b7b23c2"
PATH = "/api/v1.0/http/downloadReportZip"
BAD = "Invalid value for 'reportId' parameter."


def archive(text="a,b\n"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zip:
        zip.writestr("report.csv", text)
        zip.writestr("report.pdf", "%PDF-1.4")
    return buffer.getvalue()


ZIP = archive()


class Reports(ControlCenter):
    """`links` by report ID; `content` is the response to a GET."""

    def __init__(self, content=None, links=None, **more):
        self.content = content or (lambda request: reply(200, ZIP))
        self.links = links or {}
        super().__init__(self.report, **more)

    def report(self, request, method, params):
        if request.method == "GET":
            return self.content(request)
        id = params["reportId"]
        links = self.links.get(id, {
            "readyForDownload": True,
            "lastInstanceUrl": f"{self.url}{PATH}?reportId={id}&allInstances=0&serviceType=1"})
        return failure(request, BAD) if links is None else success(request, links)


def test_archive_is_stored_as_a_file():
    named = [("Content-Disposition", 'attachment; filename="Blocked Websites.zip"')]
    with Reports(lambda request: reply(200, ZIP, named)) as center:
        with Host(center.connection()) as host:
            result = host.result("download_reports", {"report_ids": [R]})
            (file,) = result["files"]
            assert pathlib.Path(file["path"]).read_bytes() == ZIP
            assert host.call("files/list")["files"][0]["file_id"] == file["file_id"]
    assert (file["name"], file["size"]) == ("Blocked Websites.zip", len(ZIP))
    assert (file["content_type"], file["source"]) == ("application/zip", "playbook_file")
    for name in ("md5", "sha1", "sha256"):
        assert file[name] == hashlib.new(name, ZIP).hexdigest()
    assert result["return_data"] == "Successful"
    assert result["raw_data"][0]["result"]["readyForDownload"] is True
    asked, fetched = center.requests
    assert asked.json["method"] == "getDownloadLinks" and asked.json["params"] == {"reportId": R}
    assert (fetched.method, fetched.path) == ("GET", PATH)
    assert dict(fetched.query) == {"reportId": R, "allInstances": "0", "serviceType": "1"}
    assert fetched.header("authorization") == AUTHORIZATION


@pytest.mark.parametrize("header, name", [
    (None, f"report-{R}.zip"),
    ("attachment", f"report-{R}.zip"),
    ("attachment; filename=plain.zip", "plain.zip"),
    ("attachment; filename=\"../../etc/passwd\"", "passwd"),
    ("attachment; filename=\"..\"", f"report-{R}.zip"),
    ("attachment; filename=\"a.zip\"; filename*=UTF-8''%e2%82%ac%20rates.zip", "€ rates.zip"),
    ("attachment; filename=\"say \\\"hi\\\".zip\"", 'say "hi".zip'),
])
def test_file_name_is_the_vendors_suggestion(header, name):
    headers = [("Content-Disposition", header)] if header else []
    with Reports(lambda request: reply(200, ZIP, headers)) as center:
        with Host(center.connection()) as host:
            (file,) = host.result("download_reports", {"report_ids": [R]})["files"]
    assert file["name"] == name
    assert "/.." not in file["path"]


def test_several_reports_are_returned_in_input_order():
    with Reports(lambda request: reply(200, archive(dict(request.query)["reportId"]))) as center:
        with Host(center.connection()) as host:
            result = host.result("download_reports", {"report_ids": [S, R, S]})
    expected = [hashlib.sha256(archive(id)).hexdigest() for id in (S, R)]
    assert [file["sha256"] for file in result["files"]] == expected
    assert [t["target"] for t in result["targets"]] == [S, R]


def test_one_failed_report_fails_the_command_and_keeps_the_other_files():
    with Reports(links={S: None}) as center, Host(center.connection()) as host:
        data = host.failure("download_reports", {"report_ids": [R, S]})
        stored = host.call("files/list")["files"]
    assert (data["failure_indicator"], data["status_code"], data["message"]) == (
        "Download Reports failed.", 400, BAD)
    good, bad = data["targets"]
    assert (good["target"], good["return_data"]) == (R, "Successful")
    assert [f["file_id"] for f in good["files"]] == [f["file_id"] for f in stored]
    assert (bad["target"], bad["error"]["message"]) == (S, BAD)


def test_a_report_that_is_not_ready_is_a_retryable_error():
    with Reports(links={R: {"readyForDownload": False}}) as center:
        with Host(center.connection()) as host:
            data = host.failure("download_reports", {"report_ids": [R]})
    assert (data["kind"], data["retryable"]) == ("unavailable", True)
    assert "not ready" in data["message"]
    assert len(center.requests) == 1


def test_key_is_not_sent_to_another_server():
    with Upstream(lambda request: reply(200, ZIP)) as foreign, Reports() as center:
        urls = [f"{foreign.url}{PATH}?reportId={R}", f"http://127.0.0.1.example.com{PATH}",
                f"http://user@127.0.0.1:{center.port}{PATH}", "file:///etc/passwd", "/relative", ""]
        with Host(center.connection()) as host:
            for url in urls:
                center.links = {R: {"readyForDownload": True, "lastInstanceUrl": url}}
                data = host.failure("download_reports", {"report_ids": [R]})
                assert (data["kind"], data["status_code"]) == ("upstream", 502), url
                assert "different server" in data["message"]
                assert data["upstream"]["link"] == url
            assert host.call("files/list")["files"] == []
    assert foreign.requests == []
    assert all(request.method == "POST" for request in center.requests)


def test_the_key_is_not_sent_after_a_redirect():
    with Upstream(lambda request: reply(200, ZIP)) as foreign:
        with Reports(lambda request: Reply(302, headers=[("Location", foreign.url + "/x")])) as center:
            with Host(center.connection()) as host:
                host.answer("download_reports", {"report_ids": [R]})
    # A redirect may be followed, but without the key.
    assert all(KEY not in str(r.headers) for r in foreign.requests)
    assert all(r.header("authorization") is None for r in foreign.requests)


@pytest.mark.parametrize("body", [
    b"", b"<html>Sign in</html>", b"PK", b"PK\x05\x06" + bytes(18), b"PK\x03\x04abc", ZIP[:-22],
], ids=["empty", "page", "two bytes", "no entry", "no directory", "cut"])
def test_body_that_is_no_archive_is_not_stored(body):
    with Reports(lambda request: reply(200, body)) as center, Host(center.connection()) as host:
        data = host.failure("download_reports", {"report_ids": [R]})
        assert host.call("files/list")["files"] == []
    assert (data["kind"], data["status_code"]) == ("upstream", 502)
    assert "ZIP" in data["message"]


def test_key_echoed_in_a_file_name_is_not_written_to_disk(tmp_path):
    named = [("Content-Disposition", f'attachment; filename="{KEY}.zip"')]
    with Reports(lambda request: reply(200, ZIP, named)) as center:
        with Host(center.connection(), options=["--files-dir", str(tmp_path)]) as host:
            (file,) = host.result("download_reports", {"report_ids": [R]})["files"]
            assert pathlib.Path(file["path"]).is_file()
    assert KEY not in "".join(str(path) + path.read_text("latin-1") for path in tmp_path.iterdir())


def test_a_rejected_download_has_its_status():
    with Reports(lambda request: Reply(401)) as center, Host(center.connection()) as host:
        data = host.failure("download_reports", {"report_ids": [R]})
        assert host.call("files/list")["files"] == []
    assert (data["kind"], data["status_code"]) == ("auth", 401)


def test_a_truncated_download_is_not_stored():
    def broken(request):
        half = Reply(200, ZIP[:20], [("Content-Length", str(len(ZIP)))], close=True)
        return half

    with Reports(broken) as center, Host(center.connection()) as host:
        data = host.failure("download_reports", {"report_ids": [R]})
        assert host.call("files/list")["files"] == []
    assert data["kind"] == "network"
    # Reads are retried.
    assert len(center.to(PATH)) > 1


def test_stream_returns_the_file_of_each_report():
    with Reports() as center, Host(center.connection()) as host:
        number = host.start("download_reports", {"report_ids": [R, S]}, stream=True)
        host.wait(number)
        items = [n["item"] for n in host.notifications("invoke/item", number)]
    assert {item["target"] for item in items} == {R, S}
    assert all(item["files"][0]["size"] == len(ZIP) for item in items)


def test_files_dir_sets_the_directory_of_files(tmp_path):
    with Reports() as center:
        with Host(center.connection(), options=["--files-dir", str(tmp_path)]) as host:
            (file,) = host.result("download_reports", {"report_ids": [R]})["files"]
    assert pathlib.Path(file["path"]).parent == tmp_path
    assert pathlib.Path(file["path"]).read_bytes() == ZIP


LARGE = archive(os.urandom(3_000_000).hex())


def assert_stored(file, content):
    assert pathlib.Path(file["path"]).read_bytes() == content
    assert file["size"] == len(content)
    for name in ("md5", "sha1", "sha256"):
        assert file[name] == hashlib.new(name, content).hexdigest()


def test_archive_is_stored_while_it_arrives():
    """A host that kept the archive in memory would need more than its size."""
    content = archive(bytes(16).hex() * 1_500_000)
    with Reports(lambda request: reply(200, content)) as center, Host(center.connection()) as host:
        (file,) = host.result("download_reports", {"report_ids": [R]})["files"]
        assert_stored(file, content)
        assert host.peak_memory_bytes < 40 * 1024 * 1024


@pytest.mark.parametrize("first", [
    # More than the host writes at once, then an end in the middle, or a refusal.
    Reply(200, LARGE[:2_000_000], [("Content-Length", str(len(LARGE)))], close=True),
    Reply(200, LARGE[:1_000], [("Content-Length", str(len(LARGE)))], close=True),
    Reply(503, LARGE),
], ids=["large part", "small part", "refusal"])
def test_retry_of_a_download_stores_only_the_last_response(first, tmp_path):
    answers = iter([first])
    with Reports(lambda request: next(answers, reply(200, LARGE))) as center:
        with Host(center.connection(), options=["--files-dir", str(tmp_path)]) as host:
            (file,) = host.result("download_reports", {"report_ids": [R]})["files"]
            assert_stored(file, LARGE)
    assert len(center.to(PATH)) == 2
    # The content and its record: nothing is left of the first response.
    assert len(list(tmp_path.iterdir())) == 2


def test_retry_that_is_shorter_stores_only_itself():
    broken = Reply(200, LARGE[:2_000_000], [("Content-Length", str(len(LARGE)))], close=True)
    answers = iter([broken])
    with Reports(lambda request: next(answers, reply(200, ZIP))) as center:
        with Host(center.connection()) as host:
            (file,) = host.result("download_reports", {"report_ids": [R]})["files"]
            assert_stored(file, ZIP)


@pytest.mark.parametrize(
    "content", [b"", LARGE[:-100], b"x" + LARGE], ids=["empty", "truncated", "other"])
def test_file_that_is_no_archive_is_removed(content, tmp_path):
    with Reports(lambda request: reply(200, content)) as center:
        with Host(center.connection(), options=["--files-dir", str(tmp_path)]) as host:
            data = host.failure("download_reports", {"report_ids": [R]})
            assert (data["kind"], data["retryable"]) == ("upstream", True)
            assert "ZIP" in data["message"]
            eventually(lambda: not list(tmp_path.iterdir()), "the file is removed")


def test_compressed_download_is_stored_unpacked():
    packed = reply(200, gzip.compress(LARGE), [("Content-Encoding", "gzip")])
    with Reports(lambda request: packed) as center, Host(center.connection()) as host:
        (file,) = host.result("download_reports", {"report_ids": [R]})["files"]
        assert_stored(file, LARGE)


def test_downloads_side_by_side_do_not_mix():
    contents = {id: archive(os.urandom(2_000_000).hex()) for id in (R, S)}
    with Reports(lambda request: reply(200, contents[dict(request.query)["reportId"]])) as center:
        with Host(center.connection()) as host:
            files = host.result("download_reports", {"report_ids": [R, S]})["files"]
            for file, id in zip(files, (R, S), strict=True):
                assert_stored(file, contents[id])
