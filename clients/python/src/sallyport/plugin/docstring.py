"""Descriptions from docstrings with an `Args:` section."""

from __future__ import annotations

import inspect
import re
from typing import Any, NamedTuple, Optional

#: Sections that describe parameters or attributes.
_OF_PARAMETERS = {"args:", "arguments:", "parameters:", "attributes:"}
#: Sections that end a description.
_OTHERS = {"returns:", "raises:", "yields:", "example:", "examples:", "note:", "notes:"}
_ENTRY = re.compile(r"(\*{0,2}\w+)\s*(?:\([^)]*\))?:\s*(.*)")


class Docstring(NamedTuple):
    """- `text`: everything before the first section, as one line per paragraph.
    - `parameters`: descriptions by name."""

    text: str
    parameters: dict[str, str]


def read_docstring(documented: Any) -> Docstring:
    text = documented.__doc__
    # A dataclass without a docstring gets its signature as one.
    if text is None or (isinstance(documented, type) and text.startswith(f"{documented.__name__}(")):
        return Docstring("", {})
    about: list[str] = []
    parameters: dict[str, str] = {}
    section: Optional[str] = None
    name, indent = "", 0
    for line in inspect.cleandoc(text).splitlines():
        word = line.strip().lower()
        if word in _OF_PARAMETERS or word in _OTHERS:
            section, name = word, ""
        elif section is None:
            about.append(line.strip())
        elif section in _OF_PARAMETERS and word:
            if not line[0].isspace():
                # A section ends where its indentation ends.
                section = "returns:"
                continue
            entry = _ENTRY.fullmatch(line.strip())
            depth = len(line) - len(line.lstrip())
            if entry and (not name or depth <= indent):
                name, indent = entry[1].lstrip("*"), depth
                parameters[name] = entry[2]
            elif name:
                parameters[name] = f"{parameters[name]} {line.strip()}".strip()
    paragraphs = "\n".join(about).strip().split("\n\n")
    return Docstring("\n\n".join(" ".join(one.split()) for one in paragraphs), parameters)
