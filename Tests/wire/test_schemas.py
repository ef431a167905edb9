"""The JSON Schemas of capabilities, and that they and the host's checks say the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from Support.host import Host, line

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema (PyPI) is not installed")

DIALECT = jsonschema.Draft202012Validator


@pytest.fixture(scope="module")
def integrations() -> list[dict[str, Any]]:
    with Host() as host:
        return host.result("capabilities")["integrations"]


def schemas(integrations) -> Iterator[tuple[str, dict[str, Any]]]:
    for integration in integrations:
        yield f"{integration['id']} connection", integration["connection"]["schema"]
        for command in integration["commands"]:
            yield f"{command['id']} parameters", command["parameters"]
            yield f"{command['id']} result", command["result"]


def test_every_schema_is_valid_by_2020_12(integrations):
    for name, schema in schemas(integrations):
        try:
            DIALECT.check_schema(schema)
        except jsonschema.SchemaError as error:
            pytest.fail(f"{name}: {error.message} at {error.json_path}")


def test_examples_and_defaults_are_valid_by_their_own_schema(integrations):
    for name, schema in schemas(integrations):
        for property, own in schema.get("properties", {}).items():
            for value in [*own.get("examples", []), *([own["default"]] if "default" in own else [])]:
                assert DIALECT(own).is_valid(value), (name, property, value)


# Candidates are texts of JSON, since 1.0 and 1 are different ones.

EVERYWHERE = ["null", "true", "0", "-1", "1.5", '"x"', '""', "[]", "{}", "[null]", '{"a":1}']
INTEGERS = [
    "1", "2", "-0", "1.0", "1e0", "10E-1", "100.0", "-2", "0.1", "1e400", "2147483648",
    "9007199254740993", "999999999999999999", "1000000000000000000", "9223372036854775807",
    "9223372036854775808", "18446744073709551617", '"1"']
IDENTIFIERS = [
    '"0"', '"7"', '"007"', '"-1"', '"+1"', '" 1"', '"1 "', '"1.0"', '"1e2"', '"0x1"', '"١"', '"1_0"',
    f'"{"9" * 18}"', f'"{"9" * 19}"', '"9223372036854775807"', '"9223372036854775808"', f'"{"0" * 30}1"']
TIMES = ['"2022-05-19T02:00:00Z"', '"2022-05-19 02:00"', '"05/19/2022 02:00 AM"', '"1652925600000"', '""']
LAST_MILLISECOND = 253_402_300_799_999
TEXTS = ['"a"', '"A b"', '"é"', '"\\u0000"', '"a\\nb"', '"😀"']


def candidates(schema: dict[str, Any]) -> list[str]:
    """Values that a schema may or may not take, near its borders."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    found = list(EVERYWHERE)
    if "integer" in types:
        found += INTEGERS
        for border in (schema.get("minimum"), schema.get("maximum")):
            if border is not None:
                found += [str(border - 1), str(border), str(border + 1)]
    if "pattern" in schema:
        found += IDENTIFIERS
    for value in schema.get("enum", []):
        found += [json.dumps(each) for each in (value, value.upper(), value.capitalize(), value + " ")]
    if "string" in types and "enum" not in schema:
        found += TEXTS
        if (most := schema.get("maxLength", 1 << 20)) < 1 << 20:
            found += [json.dumps("é" * most, ensure_ascii=False), json.dumps("😀" * (most + 1))]
    if "boolean" in types:
        found += ["false", '"true"', "1"]
    if "array" in types:
        found += [f"[{item}]" for item in candidates(schema.get("items", {}))]
    if "object" in types:
        for name, own in schema.get("properties", {}).items():
            found += [f"{{{json.dumps(name)}:{value}}}" for value in candidates(own)]
    found += [json.dumps(value) for value in schema.get("examples", [])]
    if schema.get("maximum") == LAST_MILLISECOND:
        # Of texts the schema of a time says less than the check.
        found = [text for text in found if not text.startswith('"')] + TIMES
    return list(dict.fromkeys(found))


def without_nulls(value: Any) -> Any:
    """Null is the same as left out, in every object that the host reads."""
    if not isinstance(value, dict):
        return value
    return {name: without_nulls(member) for name, member in value.items() if member is not None}


def in_words_of(schema: dict[str, Any], value: Any) -> Any:
    """The value with each choice as the schema spells it: the host takes documented spellings too, which no schema
    lists (test_choice_spellings)."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: in_words_of(properties.get(name, {}), member) for name, member in value.items()}
    choices = schema.get("enum", [])
    if isinstance(value, str):
        return next((each for each in choices if each.lower() == value.lower()), value)
    # The vendor's number of "none".
    return "none" if type(value) is int and value == 0 and "none" in choices else value


def argument_texts(schema: dict[str, Any], seed: int) -> Iterator[str]:
    """Each candidate of each parameter with the others as they should be, and mixtures."""
    properties = schema.get("properties", {})
    good = {
        name: [text for text in candidates(own) if text != "null" and DIALECT(own).is_valid(json.loads(text))]
        for name, own in properties.items()}
    required = schema.get("required", [])

    def text(members: dict[str, str]) -> str:
        return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members.items()) + "}"

    yield from ["{}", "[]", "null", '"x"', text({"nothing": "1"})]
    base = {name: good[name][0] for name in required}
    yield text(base)
    for name in required:
        yield text({other: value for other, value in base.items() if other != name})
    for name, own in properties.items():
        for candidate in candidates(own):
            yield text(base | {name: candidate})
    pick = random.Random(seed)
    for _ in range(50):
        chosen = [name for name in properties if pick.random() < 0.7]
        yield text({name: pick.choice(good[name] * 3 + candidates(properties[name])) for name in chosen})


def is_accepted(host: Host, integration: str, command: str, arguments: str) -> bool | None:
    """None where only what no schema can say is wrong: the order of two times, or a cursor."""
    host.send_bytes(
        b'{"jsonrpc":"2.0","id":1,"method":"invoke","params":{"integration":"%s","command":"%s",'
        b'"arguments":%s,"options":{"dry_run":true}}}\n'
        % (integration.encode(), command.encode(), arguments.encode()))
    answer = host.read()
    if "result" in answer:
        return True
    assert answer["error"]["code"] == -32602, (arguments, answer)
    problems = answer["error"]["data"]["problems"]
    beyond = ("must not be after ", "must be before ", "invalid cursor; ")
    return None if all(problem["message"].startswith(beyond) for problem in problems) else False


def test_the_host_accepts_exactly_the_arguments_that_its_schemas_do(integrations):
    disagreements, asked = [], 0
    with Host("--sandbox") as host:
        for integration in integrations:
            for command in integration["commands"]:
                schema = DIALECT(command["parameters"])
                for arguments in argument_texts(command["parameters"], seed=7):
                    asked += 1
                    value = json.loads(arguments)
                    by_schema = schema.is_valid(
                        {} if value is None else in_words_of(command["parameters"], without_nulls(value)))
                    by_host = is_accepted(host, integration["id"], command["id"], arguments)
                    if by_schema != (by_host is not False):
                        disagreements.append(
                            f"{command['id']} {arguments[:200]}: host {by_host}, schema {by_schema}")
    assert asked > 1_500
    assert disagreements == []


def test_results_of_the_emulated_vendors_are_valid_by_the_schemas_of_results(integrations):
    arguments = {
        "get_technical_context": {"context_id": 301}, "list_device_users": {"device_id": 1001},
        "list_device_network_connections": {"device_id": 1001},
        "list_device_attack_avenues": {"device_id": 1001}, "list_device_vulnerabilities": {"device_id": 1001},
        "update_target_scan_scope": {"target_id": 7001, "scope": "out"},
        "list_endpoints": {"endpoint_type": "active_directory_endpoints"},
        "list_quarantine_items": {"quarantine_item_service": "security_for_exchange"}}
    judged = 0
    with Host("--sandbox") as host:
        for integration in integrations:
            for command in integration["commands"]:
                host.send_bytes(line({"jsonrpc": "2.0", "id": 1, "method": "invoke", "params": {
                    "integration": integration["id"], "command": command["id"],
                    "arguments": arguments.get(command["id"], {})}}))
                answer = host.read()
                if "error" in answer:
                    # 501, as documented for servers; 400, where ids are needed.
                    data = answer["error"]["data"]
                    assert data["status_code"] == 501 or "is required" in data["message"] or (
                        data["failure_indicator"] == "Create Scan Task failed."), answer
                    continue
                judged += 1
                fault = next(DIALECT(command["result"]).iter_errors(answer["result"].get("raw_data")), None)
                assert fault is None, f"{command['id']}: {fault.message} at {fault.json_path}"
    assert judged >= 17


#: Settings that are the base of what is asked.
URLS = {"server_url", "gmail_url", "directory_url", "token_url", "authorization_url"}

#: Settings that are taken, as JSON texts.
GOOD_SETTINGS = {
    "coda_footprint": {
        "server_url": '"http://127.0.0.1:9"', "user_name": '"user"', "password": '"word word"'},
    "bitdefender_gravityzone": {"server_url": '"http://127.0.0.1:9"', "api_key": '"word word"'},
    "gmail": {
        "service_account_json": '{"type":"service_account"}', "admin_email": '"admin@example.com"',
        "client_id": '"id"', "client_secret": '"word word"'},
}


def test_the_settings_of_a_connection_are_checked_as_their_schema_says(integrations):
    disagreements = []
    with Host() as host:
        for integration in integrations:
            document = integration["connection"]["schema"]
            good = GOOD_SETTINGS[integration["id"]]
            assert DIALECT(document).is_valid({name: json.loads(text) for name, text in good.items()})
            for name, own in document["properties"].items():
                # The schema of a URL says less than the check; references stay in the file.
                for candidate in candidates(own) if name not in URLS else EVERYWHERE:
                    settings = "{%s}" % ",".join(
                        f'"{key}":{value}' for key, value in (good | {name: candidate}).items())
                    host.send_bytes(
                        b'{"jsonrpc":"2.0","id":1,"method":"connections/put","params":{"name":"c","connection":'
                        b'{"integration":"%s","settings":%s}}}\n'
                        % (integration["id"].encode(), settings.encode()))
                    by_host = "result" in host.read()
                    by_schema = DIALECT(document).is_valid(
                        in_words_of(document, without_nulls(json.loads(settings))))
                    if by_host != by_schema:
                        disagreements.append(f"{settings[:200]}: host {by_host}, schema {by_schema}")
    assert disagreements == []
