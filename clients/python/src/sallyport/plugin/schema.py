"""JSON Schemas of Python types, and the readers that turn JSON into their values."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import re
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Literal, Optional, Union

from .docstring import read_docstring
from .errors import Problem, close_match

Schema = dict[str, Any]
#: Reads a JSON value at a JSON Pointer. Adds its problems to the list.
Reader = Callable[[Any, str, list[Problem]], Any]

#: Reads the members of an object into keyword arguments.
MembersReader = Callable[[Mapping[str, Any], str, list[Problem]], dict[str, Any]]

_ACRONYMS = {"api": "API", "id": "ID", "ids": "IDs", "ip": "IP", "url": "URL", "urls": "URLs"}
_UNION_TYPES = (Union, getattr(__import__("types"), "UnionType", Union))
_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_OBJECTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


class Secret(str):
    """A secret setting. By default it holds the placeholder that the host replaces in requests.

    It does not show its value in `repr`, so that a log of all settings does not contain it.
    """

    def __repr__(self) -> str:
        return "Secret(…)"


class URL(str):
    """A setting with an address of the vendor. The host allows requests to its origin."""


@dataclasses.dataclass(frozen=True)
class Field:
    """Restricts and describes a value: `Annotated[int, Field(minimum=1, maximum=100)]`.

    - `source`: the command and the JSONPath into its result where values come from.
    """

    description: Optional[str] = None
    title: Optional[str] = None
    minimum: Optional[float] = None
    maximum: Optional[float] = None
    min_length: Optional[int] = None
    max_length: Optional[int] = None
    pattern: Optional[str] = None
    min_items: Optional[int] = None
    max_items: Optional[int] = None
    examples: Optional[Sequence[Any]] = None
    source: Optional[tuple[str, str]] = None

    def schema(self) -> Schema:
        made: Schema = {}
        for name, value in (
            ("title", self.title), ("description", self.description), ("minimum", self.minimum),
            ("maximum", self.maximum), ("minLength", self.min_length), ("maxLength", self.max_length),
            ("pattern", self.pattern), ("minItems", self.min_items), ("maxItems", self.max_items),
        ):  # fmt: skip
            if value is not None:
                made[name] = value
        if self.examples is not None:
            made["examples"] = list(self.examples)
        if self.source is not None:
            made["x-source"] = [{"command": self.source[0], "path": self.source[1]}]
        return made

    def problem(self, value: Any) -> Optional[str]:
        """Why the value is not allowed."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if self.minimum is not None and value < self.minimum:
                return f"must be at least {self.minimum:g}"
            if self.maximum is not None and value > self.maximum:
                return f"must be at most {self.maximum:g}"
        elif isinstance(value, str):
            if self.min_length is not None and len(value) < self.min_length:
                return f"must have at least {self.min_length} characters"
            if self.max_length is not None and len(value) > self.max_length:
                return f"must have at most {self.max_length} characters"
            if self.pattern is not None and not re.search(self.pattern, value):
                return f"must match the pattern {self.pattern}"
        elif isinstance(value, list):
            if self.min_items is not None and len(value) < self.min_items:
                return f"must have at least {self.min_items} elements"
            if self.max_items is not None and len(value) > self.max_items:
                return f"must have at most {self.max_items} elements"
        return None


class UnsupportedType(TypeError):
    """A type hint that has no JSON Schema."""


@dataclasses.dataclass(frozen=True)
class TypeSchema:
    """- `is_optional`: None is allowed, and means the same as leaving it out."""

    schema: Schema
    read: Reader
    is_optional: bool = False


def schema_of(hint: Any) -> TypeSchema:
    """Raises UnsupportedType."""
    if hint is Any or hint is object:
        return TypeSchema({}, lambda value, path, problems: value)
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return _annotated(hint)
    if origin in _UNION_TYPES:
        return _union(typing.get_args(hint))
    if origin is Literal:
        return _choice(typing.get_args(hint))
    if origin in _LISTS or hint in _LISTS:
        return _list(schema_of((typing.get_args(hint) or (Any,))[0]))
    if origin is tuple and typing.get_args(hint)[1:] == (...,):
        return _list(schema_of(typing.get_args(hint)[0]))
    if origin in _OBJECTS or hint in _OBJECTS:
        return _map(*(typing.get_args(hint) or (str, Any)))
    if isinstance(hint, type):
        return _class(hint)
    supertype = getattr(hint, "__supertype__", None)
    if supertype is not None:
        return schema_of(supertype)
    raise UnsupportedType(f"{hint} has no JSON Schema; use a plain type, a dataclass or Any")


def _class(hint: type) -> TypeSchema:
    if hint is bool:
        return _plain("boolean", "true or false", lambda value: value is True or value is False)
    if hint is int:
        return TypeSchema({"type": "integer"}, _read_integer)
    if hint is float:
        return _plain("number", "a number", _is_number)
    if hint is type(None):
        return _plain("null", "null", lambda value: value is None)
    if issubclass(hint, enum.Enum):
        return _enumeration(hint)
    if issubclass(hint, str):
        return _text(hint)
    if dataclasses.is_dataclass(hint):
        return object_schema(hint)
    if hasattr(hint, "__total__") and issubclass(hint, dict):
        return _typed_dict(hint)
    raise UnsupportedType(f"{hint.__name__} has no JSON Schema; use a plain type, a dataclass or Any")


def _plain(type_name: str, expected: str, fits: Callable[[Any], bool]) -> TypeSchema:
    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        if not fits(value):
            problems.append(Problem(path, f"must be {expected}, not {_described(value)}"))
        return value

    return TypeSchema({"type": type_name}, read)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _read_integer(value: Any, path: str, problems: list[Problem]) -> Any:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    problems.append(Problem(path, f"must be an integer, not {_described(value)}"))
    return value


def _text(hint: type) -> TypeSchema:
    schema: Schema = {"type": "string"}
    if issubclass(hint, Secret):
        schema["writeOnly"] = True
    if issubclass(hint, URL):
        schema["format"] = "uri"

    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        if isinstance(value, str):
            return value if hint is str else hint(value)
        problems.append(Problem(path, f"must be text, not {_described(value)}"))
        return value

    return TypeSchema(schema, read)


def _choice(values: Sequence[Any]) -> TypeSchema:
    schema: Schema = {"enum": list(values)}
    if all(isinstance(one, str) for one in values):
        schema = {"type": "string", **schema}

    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        if not any(value == one and type(value) is type(one) for one in values):
            texts = [one for one in values if isinstance(one, str)]
            close = close_match(value, texts) if isinstance(value, str) else None
            names = ", ".join(str(one) for one in values)
            problems.append(Problem(path, f"unknown value; expected one of: {names}", close))
        return value

    return TypeSchema(schema, read)


def _enumeration(hint: type[enum.Enum]) -> TypeSchema:
    choice = _choice([one.value for one in hint])

    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        before = len(problems)
        choice.read(value, path, problems)
        return hint(value) if len(problems) == before else value

    return TypeSchema(choice.schema, read)


def _list(element: TypeSchema) -> TypeSchema:
    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        if not isinstance(value, list):
            problems.append(Problem(path, f"must be a list, not {_described(value)}"))
            return value
        return [element.read(one, f"{path}/{at}", problems) for at, one in enumerate(value)]

    return TypeSchema({"type": "array", **({"items": element.schema} if element.schema else {})}, read)


def _map(key: Any, value_hint: Any) -> TypeSchema:
    if key not in (str, Any):
        raise UnsupportedType(f"keys of JSON objects are text, not {key}")
    element = schema_of(value_hint)

    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        if not isinstance(value, dict):
            problems.append(Problem(path, f"must be an object, not {_described(value)}"))
            return value
        return {name: element.read(one, f"{path}/{_escaped(name)}", problems) for name, one in value.items()}

    further = {"additionalProperties": element.schema} if element.schema else {}
    return TypeSchema({"type": "object", **further}, read)


def _union(hints: Sequence[Any]) -> TypeSchema:
    members = [schema_of(one) for one in hints if one is not type(None)]
    is_optional = len(members) < len(hints)
    if len(members) == 1:
        one = members[0]

        def read_one(value: Any, path: str, problems: list[Problem]) -> Any:
            return None if value is None else one.read(value, path, problems)

        return TypeSchema(one.schema, read_one, is_optional=True)

    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        if value is None and is_optional:
            return None
        for member in members:
            found: list[Problem] = []
            made = member.read(value, path, found)
            if not found:
                return made
        problems.append(Problem(path, f"{_described(value)} is none of the allowed types"))
        return value

    return TypeSchema({"anyOf": [one.schema for one in members]}, read, is_optional)


def _annotated(hint: Any) -> TypeSchema:
    base, *markers = typing.get_args(hint)
    made = schema_of(base)
    for marker in markers:
        if isinstance(marker, str):
            marker = Field(description=marker)
        if isinstance(marker, Field):
            made = _restricted(made, marker)
    return made


def _restricted(base: TypeSchema, field: Field) -> TypeSchema:
    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        before = len(problems)
        made = base.read(value, path, problems)
        if len(problems) == before:
            problem = field.problem(made)
            if problem:
                problems.append(Problem(path, problem))
        return made

    return dataclasses.replace(base, schema={**base.schema, **field.schema()}, read=read)


def _typed_dict(hint: type) -> TypeSchema:
    hints = typing.get_type_hints(hint, include_extras=True)
    members = {name: schema_of(one) for name, one in hints.items()}
    required = [name for name in hints if name in getattr(hint, "__required_keys__", hints)]
    descriptions = read_docstring(hint).parameters

    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        if not isinstance(value, dict):
            problems.append(Problem(path, f"must be an object, not {_described(value)}"))
            return value
        missing = [name for name in required if name not in value]
        problems.extend(Problem(f"{path}/{_escaped(name)}", "is missing") for name in missing)
        return {
            name: members[name].read(one, f"{path}/{_escaped(name)}", problems) if name in members else one
            for name, one in value.items()}

    return TypeSchema(_open_object(members, required, descriptions), read)


class Member(typing.NamedTuple):
    """One property: a parameter of a command, or a field of a dataclass."""

    name: str
    type: TypeSchema
    has_default: bool
    schema: Schema

    @property
    def is_required(self) -> bool:
        return not self.has_default and not self.type.is_optional


def object_schema(hint: type) -> TypeSchema:
    """The schema of a dataclass, which reads an object into an instance."""
    hints = typing.get_type_hints(hint, include_extras=True)
    descriptions = read_docstring(hint).parameters
    members = []
    for field in dataclasses.fields(hint):
        if field.init:
            is_plain = field.default is not dataclasses.MISSING
            has_default = is_plain or field.default_factory is not dataclasses.MISSING
            default = field.default if is_plain else None
            description = descriptions.get(field.name)
            members.append(member(field.name, hints[field.name], has_default, default, description))
    read_members = members_reader(members)

    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        if not isinstance(value, dict):
            problems.append(Problem(path, f"must be an object, not {_described(value)}"))
            return value
        before = len(problems)
        made = read_members(value, path, problems)
        return hint(**made) if len(problems) == before else value

    return TypeSchema(members_schema(members), read)


def member(name: str, hint: Any, has_default: bool, default: Any, description: Optional[str]) -> Member:
    made = schema_of(hint)
    schema: Schema = {"title": title_of(name)}
    if description:
        schema["description"] = description
    schema.update(made.schema)
    if has_default and default is not None:
        value = default.value if isinstance(default, enum.Enum) else default
        if isinstance(value, (str, int, float, bool, list, dict)):
            problems: list[Problem] = []
            made.read(value, "", problems)
            if problems:
                raise UnsupportedType(f"the default of {name} {problems[0].message}")
            if "writeOnly" not in schema:
                schema["default"] = value
    return Member(name, made, has_default, schema)


def members_schema(members: Sequence[Member]) -> Schema:
    schema: Schema = {"type": "object", "properties": {one.name: one.schema for one in members}}
    required = [one.name for one in members if one.is_required]
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    return schema


def members_reader(members: Sequence[Member]) -> MembersReader:
    """Reads the members of an object. None means the same as leaving out a member."""
    by_name = {one.name: one for one in members}
    required = [one.name for one in members if one.is_required]
    without_default = [one.name for one in members if one.type.is_optional and not one.has_default]

    def read(value: Mapping[str, Any], path: str, problems: list[Problem]) -> dict[str, Any]:
        made: dict[str, Any] = dict.fromkeys(without_default)
        for name, given in value.items():
            known = by_name.get(name)
            if known is None:
                close = close_match(name, by_name)
                problems.append(Problem(f"{path}/{_escaped(name)}", "unknown parameter", close))
            elif given is not None or known.is_required:
                made[name] = known.type.read(given, f"{path}/{_escaped(name)}", problems)
        for name in required:
            if name not in value:
                problems.append(Problem(f"{path}/{_escaped(name)}", "is missing"))
        return made

    return read


def _open_object(
    members: Mapping[str, TypeSchema], required: Sequence[str], descriptions: Mapping[str, str]
) -> Schema:
    properties = {
        name: {**({"description": descriptions[name]} if name in descriptions else {}), **one.schema}
        for name, one in members.items()}
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return schema


def title_of(name: str) -> str:
    """`list_devices` is List Devices, `server_url` is Server URL."""
    return " ".join(_ACRONYMS.get(word) or word[:1].upper() + word[1:] for word in name.split("_") if word)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _described(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    for kind, name in ((str, "text"), (list, "a list"), (dict, "an object")):
        if isinstance(value, kind):
            return name
    return type(value).__name__
