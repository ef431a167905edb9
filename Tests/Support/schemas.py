"""The JSON Schemas of protocol/schema, each by its name."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

import jsonschema
import referencing
from Support.host import ROOT

FOLDER = ROOT / "protocol/schema"
DIALECT = jsonschema.Draft202012Validator

#: What a caller sends; the host passes over members of it that JSON-RPC does not have.
TO_HOST = {"line_to_host", "request"}


@functools.cache
def documents() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def closed(schema: Any) -> Any:
    """The schema without room for members that it does not name: nothing undocumented is sent."""
    if isinstance(schema, list):
        return [closed(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: closed(value) for name, value in schema.items()}
    if changed.get("type") == "object" and isinstance(changed.get("properties"), dict):
        changed.setdefault("additionalProperties", False)
    return changed


@functools.cache
def _registry(strict: bool) -> referencing.Registry:
    contents = {
        name: closed(document) if strict and name not in TO_HOST else copy.deepcopy(document)
        for name, document in documents().items()}
    return referencing.Registry().with_resources(
        (content["$id"], referencing.Resource.from_contents(content)) for content in contents.values())


@functools.cache
def validator(name: str, strict: bool = True) -> jsonschema.Draft202012Validator:
    """- `strict`: whether members that the schemas do not name are faults too."""
    return DIALECT({"$ref": documents()[name]["$id"]}, registry=_registry(strict))


def fault(name: str, value: Any) -> str | None:
    """Why the value is not as the schema says, or None when it is."""
    error = jsonschema.exceptions.best_match(validator(name).iter_errors(value))
    return error and f"{name}: {error.json_path}: {error.message}"
