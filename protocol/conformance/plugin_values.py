"""Settings and arguments for a plugin, made from its schemas."""

from __future__ import annotations

from typing import Any

URL = "http://127.0.0.1:1"


def settings_for(schema: Any, url: str) -> dict[str, Any]:
    """Values for all required settings, all secrets and all URLs. Secrets are placeholders."""
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    required = schema.get("required", []) if isinstance(schema, dict) else []
    made = {}
    for name, one in properties.items():
        if is_secret(one):
            made[name] = "{{secret:%s}}" % name
        elif isinstance(one, dict) and one.get("format") == "uri":
            made[name] = url
        elif name in required:
            made[name] = value_for(one, schema)
    return made


def is_secret(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("writeOnly") is True


def arguments_for(schema: Any) -> dict[str, Any]:
    """Values for all required parameters."""
    made = value_for({**schema, "type": "object"}, schema)
    return made if isinstance(made, dict) else {}


def value_for(schema: Any, root: Any, depth: int = 0) -> Any:
    """A value that the schema allows, for the usual schemas."""
    if not isinstance(schema, dict) or depth > 20:
        return "x"
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("examples", "enum"):
        if isinstance(schema.get(name), list) and schema[name]:
            return schema[name][0]
    if isinstance(schema.get("$ref"), str) and schema["$ref"].startswith("#/"):
        return value_for(_resolved(schema["$ref"], root), root, depth + 1)
    for name in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(name), list) and schema[name] and "properties" not in schema:
            return value_for(schema[name][0], root, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0] if kind else "string"
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: value_for(properties.get(name, {}), root, depth + 1) for name in schema.get("required", [])}
    if kind == "array":
        return [value_for(schema.get("items", {}), root, depth + 1)] * max(1, int(schema.get("minItems", 1)))
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return int(low) if low == int(low) else low
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    if schema.get("format") == "date-time":
        return "2026-11-20T12:00:00Z"
    return "x" * max(1, int(schema.get("minLength", 1)))


def _resolved(reference: str, root: Any) -> Any:
    at = root
    for part in reference[2:].split("/"):
        at = at.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(at, dict) else {}
    return at
