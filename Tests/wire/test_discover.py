"""rpc.discover, and that the host does what its document says: methods, params, examples."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import tarfile
from typing import Any

import jsonschema
import pytest
import referencing
from Support.host import Host, ROOT, request

DRAFT_7 = jsonschema.Draft7Validator

#: Members whose values differ from call to call; in examples only their kind is looked at.
VARYING = {
    "checked_at", "created", "description", "duration_ms", "file_id", "hash", "in_flight", "lines",
    "results", "text", "trace_id", "uptime_ms", "url"}

#: Methods whose examples are about the emulated vendors.
OF_THE_SANDBOX = ("invoke", "health/", "limits/reset", "events/")

with (ROOT / "protocol/openrpc.json").open() as file:
    COMMITTED = json.load(file)
METHODS = {method["name"]: method for method in COMMITTED["methods"]}


def connection(password: str) -> dict[str, Any]:
    return {"integration": "coda_footprint", "settings": {
        "server_url": "https://acme.example", "user_name": "a@acme.example", "password": password}}


@pytest.fixture
def connections_file(tmp_path) -> pathlib.Path:
    """With one connection, main."""
    path = tmp_path / "connections.json"
    path.touch(0o600)
    path.write_text(json.dumps({"connections": {"main": connection("string")}}))
    return path


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    with Host() as host:
        return host.result("rpc.discover")


# The document

def test_committed_document_equals_the_hosts_answer(document):
    assert document == COMMITTED, "run Tests/generate.py"


def test_secrets_and_connections_change_nothing_in_it(document, connections_file):
    with Host("--connections", str(connections_file)) as host:
        assert host.result("rpc.discover") == document


def test_it_takes_no_params():
    with Host() as host:
        error = host.ask(request(1, "rpc.discover", {"detail": "full"}))["error"]
    assert (error["code"], error["data"]["problems"]) == (
        -32602, [{"path": "", "message": "the method takes no params"}])


def meta_schema(folder: pathlib.Path) -> dict[str, Any]:
    """OpenRPC's meta-schema, from next to the checkout or from its npm package."""
    beside = ROOT.parent / "shared/suites/openrpc/schema.json"
    if beside.is_file():
        return json.loads(beside.read_text())
    try:
        subprocess.run(
            ["npm", "pack", "--silent", "--fetch-retries=0", "@open-rpc/meta-schema@1.14.9"], cwd=folder,
            capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        pytest.skip(f"OpenRPC's meta-schema is neither at {beside} nor available from npm")
    with tarfile.open(next(folder.glob("*.tgz"))) as package:
        for member in package:
            content = package.extractfile(member)
            if content and member.name.endswith(".json"):
                schema = json.loads(content.read())
                if schema.get("title") == "openrpcDocument":
                    return schema
    pytest.skip("the npm package of OpenRPC's meta-schema has no JSON of it")


def test_it_is_valid_by_the_meta_schema_of_openrpc(document, tmp_path):
    schema = meta_schema(tmp_path)
    version = schema["properties"]["openrpc"]
    if not any(re.fullmatch(r"\d+\.\d+\.\d+", one) for one in version.get("enum", [])):
        version.pop("enum", None)  # The source of the meta-schema has a placeholder there.
    draft = referencing.Resource.from_contents(DRAFT_7.META_SCHEMA)
    registry = referencing.Registry().with_resources(
        (address, draft) for address in (
            "http://json-schema.org/draft-07/schema", "https://json-schema.org/draft-07/schema",
            "https://meta.json-schema.tools/", "https://meta.json-schema.tools"))
    errors = DRAFT_7(schema, registry=registry).iter_errors(document)
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []


def test_a_reader_of_openrpc_documents_reads_it(document):
    openrpc = pytest.importorskip("openrpc", reason="openrpc (PyPI) is not installed")
    read = openrpc.OpenRPC.model_validate(document)
    assert [method.name for method in read.methods] == list(METHODS)
    assert {name: len(method["params"]) for name, method in METHODS.items()} == {
        method.name: len(method.params) for method in read.methods}


def test_its_schemas_are_valid_by_draft_7_and_their_references_lead_somewhere(document):
    for name, schema in document["components"]["schemas"].items():
        DRAFT_7.check_schema(schema)
        assert schema["description"], name
    references = set(re.findall(r'"\$ref": ?"([^"]*)"', json.dumps(document)))
    assert len(references) > 100
    for reference in references:
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    named = {reference.split("/")[3] for reference in references}
    roots = {"line_to_host", "line_from_host", "connections_file", "audit_line"}
    assert set(document["components"]["schemas"]) - named - roots == {
        name for name in document["components"]["schemas"] if name.endswith("_params")} - named


# The methods

def test_an_unknown_method_is_answered_with_the_methods_of_the_document():
    with Host() as host:
        error = host.ask(request(1, "capabilitys"))["error"]
    assert error["data"]["methods"] == list(METHODS)
    assert error["data"]["did_you_mean"] == "capabilities"


@pytest.mark.parametrize("name", METHODS)
def test_the_host_answers_each_method_of_the_document(name, connections_file):
    with Host("--connections", str(connections_file)) as host:
        answer = host.ask(request(1, name, {}))
    assert answer.get("error", {}).get("code") in (None, -32602)


def problems(host: Host, method: str, params: dict[str, Any]) -> dict[str, str]:
    answer = host.ask(request("faults", method, params))
    assert answer["error"]["code"] == -32602, answer
    return {problem["path"]: problem["message"] for problem in answer["error"]["data"]["problems"]}


def example_params(method: dict[str, Any]) -> dict[str, Any]:
    examples = method.get("examples", [])
    return {param["name"]: param["value"] for example in examples[:1] for param in example["params"]}


@pytest.mark.parametrize("name", METHODS)
def test_the_host_takes_the_params_of_the_document_and_no_others(name):
    params = [param["name"] for param in METHODS[name]["params"]]
    # What is looked up has to be found before the rest is looked at.
    found = {"integration": "coda_footprint", "command": "list_scanners"}
    given = {param: found.get(param, [False]) for param in params}
    with Host() as host:
        found = problems(host, name, given | {"undocumented": 1})
    if params:
        unknown = ("unknown parameter", "unknown member")
        assert {path for path, message in found.items() if message.startswith(unknown)} == {"/undocumented"}
    else:
        assert found == {"": "the method takes no params"}


@pytest.mark.parametrize("name", METHODS)
def test_a_param_is_required_where_the_document_says_so(name):
    method = METHODS[name]
    required = {param["name"] for param in method["params"] if param["required"]}
    given = {name: value for name, value in example_params(method).items() if name in required}
    assert set(given) == required, "an example that lacks what is required"
    with Host() as host:
        for missing in required:
            rest = {param: value for param, value in given.items() if param != missing}
            assert problems(host, name, rest)[f"/{missing}"] == "is required"


# The tables of errors

def column(head: str) -> list[str]:
    """The first column of the table in the protocol that begins so."""
    text = (ROOT / "protocol/README.md").read_text()
    rows = text[text.index(f"| {head} | "):].split("\n\n")[0].splitlines()[2:]
    return [row.split("|")[1].strip() for row in rows]


def test_the_tables_of_errors_tell_of_every_code_and_every_kind():
    schemas = COMMITTED["components"]["schemas"]
    codes = [str(one["properties"]["code"]["const"]) for one in schemas["error"]["oneOf"]]
    # Those of MCP are in no schema of the host's.
    assert column("code") == [*codes, "-32002, -32022", "another"]
    kinds = schemas["command_failure"]["properties"]["kind"]["enum"]
    assert sorted(column("kind")) == sorted(f"`{kind}`" for kind in kinds)


# The examples

def kind(value: Any) -> type:
    return type(value)


def differs(expected: Any, got: Any, name: str = "") -> str | None:
    """Where, or None when both are the same but for what varies."""
    if kind(expected) is not kind(got):
        return f"{name}: {got!r}"
    if name == "spent_ms":
        return None
    if isinstance(expected, dict):
        if list(expected) != list(got):
            return f"{name}: {list(got)}"
        return next(filter(None, (differs(expected[one], got[one], one) for one in expected)), None)
    if isinstance(expected, list):
        if len(expected) != len(got):
            return f"{name}: {len(got)} elements"
        return next(filter(None, map(lambda pair: differs(*pair, name), zip(expected, got, strict=True))), None)
    return None if expected == got or name in VARYING else f"{name}: {got!r}"


def answer(host: Host, name: str, params: dict[str, Any]) -> Any:
    """The result; of a watch, after the first check was reported too. A follower is cancelled."""
    if name == "events/ack":
        return followed(host, params)
    host.send(request(name, name, params))
    if name == "events/follow":
        while host.read()["method"] != "events/heartbeat":
            pass
        host.send(request("end", "cancel", {"id": name}))
        return next(each for each in host.read_all(2) if each["id"] == name)["result"]
    messages = host.read_all(2 if name == "health/watch" else 1)
    (result,) = (message["result"] for message in messages if "id" in message)
    return result


def followed(host: Host, params: dict[str, Any]) -> Any:
    """The answer to an acknowledgement while the follower of its example runs."""
    (example,) = METHODS["events/follow"]["examples"]
    host.send(request(params["id"], "events/follow", {one["name"]: one["value"] for one in example["params"]}))
    while host.read()["method"] != "events/heartbeat":
        pass
    host.send(request("ack", "events/ack", params))
    result = host.read()["result"]
    host.send(request("end", "cancel", {"id": params["id"]}))
    host.read_all(2)
    return result


@pytest.mark.parametrize("is_about_vendors", [False, True])
def test_examples_equal_the_hosts_answers(is_about_vendors):
    file_id = None
    with Host(*["--sandbox"] * is_about_vendors) as host:
        for name, method in METHODS.items():
            if name.startswith(OF_THE_SANDBOX) != is_about_vendors or name == "connections/reload":
                continue
            for example in method.get("examples", []):
                params = {param["name"]: param["value"] for param in example["params"]}
                if "file_id" in params:
                    params["file_id"] = file_id
                result = answer(host, name, params)
                assert differs(example["result"]["value"], result) is None, (name, result)
                file_id = result.get("file_id", file_id)


def test_example_of_a_reload_equals_the_hosts_answer(connections_file):
    (example,) = METHODS["connections/reload"]["examples"]
    with Host("--connections", str(connections_file)) as host:
        assert host.result("ping") == {}
        changed = {"main": connection("another"), "lab": connection("string")}
        connections_file.write_text(json.dumps({"connections": changed}))
        host.send(request(1, "connections/reload", {}))
        (result,) = (message["result"] for message in host.read_all(3) if "id" in message)
        assert result == example["result"]["value"]


def test_every_method_but_the_document_itself_has_an_example():
    assert {name for name, method in METHODS.items() if not method.get("examples")} == {"rpc.discover"}
