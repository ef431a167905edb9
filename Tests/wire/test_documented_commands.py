"""`capabilities` compared with the product documents: every command, parameter, default, example, choice, source and
error sample. `DIFFERENCES` lists what differs on purpose, with the reason."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from typing import Any

import pytest
from Support.control_center import connection as control_center
from Support.host import ROOT
from Support.programmed_google import Google
from Support.session import Host
from Support.session import connection as tenant

SEEDS = pathlib.Path(ROOT).parent / "shared/seeds"
DEFAULTED = "The document requires it and has a default: it is optional, and the description says so."
SCANNERS = "The vendor answers with a list, where $.id finds nothing."

#: (integration, command, parameter, fact) -> why it differs. Each must differ: a line that is no longer needed fails.
DIFFERENCES = {
    ("bitdefender_gravityzone", "create_scan_task", "scan_type", "required"): DEFAULTED,
    ("bitdefender_gravityzone", "update_groups", "update_method", "required"): DEFAULTED,
    ("coda_footprint", "list_scan_surfaces", "scanner_id", "path"): SCANNERS,
    ("coda_footprint", "patch_rescan", "scanner_id", "path"): SCANNERS,
    ("coda_footprint", "update_target_scan_scope", "target_id", "path"): "Targets are inside scanners inside items.",
    ("coda_footprint", "update_target_scan_scope", "scope", "example"):
        "All is accepted and not listed: the vendor's specification has in and out only.",
    ("gmail", "send_email", "subject", "required"):
        "A reply has the subject of its thread; without reply_to_message_id the subject is required.",
    ("gmail", "download_email_attachment", "attachment_file_names", "path"): "Attachments are parts below the payload.",
}

#: Parameters that the documents do not have.
OWN_PARAMETERS = {
    "fetch_event": ["cursor", "download_attachments"],
    "get_email": ["format"],
    "send_email": ["reply_to_message_id", "from_name", "send_as", "content_type"],
}

OWN_WORDS = "The document's sentence; the example is in the project's own words."
OWN_NAMES = "The document's name; the example has one of the emulated vendors."
TIME = "A time; the description lists the accepted forms."

#: Documented examples that are accepted and not shown, with the reason.
OTHER_EXAMPLES = {
    "test@example.com": OWN_NAMES, "['test@example.com']": OWN_NAMES, "[ 'test@example.com' ]": OWN_NAMES,
    "Test Email": OWN_WORDS, "Hi<br/>Html Email": OWN_WORDS, "This is an auto reply message!": OWN_WORDS,
    "<P>Happy Vacation</P>": OWN_WORDS,
    "subject:good from:test@example.com": OWN_NAMES, "name:'Test User' isadmin=false": OWN_NAMES,
    "example.com": OWN_NAMES, '[ "278" ]': OWN_NAMES, '[ "IMPORTANT", "CATEGORY_SOCIAL" ]': OWN_NAMES,
    "IR Attachment": "Another name of incident_attachment_file, which the document's list has.",
    "ChangeMe!": OWN_NAMES, "PASSword!@#$": OWN_NAMES,
    "Added a hash of 'atomic-red-team-master.zip' from public API": OWN_WORDS,
    "05/19/2022 02:00 AM": TIME, "05/31/2022 02:00 AM": TIME, "2021-05-25 00:00": TIME, "2021-05-26 00:00": TIME,
    "2022-05-20 00:00": TIME, "2022-05-30 00:00": TIME,
}


@dataclasses.dataclass(frozen=True)
class Parameter:
    name: str
    title: str
    is_required: bool
    default: str | None
    #: None if there is none or it is masked.
    example: str | None
    #: (command, its arguments with fixed values, its arguments with any value)
    source: tuple[str, dict[str, str], list[str]] | None


@dataclasses.dataclass(frozen=True)
class Command:
    integration: str
    id: str
    title: str
    parameters: list[Parameter]
    #: failure indicator, status code, message
    sample: tuple[str, int, str]
    #: parameter title, command and JSONPath of the notes for readers
    notes: list[tuple[str, str, str]]

    def __str__(self) -> str:
        return f"{self.integration} {self.id}"


def snake_case(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"[()]", "", title).lower()).strip("_")


SAMPLE = re.compile(
    r"Error Sample Data\s+(.+? failed\.(?: Failed to check the connector\.)?)\s+Status Code: (\d+)\.\s+"
    r"Message::? (.+?)(?: \|)?\s*(?:\n|$)")
NOTE = re.compile(r"Run the ([A-Z][\w ]+?) command(?: with [^.]+?)? to obtain (?:the )?([\w ]+?)\. [^$\n]*?path (\$\S+)")
SOURCE = re.compile(r"can be obtained using the (.+?) command(?: with the (.+?))?(?:\.|$)")
DEFAULT = re.compile(r"(?:By default, the value is set to|the default value is) (.+?)\.(?: |$)")


def parameter(row: dict[str, Any], section: str) -> Parameter:
    # The last column; descriptions have bars in titles of links.
    text, bar, example = row["desc"].removesuffix("|").rstrip().rpartition(" | ")
    text, example = (text, example) if bar else (row["desc"], "")
    if not bar:
        found = re.search(
            rf"\n{re.escape(row['title'])}\n(?:Required|Optional)\n[^\n]+\n([^\n]+)\n", section)
        example = found[1] if found else ""
    example = example.removesuffix("|").strip()
    default, source = DEFAULT.search(text), SOURCE.search(text)
    fixed, anything = {}, []
    if source and (condition := source[2]):
        if filled := re.fullmatch(r"(.+) parameter filled", condition):
            anything.append(snake_case(filled[1]))
        else:
            name, value = condition.split(" set to ")
            fixed[snake_case(name)] = snake_case(value)
    return Parameter(
        snake_case(row["title"]), row["title"], row["required"], default[1] if default else None,
        None if not example or "*" in example or example == "JSON" or example.endswith(":") else example,
        (snake_case(source[1]), fixed, anything) if source else None)


def documented() -> list[Command]:
    """The commands of all documents; empty without the documents."""
    if not (SEEDS / "commands.json").is_file():
        return []
    tables = json.loads((SEEDS / "commands.json").read_text())
    texts = [path.read_text() for path in sorted(SEEDS.glob("*.txt"))]
    commands = []
    for integration, rows in tables.items():
        title = {"coda_footprint": "CODA Footprint", "gmail": "Gmail V2"}.get(integration, "Bitdefender GravityZone")
        (text,) = [re.sub(r"\s*\n\s*", "\n", text) for text in texts if f"Configuring {title}" in text
                   or f"{title} includes the following" in text]
        samples = {found[1].partition(" failed.")[0]: found for found in SAMPLE.finditer(text)}
        for row in rows:
            end = samples[row["title"]].end()
            start = text.rindex(f"\n{row['title']}\n", 0, end)
            section = text[start:end]
            found = samples[row["title"]]
            commands.append(Command(
                integration, snake_case(row["title"]), row["title"],
                [parameter(one, section) for one in row["params"]], (found[1], int(found[2]), found[3]),
                [(note[2], snake_case(note[1]), note[3].rstrip(".")) for note in NOTE.finditer(section)]))
    return commands


COMMANDS = documented()


@pytest.fixture(scope="module", autouse=True)
def _documents():
    if not COMMANDS:
        pytest.skip("the product documents are not at ../shared/seeds")


@pytest.fixture(scope="module")
def host():
    with Google() as google, Host(
            control_center("http://127.0.0.1:9"), google.connection(), tenant("http://127.0.0.1:9")) as host:
        yield host


@pytest.fixture(scope="module")
def catalogue(host):
    return {integration["id"]: {command["id"]: command for command in integration["commands"]}
            for integration in host.call("capabilities")["integrations"]}


each_command = pytest.mark.parametrize("command", COMMANDS, ids=str)


def check(command: Command, parameter: str, fact: str, is_same: bool, shown: Any) -> None:
    reason = DIFFERENCES.get((command.integration, command.id, parameter, fact))
    assert is_same != (reason is not None), (parameter, fact, shown, reason)


def plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def is_same(value: Any, text: str) -> bool:
    """Whether a JSON value is what the document writes, which adds the vendor's number to a choice."""
    if isinstance(value, bool | int):
        return str(value).lower() == text.lower()
    if isinstance(value, list | dict):
        whole = json_of(text)
        # A list may show a part of the document's.
        return value == whole or (isinstance(value, list) and (
            set(value) <= set(whole) if isinstance(whole, list) else is_same(value[0], text)))
    return value == text or plain(text) == plain(value) or bool(
        re.fullmatch(plain(value) + r"\d+", plain(text)) and " - " in text)


def json_of(text: str) -> Any:
    try:
        return json.loads(text.replace("'", '"'))
    except ValueError:
        return text


def test_the_documents_are_read_whole():
    assert len(COMMANDS) == 21 + 18 + 14
    facts = [parameter for command in COMMANDS for parameter in command.parameters]
    assert sum(parameter.default is not None for parameter in facts) >= 9
    assert sum(parameter.example is not None for parameter in facts) >= 70
    assert sum(parameter.source is not None for parameter in facts) >= 45
    assert sum(len(command.notes) for command in COMMANDS) >= 40


def test_exactly_the_documented_commands_exist_in_their_order(catalogue):
    for integration, commands in catalogue.items():
        titles = [command.title for command in COMMANDS if command.integration == integration]
        assert [command["title"] for command in commands.values()] == titles


@each_command
def test_parameters_are_those_of_the_document(command, catalogue):
    schema = catalogue[command.integration][command.id]["parameters"]
    shown = schema["properties"]
    extra = OWN_PARAMETERS.get(command.id, [])
    assert [name for name in shown if name not in extra] == [one.name for one in command.parameters]
    for one in command.parameters:
        assert shown[one.name]["title"] == one.title
        is_required = one.name in schema.get("required", [])
        check(command, one.name, "required", is_required == one.is_required, is_required)
        if one.is_required and not is_required and one.default is not None:
            assert "requires it" in shown[one.name]["description"] and "default" in shown[one.name]
        if one.default is not None:
            default = shown[one.name].get("default")
            check(command, one.name, "default", default is not None and is_same(default, one.default), default)


@each_command
def test_documented_examples_are_shown_and_accepted(command, catalogue, host):
    shown = catalogue[command.integration][command.id]["parameters"]["properties"]
    connection = {"bitdefender_gravityzone": "main", "gmail": "other1", "coda_footprint": "other2"}
    choices = {one.name: one.example for one in command.parameters if one.example and "enum" in shown[one.name]}
    for one in command.parameters:
        if one.example is None:
            continue
        schema = shown[one.name]
        examples = schema.get("examples", []) + [schema.get("default")] + schema.get("enum", [])
        if schema.get("type") == "boolean":
            examples = [False, True]
        is_shown = any(is_same(each, one.example) for each in examples if each is not None)
        if one.example in OTHER_EXAMPLES:
            assert not is_shown, (one, examples)
        else:
            check(command, one.name, "example", is_shown, examples)
        kinds = schema.get("type", "string")
        value = one.example if kinds == "string" or "string" in kinds else json_of(one.example)
        if kinds == "boolean":
            value = one.example == "True"
        answer = host.wait(host.request("invoke", {
            "integration": command.integration, "command": command.id, "connection": connection[command.integration],
            "arguments": {**choices, one.name: value}, "options": {"dry_run": True}}))[0]
        problems = answer.get("error", {}).get("data", {}).get("problems", [])
        assert [each for each in problems if each["path"].startswith(f"/arguments/{one.name}")] == []


@each_command
def test_sources_are_those_of_the_document(command, catalogue):
    shown = catalogue[command.integration][command.id]["parameters"]["properties"]
    for one in command.parameters:
        if one.source is None:
            continue
        id, fixed, anything = one.source
        sources = [(each["command"], each.get("with", {}), each.get("required", []))
                   for each in shown[one.name]["x-source"]]
        check(command, one.name, "source",
              any(each[0] == id and fixed.items() <= each[1].items() and set(anything) <= set(each[2])
                  for each in sources), sources)
    for title, source, path in command.notes:
        for one in command.parameters:
            if plain(one.title).removesuffix("s") == plain(title).removesuffix("s"):
                paths = [each["path"].removesuffix("[*]") for each in shown[one.name]["x-source"]
                         if each["command"] == source]
                path = re.sub(r"^\$(?=\w)", "$.", path).replace("$.[", "$[").removesuffix("[*]")
                check(command, one.name, "path", path in paths, paths)


@each_command
def test_error_samples_are_those_of_the_document(command, catalogue):
    shown = catalogue[command.integration][command.id]
    indicator, status, message = command.sample
    assert shown["failure_indicator"] == indicator
    assert shown["error_samples"] == [
        {"failure_indicator": indicator, "status_code": status, "message": message}]


def test_a_summary_has_no_error_samples(host):
    for integration in host.call("capabilities", {"detail": "summary"})["integrations"]:
        for command in integration["commands"]:
            assert not {"failure_indicator", "error_samples"} & set(command)
