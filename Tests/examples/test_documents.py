"""The documents: sessions print what is shown, links lead somewhere, README stays short.

If a text of the executable changes, `python3 Tests/Support/documents.py` writes the sessions anew.
"""

from __future__ import annotations

import json
import pathlib
import re
import textwrap

import pytest
from Support.documents import Session, blocks, broken_links, documents, matches, run, sessions
from Support.host import ROOT

DOCUMENTS = documents()
SESSIONS = [session for path in DOCUMENTS for session in sessions(path)]
COMMANDS = {"demo": "sh protocol/examples/tour.sh", "test": "sh Tests/run-all.sh"}
INTEGRATIONS = sorted((ROOT / "Sources/Integrations").glob("*/README.md"))


def name(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("session", SESSIONS, ids=lambda one: f"{name(one.document)}: {one.command[:60]}")
def test_the_command_prints_what_the_document_shows(session: Session):
    printed = run(session)
    if not matches(session.expected, printed):
        assert printed == session.expected


def test_the_documents_show_sessions():
    shown = {name(session.document) for session in SESSIONS}
    assert {"README.md", "protocol/guide/sandbox.md", "protocol/guide/files.md"} <= shown


def test_readme_is_short():
    assert (ROOT / "README.md").stat().st_size < 12_288


@pytest.mark.parametrize("mark", COMMANDS)
def test_readme_has_the_command(mark: str):
    text = (ROOT / "README.md").read_text("utf-8")
    assert re.findall(rf"<!-- command: {mark} -->\n```sh\n(.*?)```", text, re.S) == [COMMANDS[mark] + "\n"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_relative_link_resolves(path: pathlib.Path):
    assert broken_links(path) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_a_block_that_is_from_a_file_is_in_that_file(path: pathlib.Path):
    for language in ("python", "go", "sh", "swift"):
        for block in blocks(path, language):
            if (block["mark"] or "").startswith("from: "):
                source = (ROOT / block["mark"].removeprefix("from: ")).read_text("utf-8")
                indents = {line[: len(line) - len(line.lstrip())] for line in source.splitlines()}
                assert any(
                    textwrap.indent(block["text"], indent) in source for indent in indents), block["text"]


@pytest.mark.parametrize("path", [each for each in DOCUMENTS if "guide" in each.parts], ids=name)
def test_json_is_json(path: pathlib.Path):
    for block in blocks(path, "json"):
        json.loads(block["text"].replace("…", ""))


@pytest.mark.parametrize("path", INTEGRATIONS, ids=name)
def test_the_names_in_the_document_are_in_the_source(path: pathlib.Path):
    source = "\n".join(each.read_text("utf-8") for each in path.parent.rglob("*.swift"))
    rows = re.findall(r"^\|.*\| (`.*`) \|$", path.read_text("utf-8"), re.M)
    names = [each for row in rows for each in re.findall(r"`([\w.]+)`", row)]
    assert names
    for each in names:
        if each.endswith(".swift"):
            assert list(path.parent.rglob(each)), each
        else:
            assert re.search(rf"\b{each.split('.')[-1]}\b", source), each
