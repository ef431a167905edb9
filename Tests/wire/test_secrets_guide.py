"""The examples of protocol/guide/secrets.md, each with a program on PATH in place of the real one."""

from __future__ import annotations

import json
import os
import pathlib

import pytest
from Support.documents import blocks
from Support.host import ROOT
from Support.programmed_google import ANNA, Google, key_file
from Support.session import PASSWORD, Host, connection
from Support.upstream import Tenant

GUIDE = ROOT / "protocol" / "guide" / "secrets.md"
EXAMPLES = [json.loads(block["text"]) for block in blocks(GUIDE, "json")]

#: The words that the documentation of each program asks for, and the variables that it needs.
PROGRAMS = {
    "vault": (["kv", "get", "-mount=secret", "-field=password", "soar/coda"], ["VAULT_ADDR", "VAULT_TOKEN"]),
    "op": (["read", "--no-newline", "op://soar/coda/password"], ["OP_SERVICE_ACCOUNT_TOKEN"]),
    "aws": (["secretsmanager", "get-secret-value", "--secret-id", "soar/coda", "--query", "SecretString", "--output",
             "text"], ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]),
    "gcloud": (["secrets", "versions", "access", "latest", "--secret=gmail-service-account", "--project=acme-soar"],
               ["CLOUDSDK_CONFIG"]),
}


def examples(form):
    """The settings whose reference has this form: (name, reference)."""
    return [
        (name, reference) for example in EXAMPLES for name, reference in example.items() if form in reference]


def program_of(reference):
    return reference["$command"][0]


def install(folder: pathlib.Path, name: str, output: str) -> pathlib.Path:
    """A program that prints the secret, and writes what it was called with into the returned file."""
    log = folder / f"{name}.log"
    secret = folder / f"{name}.secret"
    secret.write_text(output)
    program = folder / name
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {log}\nenv > {log}.env\ncat {secret}\n')
    program.chmod(0o755)
    return log


def sign_in(name, reference, env=None, directory=None):
    """Signs in with the example, and returns the secret that the vendor got."""
    if name == "service_account_json":
        with Google() as google, Host(google.connection(settings={name: reference}), env=env) as host:
            host.result("list_labels", {"user_email": ANNA})
            assert len(google.assertions) == 1
            return json.dumps(key_file())
    with Tenant() as tenant, Host(connection(tenant.url, settings={name: reference}), env=env) as host:
        host.result("list_scanners")
        return tenant.logins[-1].json["password"]


def test_every_program_of_the_guide_is_tested():
    programs = {program_of(reference) for _, reference in examples("$command")}
    assert programs == {*PROGRAMS, "sh"}
    assert len(EXAMPLES) == len(examples("$command")) + len(examples("$file")) + len(examples("$env"))


@pytest.mark.parametrize("name, reference", [
    one for one in examples("$command") if program_of(one[1]) != "sh"], ids=lambda value: (
        program_of(value) if isinstance(value, dict) else None))
def test_programs_get_their_words_and_variables(name, reference, tmp_path):
    program = program_of(reference)
    words, variables = PROGRAMS[program]
    secret = json.dumps(key_file()) if name == "service_account_json" else PASSWORD
    log = install(tmp_path, program, secret + "\n")
    values = {variable: f"value-of-{variable.lower()}" for variable in variables}
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **values, "UNRELATED_TOKEN": "not-for-the-program"}
    assert sign_in(name, reference, env) == secret
    assert log.read_text().splitlines() == words
    given = dict(line.split("=", 1) for line in pathlib.Path(f"{log}.env").read_text().splitlines() if "=" in line)
    assert {variable: given.get(variable) for variable in variables} == values
    assert "UNRELATED_TOKEN" not in given


@pytest.mark.parametrize("name, reference", examples("$file"), ids=lambda value: str(value)[:40])
def test_files(name, reference, tmp_path):
    """The example with a directory of the test in place of that of the system."""
    path = pathlib.Path(reference["$file"])
    assert path.parts[1] == "run" and path.name == "coda_password"
    place = tmp_path / path.relative_to("/")
    # As Kubernetes mounts it: a link to a directory with the version.
    version = place.parent / "..2026_12_01"
    version.mkdir(parents=True)
    (version / path.name).write_text(PASSWORD + "\n")
    place.symlink_to(version / path.name)
    assert sign_in(name, {"$file": str(place)}) == PASSWORD


def test_systemd_credentials_with_a_shell(tmp_path):
    ((name, reference),) = [one for one in examples("$command") if program_of(one[1]) == "sh"]
    (tmp_path / "coda_password").write_text(PASSWORD)
    assert sign_in(name, reference, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == PASSWORD


def test_plain_settings_may_be_references():
    ((name, reference),) = examples("$env")
    with Tenant() as tenant:
        env = {reference["$env"]: tenant.url}
        with Host(connection("http://127.0.0.1:9", settings={name: reference}), env=env) as host:
            host.result("list_scanners")
            (listed,) = host.call("connections/list")["connections"]
            assert listed["settings"]["server_url"] == tenant.url


# Every string setting, of every integration

@pytest.mark.parametrize("form", ["$env", "$file", "$command"])
def test_every_string_setting_may_be_a_reference(form, tmp_path):
    def reference(value):
        if form == "$file":
            place = tmp_path / f"f{abs(hash(value))}"
            place.write_text(value + "\n")
            return {"$file": str(place)}
        if form == "$command":
            return {"$command": ["printf", "%s", value]}
        variable = f"VALUE_{abs(hash(value))}"
        env[variable] = value
        return {"$env": variable}

    env: dict[str, str] = {}
    with Tenant() as tenant:
        one = connection(tenant.url, settings={"api_profile": "current"})
        one["settings"] = {name: reference(value) for name, value in one["settings"].items()}
        with Host(one, env=env) as host:
            host.result("list_scanners")
            assert tenant.logins[0].json["password"] == PASSWORD
            listed = host.call("connections/list")["connections"][0]["settings"]
            assert (listed["server_url"], listed["password"]) == (tenant.url, "[redacted]")
    with Google() as google:
        one = google.oauth()
        one["settings"] = {name: reference(value) for name, value in one["settings"].items()}
        with Host(one, env=env) as host:
            host.result("list_labels", {"user_email": ANNA})
            assert google.forms[0]["refresh_token"]


def test_a_plain_reference_that_cannot_be_read_stops_the_host():
    with Host(connection("http://127.0.0.1:9", settings={"server_url": {"$env": "NOT_SET_ANYWHERE"}})) as host:
        assert host.exit_code() == 2
        assert "/connections/main/settings/server_url: cannot be read" in host.errors
        assert "NOT_SET_ANYWHERE is not set" in host.errors


def test_a_plain_reference_over_the_wire_is_refused():
    with Host() as host:
        number = host.request("connections/put", {
            "name": "a", "connection": connection("", settings={"server_url": {"$env": "HOME"}})})
        message, _ = host.wait(number)
        assert message["error"]["data"]["problems"][0]["path"] == "/connection/settings/server_url"
