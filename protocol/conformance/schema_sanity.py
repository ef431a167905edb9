"""Checks that a JSON Schema (2020-12) is one: types of keywords, references, patterns, defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

TYPES = {"null", "boolean", "object", "array", "number", "string", "integer"}
SCHEMAS = {"additionalProperties", "unevaluatedProperties", "propertyNames", "items", "contains", "unevaluatedItems",
           "not", "if", "then", "else"}
MAPS = {"properties", "patternProperties", "$defs", "dependentSchemas"}
LISTS = {"allOf", "anyOf", "oneOf", "prefixItems"}
COUNTS = {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains",
          "maxContains"}
NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
TEXTS = {"title", "description", "format", "pattern", "$ref", "$id", "$schema", "$anchor", "$comment"}
FLAGS = {"uniqueItems", "writeOnly", "readOnly", "deprecated"}

Problem = tuple[str, str]


def problems_of(schema: Any) -> list[Problem]:
    """JSON Pointers with what is wrong there."""
    return list(_problems(schema, "", schema))


def _problems(schema: Any, path: str, root: Any) -> Iterator[Problem]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield path, "a schema is an object or a boolean"
        return
    for name, value in schema.items():
        at = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        yield from _keyword(name, value, at, root)
    properties = schema.get("properties")
    required = schema.get("required")
    if isinstance(properties, dict) and isinstance(required, list) and schema.get("additionalProperties") is False:
        for name in required:
            if name not in properties:
                yield f"{path}/required", f"{name!r} is required and is no property"
    if "default" in schema and not fits_type(schema["default"], schema):
        yield f"{path}/default", "the default does not fit the schema"


def _keyword(name: str, value: Any, at: str, root: Any) -> Iterator[Problem]:
    if name in SCHEMAS:
        yield from _problems(value, at, root)
    elif name in MAPS:
        if not isinstance(value, dict):
            yield at, "must be an object"
        else:
            for key, one in value.items():
                yield from _problems(one, f"{at}/{key.replace('~', '~0').replace('/', '~1')}", root)
    elif name in LISTS:
        if not isinstance(value, list) or not value:
            yield at, "must be a list with at least one schema"
        else:
            for place, one in enumerate(value):
                yield from _problems(one, f"{at}/{place}", root)
    elif name == "type":
        names = value if isinstance(value, list) else [value]
        if not names or any(not isinstance(one, str) or one not in TYPES for one in names):
            yield at, f"unknown type {value!r}"
    elif name == "enum" and (not isinstance(value, list) or not value):
        yield at, "must be a list with at least one value"
    elif name == "required" and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        yield at, "must be a list of names"
    elif name in COUNTS and not (_is_number(value) and value >= 0 and value == int(value)):
        yield at, "must be a count"
    elif name in NUMBERS and not _is_number(value):
        yield at, "must be a number"
    elif name in FLAGS and not isinstance(value, bool):
        yield at, "must be true or false"
    elif name in TEXTS and not isinstance(value, str):
        yield at, "must be text"
    elif name == "pattern":
        try:
            re.compile(value)
        except re.error as error:
            yield at, f"is not a regular expression: {error}"
    elif name == "$ref":
        if not value.startswith("#"):
            yield at, "refers to another document"
        elif not _resolves(value, root):
            yield at, "refers to nothing"


def _resolves(reference: str, root: Any) -> bool:
    if reference == "#":
        return True
    if not reference.startswith("#/"):
        return f'"$anchor": "{reference[1:]}"' in repr(root).replace("'", '"')
    at = root
    for part in reference[2:].split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(at, dict) and part in at:
            at = at[part]
        elif isinstance(at, list) and part.isdigit() and int(part) < len(at):
            at = at[int(part)]
        else:
            return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def fits_type(value: Any, schema: Any) -> bool:
    """By `type`, `enum` and `const` only."""
    if not isinstance(schema, dict):
        return schema is not False
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        return False
    names = schema.get("type")
    if names is None:
        return True
    return any(_is_of(value, one) for one in (names if isinstance(names, list) else [names]))


def _is_of(value: Any, name: str) -> bool:
    if name == "integer":
        return _is_number(value) and value == int(value)
    if name == "number":
        return _is_number(value)
    types = {"null": type(None), "boolean": bool, "object": dict, "array": list, "string": str}
    return isinstance(value, types.get(name, ()))
