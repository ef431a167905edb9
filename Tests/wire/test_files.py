"""Files: what is put comes back, in every process that shares the directory, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pathlib
import signal
import stat

import pytest
from Support.host import Host, eventually, request, run

SOURCE = "incident_attachment_file"
MIB = 1 << 20


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def content_of(name: str = "a.bin", content: bytes = b"content", **more):
    return {"name": name, "content_base64": text(content), "source": SOURCE} | more


def read(host: Host, id: str, length: int | None = None) -> bytes:
    """The whole content, chunk by chunk."""
    whole = b""
    while True:
        params = {"file_id": id, "offset": len(whole)} | ({} if length is None else {"length": length})
        chunk = host.result("files/get", params)
        content = base64.b64decode(chunk["content_base64"], validate=True)
        assert (chunk["file_id"], chunk["offset"], chunk["length"]) == (id, len(whole), len(content))
        whole += content
        assert chunk["eof"] == (len(whole) == chunk["size"])
        if chunk["eof"]:
            return whole


def problems(error) -> dict[str, str]:
    assert error["code"] == -32602 and error["data"]["kind"] == "validation", error
    return {problem["path"]: problem["message"] for problem in error["data"]["problems"]}


@pytest.fixture(autouse=True)
def _own_temporary_files(tmp_path_factory, monkeypatch):
    """Hosts that a test kills leave theirs."""
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    return tmp_path / "files"


def test_reference_describes_the_stored_file(folder):
    content = os.urandom(100_000)
    with Host("--files-dir", str(folder)) as host:
        reference = host.result("files/put", content_of("report.pdf", content))
        assert read(host, reference["file_id"]) == content
        assert host.result("files/list") == {"files": [reference]}
    assert reference == {
        "file_id": reference["file_id"], "name": "report.pdf", "size": 100_000, "content_type": "application/pdf",
        "md5": hashlib.md5(content).hexdigest(), "sha1": hashlib.sha1(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(), "source": SOURCE, "created": reference["created"]}
    assert reference["created"].endswith("Z")


def test_the_directory_and_the_files_are_private(folder):
    old_mask = os.umask(0)
    try:
        with Host("--files-dir", str(folder)) as host:
            host.result("files/put", content_of())
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    finally:
        os.umask(old_mask)


@pytest.mark.parametrize(("more", "type"), [
    ({"name": "a.json"}, "application/json"), ({"name": "a"}, "application/octet-stream"),
    ({"name": "a.json", "content_type": "text/plain; charset=utf-8"}, "text/plain; charset=utf-8"),
    ({"name": "a.json", "content_type": None}, "application/json"),
])
def test_the_content_type_is_the_given_one_or_that_of_the_extension(more, type):
    with Host() as host:
        assert host.result("files/put", content_of() | more)["content_type"] == type


def test_a_file_without_content_is_a_file():
    with Host() as host:
        reference = host.result("files/put", content_of(content=b""))
        assert reference["size"] == 0 and read(host, reference["file_id"]) == b""


def test_several_processes_share_a_directory(folder):
    with Host("--files-dir", str(folder)) as one, Host("--files-dir", str(folder)) as other:
        assert other.result("files/list") == {"files": []}
        put = [host.result("files/put", content_of(name)) for host, name in ((one, "a"), (other, "b"), (one, "c"))]
        assert one.result("files/list") == other.result("files/list") == {"files": put}
        assert read(other, put[0]["file_id"]) == b"content"
        assert other.result("files/remove", {"file_id": put[0]["file_id"]}) == {"removed": True}
        assert one.result("files/remove", {"file_id": put[0]["file_id"]}) == {"removed": False}
        assert "/file_id" in problems(one.error("files/get", {"file_id": put[0]["file_id"]}))
    with Host("--files-dir", str(folder)) as later:
        assert later.result("files/list") == {"files": put[1:]}
        for reference in put[1:]:
            later.result("files/remove", {"file_id": reference["file_id"]})
    assert list(folder.iterdir()) == []


def test_list_is_paginated(folder):
    with Host("--files-dir", str(folder)) as host:
        put = [host.result("files/put", content_of(str(number))) for number in range(5)]
        seen, params = [], {"limit": 2}
        while True:
            page = host.result("files/list", params)
            assert len(page["files"]) <= 2
            seen += page["files"]
            # What is put meanwhile comes at the end; what was removed is no place to get lost at.
            host.result("files/remove", {"file_id": page["files"][-1]["file_id"]})
            if "next_cursor" not in page:
                break
            params = {"limit": 2, "cursor": page["next_cursor"]}
        assert seen == put
        assert "/cursor" in problems(host.error("files/list", {"cursor": "1"}))
        assert problems(host.error("files/list", {"limit": 0, "curser": "x"})).keys() == {"/limit", "/curser"}


def test_requests_are_done_in_the_order_in_which_they_were_sent():
    messages = [request(number, "files/put", content_of(str(number))) for number in range(30)]
    ended = run("serve", input=[*messages, request("list", "files/list")])
    assert [answer["id"] for answer in ended.answers] == [*range(30), "list"]
    assert [file["name"] for file in ended.answers[-1]["result"]["files"]] == [str(number) for number in range(30)]


def test_batches_and_notifications_are_taken_too():
    notification = {"jsonrpc": "2.0", "method": "files/put", "params": content_of("silent")}
    batch = [request(1, "files/put", content_of("one")), notification, request(2, "files/list")]
    ended = run("serve", input=[notification, batch])
    (answers,) = ended.answers
    listed = next(answer for answer in answers if answer["id"] == 2)["result"]["files"]
    assert [file["name"] for file in listed] == ["silent", "one", "silent"]


@pytest.mark.parametrize("name", [
    "../../../etc/passwd", "/etc/passwd", "..", ".", "a\x00b", ".hidden", "a\\b", "a\nb", "\u202eexe.pdf", "ä" * 500,
    "x" * 1000 + ".pdf", "'; rm -rf /; '", "CON", "a" * 222 + ".tar", " ", "\U0001f4a3" * 300 + ".docx",
])
def test_a_name_is_kept_in_the_reference_and_harmless_on_the_disk(name, folder, tmp_path):
    with Host("--files-dir", str(folder)) as host:
        reference = host.result("files/put", content_of(name))
        assert reference["name"] == name
        assert host.result("files/list")["files"] == [reference]
    assert list(tmp_path.iterdir()) == [folder]
    (content,) = (file for file in folder.iterdir() if file.suffix != ".json")
    assert content.read_bytes() == b"content"
    on_disk = content.name.removeprefix(reference["file_id"] + "-")
    assert on_disk != content.name and on_disk and not on_disk.startswith(".")
    assert len(content.name.encode()) <= 255 and not set(on_disk) & set("/\\\0\n\u202e")
    if len(name) > 100 and "." in name:
        assert content.suffix == pathlib.PurePath(name).suffix


# Faults in the params

@pytest.mark.parametrize(("change", "paths"), [
    ({"source": None}, {"/source"}), ({"source": "playbook"}, {"/source"}),
    ({"content_base64": None}, {""}), ({"content_base64": None, "name": None}, {""}),
    ({"name": None}, {"/name"}), ({"name": ""}, {"/name"}), ({"name": "x" * 1025}, {"/name"}),
    ({"path": "/etc/hostname"}, {"/path"}), ({"content_base64": "Zg="}, {"/content_base64"}),
    ({"content_base64": "Z m9v"}, {"/content_base64"}), ({"content_base64": "Zm9v\n"}, {"/content_base64"}),
    ({"content_base64": "Zh=="}, {"/content_base64"}), ({"content_base64": "Zm-_"}, {"/content_base64"}),
    ({"content_base64": "Z"}, {"/content_base64"}), ({"content_base64": 1}, {"/content_base64"}),
    ({"content_type": "pdf"}, {"/content_type"}), ({"content_type": "a/b\r\nX: y"}, {"/content_type"}),
    ({"nmae": "x", "source": 1, "name": None, "content_type": "x", "content_base64": "!"},
     {"/nmae", "/source", "/name", "/content_type", "/content_base64"}),
])
def test_all_problems_of_a_put_are_reported_at_once(change, paths, folder):
    with Host("--files-dir", str(folder)) as host:
        assert problems(host.error("files/put", content_of() | change)).keys() == paths
        assert host.result("files/list") == {"files": []}
    assert list(folder.iterdir()) == []


def test_misspelled_choice_or_name_has_a_suggestion():
    with Host() as host:
        error = host.error("files/put", content_of() | {"source": "playbok_file", "contenttype": "x"})
        assert {(each["path"], each.get("did_you_mean")) for each in error["data"]["problems"]} == {
            ("/source", "playbook_file"), ("/contenttype", "content_type")}
        assert host.error("files/gett")["data"]["did_you_mean"] == "files/get"


@pytest.mark.parametrize("content", ["Zm9v", "Zm8=", "Zm8", "Zg==", "Zg", "", "\\u005am9v"])
def test_padding_may_be_left_out(content):
    with Host() as host:
        host.send('{"jsonrpc":"2.0","id":1,"method":"files/put","params":{"name":"a","source":"artifact_file",'
                  f'"content_base64":"{content}"}}}}')
        size = host.read()["result"]["size"]
    assert size == len(base64.b64decode(content.replace("\\u005a", "Z") + "=="))


@pytest.mark.parametrize("path", ["", "nowhere", "folder", "pipe", "a\x00b", "/dev/zero", "long" * 2000])
def test_a_path_that_is_no_readable_file_is_refused(path, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    full = path and str(tmp_path / path)
    with Host("--files-from", "/") as host:
        assert "/path" in problems(host.error("files/put", {"path": full, "source": SOURCE}))
        assert host.result("files/list") == {"files": []}


def test_a_file_that_is_too_large_is_refused_before_it_is_copied(tmp_path, folder):
    with open(tmp_path / "large", "wb") as large:
        large.truncate(256 * MIB + 1)
    with Host("--files-dir", str(folder), "--files-from", str(tmp_path)) as host:
        found = problems(host.error("files/put", {"path": str(tmp_path / "large"), "source": SOURCE}))
        assert str(256 * MIB) in found["/path"]
        assert host.result("limits")["host"]["max_file_bytes"] == 256 * MIB
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("params", "paths"), [
    ({}, {"/file_id"}), ({"file_id": 1}, {"/file_id"}), ({"file_id": "../../etc/passwd"}, {"/file_id"}),
    ({"file_id": "0" * 32}, {"/file_id"}), ({"file_id": "OWN", "offset": 8}, {"/offset"}),
    ({"file_id": "OWN", "offset": -1}, {"/offset"}), ({"file_id": "OWN", "length": 0}, {"/length"}),
    ({"file_id": "OWN", "length": 4 * MIB + 1}, {"/length"}), ({"file_id": "OWN", "offset": 2**63 - 1}, {"/offset"}),
    ({"fileid": "OWN"}, {"/file_id", "/fileid"}),
])
def test_problems_of_a_get_are_reported(params, paths):
    with Host() as host:
        own = host.result("files/put", content_of())["file_id"]
        params = {name: own if value == "OWN" else value for name, value in params.items()}
        assert problems(host.error("files/get", params)).keys() == paths


def test_at_the_end_there_is_an_empty_chunk():
    with Host() as host:
        own = host.result("files/put", content_of())["file_id"]
        chunk = host.result("files/get", {"file_id": own, "offset": 7, "length": 1})
    assert chunk == {"file_id": own, "offset": 7, "length": 0, "size": 7, "content_base64": "", "eof": True}


def test_file_content_is_not_redacted():
    connection = {"integration": "coda_footprint", "settings": {
        "server_url": "http://127.0.0.1:9", "user_name": "user@example.com", "password": "a secret word"}}
    content = b"with a secret word in it"
    with Host() as host:
        host.result("connections/put", {"name": "a", "connection": connection})
        reference = host.result("files/put", content_of("a secret word", content))
        assert reference["name"] == "a secret word"
        assert read(host, reference["file_id"]) == content


# Large files

def test_a_large_file_is_copied_and_read_in_bounded_memory(tmp_path, folder):
    content = os.urandom(MIB) * 50
    large = tmp_path / "large.zip"
    large.write_bytes(content)
    with Host("--files-dir", str(folder), "--files-from", str(tmp_path)) as host:
        host.result("files/put", content_of())
        before = host.peak_memory_bytes
        reference = host.result("files/put", {"path": str(large), "source": SOURCE})
        assert (reference["name"], reference["content_type"]) == ("large.zip", "application/zip")
        assert (reference["size"], reference["sha256"]) == (50 * MIB, hashlib.sha256(content).hexdigest())
        assert host.peak_memory_bytes - before < 8 * MIB
        assert read(host, reference["file_id"]) == content
        # A chunk, its Base64, and the copies of it on the way out.
        assert host.peak_memory_bytes - before < 32 * MIB


def test_unread_chunks_do_not_accumulate_in_memory(tmp_path):
    (tmp_path / "large").write_bytes(os.urandom(4 * MIB))
    with Host("--files-dir", str(tmp_path / "files"), "--files-from", str(tmp_path), reads_output=False) as host:
        host.send(request(0, "files/put", {"path": str(tmp_path / "large"), "source": SOURCE}))
        eventually(lambda: any((tmp_path / "files").glob("*.json")), "the file is there")
        (own,) = (file.stem for file in (tmp_path / "files").glob("*.json"))
        host.send(*(request(id, "files/get", {"file_id": own, "length": 4 * MIB}) for id in range(1, 41)))
        host.wait_until_input_is_read()
        host.read_output()
        ids = [host.read()["id"] for _ in range(41)]
        assert ids == list(range(41))
        assert host.peak_memory_bytes < 100 * MIB


def test_copy_in_flight_does_not_block_other_methods(tmp_path, folder):
    with open(tmp_path / "large", "wb") as large:
        large.truncate(250 * MIB)
    with Host("--files-dir", str(folder), "--files-from", str(tmp_path)) as host:
        host.send(request("put", "files/put", {"path": str(tmp_path / "large"), "source": SOURCE}),
                  request("ping", "ping"))
        assert host.read()["id"] == "ping"
        assert host.result("cancel", {"id": "put"}) == {"cancelled": True}
        answer = host.read()
        assert (answer["id"], answer["error"]["code"]) == ("put", -32800)
        assert answer["error"]["data"]["outcome"] == "not_applied"
        assert host.result("files/list") == {"files": []}
    assert list(folder.iterdir()) == []


# Crashes, and what others do in the directory

def test_a_host_that_is_killed_leaves_nothing_that_is_listed(tmp_path, folder):
    with open(tmp_path / "large", "wb") as large:
        large.truncate(250 * MIB)
    with Host("--files-dir", str(folder), "--files-from", str(tmp_path)) as host:
        kept = host.result("files/put", content_of())
        host.send(request("put", "files/put", {"path": str(tmp_path / "large"), "source": SOURCE}))
        eventually(lambda: any(folder.glob(".*.part")), "the copy is in flight")
        host.signal(signal.SIGKILL)
        host.exit_code()
    (left,) = folder.glob(".*.part")
    with Host("--files-dir", str(folder)) as host:
        assert host.result("files/list") == {"files": [kept]}
        assert left.exists()
    os.utime(left, (0, 0))
    foreign = folder / "notes.txt"
    foreign.write_text("not the store's")
    os.utime(foreign, (0, 0))
    with Host("--files-dir", str(folder)) as host:
        assert host.result("files/list") == {"files": [kept]}
        assert not left.exists() and foreign.exists()


def test_links_in_the_directory_are_not_followed(tmp_path, folder):
    (tmp_path / "outside").write_bytes(b"outside")
    with Host("--files-dir", str(folder)) as host:
        reference = host.result("files/put", content_of())
        (content,) = (file for file in folder.iterdir() if file.suffix != ".json")
        content.unlink()
        content.symlink_to(tmp_path / "outside")
        assert "/file_id" in problems(host.error("files/get", {"file_id": reference["file_id"]}))
        assert host.result("files/list") == {"files": []}
        host.result("files/remove", {"file_id": reference["file_id"]})
    assert (tmp_path / "outside").read_bytes() == b"outside"


def test_a_link_to_a_file_can_be_put(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"content")
    (tmp_path / "link.csv").symlink_to("a.txt")
    with Host("--files-from", str(tmp_path)) as host:
        reference = host.result("files/put", {"path": str(tmp_path / "link.csv"), "source": SOURCE})
        assert (reference["name"], reference["size"]) == ("link.csv", 7)


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b"\xff\x00", b"x" * 100_000])
def test_invalid_record_does_not_affect_other_files(rubbish, folder):
    with Host("--files-dir", str(folder)) as host:
        reference = host.result("files/put", content_of())
        (folder / ("0" * 32 + ".json")).write_bytes(rubbish)
        (folder / ("1" * 32 + ".json")).mkdir()
        assert host.result("files/list") == {"files": [reference]}


@pytest.mark.parametrize("where", ["file", "file/inside", "missing/inside"])
def test_a_directory_that_cannot_be_used_is_an_error_at_the_start(where, tmp_path):
    (tmp_path / "file").write_text("x")
    ended = run("serve", "--files-dir", str(tmp_path / where), input=[request(1, "ping")])
    assert (ended.code, ended.output) == (2, b"")
    assert "--files-dir" in ended.errors and str(tmp_path / where) in ended.errors


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_an_error_at_the_start(folder):
    folder.mkdir(0o500)
    assert run("serve", "--files-dir", str(folder)).code == 2


def test_directory_removed_while_the_host_runs_is_an_error(folder):
    with Host("--files-dir", str(folder)) as host:
        host.result("ping")
        folder.rmdir()
        error = host.error("files/put", content_of())
        assert error["code"] == -32000
        assert (error["data"]["kind"], error["data"]["outcome"]) == ("unavailable", "not_applied")
        assert host.result("ping") == {}


# The temporary directory

@pytest.fixture
def temporary(tmp_path) -> pathlib.Path:
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def host_in(temporary: pathlib.Path, *arguments: str, **more) -> Host:
    return Host(*arguments, more_environment={"TMPDIR": str(temporary)}, **more)


def test_the_temporary_directory_is_made_when_it_is_first_needed(temporary):
    with host_in(temporary) as host:
        for method in ("ping", "files/list", "capabilities"):
            host.result(method)
        assert list(temporary.iterdir()) == []
        host.result("files/put", content_of())
        (made,) = temporary.iterdir()
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in made.iterdir()} == {0o600}
        assert host.finish() == (0, [])
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_temporary_directory_is_deleted_after_a_signal(number, temporary):
    with host_in(temporary) as host:
        host.result("files/put", content_of())
        host.signal(number)
        assert host.exit_code() == 0
    assert list(temporary.iterdir()) == []


def test_temporary_directory_is_deleted_if_the_reader_closes(temporary):
    with host_in(temporary) as host:
        host.result("files/put", content_of())
        host.close_output()
        assert host.exit_code() == 4
    assert list(temporary.iterdir()) == []


def test_temporary_directory_is_deleted_after_the_drain_timeout(vendor, temporary):
    with host_in(temporary, "--drain-timeout", "0") as host:
        host.result("files/put", content_of())
        host.send(request(1, "invoke", {"integration": "coda_footprint", "command": "list_tenants",
                                        "connection": vendor.connection}))
        vendor.wait_for(1)
        host.close_input()
        assert host.exit_code() == 3
    assert list(temporary.iterdir()) == []


def test_run_stores_files_in_its_working_directory(tmp_path, temporary):
    (tmp_path / "in.jsonl").write_text(json.dumps(request(1, "files/put", content_of())) + "\n")
    ended = run("run", str(tmp_path / "in.jsonl"), directory=tmp_path,
                more_environment={"TMPDIR": str(temporary)})
    assert ended.code == 0 and ended.answers[0]["result"]["size"] == 7
    assert list(temporary.iterdir()) == []
    (tmp_path / "empty.jsonl").write_text("")
    kept = tmp_path / "sallyport-files"
    assert len(list(kept.iterdir())) == 2 and stat.S_IMODE(kept.stat().st_mode) == 0o700


def test_a_run_without_files_makes_no_directory(tmp_path):
    (tmp_path / "in.jsonl").write_text(json.dumps(request(1, "ping")) + "\n")
    assert run("run", str(tmp_path / "in.jsonl"), directory=tmp_path).code == 0
    assert not (tmp_path / "sallyport-files").exists()


def test_files_with_secrets_are_not_for_callers(tmp_path):
    key = tmp_path / "key"
    key.write_text("a key in a file")
    linked = tmp_path / "link"
    linked.symlink_to(key)
    connection = {"integration": "bitdefender_gravityzone", "settings": {"api_key": {"$file": str(key)}}}
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"connections": {"gz": connection}}))
    with Host("--connections", str(file), "--files-from", "/") as host:
        for path in (file, key, linked, "/proc/self/environ", f"/proc/{host.process.pid}/environ"):
            error = host.error("files/put", {"path": str(path), "source": "artifact_file"})
            assert error["code"] == -32602
            assert error["data"]["problems"][0]["message"] == "is protected and cannot be stored"
        other = tmp_path / "other"
        other.write_text("any other file")
        host.result("files/put", {"path": str(other), "source": "artifact_file"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_call_reports_its_outcome(number, vendor, tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({"connections": {"gate": vendor.connection}}))
    words = ("call", "coda_footprint", "list_tenants", "--connections", str(tmp_path / "c.json"))
    with Host(command=words) as call:
        vendor.wait_for(1)
        call.signal(number)
        assert call.exit_code() == 1
        call.wait_for_log("List Tenants failed.")
        assert "499  The request was cancelled." in call.errors


def test_directory_of_a_killed_host_is_deleted_when_the_next_one_starts(temporary):
    with host_in(temporary) as living:
        living.result("files/put", content_of())
        (in_use,) = temporary.iterdir()
        with host_in(temporary) as host:
            host.result("files/put", content_of())
            (abandoned,) = set(temporary.iterdir()) - {in_use}
            host.signal(signal.SIGKILL)
            host.exit_code()
        os.utime(in_use, (0, 0))
        with host_in(temporary) as host:
            host.result("ping")
            eventually(lambda: not abandoned.exists(), "the directory of the killed host is deleted")
            assert in_use.exists()
            assert len(living.result("files/list")["files"]) == 1


def test_a_temporary_directory_that_cannot_be_made_is_an_answer(temporary):
    with host_in(temporary / "missing") as host:
        error = host.error("files/put", content_of())
        assert (error["code"], error["data"]["kind"]) == (-32000, "unavailable")
        assert host.result("files/list") == {"files": []}
