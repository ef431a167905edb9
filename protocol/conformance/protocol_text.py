"""The sections and paragraphs of the protocol, taken from its text."""

from __future__ import annotations

import dataclasses
import pathlib
import re

TEXT = pathlib.Path(__file__).resolve().parent.parent / "README.md"


@dataclasses.dataclass(frozen=True)
class Section:
    """- `paragraphs`: their numbers, such as 2.1."""

    number: str
    title: str
    paragraphs: tuple[str, ...]


def sections() -> list[Section]:
    text = TEXT.read_text(encoding="utf-8")
    paragraphs = re.findall(r"^(\d+\.\d+)\. ", text, re.MULTILINE)
    return [
        Section(number, title, tuple(one for one in paragraphs if one.split(".")[0] == number))
        for number, title in re.findall(r"^## (\d+)\. (.+)$", text, re.MULTILINE)]
