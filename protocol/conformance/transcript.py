"""The grammar of transcripts; ../transcripts/README.md documents it."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import shlex
from collections.abc import Iterator

from comparison import read_json

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "transcripts"

STEPS = {"->", "raw", "<-", "<=", "unordered", "end", "keep", "stderr", "signal", "hang", "eof", "exit"}
#: Steps with a fixed text.
ONLY_TEXTS = {"signal": ("TERM", "INT"), "hang": ("up",), "eof": ("",), "unordered": ("",), "end": ("",)}
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}


class GrammarError(ValueError):
    """Invalid transcript; names the file and the line."""


@dataclasses.dataclass(frozen=True)
class Step:
    """- `number`: its line, from 1."""

    number: int
    word: str
    text: str

    def filled(self, kept: dict[str, str]) -> Step:
        """With kept strings in place of their names."""
        text = re.sub(r"\$\{(\w+)\}", lambda place: kept.get(place[1], place[0]), self.text)
        return dataclasses.replace(self, text=text)


@dataclasses.dataclass(frozen=True)
class Transcript:
    """- `about`: its first sentence of prose; `proves`: numbers of paragraphs; `arguments`: options of the host."""

    path: pathlib.Path
    about: str
    proves: tuple[str, ...]
    arguments: tuple[str, ...]
    steps: tuple[Step, ...]


def transcripts() -> list[Transcript]:
    """The transcripts of the protocol, in order."""
    return [read_transcript(path) for path in sorted(FOLDER.glob("*.txt"))]


def read_transcript(path: pathlib.Path) -> Transcript:
    """Raises GrammarError."""
    lines = path.read_text(encoding="utf-8").splitlines()
    about = next((line[1:].strip() for line in lines if line.startswith("#")), "")
    proves: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    steps: list[Step] = []
    for step in _written_steps(lines):
        if step.word == "proves" and not steps:
            proves += tuple(step.text.split())
        elif step.word == "args" and not steps:
            arguments = tuple(shlex.split(step.text))
        elif step.word in STEPS:
            steps.append(step)
        else:
            raise GrammarError(f"{path.name}:{step.number}: {step.word!r} is not allowed here")
        _check(step, path)
    _check_together(steps, path)
    return Transcript(path, about, proves, arguments, tuple(steps))


def _written_steps(lines: list[str]) -> Iterator[Step]:
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            word, _, text = line.partition(" ")
            yield Step(number, word, text)


def _check(step: Step, path: pathlib.Path) -> None:
    """Checks a single step, so that its error is not reported as the host's fault."""
    try:
        if step.word == "<-" and step.text != "nothing":
            read_json(step.text)
        elif step.word == "raw":
            bytes_of(step.text)
        elif step.word == "exit":
            int(step.text)
        elif step.word == "keep" and len(step.text.split()) != 2:
            raise ValueError("keep takes a name and a JSON Pointer")
        elif step.text not in ONLY_TEXTS.get(step.word, (step.text,)):
            raise ValueError(f"{step.word} takes {' or '.join(ONLY_TEXTS[step.word]) or 'nothing'}")
    except (ValueError, KeyError) as error:
        raise GrammarError(f"{path.name}:{step.number}: {error}") from None


def _check_together(steps: list[Step], path: pathlib.Path) -> None:
    kept = set()
    is_open = False
    for step in steps:
        unknown = set(re.findall(r"\$\{(\w+)\}", step.text)) - kept
        if unknown:
            raise GrammarError(f"{path.name}:{step.number}: nothing was kept as {min(unknown)}")
        if step.word == "keep":
            kept.add(step.text.split()[0])
        if step.word in ("unordered", "end"):
            if is_open == (step.word == "unordered"):
                raise GrammarError(f"{path.name}:{step.number}: {step.word} is not allowed here")
            is_open = not is_open
        elif is_open and step.word not in ("<-", "<="):
            raise GrammarError(f"{path.name}:{step.number}: {step.word} is not allowed in unordered")
    if is_open:
        raise GrammarError(f"{path.name}: unordered without end")


def bytes_of(text: str) -> bytes:
    """The bytes of a `raw` step."""
    pieces = re.split(r"\\(x[0-9a-fA-F]{2}|.)", text)
    data = b""
    for at, piece in enumerate(pieces):
        if at % 2 == 0:
            data += piece.encode()
        else:
            data += bytes([int(piece[1:], 16)]) if piece[0] == "x" else ESCAPES[piece]
    return data
