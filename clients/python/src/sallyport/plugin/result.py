"""Results that are more than a body."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Optional

SUCCESSFUL = "Successful"
PARTIALLY_SUCCESSFUL = "Partially Successful"
FAILED = "Failed"

#: Marks a member that the result does not have; None is JSON's null.
ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()


@dataclasses.dataclass
class Result:
    """A command may return its body, or this.

    - `raw_data`: the vendor's body.
    - `files`: references; those of `call.file_put` are added by themselves.
    - `events`, `cursor`: of a command with `events`.
    - `notices`: further facts for the caller.
    - `targets`, `errors`: see `call.targets`.
    """

    raw_data: Any = ABSENT
    return_data: str = SUCCESSFUL
    files: Sequence[Mapping[str, Any]] = ()
    events: Optional[Sequence[Mapping[str, Any]]] = None
    cursor: Optional[str] = None
    notices: Sequence[str] = ()
    targets: Optional[Sequence[Mapping[str, Any]]] = None
    errors: Optional[Sequence[Mapping[str, Any]]] = None


@dataclasses.dataclass(frozen=True)
class Events:
    """Declares that a command fetches events.

    - `fields`: a JSONPath of simple names (`$.a.b`) by name of the field. A value that does not start with
      `$` is a constant.
    - `main`: the path of the event in a document.
    - `cursor`: the parameter that continues where an earlier result ended.
    """

    fields: Mapping[str, str]
    main: str = "$"
    cursor: str = "cursor"

    def schema(self) -> dict[str, Any]:
        return {
            "main_event_json_path": self.main,
            "fields": [
                {"name": name, "path": path} if path.startswith("$") else {"name": name, "value": path}
                for name, path in self.fields.items()],
            "cursor": self.cursor,
        }

    def event(self, raw: Any) -> dict[str, Any]:
        """The event of a document."""
        raw = select(self.main, raw)
        found = {
            name: select(path, raw) if path.startswith("$") else path for name, path in self.fields.items()}
        return {"fields": {name: value for name, value in found.items() if value is not None}, "raw": raw}


def path_names(path: str) -> Optional[list[str]]:
    """The member names of `$.a.b`; None for any other JSONPath."""
    first, *names = path.split(".")
    is_simple = all(name.replace("_", "a").replace("-", "a").isalnum() for name in names)
    return names if first == "$" and is_simple else None


def select(path: str, value: Any) -> Any:
    """The value at `$.a.b`; None if it is missing."""
    for name in path_names(path) or ():
        value = value.get(name) if isinstance(value, dict) else None
    return value
