"""Reads the project's documents: their links and the sessions that they show.

A session is a fenced block of the language `console`: lines that start with `$ ` are commands, which
continue after a backslash or a pipe at the end of a line, and the lines below are what they print.
`…` in an expected line matches any text; an expected line `…` matches any number of lines. A comment
right above a block changes that: `<!-- not run: REASON -->`, or `<!-- output: PROGRAM -->` if another
test runs it. A block below `<!-- file: NAME -->` is a file that the commands of that document find.

Run as a program, it runs the sessions of the documents and writes what the commands print into them.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from Support.host import EXECUTABLE, ROOT, TIMEOUT, environment  # noqa: E402

BLOCK = re.compile(r"^(?:<!-- (?P<mark>.+?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclasses.dataclass(frozen=True)
class Session:
    document: pathlib.Path
    command: str
    expected: str


def documents() -> list[pathlib.Path]:
    """All Markdown files of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True)
    names = listed.stdout.split() if listed.returncode == 0 else []
    paths = [ROOT / name for name in names] or [
        path for path in ROOT.rglob("*.md") if ".build" not in path.parts]
    return sorted(path for path in paths if path.is_file())


def blocks(path: pathlib.Path, language: str) -> Iterator[re.Match[str]]:
    for found in BLOCK.finditer(path.read_text("utf-8")):
        if found["language"] == language:
            yield found


def sessions(path: pathlib.Path) -> list[Session]:
    return [session for block in blocks(path, "console") if not is_elsewhere(block)
            for session in split(path, block["text"])]


def is_elsewhere(block: re.Match[str]) -> bool:
    return (block["mark"] or "").startswith(("not run: ", "output: "))


def split(path: pathlib.Path, text: str) -> list[Session]:
    found: list[tuple[list[str], list[str]]] = []
    is_open = False
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif is_open:
            found[-1][0].append(line)
        else:
            found[-1][1].append(line)
            continue
        is_open = line.endswith(("\\", "|"))
    return [Session(path, "\n".join(command), "\n".join(lines).rstrip("\n"))
            for command, lines in found]


def run(session: Session) -> str:
    """What the command prints, on stdout and stderr, in a folder where the project's files are too."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        for name in ("protocol", "clients"):
            (path / name).symlink_to(ROOT / name)
        for block in BLOCK.finditer(session.document.read_text("utf-8")):
            if (block["mark"] or "").startswith("file: "):
                file = path / block["mark"].removeprefix("file: ")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block["text"], "utf-8")
        (path / "bin").mkdir()
        (path / "bin/sallyport").symlink_to(os.path.abspath(EXECUTABLE))
        ended = subprocess.run(
            ["bash", "-c", session.command], cwd=path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, timeout=TIMEOUT,
            env=environment({"PATH": f"{path}/bin:{os.environ['PATH']}"}))
    return "\n".join(line.rstrip() for line in ended.stdout.splitlines()).rstrip("\n")


def matches(expected: str, printed: str) -> bool:
    pattern = ""
    for line in expected.split("\n"):
        pattern += r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
    return re.fullmatch(pattern, printed + "\n") is not None


def with_wildcards(expected: str, printed: str) -> str:
    """What was printed, with the expected line in place of each line that it matches."""
    patterns = [line for line in expected.split("\n") if "…" in line and line != "…"]
    return "\n".join(
        next((each for each in patterns if matches(each, line)), line) for line in printed.split("\n"))


def update(path: pathlib.Path) -> bool:
    """Writes what the commands print into the document; whether something has changed."""
    text = path.read_text("utf-8")

    def replacement(block: re.Match[str]) -> str:
        if block["language"] != "console" or is_elsewhere(block):
            return block[0]
        parts = []
        for session in split(path, block["text"]):
            printed = run(session)
            if matches(session.expected, printed):
                printed = session.expected
            parts.append(f"$ {session.command}\n{with_wildcards(session.expected, printed)}".rstrip() + "\n")
        return block[0].replace(block["text"], "\n".join(parts))

    changed = BLOCK.sub(replacement, text)
    path.write_text(changed, "utf-8")
    return changed != text


def headings(path: pathlib.Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.M | re.S)
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.M)}


def broken_links(path: pathlib.Path) -> list[str]:
    """The relative links that lead to no file, or to no heading of it."""
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "", text)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in headings(target)):
            broken.append(link)
    return broken


if __name__ == "__main__":
    for document in documents():
        if update(document):
            print(f"wrote: {document.relative_to(ROOT)}")
    sys.exit(0)
